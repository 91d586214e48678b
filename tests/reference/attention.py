"""Attention with the whole matrix of weights, double precision, one query at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def dense_attention(
    query: Tensor, key: Tensor, value: Tensor, num_frames: list[int], sees: Callable[[int, int], bool]
) -> Tensor:
    """Frame t of video b averages the values of the frames s < ``num_frames[b]`` with ``sees(t, s)``; zero on padding.

    ``(B, H, T, E)``, ``(B, H, T, E)`` and ``(B, H, T, V)`` to ``(B, H, T, V)``.
    """
    query, key, value = (x.detach().double() for x in (query, key, value))
    out = torch.zeros_like(value)
    for b, stop in enumerate(num_frames):
        for t in range(stop):
            window = [s for s in range(stop) if sees(t, s)]
            for h in range(query.shape[1]):
                scores = [float(query[b, h, t] @ key[b, h, s]) / query.shape[-1] ** 0.5 for s in window]
                weights = torch.tensor(scores, dtype=torch.double).softmax(dim=0)
                out[b, h, t] = sum(weight * value[b, h, s] for weight, s in zip(weights, window, strict=True))
    return out
