"""Scores of frames: accuracy, confusion of classes, and precision, recall and intersection over union of each class."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.functional.overlaps import common_pieces
from segtcn.metrics.functional.ratios import Matches, Share, iou_ratio, percent, precision_ratio, recall_ratio
from segtcn.metrics.functional.sequences import (
    Background,
    FrameLabels,
    Frames,
    background_classes,
    check_labels,
    count_classes,
    is_foreground,
    scored_runs,
)


def frame_accuracy(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Tensor:
    """Share of the frames whose prediction is right.

    ``100 * correct / counted``; 100 if no frame is counted.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: frames whose *true* class is one of these are not counted.

    Returns:
        Percent, ``()`` float32.

    Raises:
        ValueError: if a sequence is empty, not ``(T,)``, not of integers or holds a negative label, or if the two
            differ in length.

    Example:
        >>> frame_accuracy([0, 1, 1, 2], [0, 1, 2, 2])
        tensor(75.)
        >>> frame_accuracy([0, 1, 1, 2], [0, 1, 2, 2], background=0)
        tensor(66.6667)
    """
    return percent(*frame_counts(preds, labels, background))


def frame_counts(
    preds: FrameLabels, labels: FrameLabels, background: Background = None, num_classes: int | None = None
) -> Share:
    """Count right frames and frames.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: frames whose *true* class is one of these are not counted.
        num_classes: C to count by true class, None to count all together.

    Returns:
        Right frames and all counted ones, each ``()`` or ``(C,)``.

    Raises:
        ValueError: as :func:`frame_accuracy`, and if a label is not below ``num_classes``.

    Example:
        >>> frame_counts([0, 1, 1, 2], [0, 1, 2, 2], num_classes=3)
        Share(hits=tensor([1, 1, 1]), out_of=tensor([1, 1, 2]))
    """
    pred_frames, true_frames = check_labels(preds, labels, num_classes)
    counted = is_foreground(true_frames, background)
    correct = counted & (pred_frames == true_frames)
    return Share(*(count_classes(true_frames[frames], num_classes) for frames in (correct, counted)))


def frame_confusion(preds: FrameLabels, labels: FrameLabels, num_classes: int) -> Tensor:
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
    pred_frames, true_frames = check_labels(preds, labels, num_classes)
    scored = is_foreground(true_frames, None)
    return _count_pairs(pred_frames[scored], true_frames[scored], num_classes)


def segment_confusion(preds: FrameLabels, labels: FrameLabels, num_classes: int) -> Tensor:
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
    pred, true = map(scored_runs, check_labels(preds, labels, num_classes))
    pieces = common_pieces(pred, true)
    num_true = len(true.values)
    by_segment = np.bincount(
        pieces.true * num_classes + pred.values[pieces.pred], weights=pieces.length, minlength=num_true * num_classes
    )
    return _count_pairs(by_segment.reshape(num_true, num_classes).argmax(axis=1), true.values, num_classes)


def class_counts(preds: FrameLabels, labels: FrameLabels, num_classes: int, background: Background = None) -> Matches:
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
        Matches(tp=tensor([1, 1]), fp=tensor([0, 1]), fn=tensor([1, 0]))
    """
    confusion = frame_confusion(preds, labels, num_classes)
    tp = confusion.diagonal().clone()
    counts = Matches(tp, confusion.sum(0) - tp, confusion.sum(1) - tp)
    for count in counts:
        count[list(background_classes(background))] = 0
    return counts


def frame_precision(
    preds: FrameLabels,
    labels: FrameLabels,
    num_classes: int,
    background: Background = None,
    absent_score: float = 100.0,
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
        Percent, ``(C,)`` float32. :func:`~segtcn.metrics.functional.mean_over_classes` makes one number of it.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        >>> frame_precision([0, 1, 1, 1], [0, 0, 1, 2], num_classes=4)
        tensor([100.0000,  33.3333,   0.0000, 100.0000])
    """
    return percent(*precision_ratio(*class_counts(preds, labels, num_classes, background)), absent_score)


def frame_recall(
    preds: FrameLabels,
    labels: FrameLabels,
    num_classes: int,
    background: Background = None,
    absent_score: float = 100.0,
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
        Percent, ``(C,)`` float32. :func:`~segtcn.metrics.functional.mean_over_classes` makes one number of it.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        >>> frame_recall([0, 1, 1, 1], [0, 0, 1, 2], num_classes=4)
        tensor([ 50., 100.,   0., 100.])
    """
    return percent(*recall_ratio(*class_counts(preds, labels, num_classes, background)), absent_score)


def frame_iou(
    preds: FrameLabels,
    labels: FrameLabels,
    num_classes: int,
    background: Background = None,
    absent_score: float = 100.0,
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
        Percent, ``(C,)`` float32. :func:`~segtcn.metrics.functional.mean_over_classes` makes one number of it.

    Raises:
        ValueError: as :func:`frame_confusion`.

    Example:
        >>> frame_iou([0, 1, 1, 1], [0, 0, 1, 2], num_classes=4)
        tensor([ 50.0000,  33.3333,   0.0000, 100.0000])
    """
    return percent(*iou_ratio(*class_counts(preds, labels, num_classes, background)), absent_score)


def _count_pairs(pred_labels: Frames, true_labels: Frames, num_classes: int) -> Tensor:
    pairs = np.bincount(true_labels * num_classes + pred_labels, minlength=num_classes**2)
    return torch.from_numpy(pairs.reshape(num_classes, num_classes))
