"""The base of the torchmetrics classes: a table of counts, one row a video."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.distributed import gather_all_tensors

from segtcn.metrics.functional.sequences import Frames, check_labels, to_array
from segtcn.structures import IGNORE


class CountsMetric(Metric):
    """A score that is a function of the counts of videos.

    The counts are its only state: any order of the videos, any batches and any number of processes give the same bits.

    Args:
        count: what one video contributes, a tensor or several of one shape, from its predictions and labels.
        shape: of what a video contributes, all tensors of ``count`` stacked.
        combine: the score, or several by name, from the counts of N videos, ``(N, *shape)`` on the CPU.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Example:
        >>> from segtcn.metrics.functional import frame_counts
        >>> metric = CountsMetric(frame_counts, (2,), lambda counts: counts.sum(0))
        >>> metric(torch.tensor([1, 1, 2]), torch.tensor([1, 2, 2]))
        tensor([2, 3])
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound: float | None = 0.0
    plot_upper_bound: float | None = 100.0

    rows: list[Tensor]

    def __init__(
        self,
        count: Callable[..., Any],
        shape: tuple[int, ...],
        combine: Callable[[Tensor], Tensor | dict[str, Tensor]],
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dist_sync_fn": self._gather, **kwargs})
        self._count, self._shape, self._combine = count, shape, combine
        self._no_row = torch.empty(0, math.prod(shape), dtype=torch.int64)
        self.add_state("rows", [], dist_reduce_fx="cat")

    def update(self, preds: Tensor, labels: Tensor, mask: Tensor | None = None) -> None:
        """Add videos.

        A video whose labels are :data:`~segtcn.structures.IGNORE` in every frame adds nothing.

        Args:
            preds: predicted class of every frame, ``(T,)`` or ``(B, T)``.
            labels: true class of every frame or :data:`~segtcn.structures.IGNORE`, the same shape.
            mask: True on real frames, the same shape, bool; what stands on other frames is ignored. None if there is no
                padding.

        Raises:
            ValueError: if shapes or types do not fit or a label is not a class index; no video of the batch is added
                then.
        """
        videos = [self._count(*video) for video in split_batch(preds, labels, mask)]
        counts = [video if isinstance(video, Tensor) else torch.stack([*video]) for video in videos]
        if counts:
            self.rows.append(torch.stack(counts).flatten(1).to(self.device, torch.int64))

    def compute(self) -> Any:
        """The score of all videos added so far.

        Returns:
            As the class says; scores are NaN before the first video.
        """
        score = self._combine(self.counts)
        if isinstance(score, dict):
            return {name: value.to(self.device) for name, value in score.items()}
        return score.to(self.device)

    @property
    def counts(self) -> Tensor:
        """What each video contributed, ``(N, *shape)`` on the CPU."""
        rows = self.rows if isinstance(self.rows, list) else [self.rows]
        # On the CPU: the divisions are in float64, which Apple's GPUs lack
        return torch.cat([self._no_row, *(row.cpu() for row in rows)]).unflatten(1, self._shape)

    @property
    def num_videos(self) -> int:
        """Videos that were counted."""
        return len(self.counts)

    def _gather(self, rows: Tensor, group: Any = None) -> list[Tensor]:
        # torchmetrics sends a vector of floats without elements for a process that has seen no video
        return gather_all_tensors((rows if rows.numel() else self._no_row).to(self.device), group)


def split_batch(
    preds: Tensor, labels: Tensor, mask: Tensor | None = None, num_classes: int | None = None
) -> list[tuple[Frames, Frames]]:
    """The videos of a batch that have a labelled frame, as the scores can rely on.

    Args:
        preds: predicted class of every frame, ``(T,)`` or ``(B, T)``.
        labels: true class of every frame or :data:`~segtcn.structures.IGNORE`, the same shape.
        mask: True on real frames, the same shape, bool; None if there is no padding.
        num_classes: C, which every label must be below; None if that does not matter.

    Returns:
        Predictions and labels of each, see :func:`~segtcn.metrics.functional.sequences.check_labels`. Frames outside of
        the mask are ignored.

    Raises:
        ValueError: if shapes or types do not fit, or a video has no frame.

    Example:
        >>> mask = torch.tensor([[True, True], [True, False]])
        >>> split_batch(torch.tensor([[1, 2], [3, 0]]), torch.tensor([[1, 1], [3, 0]]), mask)
        [(array([1, 2]), array([1, 1])), (array([   3, -100]), array([   3, -100]))]
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
    if not preds.numel() or (mask is not None and not mask.any(-1).all()):
        raise ValueError(
            f"`preds` has no frames, or `mask` leaves a video without any: a score needs at least one, got "
            f"{tuple(preds.shape)}"
        )
    # One copy from the GPU for the batch, not one for each video
    pred_frames, true_frames = np.atleast_2d(to_array(preds, "preds"), to_array(labels, "labels"))
    if mask is not None:
        true_frames = np.where(mask.cpu().numpy(), true_frames, IGNORE)
    scored = np.flatnonzero((true_frames != IGNORE).any(axis=1))
    return [check_labels(pred_frames[i], true_frames[i], num_classes) for i in scored]
