"""The one temporal convolution of the library: output as long as the input, causal or not."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

MIN_PRODUCTS = 2**23
"""Multiplications of a convolution, below which the calls of several operations cost more than they save."""


class TemporalConv1d(nn.Conv1d):
    """Convolution over time whose output is as long as its input.

    Frames outside the sequence count as zero. ``(kernel_size - 1) * dilation`` zeros are added: all on the left if
    ``causal``, otherwise half on each side and, where that is odd, one more on the right (TensorFlow's "same").

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: taps.
        dilation: distance between taps in frames.
        causal: whether frame t sees only frames up to t.
        bias: whether to add a learned bias.

    Raises:
        ValueError: if ``kernel_size``, ``dilation`` or a number of channels is below 1.

    Shape:
        ``(B, in_channels, T)`` and a mask ``(B, T)`` or None to ``(B, out_channels, T)``.

    Example:
        >>> TemporalConv1d(2, 3, kernel_size=4, causal=True)(torch.zeros(1, 2, 7)).shape
        torch.Size([1, 3, 7])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        causal: bool = False,
        bias: bool = True,
    ) -> None:
        if kernel_size < 1 or dilation < 1:
            raise ValueError(f"`kernel_size` and `dilation` must be at least 1, got {kernel_size} and {dilation}")
        if in_channels < 1 or out_channels < 1:
            raise ValueError(
                f"a convolution needs at least 1 channel on each side, got {in_channels} and {out_channels}: check the "
                "feature width, the number of classes and the hidden channels"
            )
        super().__init__(in_channels, out_channels, kernel_size, dilation=dilation, bias=bias)
        self.span = (kernel_size - 1) * dilation
        left = self.span if causal else self.span // 2
        self.reach = (left, self.span - left)
        """Frames seen to the left and to the right of the output frame."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        # whatever stands on padding would reach real frames, unless nothing moves between frames
        return self._convolve(x, mask if self.span else None, self.reach)

    def initial_state(self, batch_size: int) -> Tensor:
        """The frames before the first one: zeros, ``(batch_size, in_channels, span)``."""
        return self.weight.new_zeros(batch_size, self.in_channels, self.span)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Continue a causal convolution where the last chunk ended.

        Args:
            x: the next frames, ``(B, in_channels, n)`` with any ``n >= 0``.
            state: the last ``span`` input frames, from :meth:`initial_state` or the previous step.

        Returns:
            The outputs of the ``n`` frames, ``(B, out_channels, n)``, and the next state.
        """
        x = torch.cat([state, x], dim=-1)
        state = x[..., x.shape[-1] - self.span :].clone()  # a view would keep the whole chunk in memory
        if x.shape[-1] == self.span:
            return x.new_empty(x.shape[0], self.out_channels, 0), state
        return self._convolve(x, None, (0, 0)), state

    def _convolve(self, x: Tensor, mask: Tensor | None, padding: tuple[int, int]) -> Tensor:
        weight, dilation = self.weight, self.dilation[0]
        if _products_pay(x, weight, dilation):
            return _TapProducts.apply(x, mask, weight, self.bias, padding, dilation)
        if mask is not None:
            x = x * mask[:, None]
        left, right = padding
        if left != right:
            x, left = F.pad(x, padding), 0
        return F.conv1d(x, weight, self.bias, padding=left, dilation=dilation)


def _products_pay(x: Tensor, weight: Tensor, dilation: int) -> bool:
    """Whether :class:`_TapProducts` is faster than PyTorch's convolution (``docs/results/speed.md``)."""
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
    rest = num_frames - (len(pieces) - 1) * pieces.shape[-1]
    return torch.cat([*pieces[:-1].split(1), pieces[-1:, :, :rest]], dim=-1)
