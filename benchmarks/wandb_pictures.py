"""What training waits for when pictures for Weights & Biases are drawn.

    python -m benchmarks.wandb_pictures

Draws and logs the pictures of random predictions of as many videos as the validation of a data set of the size of GTEA
has (7 videos of 600 to 1800 frames, 11 classes) into an offline run, again and again: timelines alone, as while
training runs, and all pictures, as after it. Seconds are processor time of this process, which does not depend on what
else runs: on an idle machine training waits as long.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from types import SimpleNamespace

import numpy as np
import torch
from pytorch_lightning.trainer.states import TrainerFn

from segtcn.callbacks.wandb import ExperimentLogger, WandbSegmentations, finish
from segtcn.cli.notes import quieten
from segtcn.labels import Classes
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from segtcn.structures import Batch
from segtcn.task import SegmentationTask, StepOutput

NUM_CLASSES = 11


def make_output(rng: np.random.Generator, name: str) -> dict[str, StepOutput]:
    """A video, segments of a second and a half, whose predictions are right in every second segment."""
    num_frames = int(rng.integers(600, 1800))
    truth, wrong = (np.repeat(rng.integers(NUM_CLASSES, size=num_frames // 22 + 1), 22)[:num_frames] for _ in range(2))
    preds = np.where(np.arange(num_frames) // 44 % 2, truth, wrong)
    labels, frames = torch.from_numpy(truth)[None], torch.from_numpy(preds)[None]
    batch = Batch(
        torch.zeros(1, 1, num_frames), labels, torch.ones(1, num_frames, dtype=torch.bool), [name], [num_frames]
    )
    return {"output": StepOutput(batch, torch.zeros(1, NUM_CLASSES, num_frames), frames)}


def measure(hook: str, outputs: list[dict[str, StepOutput]], repeats: int) -> list[float]:
    """Seconds of every drawing after a first one, which imports and starts W&B's process."""
    callback = WandbSegmentations(every_n_epochs=1)
    task = SegmentationTask(Segmenter(EDTCN(4, NUM_CLASSES), Classes.numbered(NUM_CLASSES), fps=15.0))
    durations_s = []
    with tempfile.TemporaryDirectory() as folder:
        trainer = SimpleNamespace(
            logger=ExperimentLogger(save_dir=folder, offline=True),
            is_global_zero=True,
            sanity_checking=False,
            num_val_batches=[len(outputs)],
            current_epoch=0,
            max_epochs=-1,
            global_step=0,
            state=SimpleNamespace(fn=TrainerFn.FITTING),
        )
        for _ in range(repeats + 1):
            callback.on_validation_epoch_start(trainer, task)
            for output in outputs:
                callback.on_validation_batch_end(trainer, task, output)
            start_s = time.process_time()
            getattr(callback, hook)(trainer, task)
            durations_s.append(time.process_time() - start_s)
        finish()
    return durations_s[1:]


def main() -> None:
    """Print the median, the fastest and the slowest drawing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=7, help="validation videos (default: 7)")
    parser.add_argument("--repeats", type=int, default=9, help="drawings (default: 9)")
    arguments = parser.parse_args()
    quieten()
    rng = np.random.default_rng(0)
    outputs = [make_output(rng, f"video_{number:02d}") for number in range(arguments.videos)]
    for name, hook in {"while training": "on_train_epoch_end", "after training": "on_fit_end"}.items():
        taken_s = measure(hook, outputs, arguments.repeats)
        print(f"{name}: {statistics.median(taken_s):.2f} s ({min(taken_s):.2f} to {max(taken_s):.2f})", flush=True)


if __name__ == "__main__":
    main()
