"""Scores beside those of the tables as torchmetrics classes: of classes, boundaries, broken and merged segments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from segtcn.metrics.counts import Averaging
from segtcn.metrics.counts_metric import CountsMetric
from segtcn.metrics.functional import (
    Background,
    Share,
    background_classes,
    boundary_counts,
    class_counts,
    frame_confusion,
    merge_counts,
    segment_confusion,
    segment_count_error,
    split_counts,
)
from segtcn.metrics.functional.boundaries import tolerance_frames
from segtcn.metrics.functional.ratios import f1_ratio, iou_ratio, precision_ratio, recall_ratio
from segtcn.metrics.functional.sequences import Frames


class _ClassMetric(CountsMetric):
    """A ratio of right, false and missed frames of each class."""

    ratio: ClassVar[Callable[..., tuple[Tensor, Tensor]]]

    def __init__(
        self,
        num_classes: int,
        average: Literal["macro", "none"] = "macro",
        background: Background = None,
        absent_score: float = 100.0,
        **kwargs: Any,
    ) -> None:
        combine = Averaging(type(self).ratio, average, num_classes, absent_score, averages=("macro", "none"))
        left_out = background_classes(background, num_classes)
        count = partial(class_counts, num_classes=num_classes, background=left_out)
        super().__init__(count, combine.shape(3), combine, **kwargs)


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

    ratio = staticmethod(precision_ratio)


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

    ratio = staticmethod(recall_ratio)


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

    ratio = staticmethod(iou_ratio)


class Confusion(CountsMetric):
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
        count = partial(frame_confusion if by == "frame" else segment_confusion, num_classes=num_classes)
        super().__init__(count, (num_classes, num_classes), partial(torch.sum, dim=0), **kwargs)


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
