"""ASFormer, a transformer of dilated convolutions and windowed attention (Yi, Wen, Jiang, BMVC 2021)."""

from __future__ import annotations

import math
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.attention import AttentionStage, TemporalAttention, refine, windowed_attention
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.norm import MaskedInstanceNorm1d
from segtcn.models.base import SegmentationModel, check_sizes
from segtcn.structures import Output


class ASFormer(SegmentationModel):
    r"""ASFormer: an encoder that classifies frames and decoders that each refine the classes of the one before.

    ::

        encoder:   x = 1x1 (features);  num_layers times, i = 0 .. num_layers - 1:
            z = ReLU (convolution with dilation 2^i)
            z = z + attention in a window of 2^i frames (instance normalisation (z))
            x = x + dropout (1x1 (z))
        decoders, s = 0 .. num_decoders - 1:   x = 1x1 (softmax of the logits before);  the same layers, in which
            the attention's values come from x at the end of the stage before, and its result is weighted exp(-3 s)
        each:   logits = 1x1 (x)

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of every layer.
        num_decoders: refinements of the encoder's logits.
        num_layers: layers of the encoder and of every decoder.
        reduction: how many times fewer channels queries, keys and values have; r1 = r2 of the code.
        dropout: probability of dropping a value at the end of a layer.
        channel_dropout: probability of dropping a whole feature; the code uses 0.5 on GTEA.
        shared_windows: computes what the published numbers were computed with, see below.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1 + num_decoders, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_decoders`` is negative or ``num_layers`` below 1.

    Example:
        >>> import torch
        >>> ASFormer(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([4, 2, 11, 333])

    Reference:
        Yi, Wen, Jiang: "ASFormer: Transformer for Action Segmentation", BMVC 2021, sections 3.1 to 3.3.

        Differs from the authors' code:

        - The window of frame t are the w frames from ``t - w // 2`` on, as the paper draws it. The code cuts the video
          into blocks of w frames, and a slip in its mask (``[:, :, i:i+w]`` for ``[:, i, i:i+w]``; its readme says so,
          and that the trained weights need it) gives all frames of a block the windows of all its frames, ``2 w - 1``
          frames. ``shared_windows=True`` does the same.
        - Frames outside the window or the video have no weight. In the code they keep 1e-6 of it in the softmax's sum.
        - Padded frames change nothing: in the code they count in the instance normalisation, and the bias of the first
          1x1 fills them. Videos can come in batches, which the code's attention refuses.

        As in the code, the first layer's window is one frame: its queries and keys are there, but decide nothing.
    """

    receptive_field = (None, None)
    """The whole video, whose statistics the instance normalisation takes."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        num_decoders: int = 3,
        num_layers: int = 10,
        reduction: int = 2,
        dropout: float = 0.5,
        channel_dropout: float = 0.3,
        shared_windows: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes)
        check_sizes(num_layers=num_layers)
        check_sizes(0, num_decoders=num_decoders)

        def stage(channels: int, attention_weight: float, channel_dropout: float = 0.0) -> AttentionStage:
            layers = [
                _Layer(hidden_channels, 2**i, reduction, attention_weight, dropout, shared_windows)
                for i in range(num_layers)
            ]
            return AttentionStage(channels, hidden_channels, num_classes, layers, channel_dropout)

        self.encoder = stage(in_channels, attention_weight=1.0, channel_dropout=channel_dropout)
        self.decoders = nn.ModuleList(stage(num_classes, math.exp(-3 * s)) for s in range(num_decoders))

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        logits, x = self.encoder(features, None, mask)
        return Output(refine(logits, x, self.decoders, mask))


class _Layer(nn.Module):
    """Dilated convolution, attention in a window as wide as the dilation, 1x1, residual."""

    def __init__(
        self, channels: int, window: int, reduction: int, attention_weight: float, dropout: float, shared_windows: bool
    ) -> None:
        super().__init__()
        self.attention_weight = attention_weight
        self.conv = TemporalConv1d(channels, channels, kernel_size=3, dilation=window)
        self.norm = MaskedInstanceNorm1d(channels)
        pattern = partial(
            windowed_attention,
            window=(window // 2, window - 1 - window // 2),
            block=window if shared_windows else None,
        )
        self.attention = TemporalAttention(channels, channels // reduction, pattern, activation=nn.ReLU())
        self.conv_1x1 = TemporalConv1d(channels, channels, kernel_size=1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, values: Tensor | None, mask: Tensor | None) -> Tensor:
        z = F.relu(self.conv(x, mask))
        z = z + self.attention_weight * self.attention(self.norm(z, mask), values, mask)
        return x + self.dropout(self.conv_1x1(z))
