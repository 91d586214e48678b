r"""The scores of action segmentation as pure functions of two label sequences.

A segment is a maximal run of frames with one label, half-open: ``start <= t < stop``. ``background`` names classes that
are left out: None for none, one class index, or a collection of them. Segments are formed first and background segments
dropped afterwards, so two segments of one class with background between them stay two.

Every score is a ratio of two counts, in percent, and never NaN. Where there is nothing to find and nothing was found,
both counts are zero and the score is 100; where only one side has something, it is 0.

Labels may be a tensor, an array or a list of integers, ``(T,)`` with ``T >= 1``; results are on the CPU.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from segtcn.structures import IGNORE

Labels: TypeAlias = Tensor | NDArray[Any] | Sequence[int]
Background: TypeAlias = int | Collection[int] | None


class FrameCounts(NamedTuple):
    """What frame accuracy is made of.

    Args:
        correct: frames whose prediction is right, ``()`` or by true class ``(C,)``, int64.
        total: all counted frames, the same shape.
    """

    correct: Tensor
    total: Tensor


class EditCounts(NamedTuple):
    """What the edit score is made of.

    Args:
        distance: insertions, deletions and substitutions between the two segment sequences, ``()`` int64.
        length: segments of the longer of the two, ``()`` int64.
    """

    distance: Tensor
    length: Tensor


class SegmentCounts(NamedTuple):
    """What segmental F1 is made of, for K thresholds.

    Args:
        tp: true segments that were found, ``(K,)`` or by class ``(K, C)``, int64.
        fp: predicted segments that found nothing, or only what another had found already, the same shape.
        fn: true segments that were not found, the same shape.
    """

    tp: Tensor
    fp: Tensor
    fn: Tensor


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


def edit_score(preds: Labels, labels: Labels, background: Background = None) -> Tensor:
    """How alike the order of the segments is, whatever their lengths.

    ``100 * (1 - distance / length)`` with the Levenshtein distance between the sequences of segment labels and the
    length of the longer sequence; 100 if both are empty.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out of both sequences.

    Returns:
        Percent, ``()`` float32.

    Raises:
        ValueError: as :func:`frame_accuracy`.

    Example:
        The segments are 1, 2, 1 and 1, 2: one deletion in three.

        >>> edit_score([1, 1, 2, 2, 1], [1, 2, 2, 2, 2])
        tensor(66.6667)

    Reference:
        Lea et al., "Learning Convolutional Action Primitives for Fine-grained Action Recognition", ICRA 2016.
    """
    distance, length = edit_counts(preds, labels, background)
    return percent(length - distance, length)


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
        ValueError: as :func:`frame_accuracy`, and if ``threshold`` is not in its range.

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
    pred_frames, true_frames = _check(preds, labels, num_classes)
    counted = _foreground(true_frames, background)
    correct = counted & (pred_frames == true_frames)
    if num_classes is None:
        return FrameCounts(torch.tensor(np.count_nonzero(correct)), torch.tensor(np.count_nonzero(counted)))
    return FrameCounts(*(_count_classes(true_frames[frames], num_classes) for frames in (correct, counted)))


def edit_counts(preds: Labels, labels: Labels, background: Background = None) -> EditCounts:
    """Levenshtein distance between two sequences of segment labels, and the length of the longer one.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out of both sequences.

    Returns:
        The counts, each ``()``.

    Raises:
        ValueError: as :func:`frame_accuracy`.

    Example:
        >>> edit_counts([1, 1, 2, 2, 1], [1, 2, 2, 2, 2])
        EditCounts(distance=tensor(1), length=tensor(3))
    """
    pred_frames, true_frames = _check(preds, labels)
    pred_sequence, true_sequence = (
        segments[_foreground(segments, background)].tolist()
        for segments in (frames[_bounds(frames)[:-1]] for frames in (pred_frames, true_frames))
    )
    distance = Levenshtein.distance(pred_sequence, true_sequence)
    return EditCounts(torch.tensor(distance), torch.tensor(max(len(pred_sequence), len(true_sequence))))


def segment_counts(
    preds: Labels,
    labels: Labels,
    thresholds: Sequence[float],
    background: Background = None,
    num_classes: int | None = None,
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

    Returns:
        The counts, each ``(K,)`` or ``(K, C)``.

    Raises:
        ValueError: as :func:`frame_accuracy`, if a threshold is not in its range, and if a label is not below
            ``num_classes``.

    Example:
        >>> segment_counts([1, 1, 1, 2], [1, 1, 2, 2], thresholds=[0.5, 0.6])
        SegmentCounts(tp=tensor([2, 1]), fp=tensor([0, 1]), fn=tensor([0, 1]))
    """
    for threshold in thresholds:
        check_threshold(threshold)
    pred_frames, true_frames = _check(preds, labels, num_classes)
    pred_bounds, true_bounds = _bounds(pred_frames), _bounds(true_frames)
    pred_labels, true_labels = pred_frames[pred_bounds[:-1]], true_frames[true_bounds[:-1]]

    # Two segments overlap in one piece, and cutting at the bounds of both sides yields each such piece once: at most
    # n + m pieces instead of n * m pairs
    is_cut = np.zeros(len(true_frames) + 1, dtype=bool)
    is_cut[pred_bounds] = is_cut[true_bounds] = True
    cuts = np.flatnonzero(is_cut)
    starts, overlap = cuts[:-1], np.diff(cuts)
    same = pred_frames[starts] == true_frames[starts]
    starts, overlap = starts[same], overlap[same]
    pred_segment = np.searchsorted(pred_bounds, starts, side="right") - 1
    true_segment = np.searchsorted(true_bounds, starts, side="right") - 1
    union = np.diff(pred_bounds)[pred_segment] + np.diff(true_bounds)[true_segment] - overlap
    iou = overlap / union  # float64 as in the authors' code: 1 / 10 reaches the threshold 0.1 exactly

    order = np.lexsort((-iou, pred_segment))  # stable: of equal IoUs the first in time stays first
    best = order[_bounds(pred_segment)[:-1]]
    # A true segment is found if any of the predicted segments that chose it is good enough; all others are false
    found = np.zeros(len(true_labels))
    np.maximum.at(found, true_segment[best], iou[best])

    pred_kept, true_kept = _foreground(pred_labels, background), _foreground(true_labels, background)
    pred_labels, true_labels, found = pred_labels[pred_kept], true_labels[true_kept], found[true_kept]
    hits = [true_labels[found >= threshold] for threshold in thresholds]
    if num_classes is None:
        tp = torch.tensor([len(hit) for hit in hits])
        return SegmentCounts(tp, len(pred_labels) - tp, len(true_labels) - tp)
    tp = torch.stack([_count_classes(hit, num_classes) for hit in hits])
    return SegmentCounts(
        tp, _count_classes(pred_labels, num_classes) - tp, _count_classes(true_labels, num_classes) - tp
    )


