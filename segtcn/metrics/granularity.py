"""Scores of how videos are cut into segments, as torchmetrics classes: boundaries, broken and merged segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from segtcn.metrics.counting import CountingMetric, RatioMetric
from segtcn.metrics.functional import (
    Background,
    BoundaryCounts,
    SplitCounts,
    background_classes,
    boundary_counts,
    merge_counts,
    segment_count_error,
    split_counts,
)
from segtcn.metrics.functional.boundaries import tolerance_frames


class BoundaryF1(RatioMetric):
    """F1 of the boundaries between segments, in percent: :func:`segtcn.metrics.functional.boundary_f1`.

    Args:
        tolerance_s: seconds by which a boundary may be early or late.
        fps: frames per second.
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: from the boundaries
            of all videos together.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``tolerance_s`` is negative, ``fps`` is not positive or ``average`` is unknown.

    Example:
        >>> BoundaryF1(0.1, fps=10)(torch.tensor([1, 1, 1, 2, 2, 2]), torch.tensor([1, 1, 2, 2, 2, 1]))
        tensor(66.6667)
    """

    def __init__(
        self, tolerance_s: float, fps: float, average: Literal["video", "pooled"] = "video", **kwargs: Any
    ) -> None:
        tolerance_frames(tolerance_s, fps)
        _check_average(average)
        super().__init__(BoundaryCounts._fields, average, **kwargs)
        self.tolerance_s, self.fps = tolerance_s, fps

    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        return boundary_counts(preds, labels, self.tolerance_s, self.fps)

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        tp, fp, fn = counts
        return 2 * tp, 2 * tp + fp + fn


class OverSegmentation(RatioMetric):
    """Share of the true segments that are broken: :func:`segtcn.metrics.functional.over_segmentation`.

    Args:
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: of the segments of
            all videos together.
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown.

    Example:
        >>> OverSegmentation()(torch.tensor([1, 2, 1, 1, 1, 3]), torch.tensor([1, 1, 1, 1, 3, 3]))
        tensor(50.)
    """

    higher_is_better = False
    empty_score = 0.0

    def __init__(
        self, average: Literal["video", "pooled"] = "video", background: Background = None, **kwargs: Any
    ) -> None:
        _check_average(average)
        super().__init__(SplitCounts._fields, average, background, **kwargs)

    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        return split_counts(preds, labels, self.background)

    def _ratio(self, *counts: Tensor) -> tuple[Tensor, Tensor]:
        split, total = counts
        return split, total


class UnderSegmentation(OverSegmentation):
    """Share of the predicted segments that merge true ones: :func:`segtcn.metrics.functional.under_segmentation`.

    Args:
        average: ``"video"`` or ``"pooled"``, as of :class:`OverSegmentation`.
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown.

    Example:
        >>> UnderSegmentation()(torch.tensor([1, 1, 1, 1, 3, 3]), torch.tensor([1, 2, 1, 1, 1, 3]))
        tensor(50.)
    """

    def _counts(self, preds: Tensor, labels: Tensor) -> Sequence[Tensor]:
        return merge_counts(preds, labels, self.background)


class SegmentCountError(CountingMetric):
    """By how many segments predictions have too many or too few: :func:`segtcn.metrics.functional.segment_count_error`.

    ``compute`` gives the mean over videos, in segments, ``()`` float32.

    Args:
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``background`` is no class index.

    Example:
        >>> SegmentCountError()(torch.tensor([[1, 2, 1, 2], [1, 1, 1, 1]]), torch.tensor([[1, 1, 1, 1], [1, 1, 2, 2]]))
        tensor(2.)
    """

    higher_is_better = False
    plot_upper_bound = None

    def __init__(self, background: Background = None, **kwargs: Any) -> None:
        super().__init__({"difference": ()}, **kwargs)
        self.background = background_classes(background)

    def _count(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        videos = zip(preds.split(num_frames), labels.split(num_frames), strict=True)
        return [torch.stack([segment_count_error(*video, self.background) for video in videos]).sum().long()]

    def _value(self, *sums: Tensor) -> Tensor:
        return (sums[0].double() / self.num_videos.cpu()).float().to(self.num_videos.device)


def _check_average(average: str) -> None:
    if average not in ("video", "pooled"):
        raise ValueError(f"`average` must be 'video' or 'pooled', got {average!r}")
