"""What exact resume and checksums cost, and logging and callbacks, as shares of an epoch.

    python -m benchmarks.checkpoints --root DIR     # of Lea et al.'s release

Trains ED-TCN on split 1 of GTEA with the shipped recipe for some epochs, one thread. The cost of a checkpoint is that
of ``segtcn`` less that of Lightning for the same state, by the clock and by the processor's time, spread over the 10
epochs between two checkpoints (two files). That of callbacks and W&B (offline) is the
processor's time within their calls.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback
from pytorch_lightning.plugins.io import TorchCheckpointIO

from segtcn.callbacks.run_checkpoint import SealedCheckpointIO
from segtcn.cli.config_words import resolve_configs
from segtcn.cli.lightning import SegmentationCLI

TURNS = 5


def seconds(function: Callable[[], Any]) -> tuple[float, float]:
    """Wall and processor seconds of a call."""
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - processor


class Stopwatch(Callback):
    """Processor seconds of each epoch, and within the hooks of the other callbacks and the loggers."""

    def __init__(self) -> None:
        self.epochs: list[float] = []
        self.hooks = 0.0
        self._start = 0.0

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: D102
        for callback in trainer.callbacks:
            for name in ("on_train_batch_start", "on_train_batch_end", "on_train_epoch_start", "on_train_epoch_end"):
                if callback is not self and name in {key for kind in type(callback).__mro__[:-2] for key in vars(kind)}:
                    setattr(callback, name, self._timed(getattr(callback, name)))
        for logger in trainer.loggers:
            logger.log_metrics = self._timed(logger.log_metrics)

    def _timed(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> None:
            start = time.process_time()
            hook(*args, **kwargs)
            self.hooks += time.process_time() - start

        return call

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: D102
        self._start = time.process_time()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: D102
        self.epochs.append(time.process_time() - self._start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    torch.set_num_threads(1)
    os.environ["WANDB_MODE"] = "offline"
    with tempfile.TemporaryDirectory() as name:
        words = ["-c=ed_tcn", "-c=gtea_lea", f"--data.reader.init_args.root={options.root}"]
        words += [f"--trainer.max_epochs={options.epochs}", "--trainer.accelerator=cpu"]
        args = [*resolve_configs(["fit", *words])[1:], f"--trainer.default_root_dir={name}/run"]
        cli = SegmentationCLI(args, run=False)
        watch = Stopwatch()
        cli.trainer.callbacks.append(watch)
        cli.trainer.fit(cli.model, cli.datamodule)
        epoch = statistics.median(watch.epochs[1:])
        state = torch.load(f"{name}/run/checkpoints/last.ckpt", weights_only=True)
        costs = {}
        for writer in (TorchCheckpointIO(), SealedCheckpointIO()) * TURNS:
            kind = type(writer).__name__
            costs.setdefault(kind, []).append(seconds(partial(writer.save_checkpoint, state, f"{name}/{kind}.ckpt")))
        size = Path(f"{name}/SealedCheckpointIO.ckpt").stat().st_size
    print(f"an epoch takes {epoch:.3f} s of the processor; a checkpoint has {size / 2**20:.1f} MiB")
    medians = {kind: [statistics.median(column) for column in zip(*rows, strict=True)] for kind, rows in costs.items()}
    for number, clock in enumerate(("wall", "processor")):
        theirs, ours = (medians[kind][number] for kind in ("TorchCheckpointIO", "SealedCheckpointIO"))
        share = 100 * 2 * (ours - theirs) / (10 * epoch)
        print(f"{clock}: Lightning {theirs:.3f} s, segtcn {ours:.3f} s, {share:.2f} % of an epoch")
    share = 100 * watch.hooks / sum(watch.epochs)
    print(f"callbacks and W&B: {share:.2f} % of the epochs, with the checkpoints at the end")


if __name__ == "__main__":
    main()
