"""How much faster MS-TCN is here than written plainly with ``torch.nn``, and what the layers bring to other networks.

    python -m benchmarks.networks

Training steps (loss, backward, Adam) and inference of both in turns in one process on two threads, with the same
weights on the same batches; a row gives the median time of each and the median and range of the ratios. On a machine
that others use too, run

    OMP_WAIT_POLICY=active python -m benchmarks.networks

Threads then wait without giving up their core, so that both are busy all the time unless another program takes a core:
a turn in which that happened does not count, and is repeated for up to --limit seconds a row.

    python -m benchmarks.networks --compile     # the plain one compiled, 1 x 3000 frames
    python -m benchmarks.networks --others      # networks of the library with and without its own kernels
    python -m benchmarks.networks --profile     # where the time of both goes
    python -m benchmarks.networks --memory      # peak memory of a training step, a process each
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.plain_ms_tcn import PlainMSTCN, plain_loss
from segtcn import structures
from segtcn.layers import kernels
from segtcn.losses import CrossEntropy, LossSum, TruncatedMSE
from segtcn.models import EDTCN, MSTCN, TCNN, CausalTCN, DilatedTCN
from segtcn.peak_memory import peak_memory_mib

IN_CHANNELS, NUM_CLASSES = 2048, 19
SIZES = [(1, 3000), (4, 3000), (1, 12_000), (4, 12_000)]  # videos, frames of the longest
LENGTHS = (1.0, 0.83, 0.61, 0.47)  # of the videos of a batch
WAIT_ACTIVELY = os.environ.get("OMP_WAIT_POLICY", "").lower() == "active"

Batch = tuple[Tensor, Tensor, Tensor]


def batch(batch_size: int, num_frames: int, in_channels: int = IN_CHANNELS) -> Batch:
    torch.manual_seed(0)
    lengths = torch.tensor([num_frames * LENGTHS[i % 4] for i in range(batch_size)]).long()
    mask = torch.arange(num_frames) < lengths[:, None]
    features = torch.randn(batch_size, in_channels, num_frames) * mask[:, None]
    labels = torch.randint(NUM_CLASSES, (batch_size, num_frames // 50 + 1)).repeat_interleave(50, 1)[:, :num_frames]
    return features, mask, labels


def as_batch(data: Batch) -> structures.Batch:
    features, mask, labels = data
    labels = labels.masked_fill(~mask, structures.IGNORE)
    return structures.Batch(features, labels, mask, names=[], num_frames=[])


def networks() -> dict[str, tuple[nn.Module, Callable[[Batch], Tensor], Callable[[Batch], Tensor]]]:
    """Both with the same weights: the network, its logits, its loss."""
    plain, ours = PlainMSTCN(IN_CHANNELS, NUM_CLASSES), MSTCN(IN_CHANNELS, NUM_CLASSES)
    with torch.no_grad():
        for weight, same in zip(ours.parameters(), plain.parameters(), strict=True):
            weight.copy_(same)
    loss = LossSum([CrossEntropy(), TruncatedMSE()], weights=[1.0, 0.15])
    return {
        "plain": (plain, lambda b: plain(b[0], b[1]), lambda b: plain_loss(plain(b[0], b[1]), b[2], b[1])),
        "segtcn": (ours, lambda b: ours(b[0], b[1]).logits, lambda b: loss(ours(b[0], b[1]), as_batch(b))),
    }


def check_equal(nets: dict, data: Batch) -> None:
    """The same logits on real frames, the same loss and gradients, without dropout."""
    logits, losses, grads = [], [], []
    for net, score, loss in nets.values():
        net.eval()
        losses.append(loss(data))
        grads.append(torch.autograd.grad(losses[-1], list(net.parameters())))
        with torch.inference_mode():
            logits.append(score(data).masked_fill(~data[1][:, None], 0))
    torch.testing.assert_close(*logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(*losses, atol=1e-5, rtol=0)
    torch.testing.assert_close(*grads, atol=1e-4, rtol=0)  # sums over all frames; the largest are above 0.1


def training_step(net: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)

    def step() -> None:
        net.train()
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def inference(net: nn.Module, logits: Callable[[], Tensor]) -> Callable[[], None]:
    def step() -> None:
        net.eval()
        with torch.inference_mode():
            logits()

    return step


def in_turns(ways: dict[str, Callable[[], None]], turns: int, limit: float) -> dict[str, list[float]]:
    """Seconds of each turn; a first one, which does not count, warms up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    start = time.perf_counter()
    while min(map(len, times.values())) < turns and time.perf_counter() - start < limit:
        for name, way in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            way()
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            if not WAIT_ACTIVELY or processor > 0.97 * wall * torch.get_num_threads():
                times[name].append(wall)
    return times


def row(label: str, times: dict[str, list[float]]) -> None:
    """Median milliseconds of both and the ratios of first to second."""
    first, second = times.values()
    ratios = [a / b for a, b in zip(first, second, strict=False)]
    if not ratios:
        print(f"| {label} | disturbed | | |", flush=True)
        return
    milliseconds = " | ".join(f"{1000 * statistics.median(each):,.0f}" for each in (first, second))
    print(
        f"| {label} | {milliseconds} | {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |",
        flush=True,
    )


def header(first: str, second: str) -> None:
    print(f"| | {first}, ms | {second}, ms | ratio |\n|---|--:|--:|--:|", flush=True)


def against_plain(turns: int, limit: float, sizes: list[tuple[int, int]]) -> None:
    header("plain", "segtcn")
    for size in sizes:
        data, nets = batch(*size), networks()
        check_equal(nets, data)
        steps = {name: training_step(net, partial(loss, data)) for name, (net, _, loss) in nets.items()}
        row(f"{size[0]} x {size[1]:,} training", in_turns(steps, turns, limit))
        passes = {name: inference(net, partial(score, data)) for name, (net, score, _) in nets.items()}
        row(f"{size[0]} x {size[1]:,} inference", in_turns(passes, turns, limit))


