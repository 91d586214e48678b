"""What the pictures for Weights & Biases take of training.

    python -m benchmarks.wandb_pictures --net MSTCN --rounds 5

A data set of the size of GTEA (21 training and 7 validation videos of 600 to 1800 frames of 2048 random features, 11
classes) is trained on with validation in every epoch, in an offline W&B run, in one process. Rounds of epochs with
`WandbSegmentations` and without it take turns; the callback draws as often as it may. The ratio is that of the median
epochs of two neighbouring rounds; the process that draws is ended before those without. What falls on the epochs in
which it begins to draw is measured by itself, as is what logging takes, which is at the latest after training.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, Trainer
from torch.utils.data import DataLoader

from segtcn.callbacks import wandb
from segtcn.callbacks.wandb import ExperimentLogger, WandbSegmentations, finish
from segtcn.cli.quiet import quieten
from segtcn.data.batching import collate
from segtcn.data.dataset import Sample
from segtcn.labels import Classes
from segtcn.models import EDTCN, MSTCN
from segtcn.segmenter import Segmenter
from segtcn.structures import Video
from segtcn.task import SegmentationTask

NUM_CLASSES, FEATURE_DIM = 11, 2048


def make_videos(num_videos: int) -> list[Sample]:
    rng = np.random.default_rng(0)
    videos = []
    for number in range(num_videos):
        num_frames = int(rng.integers(600, 1800))
        labels = np.repeat(rng.integers(NUM_CLASSES, size=num_frames // 30 + 1), 30)[:num_frames]
        features = torch.from_numpy(rng.standard_normal((FEATURE_DIM, num_frames), dtype=np.float32))
        video = Video(f"video_{number:02d}", features, torch.from_numpy(labels))
        videos.append(Sample(video, num_frames, video.labels))
    return videos


class Timed(WandbSegmentations):
    """The callback, with rounds in which it rests, and its own time."""

    def __init__(self, round_epochs: int, **options: Any) -> None:
        super().__init__(**options)
        self.round_epochs = round_epochs
        self.begins_s: list[float] = []
        self.logs_s: list[float] = []
        self.after_s = 0.0

    def on_train_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:  # noqa: D102
        if trainer.current_epoch // self.round_epochs % 2 == 1:
            return
        before, start_s = self._drawing, time.perf_counter()
        super().on_train_epoch_end(trainer, pl_module)
        if before is None and self._drawing is not None:
            self.begins_s.append(time.perf_counter() - start_s)
        if (trainer.current_epoch + 1) % self.round_epochs == 0:
            self._drop_drawing()

    def on_fit_end(self, trainer: Trainer, pl_module: Any) -> None:  # noqa: D102
        start_s = time.perf_counter()
        super().on_fit_end(trainer, pl_module)
        self.after_s = time.perf_counter() - start_s

    def _log(self, *arguments: Any) -> None:
        start_s = time.perf_counter()
        super()._log(*arguments)
        self.logs_s.append(time.perf_counter() - start_s)


class Epochs(Callback):
    """The duration of every epoch, with all that other callbacks do in it."""

    def __init__(self) -> None:
        self.durations_s: list[float] = []
        self._start_s = 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:  # noqa: D102
        now_s = time.perf_counter()
        if self._start_s:
            self.durations_s.append(now_s - self._start_s)
        self._start_s = now_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", choices=["EDTCN", "MSTCN"], default="MSTCN")
    parser.add_argument("--rounds", type=int, default=5, help="with the callback; as many without (default: 5)")
    parser.add_argument("--epochs", type=int, default=6, help="of a round (default: 6)")
    parser.add_argument("--lowest-priority", action="store_true", help="draw as where a processor is left over")
    parser.add_argument("--videos", type=int, default=28, help="a quarter of them for validation (default: 28)")
    arguments = parser.parse_args()
    quieten()
    if arguments.lowest_priority:
        wandb._is_crowded = lambda task: False
    torch.manual_seed(0)
    videos = make_videos(arguments.videos)
    held_out = len(videos) // 4
    net = (MSTCN if arguments.net == "MSTCN" else EDTCN)(FEATURE_DIM, NUM_CLASSES)
    classes = Classes(tuple(f"action {label}" for label in range(NUM_CLASSES)), 0)
    task = SegmentationTask(Segmenter(net, classes, fps=15.0))
    callback, epochs = Timed(arguments.epochs, every_n_epochs=1, min_minutes=0), Epochs()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers
        trainer = Trainer(
            max_epochs=2 * arguments.rounds * arguments.epochs + 1,
            logger=ExperimentLogger(save_dir=folder, offline=True),
            callbacks=[epochs, callback],
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            num_sanity_val_steps=0,
            log_every_n_steps=50,
        )
        trainer.fit(
            task,
            DataLoader(videos[held_out:], batch_size=1, shuffle=True, collate_fn=collate),
            DataLoader(videos[:held_out], batch_size=1, collate_fn=collate),
        )
        finish()
    rounds = [
        epochs.durations_s[start : start + arguments.epochs]
        for start in range(0, len(epochs.durations_s) - arguments.epochs + 1, arguments.epochs)
    ]
    with_s, without_s = rounds[0::2], rounds[1::2]
    epoch_s = statistics.median(own_s for own in without_s for own_s in own)
    ratios = [statistics.median(a) / statistics.median(b) for a, b in zip(with_s, without_s, strict=True)]
    print(f"{arguments.net}: {epoch_s:.2f} s an epoch without the callback, median of {sum(map(len, without_s))}")
    print(f"epoch with / without: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    for kind, taken_s in (("begin", callback.begins_s), ("log", callback.logs_s)):
        middle_s, worst_s = statistics.median(taken_s), max(taken_s)
        print(
            f"own time to {kind}, {len(taken_s)} times: median {1000 * middle_s:.1f} ms = "
            f"{100 * middle_s / epoch_s:.2f} %, worst {1000 * worst_s:.1f} ms = {100 * worst_s / epoch_s:.2f} %"
        )
    print(f"after training: {callback.after_s:.1f} s")


if __name__ == "__main__":
    main()
