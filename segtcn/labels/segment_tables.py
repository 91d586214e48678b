"""Segment tables, ``label,start,stop``, in and out: of one video, or of its tracks with a first column ``track``."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segtcn.labels.classes import listed
from segtcn.labels.error_list import ErrorList
from segtcn.labels.labels import Labels
from segtcn.labels.positions import PERSON_COLUMN, VIDEO_COLUMN
from segtcn.labels.text_rows import check_columns, read_rows
from segtcn.structures import IGNORE

COLUMNS = ("label", "start", "stop", "start_s", "stop_s", "confidence")
"""Header of a segment table; the last three columns may be missing or empty."""

TRACK = "track"
"""First column of a table of several tracks."""

MAX_FRAMES = 20_000_000
"""Of a video: a week at 30 a second. A table that claims more would fill the memory."""

_INTEGER = re.compile(r"\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"nan|\d{1,18}(\.\d*)?([eE][-+]?\d{1,2})?", re.ASCII)


def read_segments(path: Path, text: str, track: str | None = None) -> Labels:
    """Read a segment table.

    Args:
        path: the file, for messages.
        text: its content.
        track: the track to read, where the table has several.

    Raises:
        ValueError: if the table cannot be understood, there is no such track, or segments leave gaps or overlap.
    """
    rows: list[_Row] = []
    errors = ErrorList()
    tables = [(where, cells) for where, cells in _rows(path, text) if track in (None, cells.get(TRACK))]
    _check_one_video(path, [cells for _, cells in tables])
    for where, cells in tables:
        with errors.collect():
            rows.append(_row(cells, where, rows[-1].stop if rows else 0))
    errors.raise_any()
    if not rows:
        of_track = "" if track is None else f" of a track {track!r}"
        raise ValueError(f"{path} has a header and no segments{of_track}: expected at least one")
    stop, stop_s = rows[-1].stop, rows[-1].stop_s
    fps = stop / stop_s if stop_s > 0 else None
    if fps is not None and not 0.05 <= fps <= 10_000:
        raise ValueError(f"{path}: its seconds say {fps:g} frames a second: another unit than seconds?")
    for row in rows:
        row.check_seconds(fps, rows[-1].where)
    segments = Labels.from_names([row.label for row in rows], fps=fps, source=str(path))
    shares, lengths = np.array([row.share for row in rows], np.float32), [row.stop - row.start for row in rows]
    known = ~np.isnan(shares)
    if known.any() and not known[segments.indexes != IGNORE].all():
        raise ValueError(f"{path}: expected a confidence in every row or in none, got it in some")
    confidence = np.repeat(shares, lengths) if known.any() else None
    return replace(segments, indexes=np.repeat(segments.indexes, lengths), confidence=confidence)


def _check_one_video(path: Path, rows: list[dict[str | None, Any]]) -> None:
    """Refuse rows of several videos or persons, which a column that is not read tells apart."""
    for name in filter(None, rows[0] if rows else ()):
        values = {str(row.get(name)) for row in rows}
        kinds = (VIDEO_COLUMN, PERSON_COLUMN)
        if len(values) > 1 and any(kind.fullmatch(name.lower()) for kind in kinds):
            remedy = f"choose one track, such as {path}/{min(values)}" if name == TRACK else "split it"
            raise ValueError(
                f"{path}: its column {name!r} has {listed(sorted(values))}: expected the labels of one video; {remedy}"
            )


class _Row(NamedTuple):
    """A row of a segment table; seconds and share are NaN where they are missing."""

    where: str
    label: str
    start: int
    stop: int
    start_s: float
    stop_s: float
    share: float

    def check_seconds(self, fps: float | None, last: str) -> None:
        """Refuse seconds that are not those of the frames at the rate of the last row."""
        for frame, second in ((self.start, self.start_s), (self.stop, self.stop_s)):
            if not math.isnan(second) and (fps is None or abs(second * fps - frame) > 0.5 + 1e-5 * fps):
                rate = "no rate" if fps is None else f"{fps:.6g} frames a second"
                raise ValueError(
                    f"{self.where}: frame {frame} is said to be at {second:g} s, but {last} says {rate}: correct one"
                )


def _row(cells: dict[str | None, Any], where: str, frame: int) -> _Row:
    """A row that begins at a frame."""
    if None in cells or None in cells.values():
        raise ValueError(f"{where}: expected {','.join(COLUMNS)}, got more or fewer values; quote labels with commas")
    try:
        start, stop = int(_number(cells["start"], _INTEGER)), int(_number(cells["stop"], _INTEGER))
        start_s, stop_s, share = (
            _number(cells.get(name) or "nan", _DECIMAL) for name in ("start_s", "stop_s", "confidence")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: expected {','.join(COLUMNS)} with numbers, got {list(cells.values())}") from error
    if not (0 <= share <= 1 or math.isnan(share)):
        raise ValueError(f"{where}: expected a confidence from 0 to 1, got {cells['confidence']}")
    if not cells["label"]:
        raise ValueError(f"{where}: expected the name of a class in the column `label`, got nothing")
    if start != frame or stop <= start:
        raise ValueError(
            f"{where}: expected a segment that starts at frame {frame}, where the one before it stops, "
            f"and is not empty, got {start} to {stop}"
        )
    if stop > MAX_FRAMES:
        raise ValueError(f"{where}: a segment that stops at frame {stop:,} is beyond any video; correct it")
    return _Row(where, cells["label"], start, stop, start_s, stop_s, share)


def _number(text: str, pattern: re.Pattern[str]) -> float:
    """A number as programs write it; Python would also take ``6_0``."""
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _rows(path: Path, text: str) -> Iterator[tuple[str, dict[str | None, Any]]]:
    """Cells by column; None stands for what one of them lacks."""
    (_, header), *rows = read_rows(path, text)
    check_columns([name.lower() for name in header], f"{path}, line 1")
    for line, cells in rows:
        yield f"{path}, line {line}", dict(zip_longest(header, cells))


def tracks_in(path: Path, text: str) -> list[str]:
    """Names of the tracks in a segment table, in the order of the file; none if it has no column ``track``."""
    if not text.startswith(f"{TRACK},"):
        return []
    return list(dict.fromkeys(str(cells[TRACK]) for _, cells in _rows(path, text)))


def segment_table(tracks: Mapping[str, Labels]) -> str:
    """Write a segment table.

    Args:
        tracks: labels by the name of their track; those of a video without tracks have the name "".
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    has_tracks = [*tracks] != [""]
    writer.writerow([TRACK] * has_tracks + [*COLUMNS])
    for name, labels in tracks.items():
        for row in labels.rows():
            seconds = ["" if value is None else f"{value:.6f}" for value in (row.start_s, row.stop_s)]
            share = "" if row.confidence is None else f"{row.confidence:.4f}"
            writer.writerow([name] * has_tracks + [row.label, row.start, row.stop, *seconds, share])
    return table.getvalue()
