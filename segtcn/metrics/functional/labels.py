"""What every score starts with: checked label sequences, background classes and runs of equal labels."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segtcn.structures import IGNORE

Labels: TypeAlias = Tensor | NDArray[Any] | Sequence[int]
Background: TypeAlias = int | Collection[int] | None
Frames: TypeAlias = NDArray[np.int64]


class Runs(NamedTuple):
    """A label sequence as its maximal runs of equal labels, R of them, in time order.

    Args:
        labels: class of each run, ``(R,)``.
        starts: first frame of each run, ``(R,)``.
        stops: the frame after the last one of each run, ``(R,)``.
    """

    labels: Frames
    starts: Frames
    stops: Frames

    @property
    def lengths(self) -> Frames:
        """Frames of each run, ``(R,)``."""
        return self.stops - self.starts

    @property
    def bounds(self) -> Frames:
        """First frame of each run, and at the end where the last one stops, ``(R + 1,)``."""
        return np.append(self.starts, self.stops[-1:])


def percent(hits: Tensor, out_of: Tensor) -> Tensor:
    """The ratio of two counts, as nearly every score here is one.

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


def check_labels(preds: Labels, labels: Labels, num_classes: int | None = None) -> tuple[Frames, Frames]:
    """Predictions and truth of one video as arrays that the scores can rely on.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        num_classes: C, which every label must be below; None if that does not matter.

    Returns:
        Both as ``(T,)`` int64 on the CPU, without a copy where they are that already.

    Raises:
        ValueError: if a sequence is empty, not ``(T,)``, not of integers, holds a negative label or one that is not
            below ``num_classes``, or if the two differ in length.

    Example:
        >>> check_labels([0, 1], torch.tensor([1, 1]))
        (array([0, 1]), array([1, 1]))
    """
    pred_frames = _check_one(preds, "preds", num_classes)
    true_frames = _check_one(labels, "labels", num_classes)
    if len(pred_frames) != len(true_frames):
        raise ValueError(
            f"`preds` has {len(pred_frames)} frames and `labels` has {len(true_frames)}: bring both to the same frame "
            "rate and length first"
        )
    return pred_frames, true_frames


def to_runs(frames: Frames, drop_last_frame: bool = False, num_frames: Sequence[int] | Frames | None = None) -> Runs:
    """Group equal neighbouring labels.

    Args:
        frames: class of every frame, ``(T,)``.
        drop_last_frame: let the last run stop one frame early; one of a single frame then has none.
        num_frames: lengths of the videos of which ``frames`` is one after the other; a run ends where its video does.
            None if it is one video.

    Returns:
        The runs in time order; none for ``T = 0``.

    Example:
        >>> to_runs(np.array([4, 4, 7]))
        Runs(labels=array([4, 7]), starts=array([0, 2]), stops=array([2, 3]))
        >>> to_runs(np.array([4, 4, 4]), drop_last_frame=True, num_frames=[2, 1])
        Runs(labels=array([4, 4]), starts=array([0, 2]), stops=array([1, 2]))
    """
    ends = np.array([len(frames)]) if num_frames is None else np.cumsum(num_frames)
    is_bound = np.ones(len(frames) + 1, dtype=bool)
    np.not_equal(frames[1:], frames[:-1], out=is_bound[1:-1])
    is_bound[ends] = True
    bounds = np.flatnonzero(is_bound)
    starts, stops = bounds[:-1], bounds[1:]
    if drop_last_frame:
        stops = stops - np.isin(stops, ends)
    return Runs(frames[starts], starts, stops)


def is_foreground(labels: Frames, background: Background) -> NDArray[np.bool_]:
    """Which labels are no background.

    Args:
        labels: of frames or of segments, any number.
        background: None, a class index, or a collection of them.

    Returns:
        True where the label counts, the shape of ``labels``.

    Example:
        >>> is_foreground(np.array([0, 3, 5]), background=[0, 5])
        array([False,  True, False])
    """
    foreground = np.ones(len(labels), dtype=bool)
    for label in background_classes(background):
        foreground &= labels != label
    return foreground


def count_classes(labels: Frames, num_classes: int) -> Tensor:
    """How often each class occurs.

    Args:
        labels: of frames or of segments, any number, each below ``num_classes``.
        num_classes: C.

    Returns:
        ``(C,)`` int64.

    Example:
        >>> count_classes(np.array([2, 0, 2]), num_classes=4)
        tensor([1, 0, 2, 0])
    """
    return torch.from_numpy(np.bincount(labels, minlength=num_classes))


def _check_one(labels: Labels, name: str, num_classes: int | None) -> Frames:
    raw = labels if isinstance(labels, Tensor) else np.asarray(labels)
    if raw.ndim != 1:
        raise ValueError(f"`{name}` must have the shape (T,), got {tuple(raw.shape)}")
    if not len(raw):
        raise ValueError(f"`{name}` has no frames: a score needs at least one")
    dtype = str(raw.dtype).removeprefix("torch.")
    if not dtype.startswith(("int", "uint")):
        raise ValueError(f"`{name}` must be class indexes (integers), got {dtype}: logits need `.argmax` first")
    frames: Frames = np.asarray(raw.cpu() if isinstance(raw, Tensor) else raw).astype(np.int64, copy=False)
    if frames.min() < 0:
        raise ValueError(
            f"`{name}` holds {frames.min()}, but class indexes start at 0: leave out padding ({IGNORE}) by the mask"
        )
    if num_classes is not None and frames.max() >= num_classes:
        raise ValueError(f"`{name}` holds class {frames.max()}, but `num_classes` is {num_classes}")
    return frames
