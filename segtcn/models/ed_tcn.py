"""Encoder-decoder temporal convolutional network (Lea et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from segtcn.layers.activation import Activation
from segtcn.layers.blocks import TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import init_glorot
from segtcn.layers.pooling import TemporalMaxPool1d, upsample
from segtcn.layers.receptive_field import convolution, pooling, receptive_field, upsampling
from segtcn.models.base import SegmentationModel
from segtcn.structures import Output


def _blocks(modules: nn.ModuleList) -> list[TemporalConvBlock]:
    return [*modules]  # a ModuleList forgets what it holds


class _StreamState(NamedTuple):
    num_frames: int  # seen so far
    encoder: list[Tensor]  # last input frames of every convolution
    pool: list[Tensor]  # last input frame of every pooling
    decoder: list[Tensor]
    held: list[Tensor]  # last frame of every level below, which up-sampling may have to repeat


class EDTCN(SegmentationModel):
    """Encoder-decoder TCN: long convolutions at a frame rate that pooling halves and up-sampling restores.

    With L = ``len(hidden_channels)``::

        L times: convolution → spatial dropout → activation → max-pool 2
        L times: repeat x 2  → convolution → spatial dropout → activation
        1x1 convolution to the classes

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of every encoder layer; the decoder mirrors them. ``(64, 96)`` are the widths of the
            released code, ``(128, 160)`` those of the paper's ``F_l = 96 + 32 l``.
        kernel_size: taps of every convolution, odd or even. The released predictions used 25 (GTEA), 15 (50Salads
            mid), 18 (50Salads eval), 3 (MERL), 15 and 20 (JIGSAWS sensors and video).
        dropout: probability of dropping a whole channel.
        activation: ``"norm_relu"`` (the paper's best), ``"wavenet"``, ``"relu"`` or ``"tanh"``.
        causal: whether frame t sees only frames up to t.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``hidden_channels`` is empty or ``activation`` unknown.

    Example:
        >>> net = EDTCN(in_channels=128, num_classes=11)
        >>> net(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        Lea, Flynn, Vidal, Reiter, Hager: "Temporal Convolutional Networks for Action Segmentation and Detection",
        CVPR 2017, section 3.1.

        Differs from the authors' code:

        - Any number of frames: the code pads all videos to one length divisible by ``2 ** L`` with frames of -1, which
          the convolutions see. Here the end of a video is the end, and pooling takes the last frame alone.
        - The weights start as Glorot & Bengio's, which the code asks for. The Keras of its time (1.1) took a kernel's
          axes for those of another layout and drew them several times smaller; held-out training videos of GTEA and
          50Salads score lower with those (``docs/results/initial_weights.md``).
        - ``causal``: the code's pooling and up-sampling let up to ``2 ** L - 1`` future frames through; here a pooled
          frame covers the frame before it instead of the frame after, at the price that the newest up to
          ``2 ** L - 1`` frames are not seen yet.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: Sequence[int] = (64, 96),
        kernel_size: int = 25,
        dropout: float = 0.3,
        activation: Activation = "norm_relu",
        causal: bool = False,
    ) -> None:
        super().__init__()
        if not hidden_channels:
            raise ValueError("`hidden_channels` must hold the width of at least one encoder layer, got none")
        self.in_channels, self.num_classes, self.causal = in_channels, num_classes, causal
        # the decoder repeats the encoder's widths in reverse: D → 64 → 96 | 96 → 64
        widths = [in_channels, *hidden_channels, *reversed(hidden_channels)]
        blocks = [
            TemporalConvBlock(before, after, kernel_size, causal=causal, dropout=dropout, activation=activation)
            for before, after in pairwise(widths)
        ]
        self.encoder = nn.ModuleList(blocks[: len(hidden_channels)])
        self.pool = TemporalMaxPool1d(causal=causal)
        self.decoder = nn.ModuleList(blocks[len(hidden_channels) :])
        self.head = TemporalConv1d(widths[-1], num_classes, kernel_size=1)
        self._reach = blocks[0].conv.reach
        init_glorot(self)

    @property
    def receptive_field(self) -> tuple[int, int]:
        """Frames seen to the left and to the right, the largest over the ``2 ** L`` places in a pooling window."""
        conv, num_layers = convolution(*self._reach), len(self.encoder)
        layers = [conv, pooling(self.causal)] * num_layers + [upsampling(), conv] * num_layers
        return receptive_field(layers, period=2**num_layers)

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        x, levels = features, []
        for block in self.encoder:
            levels.append((x.shape[-1], mask))
            x, mask = self.pool(block(x, mask), mask)
        for block, (num_frames, mask) in zip(self.decoder, reversed(levels), strict=True):
            x = block(upsample(x, num_frames), mask)
        return Output(self.head(x)[None])

    def initial_state(self, batch_size: int = 1) -> _StreamState:
        """State before the first frame of a stream.

        Raises:
            ValueError: if the network is not causal.
        """
        if not self.causal:
            raise self._not_streamable()
        encoder, decoder, like = _blocks(self.encoder), _blocks(self.decoder), self.head.weight
        return _StreamState(
            num_frames=0,
            encoder=[block.conv.initial_state(batch_size) for block in encoder],
            pool=[self.pool.initial_state(batch_size, block.conv.out_channels, like) for block in encoder],
            decoder=[block.conv.initial_state(batch_size) for block in decoder],
            held=[like.new_zeros(batch_size, block.conv.in_channels, 1) for block in decoder],
        )

    def step(self, features: Tensor, state: _StreamState) -> tuple[Output, _StreamState]:
        """Score the next frames of a stream, see :meth:`SegmentationModel.step`."""
        if not self.causal:
            raise self._not_streamable()
        x, start, levels = features, state.num_frames, []
        encoder, pool, decoder, held = [], [], [], []
        for i, block in enumerate(_blocks(self.encoder)):
            levels.append((start, start + x.shape[-1]))
            x, conv_state = block.step(x, state.encoder[i])
            x, pool_state = self.pool.step(x, state.pool[i], start)
            encoder.append(conv_state)
            pool.append(pool_state)
            start = (start + 1) // 2  # pooled frame j is complete once frame 2j is there
        for i, block in enumerate(_blocks(self.decoder)):
            x = torch.cat([state.held[i], x], dim=-1)
            held.append(x[..., -1:])
            start, stop = levels.pop()
            below = torch.arange(start, stop, device=x.device) // 2 - ((start + 1) // 2 - 1)
            x, conv_state = block.step(x[..., below], state.decoder[i])
            decoder.append(conv_state)
        state = _StreamState(state.num_frames + features.shape[-1], encoder, pool, decoder, held)
        return Output(self.head(x)[None]), state
