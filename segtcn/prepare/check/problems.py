"""What is wrong with a data set, in words."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]
Key = tuple[str, int | None]
"""A video as it was read: its name, and the split where features differ from split to split, else None."""


class Problem(NamedTuple):
    """One thing that is wrong.

    Args:
        severity: ``error`` where training stops or a score means nothing, ``warning`` where it may be meant.
        kind: one word or two for what is wrong, the same for all problems of that kind.
        where: the video, split or file.
        message: what was expected, what came, in which file, what to do.
        breaks: the video that cannot be used because of it, if that is so.
    """

    severity: Severity
    kind: str
    where: str
    message: str
    breaks: Key | None = None


def error(kind: str, where: str, message: str, breaks: Key | None = None) -> Problem:
    """A problem that stops training or voids a score."""
    return Problem("error", kind, where, message, breaks)


def warning(kind: str, where: str, message: str) -> Problem:
    """A problem that may be meant."""
    return Problem("warning", kind, where, message)
