"""What segtcn costs: a page of `docs/results` for most modules. A package, since pyarrow 17 installs one of this name."""
