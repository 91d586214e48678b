"""Gaussian curves over time: soft labels, and how near a frame is to a change of its label."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def smooth(x: Tensor, mask: Tensor, sigma: float) -> Tensor:
    r"""Gaussian mean of the real frames around each frame, up to :math:`4 \sigma` away.

    .. math:: y_t = \sum_s g_{s - t}\, m_s x_s \Big/ \sum_s g_{s - t}\, m_s, \quad g_d = e^{-d^2 / 2 \sigma^2}

    Args:
        x: ``(B, C, T)``, finite.
        mask: :math:`m`, True on real frames, ``(B, T)``.
        sigma: in frames.

    Returns:
        ``(B, C, T)``; 0 where no real frame is near.

    Raises:
        ValueError: if ``sigma`` is not positive.

    Example:
        >>> smooth(torch.tensor([[[0.0, 1.0, 1.0, 1.0]]]), torch.ones(1, 4, dtype=torch.bool), sigma=0.5)
        tensor([[[0.1195, 0.8935, 0.9997, 1.0000]]])
    """
    kernel = _kernel(sigma).to(x)[None, None]
    weight = mask[:, None].to(x)
    with torch.autocast(x.device.type, enabled=False):
        total = F.conv1d((x * weight).flatten(0, 1)[:, None], kernel, padding="same").view_as(x)
        return total / F.conv1d(weight, kernel, padding="same").clamp_min(1e-30)


def boundary_curve(labels: Tensor, mask: Tensor, sigma: float) -> Tensor:
    """A hill of height 1 at each change of the label, over the frames before and after it.

    Args:
        labels: class index of each frame, ``(B, T)``.
        mask: True on frames that are real and annotated, ``(B, T)``.
        sigma: width of a hill, in frames. Where hills meet they add up, to 1 at most.

    Returns:
        From 0 to 1, ``(B, T)``.

    Raises:
        ValueError: if ``sigma`` is not positive.

    Example:
        >>> labels = torch.tensor([[0, 0, 0, 2, 2, 2]])
        >>> boundary_curve(labels, labels >= 0, sigma=0.5).round(decimals=2)
        tensor([[0.0000, 0.1200, 1.0000, 1.0000, 0.1200, 0.0000]])
    """
    changes = (labels[:, 1:] != labels[:, :-1]) & mask[:, 1:] & mask[:, :-1]
    beside = F.pad(changes, (1, 0)) | F.pad(changes, (0, 1))
    kernel = _kernel(sigma)
    middle = len(kernel) // 2
    peak = (kernel[middle] + kernel[middle + 1]) / kernel.sum()  # of a single change
    return (smooth(beside[:, None].float(), mask, sigma)[:, 0] / float(peak)).clamp(max=1)


def _kernel(sigma: float) -> Tensor:
    if not 0 < sigma < math.inf:
        raise ValueError(f"`sigma` must be positive, got {sigma}")
    radius = max(1, int(4 * sigma + 0.5))
    return torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * sigma**2))
