"""Files of frame labels, in and out: a label a line, MS-TCN's recognition files, segment tables, archives, indexes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segtcn.arrays import open_array, read_archive, save_array
from segtcn.atomic import atomic_path
from segtcn.labels.classes import Classes
from segtcn.labels.labels import Labels
from segtcn.structures import IGNORE

SUFFIXES = (".npz", ".csv", ".txt", "", ".npy")
"""Endings of label files; where a folder has several of one video, the first of these counts: it holds the most."""

COLUMNS = ("label", "start", "stop", "start_s", "stop_s", "confidence")
"""Header of a segment table; the last three columns may be missing or empty."""

RECOGNITION = "### Frame level recognition"
"""How the first line of MS-TCN's recognition files begins."""

MAX_FRAMES = 100_000_000
"""More frames than 38 days at 30 a second: a table that claims more is wrong, and would fill the memory."""

_ARCHIVE_KEYS = ("class_names", "labels", "scores", "fps", "truth")
_MAX_CLASS = 100_000
_INDEXES = "the class index of every frame, integers (T,)"


def read_labels(path: str | os.PathLike[str], classes: Classes | None = None, fps: float | None = None) -> Labels:
    """Read a label file; the ending ``.npz`` or ``.npy``, or else its first line, says which of five formats it has.

    ================================== ==========================================================================
    first line                         format
    ================================== ==========================================================================
    archive ``.npz``                   labels, with the scores of all classes and the truth where there are any
    array ``.npy``                     class index of every frame, integers ``(T,)``
    ``### Frame level recognition``... predictions of the MS-TCN code: labels in line 2, between white space
    ``label,start,stop``...            segment table, in frames and seconds
    anything else                      one label a line; labels may hold blanks
    ================================== ==========================================================================

    Frames that nobody annotated have the label :data:`~segtcn.labels.classes.IGNORE_NAME` in text.

    Args:
        path: a text file in UTF-8, an archive or an array; :func:`write_labels` writes all but recognition files.
        classes: the classes of the data set; None takes those of an archive, or the names that occur, sorted.
        fps: labels per second; None takes what the file says, if it says it.

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
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no label file {path}: check the path")
    if path.suffix == ".npz":
        labels, _ = read_archive_labels(path)
        labels = labels if classes is None else labels.in_classes(classes)
        return labels if fps is None else Labels(labels.indexes, labels.classes, fps, labels.scores, labels.source)
    if path.suffix == ".npy":
        indexes = _read_indexes(path)
        return Labels(indexes, classes or Classes.numbered(int(indexes.max()) + 1), fps, source=str(path))
    text = _read_text(path)
    # not `splitlines`: a form feed or U+2028 within a label would end it
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")]
    if lines == [""]:
        raise ValueError(f"{path} is empty: expected one label a line, or a segment table")
    if lines[0].split(",")[:3] == list(COLUMNS[:3]):
        return _read_segments(path, text, classes, fps)
    if lines[0].startswith(RECOGNITION):
        lines = lines[1].split() if len(lines) > 1 else []
        if not lines:
            raise ValueError(f"{path} has no labels in line 2, where MS-TCN's recognition files have all of them")
    elif "" in lines:
        raise ValueError(f"{path}, line {lines.index('') + 1} is empty: expected one label a line")
    return Labels.from_names(lines, classes, fps, str(path))


def read_archive_labels(path: str | os.PathLike[str]) -> tuple[Labels, Labels | None]:
    """Read an archive of a run: predicted labels, with scores where it has them, and true labels where it has them.

    Args:
        path: an ``.npz`` file that :func:`write_labels` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such an archive.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no label file {path}: check the path")
    remedy = "write it with `segtcn.write_labels`"
    arrays = read_archive(path, _ARCHIVE_KEYS, remedy)
    for key in ("class_names", "labels"):
        if key not in arrays:
            raise ValueError(f"{path} holds no `{key}`, so it is not a file of labels: {remedy}")
    names = arrays["class_names"]
    if names.ndim != 1 or names.dtype.kind != "U":
        raise ValueError(f"`class_names` in {path} must be names (C,), got {names.dtype} {names.shape}: {remedy}")
    fps = arrays.get("fps")
    if fps is not None and not (fps.ndim == 0 and fps.dtype.kind in "iuf"):
        raise ValueError(f"`fps` in {path} must be a number, got {fps.dtype} {fps.shape}: {remedy}")
    rate = None if fps is None else float(fps)
    try:
        classes = Classes(tuple(names.tolist())).with_background()
        labels = Labels(arrays["labels"], classes, rate, arrays.get("scores"), str(path))
        truth = Labels(arrays["truth"], classes, rate, None, f"the truth in {path}") if "truth" in arrays else None
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}): {remedy}") from error
    if truth is not None and len(truth) != len(labels):
        raise ValueError(f"{path} has {len(labels)} labels and a truth of {len(truth)}: {remedy}")
    return labels, truth


