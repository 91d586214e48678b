"""Refuse tables of segments that contradict themselves, or hold more than is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from segtcn.labels.detection import LABEL, START, STOP
from segtcn.labels.label_lines import SUMMARY
from segtcn.labels.positions import PERSON_COLUMN, VIDEO_COLUMN, column_kind
from segtcn.prepare.annotations.intervals import Unit, number, stated_name

TableRow = tuple[str, Mapping[str, Any]]
"""File and line, and the cells by their column."""

_LENGTH = re.compile(r"(duration|length)(_s|_frames?)?")
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?")
_ROUNDING = {"seconds": 0.016, "frames": 0.5}  # of three times with two decimals


class Timed(NamedTuple):
    """A row and its times, in the unit of the table.

    Args:
        where: file and line.
        cells: by their column.
        label: of the segment.
        start: first frame or second.
        stop: as the file has it.
    """

    where: str
    cells: Mapping[str, Any]
    label: str
    start: float
    stop: float


def check_columns_beside(path: Path, rows: Sequence[TableRow], fps: float | None) -> None:
    """Refuse columns beside those that are read which say that the rows mean something else.

    Args:
        path: the file.
        rows: all of them.
        fps: rate at which the file counts frames; None for seconds.

    Raises:
        ValueError: if two columns are one thing, or one names other videos, persons, a unit or a rate.
    """
    values: dict[str, set[str]] = {}
    for _, row in rows:
        for name, value in row.items():
            values.setdefault(name, set()).update([str(value)] if value not in (None, "") else [])
    edges = ([f"{name}{ending}" for name in names] for names in (START, STOP) for ending in ("", "_s"))
    for columns in (LABEL, *edges):
        if len(several := [name for name in columns if values.get(name)]) > 1:
            raise ValueError(f"{path} has the columns {' and '.join(several)}: keep the one that is meant")
    label = next((name for name in LABEL if values.get(name)), None)
    if label is not None and all(map(_NUMBER.fullmatch, values[label])):
        for name in values.keys() - {*LABEL}:
            if column_kind(name) == "label" and not all(map(_NUMBER.fullmatch, values[name])):
                raise ValueError(f"{path}: its column {label!r} has numbers, {name!r} has names: keep one, as `label`")
    for name in values.keys() - {"video"}:
        stems = {stated_name(value).rpartition("/")[2] for value in values[name]}
        if VIDEO_COLUMN.fullmatch(name) and stems - {path.stem}:
            raise ValueError(
                f"{path}: its column {name!r} names other videos than the file: call it `video`, or remove it"
            )
        if PERSON_COLUMN.fullmatch(name) and len(stems) > 1:
            raise ValueError(f"{path}: its column {name!r} has {', '.join(sorted(stems)[:5])}: keep the rows of one")
        if name in ("unit", "units", "offset"):
            raise ValueError(
                f"{path}: {name!r} is not read: write times in seconds from the start, as start_s and stop_s"
            )
        rates = [number(each, name) for each in values[name]] if fps and name in ("fps", "frame_rate") else []
        if fps and any(abs(rate - fps) > 1e-3 * fps for rate in rates):
            raise ValueError(
                f"{path}: says {name} {', '.join(sorted(values[name]))}, but its frames are read at {fps:g}"
            )


def check_agreement(rows: Sequence[TableRow]) -> None:
    """Refuse rows whose frames and seconds are not those of one rate: either may be the right one.

    Raises:
        ValueError: if it is so.
    """
    pairs: list[tuple[str, float, float]] = []
    for where, row in rows:
        for name in (*START, *STOP):
            frame = row.get(f"{name}_frame") or (row.get(name) if is_whole(row.get(name)) else None)
            second = row.get(f"{name}_s")
            if frame not in (None, "") and second not in (None, ""):
                pairs.append((where, number(frame, where), number(second, where)))
    _, last, last_s = max(pairs, key=lambda pair: pair[2], default=("", 0.0, 0.0))
    rate = last / last_s if last_s > 0 else 0.0
    if wrong := [pair for pair in pairs if abs(pair[2] * rate - pair[1]) > 0.5 + 1e-3 * rate]:
        where, frame, second = wrong[0]
        raise ValueError(
            f"{where}: frame {frame:g} is said to be at {second:g} s, but frame {last:g} at {last_s:g} s: correct one"
        )


def is_whole(value: object) -> bool:
    """Whether a cell is a whole number without a decimal point."""
    if isinstance(value, str):
        return re.fullmatch(r"[+-]?\d+", value, re.ASCII) is not None
    return isinstance(value, int)


def check_times(rows: Sequence[Timed], unit: Unit, fps: float | None, is_guess: bool) -> None:
    """Refuse the rows of one video if they show that they mean something else.

    Args:
        rows: in the order of the file.
        unit: of their times.
        fps: rate of the frames; None where they are seconds.
        is_guess: whether the unit is guessed; then nothing is concluded from frames.

    Raises:
        ValueError: if the last row adds up the others, frames are not whole, the stop is part of a segment, a stated
            duration is another one, or another column tells several videos or persons apart.
    """
    if SUMMARY.fullmatch(rows[-1].label) and sum(row.label == rows[-1].label for row in rows) == 1 < len(rows):
        raise ValueError(f"{rows[-1].where}: {rows[-1].label!r} seems to add up the rows above it: remove the row")
    if unit == "frames" and not is_guess:
        _check_frames(rows)
    for name in dict.fromkeys(name for row in rows for name in row.cells):
        if match := _LENGTH.fullmatch(name):
            stated: Unit = unit if match[2] is None else "seconds" if match[2] == "_s" else "frames"
            if stated == unit or (fps and stated == "seconds"):
                _check_durations(rows, name, stated, 1.0 if stated == unit or not fps else fps)
        elif name not in (*LABEL, "video") and not name.startswith((*START, *STOP)):
            _check_groups(rows, name)


def _check_frames(rows: Sequence[Timed]) -> None:
    for row in rows:
        if wrong := next((time for time in (row.start, row.stop) if not time.is_integer()), None):
            raise ValueError(
                f"{row.where}: frame {wrong:g} is not a whole number: are these seconds (start_s, stop_s)?"
            )
        if row.start == row.stop:
            raise ValueError(
                f"{row.where}: a segment from frame {row.start:g} to {row.stop:g} is empty, because its stop is not "
                "part of it: write the frame after the last one in all rows, or times in seconds"
            )
    ordered = sorted(rows, key=lambda row: row.start)
    steps = [after.start - before.stop for before, after in pairwise(ordered)]
    if 0 not in steps and 2 * steps.count(1) >= max(1, len(steps)):
        row = ordered[steps.index(1) + 1]
        raise ValueError(
            f"{row.where}: frame {row.start:g} follows the stop of the row before, as in {steps.count(1)} of "
            f"{len(steps)} rows: the stop seems to be the last frame of a segment; add 1 to it in all rows of all "
            "files, or write times in seconds"
        )


def _check_durations(rows: Sequence[Timed], name: str, unit: Unit, scale: float) -> None:
    """The duration of each segment; or of the video, if all rows have the same one and none stops behind it."""
    stated = [(row, _number_or_none(row.cells.get(name))) for row in rows]
    known = [(row, length, (row.stop - row.start) / scale) for row, length in stated if length is not None]
    others = [each for each in known if abs(each[1] - each[2]) > _ROUNDING[unit]]
    of_video = len({length for _, length, _ in known}) == 1
    if others and not (of_video and max(row.stop for row in rows) / scale <= others[0][1] + _ROUNDING[unit]):
        row, length, by_times = others[0]
        raise ValueError(
            f"{row.where}: lasts {by_times:g} {unit} by its times, but its {name!r} says {length:g}: correct one"
        )


def _number_or_none(cell: object) -> float | None:
    try:
        return number(cell, "") if isinstance(cell, str | int | float) else None
    except ValueError:
        return None


def _check_groups(rows: Sequence[Timed], name: str) -> None:
    """Times that run back where a column changes, of labels that are there on both sides: several videos or persons."""
    blocks = [(value, [*group]) for value, group in groupby(rows, key=lambda row: str(row.cells.get(name, "")))]
    values = {value for value, _ in blocks}
    if len(values) < 2 or len(values) < len(blocks) or 2 * len(blocks) > len(rows):
        return
    starts = [[row.start for row in group] for _, group in blocks]
    runs_back = any(after[0] < before[-1] for before, after in pairwise(starts))
    labels = [{row.label for row in group} for _, group in blocks]
    is_shared = len(set().union(*labels)) < sum(map(len, labels))
    if runs_back and is_shared and all(of_block == sorted(of_block) for of_block in starts):
        raise ValueError(
            f"{blocks[1][1][0].where}: times run back where the column {name!r} changes from {blocks[0][0]!r} to "
            f"{blocks[1][0]!r}: call it `video` if it names videos, or keep the rows of one"
        )
