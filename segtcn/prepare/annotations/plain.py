"""Plain tables and lists of segments, ``.csv``, ``.tsv`` and ``.json``, in seconds or in frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from segtcn.labels.detection import LABEL, START, STOP, json_content, segment_delimiter
from segtcn.labels.error_list import ErrorList
from segtcn.labels.text_rows import check_columns, read_rows, read_text
from segtcn.prepare.annotations.contradictions import (
    TableRow,
    Timed,
    check_agreement,
    check_columns_beside,
    check_times,
    is_whole,
)
from segtcn.prepare.annotations.intervals import Annotations, Interval, Unit, make_interval, number, stated_name
from segtcn.structures import is_rate


def read_csv(path: Path, fps: float | None = None, unit: Unit | None = None) -> list[Annotations]:
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
    text = read_text(path, "annotations")
    delimiter = segment_delimiter(text)
    if delimiter is None:
        first = text.lstrip().split("\n", 1)[0]
        raise ValueError(f"{path}, line 1: expected a header such as label,start_s,stop_s, got {first[:80]!r}")
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


def read_json(path: Path, fps: float | None = None, unit: Unit | None = None) -> list[Annotations]:
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
    content = json_content(path)
    if isinstance(content, list):
        content = {"segments": content}
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a list of segments, got {type(content).__name__}")
    key = next((key for key in ("segments", "annotations") if isinstance(content.get(key), list)), None)
    if key is not None:
        own_unit = content.get("unit")
        if own_unit not in (None, "seconds", "frames"):
            raise ValueError(f"{path}: `unit` must be seconds or frames, got {own_unit!r}")
        if not isinstance(content.get("video") or "", str):
            raise ValueError(f"{path}: expected the name of the video under `video`, got {str(content['video'])[:80]}")
        fps = fps if content.get("fps") is None else number(content["fps"], f"{path}, fps")
        lists = {content.get("video") or "": content[key]}
        if len([key for key in ("segments", "annotations") if content.get(key)]) > 1:
            raise ValueError(f"{path} has two lists, segments and annotations: keep one")
        beside = {name: value for name, value in content.items() if name not in (key, "video", "fps", "unit")}
    else:
        own_unit, lists, beside = None, content, {}
    rows: list[TableRow] = []
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


def _by_video(path: Path, rows: Sequence[TableRow], fps: float | None, unit: Unit | None) -> list[Annotations]:
    if not rows:
        raise ValueError(f"{path} holds no segments: expected at least one")
    start, stop, stated = _times(path, rows, unit)
    whole = all(is_whole(row[name]) for _, row in rows for name in (start, stop) if name in row)
    unit = stated or ("frames" if whole else "seconds")
    if unit == "frames" and (fps is None or not is_rate(fps)):
        raise ValueError(
            f"{path}: times are in frames: give their positive rate (`fps`), got {fps}, or say that they are seconds"
        )
    rate = fps if unit == "frames" else None
    check_agreement(rows)
    check_columns_beside(path, rows, rate)
    videos: dict[str, list[Timed]] = {}
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
            start_s, stop_s, label = make_interval(number(row[start], where), number(row[stop], where), label, where)
            videos.setdefault(name, []).append(Timed(where, row, label, start_s, stop_s))
    for timed in videos.values():
        with errors.collect():
            check_times(timed, unit, rate, is_guess=stated is None)
    errors.raise_any()
    return [
        Annotations(
            (name,),
            [Interval(row.start / (rate or 1), row.stop / (rate or 1), row.label) for row in timed],
            str(path),
            None if stated else unit,
            first_frame=None if rate is None else min(row.start for row in timed),
        )
        for name, timed in videos.items()
    ]


def _times(path: Path, rows: Sequence[TableRow], unit: Unit | None) -> tuple[str, str, Unit | None]:
    """Names of the columns with the times, and their unit if the file or the caller says it."""
    present = {name for _, row in rows for name, value in row.items() if value not in (None, "")}
    kinds: list[tuple[str, Unit | None]] = [("_s", "seconds"), ("_frame", "frames"), ("", unit)]
    if unit is not None:  # the caller means the columns without a unit of their own
        kinds = [kinds[2], *kinds[:2]]
    for ending, unit_of_ending in kinds:
        start = next((f"{name}{ending}" for name in START if f"{name}{ending}" in present), None)
        stop = next((f"{name}{ending}" for name in STOP if f"{name}{ending}" in present), None)
        if start and stop:
            return start, stop, unit_of_ending
    raise ValueError(f"{path}: expected `label`, `start` and `stop` (or `start_s` and `stop_s`), got {sorted(present)}")
