"""MATLAB files of predictions and truth."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segtcn.labels import Classes, read_matlab_labels

pytest.importorskip("scipy")


@pytest.fixture
def write_mat(tmp_path: Path) -> Callable[..., Path]:
    from scipy.io import savemat

    def write(**cells: list[np.ndarray]) -> Path:
        arrays = {key: np.empty((1, len(values)), dtype=object) for key, values in cells.items()}
        for key, values in cells.items():
            for i, value in enumerate(values):
                arrays[key][0, i] = value
        savemat(tmp_path / "1.mat", arrays)
        return tmp_path / "1.mat"

    return write


def test_videos_are_numbered(write_mat: Callable[..., Path]) -> None:
    path = write_mat(P=[np.array([[0, 1, 1]]), np.array([[1.0, 3.0]])], Y=[np.array([[0, 2, 1]]), np.array([[0], [0]])])
    preds, truth = read_matlab_labels(path)
    assert {name: labels.indexes.tolist() for name, labels in preds.items()} == {"1/1": [0, 1, 1], "1/2": [1, 3]}
    assert {name: labels.indexes.tolist() for name, labels in truth.items()} == {"1/1": [0, 2, 1], "1/2": [0, 0]}
    assert preds["1/1"].classes == truth["1/2"].classes == Classes.numbered(4)
    classes = Classes(("rest", "cut", "pour", "take"), 0)
    assert read_matlab_labels(path, classes)[0]["1/2"].names() == ["cut", "take"]
    with pytest.raises(ValueError, match=r"1\.mat: P of video 2: class 3 at frame 1 has no name"):
        read_matlab_labels(path, Classes(("rest", "cut", "pour")))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"P": [np.array([[0, 1]])]}, r"holds no Y \(it holds P\)"),
        ({"P": [np.array([[0, 1]])], "Y": [np.array([[0, 1]])] * 2}, "predictions of 1 videos and truth of 2"),
        ({"P": [np.array([[0, 1]])], "Y": [np.array([[0, 1, 1]])]}, "P of video 1 has 2 frames and its Y has 3"),
        ({"P": [np.eye(2)], "Y": [np.eye(2)]}, r"P of video 1 must be the class index of every frame, \(1, T\)"),
        ({"P": [np.array([[0.5]])], "Y": [np.array([[0]])]}, "P of video 1 must hold class indexes, whole numbers"),
        ({"P": [np.array([[-1]])], "Y": [np.array([[0]])]}, "whole numbers from 0, got -1 to -1"),
        (
            {
                "P": [np.array([[0, 1]])] * 2,
                "Y": [np.array([[0, 1]])] * 2,
                "S": [np.ones((2, 2)), np.array([[0.5, 0.5], [np.nan, 1]])],
            },
            "NaN among the scores S of video 2 at frame 1",
        ),
    ],
)
def test_malformed_cells(write_mat: Callable[..., Path], cells: dict, message: str) -> None:
    path = write_mat(**cells)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}.*{message}"):
        read_matlab_labels(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nothing", "is damaged or not a MATLAB file"),
        (b" " * 124 + b"\x00\x02IM" + b" " * 100, "is a MATLAB v7.3 file, which this reader does not read"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "1.mat").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_matlab_labels(tmp_path / "1.mat")
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.mat: check the path"):
        read_matlab_labels(tmp_path / "none.mat")
