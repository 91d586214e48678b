"""Weight normalisation of the temporal convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d


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
