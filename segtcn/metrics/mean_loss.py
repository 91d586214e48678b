"""The mean of losses over the frames that they count, across batches and processes."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class MeanLoss(Metric):
    """Mean over frames of losses, each of which is the mean over its frames; NaN stays NaN.

    Example:
        >>> mean = MeanLoss()
        >>> mean.update(torch.tensor(1.0), 30)
        >>> mean.update(torch.tensor(4.0), 10)
        >>> mean.compute()
        tensor(1.7500)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    total: Tensor
    num_frames: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("num_frames", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, loss: Tensor, num_frames: int) -> None:
        """Add a loss, the mean over ``num_frames`` frames."""
        if num_frames:  # the loss of no frames may be NaN
            self.total = self.total + loss * num_frames
            self.num_frames = self.num_frames + num_frames

    def compute(self) -> Tensor:
        """The mean; NaN before the first frame."""
        return self.total / self.num_frames
