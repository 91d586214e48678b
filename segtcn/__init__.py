"""Temporal action segmentation: one action label for every frame of a video.

The names of the front door stand in ``__init__.pyi``. They are imported when they are used: ``import segtcn`` is fast.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
