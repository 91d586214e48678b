r"""The scores of action segmentation as pure functions of two label sequences.

A segment is a maximal run of frames with one label, half-open: ``start <= t < stop``. ``background`` names classes that
are left out: None for none, one class index, or a collection of them. Segments are formed first and background segments
dropped afterwards, so two segments of one class with background between them stay two.

Nearly every score is a ratio of two counts, in percent, and never NaN. Where there is nothing to find and nothing was
found, both counts are zero and the score is 100; where only one side has something, it is 0.

Labels may be a tensor, an array or a list of integers, ``(T,)`` with ``T >= 1``; results are on the CPU. Frames whose
true label is :data:`~segtcn.structures.IGNORE` are left out, whatever is predicted there: the segments of both sides
end where such a stretch starts, and new ones start after it.
"""

from segtcn.metrics.functional.average_precision import Detections, detections, segmental_map
from segtcn.metrics.functional.boundaries import boundary_counts, boundary_f1
from segtcn.metrics.functional.broken_segments import (
    SplitCounts,
    merge_counts,
    over_segmentation,
    segment_count_error,
    split_counts,
    under_segmentation,
)
from segtcn.metrics.functional.calibration import CalibrationCounts, calibration_counts, calibration_error
from segtcn.metrics.functional.delays import Delays, detection_delays, settled_frames
from segtcn.metrics.functional.edit import EditCounts, edit_counts, edit_score
from segtcn.metrics.functional.frame_scores import (
    FrameCounts,
    class_counts,
    frame_accuracy,
    frame_confusion,
    frame_counts,
    frame_iou,
    frame_precision,
    frame_recall,
    segment_confusion,
)
from segtcn.metrics.functional.ratios import Matches, mean_over_classes, percent
from segtcn.metrics.functional.segment_scores import (
    check_threshold,
    segment_counts,
    segmental_f1,
    segmental_precision,
    segmental_recall,
)
from segtcn.metrics.functional.sequences import Background, FrameLabels, background_classes

__all__ = [
    "Background",
    "CalibrationCounts",
    "Delays",
    "Detections",
    "EditCounts",
    "FrameCounts",
    "FrameLabels",
    "Matches",
    "SplitCounts",
    "background_classes",
    "boundary_counts",
    "boundary_f1",
    "calibration_counts",
    "calibration_error",
    "check_threshold",
    "class_counts",
    "detection_delays",
    "detections",
    "edit_counts",
    "edit_score",
    "frame_accuracy",
    "frame_confusion",
    "frame_counts",
    "frame_iou",
    "frame_precision",
    "frame_recall",
    "mean_over_classes",
    "merge_counts",
    "over_segmentation",
    "percent",
    "segment_confusion",
    "segment_count_error",
    "segment_counts",
    "segmental_f1",
    "segmental_map",
    "segmental_precision",
    "segmental_recall",
    "settled_frames",
    "split_counts",
    "under_segmentation",
]
