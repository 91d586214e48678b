"""The generic temporal convolutional network (Bai, Kolter & Koltun, 2018)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d, WeightNormConv1d
from segtcn.layers.sequential import ResidualSequential, TemporalSequential
from segtcn.models.base import SegmentationModel, check_sizes


class CausalTCN(SegmentationModel):
    """The generic TCN: the output is as long as the input, and nothing leaks from the future into the past.

    ::

        num_layers times, i = 0 .. num_layers - 1:
            z = 2 x (weight-normalised convolution of dilation 2^i → ReLU → spatial dropout)
            x = ReLU(z + x)    (x through a 1x1 convolution where the width changes)
        1x1 convolution to the classes

    It sees ``2 (kernel_size - 1) (2 ** num_layers - 1)`` frames. The paper chooses width, depth and kernel task by task
    so that this covers the past that matters. The defaults are ours, for features of video frames: the width of the
    networks of this field and 1020 frames, about a minute at 15 frames per second.

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of every layer.
        num_layers: residual blocks, of two convolutions each.
        kernel_size: taps of every dilated convolution.
        dropout: probability of dropping a whole channel.
        causal: whether frame t sees only frames up to t, as in the paper; otherwise it sees as many on both sides
            together.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_layers`` is below 1.

    Example:
        >>> import torch
        >>> net = CausalTCN(in_channels=128, num_classes=11)
        >>> net(torch.zeros(2, 128, 333)).logits.shape, net.receptive_field
        (torch.Size([1, 2, 11, 333]), (1020, 0))

    Reference:
        Bai, Kolter, Koltun: "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
        Modeling", 2018, section 3.

        Differs from the authors' code:

        - Dropout takes whole channels, as section 3.4 says; the code drops single values.
        - ``causal=False``, which the paper has no use for.
        - Weights start as in the code, not as it reads: its normal draw for the weight-normalised convolutions is
          overwritten at the first forward pass, so that they keep PyTorch's. That of the 1x1 convolutions counts.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        num_layers: int = 8,
        kernel_size: int = 3,
        dropout: float = 0.2,
        causal: bool = True,
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        check_sizes(num_layers=num_layers)
        self.blocks = TemporalSequential(
            *(
                _ResidualBlock(
                    hidden_channels if i else in_channels, hidden_channels, kernel_size, 2**i, causal, dropout
                )
                for i in range(num_layers)
            )
        )
        self.head = TemporalConv1d(hidden_channels, num_classes, kernel_size=1)


class _ResidualBlock(ResidualSequential):
    """Two dilated convolutions beside a shortcut."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, dilation: int, causal: bool, dropout: float
    ) -> None:
        super().__init__()
        self.conv_1 = WeightNormConv1d(in_channels, out_channels, kernel_size, dilation=dilation, causal=causal)
        self.conv_2 = WeightNormConv1d(out_channels, out_channels, kernel_size, dilation=dilation, causal=causal)
        self.dropout = nn.Dropout1d(dropout)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = TemporalConv1d(in_channels, out_channels, kernel_size=1)
            nn.init.normal_(self.shortcut.weight, std=0.01)

    def _join(self, *branches: Tensor) -> Tensor:
        x, z = branches
        return (z + self.shortcut(x)).relu_()

    @property
    def _layers(self) -> list[Any]:
        return [self.conv_1, torch.relu_, self.dropout, self.conv_2, torch.relu_, self.dropout]
