"""Segments that were found: counts of true and false positives and misses, and the scores made of them."""

from __future__ import annotations

from torch import Tensor

from segtcn.metrics.functional.overlaps import best_ious, common_pieces
from segtcn.metrics.functional.ratios import Matches, f1_ratio, percent, precision_ratio, recall_ratio
from segtcn.metrics.functional.sequences import (
    Background,
    FrameLabels,
    check_labels,
    count_classes,
    is_foreground,
    scored_runs,
)


def segmental_f1(preds: FrameLabels, labels: FrameLabels, threshold: float, background: Background = None) -> Tensor:
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
    return percent(*f1_ratio(*segment_counts(preds, labels, threshold, background)))


def segmental_precision(
    preds: FrameLabels, labels: FrameLabels, threshold: float, background: Background = None
) -> Tensor:
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
    return percent(*precision_ratio(*segment_counts(preds, labels, threshold, background)))


def segmental_recall(
    preds: FrameLabels, labels: FrameLabels, threshold: float, background: Background = None
) -> Tensor:
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
    return percent(*recall_ratio(*segment_counts(preds, labels, threshold, background)))


def segment_counts(
    preds: FrameLabels,
    labels: FrameLabels,
    threshold: float,
    background: Background = None,
    num_classes: int | None = None,
) -> Matches:
    """Count found, false and missed segments.

    Each predicted segment is compared with one true segment only: the one of its class with the largest intersection
    over union (IoU), the first in time where two are equal. It is a true positive if that IoU is at least the threshold
    and no earlier predicted segment has taken the same true segment; otherwise it is a false positive, even where
    another true segment would have been free.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        threshold: smallest IoU that counts, ``0 < threshold <= 1``.
        background: segments of these classes are left out on both sides.
        num_classes: C to count by class, None to count all together.

    Returns:
        The counts, each ``()`` or ``(C,)``.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`, if the threshold is not in its range, and if a
            label is not below ``num_classes``.

    Example:
        >>> segment_counts([1, 1, 1, 2], [1, 1, 2, 2], threshold=0.6)
        Matches(tp=tensor(1), fp=tensor(1), fn=tensor(1))
    """
    check_threshold(threshold)
    pred, true = map(scored_runs, check_labels(preds, labels, num_classes))
    counted = is_foreground(true.values, background)
    ious, true_labels = best_ious(pred, true, common_pieces(pred, true))[counted], true.values[counted]
    tp = count_classes(true_labels[ious >= threshold], num_classes)
    num_pred = count_classes(pred.values[is_foreground(pred.values, background)], num_classes)
    return Matches(tp, num_pred - tp, count_classes(true_labels, num_classes) - tp)


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that is not an IoU.

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
