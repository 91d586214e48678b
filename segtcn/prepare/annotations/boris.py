"""BORIS exports: tabular events (a row for every start and stop) and aggregated events (a row for every bout)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from segtcn.labels.folder import video_name
from segtcn.prepare.annotations.intervals import (
    Annotations,
    Interval,
    make_interval,
    number,
    read_rows,
    read_text,
)

_KIND = ("Behavior type", "Status")  # newer and older versions
_MEDIA = ("Media file name", "Media file path", "Media file", "Source")
_OFFSET = "Time offset (s)"
_NOTHING = ("", "NA", "LIVE", "Not found")  # what it writes where there is no clip or no number


class _Event(NamedTuple):
    where: str
    observation: str
    media: str
    subject: str
    behavior: str
    modifiers: str
    kind: str
    times: tuple[str, ...]
    offset_s: float

    def seconds(self, index: int) -> float:
        """One of the times, from the start of the clip."""
        return number(self.times[index], self.where) - self.offset_s


def is_boris(text: str) -> bool:
    """Whether a text begins like an export of BORIS: a table of behaviours, perhaps below other lines."""
    return _header(text) is not None


def read_boris(path: str | os.PathLike[str], subject: str | None = None) -> list[Annotations]:
    """Read tabular or aggregated events, ``.csv`` or ``.tsv``, of one observation or several.

    A state becomes an interval, a point event an interval of no length. Modifiers are left out. Times count from the
    start of the clip: the observation's time offset, which BORIS adds to them, is subtracted. In an observation of
    several clips BORIS counts time through all of them, so it is one video under the observation's name.

    Args:
        path: the file.
        subject: whose behaviours to take; None if there is only one subject.

    Returns:
        Annotations for every observation with events of the subject, named after its clip, then after the observation.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such an export, several subjects are in it, or a state starts and does not stop.
    """
    path = Path(path)
    events = list(_events(path, read_text(path)))
    if not events:
        raise ValueError(f"{path} has a header and no events: expected at least one")
    subjects = list(dict.fromkeys(event.subject for event in events))
    if subject is None and len(subjects) > 1:
        raise ValueError(f"{path} has several subjects: choose one of {', '.join(subjects)} (`track`)")
    if subject is not None and subject not in subjects:
        raise ValueError(f"{path} has no subject {subject!r}: choose one of {', '.join(subjects)}")
    by_observation: dict[str, list[_Event]] = {}
    for event in events:
        if subject in (None, event.subject):
            by_observation.setdefault(event.observation, []).append(event)
    clips: dict[str, set[str]] = {event.observation: set() for event in events}
    for event in events:
        clips[event.observation] |= {event.media} - {""}
    return [_annotations(path, name, bouts, sorted(clips[name])) for name, bouts in by_observation.items()]


def _annotations(path: Path, observation: str, events: list[_Event], clips: list[str]) -> Annotations:
    several = len(clips) > 1 or any(";" in clip for clip in clips)
    names = [observation] if several else [*map(video_name, clips), observation]
    notes = [f"observation {observation!r} runs through several clips: one video"] if several else []
    if any(event.modifiers for event in events):
        notes.append("modifiers are left out")
    offsets = dict.fromkeys(event.offset_s for event in events)
    notes += [f"the time offset of {offset_s:g} s is subtracted" for offset_s in offsets if offset_s]
    tabular = any(len(event.times) == 1 for event in events)
    intervals = list(_bouts(events)) if tabular else [_bout(event) for event in events]
    names = [name for name in dict.fromkeys(names) if name] or [path.stem]
    return Annotations(tuple(names), intervals, str(path), None, tuple(notes))


def _bout(event: _Event) -> Interval:
    start_s = event.seconds(0)
    # a point event has `NA`, nothing, or the same time there
    stop_s = start_s if event.kind == "POINT" else event.seconds(1)
    return make_interval(start_s, stop_s, event.behavior, event.where)


def _bouts(events: list[_Event]) -> Iterator[Interval]:
    running: dict[tuple[str, str], _Event] = {}
    for event in events:
        key = event.behavior, event.modifiers
        time_s = event.seconds(0)
        if event.kind == "POINT":
            yield make_interval(time_s, time_s, event.behavior, event.where)
        elif event.kind == "START":
            if key in running:
                raise ValueError(f"{event.where}: {event.behavior!r} starts again before it stops; pair them in BORIS")
            running[key] = event
        elif key in running:
            yield make_interval(running.pop(key).seconds(0), time_s, event.behavior, event.where)
        else:
            raise ValueError(f"{event.where}: {event.behavior!r} stops and never started; pair them in BORIS")
    for event in running.values():
        raise ValueError(f"{event.where}: {event.behavior!r} starts and never stops; pair them in BORIS")


def _events(path: Path, text: str) -> Iterator[_Event]:
    header = _header(text)
    if header is None:
        raise ValueError(
            f"{path} is not an export of BORIS: expected a table with the column Behavior; export the events"
        )
    line, delimiter = header
    above = {"Observation id": path.stem}
    columns: list[str] = []
    for end, row in read_rows(path, text, delimiter):
        where = f"{path}, line {end}"
        if end < line:  # older versions: lines about the observation come first
            above |= {row[0]: row[1]} if len(row) > 1 else {}
            continue
        if end == line:
            columns = row
            continue
        if len(row) > len(columns):
            raise ValueError(f"{where}: expected {len(columns)} values, got {len(row)}; export it again")
        cells = dict(zip(columns, row, strict=False))
        times = ("Time",) if "Time" in columns else ("Start (s)", "Stop (s)")
        kind = next((cells[name] for name in _KIND if name in cells), "").upper()
        expected = ("POINT", "START", "STOP") if len(times) == 1 else ("POINT", "STATE")
        if kind not in expected:
            raise ValueError(f"{where}: expected an event of the type {', '.join(expected)}, got {kind!r}")
        media = next((cells[name] for name in _MEDIA if cells.get(name, "") not in _NOTHING), "")
        offset = cells.get(_OFFSET) or above.get(_OFFSET, "")
        yield _Event(
            where=where,
            observation=cells.get("Observation id") or above["Observation id"],
            media=re.sub(r"^player #\d+:\s*", "", media, flags=re.IGNORECASE),
            subject=cells.get("Subject") or "No focal subject",
            behavior=cells["Behavior"] if cells.get("Behavior") else "",
            modifiers="|".join(cells[name] for name in columns if name.startswith("Modifier") and cells.get(name)),
            kind=kind,
            times=tuple(cells.get(name, "") for name in times),
            offset_s=0.0 if offset in _NOTHING else number(offset, where),
        )


def _header(text: str) -> tuple[int, str] | None:
    """Number of the header's line, counted from 1, and the delimiter."""
    for line, content in enumerate(text.split("\n", 200)[:200], start=1):
        for delimiter in ("\t", ",", ";"):
            cells = {cell.strip().strip('"') for cell in content.split(delimiter)}
            if "Behavior" in cells and cells & set(_KIND) and ("Time" in cells or "Start (s)" in cells):
                return line, delimiter
    return None
