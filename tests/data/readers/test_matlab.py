"""MATLAB files of unknown origin; tests/data/test_fuzz.py has many more."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from scipy.io import loadmat, savemat

from segtcn.data.readers.matlab import load_matlab

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
    found, expected = load_matlab(tmp_path / "a.mat"), loadmat(tmp_path / "a.mat")
    assert found.keys() == expected.keys() > VARIABLES.keys()
    for key, value in expected.items():
        assert equal(found[key], value), key


def test_real_files_are_read_as_scipy_reads_them(shared_data: Path) -> None:
    files = sorted((shared_data / "lea").rglob("*.mat"))[::7]
    assert files
    for path in files:
        found, expected = load_matlab(path), loadmat(path)
        assert found.keys() == expected.keys()
        assert all(equal(found[key], value) for key, value in expected.items()), path


def test_variables_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"sparse": scipy.sparse.eye(3), "Y": np.arange(3)})
    found = load_matlab(tmp_path / "a.mat")
    assert "sparse" not in found
    assert found["Y"].tolist() == [[0, 1, 2]]


def matrix(*parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack("<II", 14, len(content)) + content


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def head(content: int, *shape: int) -> tuple[bytes, bytes, bytes]:
    return (
        element(6, struct.pack("<II", content, 0)),
        element(5, struct.pack(f"<{len(shape)}i", *shape)),
        element(1, b"x"),
    )


def nested(depth: int) -> bytes:
    inner = matrix(*head(6, 1, 1), element(9, bytes(8)))
    for _ in range(depth):
        inner = matrix(*head(1, 1, 1), inner)
    return inner


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (matrix(*head(6, 2, 2), element(9, bytes(24))), "have 24 bytes, but there are 4"),
        (matrix(*head(6, 2, 2), element(200, bytes(32))), "have 32 bytes, but there are 4"),
        (matrix(*head(6, -1, 2), element(9, b"")), r"has the shape \(-1, 2\)"),
        (matrix(*head(6, *[1] * 40), element(9, bytes(8))), r"has the shape \(1, 1, "),
        (matrix(*head(1, 2**20, 2**10)), "do not hold 1073741824 matrices"),
        (matrix(*head(4, 2**20, 2**10), element(16, b"a")), "has 1 bytes, but 1073741824 letters"),
        (matrix(*head(2, 1, 1), element(5, struct.pack("<i", -8)), element(1, bytes(32))), "field names of -8 bytes"),
        (matrix(*head(1, 1, 1), matrix(*head(5, 1, 1))), "holds a MATLAB object or sparse matrix"),
        (matrix(*head(6, 1, 1), struct.pack("<II", 9, 2**31)), "says that it has 2,147,483,648 bytes"),
        (matrix(*head(6, 1, 1), struct.pack("<HHI", 9, 77, 0)), "a small element at byte .* has 77 bytes"),
        (struct.pack("<II", 14, 2**31), "says that it has 2,147,483,648 bytes"),
        (element(9, bytes(16)), "is no matrix of its size"),
        (matrix(element(9, bytes(8))), "no matrix at byte"),
        (nested(40), "lie more than 16 deep"),
        (matrix(*head(6, 1, 1)), "where an element should begin|says that it has"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_files_that_claim_what_they_do_not_hold_are_refused(
    tmp_path: Path, variable: bytes, message: str, packed: bool
) -> None:
    path = tmp_path / "a.mat"
    if packed:
        squeezed = zlib.compress(variable)
        variable = struct.pack("<II", 15, len(squeezed)) + squeezed
        message = "is damaged or no MATLAB file"
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + variable)
    with pytest.raises(ValueError, match=message) as caught:
        load_matlab(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("depth", [0, 10])
def test_the_files_made_here_are_well_made(tmp_path: Path, depth: int) -> None:
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + nested(depth))
    assert load_matlab(tmp_path / "a.mat")["x"].shape == (1, 1)


def test_packed_bytes_are_not_unpacked_without_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    squeezed = zlib.compress(struct.pack("<II", 14, 2**31) + bytes(10_000_000))
    path.write_bytes(b"MATLAB 5.0".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(squeezed)) + squeezed)
    with pytest.raises(ValueError, match="says that it has 2,147,483,648 bytes, packed into"):
        load_matlab(path)


@pytest.mark.parametrize("content", [b"", b"short", b"MATLAB 5.0".ljust(200)])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mat is damaged or no MATLAB file \(its header is not that"):
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
