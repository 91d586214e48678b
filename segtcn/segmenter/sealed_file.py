"""Files of weights and plain values that notice when they were damaged, and cannot run code or exhaust memory."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from segtcn.atomic import atomic_path

MARK = b"segtcn crc32 "
"""Begins the seal: the comment of the archive, with a checksum of all that stands before the comment."""

_SEAL_BYTES = len(MARK) + 8
_GLOBALS = re.compile(
    r"_codecs encode|(__builtin__|builtins) set|collections (OrderedDict|Counter)|torch.nn.parameter Parameter"
    r"|torch._utils _rebuild_(parameter|tensor_v[23])|torch (Size|device|[a-z]+[0-9]+|bool|[A-Z][A-Za-z0-9]*Storage)"
)
"""What the pickle of weights and plain values calls; torch also reads some that make any amount of memory."""


class DamagedFileError(ValueError):
    """A file that is not as it was written, or was never of this kind."""


def write_sealed(path: str | os.PathLike[str], stored: Any) -> None:
    """Write weights and plain values with a checksum; complete and on the disk, or not at all.

    Args:
        path: the file to make or to replace.
        stored: what ``torch.load(weights_only=True)`` can read.
    """
    buffer = io.BytesIO()
    torch.save(stored, buffer)  # not into the file: of a full disk torch says nothing that people understand
    archive = buffer.getbuffer()
    archive[-2:] = _SEAL_BYTES.to_bytes(2, "little")  # the length of the comment, which ends an archive without one
    with atomic_path(path, durable=True) as temporary, temporary.open("wb") as file:
        file.write(archive)
        file.write(_seal(zlib.crc32(archive)))


def read_sealed(path: str | os.PathLike[str], map_location: Any = "cpu") -> Any:
    """Read what :func:`write_sealed` or ``torch.save`` wrote; no code of the file is run.

    The checksum, or without one those of the archive's entries, are compared, and no more memory is taken than the file
    has bytes.

    Raises:
        FileNotFoundError: if there is no such file.
        DamagedFileError: if it is damaged, or holds more than weights and plain values.
    """
    check_seal(path)
    try:
        stored = torch.load(path, map_location=map_location, weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise _damaged(path) from error
    for values in _tensors(stored):
        if values.layout != torch.strided or values.numel() * values.element_size() > values.untyped_storage().nbytes():
            raise _damaged(path)
    return stored


def check_seal(path: str | os.PathLike[str]) -> bool:
    """Compare the checksum of a file, or those of its entries, without reading its values.

    Returns:
        Whether the file has a checksum of its own.

    Raises:
        FileNotFoundError: if there is no such file.
        DamagedFileError: if it is damaged, or holds more than weights and plain values.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no checkpoint {path}: check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if any(entry.file_size != entry.compress_size or entry.compress_type for entry in entries):
                raise _damaged(path)  # packed values could take any memory
            sealed = archive.comment.startswith(MARK)
            intact = _is_sealed(Path(path)) if sealed else archive.testzip() is None
            if not intact or sum(entry.file_size for entry in entries) > Path(path).stat().st_size:
                raise _damaged(path)
            for entry in entries:
                if entry.filename.endswith("data.pkl"):
                    _check_pickle(path, archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error, ValueError, RuntimeError) as error:
        raise _damaged(path) from error
    return sealed


def _is_sealed(path: Path) -> bool:
    """Whether the comment of an archive is the checksum of what stands before it."""
    checksum = 0
    with path.open("rb") as file:
        left = path.stat().st_size - _SEAL_BYTES
        while chunk := file.read(min(left, 2**20)):
            checksum = zlib.crc32(chunk, checksum)
            left -= len(chunk)
        return file.read() == _seal(checksum)


def _seal(checksum: int) -> bytes:
    return MARK + b"%08x" % checksum


def _check_pickle(path: str | os.PathLike[str], content: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(content):
        name = str(argument)
        is_global = "GLOBAL" in opcode.name
        if is_global and (not _GLOBALS.fullmatch(name) or name in ("torch TypedStorage", "torch UntypedStorage")):
            raise _damaged(path)


def _tensors(stored: Any) -> Iterator[Tensor]:
    """All tensors within nested dictionaries and sequences."""
    pending, seen = [stored], set()
    while pending:
        value = pending.pop()
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            pending.extend(value.values() if isinstance(value, dict) else value)


def _damaged(path: str | os.PathLike[str]) -> DamagedFileError:
    return DamagedFileError(
        f"{path} cannot be read as a checkpoint: it is damaged, or holds more than weights and plain values "
        "and could run code"
    )
