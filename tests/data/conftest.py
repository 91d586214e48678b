from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import MSTCNReader

WriteTree = Callable[..., Path]
Make = Callable[..., SegmentationDataModule]


@pytest.fixture
def make(write_ms_tcn_tree: WriteTree) -> Make:
    def make(**arguments: Any) -> SegmentationDataModule:
        tree = {key: arguments.pop(key) for key in ("videos", "splits") if key in arguments}
        return SegmentationDataModule(MSTCNReader(str(write_ms_tcn_tree(**tree)), background="cut"), **arguments)

    return make


@pytest.fixture
def many(make: Make) -> Make:
    """Data module of 20 training videos v0, v1, ... whose features are their number, and two test videos."""
    names = [f"v{i}" for i in range(22)]
    videos = {
        name: (np.full((2 + i % 3, 4), float(i), dtype=np.float32), [0] * (2 + i % 3)) for i, name in enumerate(names)
    }

    def many(**arguments: Any) -> SegmentationDataModule:
        return make(videos=videos, splits={1: (names[:20], names[20:])}, **arguments)

    return many
