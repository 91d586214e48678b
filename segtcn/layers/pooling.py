"""Halving and doubling the frame rate without looking at padding or, if causal, into the future."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TemporalMaxPool1d(nn.Module):
    """Maximum over pairs of frames.

    Output frame j covers the input frames ``2j, 2j + 1`` or, if ``causal``, ``2j - 1, 2j``: its value then reaches no
    input frame before it was known, also after :func:`upsample` has repeated it over ``2j, 2j + 1``.
    Frames outside the sequence and padded frames do not take part.

    Args:
        causal: whether to pool with the frame before instead of the frame after.

    Shape:
        ``(B, C, T)`` and a mask ``(B, T)`` or None to ``(B, C, ceil(T / 2))`` and a mask of that length or None.

    Example:
        >>> x = torch.tensor([[[1.0, 5.0, 2.0]]])
        >>> TemporalMaxPool1d()(x)[0], TemporalMaxPool1d(causal=True)(x)[0]
        (tensor([[[5., 2.]]]), tensor([[[1., 5.]]]))
    """

    def __init__(self, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor | None]:  # noqa: D102
        lowest = torch.finfo(x.dtype).min
        if mask is not None:
            x = x.masked_fill(~mask[:, None], lowest)
            mask = mask[:, ::2]  # window j is real exactly if frame 2j is
        before, after = (1, x.shape[-1] % 2 - 1) if self.causal else (0, x.shape[-1] % 2)
        x = F.pad(x, (before, after), value=lowest)
        x = torch.maximum(x[..., ::2], x[..., 1::2])
        return (x if mask is None else x.masked_fill(~mask[:, None], 0)), mask

    def initial_state(self, batch_size: int, channels: int, like: Tensor) -> Tensor:
        """The frame before the first one, ``(batch_size, channels, 1)``: lower than any."""
        return like.new_full((batch_size, channels, 1), torch.finfo(like.dtype).min)

    def step(self, x: Tensor, state: Tensor, start: int) -> tuple[Tensor, Tensor]:
        """Continue causal pooling where the last chunk ended.

        Args:
            x: the frames ``start, start + 1, ...`` of the stream, ``(B, C, n)`` with ``n >= 0``.
            state: the frame before them, ``(B, C, 1)``.
            start: number of frames before this chunk.

        Returns:
            The windows that these frames complete, ``(B, C, m)``, and the next state.
        """
        x = torch.cat([state, x], dim=-1)
        pairs = torch.maximum(x[..., :-1], x[..., 1:])
        return pairs[..., start % 2 :: 2], x[..., -1:]


def upsample(x: Tensor, num_frames: int) -> Tensor:
    """Repeat every frame twice and cut to ``num_frames``.

    Args:
        x: ``(B, C, T)``.
        num_frames: length of the result, ``2 T - 1`` or ``2 T``.

    Returns:
        ``(B, C, num_frames)``.

    Example:
        >>> upsample(torch.tensor([[[1, 2]]]), 3)
        tensor([[[1, 1, 2]]])
    """
    batch, channels, _ = x.shape
    return x[..., None].expand(-1, -1, -1, 2).reshape(batch, channels, -1)[..., :num_frames]
