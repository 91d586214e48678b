"""Scores beside those of the tables as torchmetrics classes: of boundaries, broken and merged segments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

from torch import Tensor

from segtcn.metrics.counts import Averaging
from segtcn.metrics.counts_metric import CountsMetric
from segtcn.metrics.functional import (
    Background,
    Share,
    background_classes,
    boundary_counts,
    merge_counts,
    segment_count_error,
    split_counts,
)
from segtcn.metrics.functional.boundaries import tolerance_frames
from segtcn.metrics.functional.ratios import f1_ratio
from segtcn.metrics.functional.sequences import Frames


class BoundaryF1(CountsMetric):
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
        >>> import torch
        >>> BoundaryF1(0.1, fps=10)(torch.tensor([1, 1, 1, 2, 2, 2]), torch.tensor([1, 1, 2, 2, 2, 1]))
        tensor(66.6667)
    """

    def __init__(
        self, tolerance_s: float, fps: float, average: Literal["video", "pooled"] = "video", **kwargs: Any
    ) -> None:
        tolerance_frames(tolerance_s, fps)
        combine = Averaging(f1_ratio, average, averages=("video", "pooled"))
        count = partial(boundary_counts, tolerance_s=tolerance_s, fps=fps)
        super().__init__(count, combine.shape(3), combine, **kwargs)


class OverSegmentation(CountsMetric):
    """Share of the true segments that are broken: :func:`segtcn.metrics.functional.over_segmentation`.

    Args:
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: of the segments of
            all videos together.
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown.

    Example:
        >>> import torch
        >>> OverSegmentation()(torch.tensor([1, 2, 1, 1, 1, 3]), torch.tensor([1, 1, 1, 1, 3, 3]))
        tensor(50.)
    """

    higher_is_better = False
    splits: ClassVar[Callable[..., Share]] = staticmethod(split_counts)

    def __init__(
        self, average: Literal["video", "pooled"] = "video", background: Background = None, **kwargs: Any
    ) -> None:
        combine = Averaging(Share, average, empty_score=0.0, averages=("video", "pooled"))
        count = partial(type(self).splits, background=background_classes(background))
        super().__init__(count, combine.shape(2), combine, **kwargs)


class UnderSegmentation(OverSegmentation):
    """Share of the predicted segments that merge true ones: :func:`segtcn.metrics.functional.under_segmentation`.

    Args:
        average: ``"video"`` or ``"pooled"``, as of :class:`OverSegmentation`.
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``average`` is unknown.

    Example:
        >>> import torch
        >>> UnderSegmentation()(torch.tensor([1, 1, 1, 1, 3, 3]), torch.tensor([1, 2, 1, 1, 1, 3]))
        tensor(50.)
    """

    splits = staticmethod(merge_counts)


class SegmentCountError(CountsMetric):
    """By how many segments predictions have too many or too few: :func:`segtcn.metrics.functional.segment_count_error`.

    ``compute`` gives the mean over videos, in segments, ``()`` float32.

    Args:
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``background`` is not a class index.

    Example:
        >>> import torch
        >>> SegmentCountError()(torch.tensor([[1, 2, 1, 2], [1, 1, 1, 1]]), torch.tensor([[1, 1, 1, 1], [1, 1, 2, 2]]))
        tensor(2.)
    """

    higher_is_better = False
    plot_upper_bound = None

    def __init__(self, background: Background = None, **kwargs: Any) -> None:
        count = partial(_count_error, background=background_classes(background))
        super().__init__(count, (1,), _mean, **kwargs)


def _count_error(preds: Frames, labels: Frames, background: tuple[int, ...]) -> Tensor:
    return segment_count_error(preds, labels, background)[None]


def _mean(counts: Tensor) -> Tensor:
    return counts.double().mean().float()
