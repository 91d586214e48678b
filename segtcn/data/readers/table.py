"""Tables with one row for every frame: keypoints, kinematics, sensors."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator, Sequence
from os.path import isfile
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from segtcn.data.readers.ms_tcn import read_or_find_classes
from segtcn.data.readers.reader import Reader, Subset, first_that_opens
from segtcn.data.readers.text import VideoLists, check_names, class_index, read_lines
from segtcn.labels.legacy import COLUMNS, read_labels
from segtcn.structures import Video

_SUFFIXES = (".csv", ".tsv", ".parquet")
_HEADER_BYTES = 2**22
_DEEPLABCUT = (b"scorer", b"individuals", b"bodyparts", b"coords")  # how the lines begin that name its columns
# a Parquet file of a few bytes can claim any number of rows: so many are read from any file, more from larger ones
_MAX_CELLS = 2**24
_CELLS_PER_BYTE = 16
_CLOCK_TOLERANCE = 0.2  # of a step: milliseconds at 30 frames a second are off by 0.015, hundredths by 0.15
# what pandas, R, MATLAB and spreadsheets write where there is no number
_MISSING = ("", "#N/A", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "None")
_ROW_NUMBERS = ("", "__index_level_0__")  # columns in which pandas writes its index
_NUMBER = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_INFINITE = r"[-+]?(inf|Inf|INF|infinity|Infinity)"  # read, and reported by the data set with its frame
_DECIMAL_COMMA = r"[-+]?[0-9]*,[0-9]+"


class TableReader(Reader):
    """Features and labels in the columns of CSV, TSV or Parquet files, one file a video and one row a frame.

    ::

        ROOT/features/NAME.csv               or .tsv, .parquet; the first line names the columns
        ROOT/groundTruth/NAME.txt            one label a line; or .csv, .tsv, .parquet with a row for every frame; or a
                                             .csv of segments; nothing if `label_columns` stand among the features
        ROOT/splits/train.split1.bundle      one NAME a line; also test.split1.bundle
        ROOT/mapping.txt                     lines "0 background", "1 cut", ...: ids from 0 without a gap

    Splits and mapping are those of :class:`MSTCNReader`; ``mapping.txt`` may be missing here, too. Columns are found by
    their names: their order may differ from file to file. Tables of DeepLabCut, whose names take three or four lines,
    have columns such as ``nose_x``, ``nose_y`` and ``nose_likelihood``, or ``mouse1_nose_x``.

    Args:
        root: folder that holds those.
        feature_columns: names of the columns to use, in that order, or a regular expression that matches the whole name
            of each; None: every column of the first video that holds numbers, except those below and a column without
            a name, in which pandas writes the numbers of the rows.
        label_columns: the column with the label of every frame, a name or an index of ``mapping.txt`` (names, if all
            labels of the file are names of classes). Several columns, in a list or matched by a regular expression, are
            one-hot: their names are the classes, or what the expression's first group matches. They are looked for
            among the features, then in ``groundTruth``. None: the only column of ``groundTruth/NAME.csv``.
        time: the column with the time of every frame in seconds, which must be evenly spaced.
        fps: frames per second; None: from ``time``.
        fill: what to do with cells without a number, which are refused otherwise: ``forward`` repeats the number before
            (frames before the first number get that one), ``zero`` writes zeros.
        background: name of the background class, or None.
        delimiter: between the columns of ``.csv`` files, such as ``;``.

    Attributes:
        feature_columns: names of the columns that are features, D of them.

    Warns:
        UserWarning: if one of these is a clock or counts the rows, or is 1 exactly where a class is.

    Raises:
        FileNotFoundError: if a part of the tree is missing, or no listed video has features.
        ValueError: if an argument or ``mapping.txt`` is wrong, or no table can be read.
        ImportError: if pyarrow is not installed.
    """

    def __init__(
        self,
        root: str,
        feature_columns: list[str] | str | None = None,
        label_columns: list[str] | str | None = None,
        time: str | None = None,
        fps: float | None = None,
        fill: Literal["forward", "zero"] | None = None,
        background: str | None = None,
        delimiter: str = ",",
    ) -> None:
        if fps is not None and not fps > 0:
            raise ValueError(f"`fps` must be positive, got {fps}")
        if fps is None and time is None:
            raise ValueError(
                "give `fps`, the rows per second, or `time`, the column with the seconds of every row: tables do not "
                "say it (`--data.reader.init_args.fps RATE`)"
            )
        if fill not in (None, "forward", "zero"):
            raise ValueError(f"`fill` must be 'forward', 'zero' or null, got {fill!r}")
        self._root = Path(root).expanduser()
        for part in ("", "features", "splits"):
            if not (self._root / part).is_dir():
                raise FileNotFoundError(
                    f"no folder {self._root / part}: `root` must hold features, splits and, unless labels are columns "
                    "of the features, groundTruth (`--data.reader.init_args.root DIR`)"
                )
        self._files = _Files(delimiter)
        self._time, self._fill, self._label_columns = time, fill, label_columns
        self._lists = VideoLists(self._root / "splits", suffixes=(".txt", *_SUFFIXES))
        self.splits = self._lists.splits
        stored = (name for name in self._lists.names() if self._paths("features", name))
        first = first_that_opens(stored, lambda name: self._describe(name, feature_columns, fps))
        if first is None:
            raise FileNotFoundError(
                f"no video that {self._root / 'splits'} lists has features: expected "
                f"{self._root / 'features'}/NAME.csv, NAME.tsv or NAME.parquet"
            )
        self._labels_inside, self.feature_columns, self.fps = first.labels_inside, first.features, first.fps
        self.feature_dim = len(self.feature_columns)
        self.class_names = self._choose_classes(first.path)
        self._indices = {name: index for index, name in enumerate(self.class_names)}
        self.background = class_index(background, self.class_names, self._root)
        self._warn_of_columns(first, chosen=feature_columns is not None)

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        return self._lists.videos(split, subset)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._existing_features(name)
        wanted = self.feature_columns if self._time is None else [*self.feature_columns, self._time]
        values = self._files.numbers(path, wanted)
        rate = None if self._time is None else self._rate(values[-1], path)
        if rate is not None and abs(rate / self.fps - 1) > 0.01:
            raise ValueError(
                f"{path} has {rate:.6g} rows a second by its column {self._time!r}, expected {self.fps:g}: "
                "resample it, or correct `fps`"
            )
        features = self._filled(values[: self.feature_dim], path)
        truth = torch.tensor(self._read_indices(name, path), dtype=torch.int64) if labels else None
        with np.errstate(over="ignore"):  # becomes infinite, which the data set reports with its frame
            return Video(name, torch.from_numpy(features.astype(np.float32)), truth, source=str(path))

    def num_frames(self, name: str, split: int | None = None) -> int:  # noqa: D102
        return self._files.numbers(self._existing_features(name), self.feature_columns[:1]).shape[1]

    def _existing_features(self, name: str) -> Path:
        check_names([name], str(self._root / "features"))
        path = self._find("features", name)
        if path is None:
            raise FileNotFoundError(
                f"no features of video {name!r}: expected {self._root / 'features' / name}.csv, .tsv or .parquet; add "
                "the file or take the name out of the split's list"
            )
        return path

    def _paths(self, folder: str, name: str) -> list[Path]:
        suffixes = (".txt", *_SUFFIXES) if folder == "groundTruth" else _SUFFIXES
        return [path for suffix in suffixes if isfile(path := self._root / folder / f"{name}{suffix}")]

    def _find(self, folder: str, name: str) -> Path | None:
        paths = self._paths(folder, name)
        if len(paths) > 1:
            raise ValueError(f"{paths[0]} and {paths[1]} are files of the same video: remove one")
        return paths[0] if paths else None

    def _describe(self, name: str, wanted: list[str] | str | None, fps: float | None) -> _Layout:
        """What a video tells of all: which columns hold what, and the rate."""
        path = self._existing_features(name)
        columns = self._files.columns(path)
        labels = [] if self._label_columns is None else _matching(columns, self._label_columns)
        if labels:
            self._check_label_columns(path, columns)
        features = self._choose_features(path, wanted, others=[*labels, self._time, *_ROW_NUMBERS])
        self._files.numbers(path, features)  # a damaged table is noticed here, and another one tells
        return _Layout(name, path, bool(labels), features, self._choose_fps(path, fps))

    def _choose_features(self, path: Path, wanted: list[str] | str | None, others: list[str | None]) -> list[str]:
        columns = self._files.columns(path)
        if wanted is None:
            return self._files.numeric_columns(path, [column for column in columns if column not in others])
        chosen = _matching(columns, wanted)
        absent = [column for column in wanted if column not in columns] if isinstance(wanted, list) else []
        if absent or not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(
                f"`feature_columns` must be different columns of {path}, got {absent or wanted!r}; "
                f"its columns are {_join(columns)}"
            )
        return chosen

    def _warn_of_columns(self, first: _Layout, chosen: bool) -> None:
        """What nobody would choose as a feature, in the first table."""
        values = self._files.numbers(first.path, self.feature_columns)
        clocks = [column for column, row in zip(self.feature_columns, values, strict=True) if _is_clock(row)]
        if clocks and not chosen:
            warnings.warn(
                f"{first.path} has a clock or a count of rows among its features, {_quoted(clocks)}: name the others "
                "by `feature_columns`, or a clock by `time`, so that a network cannot learn how late it is",
                stacklevel=3,
            )
        try:
            labels = np.array(self._read_indices(first.name, first.path))
        except (ValueError, OSError):
            return  # is said to whoever reads the video
        if len(labels) != values.shape[1]:
            return
        classes = np.unique(labels)
        indicators = {(labels == index).tobytes() for index in classes if len(classes) > 1}
        copies = [
            column
            for column, row in zip(self.feature_columns, values, strict=True)
            if (len(classes) > 1 and (row == labels).all())
            or (((row == 0) | (row == 1)).all() and (row == 1).tobytes() in indicators)
        ]
        if copies:
            warnings.warn(
                f"the features {_quoted(copies)} of {first.path} are its labels, as the class or as 1 where a class "
                "is: leave them out by `feature_columns`, or name them by `label_columns`; scores would mean nothing",
                stacklevel=3,
            )

    def _choose_fps(self, path: Path, fps: float | None) -> float:
        times = None if self._time is None else self._files.numbers(path, [self._time])[0]
        if fps is not None:
            return fps
        rate = None if times is None else self._rate(times, path)
        if rate is None:
            raise ValueError(f"{path} has fewer than two rows, which do not tell the rate: give `fps`")
        return float(f"{rate:.6g}")

    def _choose_classes(self, features: Path) -> list[str]:
        mapping = self._root / "mapping.txt"
        truths = (self._find("groundTruth", name) for name in self._lists.names())
        path = features if self._labels_inside else next((path for path in truths if path is not None), None)
        if path is None and not mapping.exists():
            raise FileNotFoundError(
                f"no labels, and no {mapping} without which nothing can be predicted: "
                + (self._unknown_label_columns(features) or "name the column that holds them by `label_columns`")
                + f", or add {self._root / 'groundTruth'}/NAME.txt or .csv; the columns of {features} are "
                f"{_join(self._files.columns(features))}"
            )
        one_hot: list[str] = []
        if path is not None and path.suffix != ".txt" and self._label_columns is not None:
            columns = _matching(self._files.columns(path), self._label_columns)
            one_hot = [self._class_of(column) for column in columns] if len(columns) > 1 else []
        if len(set(one_hot)) < len(one_hot):
            raise ValueError(f"`label_columns` {self._label_columns!r} gives one name to two columns: {_join(one_hot)}")
        if one_hot and not mapping.exists():
            return one_hot
        classes = read_or_find_classes(mapping, self._all_labels, depth=2)
        if one_hot and {*one_hot} != {*classes}:
            raise ValueError(
                f"the one-hot columns of {path} are those of {_join(one_hot)}, but {mapping} names {_join(classes)}: "
                "correct one of them"
            )
        return classes

    def _class_of(self, column: str) -> str:
        """The class of a one-hot column."""
        match = re.fullmatch(self._label_columns, column) if isinstance(self._label_columns, str) else None
        return (match[1] or column) if match is not None and match.re.groups else column

    def _all_labels(self) -> Iterator[str]:
        """Labels of all listed videos that have ground truth."""
        for name in self._lists.names():
            path = self._find("features", name)
            if path is not None and (self._labels_inside or self._find("groundTruth", name)):
                yield from set(self._read_labels(name, path)[0])

    def _read_indices(self, name: str, features: Path) -> list[int]:
        labels, path, first_line = self._read_labels(name, features)
        unknown = next((frame for frame, label in enumerate(labels) if label not in self._indices), None)
        if unknown is None:
            return [self._indices[label] for label in labels]
        if all(re.fullmatch("[0-9]{1,9}", label) and int(label) < len(self._indices) for label in {*labels}):
            return [int(label) for label in labels]
        where = f"frame {unknown}" if first_line is None else f"line {unknown + first_line}"
        raise ValueError(
            f"unknown label {labels[unknown]!r} in {where} of {path}: add it to {self._root / 'mapping.txt'} or "
            f"correct it; known labels: {_join(self.class_names)}, or their indexes in all lines"
        )

    def _read_labels(self, name: str, features: Path) -> tuple[list[str], Path, int | None]:
        """Label of every frame as it is written, the file that holds it, and the line of the first one."""
        path = features if self._labels_inside else self._find("groundTruth", name)
        if path is None:
            unknown = self._unknown_label_columns(features)
            raise FileNotFoundError(
                f"no ground truth of video {name!r}: expected {self._root / 'groundTruth' / name}.txt or .csv with the "
                "label of every frame; without it the video can only be predicted"
                + (f" ({unknown}, which has {_join(self._files.columns(features))})" if unknown else "")
            )
        if path.suffix == ".txt":
            return read_lines(path), path, 1
        columns = self._files.columns(path)
        if columns[:3] == list(COLUMNS[:3]) and path.suffix == ".csv":
            return read_labels(path).labels, path, None
        self._check_label_columns(path, columns)
        named = [column for column in columns if column not in _ROW_NUMBERS]
        wanted = named if self._label_columns is None else _matching(columns, self._label_columns)
        if not wanted or (self._label_columns is None and len(wanted) > 1):
            given = "" if self._label_columns is None else f", got {self._label_columns!r}"
            raise ValueError(
                f"`label_columns` must name the column of {path} with the labels, or its one-hot columns{given}: its "
                f"columns are {_join(columns)}"
            )
        first_line = None if path.suffix == ".parquet" else 2
        if len(wanted) > 1:
            return self._read_one_hot(path, wanted), path, first_line
        labels = self._files.texts(path, wanted)[0]
        if wanted[0] in labels:
            raise ValueError(f"{path} has no header: its first line, {wanted[0]!r}, is a label; write a name before it")
        return labels, path, first_line

    def _check_label_columns(self, path: Path, columns: Sequence[str]) -> None:
        """Name the one that a table lacks of several."""
        listed = self._label_columns if isinstance(self._label_columns, list) else []
        absent = [column for column in listed if column not in columns]
        if absent:
            raise ValueError(
                f"{path} has no column {_quoted(absent)} of `label_columns`: correct the name; its columns are "
                f"{_join(columns)}"
            )

    def _unknown_label_columns(self, features: Path) -> str:
        """What to say where labels are missing although columns were named; empty otherwise."""
        if self._label_columns is None or self._labels_inside:
            return ""
        return f"`label_columns` {self._label_columns!r} is no column of {features}"

    def _read_one_hot(self, path: Path, columns: Sequence[str]) -> list[str]:
        values = self._files.numbers(path, columns)
        wrong = ((values != 0) & (values != 1)).any(axis=0) | (values.sum(axis=0) != 1)
        if wrong.any():
            frame = int(wrong.argmax())
            raise ValueError(
                f"the one-hot columns of {path} must hold a single 1 and otherwise 0, got "
                f"{_join(values[:, frame].tolist())} at frame {frame}; the columns are {_join(columns)}"
            )
        names = [self._class_of(column) for column in columns]
        return [names[index] for index in values.argmax(axis=0)]

    def _rate(self, times: npt.NDArray[np.float64], path: Path) -> float | None:
        """Rows per second; None if there are fewer than two."""
        if len(times) < 2:
            return None
        steps = np.diff(times)
        usual = float(np.median(steps))
        # times are often rounded to milliseconds; a frame that is missing or stored twice is a step of 2 or 0
        uneven = ~(np.abs(steps - usual) < 0.5 * usual)
        if uneven.any():
            frame = int(uneven.argmax())
            raise ValueError(
                f"column {self._time!r} of {path} must be evenly spaced, but is {times[frame]:g} at frame {frame} and "
                f"{times[frame + 1]:g} at the next, with usual steps of {usual:g}: resample the table or add the frames"
            )
        return float((len(times) - 1) / (times[-1] - times[0]))

    def _filled(self, values: npt.NDArray[np.float64], path: Path) -> npt.NDArray[np.float64]:
        missing = np.isnan(values)
        if not missing.any():
            return values
        if self._fill == "zero":
            return np.where(missing, 0.0, values)
        frame = int(missing.any(axis=0).argmax())
        column = self.feature_columns[int(missing[:, frame].argmax())]
        if self._fill is None:
            raise ValueError(
                f"{path} has no number in column {column!r} at frame {frame} ({int(missing.sum())} such cells in all): "
                "add it, leave the column out, or let `fill` ('forward' or 'zero') replace it"
            )
        if missing.all(axis=1).any():
            column = self.feature_columns[int(missing.all(axis=1).argmax())]
            raise ValueError(f"{path} has no number at all in column {column!r}: leave it out, or use `fill: zero`")
        before = np.maximum.accumulate(np.where(missing, 0, np.arange(values.shape[1])), axis=1)
        return np.take_along_axis(values, np.maximum(before, missing.argmin(axis=1)[:, None]), axis=1)


class _Layout(NamedTuple):
    """What the first table that can be read tells of all."""

    name: str
    path: Path
    labels_inside: bool
    features: list[str]
    fps: float


class _Files:
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
            found = [column for column in columns if any(test(schema.field(column).type) for test in tests)]
        else:
            like_number = re.compile(f"{_NUMBER}|{_DECIMAL_COMMA}|{_INFINITE}")
            cells = [{*texts} - {*_MISSING} for texts in self.texts(path, columns)]
            found = [
                c
                for c, texts in zip(columns, cells, strict=True)
                if not texts or any(map(like_number.fullmatch, texts))
            ]
        if not found:
            raise ValueError(f"no column of {path} holds numbers that can be features: it has {_join(columns)}")
        return found

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

    def _read(self, path: Path, types: dict[str, Any]) -> Any:
        import pyarrow
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet

        columns = self.columns(path)
        absent = next((column for column in types if column not in columns), None)
        if absent is not None:
            raise ValueError(f"{path} has no column {absent!r}: it has {_join(columns)}")
        # without threads: a data loader's processes are forks, in which those of the parent do not run
        if path.suffix == ".parquet":
            try:
                with parquet.ParquetFile(path, memory_map=True) as file:
                    most = max(_MAX_CELLS, _CELLS_PER_BYTE * path.stat().st_size)
                    if file.metadata.num_rows * len(types) > most:
                        raise ValueError(f"it claims {file.metadata.num_rows:,} rows, more than its bytes can hold")
                    return file.read(columns=list(types), use_threads=False)
            except Exception as error:  # pyarrow raises several kinds of exception for a damaged file
                raise ValueError(f"{path} is damaged or no Parquet file ({error}): write it again") from error
        text = path.read_bytes().rstrip(b"\r\n")  # an empty line at the end is no frame, but one among others is
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
            numbers = {column for column, kind in types.items() if kind == pyarrow.float64()}
            reason = (
                self._first_mistake(path, columns, num_lines, numbers) or f"{path} is damaged or no table ({error})"
            )
            raise ValueError(reason) from error

    def _parquet_schema(self, path: Path) -> Any:
        from pyarrow import parquet

        try:
            return parquet.read_schema(path)
        except Exception as error:  # pyarrow raises several kinds of exception for a damaged file
            raise ValueError(f"{path} is damaged or no Parquet file ({error}): write it again") from error

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
            raise ValueError(f"{path} has no header: its first line must name the columns, got {_join(columns)}")
        return columns, 1

    def _first_mistake(self, path: Path, columns: Sequence[str], num_lines: int, numbers: set[str]) -> str | None:
        """What is wrong in which line of a CSV file; pyarrow does not always say."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.reader(file, delimiter=self._delimiters[path.suffix])
                for row in rows:
                    if row and len(row) != len(columns):
                        found = f"{len(row)} column{'s' * (len(row) > 1)}"
                        return (
                            f"line {rows.line_num} of {path} has {found}, expected {len(columns)} as in its "
                            "header: correct it (a decimal comma separates, too: write 1.5, not 1,5)"
                        )
                    for column, cell in zip(columns, map(str.strip, row), strict=False):
                        known = rows.line_num <= num_lines or column not in numbers or cell in _MISSING
                        if known or re.fullmatch(f"{_NUMBER}|{_INFINITE}", cell):
                            continue
                        point = re.fullmatch(_DECIMAL_COMMA, cell) and cell.replace(",", ".")
                        return (
                            f"line {rows.line_num} of {path} has {cell!r} in column {column!r}, expected a number: "
                            + (f"write {point}" if point else "correct it, or leave the column out")
                        )
        except UnicodeDecodeError as error:
            return f"{path} is not a table in UTF-8 ({error.reason} at byte {error.start}): save it again as UTF-8"
        except csv.Error as error:
            return f"{path} is damaged or no table ({error}): write it again"
        return None


def _matching(columns: Sequence[str], wanted: list[str] | str) -> list[str]:
    """The columns that are listed, have that name, or match that expression."""
    if isinstance(wanted, list):
        return [column for column in wanted if column in columns]
    if wanted in columns:
        return [wanted]
    try:
        return [column for column in columns if re.fullmatch(wanted, column)]
    except re.error as error:
        raise ValueError(f"{wanted!r} is neither a column nor a regular expression ({error})") from error


def _is_clock(values: npt.NDArray[np.float64]) -> bool:
    """Whether a column rises by the same step from row to row; times may be rounded."""
    if len(values) < 3 or not (np.diff(values) > 0).all():
        return False
    even = np.linspace(values[0], values[-1], len(values))
    return bool(np.abs(values - even).max() <= _CLOCK_TOLERANCE * (even[1] - even[0]))


def _quoted(columns: Sequence[str]) -> str:
    return _join([repr(column) for column in columns])


def _join(values: Sequence[object]) -> str:
    shown = [str(value) for value in values[:20]]
    return ", ".join(shown + ["..."] * (len(values) > 20)) or "none"
