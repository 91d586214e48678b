"""BORIS: tabular events (a row for every start and stop), aggregated events (a row for every bout), and projects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from segtcn.labels.detection import boris_header, json_content
from segtcn.labels.error_list import ErrorList
from segtcn.labels.text_rows import check_columns, read_rows, read_text
from segtcn.prepare.annotations.intervals import (
    Annotations,
    ClipOfAnnotations,
    Interval,
    choose_track,
    make_interval,
    number,
    stated_name,
    well_formed,
)

_KIND = ("Behavior type", "Status")  # newer and older versions
_MEDIA = ("Media file name", "Media file path", "Media file")
_RATE = ("FPS", "FPS (frame/s)")
_IMAGES = (("Image index", "Image index start"), ("Image index stop",))
_OFFSET = "Time offset (s)"
_NOTHING = ("", "NA", "LIVE", "Not found")  # what it writes where there is no clip or no number
_USED = ("Observation id", "Subject", "Behavior", "Time", "Start (s)", "Stop (s)", "Source", "Media duration (s)")
_ROUNDING_S = 0.0051  # of times with two decimals
_CLIP_SLIP_S = 1.0  # by which a time, its clip and its image may disagree: rates that vary, rounding


class Recording(NamedTuple):
    """What an observation says of its first player: all of its clips, one after the other.

    Args:
        clips: their names.
        durations_s: of each.
        rates: frames per second of each.
    """

    clips: tuple[str, ...]
    durations_s: tuple[float, ...] = ()
    rates: tuple[float, ...] = ()

    @property
    def is_queue(self) -> bool:
        """Whether there are several clips; sometimes only the number of durations or rates says it."""
        return max(map(len, self)) > 1

    def spans(self) -> tuple[ClipOfAnnotations, ...]:
        """Where each of several clips lies in the time of the observation; nothing if that is not known."""
        if not self.is_queue or len(self.clips) != len(self.durations_s):
            return ()
        stops = [*list(accumulate(self.durations_s))[:-1], float("inf")]
        return tuple(map(ClipOfAnnotations, self.clips, [0.0, *stops[:-1]], stops))


class Event(NamedTuple):
    """A row of an export, or an event of a project.

    Args:
        where: file and line, for messages.
        observation: its name.
        media: the clip that the row names, or nothing.
        recording: what it says of all clips.
        subject: whose behaviour it is.
        behavior: the class.
        modifiers: they tell states apart.
        kind: ``POINT``, ``START``, ``STOP``, or ``STATE`` with two times.
        times: as they stand in the file.
        images: index of the clip's image at each time, where there is one.
        offset_s: in the times.
        lasts_s: duration of a state that an aggregated row states besides.
    """

    where: str
    observation: str
    media: str
    recording: Recording
    subject: str
    behavior: str
    modifiers: str
    kind: str
    times: tuple[str | float, ...]
    images: tuple[str, ...]
    offset_s: float
    lasts_s: float | None = None

    def seconds(self, index: int) -> float:
        """One of the times, from the start of the observation; checked against what else the row says of it."""
        time_s = number(self.times[index], self.where) - self.offset_s
        spans = self.recording.spans()
        clip = next((span for span in spans if time_s < span.stop_s), None)
        if clip is not None and index == 0 and self.media in self.recording.clips and self.media != clip.name:
            stated = spans[self.recording.clips.index(self.media)]
            if not stated.start_s - _CLIP_SLIP_S <= time_s <= stated.stop_s + _CLIP_SLIP_S:
                raise ValueError(
                    f"{self.where}: {time_s:g} s lies in {clip.name} by the durations of the clips, but the row names "
                    f"{self.media}; export it again"
                )
        self._check_image(index, time_s - (clip.start_s if clip else 0), spans.index(clip) if clip else 0)
        return time_s

    def _check_image(self, index: int, time_s: float, position: int) -> None:
        """The index of the image counts from the start of the clip, and says the same time."""
        image = self.images[index] if index < len(self.images) else ""
        if not re.fullmatch(r"\d{1,9}", image, re.ASCII) or position >= len(self.recording.rates):
            return
        image_s = int(image) / self.recording.rates[position]
        if abs(image_s - time_s) > _CLIP_SLIP_S + 0.02 * image_s:
            raise ValueError(
                f"{self.where}: its image {image} lies at {image_s:g} s of the clip, its time at {time_s:g} s: the row "
                "contradicts itself; export it again"
            )


def read_boris(path: Path, subject: str | None = None) -> list[Annotations]:
    """Read tabular or aggregated events, ``.csv`` or ``.tsv``, of one observation or several.

    A state becomes an interval, a point event an interval of no length. Modifiers are left out. Times count from the
    start of the observation: its time offset, which BORIS adds to them, is subtracted. BORIS counts time through all
    clips of an observation. Which these are, ``Source`` says, whichever rows were exported; with their durations the
    times are split into clips, else the observation is one video under its name.

    Args:
        path: the file.
        subject: whose behaviours to take; None if there is only one subject.

    Returns:
        Annotations for every observation with events of the subject, named after its clip, then after the observation.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such an export, several subjects are in it, states are not paired, or rows contradict
            themselves; the message has all of them.
    """
    return _annotations_of_events(path, _events(path, read_text(path, "annotations")), subject)


def _annotations_of_events(path: Path, events: Sequence[Event], subject: str | None) -> list[Annotations]:
    """Pair the events of one subject, observation by observation.

    Args:
        path: the file, for messages.
        events: in the order of time.
        subject: whose; None if there is only one.

    Raises:
        ValueError: as :func:`read_boris`.
    """
    if not events:
        raise ValueError(f"{path} has a header and no events: expected at least one")
    subjects = list(dict.fromkeys(event.subject for event in events))
    subject = choose_track(path, subjects, subject, "subjects")
    observations: dict[str, list[Event]] = {}
    for event in events:
        observations.setdefault(event.observation, []).append(event)
    videos = []
    errors = ErrorList()
    for name, of_all in observations.items():
        if chosen := [event for event in of_all if event.subject == subject]:
            with errors.collect():
                videos.append(_annotations(path, name, chosen, _recording(of_all)))
    errors.raise_any()
    return videos


def _recording(events: list[Event]) -> Recording:
    """What all rows of an observation say of its clips; where none lists them, the clips that the rows name."""
    stated = [event.recording for event in events if event.recording.clips]
    if not stated:
        named = tuple(dict.fromkeys(event.media for event in events if event.media))
        return Recording(named, *events[0].recording[1:])
    if other := next((event for event in events if event.recording.clips not in ((), stated[0].clips)), None):
        raise ValueError(
            f"{other.where}: the observation has other clips than in the rows before, {', '.join(stated[0].clips)}"
        )
    return stated[0]


def _annotations(path: Path, observation: str, events: list[Event], recording: Recording) -> Annotations:
    spans = recording.spans()
    names = [observation] if recording.is_queue else [*recording.clips, observation]
    notes = []
    if recording.is_queue:
        split = "split by their durations" if spans else "one video, because their durations are not known"
        notes.append(f"observation {observation!r} runs through several clips: {split}")
    if any(event.modifiers for event in events):
        notes.append("modifiers are left out")
    offsets = dict.fromkeys(event.offset_s for event in events)
    notes += [f"the time offset of {offset_s:g} s is subtracted" for offset_s in offsets if offset_s]
    intervals: list[Interval] = []
    errors = ErrorList()
    for bout in _bouts(events):
        with errors.collect():
            intervals.append(_interval(*bout))
    errors.raise_any()
    if not recording.is_queue and recording.durations_s and intervals:
        end_s, duration_s = max(interval.stop_s for interval in intervals), recording.durations_s[0]
        if end_s > 1.1 * duration_s + _CLIP_SLIP_S:
            raise ValueError(
                f"{path}: {observation!r} has events up to {end_s:g} s in a clip of {duration_s:g} s: is a clip "
                "missing, or is it another unit?"
            )
    names = [name for name in dict.fromkeys(names) if name] or [path.stem]
    return Annotations(tuple(names), intervals, str(path), None, tuple(notes), spans)


def _bouts(events: list[Event]) -> Iterator[tuple[Event, Event | str]]:
    """Start and stop of every bout; an event without a partner, and in words what is wrong with it."""
    running: dict[tuple[str, str], Event] = {}
    for event in events:
        key = event.behavior, event.modifiers
        if event.kind in ("POINT", "STATE"):
            yield event, event
        elif event.kind == "START":
            if key in running:
                yield event, "starts again before it stops"
            running[key] = event
        elif key in running:
            yield running.pop(key), event
        else:
            yield event, "stops and never started"
    for event in running.values():
        yield event, "starts and never stops"


def _interval(start: Event, stop: Event | str) -> Interval:
    if isinstance(stop, str):
        raise ValueError(f"{start.where}: {start.behavior!r} {stop}; pair them in BORIS")
    start_s = start.seconds(0)
    # a point event has `NA`, nothing, or the same time in place of its stop
    stop_s = start_s if start.kind == "POINT" else stop.seconds(len(stop.times) - 1)
    if start.lasts_s is not None and abs(stop_s - start_s - start.lasts_s) > _ROUNDING_S:
        raise ValueError(
            f"{start.where}: lasts {stop_s - start_s:g} s by its times, but says {start.lasts_s:g} s; correct it"
        )
    return make_interval(start_s, stop_s, stop.behavior, stop.where)


def _events(path: Path, text: str) -> list[Event]:
    header = boris_header(text)
    if header is None:
        raise ValueError(
            f"{path} is not an export of BORIS: expected a table with the column Behavior; export the events"
        )
    line, delimiter = header
    above = {"Observation id": path.stem}
    columns: list[str] = []
    events = []
    errors = ErrorList()
    for end, row in read_rows(path, text, delimiter):
        where = f"{path}, line {end}"
        if end < line:  # older versions: lines about the observation come first
            above |= {row[0]: row[1]} if len(row) > 1 else {}
        elif end == line:
            columns = row
            check_columns([name for name in row if name in (*_USED, *_KIND, *_MEDIA, *_RATE, _OFFSET)], where)
        else:
            with errors.collect():
                if len(row) > len(columns):
                    raise ValueError(f"{where}: expected {len(columns)} values, got {len(row)}; export it again")
                events.append(_event(dict(zip(columns, row, strict=False)), above, where))
    errors.raise_any()
    return events


def _event(cells: Mapping[str, str], above: Mapping[str, str], where: str) -> Event:
    times = ("Time",) if "Time" in cells else ("Start (s)", "Stop (s)")
    kind = _first(cells, _KIND).upper()
    expected = ("POINT", "START", "STOP") if len(times) == 1 else ("POINT", "STATE")
    if kind not in expected:
        raise ValueError(f"{where}: expected an event of the type {', '.join(expected)}, got {kind!r}")
    offset = cells.get(_OFFSET) or above.get(_OFFSET, "")
    lasts = _first(cells, ("Duration (s)",))
    media = _clips(_first(cells, _MEDIA))
    source = _clips(_first(cells, ("Source",)) or above.get("Player #1", ""))
    return Event(
        where=where,
        observation=cells.get("Observation id") or above["Observation id"],
        media=media[0] if len(media) == 1 else "",
        recording=Recording(
            source or (media if len(media) > 1 else ()),
            _numbers(_first(cells, ("Media duration (s)",)), where),
            _numbers(_first(cells, _RATE), where),
        ),
        subject=cells.get("Subject") or "No focal subject",
        behavior=cells.get("Behavior", ""),
        modifiers="|".join(cells[name] for name in cells if name.startswith("Modifier") and cells[name]),
        kind=kind,
        times=tuple(cells.get(name, "") for name in times),
        images=tuple(_first(cells, names) for names in _IMAGES),
        offset_s=0.0 if offset in _NOTHING else number(offset, where),
        lasts_s=number(lasts, where) if kind == "STATE" and lasts else None,
    )


def _first(cells: Mapping[str, str], names: Sequence[str]) -> str:
    """The first of some columns that says something."""
    return next((cells[name] for name in names if cells.get(name, "") not in _NOTHING), "")


def _clips(text: str) -> tuple[str, ...]:
    """Names of the clips of the first player, ``player #1:a.mp4;b.mp4|player #2:c.mp4``."""
    paths = re.sub(r"^player #\d+:\s*", "", text.split("|", 1)[0], flags=re.IGNORECASE).split(";")
    return tuple(stated_name(path) for path in paths if path.strip() and path not in _NOTHING)


