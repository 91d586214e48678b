"""A segmenter as modules of tensors alone, which exporters can trace: whole videos, and steps of a stream."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.utils import _pytree as pytree

from segtcn.models import SegmentationModel
from segtcn.segmenter.segmenter import Segmenter
from segtcn.structures import Output


class State(NamedTuple):
    """A tensor that a stream remembers.

    Args:
        name: of the input; the output is ``next_`` and this.
        shape: before the first frame, with ``"batch"`` in the place of the number of videos.
        dtype: its name.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"


class WholeVideos(nn.Module):
    """Features ``(B, D, T)`` to scores ``(B, C, T)`` and, where the network has them, boundaries ``(B, T)``.

    Args:
        segmenter: in evaluation mode.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.states: tuple[State, ...] = ()
        self.streaming = False

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        return _scores(self.segmenter(features))

    def example(self) -> tuple[Tensor, ...]:
        """Inputs to trace with."""
        # longer than any window: a trace takes one window for a special case
        return (torch.randn(2, self.segmenter.net.in_channels, 1031),)

    def dynamic_shapes(self, min_frames: int = 1) -> dict[str, Any]:
        """The axes that may have any size, of every argument of :meth:`forward`."""
        return {"features": {0: Dim("batch"), 2: Dim("time", min=min_frames)}}


class StreamSteps(WholeVideos):
    """Features and states to scores and the next states; the states are the network's.

    Args:
        segmenter: in evaluation mode, with a causal network whose state consists of tensors.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__(segmenter)
        self.streaming = True
        two, three = (pytree.tree_leaves(segmenter.net.initial_state(size)) for size in (2, 3))
        _, self._structure = pytree.tree_flatten(segmenter.net.initial_state())
        self._places = [i for i, part in enumerate(two) if isinstance(part, Tensor)]
        self._num_leaves = len(two)
        self.states = tuple(
            State(f"state_{n}", _batch_named(two[i].shape, three[i].shape)) for n, i in enumerate(self._places)
        )

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        leaves: list[Tensor | None] = [None] * self._num_leaves
        for place, state in zip(self._places, states, strict=True):
            leaves[place] = state
        net, standardization = self.segmenter.net, self.segmenter.standardization
        output, after = net.step(standardization(features), pytree.tree_unflatten(leaves, self._structure))
        return *_scores(output), *(pytree.tree_leaves(after)[place] for place in self._places)

    def example(self) -> tuple[Tensor, ...]:
        """Inputs to trace with."""
        return *super().example(), *zero_states(self.states, 2)

    def dynamic_shapes(self, min_frames: int = 1) -> dict[str, Any]:
        """The axes that may have any size, of every argument of :meth:`forward`."""
        shapes = super().dynamic_shapes(min_frames)
        batch = shapes["features"][0]
        return shapes | {"states": tuple({state.shape.index("batch"): batch} for state in self.states)}


class ContextSteps(WholeVideos):
    """Features and the frames before them that the network sees, to scores and the frames to be kept.

    For causal networks whose own state changes its shape, which that of a graph cannot: those that pool.

    Args:
        segmenter: in evaluation mode, with a causal network of finite receptive field.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__(segmenter)
        self.streaming = True
        self.states = (State("context", ("batch", segmenter.net.in_channels, 0)),)

    def forward(self, features: Tensor, *states: Tensor) -> tuple[Tensor, ...]:  # noqa: D102
        (context,), net = states, self.segmenter.net
        frames = torch.cat([context, features], dim=-1)
        places = context.shape[-1] + torch.arange(features.shape[-1])
        scores = [part[..., places] for part in _scores(self.segmenter(frames))]
        # the context begins at a multiple of the pooling, or the pools would cover other frames
        past, total = net.receptive_field[0] or 0, frames.shape[-1]
        kept = torch.sym_min(total, past + (total - past) % net.period)
        return *scores, frames[..., total - kept + torch.arange(kept)]

    def example(self) -> tuple[Tensor, ...]:
        """Inputs to trace with."""
        net = self.segmenter.net
        return *super().example(), torch.randn(2, net.in_channels, 2 * net.period)

    def dynamic_shapes(self, min_frames: int = 1) -> dict[str, Any]:
        """The axes that may have any size, of every argument of :meth:`forward`."""
        shapes = super().dynamic_shapes(min_frames)
        return shapes | {"states": ({0: shapes["features"][0], 2: Dim("past", min=0)},)}


def traceable(segmenter: Segmenter, streaming: bool) -> WholeVideos:
    """The module to export.

    Args:
        segmenter: in evaluation mode.
        streaming: with states as inputs and outputs.

    Raises:
        ValueError: if the network cannot stream.
    """
    if not streaming:
        return WholeVideos(segmenter)
    leaves = pytree.tree_leaves(segmenter.net.initial_state())  # says what a network needs that is not causal
    if all(part is None for part in leaves):
        traced = WholeVideos(segmenter)
        traced.streaming = True
        return traced
    if segmenter.net.period == 1 and all(part is None or isinstance(part, Tensor) for part in leaves):
        return StreamSteps(segmenter)
    if segmenter.net.receptive_field[0] is None:
        raise ValueError(f"{type(segmenter.net).__name__} remembers numbers, and no graph with states can hold them")
    return ContextSteps(segmenter)


def zero_states(states: tuple[State, ...], batch_size: int) -> list[Tensor]:
    """The zeros before the first frame."""
    return [torch.zeros([batch_size if size == "batch" else int(size) for size in state.shape]) for state in states]


def _batch_named(two: torch.Size, three: torch.Size) -> tuple[int | str, ...]:
    """The shape of a state, from those of two and of three videos."""
    return tuple("batch" if a != b else a for a, b in zip(two, three, strict=True))


def _scores(output: Output) -> tuple[Tensor, ...]:
    scores = output.logits[-1].softmax(dim=1)
    return (scores,) if output.boundaries is None else (scores, output.boundaries[-1])


def output_names(net: SegmentationModel, traced: WholeVideos) -> list[str]:
    """Names of the outputs: scores, boundaries, next states."""
    with torch.no_grad():
        has_boundaries = net(torch.zeros(1, net.in_channels, 1)).boundaries is not None
    return ["scores", *["boundaries"] * has_boundaries, *(f"next_{state.name}" for state in traced.states)]
