"""Dilated temporal convolutional network (Lea et al., CVPR 2017)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.activation import Activation
from segtcn.layers.blocks import TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import init_glorot
from segtcn.layers.receptive_field import convolution, receptive_field
from segtcn.models.base import SegmentationModel
from segtcn.structures import Output


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

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_stacks`` or ``num_layers`` is below 1 or ``activation`` unknown.

    Example:
        >>> net = DilatedTCN(in_channels=128, num_classes=11)
        >>> net(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        Lea, Flynn, Vidal, Reiter, Hager: "Temporal Convolutional Networks for Action Segmentation and Detection",
        CVPR 2017, section 3.2.

        Differs from the authors' code:

        - The end of a video is the end; the code pads all videos to one length with frames of -1, which the
          convolutions see.
        - ``causal``: the code shifts a convolution by ``dilation // 2`` frames, which is none at dilation 1, so each
          stack sees one frame of the future. Here none does.
        - The weights start as Glorot & Bengio's, as those of :class:`~segtcn.models.EDTCN`, and for the same reason.
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
    ) -> None:
        super().__init__()
        if num_stacks < 1 or num_layers < 1:
            raise ValueError(f"`num_stacks` and `num_layers` must be at least 1, got {num_stacks} and {num_layers}")
        self.in_channels, self.num_classes, self.causal = in_channels, num_classes, causal
        if kernel_size is None:
            kernel_size = 2 if causal else 3
        self.conv_in = TemporalConv1d(in_channels, hidden_channels, kernel_size, causal=causal)
        self.blocks = nn.ModuleList(
            _ResidualBlock(hidden_channels, kernel_size, 2**i, causal, dropout, activation)
            for _ in range(num_stacks)
            for i in range(num_layers)
        )
        self.conv_out = TemporalConv1d(hidden_channels, hidden_channels, kernel_size=1)
        self.head = TemporalConv1d(hidden_channels, num_classes, kernel_size=1)
        init_glorot(self)

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames seen to the left and to the right."""
        convs = [self.conv_in, *(block.conv for block in self._blocks)]
        return receptive_field([convolution(*conv.reach) for conv in convs])

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        x = self.conv_in(features, mask)
        skips = []
        for block in self.blocks:
            skips.append(block(x, mask))
            x = x + skips[-1]
        return self._classify(skips)

    def initial_state(self, batch_size: int = 1) -> _StreamState:
        """State before the first frame of a stream.

        Raises:
            ValueError: if the network is not causal.
        """
        if not self.causal:
            raise self._not_streamable()
        blocks = [block.conv.initial_state(batch_size) for block in self._blocks]
        return _StreamState(self.conv_in.initial_state(batch_size), blocks)

    def step(self, features: Tensor, state: _StreamState) -> tuple[Output, _StreamState]:
        """Score the next frames of a stream, see :meth:`SegmentationModel.step`."""
        if not self.causal:
            raise self._not_streamable()
        x, conv_in = self.conv_in.step(features, state.conv_in)
        skips, blocks = [], []
        for block, block_state in zip(self._blocks, state.blocks, strict=True):
            z, block_state = block.step(x, block_state)  # noqa: PLW2901
            blocks.append(block_state)
            skips.append(z)
            x = x + z
        return self._classify(skips), _StreamState(conv_in, blocks)

    def _classify(self, skips: list[Tensor]) -> Output:
        x = F.relu(torch.stack(skips).sum(dim=0))
        return Output(self.head(F.relu(self.conv_out(x)))[None])

    @property
    def _blocks(self) -> list[_ResidualBlock]:
        return [*self.blocks]  # a ModuleList forgets what it holds


class _ResidualBlock(TemporalConvBlock):
    """The dilated block and its 1x1; returns what is both added to the input and skipped to the end."""

    def __init__(
        self, channels: int, kernel_size: int, dilation: int, causal: bool, dropout: float, activation: str
    ) -> None:
        super().__init__(
            channels, channels, kernel_size, dilation=dilation, causal=causal, dropout=dropout, activation=activation
        )
        self.conv_1x1 = TemporalConv1d(channels, channels, kernel_size=1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.conv_1x1(super().forward(x, mask))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        x, state = super().step(x, state)
        return self.conv_1x1(x), state


class _StreamState(NamedTuple):
    conv_in: Tensor  # last input frames of the first convolution
    blocks: list[Tensor]  # last input frames of every dilated convolution
