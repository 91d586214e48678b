"""Line files that the layouts share: lists of videos and labels written by many hands and editors."""

from __future__ import annotations

from collections import Counter
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
    return check_names(names, str(path))


def check_names(names: list[str], where: str) -> list[str]:
    """Names of videos as they are, if each may become the name of a file and there is none twice.

    Args:
        names: of a list of videos.
        where: the file that holds the list, for messages.

    Raises:
        ListError: if the list holds a video twice, or a name leads out of the data set.
    """
    outside = [name for name in names if _leads_out(name)]
    usable = list(dict.fromkeys(name for name in names if not _leads_out(name)))
    if outside:  # predictions are written to files of that name
        raise ListError(f"{where} lists {outside[0]!r}: a name must not lead out of the data set's folder", usable)
    if len(usable) < len(names):
        twice, times = Counter(names).most_common(1)[0]
        raise ListError(f"{where} lists {twice!r} {times} times: leave one line", usable)
    return names


class ListError(ValueError):
    """A list of videos that is wrong.

    Args:
        message: what is wrong.
        names: what can be used of it, each name once, for a check that goes on.
    """

    def __init__(self, message: str, names: list[str]) -> None:
        super().__init__(message)
        self.names = names


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name
