"""Tables with one row for every frame: keypoints, kinematics, sensors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from os.path import isfile
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch

from segtcn.data.readers.reader import as_float32, first_that_opens
from segtcn.data.readers.table_files import ROW_NUMBERS, SUFFIXES, Counting, TableFiles, matching, quoted
from segtcn.data.readers.tree import TreeReader
from segtcn.labels.classes import IGNORE_NAME, listed
from segtcn.labels.files import read_labels
from segtcn.labels.positions import column_kind, even_rate, frame_step
from segtcn.labels.segment_tables import COLUMNS
from segtcn.structures import Video, checked_rate

_CLOCK_TOLERANCE = 0.2  # of a step: milliseconds at 30 frames a second are off by 0.015, hundredths by 0.15


class TableReader(TreeReader):
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
        fill: what to do with cells without a number and frames without a row, which are refused otherwise: ``forward``
            repeats the number before (frames before the first number get that one), ``zero`` writes zeros. A column
            that counts frames (``frame``, ``frame_idx``, one without a name) places the rows, as a feature or not.
        background: name of the background class, or None.
        delimiter: between the columns of ``.csv`` files, such as ``;``.
        ignore: names of classes to leave out: their frames count as not annotated.

    Attributes:
        feature_columns: names of the columns that are features, D of them.

    Warns:
        UserWarning: if one of these is a clock or counts the rows, or is 1 exactly where a class is.

    Raises:
        FileNotFoundError: if a part of the tree is missing, or no listed video has features.
        ValueError: if an argument or ``mapping.txt`` is wrong, or no table can be read.
        ImportError: if pyarrow is not installed.
    """

    SUFFIXES = SUFFIXES

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
        ignore: Sequence[str] = (),
    ) -> None:
        checked_rate(fps)
        if fps is None and time is None:
            raise ValueError(
                "give `fps`, the rows per second, or `time`, the column with the seconds of every row: tables do not "
                "say it"
            )
        if fill not in (None, "forward", "zero"):
            raise ValueError(f"`fill` must be 'forward', 'zero' or null, got {fill!r}")
        self._files = TableFiles(delimiter)
        super().__init__(root, ignore)
        self._time, self._fill, self._label_columns = time, fill, label_columns
        layout = first_that_opens(self._names_with_features(), lambda name: self._describe(name, feature_columns, fps))
        first = cast("_Layout", layout)  # there is a name
        self._labels_inside, self.feature_columns, self.fps = first.labels_inside, first.features, first.fps
        self._counting = first.counting
        self.feature_dim = len(self.feature_columns)
        self._find_classes(first.path, background)
        self._warn_of_columns(first, clocks_too=feature_columns is None)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._existing(name)
        columns = self.feature_columns if self._time is None else [*self.feature_columns, self._time]
        values = self._files.numbers(path, columns)
        rate = None if self._time is None else even_rate(values[-1], self._time, str(path))
        if rate is not None and abs(rate / self.fps - 1) > 0.01:
            raise ValueError(
                f"{path} has {rate:.6g} rows a second by its column {self._time!r}, expected {self.fps:g}: "
                "resample it, or correct `fps`"
            )
        clock = self._clock(path) if self._time is None else (self._time, values[-1])
        if clock is not None and not self._labels_inside and labels:
            self._check_start(name, path, *clock)
        features = self._filled(self._placed(values[: self.feature_dim], path, np.nan), path)
        truth = self._kept_labels(torch.from_numpy(self._read_indexes(name, path))) if labels else None
        return Video(name, torch.from_numpy(as_float32(features)), truth, source=str(path))

    def _clock(self, path: Path) -> tuple[str, npt.NDArray[np.float64]] | None:
        """A column with times that nobody named, where none counts the frames."""
        return self._files.clock(path) if self._counting is None else None

    def _check_start(self, name: str, path: Path, column: str, times: npt.NDArray[np.float64]) -> None:
        """Refuse a clock that starts late where the labels do not: the first frames may have no row."""
        if abs(times[0]) * self.fps < 1:
            return
        num_labels = len(self._read_labels(name, path)[0])
        if num_labels != len(times):
            raise ValueError(
                f"{path} has {len(times)} rows for {num_labels} labels, and its column {column!r} begins at "
                f"{times[0]:g}: add the rows that are missing at the start, or write the time from the video's start"
            )

    def _placed(self, values: npt.NDArray[Any], path: Path, missing: Any) -> npt.NDArray[Any]:
        """Values of rows, time last, at the frames that the table says; ``missing`` where a frame has no row."""
        if self._counting is None:
            return values
        frames = self._files.frames(path, self._counting, self._fill)
        if len(frames) == frames[-1] + 1:
            return values
        placed = np.full((*values.shape[:-1], int(frames[-1]) + 1), missing, values.dtype)
        placed[..., frames] = values
        return placed

    def _truth_file(self, name: str) -> Path | None:
        paths = [
            path
            for suffix in (".txt", *self.SUFFIXES)
            if isfile(path := self._root / "groundTruth" / f"{name}{suffix}")
        ]
        if len(paths) > 1:
            raise ValueError(f"{paths[0]} and {paths[1]} are files of the same video: remove one")
        return paths[0] if paths else None

    def _describe(self, name: str, selection: list[str] | str | None, fps: float | None) -> _Layout:
        """What one video shows of all: which columns hold what, and the rate."""
        path = self._existing(name)
        columns = self._files.columns(path)
        labels = [] if self._label_columns is None else matching(columns, self._label_columns)
        if labels:
            self._check_label_columns(path, columns)
        features = self._choose_features(path, selection, others=[*labels, self._time, *ROW_NUMBERS])
        values = self._files.numbers(path, features)  # a damaged table is noticed here, and the next one is asked
        counting = self._files.how_rows_count(path) if values.size else None
        return _Layout(name, path, bool(labels), features, self._choose_fps(path, fps), counting)

    def _choose_features(self, path: Path, selection: list[str] | str | None, others: list[str | None]) -> list[str]:
        columns = self._files.columns(path)
        if selection is None:
            return self._files.numeric_columns(path, [column for column in columns if column not in others])
        features = matching(columns, selection)
        absent = [column for column in selection if column not in columns] if isinstance(selection, list) else []
        if absent or not features or len(set(features)) < len(features):
            raise ValueError(
                f"`feature_columns` must be different columns of {path}, got {absent or selection!r}; its columns are "
                f"{listed(columns)}"
            )
        return features

    def _warn_of_columns(self, first: _Layout, clocks_too: bool) -> None:
        """What nobody would choose as a feature, in the first table."""
        values = self._files.numbers(first.path, self.feature_columns)
        clocks = [column for column, row in zip(self.feature_columns, values, strict=True) if _is_clock(row)]
        if clocks and clocks_too:
            warnings.warn(
                f"{first.path} has a clock or a count of rows among its features, {quoted(clocks)}: name the others "
                "by `feature_columns`, or a clock by `time`, so that a network cannot learn how late it is",
                stacklevel=3,
            )
        if first.counting is not None and first.counting[0]:
            warnings.warn(f"{first.path} counts its frames from 1, so all tables are read like this", stacklevel=3)
        try:
            labels = self._read_indexes(first.name, first.path)
        except (ValueError, OSError):
            return  # is said to whoever reads the video
        copies = [self.feature_columns[i] for i in _copies_of_labels(values, labels)]
        if copies:
            warnings.warn(
                f"the features {quoted(copies)} of {first.path} are its labels, as the class or as 1 where a class "
                "is: leave them out by `feature_columns`, or name them by `label_columns`; scores would mean nothing",
                stacklevel=3,
            )

    def _choose_fps(self, path: Path, fps: float | None) -> float:
        times = None if self._time is None else self._files.numbers(path, [self._time])[0]
        if fps is not None:
            return fps
        rate = None if times is None else even_rate(times, str(self._time), str(path))
        if rate is None:
            raise ValueError(f"{path} has fewer than two rows, which do not tell the rate: give `fps`")
        return float(f"{rate:.6g}")

    def _find_classes(self, features: Path, background: str | None) -> None:
        truths = (self._truth_file(name) for name in self._lists.names())
        path = features if self._labels_inside else next((path for path in truths if path is not None), None)
        if path is None and not self._mapping.exists():
            raise FileNotFoundError(
                f"no labels, and no {self._mapping} without which nothing can be predicted: "
                + (self._unknown_label_columns(features) or "name the column that holds them by `label_columns`")
                + f", or add {self._root / 'groundTruth'}/NAME.txt or .csv; the columns of {features} are "
                f"{listed(self._files.columns(features))}"
            )
        one_hot: list[str] = []
        if path is not None and path.suffix != ".txt" and self._label_columns is not None:
            columns = matching(self._files.columns(path), self._label_columns)
            one_hot = [self._class_of(column) for column in columns] if len(columns) > 1 else []
        if one_hot and not self._mapping.exists():
            self._set_classes(one_hot, background)
            return
        self._choose_classes(background, self._all_labels, depth=2)
        if one_hot and {*one_hot} != {*self._stored_classes.names}:
            raise ValueError(
                f"the one-hot columns of {path} are those of {listed(one_hot)}, but {self._mapping} names "
                f"{listed(self._stored_classes.names)}: correct one of them"
            )

    def _class_of(self, column: str) -> str:
        """The class of a one-hot column."""
        match = re.fullmatch(self._label_columns, column) if isinstance(self._label_columns, str) else None
        return (match[1] or column) if match is not None and match.re.groups else column

    def _all_labels(self) -> Iterator[str]:
        """Labels of all listed videos that have ground truth."""
        for name in self._lists.names():
            if self._paths(name) and (self._labels_inside or self._truth_file(name)):
                yield from set(self._read_labels(name, self._existing(name))[0])

    def _read_indexes(self, name: str, features: Path) -> npt.NDArray[np.int64]:
        labels, path, first_line = self._read_labels(name, features)
        numbers = {*map(str, range(len(self._stored_classes)))}
        if {*labels} <= numbers and not {*labels} <= self._stored_classes.index.keys():
            return np.array(labels, dtype=np.int64)
        return self._stored_classes.indexes_of(labels, str(path), first_line)

    def _read_labels(self, name: str, features: Path) -> tuple[list[str], Path, int | None]:
        """Label of every frame as it is written, the file that holds it, and the line of the first one."""
        path = features if self._labels_inside else self._truth_file(name)
        if path is None:
            unknown = self._unknown_label_columns(features)
            raise FileNotFoundError(
                f"no ground truth of video {name!r}: expected {self._root / 'groundTruth' / name}.txt or .csv with the "
                "label of every frame; without it the video can only be predicted"
                + (f" ({unknown}, which has {listed(self._files.columns(features))})" if unknown else "")
            )
        columns = [] if path.suffix == ".txt" else self._files.columns(path)
        if path.suffix == ".txt" or (path.suffix == ".csv" and columns[:3] == list(COLUMNS[:3])):
            return read_labels(path).names(), path, 1 if path.suffix == ".txt" else None
        self._check_label_columns(path, columns)
        label_columns = self._label_columns_of(path, columns)
        first_line = None if path.suffix == ".parquet" else 2
        if len(label_columns) > 1:
            return self._labels_at(self._read_one_hot(path, label_columns), path), path, first_line
        labels = self._files.texts(path, label_columns)[0]
        if label_columns[0] in labels:
            raise ValueError(
                f"{path} has no header: its first line, {label_columns[0]!r}, is a label; write a name before it"
            )
        return self._labels_at(labels, path), path, first_line

    def _labels_at(self, labels: list[str], path: Path) -> list[str]:
        """Labels at the frames of their rows; where ``fill`` makes the features, nobody annotated the frame."""
        if self._labels_inside:
            return [*self._placed(np.array(labels, dtype=object), path, IGNORE_NAME)]
        counter, numbers = self._files.row_numbers(path)
        if numbers is not None:
            frame_step(numbers, counter, str(path))
        else:
            self._files.clock(path)
        return labels

    def _label_columns_of(self, path: Path, columns: Sequence[str]) -> list[str]:
        """The column of a table with the labels, or its one-hot columns."""
        named = [column for column in columns if column not in ROW_NUMBERS and column_kind(column) != "frame"]
        label_columns = named if self._label_columns is None else matching(columns, self._label_columns)
        if not label_columns or (self._label_columns is None and len(label_columns) > 1):
            wrong = "" if self._label_columns is None else f", got {self._label_columns!r}"
            raise ValueError(
                f"`label_columns` must name the column of {path} with the labels, or its one-hot columns{wrong}: its "
                f"columns are {listed(columns)}"
            )
        return label_columns

    def _check_label_columns(self, path: Path, columns: Sequence[str]) -> None:
        """Name the one that a table lacks of several."""
        named = self._label_columns if isinstance(self._label_columns, list) else []
        absent = [column for column in named if column not in columns]
        if absent:
            raise ValueError(
                f"{path} has no column {quoted(absent)} of `label_columns`: correct the name; its columns are "
                f"{listed(columns)}"
            )

    def _unknown_label_columns(self, features: Path) -> str:
        """What to say where labels are missing although columns were named; empty otherwise."""
        if self._label_columns is None or self._labels_inside:
            return ""
        return f"`label_columns` {self._label_columns!r} is not a column of {features}"

    def _read_one_hot(self, path: Path, columns: Sequence[str]) -> list[str]:
        values = self._files.numbers(path, columns)
        wrong = ((values != 0) & (values != 1)).any(axis=0) | (values.sum(axis=0) != 1)
        if wrong.any():
            frame = int(wrong.argmax())
            raise ValueError(
                f"the one-hot columns of {path} must hold a single 1 and otherwise 0, got "
                f"{listed(map(str, values[:, frame].tolist()))} at frame {frame}; the columns are {listed(columns)}"
            )
        names = [self._class_of(column) for column in columns]
        return [names[index] for index in values.argmax(axis=0)]

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
    """What the first table that can be read shows of all."""

    name: str
    path: Path
    labels_inside: bool
    features: list[str]
    fps: float
    counting: Counting | None  # where a column counts the frames


def _copies_of_labels(values: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> list[int]:
    """Columns that are the class, or 1 exactly where a class is."""
    classes = np.unique(labels)
    if len(labels) != values.shape[1] or len(classes) < 2:
        return []
    indicators = {(labels == index).tobytes() for index in classes}
    return [
        index
        for index, row in enumerate(values)
        if (row == labels).all() or (((row == 0) | (row == 1)).all() and (row == 1).tobytes() in indicators)
    ]


def _is_clock(values: npt.NDArray[np.float64]) -> bool:
    """Whether a column rises by the same step from row to row; times may be rounded."""
    if len(values) < 3 or not (np.diff(values) > 0).all():
        return False
    even = np.linspace(values[0], values[-1], len(values))
    return bool(np.abs(values - even).max() <= _CLOCK_TOLERANCE * (even[1] - even[0]))
