"""Scores of action segmentation: pure functions in `functional`, torchmetrics classes, and the protocols of papers."""

from segtcn.metrics.evaluation import (
    Evaluation,
    SegmentationScores,
    combine_videos,
    evaluate_videos,
    mean_over_splits,
    segmentation_scores,
)
from segtcn.metrics.protocols import PROTOCOLS, Protocol, classes_named
from segtcn.metrics.scores import EditScore, FrameAccuracy, SegmentalF1, SegmentalPrecision, SegmentalRecall

__all__ = [
    "PROTOCOLS",
    "EditScore",
    "Evaluation",
    "FrameAccuracy",
    "Protocol",
    "SegmentalF1",
    "SegmentalPrecision",
    "SegmentalRecall",
    "SegmentationScores",
    "classes_named",
    "combine_videos",
    "evaluate_videos",
    "mean_over_splits",
    "segmentation_scores",
]
