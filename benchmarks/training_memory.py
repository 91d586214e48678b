"""The most memory that training takes against the length of the video, with and without activation checkpointing.

    python -m benchmarks.training_memory

One video of T frames, 2,048 features, batch size 1, one step of Adam after a first one that does not count, one thread.
Each case is a process of its own. The memory is the most that it had resident, less what it had before the first step
with network and features in memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import torch
from pytorch_lightning import Trainer

from segtcn.callbacks.computation import ActivationCheckpointing
from segtcn.losses import CrossEntropy, LossSum, TruncatedMSE
from segtcn.models import EDTCN, MSTCN
from segtcn.peak_memory import peak_memory_mib
from segtcn.segmenter import Segmenter
from segtcn.structures import Batch
from segtcn.task import SegmentationTask

WIDTH, CLASSES = 2048, 11
NETWORKS = {"ms_tcn": MSTCN, "ed_tcn": EDTCN}
LENGTHS = (2_000, 8_000, 32_000, 64_000)


def train(name: str, num_frames: int, checkpointing: bool) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = NETWORKS[name](WIDTH, CLASSES)
    loss = LossSum([CrossEntropy(), TruncatedMSE()], [1.0, 0.15]) if name == "ms_tcn" else None
    task = SegmentationTask(Segmenter(net, fps=15), loss)
    labels = torch.arange(num_frames)[None] // 100 % CLASSES
    batch = Batch(
        torch.randn(1, WIDTH, num_frames), labels, torch.ones(1, num_frames, dtype=torch.bool), ["v"], [num_frames]
    )
    options = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    callbacks = [ActivationCheckpointing()] if checkpointing else []
    trainer = Trainer(max_epochs=2, accelerator="cpu", callbacks=callbacks, **options)
    before, begin = peak_memory_mib(), time.perf_counter()
    trainer.fit(task, torch.utils.data.DataLoader([batch], batch_size=None), [])
    print(f"{peak_memory_mib() - before:.0f} {(time.perf_counter() - begin) / 2:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs=3, help="network, frames, 0 or 1 (default: all, each in its own process)")
    options = parser.parse_args()
    if options.case:
        train(options.case[0], int(options.case[1]), options.case[2] == "1")
        return
    print("| network | frames | plain, MiB | checkpointed, MiB | ratio | plain, s | checkpointed, s |")
    print("|--|--:|--:|--:|--:|--:|--:|")
    for name in NETWORKS:
        for num_frames in LENGTHS:
            words = [sys.executable, "-m", "benchmarks.training_memory", "--case", name, str(num_frames)]
            results = [
                [
                    *map(
                        float,
                        subprocess.run([*words, str(on)], check=True, capture_output=True, text=True).stdout.split(),
                    )
                ]
                for on in (0, 1)
            ]
            (plain, plain_s), (less, less_s) = results
            sizes = f"{plain:,.0f} | {less:,.0f} | {less / plain:.2f}"
            print(f"| {name} | {num_frames:,} | {sizes} | {plain_s:.1f} | {less_s:.1f} |", flush=True)


if __name__ == "__main__":
    main()
