"""Time-delay neural network (Waibel et al., 1989), as in the code of Lea et al. (CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from segtcn.layers.blocks import Activation, TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import init_convolutions
from segtcn.layers.sequential import TemporalSequential
from segtcn.models.base import SegmentationModel


class TDNN(SegmentationModel):
    """Time-delay neural network: a few long convolutions whose dilation grows by one a layer, at the full frame rate.

    ::

        i = 1 .. L:  convolution (dilation i) → spatial dropout → activation
        1x1 convolution to the classes

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of every layer; L of them.
        kernel_size: taps of every convolution, odd or even. The code takes 25 (GTEA, 50Salads), 20 (JIGSAWS), 5 (MERL).
        dropout: probability of dropping a whole channel; the code drops none.
        activation: ``"tanh"`` (the code's), ``"norm_relu"``, ``"wavenet"`` or ``"relu"``.
        causal: whether frame t sees only frames up to t.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``hidden_channels`` is empty or ``activation`` unknown.

    Example:
        >>> import torch
        >>> TDNN(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        Waibel, Hanazawa, Hinton, Shikano, Lang: "Phoneme Recognition Using Time-Delay Neural Networks", IEEE
        Transactions on Acoustics, Speech, and Signal Processing, 1989; in the form of the code for Lea et al., CVPR
        2017, which calls it not fully tested and releases no predictions of it.

        Differs from the authors' code:

        - The end of a video is the end; the code pads all videos to one length with frames of -1, which the
          convolutions see.
        - ``causal``: the code shifts a convolution by ``kernel_size // 2`` frames whatever its dilation, so that all
          layers but the first see the future. Here none does.
        - The weights start as Glorot & Bengio's, as those of :class:`~segtcn.models.EDTCN`, and for the same reason.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: Sequence[int] = (64, 96),
        kernel_size: int = 25,
        dropout: float = 0.0,
        activation: Activation = "tanh",
        causal: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        if not hidden_channels:
            raise ValueError("`hidden_channels` must hold the width of at least one layer, got none")
        widths = pairwise([in_channels, *hidden_channels])
        self.blocks = TemporalSequential(
            *(
                TemporalConvBlock(
                    before, after, kernel_size, dilation=i, causal=causal, dropout=dropout, activation=activation
                )
                for i, (before, after) in enumerate(widths, start=1)
            )
        )
        self.head = TemporalConv1d(hidden_channels[-1], num_classes, kernel_size=1)
        init_convolutions(self)
