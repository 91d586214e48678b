"""Temporal convolution of the spatio-temporal CNN (Lea et al., ECCV 2016)."""

from __future__ import annotations

from segtcn.layers.blocks import TemporalConvBlock
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import init_convolutions
from segtcn.models.base import SegmentationModel


class TCNN(SegmentationModel):
    """tCNN: one long convolution over time, the temporal half of ST-CNN (the features are the spatial half).

    ::

        convolution → ReLU → spatial dropout → 1x1 convolution to the classes

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: number of temporal filters.
        kernel_size: their length in frames, odd or even. The released predictions used 30 (GTEA) and 36 (50Salads),
            both at every 4th stored frame.
        dropout: probability of dropping a whole channel.
        causal: whether frame t sees only frames up to t.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``.

    Example:
        >>> import torch
        >>> TCNN(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        Lea, Reiter, Vidal, Hager: "Segmental Spatiotemporal CNNs for Fine-grained Action Segmentation", ECCV 2016, the
        temporal component; in the form of the code for Lea et al., CVPR 2017, which adds the dropout. The paper's
        semi-Markov model on top is not part of it.

        Differs from the authors' code:

        - The end of a video is the end; the code pads all videos to one length with frames of -1, which the
          convolution sees.
        - ``causal``: the code's own fails, as it pads a layer that does not exist yet.
        - The weights start as Glorot & Bengio's, as those of :class:`~segtcn.models.EDTCN`, and for the same reason.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        kernel_size: int = 30,
        dropout: float = 0.3,
        causal: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        # the block drops before its ReLU, which is the same: a ReLU passes on the zeros and the scale of the rest
        self.block = TemporalConvBlock(
            in_channels, hidden_channels, kernel_size, causal=causal, dropout=dropout, activation="relu"
        )
        self.head = TemporalConv1d(hidden_channels, num_classes, kernel_size=1)
        init_convolutions(self)
