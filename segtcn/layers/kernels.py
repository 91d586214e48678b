"""What makes training fast on a CPU: the convolution as matrix products, and dropout that draws bits.

Nothing here changes what is computed; ``docs/results/speed.md`` says what it gains.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

MIN_PRODUCTS = 2**23
"""Multiplications of a convolution, below which the calls of several operations cost more than they save."""


def products_pay(x: Tensor, weight: Tensor, dilation: int) -> bool:
    """Whether :func:`convolve` is faster than PyTorch's convolution.

    Args:
        x: input, ``(B, C, T)``.
        weight: filters, ``(out_channels, in_channels, taps)``.
        dilation: distance between taps in frames.
    """
    traced = torch.compiler.is_compiling() or torch.jit.is_tracing()  # type: ignore[attr-defined]
    if traced or torch.is_autocast_enabled("cpu"):
        return False  # compilers and exported networks are given the convolution as such
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64) or not torch.backends.mkl.is_available():
        return False
    kernel_size = weight.shape[-1]
    # PyTorch's own kernels are best at a few neighbouring taps
    return (kernel_size == 1 or kernel_size >= 15 or dilation > 1) and (
        x.shape[0] * x.shape[-1] * weight.numel() >= MIN_PRODUCTS
    )


def convolve(
    x: Tensor, mask: Tensor | None, weight: Tensor, bias: Tensor | None, padding: tuple[int, int], dilation: int
) -> Tensor:
    """The convolution of the masked input, as :func:`torch.nn.functional.conv1d` computes it.

    Args:
        x: input, ``(B, C, T)``.
        mask: True on the frames that count, ``(B, T)``; None if all do.
        weight: filters, ``(out_channels, in_channels, taps)``.
        bias: of the output channels, or None.
        padding: zeros before and after.
        dilation: distance between taps in frames.
    """
    run = _TapProducts.apply if torch.is_grad_enabled() else _accumulate_products
    return run(x, mask, weight, bias, padding, dilation)


def _accumulate_products(
    x: Tensor, mask: Tensor | None, weight: Tensor, bias: Tensor | None, padding: tuple[int, int], dilation: int
) -> Tensor:
    """For inference: every tap's product is added to the frames that it belongs to, so that nothing is padded."""
    if mask is not None:
        x = x * mask[:, None].to(x.dtype)  # products of different types are slow
    taps = weight.permute(2, 0, 1).contiguous()
    num_frames = x.shape[-1] + sum(padding) - (len(taps) - 1) * dilation
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    out = bias[:, None].expand(len(x), -1, num_frames).clone(memory_format=torch.contiguous_format)
    for k, tap in enumerate(taps):
        shift = k * dilation - padding[0]
        start, stop = max(0, -shift), min(num_frames, x.shape[-1] - shift)
        if start < stop:
            for y, video in zip(out[..., start:stop], x[..., start + shift : stop + shift], strict=True):
                y.addmm_(tap, video)
    return out


