"""The base of the torchmetrics classes: whole numbers that add up over videos, batches and processes."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor
from torchmetrics import Metric

from segtcn.metrics.functional import Background, background_classes, percent

Average: TypeAlias = Literal["video", "pooled", "macro", "none"]

VIDEO_WEIGHT = 2**32
"""What a video counts in a mean over videos. Whole numbers add up to the same sum in any order and on any number of
processes; this many steps are finer than float32, and leave room for 2**31 videos."""


class CountingMetric(Metric):
    """Sums of whole numbers over videos; a subclass says what is counted in one video and what follows from the sums.

    Args:
        shapes: shape of each sum by name, in the order in which ``_count`` returns them.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Attributes:
        num_videos: videos seen.
    """

    is_differentiable = False
    higher_is_better: bool | None = True
    full_state_update = False
    plot_lower_bound: float | None = 0.0
    plot_upper_bound: float | None = 100.0

    num_videos: Tensor

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._names = tuple(shapes)
        for name, shape in shapes.items():
            self.add_state(name, torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("num_videos", torch.tensor(0), dist_reduce_fx="sum")

    @abstractmethod
    def _count(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        """What videos add to each sum, int64, in the order of ``shapes``.

        ``preds`` and ``labels`` are all videos of a batch one after the other, of ``num_frames`` frames each.
        """

    @abstractmethod
    def _value(self, *sums: Tensor) -> Any:
        """What follows from the sums, all on the CPU."""

    def update(self, preds: Tensor, labels: Tensor, mask: Tensor | None = None) -> None:
        """Add videos.

        Args:
            preds: predicted class of every frame, ``(T,)`` or ``(B, T)``.
            labels: true class of every frame, the same shape.
            mask: True on real frames, the same shape, bool; what stands on other frames is ignored. None if there is no
                padding.

        Raises:
            ValueError: if shapes or types do not fit or a label is no class index; no video of the batch is added then.
        """
        preds, labels, num_frames = unpad(preds, labels, mask)
        self._add(self._count(preds, labels, num_frames), len(num_frames))

    def compute(self) -> Any:
        """The value for all videos added so far.

        Returns:
            As the class says; scores are NaN before the first video.
        """
        # On the CPU: the divisions are in float64, which Apple's GPUs lack
        return self._value(*(getattr(self, name).cpu() for name in self._names))

    def _add(self, counts: Sequence[Tensor], num_videos: int) -> None:
        for name, count in zip(self._names, counts, strict=True):
            state = getattr(self, name)
            setattr(self, name, state + count.to(state.device))
        self.num_videos = self.num_videos + num_videos


class RatioMetric(CountingMetric):
    """A score that is a ratio of counts; a subclass says how to count and which ratio.

    Args:
        counts: names of the counts.
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: from the counts of
            all videos together. ``"macro"``: pooled for each class on its own, and the mean over the classes that
            occur. ``"none"``: the same without the mean, ``(C,)``.
        background: classes that are left out.
        num_classes: C, needed by ``"macro"`` and ``"none"``.
        absent_score: what ``"none"`` gives a class that does not occur.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown, ``num_classes`` is missing or ``background`` is not below it.
    """

    empty_score = 100.0
    """Score where there is nothing to count."""

    def __init__(
        self,
        counts: Sequence[str],
        average: Average,
        background: Background = None,
        num_classes: int | None = None,
        absent_score: float = 100.0,
        **kwargs: Any,
    ) -> None:
        if average not in get_args(Average):
            raise ValueError(f"`average` must be one of {get_args(Average)}, got {average!r}")
        by_class = average in ("macro", "none")
        if by_class and num_classes is None:
            raise ValueError(f'`average="{average}"` scores every class: pass `num_classes`')
        classes = background_classes(background)
        if num_classes is not None and any(not 0 <= label < num_classes for label in classes):
            raise ValueError(f"`background` is {background}, but `num_classes` is {num_classes}")
        shape = (num_classes,) if by_class and num_classes is not None else ()
        names = ("video_scores",) if average == "video" else counts
        super().__init__(dict.fromkeys(names, shape), **kwargs)
        self.average, self.background = average, classes
        self.num_classes = num_classes
        self.absent_score = absent_score

    @property
    def _classes_apart(self) -> int | None:
        return self.num_classes if self.average in ("macro", "none") else None

    @abstractmethod
    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        """The counts of one video, each ``()`` or ``(C,)`` int64."""

    def _pooled_counts(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        """The sums of the counts of videos that are one after the other."""
        videos = [self._counts(*video) for video in zip(preds.split(num_frames), labels.split(num_frames), strict=True)]
        return [torch.stack(counts).sum(0) for counts in zip(*videos, strict=True)]

    @abstractmethod
    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        """Numerator and denominator; both are zero where there is nothing to count."""

    def _count(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        if self.average != "video":
            return self._pooled_counts(preds, labels, num_frames)
        videos = [self._counts(*video) for video in zip(preds.split(num_frames), labels.split(num_frames), strict=True)]
        counts = (torch.stack(each) for each in zip(*videos, strict=True))
        return [weigh_equally(*self._ratio(*counts), self.empty_score).sum(0)]

    def _value(self, *sums: Tensor) -> Tensor:
        if self.num_videos == 0:
            score = torch.full_like(sums[0], math.nan, dtype=torch.float32)
        elif self.average == "video":
            score = percent(sums[0], self.num_videos.cpu() * VIDEO_WEIGHT)
        else:
            hits, out_of = self._ratio(*sums)
            score, occurs = percent(hits, out_of), out_of > 0
            if self.average == "none":
                score = score.where(occurs, self.absent_score)
            elif not occurs.any():
                score = torch.tensor(self.empty_score)
            else:
                score = score[occurs].double().mean().float()
        return score.to(self.num_videos.device)


def weigh_equally(hits: Tensor, out_of: Tensor, empty_score: float = 100.0) -> Tensor:
    """A video's ratio as a whole number of steps, to be summed in a mean over videos.

    Args:
        hits: numerators, any shape, int64.
        out_of: denominators, the same shape.
        empty_score: percent where both are zero.

    Returns:
        ``hits / out_of`` in steps of one :data:`VIDEO_WEIGHT`-th, to the nearest, int64.

    Example:
        >>> weigh_equally(torch.tensor([1, 0]), torch.tensor([2, 0])) / VIDEO_WEIGHT
        tensor([0.5000, 1.0000])
    """
    steps = (hits * VIDEO_WEIGHT + out_of // 2) // out_of.clamp(min=1)
    return steps.where(out_of > 0, round(empty_score / 100 * VIDEO_WEIGHT))


def unpad(preds: Tensor, labels: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor, list[int]]:
    """The videos of a batch without padding, one after the other, on the CPU.

    Args:
        preds: one value for every frame, ``(T,)`` or ``(B, T)``.
        labels: the same shape.
        mask: True on real frames, the same shape, bool; None if there is no padding.

    Returns:
        Predictions and labels of all real frames, each ``(frames,)``, and the frames of each video.

    Raises:
        ValueError: if shapes or types do not fit, or a video has no frame.

    Example:
        >>> mask = torch.tensor([[True, True], [True, False]])
        >>> unpad(torch.tensor([[1, 2], [3, 0]]), torch.tensor([[1, 1], [3, 0]]), mask)
        (tensor([1, 2, 3]), tensor([1, 1, 3]), [2, 1])
    """
    if preds.shape != labels.shape or preds.ndim not in (1, 2):
        raise ValueError(
            "`preds` and `labels` must both have the shape (T,) or (B, T), got "
            f"{tuple(preds.shape)} and {tuple(labels.shape)}"
        )
    if mask is not None and (mask.shape != preds.shape or mask.dtype != torch.bool):
        raise ValueError(
            f"`mask` must be bool and of the shape of `preds`, {tuple(preds.shape)}, got "
            f"{tuple(mask.shape)} {mask.dtype}"
        )
    if not len(preds):
        raise ValueError(f"`preds` holds no frames, its shape is {tuple(preds.shape)}: a score needs at least one")
    # One copy from the GPU for the batch, not one for each video
    preds, labels = preds.cpu(), labels.cpu()
    if mask is None:
        num_videos = 1 if preds.ndim == 1 else len(preds)
        return preds.flatten(), labels.flatten(), [preds.shape[-1]] * num_videos
    mask = mask.cpu()
    num_frames = torch.atleast_1d(mask.sum(-1)).tolist()
    if 0 in num_frames:
        raise ValueError("`preds` has no frames: a score needs at least one, but `mask` leaves a video without any")
    return preds[mask], labels[mask], num_frames
