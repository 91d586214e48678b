"""Boundary F1: whether segments start when they should, whatever their labels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from segtcn.metrics.functional.ratios import Matches, f1_ratio, percent
from segtcn.metrics.functional.sequences import FrameLabels, Frames, check_labels, scored_runs
from segtcn.structures import checked_rate


def boundary_f1(preds: FrameLabels, labels: FrameLabels, tolerance_s: float, fps: float) -> Tensor:
    """F1 of the boundaries between segments.

    ``100 * 2 tp / (2 tp + fp + fn)`` with the counts of :func:`boundary_counts`; 100 if neither side has a boundary.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        tolerance_s: seconds by which a boundary may be early or late.
        fps: frames per second.

    Returns:
        Percent, ``()`` float32.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`, and if ``tolerance_s`` is negative or ``fps``
            not positive.

    Example:
        The first boundary is one frame late, the second is missed.

        >>> boundary_f1([1, 1, 1, 2, 2, 2], [1, 1, 2, 2, 2, 1], tolerance_s=0.1, fps=10)
        tensor(66.6667)
    """
    return percent(*f1_ratio(*boundary_counts(preds, labels, tolerance_s, fps)))


def boundary_counts(preds: FrameLabels, labels: FrameLabels, tolerance_s: float, fps: float) -> Matches:
    """Pair predicted with true boundaries, as many as possible.

    A boundary is a frame whose label differs from the one before. The first frame is not a boundary, and neither is the
    first one after an ignored stretch. Classes do not matter, and a change from or to background is a boundary too.
    Each boundary has one partner at most.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        tolerance_s: seconds by which a boundary may be early or late, both included.
        fps: frames per second.

    Returns:
        The counts, each ``()``.

    Raises:
        ValueError: as :func:`boundary_f1`.

    Example:
        >>> boundary_counts([1, 1, 1, 2, 2, 2], [1, 1, 2, 2, 2, 1], tolerance_s=0.1, fps=10)
        Matches(tp=tensor(1), fp=tensor(0), fn=tensor(1))
    """
    tolerance = tolerance_frames(tolerance_s, fps)
    pred, true = (_boundaries(frames).tolist() for frames in check_labels(preds, labels))
    # In time order, pairing the two earliest that fit never costs a later pair
    pairs = p = t = 0
    while p < len(pred) and t < len(true):
        if abs(pred[p] - true[t]) <= tolerance:
            pairs, p, t = pairs + 1, p + 1, t + 1
        elif pred[p] < true[t]:
            p += 1
        else:
            t += 1
    return Matches(*(torch.tensor(count) for count in (pairs, len(pred) - pairs, len(true) - pairs)))


def tolerance_frames(tolerance_s: float, fps: float) -> int:
    """The largest number of frames that lasts no longer than a tolerance.

    Args:
        tolerance_s: seconds.
        fps: frames per second.

    Returns:
        Whole frames.

    Raises:
        ValueError: if ``tolerance_s`` is negative or ``fps`` not positive.

    Example:
        >>> tolerance_frames(0.29, fps=100), tolerance_frames(0.5, fps=15)
        (29, 7)
    """
    if not 0 <= tolerance_s < math.inf:
        raise ValueError(f"`tolerance_s` must be 0 or more seconds, got {tolerance_s}")
    checked_rate(fps)
    return math.floor(tolerance_s * fps + 1e-6)  # 0.29 * 100 is 28.999999999999996


def _boundaries(frames: Frames) -> Frames:
    runs = scored_runs(frames)
    starts = runs.starts[1:]
    return starts[starts == runs.stops[:-1]]
