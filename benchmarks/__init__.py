"""What segtcn costs, by the page of `docs/results`; a package, since pyarrow 17 installs one of this name."""
