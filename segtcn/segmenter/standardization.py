"""Feature standardisation as a layer, so that a checkpoint carries it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardization(nn.Module):
    """Subtract the mean of each feature and divide by its standard deviation; the identity until :meth:`set`.

    Args:
        in_channels: feature width D.

    Shape:
        ``(B, D, T)`` to the same.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(in_channels))
        self.register_buffer("std", torch.ones(in_channels))

    def set(self, mean: Tensor, std: Tensor) -> None:
        """Take the statistics of the training videos, ``(D,)`` each.

        Raises:
            ValueError: if the width differs or a standard deviation is not positive.
        """
        if mean.shape != self.mean.shape or std.shape != self.std.shape:
            raise ValueError(
                f"mean and std must have the shape ({len(self.mean)},), got {tuple(mean.shape)} and {tuple(std.shape)}"
            )
        if not (std > 0).all():
            raise ValueError(f"std must be positive, got {std.min().item()}: give constant features 1")
        self.mean.copy_(mean)
        self.std.copy_(std)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return (x - self.mean[:, None]) / self.std[:, None]
