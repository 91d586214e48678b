"""What every score starts with: checked label sequences, background classes and the runs that are scored."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segtcn.structures import IGNORE, Runs, find_runs

FrameLabels: TypeAlias = Tensor | NDArray[Any] | Sequence[int]
Background: TypeAlias = int | Collection[int] | None
Frames: TypeAlias = NDArray[np.int64]


def background_classes(background: Background, num_classes: int | None = None) -> tuple[int, ...]:
    """The classes that ``background`` names.

    Args:
        background: None, a class index, or a collection of them.
        num_classes: C, which every index must be below; None if that does not matter.

    Returns:
        The class indexes in the order given; none for None.

    Raises:
        ValueError: if something else is given, such as a class name, or an index is not a class.

    Example:
        >>> background_classes(None), background_classes(0), background_classes([0, 18])
        ((), (0,), (0, 18))
    """
    if background is None:
        return ()
    try:
        labels = background if isinstance(background, Iterable) else [background]
        classes = tuple(operator.index(label) for label in labels)
    except TypeError:
        raise ValueError(
            f"`background` must be None, a class index or a collection of them, got {background!r}"
        ) from None
    if num_classes is not None and any(not 0 <= label < num_classes for label in classes):
        raise ValueError(f"`background` is {background}, but `num_classes` is {num_classes}")
    return classes


def check_labels(preds: FrameLabels, labels: FrameLabels, num_classes: int | None = None) -> tuple[Frames, Frames]:
    """Predictions and truth of one video as arrays that the scores can rely on.

    Args:
        preds: predicted class of every frame, ``(T,)``; where ``labels`` are :data:`~segtcn.structures.IGNORE`, any
            integers.
        labels: true class of every frame or :data:`~segtcn.structures.IGNORE`, ``(T,)``.
        num_classes: C, which every label must be below; None if that does not matter.

    Returns:
        Both as ``(T,)`` int64 on the CPU, without a copy where they are that already. Where the truth is ignored, both
        are :data:`~segtcn.structures.IGNORE`.

    Raises:
        ValueError: if a sequence is empty, not ``(T,)``, not of integers, holds a negative label or one that is not
            below ``num_classes``, if the two differ in length, or if every frame is ignored.

    Example:
        >>> check_labels([0, 1, 5], torch.tensor([1, 1, IGNORE]))
        (array([   0,    1, -100]), array([   1,    1, -100]))
    """
    pred_frames, true_frames = to_array(preds, "preds"), to_array(labels, "labels")
    for name, frames in (("preds", pred_frames), ("labels", true_frames)):
        if frames.ndim != 1:
            raise ValueError(f"`{name}` must have the shape (T,), got {frames.shape}")
        if not len(frames):
            raise ValueError(f"`{name}` has no frames: a score needs at least one")
    if len(pred_frames) != len(true_frames):
        raise ValueError(
            f"`preds` has {len(pred_frames)} frames and `labels` has {len(true_frames)}: bring both to the same frame "
            "rate and length first"
        )
    if true_frames.min() < 0 and (ignored := true_frames == IGNORE).any():
        if ignored.all():
            raise ValueError(f"`labels` are {IGNORE} (ignored) in every frame: leave such a video out")
        _check_range(pred_frames[~ignored], "preds", num_classes)
        _check_range(true_frames[~ignored], "labels", num_classes)
        return np.where(ignored, IGNORE, pred_frames), true_frames
    _check_range(pred_frames, "preds", num_classes)
    _check_range(true_frames, "labels", num_classes)
    return pred_frames, true_frames


def to_array(labels: FrameLabels, name: str) -> Frames:
    """Class indexes as an array.

    Args:
        labels: of any shape.
        name: what an error calls them.

    Returns:
        int64 on the CPU, without a copy if they are that already.

    Raises:
        ValueError: if they are not integers.

    Example:
        >>> to_array(torch.tensor([[1, 2]]), "preds")
        array([[1, 2]])
    """
    raw = labels if isinstance(labels, Tensor) else np.asarray(labels)
    dtype = str(raw.dtype).removeprefix("torch.")
    if not dtype.startswith(("int", "uint")) and 0 not in raw.shape:
        raise ValueError(f"`{name}` must be class indexes (integers), got {dtype}: logits need `.argmax` first")
    return np.asarray(raw.cpu() if isinstance(raw, Tensor) else raw).astype(np.int64, copy=False)


def scored_runs(frames: Frames) -> Runs:
    """The maximal runs of equal labels, without the ignored ones.

    Args:
        frames: class of every frame or :data:`~segtcn.structures.IGNORE`, ``(T,)``.

    Returns:
        The runs in time order. What lies on either side of an ignored stretch is two runs, even if of one class.

    Example:
        >>> scored_runs(np.array([4, 4, IGNORE, 4]))
        Runs(starts=array([0, 3]), stops=array([2, 4]), values=array([4, 4]))
    """
    runs = find_runs(frames)
    scored = runs.values != IGNORE
    return runs if scored.all() else Runs(*(column[scored] for column in runs))


def is_foreground(labels: Frames, background: Background) -> NDArray[np.bool_]:
    """Which labels are neither background nor ignored.

    Args:
        labels: of frames or of segments, any number.
        background: None, a class index, or a collection of them.

    Returns:
        True where the label counts, the shape of ``labels``.

    Example:
        >>> is_foreground(np.array([0, 3, 5, IGNORE]), background=[0, 5])
        array([False,  True, False, False])
    """
    foreground = labels != IGNORE
    for label in background_classes(background):
        foreground &= labels != label
    return foreground


def count_classes(labels: Frames, num_classes: int | None = None) -> Tensor:
    """How often each class occurs.

    Args:
        labels: of frames or of segments, any number, each below ``num_classes``.
        num_classes: C, None to count all together.

    Returns:
        ``(C,)`` or ``()`` int64.

    Example:
        >>> count_classes(np.array([2, 0, 2]), num_classes=4), count_classes(np.array([2, 0, 2]))
        (tensor([1, 0, 2, 0]), tensor(3))
    """
    if num_classes is None:
        return torch.tensor(len(labels))
    return torch.from_numpy(np.bincount(labels, minlength=num_classes))


def _check_range(frames: Frames, name: str, num_classes: int | None) -> None:
    if frames.min() < 0:
        raise ValueError(
            f"`{name}` holds {frames.min()}, but class indexes start at 0: frames that nobody labelled are {IGNORE} in "
            "`labels`, padding is left out by the mask"
        )
    if num_classes is not None and frames.max() >= num_classes:
        raise ValueError(f"`{name}` holds class {frames.max()}, but `num_classes` is {num_classes}")
