"""Segments that are broken into several or merged into one, and how far the number of segments is off."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.functional.overlaps import common_pieces
from segtcn.metrics.functional.ratios import Share, percent
from segtcn.metrics.functional.sequences import Background, FrameLabels, check_labels, is_foreground, scored_runs


def over_segmentation(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Tensor:
    """Share of the true segments that the prediction breaks into several of their class.

    A true segment is broken if more than one predicted segment of its class overlaps it, by however little.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out.

    Returns:
        Percent, ``()`` float32, the lower the better; 0 without a true segment.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        The segment of class 1 is broken, that of class 3 only starts late.

        >>> over_segmentation([1, 2, 1, 1, 1, 3], [1, 1, 1, 1, 3, 3])
        tensor(50.)
    """
    return percent(*split_counts(preds, labels, background), empty_score=0.0)


def under_segmentation(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Tensor:
    """Share of the predicted segments that merge several true segments of their class.

    :func:`over_segmentation` with predictions and truth exchanged.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out.

    Returns:
        Percent, ``()`` float32, the lower the better; 0 without a predicted segment.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        >>> under_segmentation([1, 1, 1, 1, 3, 3], [1, 2, 1, 1, 1, 3])
        tensor(50.)
    """
    return percent(*merge_counts(preds, labels, background), empty_score=0.0)


def split_counts(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Share:
    """Count the true segments that the prediction breaks into several of their class.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out.

    Returns:
        The broken ones, out of all true segments, each ``()``.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        >>> split_counts([1, 2, 1, 1, 1, 3], [1, 1, 1, 1, 3, 3])
        Share(hits=tensor(1), out_of=tensor(2))
    """
    pred, true = map(scored_runs, check_labels(preds, labels))
    pieces = common_pieces(pred, true)
    same = pred.values[pieces.pred] == true.values[pieces.true]
    times = np.bincount(pieces.true[same], minlength=len(true.values))
    counted = is_foreground(true.values, background)
    return Share(torch.tensor(int((times[counted] > 1).sum())), torch.tensor(int(counted.sum())))


def merge_counts(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Share:
    """Count the predicted segments that merge several true ones of their class.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out.

    Returns:
        The segments that merge, out of all predicted segments, each ``()``.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        >>> merge_counts([1, 1, 1, 1, 3, 3], [1, 2, 1, 1, 1, 3])
        Share(hits=tensor(1), out_of=tensor(2))
    """
    pred_frames, true_frames = check_labels(preds, labels)
    return split_counts(true_frames, pred_frames, background)


def segment_count_error(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Tensor:
    """By how many segments the prediction has too many or too few.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out on both sides.

    Returns:
        Segments, not percent: ``|predicted - true|``, ``()`` float32.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        >>> segment_count_error([1, 2, 1, 2], [1, 1, 1, 1])
        tensor(3.)
    """
    runs = map(scored_runs, check_labels(preds, labels))
    num_pred, num_true = (is_foreground(side.values, background).sum() for side in runs)
    return torch.tensor(float(abs(num_pred - num_true)))