def against_compiled(turns: int, limit: float) -> None:
    data, nets = batch(1, 3000), networks()
    plain, ours = nets["plain"][0], nets["segtcn"]
    compiled = torch.compile(plain)
    start = time.perf_counter()
    steps = {
        "compiled": training_step(plain, lambda: plain_loss(compiled(data[0], data[1]), data[2], data[1])),
        "segtcn": training_step(ours[0], lambda: ours[2](data)),
    }
    passes = {
        "compiled": inference(plain, lambda: compiled(data[0], data[1])),
        "segtcn": inference(ours[0], lambda: ours[1](data)),
    }
    for way in (steps["compiled"], passes["compiled"]):
        way()
    print(f"compiling took {time.perf_counter() - start:.0f} s\n")
    header("plain, compiled", "segtcn")
    row("1 x 3,000 training", in_turns(steps, turns, limit))
    row("1 x 3,000 inference", in_turns(passes, turns, limit))


def with_and_without(turns: int, limit: float) -> None:
    """Training steps and inference of networks of the library, with PyTorch's convolution and with its own."""
    cases: dict[str, tuple[nn.Module, Batch]] = {
        "ED-TCN, 25 taps, 8 x 220, D = 128": (EDTCN(128, NUM_CLASSES), batch(8, 220, 128)),
        "ED-TCN, 25 taps, 1 x 3,000, D = 2048": (EDTCN(2048, NUM_CLASSES), batch(1, 3000)),
        "Dilated TCN, 8 x 220, D = 128": (DilatedTCN(128, NUM_CLASSES), batch(8, 220, 128)),
        "tCNN, 36 taps, 8 x 220, D = 128": (TCNN(128, NUM_CLASSES, kernel_size=36), batch(8, 220, 128)),
        "causal TCN, 4 x 3,000, D = 128": (CausalTCN(128, NUM_CLASSES), batch(4, 3000, 128)),
        "MS-TCN, 8 x 220, D = 128": (MSTCN(128, NUM_CLASSES), batch(8, 220, 128)),
    }
    pays = kernels.products_pay

    def loss(net: nn.Module, data: Batch) -> Tensor:
        return CrossEntropy()(net(data[0], data[1]), as_batch(data))

    def switched(own: bool, way: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            kernels.products_pay = pays if own else lambda *_: False
            way()
            kernels.products_pay = pays

        return run

    header("PyTorch's", "segtcn's")
    for name, (net, data) in cases.items():
        step, predict = training_step(net, partial(loss, net, data)), inference(net, partial(net, data[0], data[1]))
        for label, way in (("training", step), ("inference", predict)):
            row(f"{name}, {label}", in_turns({"torch": switched(False, way), "own": switched(True, way)}, turns, limit))


def profiles() -> None:
    """The operations that take most of the time, plain and here."""
    data = batch(1, 3000)
    for name, (net, score, loss) in networks().items():
        for label, way in (
            ("training", training_step(net, partial(loss, data))),
            ("inference", inference(net, partial(score, data))),
        ):
            way()
            with profile(activities=[ProfilerActivity.CPU]) as report:
                for _ in range(5):
                    way()
            events = sorted(report.key_averages(), key=lambda event: -event.self_cpu_time_total)
            total = sum(event.self_cpu_time_total for event in events)
            print(f"\n| {name}, {label}, 1 x 3,000: {total / 5000:.0f} ms | share |\n|---|--:|")
            for event in events[:8]:
                print(f"| `{event.key}` | {100 * event.self_cpu_time_total / total:.0f} % |")


def memory() -> None:
    print("| peak of a training step above the batch, MiB | plain | segtcn |\n|---|--:|--:|")
    for batch_size, num_frames in SIZES:
        cells = []
        for name in ("plain", "segtcn"):
            command = [sys.executable, "-m", "benchmarks.networks", "--step", name, str(batch_size), str(num_frames)]
            cells.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        print(f"| {batch_size} x {num_frames:,} | {' | '.join(cells)} |", flush=True)


def peak_of_a_step(name: str, batch_size: int, num_frames: int) -> None:
    data, (net, _, loss) = batch(batch_size, num_frames), networks()[name]
    training_step(net, lambda: loss(tuple(x[..., :64] for x in data)))()  # what the libraries themselves allocate
    before_mib = peak_memory_mib()
    training_step(net, lambda: loss(data))()
    print(f"{peak_memory_mib() - before_mib:.0f}")


def _size(text: str) -> tuple[int, int]:
    batch_size, num_frames = text.split("x")
    return int(batch_size), int(num_frames)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="default: 7")
    parser.add_argument("--threads", type=int, default=2, help="default: 2")
    parser.add_argument("--limit", type=float, default=60, help="seconds that the turns of a row take at most: 60")
    parser.add_argument("--sizes", type=_size, nargs="+", default=SIZES, help="such as 1x3000 4x12000")
    what = parser.add_mutually_exclusive_group()
    for name in ("compile", "others", "profile", "memory"):
        what.add_argument(f"--{name}", action="store_true")
    what.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.step:
        name, batch_size, num_frames = arguments.step
        return peak_of_a_step(name, int(batch_size), int(num_frames))
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads, {arguments.turns} turns\n")
    if arguments.compile:
        return against_compiled(arguments.turns, arguments.limit)
    if arguments.others:
        return with_and_without(arguments.turns, arguments.limit)
    if arguments.profile:
        return profiles()
    if arguments.memory:
        return memory()
    return against_plain(arguments.turns, arguments.limit, arguments.sizes)


if __name__ == "__main__":
    main()
