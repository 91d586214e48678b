"""Attention between frames: near ones or evenly spaced ones, never all pairs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d

TILE = 64  # frames that share one matrix product; on a CPU 16 to 128 take about the same time, 512 twice as much


def windowed_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    window: tuple[int, int],
    block: int | None = None,
    dropout: float = 0.0,
) -> Tensor:
    r"""Every frame attends to the frames around it.

    .. math:: y_t = \sum_{s \in W(t)} \mathrm{softmax}_s(q_t \cdot k_s / \sqrt{E}) \, v_s, \quad
        W(t) = \{t - \mathrm{before}, \dots, t + \mathrm{after}\}

    or, with ``block``, the frames of a block share one window, which reaches from ``before`` frames before the block's
    first to ``after`` frames after its last. Padded frames and frames outside the video are in no window. Time and
    memory grow with T times the window.

    Args:
        query: ``(B, H, T, E)`` for H heads.
        key: ``(B, H, T, E)``.
        value: ``(B, H, T, V)``.
        mask: True on real frames, ``(B, T)``; None if all are.
        window: frames before and after the frame (or block).
        block: frames that share a window; None gives every frame its own.
        dropout: probability of dropping a weight.

    Returns:
        ``(B, H, T, V)``; undefined on padding.

    Example:
        >>> value = torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 1, 4, 1)
        >>> equal = torch.zeros_like(value)
        >>> windowed_attention(equal, equal, value, window=(1, 0)).flatten()
        tensor([1.0000, 1.5000, 3.0000, 6.0000])
        >>> windowed_attention(equal, equal, value, window=(1, 0), block=2).flatten()
        tensor([1.5000, 1.5000, 4.6667, 4.6667])
    """
    num_frames, (before, after) = query.shape[-2], window
    if not torch.compiler.is_compiling() and (block or TILE + before + after) >= num_frames:
        tile, halo = num_frames, (0, 0)  # one tile holds the video
    else:
        tile, halo = block or TILE, window
    allowed = _tiles(_real(query, mask), tile, halo).mT  # (B, 1, number of tiles, 1, keys)
    if block is None:
        keys = torch.arange(tile + sum(halo), device=query.device) - halo[0]
        distance = keys - torch.arange(tile, device=query.device)[:, None]
        allowed = allowed & (distance >= -before) & (distance <= after)
    tiles = _attend(_tiles(query, tile, (0, 0)), _tiles(key, tile, halo), _tiles(value, tile, halo), allowed, dropout)
    return _first(tiles, num_frames)


def strided_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    stride: int,
    dropout: float = 0.0,
) -> Tensor:
    r"""Every frame attends to every ``stride``-th frame of the whole video, itself among them.

    The equation of :func:`windowed_attention` with :math:`W(t) = \{s : s \equiv t \bmod \mathrm{stride}\}`. Time grows
    with :math:`T^2 / \mathrm{stride}`, memory with T where PyTorch's attention has a fused kernel (with ``dropout``,
    none on a CPU).

    Args:
        query: ``(B, H, T, E)`` for H heads.
        key: ``(B, H, T, E)``.
        value: ``(B, H, T, V)``.
        mask: True on real frames, ``(B, T)``; None if all are.
        stride: distance in frames of those that see each other; 1 is full attention.
        dropout: probability of dropping a weight.

    Returns:
        ``(B, H, T, V)``; undefined on padding.

    Example:
        >>> value = torch.tensor([1.0, 2.0, 3.0, 4.0, 8.0]).view(1, 1, 5, 1)
        >>> strided_attention(value * 0, value * 0, value, stride=2).flatten()
        tensor([4., 3., 4., 3., 4.])
    """
    num_frames = query.shape[-2]
    if not torch.compiler.is_compiling():
        stride = min(stride, num_frames)  # the same: every frame sees itself alone
    allowed = _combs(_real(query, mask), stride).mT  # (B, 1, stride, 1, keys)
    combs = _attend(_combs(query, stride), _combs(key, stride), _combs(value, stride), allowed, dropout)
    return _first(combs.transpose(2, 3), num_frames)


def dilated_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *, kernel_size: int, dilation: int
) -> Tensor:
    r"""Every frame attends to the frames that a dilated convolution sees.

    The equation of :func:`windowed_attention` with
    :math:`W(t) = \{t + \mathrm{dilation} \cdot i : |i| \le \lfloor \mathrm{kernel\_size} / 2 \rfloor\}`.

    Args:
        query: ``(B, E, T)``.
        key: ``(B, E, T)``.
        value: ``(B, V, T)``.
        mask: True on real frames, ``(B, T)``; None if all are.
        kernel_size: frames that each frame sees, an odd number.
        dilation: distance between them in frames.

    Returns:
        ``(B, V, T)``; undefined on padding, but finite.

    Example:
        >>> value = torch.tensor([[[1.0, 2.0, 4.0, 8.0]]])
        >>> dilated_attention(value * 0, value * 0, value, kernel_size=3, dilation=2)
        tensor([[[2.5000, 5.0000, 2.5000, 5.0000]]])
    """
    span, num_frames = kernel_size // 2 * dilation, query.shape[-1]
    real = torch.ones_like(key[:, 0], dtype=torch.bool) if mask is None else mask
    key, value, real = (F.pad(x, (span, span)) for x in (key, value, real))
    starts = [i * dilation for i in range(kernel_size)]
    scores = torch.stack([(query * key[..., start : start + num_frames]).sum(dim=1) for start in starts])
    allowed = torch.stack([real[:, start : start + num_frames] for start in starts])
    weights = (scores / query.shape[1] ** 0.5).masked_fill(~allowed, -1e4).softmax(dim=0)  # finite, for padding's sake
    parts = zip(weights, starts, strict=True)
    return torch.stack([x[:, None] * value[..., start : start + num_frames] for x, start in parts]).sum(dim=0)


class TemporalAttention(nn.Module):
    """Attention between the frames of a video.

    ::

        queries, keys = 1x1 (x), 1x1 (x);  values = 1x1 (values or x)
        pattern (queries, keys, values) → activation → 1x1

    Args:
        channels: channels of the input and of the output.
        hidden_channels: channels of queries, keys and values, all heads together.
        pattern: which frames see each other: :func:`windowed_attention` or :func:`strided_attention` with its arguments
            bound by :func:`functools.partial`.
        activation: between the attention and the last 1x1 convolution.
        num_heads: H.
        dropout: probability of dropping an attention weight.

    Raises:
        ValueError: if ``hidden_channels`` is not a multiple of ``num_heads``.

    Shape:
        x ``(B, C, T)``, values ``(B, C, T)`` or None, and a mask ``(B, T)`` or None to ``(B, C, T)``; real frames get
        the same whatever stands on padding.

    Reference:
        Vaswani et al.: "Attention Is All You Need", 2017, section 3.2.
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int,
        pattern: Callable[..., Tensor],
        *,
        activation: nn.Module,
        num_heads: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if hidden_channels % num_heads:
            raise ValueError(
                f"`num_heads` must divide the {hidden_channels} channels of queries, keys and values, got {num_heads}"
            )
        self.pattern, self.activation, self.num_heads = pattern, activation, num_heads
        self.dropout = nn.Dropout(dropout)  # for its rate: the pattern drops weights inside
        self.query = TemporalConv1d(channels, hidden_channels, kernel_size=1)
        self.key = TemporalConv1d(channels, hidden_channels, kernel_size=1)
        self.value = TemporalConv1d(channels, hidden_channels, kernel_size=1)
        self.out = TemporalConv1d(hidden_channels, channels, kernel_size=1)

    def forward(self, x: Tensor, values: Tensor | None = None, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        query, key, value = self.query(x), self.key(x), self.value(x if values is None else values)
        heads = [y.unflatten(1, (self.num_heads, -1)).mT for y in (query, key, value)]
        attended = self.pattern(*heads, mask, dropout=self.dropout.p if self.training else 0.0)
        return self.out(self.activation(attended.mT.flatten(1, 2)))


class AttentionStage(nn.Module):
    """1x1 convolution → layers → 1x1 convolution, for layers that attend: a stage of ASFormer and LTContext.

    Args:
        in_channels: channels of the input.
        hidden_channels: width of the layers.
        num_classes: C.
        layers: each from ``(x, values, mask)`` to ``(B, hidden_channels, T)``.
        channel_dropout: probability of dropping a whole channel of the input.

    Shape:
        x ``(B, in_channels, T)``, values ``(B, hidden_channels, T)`` or None, and a mask ``(B, T)`` or None to logits
        ``(B, C, T)`` and the ``(B, hidden_channels, T)`` that they were computed from.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        num_classes: int,
        layers: Iterable[nn.Module],
        channel_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.channel_dropout = nn.Dropout1d(channel_dropout)
        self.conv_in = TemporalConv1d(in_channels, hidden_channels, kernel_size=1)
        self.layers = nn.ModuleList(layers)
        self.head = TemporalConv1d(hidden_channels, num_classes, kernel_size=1)

    def forward(self, x: Tensor, values: Tensor | None, mask: Tensor | None) -> tuple[Tensor, Tensor]:  # noqa: D102
        x = self.conv_in(self.channel_dropout(x))
        for layer in self.layers:
            x = layer(x, values, mask)
        return self.head(x), x


def refine(logits: Tensor, x: Tensor, stages: Iterable[nn.Module], mask: Tensor | None) -> Tensor:
    """The logits of all stages ``(S, B, C, T)``: each scores anew the probabilities of the one before.

    Args:
        logits: of the first stage, ``(B, C, T)``.
        x: hidden channels of the first stage, the values to which the next one attends.
        stages: the others, of :class:`AttentionStage`.
        mask: True on real frames.
    """
    outputs = [logits]
    for stage in stages:
        logits, x = stage(F.softmax(logits, dim=1), x, mask)
        outputs.append(logits)
    return torch.stack(outputs)


def _attend(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, dropout: float) -> Tensor:
    """Attention within the parts of ``(B, H, parts, frames, E)``; ``allowed`` has one head."""
    num_heads = query.shape[1]
    allowed = allowed | ~allowed.any(-1, keepdim=True)  # on padding: a softmax over no frame is not a number
    # the fused kernels take four axes, so heads and parts are one, and refuse a mask whose last axis is not dense
    allowed = allowed.expand(-1, num_heads, -1, -1, -1).flatten(1, 2).contiguous()
    query, key, value = (x.flatten(1, 2) for x in (query, key, value))
    out = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed, dropout_p=dropout)
    return out.unflatten(1, (num_heads, -1))


def _real(query: Tensor, mask: Tensor | None) -> Tensor:
    """The mask as a tensor with the axes of a query, ``(B, 1, T, 1)``."""
    if mask is None:
        return torch.ones_like(query[:, :1, :, :1], dtype=torch.bool)
    return mask[:, None, :, None]


def _tiles(x: Tensor, tile: int, halo: tuple[int, int]) -> Tensor:
    """Cut ``(B, H, T, E)`` into tiles that overlap by the halo, ``(B, H, n, tile + halo, E)``; zeros around."""
    before, after = halo
    if torch.compiler.is_compiling():
        first = torch.arange((x.shape[-2] + tile - 1) // tile, device=x.device) * tile - before
        return _take(x, first[:, None] + torch.arange(tile + before + after, device=x.device))
    x = F.pad(x, (0, 0, before, -x.shape[-2] % tile + after))
    # frame by frame in memory, so that the tiles are views and nothing is copied
    return x.contiguous().unfold(-2, tile + before + after, tile).mT


def _combs(x: Tensor, stride: int) -> Tensor:
    """Sort the frames of ``(B, H, T, E)`` by their remainder, ``(B, H, stride, T / stride, E)``; zeros at the end."""
    if torch.compiler.is_compiling():
        teeth = torch.arange((x.shape[-2] + stride - 1) // stride, device=x.device) * stride
        return _take(x, torch.arange(stride, device=x.device)[:, None] + teeth)
    x = F.pad(x, (0, 0, 0, -x.shape[-2] % stride)).contiguous()
    return x.unflatten(-2, (-1, stride)).transpose(2, 3)


def _first(parts: Tensor, num_frames: int) -> Tensor:
    """The first frames of parts one after the other, ``(B, H, n, frames, E)`` to ``(B, H, num_frames, E)``."""
    x = parts.flatten(2, 3)
    return x[:, :, torch.arange(num_frames, device=x.device)] if torch.compiler.is_compiling() else x[:, :, :num_frames]


def _take(x: Tensor, frames: Tensor) -> Tensor:
    """The frames of ``(B, H, T, E)`` by number, ``(B, H, *frames.shape, E)``; outside, False or any frame.

    For exporters: with it, every size is a plain quotient of T. What is outside is not allowed, and has no weight.
    """
    num_frames = x.shape[-2]
    parts = x[:, :, frames.clamp(0, num_frames - 1)]
    return parts & ((frames >= 0) & (frames < num_frames))[..., None] if x.dtype == torch.bool else parts
