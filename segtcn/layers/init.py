"""Initial weights."""

from __future__ import annotations

from torch import nn

from segtcn.layers.conv import TemporalConv1d


def init_glorot(module: nn.Module) -> None:
    """Draw the weights of every temporal convolution from Glorot's uniform distribution; biases start at zero.

    Args:
        module: a network or a part of one; only its :class:`TemporalConv1d` layers change.

    Reference:
        Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, equation 16.
    """
    for layer in module.modules():
        if isinstance(layer, TemporalConv1d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
