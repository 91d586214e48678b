"""Mean average precision of segments, each with a confidence: action detection as Lea et al. score it."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segtcn.metrics.functional.sequences import (
    Background,
    FrameLabels,
    check_labels,
    count_classes,
    is_foreground,
    scored_runs,
)
from segtcn.structures import Runs

Criterion: TypeAlias = Literal["iou", "midpoint"]


class Detections(NamedTuple):
    """Predicted segments of one or several videos, N of them, and how many true ones there are.

    Args:
        label: class of each predicted segment, ``(N,)`` int64.
        confidence: of each predicted segment, ``(N,)`` float32.
        start: first frame of each predicted segment, ``(N,)`` int64.
        correct: whether it detects a true one, ``(N,)`` bool.
        num_true: true segments of each class, ``(C,)`` int64.
    """

    label: Tensor
    confidence: Tensor
    start: Tensor
    correct: Tensor
    num_true: Tensor


def segmental_map(
    preds: FrameLabels,
    labels: FrameLabels,
    scores: Tensor,
    criterion: Criterion = "iou",
    threshold: float = 0.5,
    background: Background = None,
) -> Tensor:
    """Mean average precision of the predicted segments.

    A segment's confidence is the largest score of its class among its frames. Predicted segments are ranked by it, the
    earlier first where two are equally sure. The average precision of a class is the mean, over its true segments, of
    the precision down to the rank of the segment that detected it, 0 for those not detected; the result is the mean
    over the classes that have a true segment.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        scores: of every class and frame, ``(C, T)``; only their order matters.
        criterion: ``"iou"``: a predicted segment detects a true one of its class if their intersection over union is
            *above* the threshold. ``"midpoint"``: if its middle lies in the true one.
        threshold: intersection over union, ``0 <= threshold < 1``; not used by ``"midpoint"``.
        background: segments of these classes are left out.

    Returns:
        Percent, ``()`` float32. Without a true segment: 100 if none was predicted, else 0.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`, if ``scores`` is not ``(C, T)`` or holds NaN,
            a label is not below C, ``criterion`` is unknown, or ``threshold`` is not in its range.

    Example:
        The surer one of the two predicted segments of class 1 is false: its precision is 1/2 where the other is found.

        >>> scores = torch.tensor([[0.1, 0.1, 0.9, 0.2], [0.7, 0.6, 0.1, 0.8]])
        >>> segmental_map([1, 1, 0, 1], [1, 1, 0, 0], scores, background=0)
        tensor(50.)

    Reference:
        Lea et al., "Temporal Convolutional Networks for Action Segmentation and Detection", CVPR 2017, section 4.1;
        the rows of MERL Shopping are of all videos as one long sequence.
    """
    return mean_average_precision(*detections(preds, labels, scores, criterion, threshold, background))


def detections(
    preds: FrameLabels,
    labels: FrameLabels,
    scores: Tensor,
    criterion: Criterion = "iou",
    threshold: float = 0.5,
    background: Background = None,
) -> Detections:
    """The predicted segments with their confidence and whether each detects a true one.

    The true segments choose in time order: each takes the predicted segment of its class that fits best and is still
    free, the surest where several fit equally.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        scores: of every class and frame, ``(C, T)``.
        criterion: ``"iou"`` or ``"midpoint"``.
        threshold: intersection over union that must be exceeded, ``0 <= threshold < 1``; not used by ``"midpoint"``.
        background: segments of these classes are left out.

    Returns:
        The predicted segments in time order, and the number of true ones.

    Raises:
        ValueError: as :func:`segmental_map`.

    Example:
        >>> scores = torch.tensor([[0.1, 0.1, 0.9, 0.2], [0.7, 0.6, 0.1, 0.8]])
        >>> detections([1, 1, 0, 1], [1, 1, 0, 0], scores, background=0).correct
        tensor([ True, False])
    """
    check_detection(criterion, threshold)
    if scores.ndim != 2 or scores.shape[1] != len(labels):
        raise ValueError(f"`scores` must have the shape (C, {len(labels)}), got {tuple(scores.shape)}")
    pred_frames, true_frames = check_labels(preds, labels, len(scores))
    pred, true = scored_runs(pred_frames), scored_runs(true_frames)
    scored = is_foreground(true_frames, None)
    values = scores.detach().cpu().float().numpy()
    if num_nan := np.count_nonzero(np.isnan(values[:, scored])):
        raise ValueError(f"`scores` holds {num_nan} NaN: check the network's output")
    sureness = np.where(scored, values[pred_frames * scored, np.arange(len(scored))], -np.inf)
    confidence = np.maximum.reduceat(sureness, pred.starts)
    correct = np.zeros(len(pred.values), dtype=bool)
    for start, stop, label in zip(true.starts, true.stops, true.values, strict=True):
        free = np.flatnonzero((pred.values == label) & ~correct)
        fits = _fit(pred, free, start, stop, criterion)
        if len(free):
            best = np.lexsort((-confidence[free], -fits))[0]
            correct[free[best]] = fits[best] > (threshold if criterion == "iou" else 0.5)
    counted = is_foreground(pred.values, background)
    num_true = count_classes(true.values[is_foreground(true.values, background)], len(scores))
    return Detections(
        torch.from_numpy(pred.values[counted]),
        torch.from_numpy(confidence[counted]),
        torch.from_numpy(pred.starts[counted]),
        torch.from_numpy(correct[counted]),
        num_true,
    )


def mean_average_precision(
    label: Tensor, confidence: Tensor, start: Tensor, correct: Tensor, num_true: Tensor
) -> Tensor:
    """Mean over classes of the average precision, from the fields of :class:`Detections` of any number of videos.

    Args:
        label: ``(N,)``.
        confidence: ``(N,)``.
        start: ``(N,)``. Segments of different videos that are equally sure and start at the same frame count as found
            at once, so that the order of the videos does not matter.
        correct: ``(N,)``.
        num_true: ``(C,)``.

    Returns:
        Percent, ``()`` float32.

    Example:
        >>> label, confidence, start = torch.tensor([1, 1]), torch.tensor([0.7, 0.8]), torch.tensor([0, 9])
        >>> mean_average_precision(label, confidence, start, torch.tensor([True, False]), torch.tensor([0, 1]))
        tensor(50.)
    """
    classes = num_true.nonzero().flatten().tolist()
    if not classes:
        return torch.tensor(0.0 if len(label) else 100.0)
    columns = (confidence.numpy(), start.numpy(), correct.numpy())
    of_classes = [(label == c).numpy() for c in classes]
    sums = [_sum_of_precisions(*(column[is_class] for column in columns)) for is_class in of_classes]
    return (100.0 * (torch.tensor(sums, dtype=torch.float64) / num_true[classes]).mean()).float()


def check_detection(criterion: str, threshold: float) -> None:
    """Refuse an unknown criterion and a threshold that no intersection over union can exceed.

    Args:
        criterion: ``"iou"`` or ``"midpoint"``.
        threshold: ``0 <= threshold < 1``.

    Raises:
        ValueError: if one is wrong.

    Example:
        >>> check_detection("iou", 50)
        Traceback (most recent call last):
        ValueError: `threshold` is an IoU that must be exceeded, 0 <= threshold < 1, got 50
    """
    if criterion not in get_args(Criterion):
        raise ValueError(f"`criterion` must be one of {get_args(Criterion)}, got {criterion!r}")
    if not 0 <= threshold < 1:
        raise ValueError(f"`threshold` is an IoU that must be exceeded, 0 <= threshold < 1, got {threshold}")


def _fit(pred: Runs, indexes: NDArray[np.int64], start: int, stop: int, criterion: Criterion) -> NDArray[np.float64]:
    """How well predicted runs fit the true one from ``start`` to ``stop``; the midpoint fits or not, 1 or 0."""
    pred_start, pred_stop = pred.starts[indexes], pred.stops[indexes]
    if criterion == "midpoint":
        middle = (pred_start + pred_stop) / 2
        return ((start <= middle) & (middle < stop)).astype(np.float64)
    overlap = np.minimum(pred_stop, stop) - np.maximum(pred_start, start)
    return np.maximum(overlap, 0) / (np.maximum(pred_stop, stop) - np.minimum(pred_start, start))


def _sum_of_precisions(confidence: NDArray[np.float32], start: NDArray[np.int64], correct: NDArray[np.bool_]) -> float:
    """Sum, over the correct ones, of the precision down to their rank."""
    order = np.lexsort((start, -confidence))
    confidence, start, correct = confidence[order], start[order], correct[order]
    is_last = np.ones(len(order), dtype=bool)  # of those that share a rank
    is_last[:-1] = (confidence[1:] != confidence[:-1]) | (start[1:] != start[:-1])
    hits, total = correct.cumsum()[is_last], np.flatnonzero(is_last) + 1
    return float((np.diff(hits, prepend=0) * hits / total).sum())
