"""What a training step costs in time and memory, against the length of the sequence."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from segtcn.models.base import SegmentationModel
from segtcn.peak_memory import peak_memory_mib
from segtcn.sequences.equal_networks import equal_network

IN_CHANNELS, NUM_CLASSES = 64, 10


def measure_costs(
    network: str, lengths: Sequence[int], budget: int, past: int, repeats: int = 3, threads: int = 1
) -> dict[str, Any]:
    """Time and peak memory of forward and backward of one sequence; in a process of its own, as its peak never falls.

    Args:
        network: a kind of network.
        lengths: numbers of frames, rising.
        budget: parameters of the network.
        past: frames that it must see.
        repeats: of every length; the median time counts.
        threads: of PyTorch. Of one thread, the processor's time counts: other programs change it little.

    Returns:
        ``parameters``, ``time`` and ``memory``: pairs of length and microseconds per frame, or MiB above the peak of
        the process before.
    """
    torch.manual_seed(0)
    net = equal_network(network, IN_CHANNELS, NUM_CLASSES, past=past, budget=budget)
    num_threads = torch.get_num_threads()
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    _step_s(net, 16, clock)
    before_mib, times, peaks = peak_memory_mib(), [], []
    for length in lengths:
        _step_s(net, length, clock)  # the first of a length prepares memory
        times.append((length, 1e6 * statistics.median(_step_s(net, length, clock) for _ in range(repeats)) / length))
        peaks.append((length, peak_memory_mib() - before_mib))
    torch.set_num_threads(num_threads)
    return {"parameters": sum(p.numel() for p in net.parameters()), "time": times, "memory": peaks}


def _step_s(net: SegmentationModel, length: int, clock: Callable[[], float]) -> float:
    net.zero_grad()
    features, start_s = torch.randn(1, IN_CHANNELS, length), clock()
    net(features).logits.square().mean().backward()
    return clock() - start_s
