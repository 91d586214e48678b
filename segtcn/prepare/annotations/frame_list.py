"""Labels of frames as annotations: one label a line, and MS-TCN's recognition files."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

from segtcn.labels.legacy import read_labels
from segtcn.prepare.annotations.intervals import Track, make_interval, read_bytes


def read_frame_list(path: str | os.PathLike[str], fps: float | None = None) -> list[Track]:
    """Read one label a line, an annotation for every run of equal labels.

    Args:
        path: the file.
        fps: labels per second.

    Returns:
        One track, named after the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, or there is no ``fps``.
    """
    path = Path(path)
    read_bytes(path)  # refuses what is no annotation file by its size
    labels = read_labels(path).labels
    if fps is None or not fps > 0:
        raise ValueError(f"{path} has one label a frame: give a positive rate (`fps`), got {fps}")
    intervals, start = [], 0
    for label, run in groupby(labels):
        stop = start + sum(1 for _ in run)
        intervals.append(make_interval(start / fps, stop / fps, label, f"{path}, line {start + 1}"))
        start = stop
    return [Track((path.stem,), intervals, str(path))]
