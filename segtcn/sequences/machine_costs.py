"""What a training step costs: time against the length of the sequence, and memory."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch

from segtcn.models.base import SegmentationModel
from segtcn.sequences.equal_networks import equal_network

IN_CHANNELS, NUM_CLASSES = 64, 10


def measure_time(
    network: str, lengths: Sequence[int], budget: int, past: int, repeats: int = 3, threads: int = 1
) -> dict[str, Any]:
    """Time of forward and backward of one sequence.

    Args:
        network: a kind of network.
        lengths: numbers of frames.
        budget: parameters of the network.
        past: frames that it must see.
        repeats: of every length; the median counts.
        threads: of PyTorch.

    Returns:
        ``parameters``, ``layers`` (one after the other in a step, beside the frames of a recurrent network) and
        ``curve``: pairs of length and microseconds per frame.
    """
    net, num_threads = _network(network, budget, past), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        curve = []
        for length in lengths:
            _step(net, length)  # the first of a length prepares memory
            times = [_timed_step(net, length) for _ in range(repeats)]
            curve.append((length, 1e6 * statistics.median(times) / length))
    finally:
        torch.set_num_threads(num_threads)
    return {**_facts(net), "curve": curve}


def measure_memory(network: str, lengths: Sequence[int], budget: int, past: int) -> dict[str, Any]:
    """Peak memory of forward and backward of one sequence, above that of the process before; in a process of its own.

    Args:
        network: a kind of network.
        lengths: numbers of frames; they must rise, as the peak of a process never falls.
        budget: parameters of the network.
        past: frames that it must see.

    Returns:
        ``parameters``, ``layers`` and ``curve``: pairs of length and MiB.

    Raises:
        ValueError: if the lengths do not rise.
    """
    if [*lengths] != sorted({*lengths}):
        raise ValueError(f"`lengths` must rise, as the peak of a process never falls, got {[*lengths]}")
    net = _network(network, budget, past)
    _step(net, 16)
    before = _peak_mib()
    curve = []
    for length in lengths:
        _step(net, length)
        curve.append((length, _peak_mib() - before))
    return {**_facts(net), "curve": curve}


def _network(network: str, budget: int, past: int) -> SegmentationModel:
    torch.manual_seed(0)
    return equal_network(network, IN_CHANNELS, NUM_CLASSES, past=past, budget=budget)


def _facts(net: SegmentationModel) -> dict[str, Any]:
    return {"parameters": sum(p.numel() for p in net.parameters()), "past": net.receptive_field[0]}


def _step(net: SegmentationModel, length: int) -> None:
    net.zero_grad()
    net(torch.randn(1, IN_CHANNELS, length)).logits.square().mean().backward()


def _timed_step(net: SegmentationModel, length: int) -> float:
    start_s = time.perf_counter()
    _step(net, length)
    return time.perf_counter() - start_s


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