class _TapProducts(torch.autograd.Function):
    """The convolution as a sum of matrix products, one for every tap: ``y[t] = sum_k W[k] x[t + k * dilation]``.

    Why this is fast: the shifted inputs are views of one padded copy, which is masked on the way, and their channels
    stay rows, where PyTorch's convolution sorts them into blocks and back. One long video is cut into a piece for every
    core, because MKL computes several products at once faster than it splits one.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        mask: Tensor | None,
        weight: Tensor,
        bias: Tensor | None,
        padding: tuple[int, int],
        dilation: int,
    ) -> Tensor:
        taps = weight.permute(2, 0, 1).contiguous()
        span = (len(taps) - 1) * dilation
        num_frames = x.shape[-1] + sum(padding) - span
        if mask is not None:
            mask = mask[:, None].to(x.dtype)  # products of different types are slow
        num_pieces = min(torch.get_num_threads(), num_frames // 256) if span and len(x) == 1 else 1
        pieces = _cut(x, mask, padding, span, max(num_pieces, 1))
        ctx.save_for_backward(pieces, mask, taps)
        ctx.padding, ctx.dilation = padding, dilation
        out = _join(_correlate(pieces, taps, dilation), len(x), num_frames)
        return out if bias is None else out.add_(bias[:, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        pieces, mask, taps = ctx.saved_tensors
        dilation, (left, right) = ctx.dilation, ctx.padding
        span, num_pieces = (len(taps) - 1) * dilation, len(pieces) // len(grad)
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            padding = (span - left, span - right)
            grad_x = _correlate(_cut(grad, None, padding, span, num_pieces), taps.flip(0).mT, dilation)
            grad_x = _join(grad_x, len(grad), grad.shape[-1] + sum(padding) - span)
            if mask is not None:
                grad_x *= mask
        if ctx.needs_input_grad[2]:
            grads = _cut(grad, None, (0, 0), 0, num_pieces)
            shifted = _shifted(pieces, len(taps), dilation)
            grad_weight = torch.stack([torch.bmm(grads, x.mT).sum(dim=0) for x in shifted], dim=-1)
        if ctx.needs_input_grad[3]:
            grad_bias = grad.sum(dim=(0, 2))
        return grad_x, None, grad_weight, grad_bias, None, None


def _cut(x: Tensor, mask: Tensor | None, padding: tuple[int, int], span: int, num_pieces: int) -> Tensor:
    """Mask ``(B, C, T)``, pad with zeros, cut into pieces that overlap by ``span``: ``(B * num_pieces, C, length)``.

    Either B or ``num_pieces`` is 1. Zeros at the end make the pieces equally long.
    """
    (left, right), num_frames = padding, x.shape[-1]
    length = -(-(num_frames + left + right - span) // num_pieces)
    total = num_pieces * length + span
    if total > num_frames:
        padded = x.new_empty(*x.shape[:2], total)
        padded[..., :left] = 0
        padded[..., left + num_frames :] = 0
        inside = padded[..., left : left + num_frames]
        if mask is None:
            inside.copy_(x)
        else:
            torch.mul(x, mask, out=inside)
        x = padded
    elif mask is not None:
        x = x * mask
    return x.unfold(-1, length + span, length).transpose(1, 2).flatten(0, 1)


def _shifted(pieces: Tensor, num_taps: int, dilation: int) -> list[Tensor]:
    """What every tap sees, as views."""
    length = pieces.shape[-1] - (num_taps - 1) * dilation
    return [pieces[..., k * dilation : k * dilation + length] for k in range(num_taps)]


def _correlate(pieces: Tensor, taps: Tensor, dilation: int) -> Tensor:
    """Each piece by itself; it comes out shorter by the span of the taps."""
    weights = taps[:, None].expand(-1, len(pieces), -1, -1)
    first, *others = zip(weights, _shifted(pieces, len(taps), dilation), strict=True)
    out = torch.bmm(*first)
    for weight, x in others:
        out.baddbmm_(weight, x)
    return out


def _join(pieces: Tensor, batch_size: int, num_frames: int) -> Tensor:
    """Undo the cut: ``(B, C, num_frames)``."""
    if len(pieces) == batch_size:
        return pieces
    num_last = num_frames - (len(pieces) - 1) * pieces.shape[-1]
    return torch.cat([*pieces[:-1].split(1), pieces[-1:, :, :num_last]], dim=-1)


def dropout_pays(x: Tensor, p: float) -> bool:
    """Whether :func:`dropout` can be used: on a CPU, unless compiled, and if it would drop some values, but not all."""
    levels, kept_levels = _levels(p)
    return x.device.type == "cpu" and not torch.compiler.is_compiling() and 0 < kept_levels < levels


def dropout(x: Tensor, p: float) -> Tensor:
    """Drop values with probability ``p`` and scale the others, so that the mean stays the same.

    PyTorch draws a number for every value, one after the other on one core: 40 % of a training step of MS-TCN. Here one
    draw of 64 bits decides on eight values, or on four where ``p`` is not a multiple of 1/256. There it is rounded to
    one of 1/65536, and the values are scaled by the rounded ``p``.
    """
    levels, kept_levels = _levels(p)
    dtype = torch.int8 if levels == 2**8 else torch.int16
    num_draws = -(-x.numel() * dtype.itemsize // 8)
    draws = torch.empty(num_draws, dtype=torch.int64).random_(-(2**63), None)  # any integer: all bits are random
    levels_drawn = draws.view(dtype)[: x.numel()].view(x.shape)
    # 0 or 1 as the type of x: products with booleans are slow
    keep = torch.empty_like(x, memory_format=torch.contiguous_format, requires_grad=False)
    torch.lt(levels_drawn, kept_levels - levels // 2, out=keep)
    return x * keep.mul_(levels / kept_levels)


def _levels(p: float) -> tuple[int, int]:
    """Values that a random number takes, and with how many of them a value is kept."""
    levels = 2**8 if p * 2**8 % 1 == 0 else 2**16
    return levels, round((1 - p) * levels)
