"""Random numbers that depend on seed, channel and frame alone: the same in any batch, padding and device."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_32_BITS = 2**32 - 1


def frame_noise(seeds: Tensor, channels: int, num_frames: int) -> Tensor:
    """Standard normal noise.

    Args:
        seeds: one for each video, ``(B,)`` int64.
        channels: C.
        num_frames: T; a longer video begins with the noise of a shorter one.

    Returns:
        ``(B, C, T)`` float32. A generator of PyTorch gives other numbers for another T, and cannot be exported.

    Example:
        >>> frame_noise(torch.tensor([0, 1]), channels=1, num_frames=3)
        tensor([[[-1.5079, -1.7498, -0.9369]],
        <BLANKLINE>
                [[-0.5578, -0.3135, -1.6955]]])
        >>> frame_noise(torch.tensor([1]), channels=1, num_frames=2)
        tensor([[[-0.5578, -0.3135]]])
    """
    cells = _hash(seeds & _32_BITS)[:, None] ^ torch.arange(2 * channels, device=seeds.device)
    bits = _hash(_hash(cells)[..., None] ^ torch.arange(num_frames, device=seeds.device))
    radius, angle = ((bits.float() + 0.5) / 2**32).split(channels, dim=1)
    return (-2 * radius.log()).sqrt() * (2 * math.pi * angle).cos()  # Box and Muller, 1958


def _hash(x: Tensor) -> Tensor:
    """Mix the 32 lower bits: "lowbias32" of C. Wellons, Prospecting for Hash Functions, 2018, which keeps 0."""
    x = x + 0x9E3779B9 & _32_BITS
    x = (x ^ x // 2**16) * 0x7FEB352D & _32_BITS
    x = (x ^ x // 2**15) * 0x846CA68B & _32_BITS
    return x ^ x // 2**16
