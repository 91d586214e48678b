"""Glorot's initial weights against those that Keras 1.1 drew, on held-out training videos only.

    python -m benchmarks.initial_weights --root DIR [--only gtea_ed_tcn]

Prints the table of docs/results/initial_weights.md; takes about half an hour on two cores.
"""

from __future__ import annotations

import argparse
import logging
import statistics
from collections.abc import Callable
from functools import partial

import torch
from pytorch_lightning import seed_everything
from torch import nn

from benchmarks.quiet_trainer import quiet_trainer
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import LeaReader
from segtcn.models import EDTCN, DilatedTCN
from segtcn.segmenter import Segmenter
from segtcn.task import SegmentationTask
from segtcn.text_table import SCORE_HEADINGS, scores_table

RMSPROP = partial(torch.optim.RMSprop, lr=1e-3, alpha=0.9)
ADAM = partial(torch.optim.Adam, lr=1e-3)
GTEA = {"dataset": "GTEA", "feature_folder": "SpatialCNN"}
SALADS = {"dataset": "50Salads", "feature_folder": "SpatialCNN_mid"}
CASES: dict[str, tuple[dict[str, str], list[int], Callable[..., nn.Module], Callable]] = {
    "gtea_ed_tcn": (GTEA, [1, 2, 3, 4], EDTCN, RMSPROP),
    "gtea_dilated_tcn": (GTEA, [1, 2, 3, 4], DilatedTCN, ADAM),
    "50salads_mid_ed_tcn": (SALADS, [1], partial(EDTCN, kernel_size=15), RMSPROP),
}


def held_out(dataset: str, names: list[str], split: int) -> list[str]:
    """Training videos to score on: of GTEA the subject after the test subject, of 50Salads every fourth person."""
    if dataset == "GTEA":
        return [name for name in names if name.startswith(f"S{split % 4 + 1}_")]
    people = sorted({name.split("-")[0] for name in names})[::4]
    return [name for name in names if name.split("-")[0] in people]


def measure(case: str, root: str, keras1: bool) -> dict[str, float]:
    """Scores on the held-out training videos, mean over the splits."""
    data, splits, make, optimizer = CASES[case]
    rows = []
    for split in splits:
        seed_everything(0, verbose=False)
        reader = LeaReader(root, **data)
        validation = held_out(data["dataset"], reader.videos(split, "train"), split)
        module = SegmentationDataModule(reader, split, sample_rate=5, validation=validation)
        net = make(module.in_channels, module.num_classes, init="keras1" if keras1 else "glorot")
        task = SegmentationTask(Segmenter.for_data(net, module), optimizer=optimizer)
        trainer = quiet_trainer(200, limit_val_batches=0)
        trainer.fit(task, module)
        trainer.limit_val_batches = 1.0
        (scores,) = trainer.validate(task, module, verbose=False)
        rows.append({key: scores[f"val/{key}"] for key in SCORE_HEADINGS})
    return {key: statistics.fmean(row[key] for row in rows) for key in SCORE_HEADINGS}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="Lea et al.'s release, see datasets/gtea/README.md")
    parser.add_argument("--only", choices=CASES, help="one case")
    options = parser.parse_args()
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    rows = {
        f"{case}, {'Keras 1.1' if keras1 else 'Glorot'}": measure(case, options.root, keras1)
        for case in ([options.only] if options.only else CASES)
        for keras1 in (False, True)
    }
    print(scores_table(rows))


if __name__ == "__main__":
    main()
