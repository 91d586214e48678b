"""Fixtures that several test modules share: the real data, and small data sets written into ``tmp_path``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# a busy machine says nothing about the code
settings.register_profile("segtcn", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("segtcn")

SEQUENCES = {"P01_tea": [0, 1, 1, 2, 0], "P01_soup": [0, 2, 1, 0], "P02_tea": [0, 1, 2, 2, 0], "P02_soup": [2, 1, 0]}
CLASSES = ["background", "cut", "pour milk"]
SPLITS = {1: (["P01_tea", "P01_soup", "P02_soup"], ["P02_tea"]), 2: (["P02_tea", "P02_soup"], ["P01_soup", "P01_tea"])}


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data: ``$SEGTCN_SHARED``, or ``../shared/data`` beside the checkout."""
    folder = Path(os.environ.get("SEGTCN_SHARED") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real data not found: no {folder}; set SEGTCN_SHARED to the folder that holds lea/ and clips/")
    return folder


def small_videos(feature_dim: int = 4, frames_per_action: int = 4) -> dict[str, tuple[np.ndarray, list[int]]]:
    """Four videos of three classes: features ``(T, D)`` float32 that a network can learn from, labels ``(T,)``."""
    rng = np.random.default_rng(0)
    videos = {}
    for number, (name, actions) in enumerate(SEQUENCES.items()):
        labels = np.repeat(actions, frames_per_action)[number:].tolist()  # `number`: lengths differ, odd and even
        features = 0.1 * rng.standard_normal((len(labels), feature_dim))
        features[np.arange(len(labels)), labels] += 1
        videos[name] = (features.astype(np.float32), labels)
    return videos


@pytest.fixture
def small_files() -> Callable[[int], AbstractContextManager[None]]:
    """Function of a number of bytes: while its context lasts no file becomes larger, as on a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


def write_tree(
    root: Path,
    *,
    videos: Mapping[str, tuple[np.ndarray, Sequence[int]]] | None = None,
    splits: Mapping[int, tuple[Sequence[str], Sequence[str]]] = SPLITS,
    classes: Sequence[str] = CLASSES,
) -> Path:
    """Write an MS-TCN tree; the defaults are four videos of three classes in two splits.

    Args:
        root: the folder to write into, which is returned.
        videos: features ``(T, D)`` and the class index of every frame by name.
        splits: names of the training and of the test videos by number.
        classes: names.
    """
    for folder in ("features", "groundTruth", "splits"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "mapping.txt").write_text("".join(f"{i} {name}\n" for i, name in enumerate(classes)))
    for name, (features, labels) in (small_videos() if videos is None else videos).items():
        np.save(root / "features" / f"{name}.npy", features.T)
        (root / "groundTruth" / f"{name}.txt").write_text("".join(f"{classes[i]}\n" for i in labels))
    for number, subsets in splits.items():
        for subset, names in zip(("train", "test"), subsets, strict=True):
            (root / "splits" / f"{subset}.split{number}.bundle").write_text("".join(f"{n}.txt\n" for n in names))
    return root


@pytest.fixture
def write_ms_tcn_tree(tmp_path: Path) -> Callable[..., Path]:
    """:func:`write_tree` into ``tmp_path``, unless ``root`` says another folder."""

    def write(*, root: Path = tmp_path / "ms_tcn", **contents: Any) -> Path:
        return write_tree(root, **contents)

    return write


@pytest.fixture
def write_lea_tree(tmp_path: Path) -> Callable[..., Path]:
    """Function that writes Lea et al.'s layout and returns its root.

    Keywords: ``videos``, ``splits`` and ``root`` as of ``write_ms_tcn_tree``; ``dataset``, ``feature_folder``. Every
    file holds ``A`` ``(T, 4)``, ``X`` ``(T, 3)``, ``S`` ``(30, T)`` (row d holds d + split) and ``Y`` ``(T, 1)``.
    """
    scipy_io = pytest.importorskip("scipy.io")

    def write(
        *,
        videos: Mapping[str, tuple[np.ndarray, Sequence[int]]] | None = None,
        splits: Mapping[int, tuple[Sequence[str], Sequence[str]]] = SPLITS,
        dataset: str = "GTEA",
        feature_folder: str = "SpatialCNN",
        root: Path = tmp_path / "lea",
    ) -> Path:
        for number, subsets in splits.items():
            lists = root / "splits" / dataset / f"Split_{number}"
            lists.mkdir(parents=True, exist_ok=True)
            for subset, names in zip(("train", "test"), subsets, strict=True):
                (lists / f"{subset}.txt").write_text("".join(f"{n}\n" for n in names) + "\n")
            folder = root / "features" / dataset / feature_folder / f"Split_{number}"
            folder.mkdir(parents=True, exist_ok=True)
            for name, (features, labels) in (small_videos() if videos is None else videos).items():
                arrays = {"A": features, "X": np.eye(3, dtype=np.float32)[np.asarray(labels, dtype=int)]}
                sensors = np.arange(30.0)[:, None] * np.ones(len(labels)) + number
                arrays |= {"S": sensors, "Y": np.asarray(labels, dtype=np.int64).reshape(-1, 1)}
                scipy_io.savemat(folder / f"{name}.mat", arrays)
        return root

    return write
