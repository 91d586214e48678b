"""The scores as torchmetrics classes, which add up counts over videos, batches and processes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor
from torchmetrics import Metric

from segtcn.metrics.functional import (
    Background,
    background_classes,
    check_threshold,
    edit_counts,
    frame_counts,
    percent,
    segment_counts,
)

Average: TypeAlias = Literal["video", "pooled", "none"]

VIDEO_WEIGHT = 2**32
"""What a video counts in a mean over videos. Whole numbers add up to the same sum in any order and on any number of
processes; this many steps are finer than float32, and leave room for 2**31 videos."""


class _Score(Metric):
    """A ratio of counts that is summed over videos; a subclass says which counts.

    Attributes:
        hits: sum of the numerators, int64.
        out_of: sum of the denominators, the same shape.
        num_videos: videos seen.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 100.0

    hits: Tensor
    out_of: Tensor
    num_videos: Tensor

    def __init__(
        self, average: Average, background: Background = None, num_classes: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if average not in get_args(Average):
            raise ValueError(f"`average` must be one of {get_args(Average)}, got {average!r}")
        if average == "none" and num_classes is None:
            raise ValueError('`average="none"` gives one score per class: pass `num_classes`')
        self.average = average
        self.background = background_classes(background)
        self.num_classes = num_classes
        if num_classes is not None and any(not 0 <= label < num_classes for label in self.background):
            raise ValueError(f"`background` is {background}, but `num_classes` is {num_classes}")
        shape = (num_classes,) if average == "none" and num_classes is not None else ()
        self.add_state("hits", torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("out_of", torch.zeros(shape, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("num_videos", torch.tensor(0), dist_reduce_fx="sum")

    @property
    def _classes_apart(self) -> int | None:
        return self.num_classes if self.average == "none" else None

    @abstractmethod
    def _count(self, preds: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Numerator and denominator of one video, each ``()`` or ``(C,)`` int64."""

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
        counts = [self._count(*video) for video in unpad(preds, labels, mask)]
        hits, out_of = (torch.stack(column) for column in zip(*counts, strict=True))
        if self.average == "video":
            hits, out_of = weigh_equally(hits, out_of)
        self.hits = self.hits + hits.sum(0).to(self.hits.device)
        self.out_of = self.out_of + out_of.sum(0).to(self.out_of.device)
        self.num_videos = self.num_videos + len(counts)

    def compute(self) -> Tensor:
        """The score of all videos added so far.

        Returns:
            Percent, ``()`` or ``(C,)`` float32; NaN before the first video and for classes that do not occur.
        """
        hits, out_of = self.hits.cpu(), self.out_of.cpu()  # the division is in float64, which Apple's GPUs lack
        score = percent(hits, out_of)
        if self.average == "none" or self.num_videos == 0:
            score = score.where(out_of > 0, torch.nan)
        return score.to(self.hits.device)


class FrameAccuracy(_Score):
    """Share of the frames whose prediction is right, in percent: :func:`segtcn.metrics.functional.frame_accuracy`.

    Args:
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: frames of all
            videos together. ``"none"``: pooled, for each true class on its own (its recall), ``(C,)``; NaN marks a
            class that has no counted frame.
        background: classes whose frames, by the truth, are not counted; None counts every frame.
        num_classes: C, needed by ``"none"``, which refuses labels that are not below it.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown, ``num_classes`` is missing or ``background`` is not below it.

    Example:
        >>> preds, labels = torch.tensor([[0, 1, 1, 1], [2, 1, 0, 0]]), torch.tensor([[0, 1, 1, 2], [2, 2, 0, 0]])
        >>> mask = torch.tensor([[True, True, True, True], [True, True, False, False]])
        >>> accuracy = FrameAccuracy()
        >>> accuracy.update(preds, labels, mask)
        >>> accuracy.compute()
        tensor(62.5000)
        >>> FrameAccuracy(average="pooled")(preds, labels, mask)
        tensor(66.6667)
    """

    def __init__(
        self,
        average: Average = "video",
        background: Background = None,
        num_classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(average, background, num_classes, **kwargs)

    def _count(self, preds: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return frame_counts(preds, labels, self.background, self._classes_apart)


class EditScore(_Score):
    """Likeness of the order of segments, in percent: :func:`segtcn.metrics.functional.edit_score`.

    Args:
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: one minus the sum
            of the distances over the sum of the longer lengths.
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown.

    Example:
        >>> edit = EditScore(background=0)
        >>> edit.update(torch.tensor([1, 1, 0, 2, 1]), torch.tensor([1, 0, 0, 2, 2]))
        >>> edit.compute()
        tensor(66.6667)
    """

    def __init__(
        self, average: Literal["video", "pooled"] = "video", background: Background = None, **kwargs: Any
    ) -> None:
        if average not in ("video", "pooled"):
            raise ValueError(f"`average` of an edit score must be 'video' or 'pooled', got {average!r}")
        super().__init__(average, background, **kwargs)

    def _count(self, preds: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        distance, length = edit_counts(preds, labels, self.background)
        return length - distance, length


class SegmentalF1(_Score):
    """F1 of the segments at one threshold, in percent: :func:`segtcn.metrics.functional.segmental_f1`.

    Args:
        threshold: smallest intersection over union that counts, ``0 < threshold <= 1``: F1@10 is ``0.1``.
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: from the sums of
            true positives, false positives and false negatives. ``"none"``: pooled, for each class on its own,
            ``(C,)``; NaN marks a class without any true or predicted segment, as ``background`` always is.
        background: classes whose segments are left out.
        num_classes: C, needed by ``"none"``, which refuses labels that are not below it.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``threshold`` is not in its range, ``average`` is unknown, ``num_classes`` is missing or
            ``background`` is not below it.

    Example:
        >>> preds, labels = torch.tensor([1, 1, 1, 2]), torch.tensor([1, 1, 2, 2])
        >>> SegmentalF1(threshold=0.6)(preds, labels)
        tensor(50.)
        >>> SegmentalF1(threshold=0.6, average="none", num_classes=4)(preds, labels)
        tensor([ nan, 100.,   0.,  nan])
    """

    def __init__(
        self,
        threshold: float,
        average: Average = "video",
        background: Background = None,
        num_classes: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_threshold(threshold)
        super().__init__(average, background, num_classes, **kwargs)
        self.threshold = threshold

    def _count(self, preds: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        counts = segment_counts(preds, labels, [self.threshold], self.background, self._classes_apart)
        tp, fp, fn = (count[0] for count in counts)
        return 2 * tp, 2 * tp + fp + fn


def unpad(preds: Tensor, labels: Tensor, mask: Tensor | None) -> Iterator[tuple[Tensor, Tensor]]:
    """The unpadded predictions and labels of each video, each ``(T,)``."""
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
    preds, labels = torch.atleast_2d(preds.cpu()), torch.atleast_2d(labels.cpu())
    if mask is None:
        yield from zip(preds, labels, strict=True)
    else:
        for video_preds, video_labels, real in zip(preds, labels, torch.atleast_2d(mask.cpu()), strict=True):
            yield video_preds[real], video_labels[real]


def weigh_equally(hits: Tensor, out_of: Tensor) -> tuple[Tensor, Tensor]:
    """Expand each video's ratio to the common denominator, to the nearest whole numerator."""
    nothing = out_of == 0  # scores 100, as in `percent`
    out_of = out_of.where(~nothing, 1)
    hits = hits.where(~nothing, 1)
    return (hits * VIDEO_WEIGHT + out_of // 2) // out_of, torch.full_like(out_of, VIDEO_WEIGHT)