def _numbers(text: str, where: str) -> tuple[float, ...]:
    """Durations or rates of the clips of the first player; nothing where one of them is not known."""
    parts = [part.strip() for part in text.split("|", 1)[0].split(";")] if text else []
    return () if any(part in _NOTHING for part in parts) else tuple(number(part, where) for part in parts)


def read_boris_project(path: Path, subject: str | None = None) -> list[Annotations]:
    """Read all observations of a project; a project has no starts and stops, they alternate.

    Args:
        path: the file.
        subject: whose behaviours to take; None if there is only one subject.

    Returns:
        As :func:`read_boris`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a project, or as :func:`read_boris`.
    """
    with well_formed(path, "a project of BORIS"):
        content = json_content(path)
        behaviors = [*content.get("behaviors_conf", {}).values()]
        points = {each["code"]: str(each["type"]).lower().startswith("point") for each in behaviors}
        if len(points) < len(behaviors):
            raise ValueError(f"{path}: two behaviours have one code among {sorted(points)}: rename one in BORIS")
        events: list[Event] = []
        errors = ErrorList()
        for name, observation in content["observations"].items():
            with errors.collect():
                events += _project_events(f"{path}, observation {name!r}", name, observation, points)
        errors.raise_any()
    return _annotations_of_events(path, events, subject)


