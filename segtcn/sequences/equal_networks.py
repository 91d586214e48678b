"""Causal networks of five kinds with equally many parameters, which see as much of the past as a task needs."""

from __future__ import annotations

from collections.abc import Callable

import torch

from segtcn.models import ByteNet, CausalTCN, DilatedTCN, RecurrentNetwork
from segtcn.models.base import SegmentationModel

TOLERANCE = 0.05
"""By which share numbers of parameters may differ and still be called equal."""

MAX_LAYERS = 24

Build = Callable[[int, int], SegmentationModel]
"""Makes a network of a width and a number of layers."""


def builders(in_channels: int, num_classes: int, kernel_size: int = 3, dropout: float = 0.0) -> dict[str, Build]:
    """How each kind of network is made.

    Args:
        in_channels: feature width D.
        num_classes: C.
        kernel_size: taps of the convolutions.
        dropout: of each network, as its paper places it.
    """
    sizes = (in_channels, num_classes)
    return {
        "TCN": lambda width, layers: CausalTCN(*sizes, width, layers, kernel_size, dropout),
        "ByteNet": lambda width, layers: ByteNet(*sizes, width, 1, layers, kernel_size, dropout, causal=True),
        "Dilated TCN": lambda width, layers: DilatedTCN(*sizes, width, 1, layers, kernel_size, dropout, causal=True),
        "LSTM": lambda width, layers: RecurrentNetwork(*sizes, width, layers, "lstm", dropout, causal=True),
        "GRU": lambda width, layers: RecurrentNetwork(*sizes, width, layers, "gru", dropout, causal=True),
    }


def num_parameters(build: Build, width: int, layers: int) -> int:
    """Parameters of a network, counted without making its weights."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(width, layers).parameters())


def smallest_depth(build: Build, past: int) -> int:
    """The fewest layers with which a network sees a number of past frames; 1 for a recurrent one.

    Raises:
        ValueError: if :data:`MAX_LAYERS` layers do not reach so far.

    Example:
        >>> smallest_depth(builders(8, 2, kernel_size=3)["TCN"], past=100)  # it sees 4 (2 ** layers - 1)
        5
    """
    for layers in range(1, MAX_LAYERS + 1):
        with torch.device("meta"):
            reach, _ = build(1, layers).receptive_field
        if reach is None or reach >= past:
            return layers
    raise ValueError(f"{MAX_LAYERS} layers do not reach {past} frames back: take a larger kernel")


def equal_width(build: Build, layers: int, budget: int) -> int:
    """The width with which a network has as many parameters as it may.

    Args:
        build: makes it.
        layers: of it.
        budget: parameters.

    Raises:
        ValueError: if no width comes within :data:`TOLERANCE` of the budget.

    Example:
        >>> build = builders(10, 10)["LSTM"]
        >>> width = equal_width(build, layers=1, budget=10_000)
        >>> width, num_parameters(build, width, 1)
        (43, 9900)
    """
    low, high = 1, 2
    while num_parameters(build, high, layers) < budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if num_parameters(build, middle, layers) < budget else (low, middle)
    counts = {width: num_parameters(build, width, layers) for width in (low, high)}
    width = min(counts, key=lambda width: abs(counts[width] - budget))
    if abs(counts[width] - budget) > TOLERANCE * budget:
        raise ValueError(
            f"no width gives {layers} layers within {TOLERANCE:.0%} of `budget` {budget} parameters: widths {low} and "
            f"{high} have {counts[low]} and {counts[high]}; choose one of these numbers, or a larger budget"
        )
    return width


def equal_network(
    name: str, in_channels: int, num_classes: int, *, past: int, budget: int, kernel_size: int = 3, dropout: float = 0.0
) -> SegmentationModel:
    """A causal network that sees enough of the past and has as many parameters as the others.

    Args:
        name: a key of :func:`builders`.
        in_channels: feature width D.
        num_classes: C.
        past: frames before the present one that it must see.
        budget: parameters, met within :data:`TOLERANCE`.
        kernel_size: taps of the convolutions.
        dropout: of the network.

    Raises:
        ValueError: if ``past`` or ``budget`` cannot be met.
    """
    build = builders(in_channels, num_classes, kernel_size, dropout)[name]
    layers = smallest_depth(build, past)
    return build(equal_width(build, layers, budget), layers)
