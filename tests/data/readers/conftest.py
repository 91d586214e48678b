from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import CLASSES


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree without features: two videos ``a`` (train) and ``b`` (test), three classes."""
    root = tmp_path / "tables"
    for folder in ("features", "groundTruth", "splits"):
        (root / folder).mkdir(parents=True)
    (root / "mapping.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(CLASSES)))
    (root / "splits" / "train.split1.bundle").write_text("a\n")
    (root / "splits" / "test.split1.bundle").write_text("b.txt")
    return root
