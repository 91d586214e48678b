"""Columns of CSV, TSV and Parquet files, read by Arrow, and the frames that their rows are of."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segtcn.labels.classes import listed
from segtcn.labels.positions import column_kind, even_rate, frame_step, frames_of_rows

SUFFIXES = (".csv", ".tsv", ".parquet")

ROW_NUMBERS = ("", "__index_level_0__")
"""Columns in which pandas writes its index."""

Counting = tuple[int, int]
"""Number of the first frame, and the step to the next."""

_HEADER_BYTES = 2**22
_MOST_MISSING = 10  # frames without a row for every row: a number that is wrong would fill the memory
_MOSTLY_EVEN = 0.8  # share of the steps of a column of times that makes it a clock
_DEEPLABCUT = (b"scorer", b"individuals", b"bodyparts", b"coords")  # how the lines begin that name its columns
# what pandas, R, MATLAB and spreadsheets write where there is no number
_MISSING = ("", "#N/A", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "None")
_NUMBER = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_INFINITE = r"[-+]?(inf|Inf|INF|infinity|Infinity)"  # read, and reported by the data set with its frame
_DECIMAL_COMMA = r"[-+]?[0-9]*,[0-9]+"


class TableFiles:
    """Columns of CSV, TSV and Parquet files.

    Args:
        delimiter: of ``.csv`` files.
    """

    def __init__(self, delimiter: str) -> None:
        if len(delimiter) != 1 or delimiter in "\r\n\"'":
            raise ValueError(f"`delimiter` must be one character, such as ';', got {delimiter!r}")
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ImportError('tables are read by pyarrow: pip install "segtcn[tables]"') from error
        self._delimiters = {".csv": delimiter, ".tsv": "\t"}

    def columns(self, path: Path) -> list[str]:
        """Names of the columns; no rows are read."""
        if path.suffix == ".parquet":
            columns = list(self._parquet_schema(path).names)
        else:
            columns, _ = self._csv_header(path)
        twice = next((column for column in columns if columns.count(column) > 1), None)
        if twice is not None:
            raise ValueError(f"{path} has {columns.count(twice)} columns of the name {twice!r}: rename them")
        return columns

    def numeric_columns(self, path: Path, columns: Sequence[str]) -> list[str]:
        """Those of the columns that are meant to hold numbers; text among them is reported when they are read."""
        if path.suffix == ".parquet":
            from pyarrow import types

            schema = self._parquet_schema(path)
            tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_null)
            numeric = [column for column in columns if any(test(schema.field(column).type) for test in tests)]
        else:
            like_number = re.compile(f"{_NUMBER}|{_DECIMAL_COMMA}|{_INFINITE}")
            cells = [{*texts} - {*_MISSING} for texts in self.texts(path, columns)]
            numeric = [
                c
                for c, texts in zip(columns, cells, strict=True)
                if not texts or any(map(like_number.fullmatch, texts))
            ]
        if not numeric:
            raise ValueError(f"no column of {path} holds numbers that can be features: it has {listed(columns)}")
        return numeric

    def holds_numbers(self, path: Path, column: str) -> bool:
        """Whether a column is meant to hold numbers."""
        try:
            return self.numeric_columns(path, [column]) == [column]
        except ValueError:
            return False

    def texts(self, path: Path, columns: Sequence[str]) -> list[list[str]]:
        """Cells of the columns without surrounding blanks."""
        import pyarrow

        table = self._read(path, dict.fromkeys(columns, pyarrow.string()))
        try:
            return [[(cell or "").strip() for cell in table[c].cast(pyarrow.string()).to_pylist()] for c in columns]
        except (pyarrow.ArrowException, ValueError) as error:
            raise ValueError(f"{path} is damaged or has labels that are not text in UTF-8 ({error})") from error

    def numbers(self, path: Path, columns: Sequence[str]) -> npt.NDArray[np.float64]:
        """The columns as ``(D, T)``, NaN where a cell has no number."""
        import pyarrow

        table = self._read(path, dict.fromkeys(columns, pyarrow.float64()))
        values = np.empty((len(columns), table.num_rows))
        for row, column in zip(values, columns, strict=True):
            try:
                row[:] = table[column].cast(pyarrow.float64(), safe=False).to_numpy()
            except (pyarrow.ArrowException, ValueError) as error:
                raise ValueError(
                    f"column {column!r} of {path} must hold numbers, got {table[column].type}: leave it out"
                ) from error
        return values

    def row_numbers(self, path: Path) -> tuple[str, npt.NDArray[np.int64] | None]:
        """The column that counts the frames, and its numbers; None without one, or where it does not count."""
        columns = self.columns(path)
        named = [column for column in columns if column_kind(column) == "frame" and column not in ROW_NUMBERS]
        column = next(iter([*named, *(column for column in columns if column in ROW_NUMBERS)]), None)
        if column is None:
            return "", None
        values = self.numbers(path, [column])[0]
        counts = len(values) > 0 and bool((np.isfinite(values) & (values >= 0) & (values < 2**53)).all())
        is_whole = counts and bool((values == np.floor(values)).all())
        return column or "without a name", values.astype(np.int64) if is_whole else None

    def how_rows_count(self, path: Path) -> Counting | None:
        """How a table counts: from 1 only if it begins there, and by its smallest step; None if no column does."""
        _, numbers = self.row_numbers(path)
        if numbers is None:
            return None
        steps = np.diff(numbers)
        return int(numbers[0] == 1), int(min(steps[steps > 0], default=1))

    def frames(self, path: Path, counting: Counting, fill: str | None) -> npt.NDArray[np.int64]:
        """The frame, from 0, of every row.

        Args:
            path: the table.
            counting: of the first table of the data set.
            fill: whether, and how, frames without a row are filled.

        Raises:
            ValueError: if the column does not count, or rows are repeated, shuffled, or missing without a ``fill``.
        """
        column, numbers = self.row_numbers(path)
        if numbers is None:
            raise ValueError(f"{path}: its column {column!r} must count the frames as in other tables: correct it")
        frames = frames_of_rows(numbers, *counting, fill is not None, column, str(path))
        if frames[-1] >= (_MOST_MISSING + 1) * len(frames):
            frame_step(numbers, column, str(path))
        return frames

    def clock(self, path: Path) -> tuple[str, npt.NDArray[np.float64]] | None:
        """A column that has the times of the rows although nobody named it, and the times; None without one.

        Raises:
            ValueError: if the column is a clock for most rows and not for all.
        """
        for column in self.columns(path):
            if column_kind(column) != "time" or not self.holds_numbers(path, column):
                continue
            times = self.numbers(path, [column])[0]
            steps = np.diff(times)
            usual = float(np.median(steps)) if len(steps) else 0.0
            # `T` may be a temperature
            if usual != 0 and np.mean(np.abs(steps - usual) < 0.5 * abs(usual)) > _MOSTLY_EVEN:
                even_rate(times, column, str(path))
                return column, times
        return None

    def _read(self, path: Path, types: dict[str, Any]) -> Any:
        import pyarrow
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet

        columns = self.columns(path)
        absent = next((column for column in types if column not in columns), None)
        if absent is not None:
            raise ValueError(f"{path} has no column {absent!r}: it has {listed(columns)}")
        # without threads: a data loader's processes are forks, in which those of the parent do not run
        if path.suffix == ".parquet":
            try:
                with parquet.ParquetFile(path, memory_map=True) as file:
                    return file.read(columns=list(types), use_threads=False)
            except Exception as error:  # pyarrow raises several kinds of exception for a damaged file
                raise ValueError(f"{path} is damaged or not a Parquet file ({error}): write it again") from error
        text = path.read_bytes().rstrip(b"\r\n")  # an empty line at the end is not a frame, but one among others is
        _, num_lines = self._csv_header(path)
        names = {} if num_lines == 1 else {"skip_rows": num_lines, "column_names": columns}
        try:
            return arrow_csv.read_csv(
                pyarrow.py_buffer(text),
                arrow_csv.ReadOptions(use_threads=False, **names),
                arrow_csv.ParseOptions(delimiter=self._delimiters[path.suffix], ignore_empty_lines=False),
                arrow_csv.ConvertOptions(column_types=types, include_columns=list(types), null_values=_MISSING),
            )
        except (pyarrow.ArrowException, ValueError, KeyError) as error:
            raise ValueError(
                f"{path} is damaged or not a table of numbers ({error}): correct that row, or leave its column out (a "
                "decimal comma separates columns: write 1.5, not 1,5)"
            ) from error

    def _parquet_schema(self, path: Path) -> Any:
        from pyarrow import parquet

        try:
            return parquet.read_schema(path)
        except Exception as error:  # pyarrow raises several kinds of exception for a damaged file
            raise ValueError(f"{path} is damaged or not a Parquet file ({error}): write it again") from error

    def _csv_header(self, path: Path) -> tuple[list[str], int]:
        """Names of the columns, and how many lines they take."""
        with path.open("rb") as file:
            lines = [file.readline(_HEADER_BYTES)]
            while lines[-1].startswith(_DEEPLABCUT) and len(lines) <= len(_DEEPLABCUT):
                lines.append(file.readline(_HEADER_BYTES))
        try:
            header = [line.decode("utf-8-sig").split("\r")[0] for line in lines]
            rows = list(csv.reader(header, delimiter=self._delimiters[path.suffix]))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is not a table in UTF-8 ({error}): save it again as UTF-8") from error
        if len(rows) > 2 and len({len(row) for row in rows[:-1]}) == 1:  # without the name of the network in line 1
            parts = zip(*(row[1:] for row in rows[1:-1]), strict=True)
            return ["", *("_".join(part) for part in parts)], len(rows) - 1
        columns = rows[0] if rows else []
        other = next((delimiter for delimiter in ";\t" if delimiter in columns[0]), None) if len(columns) == 1 else None
        if other is not None:
            raise ValueError(
                f"the columns of {path} seem to be separated by {other!r}: give `delimiter` (tabs: name the file .tsv)"
            )
        numbers = [column for column in map(str.strip, columns) if re.fullmatch(_NUMBER, column)]
        counted = [[str(index + start) for index in range(len(columns))] for start in (0, 1)]  # as pandas names columns
        if not columns or any("." in number for number in numbers) or (numbers == columns and numbers not in counted):
            raise ValueError(f"{path} has no header: its first line must name the columns, got {listed(columns)}")
        return columns, 1


def matching(columns: Sequence[str], selection: list[str] | str) -> list[str]:
    """The columns that are listed, have that name, or match that expression."""
    if isinstance(selection, list):
        return [column for column in selection if column in columns]
    if selection in columns:
        return [selection]
    try:
        return [column for column in columns if re.fullmatch(selection, column)]
    except re.error as error:
        raise ValueError(f"{selection!r} is neither a column nor a regular expression ({error})") from error


def quoted(columns: Sequence[str]) -> str:
    """Names of columns for a message."""
    return listed(map(repr, columns))
