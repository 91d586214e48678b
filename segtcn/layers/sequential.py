"""Layers over time, one after the other: offline, in a stream, and what they see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

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
    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Continue where the last chunk ended.

        Args:
            x: the next frames, ``(B, C, n)``.
            state: from :meth:`initial_state` or the previous step.

        Returns:
            The outputs of the ``n`` frames, ``(B, C', n)``, and the next state.
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


def step_layers(layers: Iterable[Any], x: Tensor, states: list[Any]) -> tuple[list[Tensor], list[Any]]:
    """The outputs of all layers for the next frames of a stream, and their next states."""
    outputs, after = [], []
    for layer, before in zip(layers, states, strict=True):
        if before is None:
            x, state = layer(x), None
        else:
            x, state = layer.step(x, before)
        outputs.append(x)
        after.append(state)
    return outputs, after


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
        return total_reach(self)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        return run_layers(self, x, mask)

    def initial_state(self, batch_size: int) -> list[Any]:
        """State before the first frame of a stream, of every layer."""
        return initial_states(self, batch_size)

    def step(self, x: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        """Continue where the last chunk ended, see :meth:`TemporalLayer.step`."""
        outputs, state = step_layers(self, x, state)
        return outputs[-1], state


class ResidualSequential(TemporalSequential):
    """``x + sequence(x)``."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        return x + super().forward(x, mask)

    def step(self, x: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        """Continue where the last chunk ended, see :meth:`TemporalLayer.step`."""
        z, state = super().step(x, state)
        return x + z, state
