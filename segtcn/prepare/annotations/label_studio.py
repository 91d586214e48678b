"""Label Studio's JSON: time-line labels of videos."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from segtcn.labels.detection import json_content
from segtcn.labels.error_list import ErrorList
from segtcn.prepare.annotations.intervals import Annotations, make_interval, number, stated_name, well_formed

_UPLOADED = re.compile(r"(^|/)[0-9a-f]{8}-(?=[^/]+$)")  # what it puts before the name of an uploaded file


def read_label_studio(path: Path, fps: float | None = None) -> list[Annotations]:
    """Read an export in the format JSON, with the tag ``TimelineLabels``.

    Its frames count from 1, and the last one of a range is part of it. Other regions are left out and noted.

    Args:
        path: the file, of one task or several.
        fps: frames per second that the project's ``frameRate`` states; ``fps`` in a task's ``data`` comes first.

    Returns:
        Annotations for every task with time-line labels, named after its video.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such an export, a task was annotated several times, or there is no ``fps``.
    """
    content = json_content(path)
    videos: list[Annotations] = []
    left_out = 0
    errors = ErrorList()
    for task in content if isinstance(content, list) else [content]:
        where = f"{path}, task {task.get('id') if isinstance(task, dict) else task!r:.40}"
        with errors.collect(), well_formed(where, "a task of Label Studio"):
            rate = number(task["data"].get("fps") or fps or 0, where)
            if not rate > 0:
                raise ValueError(f"{where} counts frames: give their positive rate (`fps`), got {rate:g}")
            of_task = [each for each in task["annotations"] if not each.get("was_cancelled")]
            if len(of_task) > 1:
                raise ValueError(f"{where} has {len(of_task)} annotations: keep one, such as the reviewed one")
            regions = [region for annotation in of_task for region in annotation["result"]]
            timed = [region for region in regions if str(region["type"]).lower() == "timelinelabels"]
            left_out += len(regions) - len(timed)
            video = Annotations(_names(task["data"], where), [], str(path))
            for region in timed:
                with errors.collect(), well_formed(where, "a region of Label Studio"):
                    video.intervals.extend(_intervals(region["value"], rate, where))
            videos += [video] if video.intervals else []
    errors.raise_any()
    if not videos:
        raise ValueError(f"{path} has no time-line labels: expected regions of the type timelinelabels")
    notes = ["Label Studio counts frames from 1, and the last frame of a range is part of it"]
    notes += [f"regions that are not time-line labels, left out: {left_out}"] if left_out else []
    return [videos[0]._replace(notes=tuple(notes)), *videos[1:]]


def _intervals(value: Any, fps: float, where: str) -> list[Any]:
    labels = value["timelinelabels"]
    if len(labels) != 1:
        raise ValueError(f"{where}: expected one label for a region, got {labels}")
    intervals = []
    for stretch in value["ranges"]:
        start, stop = (number(stretch[edge], where) for edge in ("start", "end"))
        if start < 1 or not (start.is_integer() and stop.is_integer()):
            raise ValueError(f"{where}: expected frames from 1 on, got {start:g} to {stop:g}")
        intervals.append(make_interval((start - 1) / fps, stop / fps, labels[0], where))
    return intervals


def _names(data: dict[str, Any], where: str) -> tuple[str, ...]:
    """The video's name, as it stands and without what the upload put before it."""
    place = data.get("video") or next((value for value in data.values() if isinstance(value, str)), None)
    if not isinstance(place, str):
        raise ValueError(f"{where} names no video: expected `video` in its `data`")
    name = stated_name(re.sub(r"^.*\?d=|\?.*$|^\w+://[^/]*", "", place))
    return tuple(dict.fromkeys((name, _UPLOADED.sub(r"\1", name))))
