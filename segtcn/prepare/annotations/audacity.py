r"""Audacity's label files: ``start<tab>stop<tab>label`` in seconds, with optional lines of frequencies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from segtcn.atomic import write_text
from segtcn.labels.error_list import ErrorList
from segtcn.labels.text_rows import read_text
from segtcn.prepare.annotations.intervals import Annotations, make_interval, number
from segtcn.prepare.annotations.project_writers import writable_segments
from segtcn.structures import Segment


def read_audacity(path: Path) -> list[Annotations]:
    r"""Read a label track that Audacity exported.

    A line that begins with a backslash gives the frequencies of the label before it; it says nothing about time.

    Args:
        path: the file.

    Returns:
        Annotations, named after the file. Point labels have no length.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line cannot be understood.
    """
    intervals = []
    errors = ErrorList()
    unnamed = 0
    for line, content in enumerate(read_text(path, "annotations").split("\n"), start=1):
        where = f"{path}, line {line}"
        if not content.strip() or content.startswith("\\"):
            continue
        with errors.collect():
            cells = content.split("\t")
            if len(cells) != 3:
                raise ValueError(f"{where}: expected `start<tab>stop<tab>label`, got {content[:80]!r}; export it again")
            start, stop = (number(cell.strip(), where) for cell in cells[:2])
            if cells[2].strip():
                intervals.append(make_interval(start, stop, cells[2], where))
            unnamed += not cells[2].strip()
    errors.raise_any()
    notes = (f"labels without a text, left out: {unnamed}",) if unnamed else ()
    return [Annotations((path.stem,), intervals, str(path), None, notes)]


def write_audacity(
    path: str | os.PathLike[str], segments: Sequence[Segment], class_names: Sequence[str], fps: float
) -> None:
    r"""Write segments as a label track for Audacity; complete or not at all.

    Args:
        path: the file to make or to replace, ``.txt``.
        segments: of one video, in frames.
        class_names: name of every class.
        fps: frames per second.

    Raises:
        ValueError: as of :func:`~segtcn.prepare.annotations.project_writers.writable_segments`.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels.txt"
        >>> write_audacity(path, [Segment(0, 45, 0)], ["pour milk"], fps=30)
        >>> path.read_text()
        '0.000000\t1.500000\tpour milk\n'
    """
    lines = (
        f"{segment.start / fps:.6f}\t{segment.stop / fps:.6f}\t{name}\n"
        for segment, name in writable_segments(path, segments, class_names, fps)
    )
    write_text(path, "".join(lines))
