"""Scores of action segmentation: pure functions in `functional`, torchmetrics classes, and the protocols of papers."""

from segtcn.metrics.protocols import PROTOCOLS, Protocol, segmentation_scores
from segtcn.metrics.scores import EditScore, FrameAccuracy, SegmentalF1

__all__ = ["PROTOCOLS", "EditScore", "FrameAccuracy", "Protocol", "SegmentalF1", "segmentation_scores"]
