"""What long videos and long streams take: memory, and the time of chunks against that of the whole video.

    python -m benchmarks.long_videos            # all three
    python -m benchmarks.long_videos --part hours

*hours*: ten hours at 30 frames a second, 2048 features, from a file that is mapped (sparse: it takes no disk), with a
small ED-TCN; the most that the process had resident. *chunks*: `predict` with chunks of 4096 frames against the whole
video, in turns. *stream*: memory after 1,000 and after 100,000 frames, one at a time. Each in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from segtcn.models import EDTCN, MSTCN, CausalTCN, DilatedTCN, SegmentationModel
from segtcn.peak_memory import peak_memory_mib
from segtcn.segmenter import Segmenter

WIDTH, CLASSES, CHUNK = 2048, 11, 4096


def resident_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 2**10


def hours(num_hours: float) -> None:
    num_frames = round(num_hours * 3600 * 30)
    segmenter = Segmenter(EDTCN(WIDTH, CLASSES, hidden_channels=[16, 16], kernel_size=5), fps=30).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.npy"
        np.lib.format.open_memmap(path, "w+", np.float32, (WIDTH, num_frames))
        before, begin = resident_mib(), time.perf_counter()
        labels = segmenter.predict(path)
        seconds = time.perf_counter() - begin
    print(f"| {num_hours:g} h, {len(labels):,} frames | {before:,.0f} | {peak_memory_mib():,.0f} | {seconds:.0f} |")


def chunks(num_frames: int, repeats: int) -> None:
    networks: dict[str, SegmentationModel] = {
        "ED-TCN": EDTCN(WIDTH, CLASSES),
        "Dilated TCN": DilatedTCN(WIDTH, CLASSES),
        "MS-TCN, causal": MSTCN(WIDTH, CLASSES, causal=True),
        "MS-TCN": MSTCN(WIDTH, CLASSES),
    }
    features = torch.randn(WIDTH, num_frames)
    for name, net in networks.items():
        segmenter = Segmenter(net, fps=30).eval()
        times: dict[int | None, list[float]] = {None: [], CHUNK: []}
        for _ in range(repeats):
            for chunk, seconds in times.items():
                begin = time.perf_counter()
                segmenter.predict(features, chunk=chunk)
                seconds.append(time.perf_counter() - begin)
        # the fastest: other work on the machine only adds
        whole, cut = (min(seconds) for seconds in times.values())
        past, future = net.receptive_field
        reach = f"{past}, {future}"
        print(f"| {name} | {reach} | {whole:.2f} | {cut:.2f} | {cut / whole:.2f} |", flush=True)


def stream(num_frames: int) -> None:
    stream = Segmenter(CausalTCN(64, CLASSES, num_layers=4), fps=30).eval().stream()
    frames = np.random.default_rng(0).standard_normal((64, 1000)).astype(np.float32)
    seen: list[str] = []
    begin = time.perf_counter()
    for number in range(num_frames):
        stream.push(frames[:, number % 1000, None])
        if number + 1 in (1000, num_frames):
            seen.append(f"{resident_mib():,.1f}")
    print(f"| {num_frames:,} frames | {' | '.join(seen)} | {1e3 * (time.perf_counter() - begin) / num_frames:.2f} |")


HEADERS = {
    "hours": "| video | before, MiB | peak, MiB | s |\n|--|--:|--:|--:|",
    "chunks": "| network | frames seen before, after | whole, s | chunks of 4096, s | ratio |\n|--|--:|--:|--:|--:|",
    "stream": "| stream | after 1,000, MiB | at the end, MiB | ms a frame |\n|--|--:|--:|--:|",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=sorted(HEADERS), help="in this process (default: each in one of its own)")
    parser.add_argument("--hours", type=float, default=10)
    parser.add_argument("--frames", type=int, default=24_000, help="of the video that is cut (default: 24,000)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pushes", type=int, default=100_000)
    options = parser.parse_args()
    if options.part is None:
        for part in HEADERS:
            subprocess.run([sys.executable, "-m", "benchmarks.long_videos", *sys.argv[1:], "--part", part], check=True)
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"\n{HEADERS[options.part]}", flush=True)
    if options.part == "hours":
        hours(options.hours)
    elif options.part == "chunks":
        chunks(options.frames, options.repeats)
    else:
        stream(options.pushes)


if __name__ == "__main__":
    main()
