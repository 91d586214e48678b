"""Layers over time, one after the other: offline, in a stream, and what they see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

Reach = tuple[int | None, int | None]
"""Frames seen to the left and to the right of the output frame; None means all of them."""


class TemporalLayer(ABC):
    """What every layer over time offers, beside ``layer(x, mask)`` for whole sequences ``(B, C, T)``.

    A layer without it, such as an activation, looks at one frame at a time and needs no mask and no memory.
    """

    __call__: Callable[..., Tensor]

    @property
    @abstractmethod
    def reach(self) -> Reach:
        """Frames seen to the left and to the right of the output frame; None means all of them."""

    @abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """State before the first frame of a stream: tensors, or lists of them."""

    @abstractmethod
    def step(self, x: Tensor, state: Any, last: bool = False) -> tuple[Tensor, Any]:
        """Continue where the last chunk ended.

        Args:
            x: the next frames, ``(B, C, n)``.
            state: from :meth:`initial_state` or the previous step.
            last: whether the sequence ends with these frames; a causal layer need not know.

        Returns:
            The outputs of the frames that are decided, and the next state. A causal layer returns all ``n``; another
            is late by the frames it sees to the right, and the last chunk brings the rest.
        """


def total_reach(layers: Iterable[Any]) -> Reach:
    """What a sequence of layers sees: the reaches of its layers add up.

    Args:
        layers: :class:`TemporalLayer` or of one frame at a time.
    """
    lefts, rights = zip((0, 0), *(layer.reach for layer in layers if isinstance(layer, TemporalLayer)), strict=True)
    return (None if None in lefts else sum(lefts)), (None if None in rights else sum(rights))


def run_layers(layers: Iterable[Any], x: Tensor, mask: Tensor | None) -> Tensor:
    """The output of the last layer for whole sequences ``(B, C, T)``; layers over time get the mask."""
    for layer in layers:
        x = layer(x, mask) if isinstance(layer, TemporalLayer) else layer(x)
    return x


def initial_states(layers: Iterable[Any], batch_size: int) -> list[Any]:
    """State of every layer before the first frame; None for those that look at one frame at a time."""
    return [
        layer.initial_state(batch_size) if isinstance(layer, TemporalLayer) and layer.reach != (0, 0) else None
        for layer in layers
    ]


def step_layers(
    layers: Iterable[Any], x: Tensor, states: list[Any], last: bool = False
) -> tuple[list[Tensor], list[Any]]:
    """The next frames of a stream and the outputs of all layers for them, and the layers' next states."""
    outputs, after = [x], []
    for layer, before in zip(layers, states, strict=True):
        if before is None:
            x, state = layer(x), None
        else:
            x, state = layer.step(x, before, last)
        outputs.append(x)
        after.append(state)
    return outputs, after


class Branches(TemporalLayer):
    """A layer whose branches join, such as ``x + layers(x)``: in a stream, all wait for the latest one.

    The state is that of the branches; a layer that sees the future also keeps the frames that wait.
    """

    @abstractmethod
    def _start_branches(self, batch_size: int) -> list[Any]:
        """State of the layers in all branches before the first frame."""

    @abstractmethod
    def _step_branches(self, x: Tensor, states: list[Any], last: bool) -> tuple[list[Tensor], list[Any]]:
        """The next frames of every branch, ``(B, C, n)`` each with its own n, and the next states of the layers."""

    @abstractmethod
    def _join(self, *branches: Tensor) -> Tensor:
        """The output for frames that all branches have."""

    def initial_state(self, batch_size: int) -> Any:
        """State before the first frame of a stream."""
        states = self._start_branches(batch_size)
        return (states, None) if self.reach[1] else states

    def step(self, x: Tensor, state: Any, last: bool = False) -> tuple[Tensor, Any]:
        """Continue where the last chunk ended, see :meth:`TemporalLayer.step`."""
        if not isinstance(state, tuple):  # causal: nothing is late
            branches, state = self._step_branches(x, state, last)
            return self._join(*branches), state
        states, waiting = state
        branches, states = self._step_branches(x, states, last)
        if waiting is not None:
            branches = [torch.cat(pair, dim=-1) for pair in zip(waiting, branches, strict=True)]
        num_frames = min(branch.shape[-1] for branch in branches)
        waiting = [branch[..., num_frames:].clone() for branch in branches]
        return self._join(*(branch[..., :num_frames] for branch in branches)), (states, waiting)


class TemporalSequential(nn.Sequential, TemporalLayer):
    """Each layer on the output of the one before; layers over time get the mask.

    Args:
        layers: :class:`TemporalLayer` or of one frame at a time, as in :class:`torch.nn.Sequential`.

    Shape:
        ``(B, C, T)`` and a mask ``(B, T)`` or None to ``(B, C', T)``.

    Example:
        >>> from segtcn.layers import TemporalConv1d
        >>> TemporalSequential(*(TemporalConv1d(4, 4, kernel_size=3, dilation=2**i) for i in range(4))).reach
        (15, 15)
    """

    @property
    def reach(self) -> Reach:
        """Frames seen to the left and to the right of the output frame."""
        return total_reach(self._layers)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        return run_layers(self._layers, x, mask)

    def initial_state(self, batch_size: int) -> list[Any]:
        """State before the first frame of a stream, of every layer."""
        return initial_states(self._layers, batch_size)

    def step(self, x: Tensor, state: list[Any], last: bool = False) -> tuple[Tensor, list[Any]]:
        """Continue where the last chunk ended, see :meth:`TemporalLayer.step`."""
        outputs, state = step_layers(self._layers, x, state, last)
        return outputs[-1], state

    @property
    def _layers(self) -> Iterable[Any]:
        """The layers in their order; those that are used twice are there twice."""
        return self


class ResidualSequential(Branches, TemporalSequential):
    """``x + sequence(x)``."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        return self._join(x, super().forward(x, mask))

    def _start_branches(self, batch_size: int) -> list[Any]:
        return initial_states(self._layers, batch_size)

    def _step_branches(self, x: Tensor, states: list[Any], last: bool) -> tuple[list[Tensor], list[Any]]:
        outputs, states = step_layers(self._layers, x, states, last)
        return [x, outputs[-1]], states

    def _join(self, *branches: Tensor) -> Tensor:
        x, z = branches
        return x + z
