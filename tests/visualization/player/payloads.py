"""Data of the player as the exporter writes them, from payloads made here: see the index and video files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segtcn.visualization.palette import class_color, text_color
from segtcn.visualization.player.export import STATIC
from segtcn.visualization.player.payload import scores_payload, script

__all__ = ["STATIC", "scores_payload"]
FPS, NUM_FRAMES = 30, 180
CLIP: dict[str, Any] = {"fps": FPS, "num_frames": NUM_FRAMES, "width": 320, "height": 240, "times_ms": None}
CLIP["duration_s"] = NUM_FRAMES / FPS
CLASS_NAMES = ["background", "take", "pour milk", "stir"]
TRUTH = [(0, 30), (1, 45), (2, 60), (3, 45)]  # class, frames
RUN = [(0, 36), (1, 39), (2, 30), (1, 6), (2, 24), (3, 45)]


def class_payload(names: Sequence[str], background: int | None = 0) -> list[dict[str, Any]]:
    def css(color: tuple[int, int, int]) -> str:
        return "#{:02x}{:02x}{:02x}".format(*color)

    colors = [class_color(label, background) for label in range(len(names))]
    return [
        {"name": name, "color": css(color), "text": css(text_color(color)), "background": label == background}
        for label, (name, color) in enumerate(zip(names, colors, strict=True))
    ]


def track_payload(title: str, runs: Sequence[tuple[int, int]], **more: Any) -> dict[str, Any]:
    """A track from its runs of (class, frames); keywords replace what it has."""
    lengths = np.array([length for _, length in runs])
    starts = np.cumsum(lengths) - lengths
    track = {"title": title, "truth": title == "truth", "fps": FPS, "num_frames": int(lengths.sum()), "by_frame": False}
    segments = {"starts": starts.tolist(), "classes": [label for label, _ in runs], "confidence": None, "scores": None}
    return track | segments | more


def softmax_scores(runs: Sequence[tuple[int, int]], num_classes: int, seed: int = 0) -> np.ndarray:
    """Scores ``(C, T)`` whose largest is mostly that of the runs' class."""
    labels = np.repeat([label for label, _ in runs], [length for _, length in runs])
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((num_classes, len(labels))).cumsum(1)
    logits = noise - np.apply_along_axis(lambda row: np.convolve(row, np.ones(25) / 25, "same"), 1, noise)
    logits[labels, np.arange(len(labels))] += 4
    scores = np.exp(logits - logits.max(0))
    return scores / scores.sum(0)


def demo_tracks(**more: Any) -> list[dict[str, Any]]:
    """The truth and one run with confidence and class scores; keywords go to both."""
    scores = scores_payload(softmax_scores(RUN, len(CLASS_NAMES)))
    confidence = [0.9, 0.8, 0.7, 0.45, 0.85, 0.95]
    return [
        track_payload("truth", TRUTH, **more),
        track_payload("ED-TCN", RUN, confidence=confidence, scores=scores, **more),
    ]


class Site:
    """A folder as the exporter writes it: the static files, and data given as payloads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(STATIC, root, dirs_exist_ok=True)
        (root / "data").mkdir()
        (root / "clips").mkdir()
        self.index: dict[str, Any] = {
            "version": 1,
            "title": "demo",
            "classes": class_payload(CLASS_NAMES),
            "protocol": None,
            "score_names": ["accuracy", "edit", "f1@10", "f1@25", "f1@50"],
            "runs": ["ED-TCN"],
            "videos": [],
            "save": None,
        }

    def add(
        self,
        tracks: Sequence[dict[str, Any]],
        *,
        name: str = "S1_Tea",
        clip: dict[str, Any] | None = None,
        source: str | None = None,
        scores: dict[str, dict[str, float]] | None = None,
        notes: Sequence[str] = (),
    ) -> str:
        """Add a video; returns its id."""
        number = f"{len(self.index['videos']) + 1:04d}"
        entry = {"id": number, "name": name, "num_frames": tracks[0]["num_frames"], "fps": tracks[0]["fps"]}
        self.index["videos"].append(entry | {"duration_s": None, "clip": source, "scores": scores or {}})
        video = {"id": number, "clip": clip, "tracks": list(tracks), "notes": list(notes)}
        (self.root / "data" / f"video-{number}.js").write_bytes(script("receiveVideo", video))
        return number

    def write(self) -> Path:
        """Write the index; returns the page."""
        (self.root / "data" / "index.js").write_bytes(script("receiveIndex", self.index))
        return self.root / "index.html"
