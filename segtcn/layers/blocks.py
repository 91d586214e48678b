"""The block of Lea et al.'s networks, and the activations that they can be built with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.sequential import TemporalSequential

Activation = Literal["norm_relu", "wavenet", "relu", "tanh"]


class NormalizedReLU(nn.Module):
    r"""ReLU, then division of every frame by its largest channel.

    .. math:: y_{tc} = r_{tc} / (\max_{c'} r_{tc'} + \epsilon), \quad r = \mathrm{relu}(x)

    Args:
        eps: added to the maximum.

    Shape:
        ``(B, C, T)`` to the same; all values lie in ``[0, 1)``.

    Example:
        >>> import torch
        >>> NormalizedReLU()(torch.tensor([[[4.0], [-1.0], [2.0]]])).flatten().round(decimals=4)
        tensor([1.0000, 0.0000, 0.5000])

    Reference:
        Lea et al., "Temporal Convolutional Networks for Action Segmentation and Detection", CVPR 2017, section 3.1.
    """

    def __init__(self, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = F.relu(x)
        return x / (x.amax(dim=1, keepdim=True) + self.eps)


class WaveNetActivation(nn.Module):
    """``tanh(x) * sigmoid(x)`` of the same ``x``: the gate has no weights of its own.

    Shape:
        Any to the same.

    Example:
        >>> import torch
        >>> WaveNetActivation()(torch.tensor([0.0, 1.0])).round(decimals=4)
        tensor([0.0000, 0.5568])

    Reference:
        Lea et al., CVPR 2017, section 3.2, who simplify van den Oord et al., "WaveNet", 2016, equation 2.
    """

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return x.tanh() * x.sigmoid()


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "norm_relu": NormalizedReLU,
    "wavenet": WaveNetActivation,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
}


def make_activation(name: str) -> nn.Module:
    """The activation of that name.

    Args:
        name: a key of :data:`ACTIVATIONS`.

    Raises:
        ValueError: if there is none.

    Example:
        >>> make_activation("norm_relu")
        NormalizedReLU()
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"`activation` must be one of {', '.join(ACTIVATIONS)}, got {name!r}")
    return ACTIVATIONS[name]()


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
