"""Preprocessing of the tiny models that the tests write, and the features that they have to give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from segtcn.extract import Windows, extract_videos, load_backbone
from segtcn.extract.preprocessing import parse_preprocessing
from segtcn.video_io import read_frames

SIZE = 28
STEPS = {
    "size": {"shortest_edge": 32},
    "crop_size": {"height": SIZE, "width": SIZE},
    "resample": 3,
    "rescale_factor": 1 / 255,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.25, 0.3],
}


def inputs(clip: Path) -> torch.Tensor:
    """All frames of a clip as the networks get them, ``(T, 3, H, W)``."""
    steps = parse_preprocessing(STEPS)
    return steps.values(torch.stack([steps.picture(frame) for _, frame in read_frames(clip)]))


def features_of(clip: Path, name: Path, tmp_path: Path, windows: Windows | None = None, **options: Any) -> np.ndarray:
    """Features by the whole path, ``(T, D)``."""
    result = extract_videos({"x": clip}, tmp_path / "out", load_backbone(str(name), **options), windows, batch_size=3)
    assert result.failed == {}
    return np.load(tmp_path / "out" / "x.npy").T
