r"""The scores of action segmentation as pure functions of two label sequences.

A segment is a maximal run of frames with one label, half-open: ``start <= t < stop``. ``background`` names classes that
are left out: None for none, one class index, or a collection of them. Segments are formed first and background segments
dropped afterwards, so two segments of one class with background between them stay two.

Nearly every score is a ratio of two counts, in percent, and never NaN. Where there is nothing to find and nothing was
found, both counts are zero and the score is 100; where only one side has something, it is 0.

Labels may be a tensor, an array or a list of integers, ``(T,)`` with ``T >= 1``; results are on the CPU.
"""

from segtcn.metrics.functional.accuracy import FrameCounts, frame_accuracy, frame_counts
from segtcn.metrics.functional.edit import EditCounts, edit_counts, edit_score
from segtcn.metrics.functional.labels import Background, Labels, background_classes, percent
from segtcn.metrics.functional.segments import (
    SegmentCounts,
    check_threshold,
    segment_counts,
    segmental_f1,
    segmental_precision,
    segmental_recall,
)

__all__ = [
    "Background",
    "EditCounts",
    "FrameCounts",
    "Labels",
    "SegmentCounts",
    "background_classes",
    "check_threshold",
    "edit_counts",
    "edit_score",
    "frame_accuracy",
    "frame_counts",
    "percent",
    "segment_counts",
    "segmental_f1",
    "segmental_precision",
    "segmental_recall",
]
