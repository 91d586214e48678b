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


def init_keras1(module: nn.Module) -> None:
    r"""Draw the weights of every temporal convolution as Keras 1 did; biases start at zero.

    .. math:: w \sim U(-a, a), \quad a = \sqrt{6 / ((k + 1)\, c_\mathrm{in}\, c_\mathrm{out})}

    Keras 1.1, of the time of Lea et al.'s code, meant Glorot's uniform weights, whose denominator is
    :math:`k (c_\mathrm{in} + c_\mathrm{out})`, but took its kernel's axes for those of another layout. The weights
    start several times smaller, so that RMSprop and Adam, whose steps do not scale with them, change them faster.

    Args:
        module: a network or a part of one; only its :class:`TemporalConv1d` layers change.
    """
    for layer in module.modules():
        if isinstance(layer, TemporalConv1d):
            bound = (6 / ((layer.kernel_size[0] + 1) * layer.in_channels * layer.out_channels)) ** 0.5
            nn.init.uniform_(layer.weight, -bound, bound)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
