"""Small players for tests of the back-end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from segtcn.labels import Classes, Labels
from segtcn.visualization.player import Player, PlayerVideo

CLASSES = Classes(("background", "take", "pour"), 0)
TRUTH = ["background"] * 10 + ["take"] * 20 + ["pour"] * 20
HOSTILE = "</script><img src=x onerror=alert(1)>\u2028\u202e'\"&"


def truth(names: Sequence[str] = TRUTH, fps: float | None = 25.0, source: str = "truth.txt") -> Labels:
    return Labels.from_names([*names], CLASSES, fps, source)


def run(names: Sequence[str] = TRUTH, fps: float | None = 25.0, seed: int = 0) -> Labels:
    """Labels with scores of all classes."""
    scores = np.random.default_rng(seed).dirichlet(np.ones(3), len(names)).T.astype(np.float32)
    return replace(truth(names, fps, "run.npz"), scores=scores)


def player(*videos: PlayerVideo, classes: Classes = CLASSES) -> Player:
    return Player("demo", videos or [PlayerVideo("tea", {"truth": truth(), "ED-TCN": run()})], classes, "lea")


def content(script: bytes | Path) -> dict[str, Any]:
    """The payload within a script."""
    text = (script.read_bytes() if isinstance(script, Path) else script).decode("ascii")
    start, stop = text.index("(") + 1, text.rindex(")")
    assert text[:start] in ("segtcn.receiveIndex(", "segtcn.receiveVideo(")
    assert text[stop:] == ");\n"
    return json.loads(text[start:stop])
