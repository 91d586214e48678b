"""The baseline that knows no time: every frame by itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from segtcn.layers.blocks import TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import init_convolutions
from segtcn.layers.sequential import TemporalSequential
from segtcn.models.base import SegmentationModel


class FrameClassifier(SegmentationModel):
    """A linear classifier or, with hidden layers, an MLP of each frame by itself.

    What it scores is what the features know without any model of time, so every other network must score more.
    It is causal, and streams, without being asked.

    ::

        for every hidden layer:  1x1 convolution → dropout → ReLU
        1x1 convolution to the classes

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of every hidden layer; none makes the classifier linear.
        dropout: probability of dropping a hidden channel for the whole sequence.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` (not used) or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Example:
        >>> import torch
        >>> FrameClassifier(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        The rows "Spatial CNN" of Lea et al., CVPR 2017, tables 1 to 3.

        Differs from the authors' code:

        - It is a linear support vector machine on the Spatial CNN's class scores (``X`` of the released features); this
          is softmax regression on the features that all other networks get (``A``), so that only time differs.
    """

    def __init__(
        self, in_channels: int, num_classes: int, hidden_channels: Sequence[int] = (), dropout: float = 0.3
    ) -> None:
        super().__init__(in_channels, num_classes, causal=True)
        widths = [in_channels, *hidden_channels]
        self.blocks = TemporalSequential(
            *(
                TemporalConvBlock(before, after, kernel_size=1, dropout=dropout, activation="relu")
                for before, after in pairwise(widths)
            )
        )
        self.head = TemporalConv1d(widths[-1], num_classes, kernel_size=1)
        init_convolutions(self)
