"""Segments that were found: counts of true and false positives and misses, and the scores made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segtcn.metrics.functional.labels import (
    Background,
    Frames,
    Labels,
    Runs,
    check_labels,
    count_classes,
    is_foreground,
    percent,
    to_runs,
)


class SegmentCounts(NamedTuple):
    """What segmental F1, precision and recall are made of, for K thresholds.

    Args:
        tp: true segments that were found, ``(K,)`` or by class ``(K, C)``, int64.
        fp: predicted segments that found nothing, or only what another had found already, the same shape.
        fn: true segments that were not found, the same shape.
    """

    tp: Tensor
    fp: Tensor
    fn: Tensor


class Pieces(NamedTuple):
    """The stretches of time that lie in one predicted and one true run each, in time order, P of them.

    Args:
        pred: index of the predicted run, ``(P,)``.
        true: index of the true run, ``(P,)``.
        length: frames, ``(P,)``; 0 for what is left of a last run without its only frame.
    """

    pred: Frames
    true: Frames
    length: Frames


def segmental_f1(preds: Labels, labels: Labels, threshold: float, background: Background = None) -> Tensor:
    """F1 of the segments, a predicted one counting if it overlaps a true one of its class well enough.

    ``100 * 2 tp / (2 tp + fp + fn)`` with the counts of :func:`segment_counts`; 100 if there is no segment at all.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        threshold: smallest intersection over union that counts, ``0 < threshold <= 1``: F1@10 of the field's tables is
            ``0.1``.
        background: segments of these classes are left out on both sides.

    Returns:
        Percent, ``()`` float32.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`, and if ``threshold`` is not in its range.

    Example:
        The overlap of the segments 1 is 2 of 3 frames, of the segments 2 it is 1 of 2.

        >>> segmental_f1([1, 1, 1, 2], [1, 1, 2, 2], threshold=0.5)
        tensor(100.)
        >>> segmental_f1([1, 1, 1, 2], [1, 1, 2, 2], threshold=0.6)
        tensor(50.)

    Reference:
        Lea et al., "Temporal Convolutional Networks for Action Segmentation and Detection", CVPR 2017, section 4.1.
    """
    tp, fp, fn = segment_counts(preds, labels, [threshold], background)
    return percent(2 * tp, 2 * tp + fp + fn)[0]


def segmental_precision(preds: Labels, labels: Labels, threshold: float, background: Background = None) -> Tensor:
    """Share of the predicted segments that found a true one.

    ``100 * tp / (tp + fp)`` with the counts of :func:`segment_counts`. Without a predicted segment it is 100 if there
    was none to find, and 0 otherwise.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        threshold: smallest intersection over union that counts, ``0 < threshold <= 1``.
        background: segments of these classes are left out on both sides.

    Returns:
        Percent, ``()`` float32.

    Raises:
        ValueError: as :func:`segmental_f1`.

    Example:
        >>> segmental_precision([1, 1, 2, 1], [1, 1, 1, 1], threshold=0.5)
        tensor(33.3333)
    """
    tp, fp, fn = segment_counts(preds, labels, [threshold], background)
    return percent(*precision_ratio(tp, fp, fn))[0]


def segmental_recall(preds: Labels, labels: Labels, threshold: float, background: Background = None) -> Tensor:
    """Share of the true segments that were found.

    ``100 * tp / (tp + fn)`` with the counts of :func:`segment_counts`. Without a true segment it is 100 if none was
    predicted, and 0 otherwise.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        threshold: smallest intersection over union that counts, ``0 < threshold <= 1``.
        background: segments of these classes are left out on both sides.

    Returns:
        Percent, ``()`` float32.

    Raises:
        ValueError: as :func:`segmental_f1`.

    Example:
        >>> segmental_recall([1, 1, 2, 1], [1, 1, 1, 1], threshold=0.5)
        tensor(100.)
    """
    tp, fp, fn = segment_counts(preds, labels, [threshold], background)
    return percent(*precision_ratio(tp, fn, fp))[0]


def segment_counts(
    preds: Labels,
    labels: Labels,
    thresholds: Sequence[float],
    background: Background = None,
    num_classes: int | None = None,
    drop_last_frame: bool = False,
) -> SegmentCounts:
    """Count found, false and missed segments at several thresholds in one pass.

    Each predicted segment is compared with one true segment only: the one of its class with the largest intersection
    over union (IoU), the first in time where two are equal. It is a true positive if that IoU is at least the threshold
    and no earlier predicted segment has taken the same true segment; otherwise it is a false positive, even where
    another true segment would have been free.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        thresholds: K smallest IoUs that count, each ``0 < threshold <= 1``.
        background: segments of these classes are left out on both sides.
        num_classes: C to count by class, None to count all together.
        drop_last_frame: let the last segment of both sequences stop at ``T - 1``, as some papers' evaluation does. One
            of a single frame is then counted, but overlaps nothing.

    Returns:
        The counts, each ``(K,)`` or ``(K, C)``.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`, if a threshold is not in its range, and if a
            label is not below ``num_classes``.

    Example:
        >>> segment_counts([1, 1, 1, 2], [1, 1, 2, 2], thresholds=[0.5, 0.6])
        SegmentCounts(tp=tensor([2, 1]), fp=tensor([0, 1]), fn=tensor([0, 1]))
    """
    for threshold in thresholds:
        check_threshold(threshold)
    pred_frames, true_frames = check_labels(preds, labels, num_classes)
    pred, true = to_runs(pred_frames, drop_last_frame), to_runs(true_frames, drop_last_frame)
    return count_runs(pred, true, thresholds, background, num_classes)


def count_runs(
    pred: Runs, true: Runs, thresholds: Sequence[float], background: Background = None, num_classes: int | None = None
) -> SegmentCounts:
    """:func:`segment_counts` of runs, of one video or of several after each other.

    Args:
        pred: predicted runs.
        true: true runs.
        thresholds: K smallest IoUs that count.
        background: runs of these classes are left out on both sides.
        num_classes: C to count by class, None to count all together.

    Returns:
        The counts, each ``(K,)`` or ``(K, C)``.

    Example:
        >>> count_runs(to_runs(np.array([1, 1, 1, 2])), to_runs(np.array([1, 1, 2, 2])), thresholds=[0.6]).tp
        tensor([1])
    """
    found = best_ious(pred, true)
    pred_kept, true_kept = is_foreground(pred.labels, background), is_foreground(true.labels, background)
    pred_labels, true_labels, found = pred.labels[pred_kept], true.labels[true_kept], found[true_kept]
    hits = [true_labels[found >= threshold] for threshold in thresholds]
    if num_classes is None:
        tp = torch.tensor([len(hit) for hit in hits])
        return SegmentCounts(tp, len(pred_labels) - tp, len(true_labels) - tp)
    tp = torch.stack([count_classes(hit, num_classes) for hit in hits])
    return SegmentCounts(tp, count_classes(pred_labels, num_classes) - tp, count_classes(true_labels, num_classes) - tp)


def best_ious(pred: Runs, true: Runs) -> NDArray[np.float64]:
    """The largest IoU by which a predicted run found each true run.

    Every predicted run chooses the true run of its class with the largest IoU, the first in time where two are equal,
    and no other.

    Args:
        pred: predicted runs.
        true: true runs, R of them.

    Returns:
        Of each true run, the largest IoU among the predicted runs that chose it, 0 if none did, ``(R,)``.

    Example:
        >>> best_ious(to_runs(np.array([1, 1, 1, 2])), to_runs(np.array([1, 1, 2, 2])))
        array([0.66666667, 0.5       ])
    """
    pieces = common_pieces(pred, true)
    same = pred.labels[pieces.pred] == true.labels[pieces.true]
    pred_run, true_run, overlap = pieces.pred[same], pieces.true[same], pieces.length[same]
    union = pred.lengths[pred_run] + true.lengths[true_run] - overlap
    # float64 as in the authors' code: 1 / 10 reaches the threshold 0.1 exactly. A union without frames has no overlap
    iou = overlap / np.maximum(union, 1)
    order = np.lexsort((-iou, pred_run))  # stable: of equal IoUs the first in time stays first
    best = order[to_runs(pred_run).starts]
    # Whether a true run is found depends on the best of those that chose it only; all the others are false positives
    found = np.zeros(len(true.labels))
    np.maximum.at(found, true_run[best], iou[best])
    return found


def common_pieces(pred: Runs, true: Runs) -> Pieces:
    """Cut time where a run of either sequence starts.

    A predicted and a true run overlap in one piece at most, so R and R' runs have at most R + R' pieces, of which each
    is visited once instead of each of R * R' pairs.

    Args:
        pred: predicted runs.
        true: true runs of the same video.

    Returns:
        The pieces in time order.

    Example:
        >>> common_pieces(to_runs(np.array([1, 1, 1, 2])), to_runs(np.array([1, 1, 2, 2])))
        Pieces(pred=array([0, 0, 1]), true=array([0, 1, 1]), length=array([2, 1, 1]))
    """
    cuts = np.concatenate([pred.starts, true.starts])
    cuts.sort()
    cuts = cuts[to_runs(cuts).starts]
    pred_run = np.searchsorted(pred.starts, cuts, side="right") - 1
    true_run = np.searchsorted(true.starts, cuts, side="right") - 1
    return Pieces(pred_run, true_run, np.minimum(pred.stops[pred_run], true.stops[true_run]) - cuts)


def precision_ratio(tp: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of a precision; with ``fp`` and ``fn`` exchanged, of a recall.

    Args:
        tp: true positives, int64, any shape.
        fp: false positives, the same shape.
        fn: misses, the same shape.

    Returns:
        ``tp`` and ``tp + fp``. Where nothing was predicted, 0 of the misses: a score of 0 if there are any, and by
        :func:`percent` of 100 if there was nothing to find either.

    Example:
        >>> precision_ratio(torch.tensor([3, 0, 0]), torch.tensor([1, 0, 0]), torch.tensor([9, 9, 0]))
        (tensor([3, 0, 0]), tensor([4, 9, 0]))
    """
    return tp, torch.where(tp + fp > 0, tp + fp, fn)


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that is no IoU.

    Args:
        threshold: an intersection over union.

    Raises:
        ValueError: unless ``0 < threshold <= 1``.

    Example:
        >>> check_threshold(10)
        Traceback (most recent call last):
        ValueError: `threshold` is an IoU, 0 < threshold <= 1, got 10: F1@10 is `threshold=0.1`
    """
    if not 0 < threshold <= 1:
        remedy = f": F1@{threshold:g} is `threshold={threshold / 100:g}`" if 1 < threshold <= 100 else ""
        raise ValueError(f"`threshold` is an IoU, 0 < threshold <= 1, got {threshold}{remedy}")
