"""Normalisations whose statistics come from real frames only."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def masked_moments(x: Tensor, mask: Tensor | None, dims: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, biased variance and number of the real frames along some dimensions.

    Args:
        x: ``(B, C, T)``.
        mask: True on real frames, ``(B, T)``; None if all are.
        dims: the dimensions to reduce, among 0 and 2.

    Returns:
        Mean and variance of the shape of ``x`` with ``dims`` of size 1, in at least single precision, and the number of
        frames that they were taken over; all zero where there is no real frame.

    Example:
        >>> x = torch.tensor([[[1.0, 3.0, 9.0]]])
        >>> masked_moments(x, torch.tensor([[True, True, False]]), dims=(2,))
        (tensor([[[2.]]]), tensor([[[1.]]]), tensor([[[2.]]]))
    """
    x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    weight = torch.ones_like(x[:, :1]) if mask is None else mask[:, None].to(x.dtype)
    count = weight.sum(dims, keepdim=True)
    mean = (x * weight).sum(dims, keepdim=True) / count.clamp_min(1)
    # the difference first: the mean square minus the squared mean cancels
    variance = ((x - mean).square() * weight).sum(dims, keepdim=True) / count.clamp_min(1)
    return mean, variance, count


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of every frame over its channels; knows nothing of other frames.

    Args:
        channels: C.

    Shape:
        ``(B, C, T)`` to the same.

    Reference:
        Ba, Kiros, Hinton: "Layer Normalization", 2016, equation 3.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return super().forward(x.mT).mT


class MaskedInstanceNorm1d(nn.Module):
    """Instance normalisation: every channel of every video over the video's real frames.

    Padded frames get undefined values.

    Args:
        channels: C.
        eps: added to the variance.
        affine: whether to learn a scale and a shift for every channel.

    Shape:
        ``(B, C, T)`` and a mask ``(B, T)`` or None to ``(B, C, T)``.

    Example:
        >>> MaskedInstanceNorm1d(1)(torch.tensor([[[1.0, 3.0]]])).round(decimals=3)
        tensor([[[-1.,  1.]]])

    Reference:
        Ulyanov, Vedaldi, Lempitsky: "Instance Normalization", 2016; :class:`torch.nn.InstanceNorm1d` without a mask.
    """

    def __init__(self, channels: int, eps: float = 1e-5, affine: bool = False) -> None:
        super().__init__()
        self.channels, self.eps = channels, eps
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        mean, variance, _ = masked_moments(x, mask, dims=(2,))
        normalised = (x - mean) * (variance + self.eps).rsqrt()
        if self.weight is not None and self.bias is not None:
            normalised = normalised * self.weight[:, None] + self.bias[:, None]
        return normalised.to(x.dtype)


class MaskedBatchNorm1d(nn.BatchNorm1d):
    """Batch normalisation over the real frames of the batch; running statistics in evaluation.

    Padded frames get undefined values.

    Args:
        channels: C.

    Shape:
        ``(B, C, T)`` and a mask ``(B, T)`` or None to ``(B, C, T)``.

    Reference:
        Ioffe & Szegedy: "Batch Normalization", 2015. Unlike :class:`torch.nn.BatchNorm1d`, a batch of one frame is
        not an error in training: its variance is 0, and does not enter the running one.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def __init__(self, channels: int) -> None:
        super().__init__(channels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        if not self.training:
            return super().forward(x)
        mean, variance, count = masked_moments(x, mask, dims=(0, 2))
        with torch.no_grad():
            self._update_running_statistics(mean.flatten(), variance.flatten(), count.flatten())
        normalised = (x - mean) * (variance + self.eps).rsqrt()
        return (normalised * self.weight[:, None] + self.bias[:, None]).to(x.dtype)

    def _update_running_statistics(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        self.num_batches_tracked.add_(1)
        unbiased = torch.where(count > 1, variance * count / (count - 1).clamp_min(1), self.running_var)
        self.running_mean.lerp_(torch.where(count > 0, mean, self.running_mean), self.momentum)
        self.running_var.lerp_(unbiased, self.momentum)
