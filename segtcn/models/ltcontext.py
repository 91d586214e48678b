"""LTContext, local and sparse long-term attention in turn (Bahrami, Francesca, Gall, ICCV 2023)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.attention import AttentionStage, TemporalAttention, refine, strided_attention, windowed_attention
from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.norm import MaskedInstanceNorm1d
from segtcn.models.base import SegmentationModel, check_sizes
from segtcn.structures import Output


class LTContext(SegmentationModel):
    """LTContext: in every layer each frame sees its neighbourhood, then every G-th frame of the whole video.

    ::

        first stage:   x = 1x1 (features);  num_layers times, i = 0 .. num_layers - 1:
            z = GELU (convolution with dilation 2^i)
            z = z + attention of W frames to the 2 W frames around them (z)
            z = z + attention to every G-th frame (z)
            x = x + dropout (1x1 (z))
        each next stage:   x = 1x1 (softmax of the logits before);  the same layers, narrower, in which the attentions'
            values come from x at the end of the stage before
        each:   logits = 1x1 (x)

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: width of the first stage.
        num_stages: the first one and those that refine its logits.
        num_layers: layers of a stage.
        reduction: how many times narrower the later stages are.
        window: W.
        stride: G. The paper used 64 on Assembly101, 8 on Breakfast.
        num_heads: of every attention.
        dropout: probability of dropping a value at the end of a layer.
        attention_dropout: probability of dropping an attention weight.
        channel_dropout: probability of dropping a whole input channel of a stage: a feature or a class.
        instance_norm: whether an instance normalisation precedes the attentions, see below.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(num_stages, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_stages``, ``num_layers``, ``window`` or ``stride`` is below 1, or ``num_heads`` does not
            divide the width of an attention.

    Example:
        >>> import torch
        >>> LTContext(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([4, 2, 11, 333])

    Reference:
        Bahrami, Francesca, Gall: "How Much Temporal Long-Term Context is Needed for Action Segmentation?", ICCV 2023,
        section 3.

        Differs from the authors' code:

        - ``instance_norm``: in the code the switch is the wrong way round, so that the configs of the released weights,
          which leave it on, have no normalisation, and those named NoNorm have it. Here False has none, and is the
          default for that reason.
        - Padded frames change nothing: in the code the bias of the first 1x1 fills them, and with normalisation they
          count in its statistics.
        - An odd ``window``: a block sees one frame more after it than before it; the code fails.
    """

    receptive_field = (None, None)
    """The whole video, which the long-term attention samples."""

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        num_stages: int = 4,
        num_layers: int = 9,
        reduction: int = 2,
        window: int = 64,
        stride: int = 64,
        num_heads: int = 1,
        dropout: float = 0.2,
        attention_dropout: float = 0.2,
        channel_dropout: float = 0.3,
        instance_norm: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes)
        check_sizes(num_stages=num_stages, num_layers=num_layers, window=window, stride=stride)

        near = partial(windowed_attention, window=(window // 2, window - window // 2), block=window)
        far = partial(strided_attention, stride=stride)

        def stage(channels: int, width: int) -> AttentionStage:
            layers = [
                _Layer(width, 2**i, (near, far), num_heads, dropout, attention_dropout, instance_norm)
                for i in range(num_layers)
            ]
            return AttentionStage(channels, width, num_classes, layers, channel_dropout)

        narrow = hidden_channels // reduction
        self.first = stage(in_channels, hidden_channels)
        self.reduce = TemporalConv1d(hidden_channels, narrow, kernel_size=1) if num_stages > 1 else nn.Identity()
        self.stages = nn.ModuleList(stage(num_classes, narrow) for _ in range(num_stages - 1))

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        logits, x = self.first(features, None, mask)
        return Output(refine(logits, self.reduce(x), self.stages, mask))


class _Layer(nn.Module):
    """Dilated convolution, windowed attention, long-term attention, 1x1, residual."""

    def __init__(
        self,
        channels: int,
        dilation: int,
        patterns: tuple[Callable[..., Tensor], Callable[..., Tensor]],
        num_heads: int,
        dropout: float,
        attention_dropout: float,
        instance_norm: bool,
    ) -> None:
        super().__init__()
        self.conv = TemporalConv1d(channels, channels, kernel_size=3, dilation=dilation)
        self.norm = MaskedInstanceNorm1d(channels) if instance_norm else _NoNorm()
        self.windowed, self.long_term = (
            TemporalAttention(
                channels,
                channels // 2,
                pattern,
                activation=nn.GELU(),
                num_heads=num_heads,
                dropout=attention_dropout,
            )
            for pattern in patterns
        )
        self.attended_dropout = nn.Dropout(0.1)  # fixed in the code too
        self.conv_1x1 = TemporalConv1d(channels, channels, kernel_size=1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, values: Tensor | None, mask: Tensor | None) -> Tensor:
        z = F.gelu(self.conv(x, mask))
        z = z + self.attended_dropout(self.windowed(self.norm(z, mask), values, mask))
        z = z + self.attended_dropout(self.long_term(self.norm(z, mask), values, mask))
        return x + self.dropout(self.conv_1x1(z))


class _NoNorm(nn.Module):
    """Called as a normalisation."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return x
