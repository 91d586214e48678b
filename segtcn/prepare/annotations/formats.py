"""Which format a file has, by what is in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from segtcn.prepare.annotations.audacity import is_audacity, read_audacity
from segtcn.prepare.annotations.boris import is_boris, read_boris
from segtcn.prepare.annotations.elan import read_elan
from segtcn.prepare.annotations.frame_list import read_frame_list
from segtcn.prepare.annotations.intervals import Annotations, Unit, read_bytes, read_text
from segtcn.prepare.annotations.plain import is_plain_csv, read_csv, read_json

Format = Literal["boris", "elan", "audacity", "csv", "json", "frames"]

_TIMED = re.compile(r"\s*[0-9][0-9.,:]*(\s*-\s*|\s+)[0-9][0-9.,:]*\s+\S")  # `31-150 take_bowl`, `0.5 2 cut`


def detect_format(path: str | os.PathLike[str]) -> Format:
    """Which format a file has; its content decides, not its name.

    Args:
        path: of the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it has none of them.
    """
    path = Path(path)
    beginning = read_bytes(path)[:4].removeprefix(b"\xef\xbb\xbf").lstrip()
    if beginning.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):  # XML may be UTF-16
        return "elan"
    text = read_text(path)
    if text.lstrip().startswith(("[", "{")):
        return "json"
    if is_boris(text):
        return "boris"
    if is_plain_csv(text):
        return "csv"
    if is_audacity(text):
        return "audacity"
    first = text.lstrip().split("\n", 1)[0]
    if path.suffix.lower() in (".csv", ".tsv", ".eaf", ".json"):  # else a broken table would be taken for labels
        raise ValueError(
            f"{path} has no known format: expected a table with the columns label, start_s and stop_s, an export of "
            f"BORIS, ELAN or Audacity, or JSON; its first line is {first[:60]!r}"
        )
    if "\t" in first.strip() or _TIMED.match(first):
        raise ValueError(
            f"{path} has columns or times that cannot be told apart, its first line is {first[:60]!r}: name the "
            "columns there, such as label,start_s,stop_s; of ELAN take the .eaf itself, not a text export"
        )
    return "frames"


def read_annotations(
    path: str | os.PathLike[str], fps: float | None = None, unit: Unit | None = None, track: str | None = None
) -> list[Annotations]:
    r"""Read an annotation file of any format.

    =============================== ====================================================================
    content                         format
    =============================== ====================================================================
    XML                             ELAN, :func:`read_elan`
    ``[`` or ``{``                  JSON, :func:`read_json`
    a column ``Behavior``           BORIS, tabular or aggregated events, :func:`read_boris`
    columns ``label``, ``start``... plain table, :func:`read_csv`
    two numbers, tabs               Audacity, :func:`read_audacity`
    anything else in a text file    one label a line, :func:`read_frame_list`
    =============================== ====================================================================

    Args:
        path: the file.
        fps: frames per second, for files that count frames.
        unit: of times of which the file does not say it.
        track: ELAN's tier or BORIS's subject to take, where there are several.

    Returns:
        Annotations for every video in the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file cannot be understood, or ``unit`` is wrong.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "P01.csv"
        >>> _ = path.write_text("label,start_s,stop_s\npour,0.5,2\n")
        >>> read_annotations(path)[0].intervals
        [Interval(start_s=0.5, stop_s=2.0, label='pour')]
    """
    if unit not in (None, "seconds", "frames"):
        raise ValueError(f"`unit` must be seconds or frames, got {unit!r}")
    readers: dict[Format, Callable[[], list[Annotations]]] = {
        "boris": lambda: read_boris(path, track),
        "elan": lambda: read_elan(path, track),
        "audacity": lambda: read_audacity(path),
        "csv": lambda: read_csv(path, fps, unit),
        "json": lambda: read_json(path, fps, unit),
        "frames": lambda: read_frame_list(path, fps),
    }
    return readers[detect_format(path)]()
