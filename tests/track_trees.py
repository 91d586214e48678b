"""A small data set of three tracks: two hands, of each of which one class a frame is right, and grooming."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from segtcn.labels import Labels
from segtcn.labels.track_classes import write_tracks

CLASSES = {"left": ["background", "reach", "hold"], "right": ["rest", "cut"], "groom": ["background", "groom"]}
VIDEOS = ("P01", "P02", "P03", "P04")


def runs(rng: np.random.Generator, num_classes: int, num_frames: int) -> np.ndarray:
    """Runs of 4 to 11 frames."""
    values = np.repeat(rng.integers(num_classes, size=num_frames), rng.integers(4, 12, size=num_frames))
    return values[:num_frames]


def track_labels(seed: int, num_frames: int) -> dict[str, Labels]:
    rng = np.random.default_rng(seed)
    return {
        track: Labels.from_names([names[index] for index in runs(rng, len(names), num_frames)], fps=10)
        for track, names in CLASSES.items()
    }


def write_track_tree(root: Path) -> Path:
    """Features that show the labels, with a little noise; returns the config."""
    for part in ("features", "tracks", "splits", "groundTruth"):
        (root / part).mkdir(parents=True)
    for number, name in enumerate(VIDEOS):
        labels = track_labels(number, 50 + 7 * number)
        rng = np.random.default_rng(number)
        rows = [np.array(each.names()) == label for track, each in labels.items() for label in CLASSES[track]]
        features = np.stack(rows) + 0.1 * rng.normal(size=(len(rows), len(labels["left"])))
        np.save(root / "features" / f"{name}.npy", features.astype(np.float32))
        write_tracks(root / "tracks" / f"{name}.csv", labels)
    (root / "mapping.txt").write_text("0 background\n")
    (root / "splits" / "train.split1.bundle").write_text("P01\nP02\nP03\n")
    (root / "splits" / "test.split1.bundle").write_text("P04\n")
    config = root / "data.yaml"
    config.write_text(
        "data:\n  reader:\n    class_path: segtcn.data.readers.TrackReader\n    init_args:\n"
        f"      reader: {{class_path: segtcn.data.readers.MSTCNReader, init_args: {{root: {root}, fps: 10}}}}\n"
        f"      tracks: {root / 'tracks'}\n  validation: [P03]\n"
    )
    return config