def _project_events(where: str, name: str, observation: Any, points: dict[str, bool]) -> list[Event]:
    files = observation.get("file", {}).get("1", [])
    facts = observation.get("media_info", {})
    durations, rates = (
        tuple(number(facts.get(key, {})[file], where) for file in files if file in facts.get(key, {}))
        for key in ("length", "fps")
    )
    recording = Recording(tuple(map(stated_name, files)), durations, rates)
    offset_s = number(observation.get("time offset", 0) or 0, where)
    if observation.get("media_creation_date_as_offset"):
        raise ValueError(f"{where}: its times count from the date of the clip: export the events in BORIS")
    events = []
    running: set[tuple[str, str, str]] = set()
    for time_s, subject, behavior, modifier, *_ in sorted(observation["events"], key=lambda event: float(event[0])):
        key = (subject, behavior, modifier)
        if points and behavior not in points:
            raise ValueError(f"{where}: {behavior!r} is not among the behaviours of the project; correct it in BORIS")
        kind = "POINT" if points.get(behavior) else "STOP" if key in running else "START"
        running ^= set() if kind == "POINT" else {key}
        place = f"{where}, {behavior!r} at {time_s} s"
        events.append(
            Event(
                place,
                name,
                "",
                recording,
                subject or "No focal subject",
                behavior,
                modifier,
                kind,
                (time_s,),
                (),
                offset_s,
            )
        )
    return events
