"""The one temporal convolution of the library, output as long as the input, causal or not; also weight-normalised."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers import kernels
from segtcn.layers.sequential import TemporalLayer


class TemporalConv1d(nn.Conv1d, TemporalLayer):
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
        self.causal, self.span = causal, (kernel_size - 1) * dilation

    @property
    def reach(self) -> tuple[int, int]:
        """Frames seen to the left and to the right of the output frame."""
        left = self.span if self.causal else self.span // 2
        return left, self.span - left

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        # whatever stands on padding would reach real frames, unless nothing moves between frames
        return self._convolve(x, mask if self.span else None, self.reach)

    def initial_state(self, batch_size: int) -> Tensor:
        """The frames before the first one: zeros, ``(batch_size, in_channels, left reach)``."""
        return self.weight.new_zeros(batch_size, self.in_channels, self.reach[0])

    def step(self, x: Tensor, state: Tensor, last: bool = False) -> tuple[Tensor, Tensor]:
        """Continue where the last chunk ended, see :meth:`TemporalLayer.step`.

        Args:
            x: the next frames, ``(B, in_channels, n)``: ``n >= 1``, and at first more than the reach to the right.
            state: up to ``span`` last input frames, from :meth:`initial_state` or the previous step.
            last: whether the sequence ends with these frames.

        Returns:
            The outputs ``(B, out_channels, m)`` and the next state; ``m = n`` if causal.
        """
        if last and not self.causal:
            x = F.pad(x, (0, self.reach[1]))
        x = torch.cat([state, x], dim=-1)
        state = x[..., x.shape[-1] - self.span :].clone()  # a view would keep the whole chunk in memory
        return self._convolve(x, None, (0, 0)), state

    def _convolve(self, x: Tensor, mask: Tensor | None, padding: tuple[int, int]) -> Tensor:
        weight, dilation = self.weight, self.dilation[0]
        if kernels.products_pay(x, weight, dilation):
            return kernels.convolve(x, mask, weight, self.bias, padding, dilation)
        if mask is not None:
            x = x * mask[:, None]
        left, right = padding
        if left != right:
            x, left = F.pad(x, padding), 0
        return F.conv1d(x, weight, self.bias, padding=left, dilation=dilation)


class WeightNormConv1d(TemporalConv1d):
    r"""A temporal convolution that learns the length and the direction of every filter apart.

    .. math:: w_o = g_o \, v_o / \lVert v_o \rVert

    It starts as the plain convolution would: v is its weight, g the length of v. Parametrizations of ``torch.nn.utils``
    compute the same, but a module that holds one cannot be pickled.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: taps.
        dilation: distance between taps in frames.
        causal: whether frame t sees only frames up to t.

    Shape:
        ``(B, in_channels, T)`` and a mask ``(B, T)`` or None to ``(B, out_channels, T)``.

    Reference:
        Salimans & Kingma, "Weight Normalization", NeurIPS 2016, equation 2.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, dilation: int = 1, causal: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, dilation=dilation, causal=causal)
        weight = self.weight.detach()  # still the plain convolution's: the property has nothing to compute from yet
        del self._parameters["weight"]
        self.length = nn.Parameter(_length(weight))
        self.direction = nn.Parameter(weight)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """The filters, ``(out_channels, in_channels, kernel_size)``."""
        return self.length / _length(self.direction) * self.direction


def _length(filters: Tensor) -> Tensor:
    return torch.linalg.vector_norm(filters, dim=(1, 2), keepdim=True)
