"""All annotation formats: the reader of each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from segtcn.labels.detection import Format, detect_format
from segtcn.prepare.annotations.activitynet import read_activitynet
from segtcn.prepare.annotations.audacity import read_audacity
from segtcn.prepare.annotations.boris import read_boris, read_boris_project
from segtcn.prepare.annotations.elan import read_elan
from segtcn.prepare.annotations.frame_list import read_frame_list
from segtcn.prepare.annotations.intervals import Annotations, Unit
from segtcn.prepare.annotations.label_studio import read_label_studio
from segtcn.prepare.annotations.plain import read_csv, read_json
from segtcn.prepare.annotations.textgrid import read_textgrid
from segtcn.prepare.annotations.via import read_via

FRAME_LISTS: tuple[Format, ...] = ("names", "recognition", "frame table", "one-hot")
"""Formats with a label for every frame, and no times."""


def read_annotations(
    path: str | os.PathLike[str], fps: float | None = None, unit: Unit | None = None, track: str | None = None
) -> list[Annotations]:
    r"""Read an annotation file of any format.

    =============================== ====================================================================
    content                         format
    =============================== ====================================================================
    XML of ELAN                     tiers, :func:`read_elan`
    ``ooTextFile`` of Praat         TextGrid, long or short, :func:`read_textgrid`
    a column ``Behavior``           BORIS, tabular or aggregated events, :func:`read_boris`
    columns ``label``, ``start``... plain table, :func:`read_csv`
    two numbers, tabs               Audacity, :func:`read_audacity`
    JSON, by its keys               ActivityNet, VIA 3, Label Studio, a project of BORIS, or plain segments
    columns ``frame``, ``label``    a row for every frame, also one-hot, :func:`read_frame_list`
    text that can be labels         one label a line, :func:`read_frame_list`
    =============================== ====================================================================

    Args:
        path: the file.
        fps: frames per second, for files that count frames.
        unit: of times whose file does not state it.
        track: tier (ELAN, Praat), subject (BORIS) or attribute (VIA) to take, where there are several.

    Returns:
        Annotations for every video in the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file cannot be understood, with all that is wrong in it, or ``unit`` is wrong.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "P01.csv"
        >>> _ = path.write_text("label,start_s,stop_s\npour,0.5,2\n")
        >>> read_annotations(path)[0].intervals
        [Interval(start_s=0.5, stop_s=2.0, label='pour')]
    """
    if unit not in (None, "seconds", "frames"):
        raise ValueError(f"`unit` must be seconds or frames, got {unit!r}")
    path = Path(path)
    form = detect_format(path)
    readers: dict[Format, Callable[[], list[Annotations]]] = {
        "activitynet": lambda: read_activitynet(path),
        "audacity": lambda: read_audacity(path),
        "boris": lambda: read_boris(path, track),
        "boris project": lambda: read_boris_project(path, track),
        "csv": lambda: read_csv(path, fps, unit),
        "elan": lambda: read_elan(path, track),
        "json": lambda: read_json(path, fps, unit),
        "label studio": lambda: read_label_studio(path, fps),
        "segments": lambda: read_csv(path, fps, unit),
        "textgrid": lambda: read_textgrid(path, track),
        "via": lambda: read_via(path, track),
        **dict.fromkeys(FRAME_LISTS, lambda: read_frame_list(path, fps)),
    }
    if form not in readers:
        raise ValueError(f"{path} holds arrays: expected annotations in a text file")
    return readers[form]()
