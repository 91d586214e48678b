"""Encoder-decoder temporal convolutional network (Lea et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import nn

from segtcn.layers.blocks import Activation, TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import Init, init_convolutions
from segtcn.layers.pooling import HalfRate
from segtcn.models.base import SegmentationModel


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
        init: initial weights, ``"glorot"`` or, as Keras 1.1 drew them when the code was written, ``"keras1"``.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``hidden_channels`` is empty or ``activation`` or ``init`` unknown.

    Example:
        >>> import torch
        >>> EDTCN(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        Lea, Flynn, Vidal, Reiter, Hager: "Temporal Convolutional Networks for Action Segmentation and Detection",
        CVPR 2017, section 3.1.

        Differs from the authors' code:

        - Any number of frames: the code pads all videos to one length divisible by ``2 ** L`` with frames of -1, which
          the convolutions see. Here the end of a video is the end, and pooling takes the last frame alone.
        - The weights start as Glorot & Bengio's, which the code asks for. The Keras of its time (1.1) took a kernel's
          axes for those of another layout and drew them several times smaller: ``init="keras1"``
          (``docs/results/initial_weights.md``).
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
        init: Init = "glorot",
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        if not hidden_channels:
            raise ValueError("`hidden_channels` must hold the width of at least one encoder layer, got none")
        # the decoder repeats the encoder's widths in reverse: D → 64 → 96 | 96 → 64
        widths = [in_channels, *hidden_channels, *reversed(hidden_channels)]
        blocks = [
            TemporalConvBlock(before, after, kernel_size, causal=causal, dropout=dropout, activation=activation)
            for before, after in pairwise(widths)
        ]
        self.encoder = nn.ModuleList(blocks[: len(hidden_channels)])
        self.decoder = nn.ModuleList(blocks[len(hidden_channels) :])
        self.head = TemporalConv1d(widths[-1], num_classes, kernel_size=1)
        for part in (self.encoder, self.decoder):
            init_convolutions(part, init)
        init_convolutions(self.head)  # a dense layer in the authors' code, whose weights Keras 1.1 drew as it should

    @property
    def period(self) -> int:
        """Frames of the deepest pool, ``2 ** L``."""
        return 2 ** len(self.encoder)

    @property
    def _layers(self) -> list[Any]:
        layers: list[Any] = []
        for encoder, decoder in zip(reversed(self.encoder), self.decoder, strict=True):
            layers = [encoder, HalfRate(layers, self.causal), decoder]
        return [*layers, self.head]
