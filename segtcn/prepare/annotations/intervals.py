"""What every annotation format becomes, and the checks that all of them share."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

Unit = Literal["seconds", "frames"]

MAX_BYTES = 64 * 2**20
"""Annotations are small; a larger file is something else, and is not read into memory."""

MAX_SECONDS = 1e9
"""Times beyond are not seconds from the start of a video: 32 years."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)  # one way to match: no slow text


class Interval(NamedTuple):
    """One annotation, half-open: ``start_s <= t < stop_s``. A point event starts where it stops.

    Args:
        start_s: in seconds from the start of the video.
        stop_s: in seconds.
        label: name of the class, one line.
    """

    start_s: float
    stop_s: float
    label: str


class Annotations(NamedTuple):
    """The annotations of one video; :func:`~segtcn.prepare.annotations.frame_labels` makes labels of frames from them.

    Args:
        names: what the file calls the video, the most reliable name first, without the clip's ending.
        intervals: in the order of the file; they may overlap and leave gaps.
        source: the file, for messages.
        guessed_unit: ``frames`` or ``seconds`` where the file does not say and the numbers decided; else None.
        notes: what was left out or should be known.
    """

    names: tuple[str, ...]
    intervals: list[Interval]
    source: str
    guessed_unit: Unit | None = None
    notes: tuple[str, ...] = ()


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Read a file of at most :data:`MAX_BYTES`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is larger.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no annotation file {path}: check the path")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path} is larger than {MAX_BYTES >> 20} MiB: expected annotations; split the file by video")
    return path.read_bytes()


def read_text(path: str | os.PathLike[str]) -> str:
    r"""Read a text file in UTF-8, with or without a byte order mark, with line ends ``\n``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is too large, empty, or not UTF-8.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text file in UTF-8 (byte {error.start}): expected annotations; save it as UTF-8"
        ) from error
    if not text.strip():
        raise ValueError(f"{path} is empty: expected annotations")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_rows(path: str | os.PathLike[str], text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows of separated values with the number of the line that each ends in; empty rows are left out.

    Raises:
        ValueError: if a row cannot be split into values.
    """
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in rows:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield rows.line_num, cells
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num}: not a table ({error}); export it again") from error


def number(value: str | float, where: str) -> float:
    """A time or a frame, in whatever way a file writes it.

    Args:
        value: text, or a number of a JSON file.
        where: file and line, for the message.

    Raises:
        ValueError: if it is not a decimal number, with what to do about commas and clock times.

    Example:
        >>> number("12.5", "a.csv, line 2")
        12.5
    """
    text = value if isinstance(value, str) else repr(value)
    if not isinstance(value, bool) and _NUMBER.fullmatch(text) and abs(float(text)) <= MAX_SECONDS:
        return float(text)
    remedy = "check the column"
    if re.fullmatch(r"[+-]?\d*,\d+", text):
        remedy = "the comma must be a point: export with decimal points"
    elif ":" in text:
        remedy = "clock times are not read: export seconds"
    raise ValueError(f"{where}: expected a number of seconds or frames, got {text[:80]!r}; {remedy}")


def make_interval(start_s: float, stop_s: float, label: str, where: str) -> Interval:
    """An annotation whose label is one line: white space within it becomes single blanks.

    Raises:
        ValueError: if it stops before it starts, or has no label.

    Example:
        >>> make_interval(0, 1.5, " pour  milk", "a.csv, line 2")
        Interval(start_s=0, stop_s=1.5, label='pour milk')
    """
    label = " ".join(label.split())
    if not label:
        raise ValueError(f"{where}: the annotation at {start_s:g} s has no label; give it one or delete it")
    if stop_s < start_s:
        raise ValueError(f"{where}: {label!r} stops at {stop_s:g} s, before it starts at {start_s:g} s; correct it")
    return Interval(start_s, stop_s, label)
