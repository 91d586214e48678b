"""Dilated residual layers and the stages of MS-TCN and its descendants."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.dropout import Dropout
from segtcn.layers.sequential import (
    Branches,
    Reach,
    ResidualSequential,
    TemporalSequential,
    initial_states,
    step_layers,
    total_reach,
)


class DilatedResidualLayer(ResidualSequential):
    """``x + dropout(W relu(dilated convolution of x))``, the layer of MS-TCN; W is a 1x1 convolution.

    Args:
        channels: of the input and of the output.
        kernel_size: taps.
        dilation: distance between taps in frames.
        causal: whether frame t sees only frames up to t.
        dropout: probability of dropping a value.

    Shape:
        ``(B, channels, T)`` and a mask ``(B, T)`` or None to ``(B, channels, T)``; undefined on padding.

    Reference:
        Abu Farha & Gall, "MS-TCN: Multi-Stage Temporal Convolutional Network for Action Segmentation", CVPR 2019,
        section 3.1, equations 1 and 2.
    """

    def __init__(
        self, channels: int, kernel_size: int = 3, *, dilation: int = 1, causal: bool = False, dropout: float = 0.5
    ) -> None:
        # padding needs no other mask: the 1x1 moves nothing in time, and the next dilated convolution masks its input
        super().__init__(
            OrderedDict(
                conv_dilated=TemporalConv1d(channels, channels, kernel_size, dilation=dilation, causal=causal),
                relu=nn.ReLU(inplace=True),
                conv_1x1=TemporalConv1d(channels, channels, kernel_size=1),
                dropout=Dropout(dropout),
            )
        )


class DualDilatedLayer(Branches, nn.Module):
    """``x + dropout(relu(W [convolution of x; another one of x]))``, the layer of MS-TCN++ with two dilations.

    Args:
        channels: of the input and of the output.
        kernel_size: taps.
        dilations: of the two convolutions, in frames.
        causal: whether frame t sees only frames up to t.
        dropout: probability of dropping a value.

    Shape:
        ``(B, channels, T)`` and a mask ``(B, T)`` or None to ``(B, channels, T)``; undefined on padding.

    Reference:
        Li, Abu Farha, Liu, Cheng, Gall: "MS-TCN++: Multi-Stage Temporal Convolutional Network for Action
        Segmentation", TPAMI 2020, section 3 ("dual dilated layer").
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        *,
        dilations: tuple[int, int],
        causal: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        first, second = dilations
        self.conv_1 = TemporalConv1d(channels, channels, kernel_size, dilation=first, causal=causal)
        self.conv_2 = TemporalConv1d(channels, channels, kernel_size, dilation=second, causal=causal)
        self.conv_fusion = TemporalConv1d(2 * channels, channels, kernel_size=1)
        self.dropout = Dropout(dropout)

    @property
    def reach(self) -> tuple[int, int]:
        """Frames seen to the left and to the right of the output frame."""
        return max(self.conv_1.reach, self.conv_2.reach)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        return self._join(x, self.conv_1(x, mask), self.conv_2(x, mask))

    def _start_branches(self, batch_size: int) -> list[Any]:
        return [conv.initial_state(batch_size) for conv in (self.conv_1, self.conv_2)]

    def _step_branches(self, x: Tensor, states: list[Any], last: bool) -> tuple[list[Tensor], list[Any]]:
        z_1, state_1 = self.conv_1.step(x, states[0], last)
        z_2, state_2 = self.conv_2.step(x, states[1], last)
        return [x, z_1, z_2], [state_1, state_2]

    def _join(self, *branches: Tensor) -> Tensor:
        x, z_1, z_2 = branches
        return x + self.dropout(F.relu(self.conv_fusion(torch.cat([z_1, z_2], dim=1)), inplace=True))


def dilated_residual_layers(
    channels: int, num_layers: int, kernel_size: int = 3, *, causal: bool = False, dropout: float = 0.5
) -> list[DilatedResidualLayer]:
    """The layers of a stage of MS-TCN: the dilation doubles from 1 to ``2 ** (num_layers - 1)``.

    Args:
        channels: width of every layer.
        num_layers: L.
        kernel_size: taps.
        causal: whether frame t sees only frames up to t.
        dropout: probability of dropping a value.

    Example:
        >>> [layer.reach for layer in dilated_residual_layers(64, num_layers=4)]
        [(1, 1), (2, 2), (4, 4), (8, 8)]
    """
    return [
        DilatedResidualLayer(channels, kernel_size, dilation=2**i, causal=causal, dropout=dropout)
        for i in range(num_layers)
    ]


class SingleStageTCN(TemporalSequential):
    """(activation →) 1x1 convolution → residual layers → 1x1 convolution: a stage of MS-TCN.

    Args:
        in_channels: channels of the input.
        hidden_channels: width of the layers.
        out_channels: channels of the output; None leaves out the last 1x1, so that the layers' output is returned.
        layers: such as :func:`dilated_residual_layers`.
        activation: what makes probabilities of the logits of the stage before; None for the first stage.

    Shape:
        ``(B, in_channels, T)`` and a mask ``(B, T)`` or None to ``(B, out_channels, T)``; undefined on padding.

    Example:
        >>> SingleStageTCN(2048, 64, 11, dilated_residual_layers(64, num_layers=10)).reach
        (1023, 1023)
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int | None,
        layers: Sequence[DilatedResidualLayer | DualDilatedLayer],
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if activation is not None:
            self.activation = activation
        self.conv_in = TemporalConv1d(in_channels, hidden_channels, kernel_size=1)
        self.layers = TemporalSequential(*layers)
        if out_channels is not None:
            self.conv_out = TemporalConv1d(hidden_channels, out_channels, kernel_size=1)


class RefinementStages(Branches, nn.Module):
    """Stages that each see nothing but the probabilities of the stage before, and correct them.

    ::

        logits[s] = stage s of activation(logits[s - 1]),    s = 1, 2, ...

    Args:
        stages: each from logits to logits, with an activation at its start; none refine nothing.
        repeats: how often they run: one stage that repeats is a refinement with shared weights.

    Shape:
        logits ``(B, channels, T)`` and a mask ``(B, T)`` or None to the logits of all stages, given one first,
        ``(1 + number of runs, B, channels, T)``; undefined on padding.

    Reference:
        Abu Farha & Gall, CVPR 2019, section 3.2; shared weights: Li et al., "MS-TCN++", TPAMI 2020, section 3.
    """

    def __init__(self, stages: Iterable[SingleStageTCN], repeats: int = 1) -> None:
        super().__init__()
        self.stages, self.repeats = nn.ModuleList(stages), repeats

    @property
    def reach(self) -> Reach:
        """Frames of the given logits that a frame of the last stage sees to its left and to its right."""
        return total_reach(self._stages)

    def forward(self, logits: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        outputs = [logits]
        for stage in self._stages:
            outputs.append(stage(outputs[-1], mask))
        return torch.stack(outputs)

    def _start_branches(self, batch_size: int) -> list[Any]:
        return initial_states(self._stages, batch_size)

    def _step_branches(self, x: Tensor, states: list[Any], last: bool) -> tuple[list[Tensor], list[Any]]:
        return step_layers(self._stages, x, states, last)

    def _join(self, *branches: Tensor) -> Tensor:
        return torch.stack(branches)

    @property
    def _stages(self) -> list[nn.Module]:
        return [*self.stages] * self.repeats