def write_labels(path: str | os.PathLike[str], labels: Labels, truth: Labels | None = None) -> None:
    """Write a label file, in the format that the ending says; complete or not at all.

    ``.txt`` has one label a line, ``.csv`` one segment a line with frames, seconds and mean confidence, ``.npz``
    everything (``labels`` (T,) int32, ``class_names`` (C,) and, where known, ``scores`` (C, T) float16, ``fps`` and
    ``truth`` (T,) int32), ``.npy`` the class indexes (T,) int64.

    Args:
        path: the file to make or to replace.
        labels: of one video.
        truth: the true labels beside them, of the same classes; for ``.npz`` only.

    Raises:
        ValueError: if the ending says none of these, or ``truth`` does not fit.
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
    suffix = Path(path).suffix
    writers: dict[str, Callable[[Path, Labels], None]] = {
        ".txt": lambda temporary, labels: _write_text(temporary, "\n".join(labels.names()) + "\n"),
        ".csv": lambda temporary, labels: _write_text(temporary, _segment_table(labels)),
        ".npy": lambda temporary, labels: save_array(temporary, labels.indexes),
        ".npz": lambda temporary, labels: _write_archive(temporary, labels, truth),
    }
    if suffix not in writers:
        raise ValueError(f"cannot write labels to {path}: the name must end in {', '.join(writers)}")
    if truth is not None and (suffix != ".npz" or len(truth) != len(labels) or truth.classes != labels.classes):
        raise ValueError(
            f"cannot write {path}: `truth` goes into an .npz file, with as many frames and the classes of `labels`"
        )
    with atomic_path(path) as temporary:
        writers[suffix](Path(temporary), labels)


def is_label_file(path: Path) -> bool:
    """Whether a file may hold labels: by its ending, or, of MS-TCN's recognition files, by its first line."""
    if path.suffix in SUFFIXES and path.suffix:
        return path.name != "mapping.txt"
    if path.suffix:  # of a name with dots, such as S1_Cheese_C1.avi
        return False
    with path.open("rb") as file:
        return file.read(len(RECOGNITION)) == RECOGNITION.encode()


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text file in UTF-8 (byte {error.start}): expected labels; save it as UTF-8"
        ) from error


def _read_indexes(path: Path) -> npt.NDArray[np.int64]:
    indexes = open_array(path, ndim=1, kinds="iu", wanted=_INDEXES)
    if not len(indexes):
        raise ValueError(f"{path} is empty: expected the class index of at least one frame")
    known = indexes[indexes != IGNORE] if indexes.dtype.kind == "i" else indexes
    low, high = (int(known.min()), int(known.max())) if len(known) else (0, 0)
    if low < 0:
        raise ValueError(f"{path} holds {low}, but class indexes start at 0 ({IGNORE} stands for no annotation)")
    if high > _MAX_CLASS:
        raise ValueError(f"{path} holds {high}, which is hardly a class index: save it again with `numpy.save`")
    return np.array(indexes, dtype=np.int64)  # a copy: the file is closed


def _read_segments(path: Path, text: str, classes: Classes | None, fps: float | None) -> Labels:
    names: list[str] = []
    lengths: list[int] = []
    shares: list[float | None] = []
    frame, stop_s = 0, 0.0
    rows = csv.DictReader(io.StringIO(text, newline=""))
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        start, stop, stop_s, share = _numbers_of(row, where)
        if not row["label"]:
            raise ValueError(f"{where}: expected the name of a class in the column `label`, got nothing")
        if start != frame or stop <= start:
            raise ValueError(
                f"{where}: expected a segment that starts at frame {frame}, where the one before it stops, "
                f"and is not empty, got {start} to {stop}"
            )
        if stop > MAX_FRAMES:
            raise ValueError(f"{where}: a segment that stops at frame {stop:,} is beyond any video; correct it")
        names.append(row["label"])
        lengths.append(stop - start)
        shares.append(share)
        frame = stop
    if not names:
        raise ValueError(f"{path} has a header and no segments: expected at least one")
    if any(share is None for share in shares) and any(share is not None for share in shares):
        raise ValueError(f"{path}: expected a confidence in every row or in none, got it in some")
    classes = Classes.from_names(names) if classes is None else classes
    confidence = None if shares[0] is None else np.repeat(np.array(shares, np.float32), lengths)
    indexes = np.repeat(classes.indexes_of(names, str(path)), lengths)
    rate = fps or (frame / stop_s if stop_s > 0 else None)
    return Labels(indexes, classes, rate, source=str(path), confidence=confidence)


def _numbers_of(row: dict[str, Any], where: str) -> tuple[int, int, float, float | None]:
    """Start and stop in frames, stop in seconds (0 where it is not said) and confidence of a row."""
    try:
        start, stop = int(row["start"]), int(row["stop"])
        stop_s = float(row.get("stop_s") or 0)
        share = float(row["confidence"]) if row.get("confidence") else None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: expected {','.join(COLUMNS)} with numbers, got {list(row.values())}") from error
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"{where}: expected a confidence from 0 to 1, got {row['confidence']}")
    return start, stop, stop_s, share


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
    if labels.fps is not None:
        arrays["fps"] = np.array(labels.fps, dtype=np.float64)
    if truth is not None:
        arrays["truth"] = truth.indexes.astype(np.int32)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # keywords are arrays


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())  # bytes: no other line ends on Windows
