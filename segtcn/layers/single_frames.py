"""One frame at a time: what a causal network computes, without what takes most of the time of a single frame.

The arithmetic of a frame is small. The time goes to copies of the past, to weights that are normalised again and again,
and to calls. Here each convolution keeps its input frames in a ring, takes the few that lie under its taps and
multiplies them with weights that were laid out once.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.sequential import Reach, TemporalLayer


class Ring:
    """The last input frames of a convolution; the next frame takes the place of the oldest.

    ``rows[i]`` holds those that lie under the taps together, a dilation apart, in the order of time.

    Args:
        past: in the order of time, ``(B, C, span)``; copied.
        dilation: distance between taps in frames.
    """

    __slots__ = ("next_row", "rows")

    def __init__(self, past: Tensor, dilation: int) -> None:
        frames = list(past.movedim(-1, 0).contiguous().clone()[..., None])  # (B, C, 1) each
        self.rows = [frames[i::dilation] for i in range(dilation)]
        self.next_row = 0

    def past(self) -> Tensor:
        """The frames in the order of time, ``(B, C, span)``."""
        rows = self.rows[self.next_row :] + self.rows[: self.next_row]
        return torch.cat([frame for column in zip(*rows, strict=True) for frame in column], dim=-1)


class FrameConv(TemporalLayer):
    """A :class:`TemporalConv1d` for single frames: one product with the frames under its taps, side by side.

    Args:
        conv: its weights are read now, those of a weight-normalised one computed.
    """

    reach: Reach = (0, 0)

    def __init__(self, conv: TemporalConv1d) -> None:
        self.in_channels, self.out_channels = conv.in_channels, conv.out_channels
        self.reach, self.dilation, self.initial_past = conv.reach, conv.dilation[0], conv.initial_state
        self.weight = conv.weight.detach().movedim(-1, 1).flatten(1)  # (out_channels, taps * in_channels)
        self.bias = None if conv.bias is None else conv.bias.detach()

    def __call__(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        return F.linear(x.squeeze(-1), self.weight, self.bias).unsqueeze(-1)

    def initial_state(self, batch_size: int) -> Ring:
        """The frames before the first one."""
        return Ring(self.initial_past(batch_size), self.dilation)

    def step(self, x: Tensor, state: Ring, last: bool = False) -> tuple[Tensor, Ring]:
        """The output of one frame, ``(B, C, 1)``; the ring is changed."""
        row = state.next_row
        frames = [*state.rows[row], x]
        state.rows[row], state.next_row = frames[1:], (row + 1) % self.dilation
        return F.linear(torch.cat(frames, 1).squeeze(-1), self.weight, self.bias).unsqueeze(-1), state


def for_single_frames(module: nn.Module) -> Any:
    """A twin of a network or layer, which computes the same for single frames in evaluation, only in less time.

    Its layers are plain attributes, which cost less to look up and to call than modules. Its states are those of the
    module, but with a :class:`Ring` for every convolution, which a step changes in place.

    Args:
        module: causal; its weights are read now.
    """
    if isinstance(module, TemporalConv1d):
        return FrameConv(module)
    if isinstance(module, _DropoutNd | nn.Identity):
        return _unchanged
    if isinstance(module, nn.ReLU):
        return torch.relu_ if module.inplace else torch.relu
    if not module._modules:
        return module
    twin = copy.copy(module)
    layers = {name: for_single_frames(child) for name, child in module._modules.items() if child is not None}
    twin.__dict__.update(layers, _modules=layers)
    return twin


def _unchanged(x: Tensor) -> Tensor:
    return x
