"""Blocks of several layers that more than one network uses."""

from __future__ import annotations

from torch import Tensor, nn

from segtcn.layers.activation import make_activation
from segtcn.layers.conv import TemporalConv1d


class TemporalConvBlock(nn.Module):
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
        super().__init__()
        self.conv = TemporalConv1d(in_channels, out_channels, kernel_size, dilation=dilation, causal=causal)
        self.dropout = nn.Dropout1d(dropout)
        self.activation = make_activation(activation)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        return self.activation(self.dropout(self.conv(x, mask)))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Continue where the last chunk ended, as :meth:`TemporalConv1d.step` does."""
        x, state = self.conv.step(x, state)
        return self.activation(self.dropout(x)), state


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
