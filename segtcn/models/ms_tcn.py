"""Multi-stage temporal convolutional network (Abu Farha & Gall, CVPR 2019)."""

from __future__ import annotations

from torch import nn

from segtcn.layers.residual import RefinementStages, SingleStageTCN, dilated_residual_layers
from segtcn.models.base import SegmentationModel, check_sizes


class MSTCN(SegmentationModel):
    """MS-TCN: a stage of dilated residual layers scores the frames, further stages correct its probabilities.

    ::

        stage: 1x1 → num_layers times, i = 0 ..:  x = x + dropout(1x1(relu(convolution of dilation 2^i)))  → 1x1
        logits[0] = stage of the features
        logits[s] = stage of softmax(logits[s - 1])

    Args:
        in_channels: feature width D.
        num_classes: C.
        num_stages: S.
        num_layers: residual layers of a stage.
        hidden_channels: width of every layer.
        kernel_size: taps of the dilated convolutions.
        dropout: probability of dropping a value.
        causal: whether frame t sees only frames up to t.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(S, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_stages`` or ``num_layers`` is below 1.

    Example:
        >>> import torch
        >>> MSTCN(in_channels=2048, num_classes=11)(torch.zeros(2, 2048, 333)).logits.shape
        torch.Size([4, 2, 11, 333])

    Reference:
        Abu Farha & Gall: "MS-TCN: Multi-Stage Temporal Convolutional Network for Action Segmentation", CVPR 2019,
        sections 3.1 and 3.2.

        Differs from the authors' code:

        - Padding has no effect: the code's first 1x1 convolution fills it with its bias, which the layers after it
          see; here every dilated convolution masks its input.
        - ``causal`` is not in the code: all taps of a convolution lie on frames up to t.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        num_stages: int = 4,
        num_layers: int = 10,
        hidden_channels: int = 64,
        kernel_size: int = 3,
        dropout: float = 0.5,
        causal: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        check_sizes(num_stages=num_stages, num_layers=num_layers)

        def stage(channels: int, activation: nn.Module | None = None) -> SingleStageTCN:
            layers = dilated_residual_layers(hidden_channels, num_layers, kernel_size, causal=causal, dropout=dropout)
            return SingleStageTCN(channels, hidden_channels, num_classes, layers, activation)

        self.first = stage(in_channels)
        self.refine = RefinementStages(stage(num_classes, nn.Softmax(dim=1)) for _ in range(num_stages - 1))
