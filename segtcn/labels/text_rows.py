"""Text files of labels, their rows and columns, with errors that name the file and the line."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

MAX_BYTES = 64 * 2**20
"""Text of labels is small; a larger file is something else, and is not read into memory."""


def existing(path: str | os.PathLike[str]) -> Path:
    """The path of a file.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no label file {path}: check the path")
    return path


def read_bytes(path: str | os.PathLike[str], most: int = MAX_BYTES) -> bytes:
    """Read a file of at most so many bytes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is larger.
    """
    path = existing(path)
    if path.stat().st_size > most:
        raise ValueError(f"{path} is larger than {most >> 20} MiB: expected annotations; split the file by video")
    return path.read_bytes()


def read_text(path: str | os.PathLike[str], expected: str | None = None, most: int = MAX_BYTES) -> str:
    r"""Read a text file in UTF-8 (or UTF-16 with its mark), with line ends ``\n``.

    Args:
        path: the file.
        expected: what should be in it, for the message about an empty file; None allows one.
        most: bytes that it may have.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is too large, empty, or not UTF-8.
    """
    try:
        text = decoded(read_bytes(path, most))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    if expected is not None and not text.strip():
        raise ValueError(f"{path} is empty: expected {expected}")
    return text


def decoded(data: bytes, errors: str = "strict") -> str:
    r"""Text with line ends ``\n``: UTF-8 with or without a byte order mark, UTF-16 with one, as Praat and ELAN write.

    Raises:
        UnicodeDecodeError: if it is neither.
    """
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return data.decode(encoding, errors=errors).replace("\r\n", "\n").replace("\r", "\n")


def lines_of(text: str) -> list[str]:
    r"""The lines of a text, stripped; empty ones at its end do not count.

    Unlike ``str.splitlines``, it does not split at a form feed or U+2028, which may stand within a name.

    Example:
        >>> lines_of("pour milk\n\n stir\n\n")
        ['pour milk', '', 'stir']
    """
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []


def read_rows(
    path: str | os.PathLike[str], text: str, delimiter: str = ",", keep_empty: bool = False
) -> Iterator[tuple[int, list[str]]]:
    r"""Rows of separated values, stripped, with the number of the line that each ends in.

    Args:
        path: the file, for messages.
        text: its content, with line ends ``\n``.
        delimiter: between two values.
        keep_empty: whether rows without any value are kept.

    Raises:
        ValueError: if a row cannot be split into values.
    """
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if keep_empty or any(cells):
                yield rows.line_num, cells
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num}: not a table ({error}); export it again") from error


def check_columns(columns: Sequence[str], where: str) -> None:
    """Refuse a table in which two columns have one name: the latter would win.

    Raises:
        ValueError: if it is so.
    """
    if twice := next((name for name in columns if name and columns.count(name) > 1), None):
        raise ValueError(f"{where}: the column {twice!r} is there {columns.count(twice)} times: rename or remove one")
