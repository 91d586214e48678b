"""Plain tables and lists of segments, ``.csv``, ``.tsv`` and ``.json``, in seconds or in frames."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segtcn.labels.detection import LABEL, START, STOP, load_json, segment_delimiter
from segtcn.labels.error_list import ErrorList
from segtcn.prepare.annotations.intervals import (
    Annotations,
    Unit,
    check_columns,
    make_interval,
    number,
    read_rows,
    read_text,
    stated_name,
)

Row = tuple[str, Mapping[str, Any]]

_VIDEOS = re.compile(r"(video|file|clip|recording)[\W_]*(id|name|file|path)?s?")
_PERSONS = re.compile(
    r"(subject|participant|person|annotator|rater|coder|tier|track|hand|animal|actor)[\W_]*(id|name)?"
)


def read_csv(path: str | os.PathLike[str], fps: float | None = None, unit: Unit | None = None) -> list[Annotations]:
    """Read a table of segments whose first line names its columns, in any order.

    ``label``, ``start``, ``stop`` (or ``end``) are needed; a column ``video`` lets one file hold all videos; others are
    left unread. Values are separated by commas, semicolons or tabs. ``stop`` is not part of the segment.

    ``start_s`` and ``stop_s`` are seconds, ``start_frame`` and ``stop_frame`` frames. ``start`` and ``stop`` are what
    ``unit`` says; without it they are frames if all of them are whole numbers without a decimal point, else seconds.

    Args:
        path: the file.
        fps: frames per second of times in frames.
        unit: of ``start`` and ``stop``.

    Returns:
        Annotations for every video, named as the column ``video`` says, or else after the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a column is missing, a row cannot be understood, or times are in frames and there is no ``fps``.
    """
    path = Path(path)
    text = read_text(path)
    delimiter = segment_delimiter(text)
    if delimiter is None:
        raise ValueError(
            f"{path}, line 1: expected a header such as label,start_s,stop_s, got {_first_line(text)[:80]!r}"
        )
    table = read_rows(path, text, delimiter)
    _, header = next(table)
    columns = [name.lower() for name in header]
    check_columns(columns, f"{path}, line 1")
    rows = []
    errors = ErrorList()
    for line, cells in table:
        where = f"{path}, line {line}"
        if len(cells) > len(columns):
            errors.messages.append(
                f"{where}: expected {len(columns)} values, got {len(cells)}; decimal commas must be points, and labels "
                "that hold the separator stand in quotes"
            )
        rows.append((where, dict(zip(columns, cells, strict=False))))
    errors.raise_any()
    return _by_video(path, rows, fps, unit)


def read_json(path: str | os.PathLike[str], fps: float | None = None, unit: Unit | None = None) -> list[Annotations]:
    """Read a list of objects with the keys that :func:`read_csv` has as columns.

    The list may stand in an object under ``segments`` or ``annotations``, beside ``video``, ``fps`` and ``unit``, or in
    an object that has such a list for every video under its name.

    Args:
        path: the file.
        fps: frames per second of times in frames; the file's own comes first.
        unit: of ``start`` and ``stop``; the file's own comes first.

    Returns:
        Annotations for every video.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such JSON, or as :func:`read_csv`.
    """
    path = Path(path)
    content = load_json(path, read_text(path))
    if isinstance(content, list):
        content = {"segments": content}
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a list of segments, got {type(content).__name__}")
    key = next((key for key in ("segments", "annotations") if isinstance(content.get(key), list)), None)
    if key is not None:
        own_unit = content.get("unit")
        if own_unit not in (None, "seconds", "frames"):
            raise ValueError(f"{path}: `unit` must be seconds or frames, got {own_unit!r}")
        fps = fps if content.get("fps") is None else number(content["fps"], f"{path}, fps")
        lists = {content.get("video") or "": content[key]}
        if len([key for key in ("segments", "annotations") if content.get(key)]) > 1:
            raise ValueError(f"{path} has two lists, segments and annotations: keep one")
        beside = {name: value for name, value in content.items() if name not in (key, "video", "fps", "unit")}
    else:
        own_unit, lists, beside = None, content, {}
    rows: list[Row] = []
    for name, segments in lists.items():
        if not isinstance(segments, list):
            raise ValueError(f"{path}: expected a list of segments under {name!r}, got {type(segments).__name__}")
        for index, segment in enumerate(segments, start=1):
            where = f"{path}, segment {index}" + (f" of {name!r}" if name else "")
            if not isinstance(segment, dict):
                raise ValueError(f"{where}: expected an object with label, start and stop, got {str(segment)[:80]}")
            check_columns([key.lower() for key in segment], where)
            rows.append((where, beside | {"video": name} | {key.lower(): value for key, value in segment.items()}))
    return _by_video(path, rows, fps, own_unit or unit)


def _by_video(path: Path, rows: Sequence[Row], fps: float | None, unit: Unit | None) -> list[Annotations]:
    if not rows:
        raise ValueError(f"{path} holds no segments: expected at least one")
    start, stop, stated = _times(path, rows, unit)
    whole = all(_is_whole(row[name]) for _, row in rows for name in (start, stop) if name in row)
    unit = stated or ("frames" if whole else "seconds")
    if unit == "frames" and (fps is None or not fps > 0):
        raise ValueError(
            f"{path}: times are in frames: give their positive rate (`fps`), got {fps}, or say that they are seconds"
        )
    rate = fps if unit == "frames" and fps else 1.0
    _check_agreement(rows)
    times = [
        number(row[edge], where) for where, row in rows for edge in (start, stop) if row.get(edge) not in (None, "")
    ]
    if unit == "frames" and sum(not time.is_integer() for time in times) > len(times) / 2:
        raise ValueError(
            f"{path}: most of its frames are not whole numbers, such as {max(times):g}: are these seconds?"
        )
    _check_unread(path, rows, fps if unit == "frames" else None)
    videos: dict[str, Annotations] = {}
    stated_as: dict[str, str] = {}
    errors = ErrorList()
    for where, row in rows:
        with errors.collect():
            if empty := next((name for name in (start, stop) if row.get(name) in (None, "")), None):
                raise ValueError(f"{where}: expected a value for `{empty}`, got nothing")
            label = next((row[name] for name in LABEL if name in row), "")
            place = str(row.get("video") or "")
            name = stated_name(place) if place else path.stem
            if stated_as.setdefault(name, place) != place:
                raise ValueError(
                    f"{where}: the videos {stated_as[name]!r} and {place!r} would both be {name!r}; rename one"
                )
            annotations = videos.setdefault(name, Annotations((name,), [], str(path), None if stated else unit))
            start_s, stop_s = (number(row[edge], where) / rate for edge in (start, stop))
            annotations.intervals.append(make_interval(start_s, stop_s, label, where))
    errors.raise_any()
    return list(videos.values())


def _check_unread(path: Path, rows: Sequence[Row], fps: float | None) -> None:
    """Refuse columns beside those that are read which say that the rows mean something else."""
    values: dict[str, set[str]] = {}
    for _, row in rows:
        for name, value in row.items():
            values.setdefault(name, set()).update([str(value)] if value not in (None, "") else [])
    for columns in (
        LABEL,
        *([f"{name}{ending}" for name in names] for names in (START, STOP) for ending in ("", "_s")),
    ):
        if len(several := [name for name in columns if values.get(name)]) > 1:
            raise ValueError(f"{path} has the columns {' and '.join(several)}: keep the one that is meant")
    for name in values.keys() - {"video"}:
        stems = {stated_name(value).rpartition("/")[2] for value in values[name]}
        if _VIDEOS.fullmatch(name) and stems - {path.stem}:
            raise ValueError(f"{path}: its column {name!r} names other videos than the file: call it `video`")
        if _PERSONS.fullmatch(name) and len(stems) > 1:
            raise ValueError(f"{path}: its column {name!r} has {', '.join(sorted(stems)[:5])}: keep the rows of one")
        if name in ("unit", "units", "offset"):
            raise ValueError(
                f"{path}: {name!r} is not read: write times in seconds from the start, as start_s and stop_s"
            )
        if (
            name in ("fps", "frame_rate")
            and fps
            and any(abs(number(each, name) - fps) > 1e-3 * fps for each in values[name])
        ):
            raise ValueError(
                f"{path}: says {name} {', '.join(sorted(values[name]))}, but its frames are read at {fps:g}"
            )


def _check_agreement(rows: Sequence[Row]) -> None:
    """Refuse rows whose frames and seconds are not those of one rate: either may be the right one."""
    pairs: list[tuple[str, float, float]] = []
    for where, row in rows:
        for name in (*START, *STOP):
            frame = row.get(f"{name}_frame") or (row.get(name) if _is_whole(row.get(name)) else None)
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


def _times(path: Path, rows: Sequence[Row], unit: Unit | None) -> tuple[str, str, Unit | None]:
    """Names of the columns with the times, and their unit if the file or the caller says it."""
    present = {name for _, row in rows for name, value in row.items() if value not in (None, "")}
    kinds: list[tuple[str, Unit | None]] = [("_s", "seconds"), ("_frame", "frames"), ("", unit)]
    if unit is not None:  # the caller means the columns without a unit of their own
        kinds = [kinds[2], *kinds[:2]]
    for ending, own in kinds:
        start = next((f"{name}{ending}" for name in START if f"{name}{ending}" in present), None)
        stop = next((f"{name}{ending}" for name in STOP if f"{name}{ending}" in present), None)
        if start and stop:
            return start, stop, own
    raise ValueError(f"{path}: expected `label`, `start` and `stop` (or `start_s` and `stop_s`), got {sorted(present)}")


def _is_whole(value: object) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[+-]?\d+", value, re.ASCII) is not None
    return isinstance(value, int)


def _first_line(text: str) -> str:
    return text.lstrip().split("\n", 1)[0]
