"""What training on two tracks costs, compared with one label a frame, in processor time.

    python -m benchmarks.several_labels

Random features and labels, as large as the training videos of a split of GTEA. Both trainings are alternated, so that
the load of the machine meets both, and processor time is counted, not the time on the clock.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
import warnings

import numpy as np
import torch

from benchmarks.quiet_trainer import quiet_trainer
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import Reader
from segtcn.labels.classes import Classes
from segtcn.labels.track_classes import TrackClasses
from segtcn.models import EDTCN, MSTCN, SegmentationModel
from segtcn.segmenter import Segmenter
from segtcn.structures import Track, Video
from segtcn.task import SegmentationTask

NUM_VIDEOS, NUM_FRAMES, WIDTH, NUM_CLASSES = 21, 630, 128, 11
EPOCHS, ROUNDS = 2, 5


class RandomReader(Reader):
    """Random features with labels of one track or of two."""

    def __init__(self, num_tracks: int) -> None:
        names = tuple(f"c{number}" for number in range(NUM_CLASSES))
        tracks = TrackClasses.of(Track(f"t{number}", names) for number in range(num_tracks))
        self._classes = tracks if num_tracks > 1 else Classes(names)
        self.target = "multi" if num_tracks > 1 else "single"
        self.class_names, self.background = list(self._classes.names), None
        self.feature_dim, self.fps, self.splits = WIDTH, 15.0, [1]
        rng = np.random.default_rng(0)
        self._features = rng.normal(size=(NUM_VIDEOS, WIDTH, NUM_FRAMES)).astype(np.float32)
        self._labels = np.repeat(rng.integers(NUM_CLASSES, size=(NUM_VIDEOS, 2, NUM_FRAMES // 30)), 30, axis=2)

    @property
    def classes(self) -> Classes:  # noqa: D102
        return self._classes

    def videos(self, split: int, subset: str) -> list[str]:  # noqa: D102
        return [str(number) for number in range(NUM_VIDEOS)] if subset == "train" else []

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        number = int(name)
        features, (left, right) = torch.from_numpy(self._features[number]), torch.from_numpy(self._labels[number])
        if self.target == "single":
            return Video(name, features, left)
        one_hot = torch.nn.functional.one_hot(torch.stack([left, right]), NUM_CLASSES)
        return Video(name, features, targets=one_hot.mT.flatten(0, 1).float())


def train(net: type[SegmentationModel], num_tracks: int) -> float:
    """Processor time of the epochs, without building and reading, in seconds."""
    data = SegmentationDataModule(RandomReader(num_tracks), batch_size=4)
    data.setup("fit")
    task = SegmentationTask(Segmenter.for_data(net(WIDTH, len(data.class_names)), data))
    trainer = quiet_trainer(EPOCHS)
    start = time.process_time()
    trainer.fit(task, datamodule=data)
    return time.process_time() - start


def main() -> None:
    """Print a row for each network."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    print("| network | one label, s an epoch | two tracks, s an epoch | ratio, median of rounds | range |")
    print("|---|---:|---:|---:|---:|")
    for net in (EDTCN, MSTCN):
        train(net, 1)  # warm up
        rounds = [(train(net, 1), train(net, 2)) for _ in range(ROUNDS)]
        ratios = [two / one for one, two in rounds]
        one, two = (statistics.median(times) / EPOCHS for times in zip(*rounds, strict=True))
        row = (net.__name__, f"{one:.2f}", f"{two:.2f}", f"{statistics.median(ratios):.2f}")
        print("|", " | ".join([*row, f"{min(ratios):.2f} to {max(ratios):.2f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
