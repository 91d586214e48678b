"""MATLAB files of predictions and truth, and of unknown origin; tests/prepare/test_damaged_files.py has many more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from scipy.io import loadmat, savemat

from segtcn.labels import Classes, read_matlab_labels
from segtcn.labels.matlab import load_matlab


@pytest.fixture
def write_mat(tmp_path: Path) -> Callable[..., Path]:
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


VARIABLES = {
    "numbers": np.arange(12, dtype=np.float32).reshape(3, 4),
    "complex": np.array([[1 + 2j, 3]]),
    "truth": np.array([[True, False]]),
    "bytes": np.arange(7, dtype=np.uint8),
    "text": "stir",
    "texts": np.array(["stir", "pour"]),
    "empty": "",
    "cells": np.array([np.zeros((0, 0)), "pour", np.arange(3), None], dtype=object)[:3],
    "structure": {"a": 1, "b": {"c": "x"}},
}


def equal(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray):
        return a == b
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.names:
        return all(equal(a[name], b[name]) for name in a.dtype.names)
    return all(map(equal, a.ravel(), b.ravel())) if a.dtype == object else a.tobytes() == b.tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_variables_are_those_that_scipy_reads(tmp_path: Path, packed: bool) -> None:
    savemat(tmp_path / "a.mat", VARIABLES, do_compression=packed)
    read, expected = load_matlab(tmp_path / "a.mat"), loadmat(tmp_path / "a.mat")
    assert read.keys() == VARIABLES.keys()
    for key, value in read.items():
        assert equal(value, expected[key]), key


def test_real_files_are_read_as_scipy_reads_them(shared_data: Path) -> None:
    files = sorted((shared_data / "lea").rglob("*.mat"))[::7]
    assert files
    for path in files:
        read, expected = load_matlab(path), loadmat(path)
        assert read.keys() == {key for key in expected if not key.startswith("__")}
        assert all(equal(value, expected[key]) for key, value in read.items()), path


def test_variables_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"sparse": scipy.sparse.eye(3), "Y": np.arange(3)})
    read = load_matlab(tmp_path / "a.mat")
    assert "sparse" not in read
    assert read["Y"].tolist() == [[0, 1, 2]]


CHANGED = "a packed file in which a byte was changed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *(
            (content, r"is damaged or not a MATLAB file \(.*\): fetch")
            for content in (b"", b"short", b"MATLAB 5.0" * 20)
        ),
        (CHANGED, r"is damaged or not a MATLAB file \(.*\): fetch or save it again"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400), r"is a MATLAB v7\.3 file.*'-v7'"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes | str, message: str) -> None:
    path = tmp_path / "a.mat"
    if content == CHANGED:
        savemat(path, {"A": np.random.default_rng(0).random((9, 9))}, do_compression=True)
        content = path.read_bytes()
        content = content[:-50] + bytes([content[-50] ^ 1]) + content[-49:]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.mat {message}"):
        load_matlab(path)


@pytest.mark.parametrize("kind", ["nothing", "folder", "device", "circle"])
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.mat"
    if kind == "folder":
        path.mkdir()
    elif kind != "nothing":  # this device ends at once; others never do
        path.symlink_to("/dev/null" if kind == "device" else path)
    with pytest.raises(FileNotFoundError, match=r"no file .*a\.mat: check the path"):
        load_matlab(path)
