"""Files that are either complete or not there."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TEMPORARY = re.compile(r"\.(.+)\.[0-9]+\.[0-9a-f]{8}(\.[^.]+)?")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LITTLE = 16 * 2**10


@contextmanager
def atomic_path(path: str | os.PathLike[str], durable: bool = False) -> Iterator[Path]:
    """Lend a name beside ``path`` to write to; take its place on success, vanish on any error.

    The folder is tried at once, before the caller computes what it wants to write.

    Args:
        path: the file to make or to replace.
        durable: wait until the disk has it, so that it survives a power cut.

    Yields:
        A name in the same folder, hence on the same file system, with the same ending.

    Raises:
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created there, or ``path`` is a folder.
        OSError: if the disk is full; it names the file and the room.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "labels.txt"
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_text("pour")
        >>> target.read_text(), len(list(target.parent.iterdir()))
        ('pour', 1)
    """
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {folder}; create it or choose another")
    if path.is_dir():
        raise PermissionError(f"cannot write {path}: it is a folder; give the name of a file")
    # not `tempfile`: its files are readable by their owner only, and the final file would be so, too
    temporary = folder / f".{path.stem}.{os.getpid()}.{os.urandom(4).hex()}{path.suffix}"
    try:
        temporary.touch()
    except OSError as error:
        raise PermissionError(
            f"cannot write {path}: no file can be created in {folder} ({reason(error)}); choose another folder"
        ) from error
    try:
        yield temporary
        if durable:
            _synchronise(temporary)
        temporary.replace(path)
        if durable:
            _synchronise(folder)
    except Exception as error:
        if _is_full(error, folder):
            raise _no_room(error, path, temporary) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder_for(path: Path) -> Iterator[Path]:
    """Lend a folder beside a path, to be renamed to it when it is complete; it vanishes at the end otherwise.

    Args:
        path: of the folder or file that is made.

    Raises:
        PermissionError: if no folder can be made there.
        OSError: if writing fails, for example because the disk is full.
    """
    folder = path.absolute().parent / f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise PermissionError(f"cannot write {path} ({reason(error)}): choose another folder") from error
    try:
        yield folder
    except OSError as error:
        if not error.errno:  # it says already what to do
            raise OSError(str(error).replace(str(folder), str(path))) from error
        file = "" if error.filename is None else f", {error.filename}"
        raise OSError(
            f"cannot write {path} ({reason(error)}{file}): nothing was left there; make room or choose another folder"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _synchronise(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _is_full(error: Exception, folder: Path) -> bool:
    """Whether an error comes from a full disk; many a library does not say so."""
    return getattr(error, "errno", None) in _FULL or (
        not isinstance(error, ValueError) and shutil.disk_usage(folder).free < _LITTLE
    )


def _no_room(error: Exception, path: Path, temporary: Path) -> OSError:
    size = temporary.stat().st_size if temporary.exists() else 0
    full = OSError(
        f"cannot write {path}: no room for the file, which had {size:,} bytes so far; {path.parent} has "
        f"{shutil.disk_usage(path.parent).free:,} bytes left: make room or choose another folder"
    )
    full.errno = getattr(error, "errno", None) or errno.ENOSPC
    return full


def remove_leftovers(folder: Path, names: Collection[str] | None = None) -> None:
    """Remove what :func:`atomic_path` lent below a folder to processes that were killed.

    Args:
        folder: where to look; it may be missing.
        names: of files, as paths below the folder without ending, that no other process writes; None: all files.
    """
    for path in folder.rglob(".*"):
        if (match := _TEMPORARY.fullmatch(path.name)) and path.is_file():
            name = path.relative_to(folder).with_name(match[1]).as_posix()
            if names is None or name in names:
                path.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    """Why the system refused something, without the details of libraries.

    Example:
        >>> reason(OSError(28, "Can't synchronously write data (file write failed: time = Wed Nov 25 ..."))
        'no space left on device'
    """
    if error.errno and error.errno > 0:  # a name that no server knows has a negative number
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error)).lower()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text in UTF-8, complete or not at all; fails as :func:`atomic_path` does."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())  # bytes: no other line ends on Windows


def write_json(path: str | os.PathLike[str], values: Any) -> None:
    """Write plain values as JSON that people can read, complete or not at all; fails as :func:`atomic_path` does."""
    write_text(path, json.dumps(values, indent=2) + "\n")
