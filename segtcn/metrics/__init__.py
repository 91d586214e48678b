"""Scores of action segmentation: pure functions in `functional`, torchmetrics classes, and the protocols of papers."""

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
