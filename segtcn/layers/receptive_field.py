"""Receptive fields, computed exactly from the layers' geometry."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Trace = Callable[[int, int], tuple[int, int]]
"""From the first and last output frame to the first and last input frame that they depend on."""


def convolution(left: int, right: int) -> Trace:
    """A convolution that sees ``left`` frames before and ``right`` frames after its output frame."""
    return lambda first, last: (first - left, last + right)


def pooling(causal: bool) -> Trace:
    """:class:`segtcn.layers.pooling.TemporalMaxPool1d`."""
    shift = int(causal)
    return lambda first, last: (2 * first - shift, 2 * last + 1 - shift)


def upsampling() -> Trace:
    """:func:`segtcn.layers.pooling.upsample`."""
    return lambda first, last: (first // 2, last // 2)


def receptive_field(layers: Sequence[Trace], period: int = 1) -> tuple[int, int]:
    """Frames that an output frame sees to its left and to its right, the largest over all frames.

    Args:
        layers: in the order of the computation, first layer first.
        period: after how many frames the pattern repeats (``2 ** L`` for L pooling layers).

    Returns:
        ``(left, right)``, frames.

    Example:
        >>> receptive_field([convolution(1, 1), convolution(2, 2)])
        (3, 3)
    """
    left = right = 0
    for frame in range(period):
        first = last = frame
        for trace in reversed(layers):
            first, last = trace(first, last)
        left, right = max(left, frame - first), max(right, last - frame)
    return left, right
