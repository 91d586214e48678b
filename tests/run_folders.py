"""Folders of runs as `segtcn test` and `segtcn crossval` leave them, written without training anything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from segtcn.evaluation import Run, RunFacts, RunPart
from segtcn.labels import Classes, Labels, write_labels

NAMES = ("background", "take", "pour", "stir")
#              0  1  2  3  4  5  6  7  8  9
TRUTH = {"a": [0, 1, 1, 1, 1, 2, 2, 2, 2, 3], "b": [1, 1, 2, 2]}
PREDS = {"a": [0, 0, 1, 1, 2, 2, 2, 0, 2, 0], "b": [1, 1, 1, 1]}


def write_network(
    folder: Path, root: Path, preds: Mapping[str, Sequence[str]], has_truth: bool = True, **facts: object
) -> Path:
    """The folder of one trained network: its `run.json` and its predictions.

    Args:
        folder: to be made.
        root: of the data set, an MS-TCN tree.
        preds: predicted names of every stored frame, by name of the video.
        has_truth: whether the truth is kept beside the predictions.
        facts: entries of `run.json` that differ from split 1, seed 0, 10 labels a second.
    """
    classes = Classes.read(root / "mapping.txt")
    (folder / "predictions").mkdir(parents=True)
    for name, names in preds.items():
        path = folder / "predictions" / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = Labels.from_names(names, classes, 10.0)
        write_labels(path, labels, Labels.from_names(truth_of(root, name), classes) if has_truth else None)
    RunFacts(**{"classes": classes, "videos": tuple(preds), "fps": 10.0, "split": 1, "seed": 0, **facts}).write(folder)
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
            preds = {
                name: [label if rng.random() < quality else "cut" for label in truth_of(root, name)] for name in names
            }
            write_network(folder / f"split{split}-seed{seed}", root, preds, split=split, seed=seed)
    return folder


def truth_of(root: Path, name: str) -> list[str]:
    """True names of every frame of a video."""
    return (root / "groundTruth" / f"{name}.txt").read_text().splitlines()


def edit_facts(folder: Path, **entries: object) -> None:
    """Change entries of `run.json`."""
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, **entries}))


def run_of(*networks: tuple[dict[str, list[int]], dict[str, list[int]]], fps: float | None = 10.0) -> Run:
    """A run of one split with one seed for each pair of predictions and truth."""
    classes = Classes(NAMES, 0)
    parts = [
        RunPart(
            "1", seed, *({name: Labels(frames, classes, fps) for name, frames in side.items()} for side in pair), {}
        )
        for seed, pair in enumerate(networks)
    ]
    return Run("mine", tuple(parts), classes, (0,), "lea", fps)
