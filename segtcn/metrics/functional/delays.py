"""Delay: when the segments of a system that labels a running video are known, and whether it changes its mind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.metrics.functional.overlaps import common_pieces
from segtcn.metrics.functional.segment_scores import check_threshold
from segtcn.metrics.functional.sequences import (
    Background,
    FrameLabels,
    Frames,
    check_labels,
    is_foreground,
    scored_runs,
    to_array,
)


class Delays(NamedTuple):
    """The true segments that were found, N of them.

    Args:
        starts: first frame of each true segment, ``(N,)``.
        delays: frames from there until it was known, negative if it was announced too early, ``(N,)``.
        num_true: true segments, found or not.
    """

    starts: Frames
    delays: Frames
    num_true: int


def detection_delays(
    preds: FrameLabels,
    labels: FrameLabels,
    moments: npt.ArrayLike,
    threshold: float = 0.5,
    background: Background = None,
) -> Delays:
    r"""How long after the start of each true segment it is reported, and stays so.

    A true segment ``[s, e)`` is found as in :func:`~segtcn.metrics.functional.segmental_f1`. With the predicted segment
    ``[a, b)`` that found it, and ``r(t)`` the frame at which the label of frame t is spoken and stays,

    .. math:: d = \min_{a \le t < b} r(t) - s

    Args:
        preds: the labels that stay, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        moments: r, the frame at which the label of every frame is spoken for good, ``(T,)`` integers.
        threshold: smallest intersection over union that counts, ``0 < threshold <= 1``.
        background: segments of these classes are left out.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.segmental_f1`, and if ``moments`` has another length.

    Example:
        The segment 1 is found one frame late, and each label is spoken two frames after its frame.

        >>> detection_delays([0, 0, 1, 1, 1], [0, 1, 1, 1, 1], [2, 3, 4, 5, 6], background=0)
        Delays(starts=array([1]), delays=array([3]), num_true=1)
    """
    check_threshold(threshold)
    pred_frames, true_frames = check_labels(preds, labels)
    known = to_array(np.asarray(moments), "moments")
    if known.shape != true_frames.shape:
        raise ValueError(f"`moments` must have the shape {true_frames.shape}, got {known.shape}")
    pred, true = (scored_runs(frames) for frames in (pred_frames, true_frames))
    pieces = common_pieces(pred, true)
    same = pred.values[pieces.pred] == true.values[pieces.true]
    same &= is_foreground(pred.values, background)[pieces.pred]
    first_of: dict[int, int] = {}  # true segment: the first in time that found it
    best: dict[int, tuple[float, int]] = {}  # predicted segment: its largest overlap, and with which
    for p, t, overlap in zip(*(column[same].tolist() for column in pieces), strict=True):
        union = pred.stops[p] - pred.starts[p] + true.stops[t] - true.starts[t] - overlap
        if overlap / union > best.get(p, (0.0, -1))[0]:
            best[p] = (overlap / union, t)
    for p, (iou, t) in best.items():
        if iou >= threshold:
            first_of.setdefault(t, p)
    segments = sorted(first_of.items())
    starts = np.array([true.starts[t] for t, _ in segments], np.int64)
    times = np.array([known[pred.starts[p] : pred.stops[p]].min() for _, p in segments], np.int64)
    return Delays(starts, times - starts, int(is_foreground(true.values, background).sum()))


def settled_frames(revisions: npt.ArrayLike) -> Frames:
    r"""The frame at which the label of each frame is spoken and stays, for a system that revises what it said.

    With ``y(t, l)`` the label of frame t when l frames after it are known, the last column the final one,

    .. math:: r(t) = t + \min \{ l : y(t, l') = y(t, F) \text{ for all } l' \ge l \}

    but not after the last frame, with which all is final.

    Args:
        revisions: y, ``(T, F + 1)`` integers.

    Returns:
        r, ``(T,)``.

    Raises:
        ValueError: if the shape is another one.

    Example:
        Frame 0 is first called 1 and from frame 1 on 2; the others keep their labels.

        >>> settled_frames([[1, 2, 2], [2, 2, 2], [3, 3, 3]])
        array([1, 1, 2])
    """
    labels = to_array(np.asarray(revisions), "revisions")
    if labels.ndim != 2 or not labels.size:
        raise ValueError(f"`revisions` must have the shape (T, F + 1) with T >= 1, got {labels.shape}")
    differs = labels != labels[:, -1:]
    # the column after the last that differs
    column = np.where(differs.any(axis=1), labels.shape[1] - differs[:, ::-1].argmax(axis=1), 0)
    return np.minimum(np.arange(len(labels)) + column, len(labels) - 1).astype(np.int64)
