"""Projects of the VGG Image Annotator, version 3: stretches of time with one attribute as their class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from segtcn.labels.detection import json_content
from segtcn.labels.error_list import ErrorList
from segtcn.prepare.annotations.intervals import (
    Annotations,
    choose_track,
    make_interval,
    number,
    stated_name,
    well_formed,
)


def read_via(path: Path, attribute: str | None = None) -> list[Annotations]:
    """Read the temporal segments of a project, as VIA saves it (``.json``).

    Regions of pictures and segments without a value of the attribute are left out and noted.

    Args:
        path: the file.
        attribute: name of the attribute that is the class; None if the segments have only one.

    Returns:
        Annotations for every video with segments, named after its file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a project, there are several attributes, or a value is not one of the options.
    """
    with well_formed(path, "a project of VIA 3"):
        content = json_content(path)
        segments = {
            key: entry for key, entry in content["metadata"].items() if len(entry["z"]) == 2 and not entry.get("xy")
        }
        chosen = _attribute(path, content, segments, attribute)
        options = content["attribute"].get(chosen, {}).get("options") or {}
        if len({*options.values()}) < len(options):
            raise ValueError(f"{path}: two options have one name, {sorted(options.values())}: rename one in VIA")
        videos: dict[str, Annotations] = {}
        errors = ErrorList()
        for key, entry in segments.items():
            value, where = entry["av"].get(chosen, ""), f"{path}, segment {key}"
            if not value:
                continue
            with errors.collect(), well_formed(where, "a segment of VIA 3"):
                if options and value not in options:
                    raise ValueError(f"{where}: {value!r} is not an option of the attribute; a segment has one class")
                start, stop = (number(time, where) for time in entry["z"])
                name = stated_name(_file(content, entry["vid"]))
                of_video = videos.setdefault(entry["vid"], Annotations((name,), [], str(path)))
                of_video.intervals.append(make_interval(start, stop, options.get(value, value), where))
        errors.raise_any()
        left_out = len(content["metadata"]) - sum(len(video.intervals) for video in videos.values())
    if not videos:
        raise ValueError(f"{path} has no temporal segments with a class: expected at least one")
    first, *others = videos.values()
    note = [f"regions or segments without a class, left out: {left_out}"] if left_out else []
    return [first._replace(notes=(*first.notes, *note)), *others]


def _attribute(path: Path, content: Any, segments: dict[str, Any], name: str | None) -> str:
    """Id of the attribute that is the class."""
    used = dict.fromkeys(key for entry in segments.values() for key, value in entry["av"].items() if value)
    names = {content["attribute"].get(key, {}).get("aname", key): key for key in used}
    return names[choose_track(path, names, name, "attributes of segments")] if names else ""


def _file(content: Any, video: str) -> str:
    """Name of the file that a view shows; older projects refer to the file itself."""
    view = content.get("view", {}).get(video)
    return str(content["file"][view["fid_list"][0] if view else video]["fname"])
