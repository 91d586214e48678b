"""Encoder-decoder temporal convolutional network (Lea et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from segtcn.layers.activation import Activation
from segtcn.layers.blocks import TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import init_glorot
from segtcn.layers.pooling import TemporalMaxPool1d, upsample
from segtcn.models.base import SegmentationModel
from segtcn.structures import Output


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
        >>> EDTCN(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
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
        num_layers, shift = len(self.encoder), int(self.causal)
        left, right = self._reach
        seen_before, seen_after = [], []
        for frame in range(2**num_layers):
            first = last = frame  # from the output back to the input
            for _ in range(num_layers):
                first, last = (first - left) // 2, (last + right) // 2
            for _ in range(num_layers):
                first, last = 2 * first - shift - left, 2 * last + 1 - shift + right
            seen_before.append(frame - first)
            seen_after.append(last - frame)
        return max(seen_before), max(seen_after)

    @property
    def period(self) -> int:
        """Frames of the deepest pool, ``2 ** L``."""
        return 2 ** len(self.encoder)

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        x, levels = features, []
        for block in self.encoder:
            levels.append((x.shape[-1], mask))
            x, mask = self.pool(block(x, mask), mask)
        for block, (num_frames, mask) in zip(self.decoder, reversed(levels), strict=True):
            x = block(upsample(x, num_frames), mask)
        return Output(self.head(x)[None])

    def _initial_state(self, batch_size: int) -> list[dict[str, Any]]:
        like = self.head.weight
        return [
            {
                "num_frames": 0,  # at this level so far
                "encoder": encoder.initial_state(batch_size),
                "pool": self.pool.initial_state(batch_size, encoder.conv.out_channels, like),
                "pooled": like.new_zeros(batch_size, decoder.conv.in_channels, 1),  # the last one, repeated once more
                "decoder": decoder.initial_state(batch_size),
            }
            for encoder, decoder in self._levels
        ]

    def _step(self, features: Tensor, state: list[dict[str, Any]]) -> tuple[Output, list[dict[str, Any]]]:
        x, state = self._step_levels(features, [*zip(self._levels, state, strict=True)])
        return Output(self.head(x)[None]), state

    def _step_levels(self, x: Tensor, levels: list[Any]) -> tuple[Tensor, list[dict[str, Any]]]:
        """What comes back to the rate of ``x``, and the states of these levels, the highest rate first."""
        if not levels:
            return x, []
        ((encoder, decoder), state), *levels_below = levels
        start, stop = state["num_frames"], state["num_frames"] + x.shape[-1]
        x, encoder_state = encoder.step(x, state["encoder"])
        x, pool_state = self.pool.step(x, state["pool"], start)
        pooled, states_below = state["pooled"], [below for _, below in levels_below]
        if x.shape[-1]:
            x, states_below = self._step_levels(x, levels_below)
            pooled = torch.cat([pooled, x], dim=-1)
        first = (start + 1) // 2 - 1  # pooled frame j is complete once frame 2j is there
        frames = torch.arange(start, stop, device=x.device) // 2 - first
        y, decoder_state = decoder.step(pooled[..., frames], state["decoder"])
        after = {
            "num_frames": stop,
            "encoder": encoder_state,
            "pool": pool_state,
            "pooled": pooled[..., -1:].clone(),  # a view would keep the whole chunk in memory
            "decoder": decoder_state,
        }
        return y, [after, *states_below]

    @property
    def _levels(self) -> list[tuple[Any, Any]]:
        """The encoder's and the decoder's block of every frame rate, the highest first."""
        return [*zip(self.encoder, reversed(self.decoder), strict=True)]
