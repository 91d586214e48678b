"""Labels of frames as annotations: one label a line, and MS-TCN's recognition files."""

from __future__ import annotations

import os
from pathlib import Path

from segtcn.labels.files import read_labels
from segtcn.prepare.annotations.intervals import Annotations, make_interval, read_bytes


def read_frame_list(path: str | os.PathLike[str], fps: float | None = None) -> list[Annotations]:
    """Read one label a line, an annotation for every run of equal labels.

    Args:
        path: the file.
        fps: labels per second.

    Returns:
        Annotations, named after the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a file, or there is no ``fps``.
    """
    path = Path(path)
    read_bytes(path)  # refuses by its size what is not an annotation file
    labels = read_labels(path)
    if fps is None or not fps > 0:
        raise ValueError(f"{path} has one label a frame: give a positive rate (`fps`), got {fps}")
    intervals = [
        make_interval(start / fps, stop / fps, labels.name_of(label), f"{path}, line {start + 1}")
        for start, stop, label in labels.segments()
    ]
    return [Annotations((path.stem,), intervals, str(path))]
