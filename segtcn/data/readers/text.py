"""Line files that the layouts share: lists of videos and labels written by many hands and editors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath


def read_lines(path: Path) -> list[str]:
    """Lines of a text file without surrounding blanks; a last line without newline counts, empty ones after it do not.

    Raises:
        ValueError: if the file is not UTF-8 text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # -sig: Windows editors put a byte order mark in front
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start}): save it as UTF-8"
        ) from error
    # not `splitlines`: it also splits at characters that may stand within a name
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []


def read_names(path: Path, clean: Callable[[str], str]) -> list[str]:
    """Names of videos, one a line; empty lines are skipped.

    Args:
        path: the list.
        clean: turns a line into a name.

    Raises:
        ValueError: if the list is empty, holds a video twice, or a name leads out of the data set.
    """
    names = [clean(line) for line in read_lines(path) if line]
    if not names:
        raise ValueError(f"{path} lists no video: write one name a line, or choose another split")
    outside = [name for name in names if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
    if outside:  # predictions are written to files of that name
        raise ValueError(f"{path} lists {outside[0]!r}: a name must not lead out of the data set's folder")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path} lists {twice!r} {names.count(twice)} times: leave one line")
    return names
