"""Dilated temporal convolutional network (Lea et al., CVPR 2017)."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

from torch import Tensor, nn

from segtcn.layers.blocks import Activation, TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import Init, init_convolutions
from segtcn.layers.sequential import ResidualSequential
from segtcn.models.base import SegmentationModel, check_sizes


class DilatedTCN(SegmentationModel):
    """Dilated TCN: stacks of residual blocks whose dilation doubles, after WaveNet, at the full frame rate.

    ::

        convolution
        num_stacks times, i = 0 .. num_layers - 1:
            z = dilated convolution (dilation 2^i) → spatial dropout → activation → 1x1;  skip z;  x = x + z
        sum of all skips → ReLU → 1x1 → ReLU → 1x1 to the classes

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of every layer.
        num_stacks: B of the paper. The released predictions used 2 (GTEA, 50Salads eval), 3 (50Salads mid), 1 (MERL).
        num_layers: residual blocks of a stack. The code's L counts from zero: ``num_layers`` is its L + 1, so 6 for
            L = 5 (GTEA and 50Salads) and 4 for L = 3 (MERL).
        kernel_size: taps of the first and of all dilated convolutions; None takes the paper's, 3 or, if ``causal``, 2.
        dropout: probability of dropping a whole channel.
        activation: ``"wavenet"`` (the paper's), ``"norm_relu"``, ``"relu"`` or ``"tanh"``.
        causal: whether frame t sees only frames up to t.
        init: initial weights, ``"glorot"`` or, as Keras 1.1 drew them when the code was written, ``"keras1"``.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_stacks`` or ``num_layers`` is below 1 or ``activation`` or ``init`` unknown.

    Example:
        >>> import torch
        >>> DilatedTCN(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        Lea, Flynn, Vidal, Reiter, Hager: "Temporal Convolutional Networks for Action Segmentation and Detection",
        CVPR 2017, section 3.2.

        Differs from the authors' code:

        - The end of a video is the end; the code pads all videos to one length with frames of -1, which the
          convolutions see.
        - ``causal``: the code shifts a convolution by ``dilation // 2`` frames, which is none at dilation 1, so each
          stack sees one frame of the future. Here none does.
        - The weights start as Glorot & Bengio's unless ``init`` says so, as those of :class:`~segtcn.models.EDTCN`.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        num_stacks: int = 2,
        num_layers: int = 6,
        kernel_size: int | None = None,
        dropout: float = 0.3,
        activation: Activation = "wavenet",
        causal: bool = False,
        init: Init = "glorot",
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        check_sizes(num_stacks=num_stacks, num_layers=num_layers)
        if kernel_size is None:
            kernel_size = 2 if causal else 3
        self.conv_in = TemporalConv1d(in_channels, hidden_channels, kernel_size, causal=causal)
        block = partial(
            TemporalConvBlock,
            hidden_channels,
            hidden_channels,
            kernel_size,
            causal=causal,
            dropout=dropout,
            activation=activation,
        )
        self.blocks = _SkipSequential(
            *(
                _residual_block(block(dilation=2**i), hidden_channels)
                for _ in range(num_stacks)
                for i in range(num_layers)
            )
        )
        self.relu_skips = nn.ReLU()
        self.conv_out = TemporalConv1d(hidden_channels, hidden_channels, kernel_size=1)
        self.relu_out = nn.ReLU()
        self.head = TemporalConv1d(hidden_channels, num_classes, kernel_size=1)
        init_convolutions(self, init)


class _SkipSequential(ResidualSequential):
    """Sum of what the blocks add to ``x``; as it stands in ``x`` after the last, no block's output is kept for it."""

    def _join(self, *branches: Tensor) -> Tensor:
        x, z = branches
        return z - x


def _residual_block(block: TemporalConvBlock, channels: int) -> ResidualSequential:
    """``x`` plus the 1x1 of the block."""
    conv_1x1 = TemporalConv1d(channels, channels, kernel_size=1)
    return ResidualSequential(OrderedDict([*block.named_children(), ("conv_1x1", conv_1x1)]))
