"""Folders of runs as `segtcn crossval` and `segtcn fit` leave them, written without training anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from segtcn.labels.legacy import write_labels


def write_network(
    folder: Path, root: Path, preds: Mapping[str, Sequence[str]], split: int = 1, seed: int = 0, **data: object
) -> Path:
    """The folder of one trained network: its config and its predictions.

    Args:
        folder: to be made.
        root: of the data set, an MS-TCN tree.
        preds: predicted names of every stored frame, by name of the video.
        split: of the data.
        seed: of the training.
        data: further entries of the config's section ``data``.
    """
    init_args = {"root": str(root), "fps": 10.0, "background": "background"}
    reader = {"class_path": "segtcn.data.readers.MSTCNReader", "init_args": init_args}
    config = {"reader": reader, "split": split, "sample_rate": 1, **data}
    (folder / "predictions").mkdir(parents=True)
    (folder / "config.yaml").write_text(
        yaml.safe_dump({"seed_everything": seed, "model": {"protocol": "lea"}, "data": config})
    )
    for name, labels in preds.items():
        write_labels(folder / "predictions" / f"{name}.txt", labels)
    return folder


def write_crossval(
    folder: Path, root: Path, splits: Mapping[int, Sequence[str]], quality: float, seeds: Sequence[int] = (0,)
) -> Path:
    """The folder of a cross-validation whose networks are right on a share of the frames.

    Args:
        folder: to be made.
        root: of the data set, an MS-TCN tree.
        splits: test videos of every split.
        quality: share of the frames that keep their true label.
        seeds: one network each.
    """
    for split, names in splits.items():
        for seed in seeds:
            rng = np.random.default_rng([seed, split])
            preds = {}
            for name in names:
                truth = (root / "groundTruth" / f"{name}.txt").read_text().splitlines()
                preds[name] = [label if rng.random() < quality else "cut" for label in truth]
            part = write_network(folder / f"split{split}-seed{seed}", root, preds, split, seed)
            (part / "scores.json").write_text("{}")
    return folder
