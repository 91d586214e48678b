"""The smallest stacks of dilated convolutions that see a given part of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from segtcn.layers.conv import TemporalConv1d
from segtcn.sequences.equal_networks import builders, num_parameters, smallest_depth

KINDS = {"TCN": "causal_tcn", "Dilated TCN": "dilated_tcn", "ByteNet": "bytenet"}
"""The networks that are planned, with their configs."""

LARGEST = 500_000
"""Channels, classes or taps: more, and the number of weights is beyond 64 bits."""


class Stack(NamedTuple):
    """A network that is deep enough, and not deeper.

    Args:
        network: one of :data:`KINDS`.
        kernel_size: taps.
        layers: with dilations 1, 2, 4, ...
        receptive_field: frames that an output sees, the present one included.
        parameters: of the whole network.
        products: multiplications for a frame.
    """

    network: str
    kernel_size: int
    layers: int
    receptive_field: int
    parameters: int
    products: int


def smallest_stacks(
    receptive_field: int, kernel_sizes: Sequence[int], width: int = 64, in_channels: int = 2048, num_classes: int = 10
) -> list[Stack]:
    """The causal networks that see at least so many frames, those of the fewest multiplications first.

    Args:
        receptive_field: frames that an output must see, the present one included.
        kernel_sizes: taps to consider.
        width: channels of every layer; ByteNet's are twice as wide outside its bottlenecks.
        in_channels: feature width D.
        num_classes: C.

    Raises:
        ValueError: if an argument is too small or too large.

    Example:
        >>> stack = smallest_stacks(512, [3])[0]
        >>> stack.network, stack.layers, stack.receptive_field
        ('ByteNet', 9, 1023)
    """
    sizes = {"receptive_field": receptive_field, "width": width, "in_channels": in_channels, "num_classes": num_classes}
    if min(kernel_sizes, default=0) < 2:
        raise ValueError(f"`kernel` must be at least 2 taps, as one sees no past, got {[*kernel_sizes]}")
    sizes |= {"kernel": max(kernel_sizes)}
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"`{name}` must be at least 1, got {size}")
        if size > LARGEST and name != "receptive_field":
            raise ValueError(f"`{name}` must be at most {LARGEST:,}, got {size}")
    stacks = []
    for kernel_size in kernel_sizes:
        for name, build in builders(in_channels, num_classes, kernel_size).items():
            if name not in KINDS:
                continue
            layers = smallest_depth(build, receptive_field - 1)
            with torch.device("meta"):
                net = build(width, layers)
                products = sum(conv.weight.numel() for conv in net.modules() if isinstance(conv, TemporalConv1d))
            field, total = 1 + (net.receptive_field[0] or 0), num_parameters(build, width, layers)
            stacks.append(Stack(name, kernel_size, layers, field, total, products))
    return sorted(stacks, key=lambda stack: (stack.products, stack.layers))
