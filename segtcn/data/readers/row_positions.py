"""Which frame each row of a table belongs to, by the column that counts the frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segtcn.data.readers.table_files import TableFiles
from segtcn.labels.positions import column_kind, frame_step, frames_of_rows

ROW_NUMBERS = ("", "__index_level_0__")
"""Columns in which pandas writes its index."""

Counting = tuple[int, int]
"""Number of the first frame, and the step to the next."""

_MOST_MISSING = 10  # frames without a row for every row: a number that is wrong would fill the memory


def row_numbers(files: TableFiles, path: Path) -> tuple[str, npt.NDArray[np.int64] | None]:
    """The column that counts the frames, and its numbers; None without one, or where it does not count.

    Args:
        files: how tables are read.
        path: the table.
    """
    columns = files.columns(path)
    named = [column for column in columns if column_kind(column) == "frame" and column not in ROW_NUMBERS]
    column = next(iter([*named, *(column for column in columns if column in ROW_NUMBERS)]), None)
    if column is None:
        return "", None
    values = files.numbers(path, [column])[0]
    counts = len(values) > 0 and bool((np.isfinite(values) & (values >= 0) & (values < 2**53)).all())
    is_whole = counts and bool((values == np.floor(values)).all())
    return column or "without a name", values.astype(np.int64) if is_whole else None


def how_rows_count(files: TableFiles, path: Path) -> Counting | None:
    """How a table counts: from 1 only if it begins there, and by its smallest step; None if no column does.

    Args:
        files: how tables are read.
        path: the first table of a data set; the others count alike.
    """
    _, numbers = row_numbers(files, path)
    if numbers is None:
        return None
    steps = np.diff(numbers)
    return int(numbers[0] == 1), int(min(steps[steps > 0], default=1))


def frames_of_table(
    files: TableFiles, path: Path, counting: Counting, fill: str | None
) -> npt.NDArray[np.int64] | None:
    """The frame, from 0, of every row.

    Args:
        files: how tables are read.
        path: the table.
        counting: of the first table of the data set.
        fill: whether, and how, frames without a row are filled.

    Raises:
        ValueError: if the column does not count, or rows are missing and there is no ``fill``, repeated or shuffled.
    """
    column, numbers = row_numbers(files, path)
    if numbers is None:
        raise ValueError(f"{path}: its column {column!r} must count the frames as in other tables: correct it")
    frames = frames_of_rows(numbers, *counting, fill is not None, column, str(path))
    if frames[-1] >= (_MOST_MISSING + 1) * len(frames):
        frame_step(numbers, column, str(path))
    return frames


def at_frames(values: npt.NDArray[Any], frames: npt.NDArray[np.int64], missing: Any) -> npt.NDArray[Any]:
    """Values of rows, time last, at their frames; ``missing`` where a frame has no row.

    Example:
        >>> at_frames(np.array([5, 6]), np.array([0, 2]), missing=-1).tolist()
        [5, -1, 6]
    """
    if len(frames) == frames[-1] + 1:
        return values
    placed = np.full((*values.shape[:-1], int(frames[-1]) + 1), missing, values.dtype)
    placed[..., frames] = values
    return placed
