"""Blocks of several layers that more than one network uses."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from segtcn.layers.activation import make_activation
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.sequential import TemporalSequential


class TemporalConvBlock(TemporalSequential):
    """Convolution over time, spatial dropout, activation: the block of Lea et al.'s networks.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: taps.
        dilation: distance between taps in frames.
        causal: whether frame t sees only frames up to t.
        dropout: probability of dropping a whole channel for the whole sequence.
        activation: ``"norm_relu"``, ``"wavenet"``, ``"relu"`` or ``"tanh"``.

    Shape:
        ``(B, in_channels, T)`` and a mask ``(B, T)`` or None to ``(B, out_channels, T)``.
    """

    conv: TemporalConv1d

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        dilation: int = 1,
        causal: bool = False,
        dropout: float = 0.3,
        activation: str = "norm_relu",
    ) -> None:
        conv = TemporalConv1d(in_channels, out_channels, kernel_size, dilation=dilation, causal=causal)
        super().__init__(OrderedDict(conv=conv, dropout=nn.Dropout1d(dropout), activation=make_activation(activation)))
