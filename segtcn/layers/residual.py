"""Dilated residual layers and the stages of MS-TCN and its descendants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.dropout import Dropout


class DilatedResidualLayer(nn.Module):
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
        super().__init__()
        self.conv_dilated = TemporalConv1d(channels, channels, kernel_size, dilation=dilation, causal=causal)
        self.conv_1x1 = TemporalConv1d(channels, channels, kernel_size=1)
        self.dropout = Dropout(dropout)

    @property
    def reach(self) -> tuple[int, int]:
        """Frames seen to the left and to the right of the output frame."""
        return self.conv_dilated.reach

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        # padding needs no other mask: the 1x1 moves nothing in time, and the next dilated convolution masks its input
        return x + self.dropout(self.conv_1x1(F.relu(self.conv_dilated(x, mask), inplace=True)))

    def initial_state(self, batch_size: int) -> Tensor:
        """The frames before the first one, see :meth:`TemporalConv1d.initial_state`."""
        return self.conv_dilated.initial_state(batch_size)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Continue where the last chunk ended, as :meth:`TemporalConv1d.step` does."""
        z, state = self.conv_dilated.step(x, state)
        return x + self.dropout(self.conv_1x1(F.relu(z, inplace=True))), state


class DualDilatedLayer(nn.Module):
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
        z = torch.cat([self.conv_1(x, mask), self.conv_2(x, mask)], dim=1)
        return x + self.dropout(F.relu(self.conv_fusion(z), inplace=True))

    def initial_state(self, batch_size: int) -> tuple[Tensor, Tensor]:
        """The frames before the first one, of both convolutions."""
        return self.conv_1.initial_state(batch_size), self.conv_2.initial_state(batch_size)

    def step(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Continue where the last chunk ended, as :meth:`TemporalConv1d.step` does."""
        z_1, state_1 = self.conv_1.step(x, state[0])
        z_2, state_2 = self.conv_2.step(x, state[1])
        z = torch.cat([z_1, z_2], dim=1)
        return x + self.dropout(F.relu(self.conv_fusion(z), inplace=True)), (state_1, state_2)


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


class SingleStageTCN(nn.Module):
    """1x1 convolution → residual layers → 1x1 convolution: a stage of MS-TCN.

    Args:
        in_channels: channels of the input.
        hidden_channels: width of the layers.
        out_channels: channels of the output; None leaves out the last 1x1, so that the layers' output is returned.
        layers: such as :func:`dilated_residual_layers`.

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
    ) -> None:
        super().__init__()
        self.conv_in = TemporalConv1d(in_channels, hidden_channels, kernel_size=1)
        self.layers = nn.ModuleList(layers)
        self.conv_out = (
            nn.Identity() if out_channels is None else TemporalConv1d(hidden_channels, out_channels, kernel_size=1)
        )

    @property
    def reach(self) -> tuple[int, int]:
        """Frames seen to the left and to the right of the output frame."""
        lefts, rights = zip(*(layer.reach for layer in self._layers), strict=True)
        return sum(lefts), sum(rights)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        x = self.conv_in(x)
        for layer in self.layers:
            x = layer(x, mask)
        return self.conv_out(x)

    def initial_state(self, batch_size: int) -> list[Any]:
        """The frames before the first one, of every layer."""
        return [layer.initial_state(batch_size) for layer in self._layers]

    def step(self, x: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        """Continue where the last chunk ended, as :meth:`TemporalConv1d.step` does."""
        x, states = self.conv_in(x), []
        for layer, layer_state in zip(self._layers, state, strict=True):
            x, layer_state = layer.step(x, layer_state)  # noqa: PLW2901
            states.append(layer_state)
        return self.conv_out(x), states

    @property
    def _layers(self) -> list[Any]:
        return [*self.layers]  # a ModuleList forgets what it holds


class RefinementStages(nn.Module):
    """Stages that each see nothing but the probabilities of the stage before, and correct them.

    ::

        logits[s] = stage s of activation(logits[s - 1]),    s = 1 .. num_stages

    Args:
        channels: classes, or 1 for boundaries.
        hidden_channels: width of the layers.
        num_stages: refinements; 0 refines nothing.
        num_layers: layers of a stage, whose dilation doubles from 1.
        kernel_size: taps.
        activation: from logits to probabilities, ``nn.Softmax(dim=1)`` or ``nn.Sigmoid()``.
        causal: whether frame t sees only frames up to t.
        dropout: probability of dropping a value.
        shared: whether all stages are one, with the same weights.

    Shape:
        logits ``(B, channels, T)`` and a mask ``(B, T)`` or None to the logits of all stages, given one first,
        ``(1 + num_stages, B, channels, T)``; undefined on padding.

    Reference:
        Abu Farha & Gall, CVPR 2019, section 3.2; ``shared``: Li et al., "MS-TCN++", TPAMI 2020, section 3.
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int,
        num_stages: int,
        num_layers: int,
        kernel_size: int = 3,
        *,
        activation: nn.Module,
        causal: bool = False,
        dropout: float = 0.5,
        shared: bool = False,
    ) -> None:
        super().__init__()
        self.num_stages = num_stages
        self.activation = activation
        self.stages = nn.ModuleList(
            SingleStageTCN(
                channels,
                hidden_channels,
                channels,
                dilated_residual_layers(hidden_channels, num_layers, kernel_size, causal=causal, dropout=dropout),
            )
            for _ in range(min(num_stages, 1) if shared else num_stages)
        )

    @property
    def reach(self) -> tuple[int, int]:
        """Frames of the given logits that a frame of the last stage sees to its left and to its right."""
        reaches = [stage.reach for stage in self._stages]
        return sum(left for left, _ in reaches), sum(right for _, right in reaches)

    def forward(self, logits: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        outputs = [logits]
        for stage in self._stages:
            outputs.append(stage(self.activation(outputs[-1]), mask))
        return torch.stack(outputs)

    def initial_state(self, batch_size: int) -> list[list[Any]]:
        """The frames before the first one, of every stage."""
        return [stage.initial_state(batch_size) for stage in self._stages]

    def step(self, logits: Tensor, state: list[list[Any]]) -> tuple[Tensor, list[list[Any]]]:
        """Continue where the last chunk ended, as :meth:`TemporalConv1d.step` does."""
        outputs, states = [logits], []
        for stage, stage_state in zip(self._stages, state, strict=True):
            refined, stage_state = stage.step(self.activation(outputs[-1]), stage_state)  # noqa: PLW2901
            outputs.append(refined)
            states.append(stage_state)
        return torch.stack(outputs), states

    @property
    def _stages(self) -> list[SingleStageTCN]:
        stages = [*self.stages]
        return stages if len(stages) == self.num_stages else stages * self.num_stages
