"""How many frames a second training went through."""

from __future__ import annotations

import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from segtcn.structures import Batch


class Throughput(Callback):
    """Print, and log as ``train/frames_per_second``, the real frames that training consumed per second of wall time.

    Everything counts as time: loading, scores, logging and validation, as the user waits for all of it.
    """

    def __init__(self) -> None:
        self.num_frames = 0
        self.start_s = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self.num_frames, self.start_s = 0, time.perf_counter()

    def on_train_batch_end(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.num_frames += int(batch.mask.sum())

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        pl_module.log("train/frames_per_second", self.num_frames / (time.perf_counter() - self.start_s))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        seconds = time.perf_counter() - self.start_s
        if trainer.is_global_zero:
            rate = self.num_frames / max(seconds, 1e-9)
            print(f"trained {self.num_frames:,} frames in {seconds:.1f} s: {rate:,.0f} frames per second")
