"""Tables as the tests of their reader write them, with two features and three classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.data.readers.table import TableReader
from tests.conftest import CLASSES

pyarrow = pytest.importorskip("pyarrow", reason="tables need the extra `tables`")

NUMBERS = np.array([[0.5, -1], [1e-3, 2], [3, 4.25], [5, 6]], dtype=np.float64)
LABELS = [0, 1, 1, 2]
NAMES = [CLASSES[label] for label in LABELS]


def write(path: Path, columns: dict[str, Sequence[Any]], delimiter: str = ",") -> Path:
    lines = [list(columns), *zip(*columns.values(), strict=True)]
    path.write_text("".join(delimiter.join(map(str, line)) + "\n" for line in lines))
    return path


def write_parquet(path: Path, columns: dict[str, Sequence[Any]]) -> None:
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path)


def columns(**more: Sequence[Any]) -> dict[str, Sequence[Any]]:
    return {"x": NUMBERS[:, 0].tolist(), "y": NUMBERS[:, 1].tolist(), **more}


def reader(root: Path, **arguments: Any) -> TableReader:
    return TableReader(str(root), **{"fps": 10, **arguments})


def labels(table: TableReader, name: str = "a") -> list[int]:
    video = table.read(name)
    assert video.labels.dtype == torch.int64
    return video.labels.tolist()
