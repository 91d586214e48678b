"""Scores of classes by frames: confusion, precision, recall and intersection over union."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.functional.labels import (
    Background,
    Frames,
    Labels,
    background_classes,
    check_labels,
    percent,
    to_runs,
)
from segtcn.metrics.functional.segments import common_pieces, precision_ratio


class ClassCounts(NamedTuple):
    """Frames of each class, ``(C,)`` int64 each.

    Args:
        tp: frames of the class that are predicted as such.
        fp: frames that are predicted as the class and are of another.
        fn: frames of the class that are predicted as another.
    """

    tp: Tensor
    fp: Tensor
    fn: Tensor


def frame_confusion(preds: Labels, labels: Labels, num_classes: int) -> Tensor:
    """Count the frames of every pair of true and predicted class.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C.

    Returns:
        ``(C, C)`` int64; row: true class, column: predicted class.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`, and if a label is not below ``num_classes``.

    Example:
        >>> frame_confusion([0, 1, 1], [0, 0, 1], num_classes=2)
        tensor([[1, 1],
                [0, 1]])
    """
    return _count_pairs(*check_labels(preds, labels, num_classes), num_classes)


def segment_confusion(preds: Labels, labels: Labels, num_classes: int) -> Tensor:
    """Count the true segments of every class by the class that most of their frames are predicted as.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C.

    Returns:
        ``(C, C)`` int64; row: true class, column: predicted class, the lower index where two have equally many frames.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        The first segment of class 0 is predicted as 0 mostly, the second as 1.

        >>> segment_confusion([0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 0, 0], num_classes=2)
        tensor([[1, 1],
                [0, 1]])
    """
    pred_frames, true_frames = check_labels(preds, labels, num_classes)
    pred, true = to_runs(pred_frames), to_runs(true_frames)
    pieces = common_pieces(pred, true)
    num_true = len(true.labels)
    by_segment = np.bincount(
        pieces.true * num_classes + pred.labels[pieces.pred], weights=pieces.length, minlength=num_true * num_classes
    )
    return _count_pairs(by_segment.reshape(num_true, num_classes).argmax(axis=1), true.labels, num_classes)


def class_counts(preds: Labels, labels: Labels, num_classes: int, background: Background = None) -> ClassCounts:
    """Count the right, false and missed frames of each class.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C.
        background: classes that get no counts of their own. Their frames are still false where they are predicted as
            another class.

    Returns:
        The counts, each ``(C,)``.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        >>> class_counts([0, 1, 1], [0, 0, 1], num_classes=2)
        ClassCounts(tp=tensor([1, 1]), fp=tensor([0, 1]), fn=tensor([1, 0]))
    """
    confusion = frame_confusion(preds, labels, num_classes)
    tp = confusion.diagonal().clone()
    counts = ClassCounts(tp, confusion.sum(0) - tp, confusion.sum(1) - tp)
    for count in counts:
        count[list(background_classes(background))] = 0
    return counts


def frame_precision(
    preds: Labels, labels: Labels, num_classes: int, background: Background = None, absent_score: float = 100.0
) -> Tensor:
    """Share of the frames predicted as a class that are of it.

    ``100 * tp / (tp + fp)`` of each class. A class that occurs but is never predicted scores 0.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C.
        background: classes that are not scored; their frames are still false where predicted as another class.
        absent_score: score of a class that is neither true nor predicted anywhere, and of background.

    Returns:
        Percent, ``(C,)`` float32. :func:`mean_over_classes` makes one number of it.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        >>> frame_precision([0, 1, 1, 1], [0, 0, 1, 2], num_classes=4)
        tensor([100.0000,  33.3333,   0.0000, 100.0000])
    """
    tp, fp, fn = class_counts(preds, labels, num_classes, background)
    return _of_classes(*precision_ratio(tp, fp, fn), absent_score)


def frame_recall(
    preds: Labels, labels: Labels, num_classes: int, background: Background = None, absent_score: float = 100.0
) -> Tensor:
    """Share of the frames of a class that are predicted as it.

    ``100 * tp / (tp + fn)`` of each class. A class that is predicted but nowhere true scores 0.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C.
        background: classes that are not scored.
        absent_score: score of a class that is neither true nor predicted anywhere, and of background.

    Returns:
        Percent, ``(C,)`` float32. :func:`mean_over_classes` makes one number of it.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        >>> frame_recall([0, 1, 1, 1], [0, 0, 1, 2], num_classes=4)
        tensor([ 50., 100.,   0., 100.])
    """
    tp, fp, fn = class_counts(preds, labels, num_classes, background)
    return _of_classes(*precision_ratio(tp, fn, fp), absent_score)


def frame_iou(
    preds: Labels, labels: Labels, num_classes: int, background: Background = None, absent_score: float = 100.0
) -> Tensor:
    """Intersection over union of the true and the predicted frames of a class, also called Jaccard index.

    ``100 * tp / (tp + fp + fn)`` of each class.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C.
        background: classes that are not scored; their frames are still false where predicted as another class.
        absent_score: score of a class that is neither true nor predicted anywhere, and of background.

    Returns:
        Percent, ``(C,)`` float32. :func:`mean_over_classes` makes one number of it.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        >>> frame_iou([0, 1, 1, 1], [0, 0, 1, 2], num_classes=4)
        tensor([ 50.0000,  33.3333,   0.0000, 100.0000])
    """
    tp, fp, fn = class_counts(preds, labels, num_classes, background)
    return _of_classes(tp, tp + fp + fn, absent_score)


def mean_over_classes(scores: Tensor) -> Tensor:
    """Mean over the classes that occur.

    Args:
        scores: percent, ``(C,)``, NaN for classes that do not occur: computed with ``absent_score=nan``.

    Returns:
        Percent, ``()`` float32; 100 if no class occurs.

    Example:
        >>> mean_over_classes(frame_iou([0, 1, 1, 1], [0, 0, 1, 2], num_classes=4, absent_score=float("nan")))
        tensor(27.7778)
    """
    occurring = scores[~scores.isnan()]
    return occurring.double().mean().float() if len(occurring) else torch.tensor(100.0)


def _of_classes(hits: Tensor, out_of: Tensor, absent_score: float) -> Tensor:
    return percent(hits, out_of).where(out_of > 0, absent_score)


def _count_pairs(pred_labels: Frames, true_labels: Frames, num_classes: int) -> Tensor:
    pairs = np.bincount(true_labels * num_classes + pred_labels, minlength=num_classes**2)
    return torch.from_numpy(pairs.reshape(num_classes, num_classes))
