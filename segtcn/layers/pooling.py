"""Lower and higher frame rates without looking at padding or, if causal, into the future."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.layers.sequential import Reach, TemporalLayer, initial_states, run_layers, step_layers, total_reach


def max_pool(x: Tensor, mask: Tensor | None = None, window: int = 2, shift: int = 0) -> tuple[Tensor, Tensor | None]:
    """Maximum over windows of frames; frames outside the sequence and padded frames do not take part.

    Args:
        x: ``(B, C, T)``.
        mask: True on real frames, ``(B, T)``; None if all are.
        window: output frame j covers ``window`` input frames, the first of them ``j * window - shift``.
        shift: from 0 to ``window - 1``.

    Returns:
        ``(B, C, ceil(T / window))``, zero on padding, and a mask of that length or None.

    Example:
        >>> max_pool(torch.tensor([[[1.0, 5.0, 2.0, 4.0]]]), window=3)
        (tensor([[[5., 4.]]]), None)
    """
    lowest, length = torch.finfo(x.dtype).min, x.shape[-1]
    if not torch.compiler.is_compiling():
        window = min(window, length + shift)  # the same: all frames are in the first window
    if mask is not None:
        x = x.masked_fill(~mask[:, None], lowest)
        mask = mask[:, ::window]  # window j is real exactly if frame `j * window` is
    if torch.compiler.is_compiling():  # the same, but of slices an exporter cannot tell that they are equally long
        first = torch.arange((length + window - 1) // window, device=x.device) * window - shift
        parts = [x[..., (first + i).clamp(0, length - 1)] for i in range(window)]  # outside: a frame of the same window
    else:
        x = F.pad(x, (shift, -length % window - shift), value=lowest)
        parts = [x[..., i::window] for i in range(window)]
    x = reduce(torch.maximum, parts)
    return (x if mask is None else x.masked_fill(~mask[:, None], 0)), mask


class HalfRate(TemporalLayer):
    """Layers at half the frame rate: max-pool 2 → layers → repeat x 2.

    Pooled frame j covers the frames ``2j, 2j + 1`` or, if ``causal``, ``2j - 1, 2j``, and is repeated over
    ``2j, 2j + 1``. A causal one therefore reaches no frame before it is known.

    Args:
        layers: :class:`TemporalLayer` or of one frame at a time; held, not registered as modules.
        causal: whether to pool with the frame before instead of the frame after.

    Shape:
        ``(B, C, T)`` and a mask ``(B, T)`` or None to ``(B, C', T)``.

    Example:
        >>> x = torch.tensor([[[1.0, 5.0, 2.0]]])
        >>> HalfRate([])(x), HalfRate([], causal=True)(x)
        (tensor([[[5., 5., 2.]]]), tensor([[[1., 1., 5.]]]))
    """

    def __init__(self, layers: Sequence[Any], causal: bool = False) -> None:
        self.layers, self.causal = layers, causal

    @property
    def reach(self) -> Reach:
        """Frames seen to the left and to the right, the largest over both places in a pooled frame."""
        (left, right), shift = total_reach(self.layers), int(self.causal)
        return None if left is None else 2 * left + 1 + shift, None if right is None else 2 * right + 1 - shift

    def __call__(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        pooled, pooled_mask = max_pool(x, mask, shift=int(self.causal))
        return upsample(run_layers(self.layers, pooled, pooled_mask), x.shape[-1])

    def initial_state(self, batch_size: int) -> tuple[Any, ...]:
        """The frame that waits for its partner, the layers' states, and the repeated frame that waits for its time."""
        return None, initial_states(self.layers, batch_size), None

    def step(self, x: Tensor, state: tuple[Any, ...], last: bool = False) -> tuple[Tensor, tuple[Any, ...]]:
        """Continue where the last chunk ended, see :meth:`TemporalLayer.step`."""
        unpaired, states, repeated = state
        lowest, num_frames = torch.finfo(x.dtype).min, x.shape[-1]
        if unpaired is None:  # before the first frame
            unpaired = x.new_full((*x.shape[:2], int(self.causal)), lowest)
        x = torch.cat([unpaired, x], dim=-1)
        if is_cut := last and not self.causal and x.shape[-1] % 2 == 1:
            x = F.pad(x, (0, 1), value=lowest)
        pairs, unpaired = x.split([x.shape[-1] // 2 * 2, x.shape[-1] % 2], dim=-1)
        parts = [] if repeated is None else [repeated]
        if pairs.shape[-1]:
            pooled = torch.maximum(pairs[..., ::2], pairs[..., 1::2])
            outputs, states = step_layers(self.layers, pooled, states, last)
            parts.append(outputs[-1].repeat_interleave(2, dim=-1))
        y = torch.cat(parts, dim=-1)
        num_due = num_frames if self.causal else y.shape[-1] - is_cut
        # copies: views would keep the whole chunk in memory
        return y[..., :num_due], (unpaired.clone(), states, y[..., num_due:].clone())


def upsample(x: Tensor, num_frames: int, factor: int = 2) -> Tensor:
    """Repeat every frame ``factor`` times and cut to ``num_frames``.

    Args:
        x: ``(..., T)``.
        num_frames: length of the result, more than ``factor * (T - 1)`` and at most ``factor * T``.
        factor: how often.

    Returns:
        ``(..., num_frames)``.

    Example:
        >>> upsample(torch.tensor([[[1, 2]]]), 3)
        tensor([[[1, 1, 2]]])
    """
    if torch.compiler.is_compiling():  # the same, with a length that an exporter can tell
        return x[..., torch.arange(num_frames, device=x.device) // factor]
    return x[..., None].expand(*x.shape, factor).flatten(-2)[..., :num_frames]


def interpolate(x: Tensor, num_frames: int, mask: Tensor | None = None, new_mask: Tensor | None = None) -> Tensor:
    r"""Stretch every video linearly to a new number of frames: the first and the last frame stay what they are.

    .. math:: y_j = (1 - \alpha)\, x_i + \alpha\, x_{i+1}, \quad i + \alpha = j \frac{n - 1}{m - 1}, \quad 0 \le j < m

    n and m are the real frames of the video before and after, not those of the batch: a video's result is the same in
    any batch.

    Args:
        x: ``(B, C, T)``.
        num_frames: length of the result, padding included.
        mask: True on the real frames of ``x``, ``(B, T)``; None if all are.
        new_mask: True on the real frames of the result, ``(B, num_frames)``; None if all are.

    Returns:
        ``(B, C, num_frames)``; undefined on padding.

    Example:
        >>> interpolate(torch.tensor([[[0.0, 6.0, 9.0]]]), 5)
        tensor([[[0.0000, 3.0000, 6.0000, 7.5000, 9.0000]]])

    Reference:
        ``torch.nn.functional.interpolate(mode="linear", align_corners=True)`` without a mask.
    """
    last, new_last = _last_frame(x.shape[-1], mask, x.device), _last_frame(num_frames, new_mask, x.device)
    # whole numbers until the end: rounding would move the frames of a long video
    place = torch.arange(num_frames, device=x.device) * last
    parts = new_last.clamp_min(1)
    before = (place // parts).clamp_max(last)  # padding reads any real frame
    after = (before + 1).clamp_max(last)
    weight = (place % parts / parts).to(x.dtype)
    size = (*x.shape[:2], num_frames)
    return torch.lerp(x.gather(-1, before.expand(size)), x.gather(-1, after.expand(size)), weight)


def _last_frame(num_frames: int, mask: Tensor | None, device: torch.device) -> Tensor:
    """Index of each video's last real frame, ``(B, 1, 1)``, or of all together, ``(1, 1, 1)``."""
    if mask is None:
        return torch.full((1, 1, 1), num_frames - 1, device=device)
    return (mask.sum(dim=1) - 1).clamp_min(0)[:, None, None]
