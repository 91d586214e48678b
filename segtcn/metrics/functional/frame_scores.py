"""Scores of frames: accuracy, confusion of classes, and the counts of each class."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.functional.ratios import Matches, Share, percent
from segtcn.metrics.functional.sequences import (
    Background,
    FrameLabels,
    check_labels,
    count_classes,
    is_foreground,
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
    pairs = np.bincount(true_frames[scored] * num_classes + pred_frames[scored], minlength=num_classes**2)
    return torch.from_numpy(pairs.reshape(num_classes, num_classes))


def class_counts(preds: FrameLabels, labels: FrameLabels, num_classes: int) -> Matches:
    """Count the right, false and missed frames of each class.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C.

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
    return Matches(tp, confusion.sum(0) - tp, confusion.sum(1) - tp)
