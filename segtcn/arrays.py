"""NumPy files of unknown origin: pickled objects in them are refused, because they could run code."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def open_array(path: str | os.PathLike[str], ndim: int, kinds: str, content: str) -> npt.NDArray[Any]:
    """Map a ``.npy`` file into memory, which reads nothing yet.

    Args:
        path: the file.
        ndim: number of axes that the array must have.
        kinds: kinds of numbers that it may hold, letters of ``numpy.dtype.kind``.
        content: the same in words, for the message.

    Raises:
        ValueError: if the file is damaged, holds pickled objects, several arrays, or another kind of array.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/features.npy"
        >>> np.save(path, np.zeros((4, 3)))
        >>> open_array(path, ndim=2, kinds="f", content="a real matrix (D, T)").shape
        (4, 3)
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy raises six kinds of exception for a damaged header
        raise ValueError(
            f"{path} is damaged or not a NumPy array ({_complaint(error)}): save it again with `numpy.save`"
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"{path} must hold {content}, got an archive of arrays: save it again with `numpy.save`")
    if array.ndim != ndim or array.dtype.kind not in kinds:
        raise ValueError(
            f"{path} must hold {content}, got {array.dtype} {array.shape}: save it again with `numpy.save`"
        )
    if isinstance(array, np.memmap) and (after := Path(path).stat().st_size - array.offset - array.nbytes) > 0:
        raise ValueError(f"{path} holds {after} bytes after its array, perhaps another one: save one array a file")
    return array


def open_features(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Map a file of features, ``(D, T)``; fails as :func:`open_array` does."""
    return open_array(path, ndim=2, kinds="fiu", content="features, numbers (D, T)")


def save_array(path: str | os.PathLike[str], array: npt.NDArray[Any]) -> None:
    """Write a ``.npy`` file; where `numpy.save` only counts the bytes that it lacks, the error says why.

    Args:
        path: the file, with its ending.
        array: of numbers.

    Raises:
        OSError: with its number, if the file cannot be written, such as on a full disk.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/features.npy"
        >>> save_array(path, np.eye(2))
        >>> np.load(path).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    array = np.ascontiguousarray(array)
    with Path(path).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def archive_names(path: str | os.PathLike[str]) -> list[str]:
    """Names of the arrays in an archive that :func:`read_archive` has read.

    Args:
        path: the ``.npz`` file.
    """
    with np.load(path, allow_pickle=False) as archive:
        return list(archive.files)


def read_archive(path: str | os.PathLike[str], keys: Collection[str], remedy: str) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of an archive that ``numpy.savez`` wrote.

    Args:
        path: the ``.npz`` file.
        keys: names of the arrays to read.
        remedy: what to do about a damaged file, for the message.

    Returns:
        The arrays by name; those that the archive does not hold are missing.

    Raises:
        ValueError: if the file is damaged, or an array holds pickled objects.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/video.npz"
        >>> np.savez(path, features=np.zeros((4, 3)))
        >>> {key: array.shape for key, array in read_archive(path, ("features", "labels"), "save it again").items()}
        {'features': (4, 3)}
    """
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {key: np.asarray(archive[key]) for key in keys if key in archive.files}
    except Exception as error:  # zipfile, zlib and NumPy raise ten kinds of exception for a damaged file
        raise ValueError(
            f"{path} is damaged or not an archive of NumPy arrays ({_complaint(error)}): {remedy}"
        ) from error


def _complaint(error: Exception) -> str:
    """What NumPy says, without its advice to load files unsafely, which it also gives for damaged ones."""
    if "Object arrays" in str(error):
        return "it holds pickled objects, which could run code and are not read"
    return "it is not in NumPy's format" if "pickle" in str(error) else str(error)
