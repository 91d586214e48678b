"""The scores of the field's tables as torchmetrics classes: frame accuracy, edit score and the segmental ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from segtcn.metrics.counting import Average, RatioMetric
from segtcn.metrics.functional import (
    Background,
    EditCounts,
    FrameCounts,
    SegmentCounts,
    check_threshold,
    edit_counts,
    frame_counts,
    segment_counts,
)
from segtcn.metrics.functional.labels import check_labels, to_runs
from segtcn.metrics.functional.segments import count_runs, precision_ratio


class FrameAccuracy(RatioMetric):
    """Share of the frames whose prediction is right, in percent: :func:`segtcn.metrics.functional.frame_accuracy`.

    Args:
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: frames of all
            videos together. ``"none"``: pooled, for each true class on its own, ``(C,)``. ``"macro"``: the mean of
            these over the classes that have a counted frame ("mean over classes").
        background: classes whose frames, by the truth, are not counted; None counts every frame.
        num_classes: C, needed by ``"macro"`` and ``"none"``, which refuse labels that are not below it.
        absent_score: what ``"none"`` gives a class that has no counted frame, such as ``math.nan`` to mark it.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown, ``num_classes`` is missing or ``background`` is not below it.

    Example:
        >>> import torch
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
        absent_score: float = 100.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(FrameCounts._fields, average, background, num_classes, absent_score, **kwargs)

    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        return frame_counts(preds, labels, self.background, self._classes_apart)

    def _pooled_counts(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        return self._counts(preds, labels)

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        correct, total = counts
        return correct, total


class EditScore(RatioMetric):
    """Likeness of the order of segments, in percent: :func:`segtcn.metrics.functional.edit_score`.

    Args:
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: one minus the sum
            of the distances over the sum of the longer lengths.
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown.

    Example:
        >>> import torch
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
        super().__init__(EditCounts._fields, average, background, **kwargs)

    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        return edit_counts(preds, labels, self.background)

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        distance, length = counts
        return length - distance, length


class _SegmentalMetric(RatioMetric):
    """A ratio of true positives, false positives and misses among the segments."""

    def __init__(
        self,
        threshold: float,
        average: Average = "video",
        background: Background = None,
        num_classes: int | None = None,
        absent_score: float = 100.0,
        **kwargs: Any,
    ) -> None:
        check_threshold(threshold)
        super().__init__(SegmentCounts._fields, average, background, num_classes, absent_score, **kwargs)
        self.threshold = threshold

    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        counts = segment_counts(preds, labels, [self.threshold], self.background, self._classes_apart)
        return [count[0] for count in counts]

    def _pooled_counts(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        pred, true = (
            to_runs(frames, num_frames=num_frames) for frames in check_labels(preds, labels, self.num_classes)
        )
        counts = count_runs(pred, true, [self.threshold], self.background, self._classes_apart)
        return [count[0] for count in counts]


class SegmentalF1(_SegmentalMetric):
    """F1 of the segments at one threshold, in percent: :func:`segtcn.metrics.functional.segmental_f1`.

    Args:
        threshold: smallest intersection over union that counts, ``0 < threshold <= 1``: F1@10 is ``0.1``.
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: from the sums of
            true positives, false positives and false negatives. ``"none"``: pooled, for each class on its own,
            ``(C,)``. ``"macro"``: the mean of these over the classes that have a true or predicted segment.
        background: classes whose segments are left out.
        num_classes: C, needed by ``"macro"`` and ``"none"``, which refuse labels that are not below it.
        absent_score: what ``"none"`` gives a class without any true or predicted segment, as ``background`` always is;
            ``math.nan`` marks it.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``threshold`` is not in its range, ``average`` is unknown, ``num_classes`` is missing or
            ``background`` is not below it.

    Example:
        >>> import torch
        >>> preds, labels = torch.tensor([1, 1, 1, 2]), torch.tensor([1, 1, 2, 2])
        >>> SegmentalF1(threshold=0.6)(preds, labels)
        tensor(50.)
        >>> SegmentalF1(threshold=0.6, average="none", num_classes=4, absent_score=float("nan"))(preds, labels)
        tensor([ nan, 100.,   0.,  nan])
    """

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        tp, fp, fn = counts
        return 2 * tp, 2 * tp + fp + fn


class SegmentalPrecision(_SegmentalMetric):
    """Share of the predicted segments that found a true one: :func:`segtcn.metrics.functional.segmental_precision`.

    Args:
        threshold: as of :class:`SegmentalF1`, and so are all other arguments.
        average: ``"video"``, ``"pooled"``, ``"macro"`` or ``"none"``.
        background: classes whose segments are left out.
        num_classes: C, needed by ``"macro"`` and ``"none"``.
        absent_score: what ``"none"`` gives a class without any true or predicted segment.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: as :class:`SegmentalF1`.

    Example:
        >>> import torch
        >>> SegmentalPrecision(threshold=0.5)(torch.tensor([1, 1, 2, 1]), torch.tensor([1, 1, 1, 1]))
        tensor(33.3333)
    """

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        tp, fp, fn = counts
        return precision_ratio(tp, fp, fn)


class SegmentalRecall(_SegmentalMetric):
    """Share of the true segments that were found: :func:`segtcn.metrics.functional.segmental_recall`.

    Args:
        threshold: as of :class:`SegmentalF1`, and so are all other arguments.
        average: ``"video"``, ``"pooled"``, ``"macro"`` or ``"none"``.
        background: classes whose segments are left out.
        num_classes: C, needed by ``"macro"`` and ``"none"``.
        absent_score: what ``"none"`` gives a class without any true or predicted segment.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: as :class:`SegmentalF1`.

    Example:
        >>> import torch
        >>> SegmentalRecall(threshold=0.5)(torch.tensor([1, 1, 2, 1]), torch.tensor([1, 1, 1, 1]))
        tensor(100.)
    """

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        tp, fp, fn = counts
        return precision_ratio(tp, fn, fp)
