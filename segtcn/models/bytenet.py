"""ByteNet (Kalchbrenner et al., 2016)."""

from __future__ import annotations

from torch import nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.norm import ChannelNorm
from segtcn.layers.sequential import ResidualSequential, TemporalSequential
from segtcn.models.base import SegmentationModel, check_sizes


class ByteNet(SegmentationModel):
    """ByteNet: bottleneck blocks with layer normalisation, whose dilation doubles and starts again, cycle by cycle.

    With d = ``hidden_channels``, a frame is 2d wide between the blocks and d wide inside::

        1x1 convolution D → 2d
        num_cycles times, i = 0 .. num_layers - 1:
            z = norm → ReLU → 1x1 (2d → d)
            z = norm → ReLU → convolution of dilation 2^i (d → d)
            x = x + (norm → ReLU → 1x1 (d → 2d))
        ReLU → dropout → 1x1 (2d → C)

    The paper's networks translate and continue text with one encoder and one decoder of this form. Here one classifies
    frames: ``causal=False`` is the encoder, ``causal=True`` the decoder with its masked convolutions.

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: d. The paper's 512 to 800 are for millions of sentences; 64 is ours, for tens of videos.
        num_cycles: the paper's sets of blocks, 6.
        num_layers: blocks of a cycle; 5 make the dilations 1, 2, 4, 8 and 16.
        kernel_size: taps of every dilated convolution.
        dropout: probability of dropping a value before the last convolution.
        causal: whether frame t sees only frames up to t.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_cycles`` or ``num_layers`` is below 1.

    Example:
        >>> import torch
        >>> net = ByteNet(in_channels=128, num_classes=11)
        >>> net(torch.zeros(2, 128, 333)).logits.shape, net.receptive_field
        (torch.Size([1, 2, 11, 333]), (186, 186))

    Reference:
        Kalchbrenner, Espeholt, Simonyan, van den Oord, Graves, Kavukcuoglu: "Neural Machine Translation in Linear
        Time", 2016, section 3 (residual blocks with ReLUs, layer normalisation, dilation).

        Differs from the paper, whose authors released no code:

        - A 1x1 convolution of the features stands where text has an embedding.
        - The multiplicative units of the paper's character model are not offered.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        num_cycles: int = 6,
        num_layers: int = 5,
        kernel_size: int = 3,
        dropout: float = 0.1,
        causal: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        check_sizes(num_cycles=num_cycles, num_layers=num_layers)
        self.conv_in = TemporalConv1d(in_channels, 2 * hidden_channels, kernel_size=1)
        self.blocks = TemporalSequential(
            *(
                _ResidualBlock(hidden_channels, kernel_size, 2**i, causal)
                for _ in range(num_cycles)
                for i in range(num_layers)
            )
        )
        self.relu, self.dropout = nn.ReLU(), nn.Dropout(dropout)
        self.head = TemporalConv1d(2 * hidden_channels, num_classes, kernel_size=1)


class _ResidualBlock(ResidualSequential):
    """``x`` plus its way through the bottleneck."""

    def __init__(self, channels: int, kernel_size: int, dilation: int, causal: bool) -> None:
        super().__init__()
        self.norm_in, self.relu_in = ChannelNorm(2 * channels), nn.ReLU()
        self.conv_in = TemporalConv1d(2 * channels, channels, kernel_size=1)
        self.norm, self.relu = ChannelNorm(channels), nn.ReLU()
        self.conv = TemporalConv1d(channels, channels, kernel_size, dilation=dilation, causal=causal)
        self.norm_out, self.relu_out = ChannelNorm(channels), nn.ReLU()
        self.conv_out = TemporalConv1d(channels, 2 * channels, kernel_size=1)
