"""Columns that say which frame a row of a table belongs to."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import numpy.typing as npt

ColumnKind = Literal["frame", "time", "label"]

# pandas calls its index `__index_level_0__` in Parquet
_FRAME = (
    "frame frames frameidx frameindex frameid frameno framenr framenum framenumber index idx imageindex indexlevel0"
)
_TIME = "time times timesec timeseconds seconds second sec timestamp t"
_LABEL = (
    "label labels class classes classname labelname action actions activity phase phases behavior behaviors behaviour "
    "step steps gesture state category"
)
_KINDS: dict[str, ColumnKind] = {
    **dict.fromkeys(_FRAME.split(), "frame"),
    **dict.fromkeys(_TIME.split(), "time"),
    **dict.fromkeys(_LABEL.split(), "label"),
}

VIDEO_COLUMN = re.compile(r"(video|file|clip|recording|media|movie|youtube)[\W_]*(id|name|file|path)?s?|name")
"""Names of columns that say which video a row belongs to."""

PERSON_COLUMN = re.compile(
    r"(subject|participant|person|annotator|rater|coder|tier|track|hand|animal|actor)[\W_]*(id|name)?"
)
"""Names of columns that say whose behaviour, or whose opinion, a row is."""


def column_kind(name: str) -> ColumnKind | None:
    """What a column holds, by its name; case, blanks and signs do not count.

    Example:
        >>> column_kind("Frame_idx"), column_kind("time (s)"), column_kind("Phase"), column_kind("nose.x")
        ('frame', 'time', 'label', None)
    """
    return _KINDS.get(re.sub(r"[\W_]", "", name.lower()))


def frame_step(numbers: npt.NDArray[np.int64], column: str, source: str) -> int:
    """Frames from one row to the next, where a column counts them evenly from 0 or 1.

    Args:
        numbers: of the rows, ``(T,)``.
        column: its name, for the message.
        source: the file, for the message.

    Raises:
        ValueError: if rows are missing, repeated or out of order, or the first frames have none.

    Example:
        >>> frame_step(np.array([0, 25, 50]), "Frame", "P01.txt")
        25
    """
    steps = np.diff(numbers)
    step = int(steps.min()) if len(steps) else 1
    if step < 1:
        row = int((steps < 1).argmax())
        raise ValueError(
            f"{source}: its column {column!r} has {numbers[row + 1]} after {numbers[row]}: expected frames that rise "
            "from row to row, of one video and one subject; split the file or remove what is repeated"
        )
    if (steps != step).any():
        row = int((steps != step).argmax())
        raise ValueError(f"{_jump(numbers, row, step, column, source)}; add them")
    if numbers[0] not in (0, 1):
        raise ValueError(
            f"{source}: its column {column!r} begins at {numbers[0]}: the frames before have no row; add them, or "
            "count from 0 if the video begins there"
        )
    return step


def _jump(numbers: npt.NDArray[np.int64], row: int, step: int, column: str, source: str) -> str:
    first, second = int(numbers[row]), int(numbers[row + 1])
    missing = max(1, (second - first) // step - 1)
    verb = "frame has" if missing == 1 else "frames have"
    return f"{source}: its column {column!r} jumps from {first} to {second}: {missing} {verb} no row"


def frames_of_rows(
    numbers: npt.NDArray[np.int64], first: int, step: int, may_lack: bool, column: str, source: str
) -> npt.NDArray[np.int64]:
    """The frame, from 0, of every row of a table in which some may be missing.

    Args:
        numbers: of the rows, ``(T,)``.
        first: number of the first frame.
        step: from one frame to the next.
        may_lack: whether frames may have no row; else they are an error.
        column: its name, for the message.
        source: the file, for the message.

    Raises:
        ValueError: if rows are repeated, out of order or between two frames, or missing and ``may_lack`` is not set.
    """
    remedy = "add them, or let `fill` ('forward' or 'zero') replace them"
    steps = np.diff(numbers)
    uneven = steps != step
    if (steps < 1).any() or ((numbers - first) % step).any() or numbers[0] < first:
        frame_step(numbers, column, source)  # names the row
        raise ValueError(f"{source}: its column {column!r} must count {first}, {first + step}, ..., got {numbers[:5]}")
    if not may_lack and uneven.any():
        raise ValueError(f"{_jump(numbers, int(uneven.argmax()), step, column, source)}; {remedy}")
    if not may_lack and numbers[0] != first:
        raise ValueError(
            f"{source}: its column {column!r} begins at {numbers[0]}, not at {first}: the frames before have no row; "
            f"{remedy}"
        )
    return (numbers - first) // step


def even_rate(times: npt.NDArray[np.float64], column: str, source: str, from_start: bool = False) -> float | None:
    """Rows per second, where a column has the seconds of every row; None for a single row.

    Args:
        times: in seconds, ``(T,)``.
        column: its name, for the message.
        source: the file, for the message.
        from_start: whether they must also begin at the start of the video, and be likely to be seconds.

    Raises:
        ValueError: if they are not evenly spaced, or not as ``from_start`` says.

    Example:
        >>> even_rate(np.array([2, 2.5, 3]), "time", "P01.csv")
        2.0
    """
    if len(times) < 2:
        return None
    steps = np.diff(times)
    usual = float(np.median(steps))
    # times are often rounded to milliseconds; a frame that is missing or stored twice is a step of 2 or 0
    uneven = ~(np.abs(steps - usual) < 0.5 * usual)
    if uneven.any():
        row = int(uneven.argmax())
        raise ValueError(
            f"{source}: its column {column!r} must be evenly spaced, but is {times[row]:g} and then "
            f"{times[row + 1]:g} (from row {row}, counted from 0), with usual steps of {usual:g}: rows are missing, "
            "repeated or out of order; add or remove them, or resample the table"
        )
    rate = (len(times) - 1) / float(times[-1] - times[0])
    if not from_start:
        return rate
    if abs(times[0]) > 0.75 * usual:
        raise ValueError(
            f"{source}: its column {column!r} begins at {times[0]:g}, not at 0: the frames before have no row; add "
            "them, or count from the start of the video"
        )
    if not 0.05 <= rate <= 10_000:
        raise ValueError(f"{source}: its column {column!r} has {rate:g} rows a second: another unit than seconds?")
    return float(f"{rate:.6g}")
