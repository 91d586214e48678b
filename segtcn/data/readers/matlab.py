"""MATLAB files, read whole; SciPy reads them after their structure has been checked.

SciPy trusts what a file says of itself: a flipped bit can end the process or ask for any amount of memory.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path
from typing import Any, NamedTuple

_HEADER = 128  # bytes
_MATRIX, _COMPRESSED = 14, 15
_ITEM_SIZES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_TEXT_TYPES = frozenset((1, 2, 4, 16, 17, 18))
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMBERS = range(6, 16)
_COMPLEX = 0x08
_MAX_AXES = 32
_MAX_DEPTH = 16
_DEFLATE_RATIO = 1100  # a byte never unpacks into more: deflate's limit is 1032


def load_matlab(path: Path) -> dict[str, Any]:
    """Read every variable of a MATLAB file that is made of numbers, texts, cells and structures.

    Args:
        path: a ``.mat`` file of the versions 5 to 7.

    Returns:
        Arrays by name; cell arrays are arrays of objects. Variables of other kinds are passed over.

    Raises:
        FileNotFoundError: if there is no such file, but a folder, a pipe or a device, which would be read without end.
        ValueError: if the file is damaged, no MATLAB file, or of another version.
    """
    from scipy.io import loadmat

    if not isfile(path):
        raise FileNotFoundError(f"no file {path}: check the path")
    data = path.read_bytes()
    if data[124:128] in (b"\x00\x02IM", b"\x02\x00MI"):
        raise ValueError(
            f"{path} is a MATLAB v7.3 file, which this reader does not read: save it again in MATLAB with "
            "`save(file, '-v7', ...)`"
        )
    try:
        # every variable: scipy passes over those not asked for, even where the file ends early
        return loadmat(io.BytesIO(_checked(data)))
    except Exception as error:  # scipy raises ten kinds of exception for a damaged file
        raise ValueError(f"{path} is damaged or no MATLAB file ({error}): fetch or save it again") from error


class _Element(NamedTuple):
    """A typed run of bytes: ``start <= byte < stop``, and where the next one begins."""

    kind: int
    start: int
    stop: int
    next: int


def _checked(data: bytes) -> bytes:
    """The same file with nothing packed and without variables of other kinds, if its structure holds.

    Reference:
        MathWorks, "MAT-File Format", version 5.
    """
    order = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}.get(data[124:_HEADER])
    if order is None:
        raise ValueError("its header is not that of the versions 5 to 7, which MATLAB saves with `-v7`")
    kept = [data[:116], bytes(8), data[124:_HEADER]]  # between them was the place of data of objects
    position = _HEADER
    while position < len(data):
        kind, size = _unpack(data, position, order)
        stop = position + 8 + size
        if size > len(data) - position - 8:
            raise ValueError(f"a variable at byte {position} says that it has {size:,} bytes")
        variable = data[position:stop]
        if kind == _COMPRESSED:
            variable = _inflated(variable[8:], order)
            kind, size = _unpack(variable, 0, order)
        if kind != _MATRIX or size != len(variable) - 8:
            raise ValueError(f"the variable at byte {position} is no matrix of its size")
        if _check_matrix(variable, 8, len(variable), order):
            kept.append(variable)
        position = stop
    return b"".join(kept)


def _inflated(packed: bytes, order: str) -> bytes:
    unpacker = zlib.decompressobj()
    head = unpacker.decompress(packed, 8)
    _, size = _unpack(head, 0, order)
    if size > _DEFLATE_RATIO * len(packed):
        raise ValueError(f"a variable says that it has {size:,} bytes, packed into {len(packed):,}")
    variable = head + unpacker.decompress(unpacker.unconsumed_tail, max(1, size))
    unpacker.decompress(unpacker.unconsumed_tail, 1)  # checks the sum at the end
    if not unpacker.eof:
        raise ValueError("a packed variable ends early")
    return variable


def _check_matrix(data: bytes, start: int, stop: int, order: str, depth: int = 0) -> bool:
    """Check what a matrix says of itself; whether it is of a kind that is read."""
    flags = _element(data, start, stop, order)
    if flags.kind != 6 or flags.stop - flags.start != 8:
        raise ValueError(f"no matrix at byte {start}")
    (word,) = struct.unpack_from(f"{order}I", data, flags.start)
    content, is_complex = word & 0xFF, bool(word >> 8 & _COMPLEX)
    axes = _element(data, flags.next, stop, order)
    num_axes = (axes.stop - axes.start) // 4
    shape = struct.unpack_from(f"{order}{num_axes}i", data, axes.start)
    if axes.kind not in (5, 6) or not 2 <= num_axes <= _MAX_AXES or min(shape) < 0:
        raise ValueError(f"a matrix at byte {start} has the shape {shape}")
    size = math.prod(shape)
    name = _element(data, axes.next, stop, order)
    if name.kind not in (1, 16):
        raise ValueError(f"a matrix at byte {start} has no name")
    if content in _NUMBERS:
        _check_numbers(data, name.next, stop, order, size, parts=2 if is_complex else 1)
    elif content == _CHAR:
        _check_text(data, name.next, stop, order, size)
    elif content == _CELL:
        _check_matrices(data, name.next, stop, order, size, depth)
    elif content == _STRUCT:
        length = _element(data, name.next, stop, order)
        names = _element(data, length.next, stop, order)
        if length.kind != 5 or length.stop - length.start != 4 or names.kind != 1:
            raise ValueError(f"a structure at byte {start} names no fields")
        (width,) = struct.unpack_from(f"{order}i", data, length.start)
        if not 0 < width <= 1024 or (names.stop - names.start) % width:
            raise ValueError(f"a structure at byte {start} has field names of {width} bytes")
        num_fields = (names.stop - names.start) // width
        if size > max(stop - names.next, 1024):  # without fields there are no bytes
            raise ValueError(f"a structure at byte {start} has the shape {shape}")
        _check_matrices(data, names.next, stop, order, size * num_fields, depth)
    elif depth:
        raise ValueError(f"a cell at byte {start} holds a MATLAB object or sparse matrix, which is not read")
    else:
        return False
    return True


def _check_numbers(data: bytes, start: int, stop: int, order: str, size: int, parts: int) -> None:
    for _ in range(parts):
        part = _element(data, start, stop, order)
        item = _ITEM_SIZES.get(part.kind)
        if item is None or part.stop - part.start != size * item:
            raise ValueError(f"numbers at byte {start} have {part.stop - part.start} bytes, but there are {size}")
        start = part.next


def _check_text(data: bytes, start: int, stop: int, order: str, size: int) -> None:
    text = _element(data, start, stop, order)
    if text.kind not in _TEXT_TYPES or size > max(text.stop - text.start, 1024):  # zero bytes can mean spaces
        raise ValueError(f"a text at byte {start} has {text.stop - text.start} bytes, but {size} letters")


def _check_matrices(data: bytes, start: int, stop: int, order: str, number: int, depth: int) -> None:
    if depth == _MAX_DEPTH:
        raise ValueError(f"cells at byte {start} lie more than {_MAX_DEPTH} deep")
    if number > (stop - start) // 8:
        raise ValueError(f"cells at byte {start} do not hold {number} matrices")
    for _ in range(number):
        kind, size = _unpack(data, start, order)
        if kind != _MATRIX or size > stop - start - 8:
            raise ValueError(f"a cell at byte {start} holds no matrix of its size")
        if size:
            _check_matrix(data, start + 8, start + 8 + size, order, depth + 1)
        start += 8 + size


def _element(data: bytes, start: int, stop: int, order: str) -> _Element:
    kind, size = _unpack(data, start, order)
    small, size_of_small = kind & 0xFFFF, kind >> 16
    if size_of_small:  # tag and data in eight bytes
        if size_of_small > 4 or start + 8 > stop:
            raise ValueError(f"a small element at byte {start} has {size_of_small} bytes")
        return _Element(small, start + 4, start + 4 + size_of_small, start + 8)
    if size > stop - start - 8:
        raise ValueError(f"an element at byte {start} says that it has {size:,} bytes")
    return _Element(kind, start + 8, start + 8 + size, start + 8 + size + -size % 8)


def _unpack(data: bytes, position: int, order: str) -> tuple[int, int]:
    """Type and number of bytes of an element."""
    if position + 8 > len(data):
        raise ValueError(f"it ends after {len(data):,} bytes, where an element should begin")
    kind, size = struct.unpack_from(f"{order}II", data, position)
    return kind, size
