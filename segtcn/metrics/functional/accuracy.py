"""Frame accuracy: the share of frames whose prediction is right."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.functional.labels import Background, Labels, check_labels, count_classes, is_foreground, percent


class FrameCounts(NamedTuple):
    """What frame accuracy is made of.

    Args:
        correct: frames whose prediction is right, ``()`` or by true class ``(C,)``, int64.
        total: all counted frames, the same shape.
    """

    correct: Tensor
    total: Tensor


def frame_accuracy(preds: Labels, labels: Labels, background: Background = None) -> Tensor:
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
    counts = frame_counts(preds, labels, background)
    return percent(counts.correct, counts.total)


def frame_counts(
    preds: Labels, labels: Labels, background: Background = None, num_classes: int | None = None
) -> FrameCounts:
    """Count right frames and frames.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: frames whose *true* class is one of these are not counted.
        num_classes: C to count by true class, None to count all together.

    Returns:
        The counts, each ``()`` or ``(C,)``.

    Raises:
        ValueError: as :func:`frame_accuracy`, and if a label is not below ``num_classes``.

    Example:
        >>> frame_counts([0, 1, 1, 2], [0, 1, 2, 2], num_classes=3)
        FrameCounts(correct=tensor([1, 1, 1]), total=tensor([1, 1, 2]))
    """
    pred_frames, true_frames = check_labels(preds, labels, num_classes)
    counted = is_foreground(true_frames, background)
    correct = counted & (pred_frames == true_frames)
    if num_classes is None:
        return FrameCounts(torch.tensor(np.count_nonzero(correct)), torch.tensor(np.count_nonzero(counted)))
    return FrameCounts(*(count_classes(true_frames[frames], num_classes) for frames in (correct, counted)))
