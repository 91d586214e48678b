"""Projects of BORIS (``.boris``), JSON with all observations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segtcn.labels.detection import json_content
from segtcn.labels.error_list import ErrorList
from segtcn.prepare.annotations.boris import Event, Recording, annotations_of_events
from segtcn.prepare.annotations.intervals import Annotations, number, stated_name, well_formed


def read_boris_project(path: Path, subject: str | None = None) -> list[Annotations]:
    """Read all observations of a project; a project has no starts and stops, they alternate.

    Args:
        path: the file.
        subject: whose behaviours to take; None if there is only one subject.

    Returns:
        As :func:`~segtcn.prepare.annotations.boris.read_boris`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a project, or as :func:`~segtcn.prepare.annotations.boris.read_boris`.
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
                events += _events(f"{path}, observation {name!r}", name, observation, points)
        errors.raise_any()
    return annotations_of_events(path, events, subject)


def _events(where: str, name: str, observation: Any, points: dict[str, bool]) -> list[Event]:
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
