"""Does labelling what `segtcn suggest` lists help more than labelling random stretches? ED-TCN on GTEA.

    python benchmarks/suggestions.py --root DIR

A tenth of the frames of each training video is labelled at random. Then as many frames again, over all videos: random
predicted stretches, or those that a measure suggests. Prints the test scores of each, and the gain against random.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import warnings
from collections.abc import Iterable
from functools import partial

import numpy as np
import torch
from pytorch_lightning import seed_everything
from quiet_trainer import quiet_trainer

from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.dataset import keep_segments
from segtcn.data.readers import LeaReader
from segtcn.models import EDTCN
from segtcn.prepare.suggestions import suggest_stretches
from segtcn.segmenter import Segmenter
from segtcn.structures import IGNORE, Video
from segtcn.task import SegmentationTask
from segtcn.text_table import SCORE_HEADINGS, markdown_table

SHARE, EPOCHS, SEEDS, LONGEST = 0.1, 100, (0, 1), 45  # frames: 3 s
RMSPROP = partial(torch.optim.RMSprop, lr=1e-3, alpha=0.9)


class PartReader(LeaReader):
    """The release of Lea et al., of whose training videos only some frames are labelled."""

    labelled: dict[str, np.ndarray]

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        video = super().read(name, split, labels)
        if labels and name in self.labelled:
            video = video._replace(labels=video.labels.masked_fill(torch.from_numpy(~self.labelled[name]), IGNORE))
        return video


def train(reader: PartReader, split: int, seed: int) -> tuple[Segmenter, dict[str, float]]:
    """A network that learned from the labelled frames, and its test scores."""
    seed_everything(seed, verbose=False)
    data = SegmentationDataModule(reader, split, sample_rate=5, length_policy="trim")
    segmenter = Segmenter.for_data(EDTCN(data.in_channels, data.num_classes), data)
    task = SegmentationTask(segmenter, optimizer=RMSPROP)
    trainer = quiet_trainer(EPOCHS)
    trainer.fit(task, data)
    (scores,) = trainer.test(task, data, verbose=False)
    return segmenter.eval(), {key: scores[f"test/{key}"] for key in SCORE_HEADINGS}


def with_more(
    labelled: dict[str, np.ndarray], stretches: Iterable[tuple[str, int, int]], budget: int
) -> dict[str, np.ndarray]:
    """The labelled frames, and those of stretches until the budget is spent."""
    more = {name: mask.copy() for name, mask in labelled.items()}
    for name, start, stop in stretches:
        new = np.flatnonzero(~more[name][start:stop])[:budget] + start
        more[name][new] = True
        budget -= len(new)
    return more


def measure(root: str, split: int, seed: int) -> dict[str, dict[str, float]]:
    """Test scores before, and after each way to choose."""
    reader = PartReader(root, "GTEA", "SpatialCNN")
    reader.labelled = {}
    videos = {name: reader.read(name, split) for name in reader.videos(split, "train")}
    rng = np.random.default_rng([seed, split])
    start = {name: (keep_segments(video.labels, SHARE, rng) != IGNORE).numpy() for name, video in videos.items()}
    budget = sum(int(mask.sum()) for mask in start.values())
    reader.labelled = start
    segmenter, before = train(reader, split, seed)
    preds = {name: segmenter.predict(video.features) for name, video in videos.items()}
    features = {name: video.features.numpy()[:, : len(start[name])] for name, video in videos.items()}
    rows = {"before": before}
    ways = {way: suggest_stretches(preds, features, 10**6, LONGEST, way) for way in ("entropy", "margin")}
    ways["random"] = [ways["entropy"][index] for index in rng.permutation(len(ways["entropy"]))]
    for way, stretches in ways.items():
        reader.labelled = with_more(start, [stretch[:3] for stretch in stretches], budget)
        rows[way] = train(reader, split, seed)[1]
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="Lea et al.'s release, see datasets/gtea/README.md")
    root = parser.parse_args().root
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    results = []
    for seed in SEEDS:
        for split in (1, 2, 3, 4):
            results.append(measure(root, split, seed))
            print(split, seed, {way: round(row["f1@50"], 1) for way, row in results[-1].items()}, flush=True)
    body = []
    for way in results[0]:
        cells = []
        for key in SCORE_HEADINGS:
            gains = [row[way][key] - row["random"][key] for row in results]
            error = statistics.stdev(gains) / len(gains) ** 0.5
            score = statistics.fmean(row[way][key] for row in results)
            cells.append(
                f"{score:.1f}" if way == "random" else f"{score:.1f} ({statistics.fmean(gains):+.1f} ± {error:.1f})"
            )
        body.append([way, *cells])
    print(markdown_table(["labelled", *SCORE_HEADINGS.values()], body))


if __name__ == "__main__":
    main()
