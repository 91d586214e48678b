"""Scores of action segmentation: pure functions in `functional`, torchmetrics classes, and the protocols of papers.

Scores of frames that torchmetrics has are not here: take its `MulticlassPrecision`, `MulticlassRecall`,
`MulticlassJaccardIndex`, `MulticlassConfusionMatrix` and `MulticlassCalibrationError`, with
``ignore_index=segtcn.structures.IGNORE``.

The names stand in ``__init__.pyi``. They are imported when they are used: the pure functions need not wait for
torchmetrics.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
