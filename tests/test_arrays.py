"""NumPy files of unknown origin; tests/prepare/test_damaged_files.py has many more."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segtcn.arrays import open_array, read_archive


def opened(path: Path) -> np.ndarray:
    return open_array(path, ndim=2, kinds="fiu", content="a real matrix (D, T)")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "u1"])
@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (3, 0)])
def test_arrays_are_opened_as_they_were_saved(tmp_path: Path, order: Any, dtype: str, shape: tuple[int, int]) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    mapped = opened(tmp_path / "a.npy")
    assert (mapped.dtype, mapped.shape) == (array.dtype, shape)
    assert np.array_equal(mapped, array)


@pytest.mark.parametrize(
    ("descr", "shape", "message"),
    [
        ("|V0", (3, -1), r"is damaged or not a NumPy array"),
        ("<f4", (3, -5), r"is damaged or not a NumPy array"),
        ("<f4", (2**30, 2**20), r"is damaged or not a NumPy array \(mmap length is greater than file size"),
        ("<f4", (3, 6), r"is damaged or not a NumPy array \(mmap length is greater than file size"),
        ("|O", (2, 4), r"is damaged or not a NumPy array \(.*Python objects in dtype"),
        ("<c8", (2, 4), r"must hold a real matrix \(D, T\), got complex64 \(2, 4\)"),
        ("<f4", (2, 4, 1), r"must hold a real matrix \(D, T\), got float32 \(2, 4, 1\)"),
    ],
)
def test_headers_that_promise_something_else_are_refused(tmp_path: Path, descr: str, shape: Any, message: str) -> None:
    path = tmp_path / "a.npy"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    path.write_bytes(header.getvalue() + bytes(64))
    with pytest.raises(ValueError, match=rf"a\.npy {message}.*: save it again"):
        opened(path)


def test_a_second_array_in_a_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.save(file, np.zeros((3, 5)))
        np.save(file, np.zeros((3, 5)))
    with pytest.raises(
        ValueError, match=r"a\.npy holds 248 bytes after its array, perhaps another one: save one array"
    ):
        opened(tmp_path / "a.npy")


def test_other_files_are_refused(tmp_path: Path) -> None:
    path, archive = tmp_path / "a.npy", tmp_path / "a.npz"
    np.savez(archive, a=np.zeros((2, 2)))
    path.write_bytes(archive.read_bytes())
    with pytest.raises(ValueError, match=r"a\.npy must hold a real matrix \(D, T\), got an archive of arrays: save"):
        opened(path)
    for content in (b"", b"\x93NUMPY\x01", b"1 2 3\n"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.npy is damaged or not a NumPy array \(.*\): save it again"):
            opened(path)
    archive.write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"a\.npz is damaged or not an archive of NumPy arrays \(.*\): write it"):
        read_archive(archive, ("features",), "write it")


@pytest.mark.parametrize("content", [b"1 2 3\n", pickle.dumps([1]), b"\x93NUMPY\2\0\0\0\1\0" + b" " * 2**16])
def test_no_message_says_how_to_load_a_file_unsafely(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    for read in (lambda: opened(tmp_path / "a.npy"), lambda: read_archive(tmp_path / "a.npy", ["a"], "save it again")):
        with pytest.raises(ValueError, match=r"is damaged or not a[\s\S]*NumPy[\s\S]*save it again") as error:
            read()
        assert not re.search("allow_pickle|unsafe|trust", str(error.value))
