"""MATLAB files of unknown origin; tests/prepare/test_damaged_files.py has many more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from scipy.io import loadmat, savemat

from segtcn.labels.matlab import load_matlab

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


def test_a_packed_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"A": np.random.default_rng(0).random((9, 9))}, do_compression=True)
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[-50] ^= 1
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mat is damaged or not a MATLAB file \(.*\): fetch or save it again"):
        load_matlab(tmp_path / "a.mat")


@pytest.mark.parametrize("content", [b"", b"short", b"MATLAB 5.0".ljust(200)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mat is damaged or not a MATLAB file \(.*\): fetch or save"):
        load_matlab(tmp_path / "a.mat")


def test_version_7_3_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
    with pytest.raises(ValueError, match=r"is a MATLAB v7\.3 file.*'-v7'"):
        load_matlab(tmp_path / "a.mat")


@pytest.mark.parametrize("kind", ["nothing", "folder", "device", "circle"])
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.mat"
    if kind == "folder":
        path.mkdir()
    elif kind != "nothing":  # this device ends at once; others never do
        path.symlink_to("/dev/null" if kind == "device" else path)
    with pytest.raises(FileNotFoundError, match=r"no file .*a\.mat: check the path"):
        load_matlab(path)
