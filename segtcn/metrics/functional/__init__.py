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

from segtcn.metrics.functional.average_precision import Detections as Detections
from segtcn.metrics.functional.average_precision import detections as detections
from segtcn.metrics.functional.average_precision import segmental_map as segmental_map
from segtcn.metrics.functional.boundaries import boundary_counts as boundary_counts
from segtcn.metrics.functional.boundaries import boundary_f1 as boundary_f1
from segtcn.metrics.functional.broken_segments import merge_counts as merge_counts
from segtcn.metrics.functional.broken_segments import over_segmentation as over_segmentation
from segtcn.metrics.functional.broken_segments import segment_count_error as segment_count_error
from segtcn.metrics.functional.broken_segments import split_counts as split_counts
from segtcn.metrics.functional.broken_segments import under_segmentation as under_segmentation
from segtcn.metrics.functional.delays import Delays as Delays
from segtcn.metrics.functional.delays import detection_delays as detection_delays
from segtcn.metrics.functional.delays import settled_frames as settled_frames
from segtcn.metrics.functional.edit import edit_counts as edit_counts
from segtcn.metrics.functional.edit import edit_score as edit_score
from segtcn.metrics.functional.frame_scores import class_counts as class_counts
from segtcn.metrics.functional.frame_scores import frame_accuracy as frame_accuracy
from segtcn.metrics.functional.frame_scores import frame_confusion as frame_confusion
from segtcn.metrics.functional.frame_scores import frame_counts as frame_counts
from segtcn.metrics.functional.ratios import Matches as Matches
from segtcn.metrics.functional.ratios import Share as Share
from segtcn.metrics.functional.ratios import mean_over_classes as mean_over_classes
from segtcn.metrics.functional.ratios import percent as percent
from segtcn.metrics.functional.segment_scores import check_threshold as check_threshold
from segtcn.metrics.functional.segment_scores import segment_counts as segment_counts
from segtcn.metrics.functional.segment_scores import segmental_f1 as segmental_f1
from segtcn.metrics.functional.segment_scores import segmental_precision as segmental_precision
from segtcn.metrics.functional.segment_scores import segmental_recall as segmental_recall
from segtcn.metrics.functional.sequences import Background as Background
from segtcn.metrics.functional.sequences import FrameLabels as FrameLabels
from segtcn.metrics.functional.sequences import background_classes as background_classes
