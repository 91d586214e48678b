"""MS-TCN++ (Li et al., TPAMI 2020)."""

from __future__ import annotations

from torch import nn

from segtcn.layers.residual import DualDilatedLayer, RefinementStages, SingleStageTCN, dilated_residual_layers
from segtcn.models.base import SegmentationModel, check_sizes

LARGEST_NUM_LAYERS = 60
"""The first layer sees frames at a distance of 2 ** (``num_layers`` - 1)."""


class MSTCNPlusPlus(SegmentationModel):
    """MS-TCN++: every layer of the first stage sees near and far frames, further stages correct its probabilities.

    ::

        prediction generation: 1x1 → num_layers times, i = 0 .. L - 1 with L = num_layers:
            x = x + dropout(relu(1x1([convolution of dilation 2^(L - 1 - i); convolution of dilation 2^i])))  → 1x1
        refinement: 1x1 → num_refinement_layers times, i = 0 ..:
            x = x + dropout(1x1(relu(convolution of dilation 2^i)))  → 1x1
        logits[0] = prediction generation of the features
        logits[s] = refinement of softmax(logits[s - 1])

    Args:
        in_channels: feature width D.
        num_classes: C.
        num_layers: dual dilated layers of the prediction generation.
        num_refinements: stages after it, so that S = ``1 + num_refinements``.
        num_refinement_layers: residual layers of a refinement.
        hidden_channels: width of every layer.
        kernel_size: taps of the dilated convolutions.
        dropout: probability of dropping a value.
        shared_refinement: whether all refinements have the same weights, the paper's variant with fewer parameters.
        causal: whether frame t sees only frames up to t.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(S, B, C, T)``; any ``T >= 1``.

    Raises:
        ValueError: if ``num_layers`` is below 1 or above 60, ``num_refinement_layers`` below 1 or ``num_refinements``
            below 0.

    Example:
        >>> import torch
        >>> MSTCNPlusPlus(in_channels=2048, num_classes=11)(torch.zeros(2, 2048, 333)).logits.shape
        torch.Size([4, 2, 11, 333])

    Reference:
        Li, Abu Farha, Liu, Cheng, Gall: "MS-TCN++: Multi-Stage Temporal Convolutional Network for Action
        Segmentation", TPAMI 2020, section 3.

        Differs from the authors' code:

        - Padding has no effect: the code gives the network no mask, so that biases fill the padding and reach real
          frames; here every dilated convolution masks its input.
        - ``shared_refinement`` is in the paper, not in the code.
        - ``causal`` is not in the code: all taps of a convolution lie on frames up to t.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        num_layers: int = 11,
        num_refinements: int = 3,
        num_refinement_layers: int = 10,
        hidden_channels: int = 64,
        kernel_size: int = 3,
        dropout: float = 0.5,
        shared_refinement: bool = False,
        causal: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        check_sizes(num_layers=num_layers, num_refinement_layers=num_refinement_layers)
        check_sizes(0, num_refinements=num_refinements)
        if num_layers > LARGEST_NUM_LAYERS:
            raise ValueError(f"`num_layers` must be at most {LARGEST_NUM_LAYERS}, got {num_layers}")
        dual_layers = [
            DualDilatedLayer(
                hidden_channels,
                kernel_size,
                dilations=(2 ** (num_layers - 1 - i), 2**i),
                causal=causal,
                dropout=dropout,
            )
            for i in range(num_layers)
        ]
        self.generate = SingleStageTCN(in_channels, hidden_channels, num_classes, dual_layers)

        def refinement() -> SingleStageTCN:
            layers = dilated_residual_layers(
                hidden_channels, num_refinement_layers, kernel_size, causal=causal, dropout=dropout
            )
            return SingleStageTCN(num_classes, hidden_channels, num_classes, layers, nn.Softmax(dim=1))

        if shared_refinement:
            self.refine = RefinementStages([refinement()], repeats=num_refinements)
        else:
            self.refine = RefinementStages(refinement() for _ in range(num_refinements))
