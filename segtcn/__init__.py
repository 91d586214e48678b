"""segtcn: temporal action segmentation, one action label for every frame of a video."""

__version__ = "0.1.0"
