"""NumPy files of unknown origin: looked at before they are trusted."""

from __future__ import annotations

import math
import os
import sys
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

_MAX_EMPTY = 2**20
_DEFLATE_RATIO = 1100  # a byte never unpacks into more: deflate's limit is 1032


def open_array(path: str | os.PathLike[str], ndim: int, kinds: str, wanted: str) -> npt.NDArray[Any]:
    """Open a ``.npy`` file without reading it. Pickled objects are refused: they could run code.

    It is mapped into memory, so that a header which claims more than the file holds takes no memory either.

    Args:
        path: the file.
        ndim: number of axes that the array must have.
        kinds: kinds of numbers that it may hold, letters of ``numpy.dtype.kind``.
        wanted: the same in words, for the message.

    Raises:
        ValueError: if the file is damaged, holds pickled objects, or another kind of array.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/features.npy"
        >>> np.save(path, np.zeros((4, 3)))
        >>> open_array(path, ndim=2, kinds="f", wanted="a real matrix (D, T)").shape
        (4, 3)
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            is_archive = file.read(2) == b"PK"
            file.seek(0)
            shape, by_columns, dtype = ((), False, np.dtype("O")) if is_archive else read_header(file)
            start, size = file.tell(), path.stat().st_size
    except Exception as error:  # numpy raises six kinds of exception for a damaged header
        raise ValueError(f"{path} is damaged or no NumPy array ({error}): save it again with `numpy.save`") from error
    if len(shape) != ndim or dtype.kind not in kinds:
        held = "an archive of arrays" if is_archive else f"{dtype} {shape}"
        raise ValueError(f"{path} must hold {wanted}, got {held}: save it again with `numpy.save`")
    if math.prod(shape) * dtype.itemsize > size - start:
        raise ValueError(
            f"{path} is damaged or no NumPy array ({dtype} {shape} does not fit {size:,} bytes): "
            "save it again with `numpy.save`"
        )
    if 0 in shape:
        return np.zeros(shape, dtype)  # no bytes that could be mapped
    return np.memmap(path, dtype, mode="r", offset=start, shape=shape, order="F" if by_columns else "C")


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


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """What a NumPy file says of its array; the array begins where the file then stands.

    Returns:
        Shape, whether it is stored by columns, and type.

    Raises:
        ValueError: if it is no array that :func:`open_array` may open. A damaged header raises other exceptions, too.
    """
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):  # 3.0 has field names that are no ASCII, so it holds no plain array
        raise ValueError(f"NumPy's format {version[0]}.{version[1]} is for arrays with named fields")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = header(file)
    if dtype.hasobject:
        raise ValueError("it holds pickled objects, which could run code and are not read")
    if min(shape, default=0) < 0 or not dtype.itemsize:  # numpy divides by the size of an item: the process would die
        raise ValueError(f"{dtype} {shape} is no array")
    if math.prod(filter(None, shape)) * dtype.itemsize > sys.maxsize:  # beside an axis of length 0, too
        raise ValueError(f"{dtype} {shape} is larger than any array")
    check_empty(shape)
    return shape, by_columns, dtype


def check_empty(shape: tuple[int, ...]) -> None:
    """Refuse an array without numbers that claims to be huge: no byte of a file stands for its other axis.

    Raises:
        ValueError: if it does.
    """
    if 0 in shape and max(shape) > _MAX_EMPTY:
        raise ValueError(f"an array of the shape {shape} is empty, however long it says that it is")


def archive_names(path: str | os.PathLike[str]) -> list[str]:
    """Names of the arrays in an archive that :func:`read_archive` has read.

    Args:
        path: the ``.npz`` file.
    """
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


def read_archive(
    path: str | os.PathLike[str], keys: Collection[str], remedy: str, values: bool = True
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of an archive that ``numpy.savez`` wrote. Pickled objects are refused: they could run code.

    Args:
        path: the ``.npz`` file.
        keys: names of the arrays to read.
        remedy: what to do about a damaged file, for the message.
        values: whether to read them; otherwise arrays of their shape without memory stand for them.

    Returns:
        The arrays by name; those that the archive does not hold are missing.

    Raises:
        ValueError: if the file is damaged, an array holds pickled objects, or claims more bytes than there are.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/video.npz"
        >>> np.savez(path, features=np.zeros((4, 3)))
        >>> {key: array.shape for key, array in read_archive(path, ("features", "labels"), "save it again").items()}
        {'features': (4, 3)}
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            held = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            arrays = {}
            for key in keys:
                if key in held:
                    _check_packing(held[key], path)
                    with archive.open(held[key]) as member:
                        arrays[key] = _read_member(member, held[key].file_size, values)
            return arrays
    except Exception as error:  # zipfile, zlib and NumPy raise ten kinds of exception for a damaged file
        raise ValueError(f"{path} is damaged or no archive of NumPy arrays ({error}): {remedy}") from error


def _check_packing(info: zipfile.ZipInfo, path: Path) -> None:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename} is packed in another way than NumPy's")
    packed = min(info.compress_size, path.stat().st_size)
    if info.file_size > packed * (1 if info.compress_type == zipfile.ZIP_STORED else _DEFLATE_RATIO):
        raise ValueError(f"{info.filename} says that it has {info.file_size:,} bytes, packed into {packed:,}")


def _read_member(member: IO[bytes], size: int, values: bool) -> npt.NDArray[Any]:
    """An array whose header and length agree, so that no more memory is taken than the archive has bytes."""
    shape, _, dtype = read_header(member)
    if math.prod(shape) * dtype.itemsize != size - member.tell():
        raise ValueError(f"{dtype} {shape} does not fit {size:,} bytes")
    if not values:
        return np.broadcast_to(np.zeros((), dtype=np.int8), shape)
    member.seek(0)
    return np.lib.format.read_array(member, allow_pickle=False)
