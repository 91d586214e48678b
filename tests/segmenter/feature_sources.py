"""What the tests of labels for files share: a small segmenter, and feature files for it with their records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from segtcn.extract.feature_files import write_record
from segtcn.labels import Classes
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter

FRAMES = {"backbone": {"name": "pictures"}, "window": 1, "stride": 1, "padding": None, "fps": None, "dtype": "float32"}


def segmenter_of(width: int = 4, seed: int = 0, **kwargs) -> Segmenter:
    torch.manual_seed(seed)
    return Segmenter(
        EDTCN(width, 3, (6,), 3), **{"classes": Classes(("rest", "cut", "pour"), 0), "fps": 10} | kwargs
    ).eval()


def write_features(path: Path, num_frames: int = 30, width: int = 4, fps: float | None = None, **settings) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    features = np.random.default_rng(num_frames).normal(size=(width, num_frames)).astype(np.float32)
    np.save(path, features)
    if fps is not None:
        record = {"settings": FRAMES | settings, "fps": fps, "shape": [width, num_frames]}
        write_record(path.parent, path.stem, record)
    return path
