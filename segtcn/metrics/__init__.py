"""Scores of action segmentation: pure functions in `functional`, torchmetrics classes, and the protocols of papers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segtcn.metrics.confidence import CalibrationError, SegmentalMAP
    from segtcn.metrics.evaluation import (
        Evaluation,
        SegmentationScores,
        combine_videos,
        evaluate_videos,
        mean_over_splits,
        segmentation_scores,
    )
    from segtcn.metrics.frames import Confusion, FrameIoU, FramePrecision, FrameRecall
    from segtcn.metrics.granularity import BoundaryF1, OverSegmentation, SegmentCountError, UnderSegmentation
    from segtcn.metrics.protocols import PROTOCOLS, Protocol, classes_named
    from segtcn.metrics.scores import EditScore, FrameAccuracy, SegmentalF1, SegmentalPrecision, SegmentalRecall

__all__ = [
    "PROTOCOLS",
    "BoundaryF1",
    "CalibrationError",
    "Confusion",
    "EditScore",
    "Evaluation",
    "FrameAccuracy",
    "FrameIoU",
    "FramePrecision",
    "FrameRecall",
    "OverSegmentation",
    "Protocol",
    "SegmentCountError",
    "SegmentalF1",
    "SegmentalMAP",
    "SegmentalPrecision",
    "SegmentalRecall",
    "SegmentationScores",
    "UnderSegmentation",
    "classes_named",
    "combine_videos",
    "evaluate_videos",
    "mean_over_splits",
    "segmentation_scores",
]

_PARTS = ("confidence", "evaluation", "frames", "granularity", "protocols", "scores")


def __getattr__(name: str) -> Any:
    # the classes import torchmetrics, for which the functions need not wait
    if name in __all__:
        for part in _PARTS:
            found = vars(import_module(f"{__name__}.{part}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
