"""Small players for tests of the back-end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segtcn.labels.legacy import ClassScores, LabelTrack
from segtcn.visualization.player import Player, PlayerVideo
from segtcn.visualization.tracks import Classes, Track

CLASSES = Classes(["background", "take", "pour"], 0)
TRUTH = ["background"] * 10 + ["take"] * 20 + ["pour"] * 20
HOSTILE = "</script><img src=x onerror=alert(1)>\u2028\u202e'\"&"


def truth(labels: Sequence[str] = TRUTH, fps: float | None = 25.0, source: str = "truth.txt") -> Track:
    return Track("truth", LabelTrack([*labels], fps), source, is_truth=True)


def run(labels: Sequence[str] = TRUTH, fps: float | None = 25.0, title: str = "ED-TCN", seed: int = 0) -> Track:
    """Labels with scores of all classes."""
    values = np.random.default_rng(seed).dirichlet(np.ones(3), len(labels)).T.astype(np.float32)
    scores = ClassScores([*CLASSES.names], values)
    return Track(title, LabelTrack([*labels], fps, values[0].tolist(), scores), f"{title}.npz")


def player(*videos: PlayerVideo, classes: Classes = CLASSES) -> Player:
    return Player("demo", videos or [PlayerVideo("tea", [truth(), run()])], classes, "lea")


def content(script: bytes | Path) -> dict[str, Any]:
    """The payload within a script."""
    text = (script.read_bytes() if isinstance(script, Path) else script).decode("ascii")
    start, stop = text.index("(") + 1, text.rindex(")")
    assert text[:start] in ("segtcn.receiveIndex(", "segtcn.receiveVideo(")
    assert text[stop:] == ");\n"
    return json.loads(text[start:stop])
