"""The one temporal convolution of the library: output as long as the input, causal or not."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
        ValueError: if ``kernel_size`` or ``dilation`` is below 1.

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
        super().__init__(in_channels, out_channels, kernel_size, dilation=dilation, bias=bias)
        self.span = (kernel_size - 1) * dilation
        left = self.span if causal else self.span // 2
        self.reach = (left, self.span - left)
        """Frames seen to the left and to the right of the output frame."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        if self.span and mask is not None:
            x = x * mask[:, None]  # whatever stands on padding would reach real frames
        left, right = self.reach
        if left == right:
            return F.conv1d(x, self.weight, self.bias, padding=left, dilation=self.dilation)
        return F.conv1d(F.pad(x, self.reach), self.weight, self.bias, dilation=self.dilation)

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
        state = x[..., x.shape[-1] - self.span :]
        if x.shape[-1] == self.span:
            return x.new_empty(x.shape[0], self.out_channels, 0), state
        return F.conv1d(x, self.weight, self.bias, dilation=self.dilation), state
