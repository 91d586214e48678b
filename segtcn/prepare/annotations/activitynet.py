"""ActivityNet's JSON, in which THUMOS'14 and other data sets are published, too."""

from __future__ import annotations

from pathlib import Path

from segtcn.labels.detection import json_content
from segtcn.labels.error_list import ErrorList
from segtcn.prepare.annotations.intervals import Annotations, Interval, make_interval, number, well_formed


def read_activitynet(path: Path) -> list[Annotations]:
    """Read ``{"database": {NAME: {"duration": ..., "annotations": [{"segment": [start, stop], "label": ...}]}}}``.

    Times are seconds. Videos without annotations, such as those of a test set, are left out.

    Args:
        path: the file.

    Returns:
        Annotations for every video, named as it is and with the ``v_`` before it that clips of ActivityNet have.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such JSON, or a segment ends far behind the stated duration.
    """
    videos: dict[str, list[Interval]] = {}
    errors = ErrorList()
    with well_formed(path, "ActivityNet's JSON"):
        for name, video in json_content(path)["database"].items():
            duration_s = number(video["duration"], f"{path}, {name!r}") if "duration" in video else float("inf")
            for index, annotation in enumerate(video.get("annotations", []), start=1):
                where = f"{path}, segment {index} of {name!r}"
                with errors.collect(), well_formed(where, "a segment of ActivityNet"):
                    start, stop = (number(time, where) for time in annotation["segment"])
                    if stop > 1.1 * duration_s + 1:
                        raise ValueError(
                            f"{where}: stops at {stop:g} s of a video of {duration_s:g} s: another unit, or video?"
                        )
                    videos.setdefault(name, []).append(make_interval(start, stop, annotation["label"], where))
    errors.raise_any()
    if not videos:
        raise ValueError(f"{path} has no video with annotations: expected at least one")
    return [Annotations((name, f"v_{name}"), intervals, str(path)) for name, intervals in videos.items()]
