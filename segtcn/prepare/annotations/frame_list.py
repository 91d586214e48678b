"""Labels of frames as annotations: one label a line, tables of frames, and MS-TCN's recognition files."""

from __future__ import annotations

from pathlib import Path

from segtcn.labels.files import read_labels
from segtcn.labels.frame_table import frame_table_layout, read_frame_table
from segtcn.labels.text_rows import read_text
from segtcn.prepare.annotations.intervals import Annotations, make_interval
from segtcn.structures import is_rate


def read_frame_list(path: Path, fps: float | None = None) -> list[Annotations]:
    """Read labels of frames, an annotation for every run of equal labels.

    Args:
        path: the file.
        fps: labels per second.

    Returns:
        Annotations, named after the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a file, or there is no ``fps``.
    """
    text = read_text(path, "annotations")  # refuses by its size what is not an annotation file
    labels, step = read_labels(path), 1
    if frame_table_layout(text) is not None:
        step = read_frame_table(path, text).step
    if labels.fps is not None:  # the file has seconds, and what it says of itself wins
        fps = labels.fps
    if fps is None or not is_rate(fps):
        raise ValueError(f"{path} has one label a frame: give a positive rate (`fps`), got {fps}")
    intervals = [
        make_interval(start * step / fps, stop * step / fps, labels.name_of(label), f"{path}, line {start + 1}")
        for start, stop, label in labels.segments()
    ]
    return [Annotations((path.stem,), intervals, str(path), is_complete=True)]
