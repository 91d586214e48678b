"""The score that needs a network's probabilities, as a torchmetrics class: detection."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from segtcn.metrics.counts_metric import split_batch
from segtcn.metrics.functional import Background, background_classes, detections
from segtcn.metrics.functional.average_precision import Criterion, check_detection, mean_average_precision
from segtcn.structures import IGNORE


class SegmentalMAP(Metric):
    """Mean average precision of the segments of all videos: :func:`segtcn.metrics.functional.segmental_map`.

    The segments of all videos are ranked together. Those of different videos that are equally sure and start at the
    same frame count as found at once, so that the order of the videos does not matter.

    Args:
        num_classes: C.
        criterion: ``"iou"`` or ``"midpoint"``.
        threshold: intersection over union that must be exceeded, ``0 <= threshold < 1``; not used by ``"midpoint"``.
        background: classes whose segments are left out.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if ``criterion`` is unknown or ``threshold`` is not in its range.

    Example:
        >>> scores = torch.tensor([[0.1, 0.1, 0.9, 0.2], [0.7, 0.6, 0.1, 0.8]])
        >>> mean_ap = SegmentalMAP(num_classes=2, background=0)
        >>> mean_ap(torch.tensor([1, 1, 0, 1]), torch.tensor([1, 1, 0, 0]), scores)
        tensor(50.)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 100.0

    confidence: list[Tensor]
    start: list[Tensor]
    detection: list[Tensor]
    num_true: Tensor
    num_videos: Tensor

    def __init__(
        self,
        num_classes: int,
        criterion: Criterion = "iou",
        threshold: float = 0.5,
        background: Background = None,
        **kwargs: Any,
    ) -> None:
        check_detection(criterion, threshold)
        super().__init__(**kwargs)
        self.num_classes, self.criterion, self.threshold = num_classes, criterion, threshold
        self.background = background_classes(background)
        # All float32 and one-dimensional, as torchmetrics fills in for a process that has seen no video
        self.add_state("confidence", [], dist_reduce_fx="cat")
        self.add_state("start", [], dist_reduce_fx="cat")
        self.add_state("detection", [], dist_reduce_fx="cat")  # twice the class, and one more if it is correct
        self.add_state("num_true", torch.zeros(num_classes, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("num_videos", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Tensor, labels: Tensor, scores: Tensor, mask: Tensor | None = None) -> None:
        """Add videos.

        Args:
            preds: predicted class of every frame, ``(T,)`` or ``(B, T)``.
            labels: true class of every frame, the same shape.
            scores: of every class and frame, ``(C, T)`` or ``(B, C, T)``.
            mask: True on real frames, the shape of ``labels``, bool; None if there is no padding.

        Raises:
            ValueError: if shapes or values do not fit; no video of the batch is added then.
        """
        if scores.shape != (*labels.shape[:-1], self.num_classes, labels.shape[-1]):
            raise ValueError(
                "`scores` must have the shape (C, T) or (B, C, T) with the B and T of `labels`, "
                f"{tuple(labels.shape)}, got {tuple(scores.shape)}"
            )
        frames = split_batch(preds, labels, mask)
        scored = torch.atleast_2d(labels if mask is None else labels.where(mask, IGNORE)) != IGNORE
        of_videos = scores.detach().cpu().reshape(-1, *scores.shape[-2:])[scored.any(-1).cpu()]
        videos = [
            detections(*of_video, values, self.criterion, self.threshold, self.background)
            for of_video, values in zip(frames, of_videos, strict=True)
        ]
        device = self.num_true.device
        self.confidence += [video.confidence.to(device) for video in videos]
        self.start += [video.start.float().to(device) for video in videos]
        self.detection += [(2 * video.label + video.correct).float().to(device) for video in videos]
        self.num_true = self.num_true + torch.stack([video.num_true for video in videos]).sum(0).to(device)
        self.num_videos = self.num_videos + len(videos)

    def compute(self) -> Tensor:
        """The score of all videos added so far.

        Returns:
            Percent, ``()`` float32; NaN before the first video.
        """
        if self.num_videos == 0:
            return torch.tensor(torch.nan, device=self.num_true.device)
        confidence, start, detection = (
            dim_zero_cat(state).cpu() for state in (self.confidence, self.start, self.detection)
        )
        label, correct = detection.long() // 2, detection.long() % 2 == 1
        score = mean_average_precision(label, confidence, start.long(), correct, self.num_true.cpu())
        return score.to(self.num_true.device)
