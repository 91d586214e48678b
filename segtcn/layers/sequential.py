"""Layers one after the other, offline and in a stream."""

from __future__ import annotations

from typing import Any, Protocol, cast

from torch import Tensor, nn


class TemporalLayer(Protocol):
    """What :class:`segtcn.layers.TemporalConv1d` and the blocks built of it have in common."""

    @property
    def reach(self) -> tuple[int, int]:
        """Frames seen to the left and to the right of the output frame."""

    def __call__(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Whole sequences ``(B, C, T)`` with a mask ``(B, T)`` or None."""

    def initial_state(self, batch_size: int) -> Any:
        """State before the first frame of a stream."""

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Continue where the last chunk ended."""


class TemporalSequential(nn.Sequential):
    """Each layer on the output of the one before; all get the mask.

    Args:
        layers: each a :class:`TemporalLayer`.

    Shape:
        ``(B, C, T)`` and a mask ``(B, T)`` or None to ``(B, C', T)``.

    Example:
        >>> from segtcn.layers import TemporalConv1d
        >>> TemporalSequential(*(TemporalConv1d(4, 4, kernel_size=3, dilation=2**i) for i in range(4))).reach
        (15, 15)
    """

    @property
    def reach(self) -> tuple[int, int]:
        """Frames seen to the left and to the right of the output frame."""
        lefts, rights = zip(*(layer.reach for layer in self._layers), strict=True)
        return sum(lefts), sum(rights)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        for layer in self:
            x = layer(x, mask)
        return x

    def initial_state(self, batch_size: int) -> list[Any]:
        """State before the first frame of a stream, of every layer."""
        return [layer.initial_state(batch_size) for layer in self._layers]

    def step(self, x: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        """Continue where the last chunk ended, as :meth:`TemporalConv1d.step` does."""
        states = []
        for layer, before in zip(self._layers, state, strict=True):
            x, after = layer.step(x, before)
            states.append(after)
        return x, states

    @property
    def _layers(self) -> list[TemporalLayer]:
        return cast("list[TemporalLayer]", [*self])  # a Sequential forgets what it holds