def percent(hits: Tensor, out_of: Tensor) -> Tensor:
    """The ratio of two counts, as every score here is one.

    Args:
        hits: int64, any shape.
        out_of: int64, the same shape.

    Returns:
        ``100 * hits / out_of`` in float32, 100 where both are zero.

    Example:
        >>> percent(torch.tensor([1, 0, 0]), torch.tensor([4, 2, 0]))
        tensor([ 25.,   0., 100.])
    """
    return torch.where(out_of > 0, 100.0 * hits.double() / out_of.double(), 100.0).float()


def background_classes(background: Background) -> tuple[int, ...]:
    """The classes that ``background`` names.

    Args:
        background: None, a class index, or a collection of them.

    Returns:
        The class indexes in the order given; none for None.

    Raises:
        ValueError: if something else is given, such as a class name.

    Example:
        >>> background_classes(None), background_classes(0), background_classes([0, 18])
        ((), (0,), (0, 18))
    """
    if background is None:
        return ()
    try:
        classes = background if isinstance(background, Iterable) else [background]
        return tuple(operator.index(label) for label in classes)
    except TypeError:
        raise ValueError(
            f"`background` must be None, a class index or a collection of them, got {background!r}"
        ) from None


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


def _check(
    preds: Labels, labels: Labels, num_classes: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pred_frames = _check_one(preds, "preds", num_classes)
    true_frames = _check_one(labels, "labels", num_classes)
    if len(pred_frames) != len(true_frames):
        raise ValueError(
            f"`preds` has {len(pred_frames)} frames and `labels` has {len(true_frames)}: bring both to the same frame "
            "rate and length first"
        )
    return pred_frames, true_frames


def _check_one(labels: Labels, name: str, num_classes: int | None) -> NDArray[np.int64]:
    raw = labels if isinstance(labels, Tensor) else np.asarray(labels)
    if raw.ndim != 1:
        raise ValueError(f"`{name}` must have the shape (T,), got {tuple(raw.shape)}")
    if not len(raw):
        raise ValueError(f"`{name}` has no frames: a score needs at least one")
    dtype = str(raw.dtype).removeprefix("torch.")
    if not dtype.startswith(("int", "uint")):
        raise ValueError(f"`{name}` must be class indexes (integers), got {dtype}: logits need `.argmax` first")
    frames: NDArray[np.int64] = np.asarray(raw.cpu() if isinstance(raw, Tensor) else raw).astype(np.int64, copy=False)
    if frames.min() < 0:
        raise ValueError(
            f"`{name}` holds {frames.min()}, but class indexes start at 0: leave out padding ({IGNORE}) by the mask"
        )
    if num_classes is not None and frames.max() >= num_classes:
        raise ValueError(f"`{name}` holds class {frames.max()}, but `num_classes` is {num_classes}")
    return frames


def _bounds(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each run of equal values starts, and at the end where the last one stops: ``(runs + 1,)``."""
    is_bound = np.ones(len(values) + 1, dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_bound[1:-1])
    return np.flatnonzero(is_bound)


def _foreground(values: NDArray[np.int64], background: Background) -> NDArray[np.bool_]:
    foreground = np.ones(len(values), dtype=bool)
    for label in background_classes(background):
        foreground &= values != label
    return foreground


def _count_classes(values: NDArray[np.int64], num_classes: int) -> Tensor:
    return torch.from_numpy(np.bincount(values, minlength=num_classes))
