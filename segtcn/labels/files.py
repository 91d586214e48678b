"""Files of frame labels, in and out: a label a line, MS-TCN's recognition files, segment tables, archives, indexes."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from segtcn.arrays import open_array, read_archive, save_array
from segtcn.atomic import atomic_path
from segtcn.labels.classes import Classes
from segtcn.labels.labels import Labels
from segtcn.structures import IGNORE

Format = Literal["archive", "array", "matlab", "recognition", "segments", "names"]
"""Formats of label files, see :func:`read_labels`; ``matlab`` is that of :func:`segtcn.labels.read_matlab_labels`."""

COLUMNS = ("label", "start", "stop", "start_s", "stop_s", "confidence")
"""Header of a segment table; the last three columns may be missing or empty."""

_BINARY: dict[str, Format] = {".npz": "archive", ".npy": "array", ".mat": "matlab"}
_RECOGNITION = "### Frame level recognition"
_ARCHIVE_KEYS = ("class_names", "labels", "scores", "confidence", "fps", "truth")
_REMEDY = "write it with `segtcn.write_labels`"
_MAX_CLASS = 100_000
_MAX_FRAMES = 100_000_000  # 38 days at 30 a second: a table that claims more would fill the memory


def detect_format(path: str | os.PathLike[str]) -> Format:
    """Which format a label file has: the ending says it of binary files, the first line of text.

    Args:
        path: an existing file. Text without a header of another format counts as ``names``, one label a line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "P01.csv"
        >>> write_labels(path, Labels.from_names(["take", "pour"]))
        >>> detect_format(path)
        'segments'
    """
    path = Path(path)
    if path.suffix.lower() in _BINARY:
        return _BINARY[path.suffix.lower()]
    with path.open("rb") as file:
        return _text_format(file.read(1000).decode("utf-8-sig", errors="replace"))


def _text_format(text: str) -> Format:
    if text.startswith(_RECOGNITION):
        return "recognition"
    first_line = re.split("[\r\n]", text, maxsplit=1)[0]
    return "segments" if tuple(first_line.rstrip().split(",")[:3]) == COLUMNS[:3] else "names"


def read_labels(path: str | os.PathLike[str], classes: Classes | None = None, fps: float | None = None) -> Labels:
    """Read a label file of any of five formats; :func:`detect_format` tells them apart.

    =============== ====================================== =======================================================
    format          recognised by                          content
    =============== ====================================== =======================================================
    ``archive``     ``.npz``                               labels, with the scores of all classes if there are any
    ``array``       ``.npy``                               class index of every frame, integers ``(T,)``
    ``recognition`` ``### Frame level recognition``...     predictions of the MS-TCN code: labels in line 2
    ``segments``    ``label,start,stop``...                segment table, in frames and seconds
    ``names``       any other text                         one label a line; labels may hold blanks
    =============== ====================================== =======================================================

    Frames that nobody annotated have the label :data:`~segtcn.labels.classes.IGNORE_NAME` in text, and the index
    :data:`~segtcn.structures.IGNORE` elsewhere.

    Args:
        path: text in UTF-8, an archive or an array; :func:`write_labels` writes all but recognition files.
        classes: the classes of the data set; None takes those of an archive, or the names that occur, sorted.
        fps: labels per second; None takes the rate that the file states, if any.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not text in UTF-8, is empty, breaks its format, or holds a label that is not among
            ``classes``.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels.txt"
        >>> write_labels(path, Labels.from_names(["take", "take", "pour milk"]))
        >>> read_labels(path).names()
        ['take', 'take', 'pour milk']
    """
    path = _existing(path)
    form = detect_format(path)
    if form == "archive":
        labels, _ = read_archive_labels(path)
    elif form == "array":
        labels = _read_indexes(path, classes)
    elif form == "matlab":
        raise ValueError(f"{path} holds predictions and truth of several videos: `read_matlab_labels` reads them")
    else:
        text = _read_text(path)
        labels = _read_segments(path, text) if form == "segments" else _read_names(path, text, form, classes)
    labels = labels if classes is None else labels.in_classes(classes)
    return labels if fps is None else replace(labels, fps=fps)


def read_archive_labels(path: str | os.PathLike[str]) -> tuple[Labels, Labels | None]:
    """Read an archive of a run: predicted labels with their scores, and true labels; the latter two where stored.

    Args:
        path: an ``.npz`` file that :func:`write_labels` wrote.

    Returns:
        Both with the same classes and rate; None without a truth.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such an archive.
    """
    path = _existing(path)
    arrays = read_archive(path, _ARCHIVE_KEYS, _REMEDY)
    try:
        classes = Classes(tuple(arrays["class_names"].tolist())).with_background()
        fps = arrays["fps"].item() if "fps" in arrays else None
        labels = Labels(arrays["labels"], classes, fps, arrays.get("scores"), str(path), arrays.get("confidence"))
        truth = Labels(arrays["truth"], classes, fps, source=f"the truth in {path}") if "truth" in arrays else None
    except KeyError as error:
        raise ValueError(f"{path} holds no {error}, so it is not a file of labels: {_REMEDY}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a file of labels ({error}): {_REMEDY}") from error
    if truth is not None and len(truth) != len(labels):
        raise ValueError(f"{path} has {len(labels)} labels and a truth of {len(truth)}: {_REMEDY}")
    return labels, truth


def write_labels(path: str | os.PathLike[str], labels: Labels, truth: Labels | None = None) -> None:
    """Write a label file in the format that the ending names; complete or not at all.

    ``.txt`` has one label a line, ``.csv`` one segment a line with frames, seconds and mean confidence, ``.npz``
    everything (``labels`` (T,) int32, ``class_names`` (C,) and, where known, ``scores`` (C, T) float16, or only the
    ``confidence`` (T,) float16, ``fps`` and ``truth`` (T,) int32), ``.npy`` the class indexes (T,) int64.

    Args:
        path: the file to make or to replace.
        labels: of one video.
        truth: the true labels of the same frames, in the same classes; for ``.npz`` only.

    Raises:
        ValueError: if the ending is another, the text would be read as another format, or ``truth`` does not fit.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "segments.csv"
        >>> write_labels(path, Labels.from_names(["pour", "pour", "take"], fps=30))
        >>> print(path.read_text(), end="")
        label,start,stop,start_s,stop_s,confidence
        pour,0,2,0.000000,0.066667,
        take,2,3,0.066667,0.100000,
    """
    writers: dict[str, Callable[[Path], None]] = {
        ".txt": lambda temporary: _write_text(temporary, _frame_list(labels, path)),
        ".csv": lambda temporary: _write_text(temporary, _segment_table(labels)),
        ".npy": lambda temporary: save_array(temporary, labels.indexes),
        ".npz": lambda temporary: _write_archive(temporary, labels, truth),
    }
    suffix = Path(path).suffix
    if suffix not in writers:
        raise ValueError(f"cannot write labels to {path}: the name must end in {', '.join(writers)}")
    if truth is not None and suffix != ".npz":
        raise ValueError(f"cannot write {path} with a `truth`: only .npz files hold predictions and truth")
    if truth is not None and (len(truth) != len(labels) or truth.classes.names != labels.classes.names):
        raise ValueError(
            f"cannot write {path}: `truth` must have the {len(labels)} frames and {len(labels.classes)} classes of "
            f"`labels`, got {len(truth)} and {len(truth.classes)} classes"
        )
    with atomic_path(path) as temporary:
        writers[suffix](Path(temporary))


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no label file {path}: check the path")
    return path


def _read_text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text file in UTF-8 (byte {error.start}): expected labels; save it as UTF-8"
        ) from error
    if not text.strip():
        raise ValueError(f"{path} is empty: expected one label a line, or a segment table")
    return text


def _read_names(path: Path, text: str, form: Format, classes: Classes | None) -> Labels:
    # not `splitlines`: a form feed or U+2028 within a label would end it
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")]
    if form == "recognition":
        lines = lines[1].split() if len(lines) > 1 else []
        if not lines:
            raise ValueError(f"{path} has no labels in line 2, where MS-TCN's recognition files have all of them")
    elif "" in lines:
        raise ValueError(f"{path}, line {lines.index('') + 1} is empty: expected one label a line")
    return Labels.from_names(lines, classes, source=str(path), first_line=1 if form == "names" else None)


def _read_indexes(path: Path, classes: Classes | None) -> Labels:
    indexes = open_array(path, ndim=1, kinds="iu", wanted="the class index of every frame, integers (T,)")
    largest = int(indexes.max()) if len(indexes) else -1
    if largest > _MAX_CLASS:
        raise ValueError(f"{path} holds {largest}, which is hardly a class index: save it again with `numpy.save`")
    # a copy: the file is closed
    return Labels(np.array(indexes), classes or Classes.numbered(largest + 1), source=str(path))


def _read_segments(path: Path, text: str) -> Labels:
    names: list[str] = []
    lengths: list[int] = []
    shares: list[float] = []  # NaN where there is none
    frame, stop_s = 0, 0.0
    for where, row in _rows(path, text):
        start, stop, stop_s, share = _numbers_of(row, where)
        if not row["label"]:
            raise ValueError(f"{where}: expected the name of a class in the column `label`, got nothing")
        if start != frame or stop <= start:
            raise ValueError(
                f"{where}: expected a segment that starts at frame {frame}, where the one before it stops, "
                f"and is not empty, got {start} to {stop}"
            )
        if stop > _MAX_FRAMES:
            raise ValueError(f"{where}: a segment that stops at frame {stop:,} is beyond any video; correct it")
        names.append(row["label"])
        lengths.append(stop - start)
        shares.append(share)
        frame = stop
    if not names:
        raise ValueError(f"{path} has a header and no segments: expected at least one")
    segments = Labels.from_names(names, fps=frame / stop_s if stop_s > 0 else None, source=str(path))
    known = ~np.isnan(shares)
    if known.any() and not known[segments.indexes != IGNORE].all():
        raise ValueError(f"{path}: expected a confidence in every row or in none, got it in some")
    confidence = np.repeat(np.array(shares, np.float32), lengths) if known.any() else None
    return replace(segments, indexes=np.repeat(segments.indexes, lengths), confidence=confidence)


def _rows(path: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in rows:
            yield f"{path}, line {rows.line_num}", row
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num} cannot be read as a table ({error}): correct it") from error


def _numbers_of(row: dict[str, Any], where: str) -> tuple[int, int, float, float]:
    """Start and stop in frames, stop in seconds (0 where it is missing) and confidence (NaN) of a row."""
    try:
        start, stop = int(row["start"]), int(row["stop"])
        stop_s, share = float(row.get("stop_s") or 0), float(row.get("confidence") or "nan")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: expected {','.join(COLUMNS)} with numbers, got {list(row.values())}") from error
    if not (0 <= share <= 1 or math.isnan(share)):
        raise ValueError(f"{where}: expected a confidence from 0 to 1, got {row['confidence']}")
    return start, stop, stop_s, share


def _frame_list(labels: Labels, path: str | os.PathLike[str]) -> str:
    text = "\n".join(labels.names()) + "\n"
    if _text_format(text) != "names":
        raise ValueError(f"cannot write {path}: its first label would be read as the header of a table; rename it")
    return text


def _segment_table(labels: Labels) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in labels.rows():
        seconds = ["" if value is None else f"{value:.6f}" for value in (row.start_s, row.stop_s)]
        share = "" if row.confidence is None else f"{row.confidence:.4f}"
        writer.writerow([row.label, row.start, row.stop, *seconds, share])
    return table.getvalue()


def _write_archive(path: Path, labels: Labels, truth: Labels | None) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        "labels": labels.indexes.astype(np.int32),
        "class_names": np.array(labels.classes.names, dtype=np.str_),
    }
    if labels.scores is not None:
        arrays["scores"] = labels.scores.astype(np.float16)
    elif labels.confidence is not None:
        arrays["confidence"] = labels.confidence.astype(np.float16)
    if labels.fps is not None:
        arrays["fps"] = np.array(labels.fps, dtype=np.float64)
    if truth is not None:
        arrays["truth"] = truth.indexes.astype(np.int32)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # keywords are arrays


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())  # bytes: no other line ends on Windows
