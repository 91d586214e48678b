"""Tables with a row for every frame: its number or time, and its label or a column of 0 and 1 for every class."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segtcn.labels.classes import listed
from segtcn.labels.error_list import ErrorList
from segtcn.labels.positions import column_kind, even_rate, frame_step
from segtcn.labels.text_rows import check_columns, read_rows

_DELIMITERS = ("\t", ",", ";", "|", " ")
_INTEGER = re.compile(r"\d{1,12}", re.ASCII)
_DECIMAL = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)
_NUMBER = re.compile(r"[-+]?[\d.]+([eE][-+]?\d+)?", re.ASCII)
_BOUNDARY = re.compile(r"start|begin|stop|end", re.IGNORECASE)
_ONE, _ZERO = ("1", "1.0"), ("0", "0.0")

NOTHING = "background"
"""Label of the frames in which a behaviour that occurs or not does not occur."""


class FramesFromOneWarning(UserWarning):
    """A table counts its frames from 1, so that its first row is the first frame."""


class FrameTable(NamedTuple):
    """What such a table says.

    Args:
        names: label of every row.
        step: frames from one row to the next; 1 where no column counts them.
        first: number of the first row; 1 where the table counts from 1.
        fps: rows per second, if a column has seconds.
    """

    names: list[str]
    step: int
    first: int
    fps: float | None


class TableLayout(NamedTuple):
    """Header of a table of frames.

    Args:
        delimiter: between its cells.
        columns: their names.
        one_hot: whether it has a column of 0 and 1 for every class.
    """

    delimiter: str
    columns: list[str]
    one_hot: bool

    def kinds(self) -> list[str | None]:
        """What each column holds; one without a name, in which pandas writes the number of the row, is ``frame``."""
        return [column_kind(name) if name else "frame" for name in self.columns]


def frame_table_layout(text: str) -> TableLayout | None:
    r"""The header of a table of frames; None if the text is something else.

    Args:
        text: the beginning of the file at least, with line ends ``\n``.

    Example:
        >>> frame_table_layout("Frame\tPhase\n0\tcut\n").columns
        ['Frame', 'Phase']
        >>> frame_table_layout(",background,cut\n0,1,0\n").one_hot
        True
        >>> frame_table_layout("pour milk\npour milk\n") is None
        True
    """
    first, _, others = text.partition("\n")
    for delimiter in _DELIMITERS:
        columns, second = (_cells(line, delimiter) for line in (first, others.split("\n", 1)[0]))
        if len(columns) < 2 or any(re.match(r"[+-]?[.:]?\d", name) for name in columns):
            continue
        kinds = [column_kind(name) if name else "frame" for name in columns]
        values = [cell for cell, kind in zip(second, kinds, strict=False) if kind not in ("frame", "time")]
        counters = [cell for cell, kind in zip(second, kinds, strict=False) if kind in ("frame", "time")]
        binary = len(values) > 1 and len(second) == len(columns) and {*values} <= {*_ONE, *_ZERO}
        if binary and "label" not in kinds:
            return TableLayout(delimiter, columns, one_hot=True)
        named = any(kind is not None for kind, name in zip(kinds, columns, strict=True) if name)
        if delimiter == " ":  # a label may hold blanks: only where each word is the name of a column
            named = None not in kinds and bool(counters) and all(map(_DECIMAL.fullmatch, counters))
        if named:
            return TableLayout(delimiter, columns, one_hot=False)
    single = first.strip()
    if column_kind(single) == "label" and others.strip():
        again = single in (line.strip() for line in others.split("\n"))
        return None if again else TableLayout("\n", [single], one_hot=False)
    return None


def occurrence_columns(text: str) -> list[str]:
    """The columns of 0 and 1 of a one-hot table; none if the text is another."""
    layout = frame_table_layout(text)
    if layout is None or not layout.one_hot:
        return []
    return [name for name, kind in zip(layout.columns, layout.kinds(), strict=True) if kind is None]


def read_frame_table(path: Path, text: str, track: str | None = None) -> FrameTable:
    r"""Read a table of frames with a header, such as ``Frame<tab>Phase``, or with one-hot columns.

    Columns of frames and times are used, never dropped: rows that are missing, late, repeated or out of order are
    errors.

    Args:
        path: the file, for messages.
        text: its content, with line ends ``\n``.
        track: a column of 0 and 1 that alone is read, beside others in which a frame may have 1, too.

    Raises:
        ValueError: if a column is repeated or unknown, a row cannot be understood, or rows are not those of all frames.
    """
    layout = frame_table_layout(text)
    if layout is None:
        raise ValueError(f"{path}, line 1: expected a header such as frame,label")
    kinds = layout.kinds()
    _check_columns(path, layout, kinds)
    names: list[str] = []
    counters: dict[int, list[float]] = {index: [] for index, kind in enumerate(kinds) if kind in ("frame", "time")}
    errors = ErrorList()
    for line, row in _rows(path, text, layout):
        with errors.collect():
            where = f"{path}, line {line}"
            if len(row) != len(kinds):
                raise ValueError(f"{where}: expected {len(kinds)} values, got {len(row)}; quote labels with separators")
            numbers = {index: _counter(row[index], str(kinds[index]), where) for index in counters}
            names.append(_label(row, layout, kinds, where) if track is None else _occurs(row, layout, track, where))
            for index, number in numbers.items():
                counters[index].append(number)
    errors.raise_any()
    if not names:
        raise ValueError(f"{path} has a header and no rows: expected a row for every frame")
    if not layout.one_hot and "label" not in kinds and all(map(_NUMBER.fullmatch, names)):
        raise ValueError(f"{path}, line 1: a column of numbers; if these are indexes of classes, name it `label`")
    step, first, fps = 1, 0, None
    for index, values in counters.items():
        if kinds[index] == "time":
            fps = even_rate(np.array(values), layout.columns[index], str(path), from_start=True)
        else:
            step = frame_step(np.array(values, np.int64), layout.columns[index], str(path))
            first = int(values[0])
    return FrameTable(names, step, first, fps)


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return [cell.strip().strip('"') for cell in line.split(delimiter)]


def _check_columns(path: Path, layout: TableLayout, kinds: list[str | None]) -> None:
    check_columns([name.lower() for name in layout.columns], f"{path}, line 1")
    if kinds.count("frame") > 1 or kinds.count("time") > 1:
        raise ValueError(f"{path}, line 1: several columns count frames or times, {listed(layout.columns)}: keep one")
    values = [name for name, kind in zip(layout.columns, kinds, strict=True) if kind in (None, "label")]
    if not layout.one_hot and len(values) != 1:
        if sum(_BOUNDARY.match(name) is not None for name in layout.columns) == 2:
            raise ValueError(
                f"{path} is a table with the columns {listed(layout.columns)}: for segments, expected the columns "
                "label, start_s and stop_s (seconds), or start_frame and stop_frame, between commas, semicolons or tabs"
            )
        raise ValueError(
            f"{path} is a table with the columns {listed(layout.columns)}: expected the frame (or time) and one column "
            "of labels, or a column of 0 and 1 for every class; remove the others"
        )


def _rows(path: Path, text: str, layout: TableLayout) -> Iterator[tuple[int, list[str]]]:
    """Cells of the rows below the header with their lines; blank lines at the end of the file do not count."""
    lines = text.rstrip().split("\n")[1:]
    if layout.delimiter in (" ", "\n"):
        for line, content in enumerate(lines, start=2):
            yield line, content.split(None, len(layout.columns) - 1) if layout.delimiter == " " else [content.strip()]
        return
    for line, cells in read_rows(path, "\n".join(lines), layout.delimiter, keep_empty=True):
        yield line + 1, cells


def _counter(cell: str, kind: str, where: str) -> float:
    pattern, content = (_INTEGER, "the number of a frame") if kind == "frame" else (_DECIMAL, "seconds")
    if not pattern.fullmatch(cell):
        raise ValueError(f"{where}: expected {content}, got {cell[:80]!r}")
    return int(cell) if kind == "frame" else float(cell)


def _occurs(row: list[str], layout: TableLayout, track: str, where: str) -> str:
    cell = row[layout.columns.index(track)] if track in layout.columns else ""
    if cell not in (*_ONE, *_ZERO):
        raise ValueError(f"{where}: expected 0 or 1 in a column {track!r}, got {cell or 'nothing'!r}")
    return track if cell in _ONE else NOTHING


def _label(row: list[str], layout: TableLayout, kinds: list[str | None], where: str) -> str:
    values = {
        name: cell
        for name, cell, kind in zip(layout.columns, row, kinds, strict=True)
        if kind in (None, "label")
    }  # fmt: skip
    if not layout.one_hot:
        (label,) = values.values()
        if not label:
            raise ValueError(f"{where}: expected a label, got nothing")
        return label
    ones = [name for name, cell in values.items() if cell in _ONE]
    if len(ones) != 1 or not {*values.values()} <= {*_ONE, *_ZERO}:
        raise ValueError(
            f"{where}: expected a single 1 and otherwise 0, got {listed(values.values())}; a frame has one label, "
            "several at a time are tracks, in a table of segments with a column `track`"
        )
    return ones[0]
