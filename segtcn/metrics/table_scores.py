"""The scores of the field's tables as torchmetrics classes: frame accuracy, edit score and the segmental ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from segtcn.metrics.counts import Average, Averaging, VideoCounts, combine_videos, count_videos, score_classes
from segtcn.metrics.counts_metric import CountsMetric, split_batch
from segtcn.metrics.functional import (
    Background,
    Share,
    background_classes,
    check_threshold,
    edit_counts,
    frame_counts,
    segment_counts,
)
from segtcn.metrics.functional.ratios import f1_ratio, precision_ratio, recall_ratio
from segtcn.metrics.protocols import SCORES, THRESHOLDS, get_protocol


class FrameAccuracy(CountsMetric):
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
        combine = Averaging(Share, average, num_classes, absent_score)
        count = partial(
            frame_counts,
            background=background_classes(background, num_classes),
            num_classes=combine.counted_classes,
        )
        super().__init__(count, combine.shape(2), combine, **kwargs)


class EditScore(CountsMetric):
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
        combine = Averaging(_likeness, average, averages=("video", "pooled"))
        count = partial(edit_counts, background=background_classes(background))
        super().__init__(count, combine.shape(2), combine, **kwargs)


class _SegmentalMetric(CountsMetric):
    """A ratio of true positives, false positives and misses among the segments."""

    ratio: ClassVar[Callable[..., tuple[Tensor, Tensor]]]

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
        combine = Averaging(type(self).ratio, average, num_classes, absent_score)
        count = partial(
            segment_counts,
            threshold=threshold,
            background=background_classes(background, num_classes),
            num_classes=combine.counted_classes,
        )
        super().__init__(count, combine.shape(3), combine, **kwargs)


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

    ratio = staticmethod(f1_ratio)


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

    ratio = staticmethod(precision_ratio)


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

    ratio = staticmethod(recall_ratio)


class SegmentationScores(CountsMetric):
    """The field's five scores under one protocol, added up over videos, batches and processes.

    Any order of the videos and any number of processes give the same bits as
    :func:`~segtcn.metrics.evaluate_videos`.

    Args:
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        background: the data set's background classes; the protocol says which scores leave them out.
        class_names: name of every class, for protocols that know background by its name: those ignore ``background``
            then.
        fps: frames per second of the sequences, for protocols that score at a rate of their own.
        by_class: also score every class, which needs ``class_names``: its frame accuracy and its F1@50, of all videos
            pooled, as ``accuracy/NAME`` and ``f1@50/NAME``; NaN where the protocol counts nothing of it.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if the protocol is unknown, ``fps`` is not positive, or ``class_names`` are missing.

    Example:
        ``compute`` gives the five scores by name, each in percent, ``()`` float32.

        >>> scores = SegmentationScores("lea", background=0)
        >>> scores.update(torch.tensor([0, 1, 1, 1, 2]), torch.tensor([0, 0, 1, 2, 2]))
        >>> {name: f"{score:.1f}" for name, score in scores.compute().items()}
        {'accuracy': '60.0', 'edit': '100.0', 'f1@10': '100.0', 'f1@25': '100.0', 'f1@50': '50.0'}
    """

    def __init__(
        self,
        protocol: str = "lea",
        background: Background = None,
        class_names: Sequence[str] | None = None,
        fps: float | None = None,
        by_class: bool = False,
        **kwargs: Any,
    ) -> None:
        choice = get_protocol(protocol)
        if by_class and class_names is None:
            raise ValueError("`by_class` gives scores the names of classes: pass `class_names`")
        self.protocol, self.num_classes = protocol, len(class_names) if by_class and class_names else None
        self.background, self.step = choice.background(class_names, background), choice.frame_step(fps)
        combine = partial(_named_scores, protocol=protocol, class_names=class_names if by_class else None)
        count = partial(count_videos, protocol=choice, background=self.background, step=self.step)
        super().__init__(count, (1 + (4 + len(THRESHOLDS)) * (self.num_classes or 1),), combine, **kwargs)

    def update(self, preds: Tensor, labels: Tensor, mask: Tensor | None = None) -> None:  # noqa: D102
        if videos := split_batch(preds, labels, mask, self.num_classes):
            self.rows.append(self._count(videos, num_classes=self.num_classes).to(self.device))


def _named_scores(rows: Tensor, protocol: str, class_names: Sequence[str] | None) -> dict[str, Tensor]:
    counts = VideoCounts.from_rows(rows)
    together = combine_videos(counts, protocol) if len(rows) else dict.fromkeys(SCORES, math.nan)
    scores = {name: torch.tensor(score) for name, score in together.items()}
    if class_names is not None:
        for kind, values in score_classes(counts).items():
            scores |= {f"{kind}/{name}": value for name, value in zip(class_names, values, strict=True)}
    return scores


def _likeness(distance: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    return length - distance, length
