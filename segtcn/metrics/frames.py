"""Scores of classes by frames, and confusion of classes, as torchmetrics classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from segtcn.metrics.counting import CountingMetric, RatioMetric
from segtcn.metrics.functional import Background, ClassCounts, class_counts, frame_confusion, segment_confusion
from segtcn.metrics.functional.segments import precision_ratio


class _ClassMetric(RatioMetric):
    """A ratio of right, false and missed frames of each class."""

    def __init__(
        self,
        num_classes: int,
        average: Literal["macro", "none"] = "macro",
        background: Background = None,
        absent_score: float = 100.0,
        **kwargs: Any,
    ) -> None:
        if average not in ("macro", "none"):
            raise ValueError(f"`average` of a score of classes must be 'macro' or 'none', got {average!r}")
        super().__init__(ClassCounts._fields, average, background, num_classes, absent_score, **kwargs)
        self.num_classes: int = num_classes

    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        return class_counts(preds, labels, self.num_classes, self.background)

    def _pooled_counts(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        return self._counts(preds, labels)


class FramePrecision(_ClassMetric):
    """Share of the frames predicted as a class that are of it: :func:`segtcn.metrics.functional.frame_precision`.

    Frames of all videos are pooled.

    Args:
        num_classes: C; labels must be below it.
        average: ``"none"``: of each class, ``(C,)``. ``"macro"``: their mean over the classes that occur, which is 100
            if none does.
        background: classes that are not scored; their frames are still false where predicted as another class.
        absent_score: what ``"none"`` gives background and a class that is neither true nor predicted anywhere, such as
            ``math.nan`` to mark it.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown or ``background`` is not below ``num_classes``.

    Example:
        >>> preds, labels = torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 2])
        >>> FramePrecision(num_classes=4)(preds, labels)
        tensor(44.4444)
    """

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        tp, fp, fn = counts
        return precision_ratio(tp, fp, fn)


class FrameRecall(_ClassMetric):
    """Share of the frames of a class that are predicted as it: :func:`segtcn.metrics.functional.frame_recall`.

    Frames of all videos are pooled. A class that is predicted but nowhere true scores 0;
    :class:`~segtcn.metrics.FrameAccuracy` leaves such a class out.

    Args:
        num_classes: C; labels must be below it.
        average: ``"none"`` or ``"macro"``, as of :class:`FramePrecision`.
        background: classes that are not scored.
        absent_score: as of :class:`FramePrecision`.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: as :class:`FramePrecision`.

    Example:
        >>> FrameRecall(num_classes=4, average="none")(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 2]))
        tensor([ 50., 100.,   0., 100.])
    """

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        tp, fp, fn = counts
        return precision_ratio(tp, fn, fp)


class FrameIoU(_ClassMetric):
    """Intersection over union of the frames of a class (Jaccard index): :func:`segtcn.metrics.functional.frame_iou`.

    Frames of all videos are pooled.

    Args:
        num_classes: C; labels must be below it.
        average: ``"none"`` or ``"macro"``, as of :class:`FramePrecision`.
        background: classes that are not scored; their frames are still false where predicted as another class.
        absent_score: as of :class:`FramePrecision`.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: as :class:`FramePrecision`.

    Example:
        >>> FrameIoU(num_classes=4, average="none")(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 0, 1, 2]))
        tensor([ 50.0000,  33.3333,   0.0000, 100.0000])
    """

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        tp, fp, fn = counts
        return tp, tp + fp + fn


class Confusion(CountingMetric):
    """How often each true class is predicted as each class, counted over all videos.

    ``compute`` gives ``(C, C)`` int64; row: true class, column: predicted class.

    Args:
        num_classes: C; labels must be below it.
        by: ``"frame"``: :func:`segtcn.metrics.functional.frame_confusion`. ``"segment"``: true segments, by the class
            that most of their frames are predicted as, :func:`segtcn.metrics.functional.segment_confusion`.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``by`` is something else.

    Example:
        >>> preds, labels = torch.tensor([0, 0, 1, 1, 1, 1]), torch.tensor([0, 0, 0, 1, 0, 0])
        >>> Confusion(num_classes=2, by="segment")(preds, labels)
        tensor([[1, 1],
                [0, 1]])
    """

    higher_is_better = None

    def __init__(self, num_classes: int, by: Literal["frame", "segment"] = "frame", **kwargs: Any) -> None:
        if by not in ("frame", "segment"):
            raise ValueError(f"`by` must be 'frame' or 'segment', got {by!r}")
        super().__init__({"pairs": (num_classes, num_classes)}, **kwargs)
        self.num_classes, self.by = num_classes, by

    def _count(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        if self.by == "frame":
            return [frame_confusion(preds, labels, self.num_classes)]
        videos = zip(preds.split(num_frames), labels.split(num_frames), strict=True)
        return [torch.stack([segment_confusion(*video, self.num_classes) for video in videos]).sum(0)]

    def _value(self, *sums: Tensor) -> Tensor:
        return sums[0].to(self.num_videos.device)
