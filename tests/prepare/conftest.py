from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.prepare.projects import TABLE, VIDEOS

Make = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    """Function that writes features and annotations, 10 frames a second, and returns the folder.

    Keywords: ``lengths`` = {name: T}, ``table`` = the annotation file of every video, ``transposed`` for (T, D).
    """

    def make(
        lengths: dict[str, int] = VIDEOS, table: str = TABLE, ending: str = ".csv", transposed: bool = False
    ) -> Path:
        root = tmp_path / "my data: 1"
        for part in ("features", "annotations"):
            (root / part).mkdir(parents=True)
        for name, length in lengths.items():
            array = np.random.default_rng(length).standard_normal((6, length)).astype(np.float32)
            np.save(root / "features" / f"{name}.npy", array.T if transposed else array)
            (root / "annotations" / f"{name}{ending}").write_text(table, encoding="utf-8")
        return root

    return make
