"""Segments as files of annotation tools: projects of BORIS and VIA, tasks of Label Studio; checks for all writers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from segtcn.atomic import write_json
from segtcn.labels.classes import Classes
from segtcn.structures import IGNORE, Segment, checked_rate

_DATE = "2000-01-01T00:00:00"  # BORIS wants one
_SELECT, _VIDEO, _LOCAL = 4, 4, 3  # numbers of VIA


def writable_segments(
    path: str | os.PathLike[str], segments: Sequence[Segment], class_names: Sequence[str], fps: float
) -> list[tuple[Segment, str]]:
    """The segments in time order with the names of their classes; ignored ones are left out and become gaps.

    Args:
        path: the file to write, for messages.
        segments: of one video, in frames.
        class_names: name of every class.
        fps: frames per second.

    Raises:
        ValueError: if ``fps`` is not positive, a class has no name or one that a class may not have or that would not
            come back, a segment has no frame, or two overlap: a file of one track would show one of them.

    Example:
        >>> writable_segments("tea.txt", [Segment(0, 4, IGNORE), Segment(4, 6, 0)], ["pour"], fps=2)
        [(Segment(start=4, stop=6, label=0), 'pour')]
    """
    checked_rate(fps)
    kept = sorted(segment for segment in segments if segment.label != IGNORE)
    for label in sorted({segment.label for segment in kept}):
        name = class_names[label] if 0 <= label < len(class_names) else ""
        if not name.strip():
            raise ValueError(f"cannot write {path}: class {label} has no name; give it one in `class_names`")
        if name != " ".join(name.split()):
            raise ValueError(
                f"cannot write {path}: a label must be one line without tabs and with single blanks, got {name!r}"
            )
    try:
        Classes(tuple(class_names))
    except ValueError as error:
        raise ValueError(f"cannot write {path}: {error}") from None
    if empty := next((segment for segment in kept if not 0 <= segment.start < segment.stop), None):
        raise ValueError(
            f"cannot write {path}: a segment must start at frame 0 or later and stop behind that, got frames "
            f"{empty.start} to {empty.stop}"
        )
    for one, other in pairwise(kept):
        if other.start < one.stop:
            raise ValueError(
                f"cannot write {path}: {class_names[one.label]!r} to frame {one.stop} and {class_names[other.label]!r} "
                f"from frame {other.start} overlap; write one label a frame, or each track into a file of its own"
            )
    return [(segment, class_names[segment.label]) for segment in kept]


def write_boris(
    path: str | os.PathLike[str], segments: Sequence[Segment], class_names: Sequence[str], fps: float, media: str = ""
) -> None:
    """Write segments as a project of BORIS with one observation; complete or not at all.

    Every class is a state event, and every segment has a start and a stop.

    Args:
        path: the file to make or to replace, ``.boris``.
        segments: of one video, in frames.
        class_names: name of every class.
        fps: frames per second.
        media: path of the clip; empty: the name of the file.

    Raises:
        ValueError: as of :func:`writable_segments`.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.
    """
    events = [
        [round(frame / fps, 6), "", name, "", ""]
        for segment, name in writable_segments(path, segments, class_names, fps)
        for frame in (segment.start, segment.stop)
    ]
    name, length_s = Path(path).stem, max((segment.stop for segment in segments), default=0) / fps
    media = media or name
    behaviour = {"type": "State event", "description": "", "color": "", "category": "", "modifiers": {}, "excluded": ""}
    observation = {
        "type": "MEDIA",
        "date": _DATE,
        "description": "",
        "time offset": 0.0,
        "file": {"1": [media], **{str(player): [] for player in range(2, 9)}},
        "media_info": {"length": {media: length_s}, "fps": {media: fps}, "hasVideo": {media: True}},
        "independent_variables": {},
        "observation time interval": [0, 0],
        "events": events,
    }
    project = {
        **{key: {} for key in ("subjects_conf", "independent_variables", "coding_map", "converters")},
        "project_format_version": "7.0",
        "project_name": name,
        "project_date": _DATE,
        "project_description": "written by segtcn",
        "time_format": "hh:mm:ss",
        "behaviors_conf": {str(n): {**behaviour, "key": "", "code": label} for n, label in enumerate(class_names)},
        "behavioral_categories": [],
        "behaviors_coding_map": [],
        "observations": {name: observation},
    }
    write_json(path, project)


def write_via(
    path: str | os.PathLike[str], segments: Sequence[Segment], class_names: Sequence[str], fps: float, media: str = ""
) -> None:
    """Write segments as a project of VIA 3, the VGG annotator; complete or not at all.

    Args:
        path: the file to make or to replace, ``.json``.
        segments: of one video, in frames.
        class_names: name of every class, the choices that VIA offers.
        fps: frames per second.
        media: path or address of the clip; empty: the name of the file.

    Raises:
        ValueError: as of :func:`writable_segments`.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.
    """
    name = Path(path).stem
    metadata = {
        f"1_{number}": {"vid": "1", "flg": 0, "z": [start / fps, stop / fps], "xy": [], "av": {"1": str(label)}}
        for number, ((start, stop, label), _) in enumerate(writable_segments(path, segments, class_names, fps))
    }
    attribute = {
        "aname": "label",
        "anchor_id": "FILE1_Z2_XY0",  # of a stretch of time of one file
        "type": _SELECT,
        "desc": "",
        "options": {str(label): class_name for label, class_name in enumerate(class_names)},
        "default_option_id": "",
    }
    project: dict[str, Any] = {
        "project": {"pid": "__VIA_PROJECT_ID__", "rev": "1", "rev_timestamp": "1", "pname": name, "vid_list": ["1"]},
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {}},
        "attribute": {"1": attribute},
        "file": {"1": {"fid": "1", "fname": media or name, "type": _VIDEO, "loc": _LOCAL, "src": media or name}},
        "metadata": metadata,
        "view": {"1": {"fid_list": ["1"]}},
    }
    write_json(path, project)


def write_label_studio(
    path: str | os.PathLike[str], segments: Sequence[Segment], class_names: Sequence[str], fps: float, media: str = ""
) -> None:
    """Write segments as a task of Label Studio with time-line labels; complete or not at all.

    Label Studio counts frames from 1 and names the last one. Its project needs a ``TimelineLabels`` tag ``actions``
    with these labels, and a ``Video`` tag ``video`` with ``value="$video"`` and ``frameRate="$fps"``.

    Args:
        path: the file to make or to replace, ``.json``.
        segments: of one video, in frames.
        class_names: name of every class.
        fps: frames per second.
        media: address of the clip as Label Studio reaches it; empty: the name of the file.

    Raises:
        ValueError: as of :func:`writable_segments`.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.
    """
    result = [
        {
            "id": str(number),
            "type": "timelinelabels",
            "from_name": "actions",
            "to_name": "video",
            "value": {"ranges": [{"start": segment.start + 1, "end": segment.stop}], "timelinelabels": [name]},
        }
        for number, (segment, name) in enumerate(writable_segments(path, segments, class_names, fps))
    ]
    data = {"video": media or Path(path).stem, "fps": fps}
    write_json(path, [{"id": 1, "data": data, "annotations": [{"id": 1, "result": result}]}])
