"""Temporary: the label files of before, until every room uses `segtcn.labels.files`; then this file goes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.arrays import open_array, read_archive
from segtcn.atomic import atomic_path

if TYPE_CHECKING:
    from segtcn.structures import Segment

COLUMNS = ("label", "start", "stop", "start_s", "stop_s", "confidence")
"""Header of a segment table; the last three columns may be missing or empty."""


_SCORE_KEYS = ("class_names", "labels", "scores", "fps")
_LARGEST_SHARE = 1 + 1e-5  # a softmax in single precision may exceed 1 by rounding


class ClassScores(NamedTuple):
    """How probable every class is in every frame.

    Args:
        class_names: name of every class.
        values: from 0 to 1, ``(C, T)`` float32.
    """

    class_names: list[str]
    values: npt.NDArray[np.float32]


class LabelTrack(NamedTuple):
    """The labels of one video.

    Args:
        labels: name of every frame's class, T of them.
        fps: labels per second; None where the file does not say.
        confidence: of every frame's label, T numbers from 0 to 1; None where the file does not say.
        scores: of every class; None where the file does not say.
    """

    labels: list[str]
    fps: float | None = None
    confidence: list[float] | None = None
    scores: ClassScores | None = None


def read_labels(path: str | os.PathLike[str]) -> LabelTrack:
    """Read a label file; the ending ``.npz``, or else its first line, says which of four formats it has.

    ================================== ==========================================================================
    first line                         format
    ================================== ==========================================================================
    archive ``.npz``                   labels with the scores of all classes, as :func:`write_scores` writes them
    ``### Frame level recognition``... predictions of the MS-TCN code: labels in line 2, between white space
    ``label,start,stop``...            segment table, as :func:`write_segments` writes it
    anything else                      one label a line, as :func:`write_labels` writes it; labels may hold spaces
    ================================== ==========================================================================

    Args:
        path: a text file in UTF-8, or an archive.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not text in UTF-8, is empty, or breaks its format.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels.txt"
        >>> write_labels(path, ["take", "take", "pour milk"])
        >>> read_labels(path)
        LabelTrack(labels=['take', 'take', 'pour milk'], fps=None, confidence=None, scores=None)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no label file {path}: check the path")
    if path.suffix == ".npz":
        return _read_scores(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text file in UTF-8 (byte {error.start}): expected labels; save it as UTF-8"
        ) from error
    # not `splitlines`: a form feed or U+2028 within a label would end it
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")]
    if lines == [""]:
        raise ValueError(f"{path} is empty: expected one label a line, or a segment table")
    if lines[0].startswith("### Frame level recognition"):
        labels = lines[1].split() if len(lines) > 1 else []
        if not labels:
            raise ValueError(f"{path} has no labels in line 2, where MS-TCN's recognition files have all of them")
        return LabelTrack(labels)
    if lines[0].split(",")[:3] == list(COLUMNS[:3]):
        return _read_segments(path, text)
    if "" in lines:
        raise ValueError(f"{path}, line {lines.index('') + 1} is empty: expected one label a line")
    return LabelTrack(lines)


def _read_segments(path: Path, text: str) -> LabelTrack:
    labels: list[str] = []
    confidence: list[float] = []
    fps = None
    rows = csv.DictReader(io.StringIO(text, newline=""))
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        try:
            start, stop = int(row["start"]), int(row["stop"])
            stop_s = float(row.get("stop_s") or 0)
            share = float(row["confidence"]) if row.get("confidence") else None
        except (TypeError, ValueError) as error:
            raise ValueError(f"{where}: expected {','.join(COLUMNS)} with numbers, got {list(row.values())}") from error
        if not row["label"]:
            raise ValueError(f"{where}: expected the name of a class in the column `label`, got nothing")
        if start != len(labels) or stop <= start:
            raise ValueError(
                f"{where}: expected a segment that starts at frame {len(labels)}, where the one before it stops, "
                f"and is not empty, got {start} to {stop}"
            )
        if share is not None and not 0 <= share <= 1:
            raise ValueError(f"{where}: expected a confidence from 0 to 1, got {row['confidence']}")
        labels += [row["label"]] * (stop - start)
        confidence += [] if share is None else [share] * (stop - start)
        fps = stop / stop_s if stop_s > 0 else None
    if not labels:
        raise ValueError(f"{path} has a header and no segments: expected at least one")
    if confidence and len(confidence) != len(labels):
        raise ValueError(f"{path}: expected a confidence in every row or in none, got it in some")
    return LabelTrack(labels, fps, confidence or None)


def _read_scores(path: Path) -> LabelTrack:
    wanted = "write it with `segtcn.labels.legacy.write_scores`"
    arrays = read_archive(path, _SCORE_KEYS, wanted)
    if missing := [key for key in _SCORE_KEYS[:3] if key not in arrays]:
        raise ValueError(f"{path} holds no `{missing[0]}`, so it is no file of labels and scores: {wanted}")
    names, labels, scores = (arrays[key] for key in _SCORE_KEYS[:3])
    if names.ndim != 1 or names.dtype.kind != "U" or not all(name.strip() for name in names.tolist()):
        raise ValueError(f"`class_names` in {path} must be names (C,), got {names.dtype} {names.shape}: {wanted}")
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise ValueError(f"`labels` in {path} must be class indexes (T,), got {labels.dtype} {labels.shape}: {wanted}")
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"`labels` in {path} reach from {labels.min()} to {labels.max()}, but it names the classes 0 to "
            f"{len(names) - 1}: {wanted}"
        )
    if scores.shape != (len(names), len(labels)) or scores.dtype.kind != "f":
        raise ValueError(
            f"`scores` in {path} must be probabilities (C, T), here {(len(names), len(labels))}, got {scores.dtype} "
            f"{scores.shape}: {wanted}"
        )
    if not ((scores >= 0) & (scores <= _LARGEST_SHARE)).all():
        raise ValueError(f"`scores` in {path} must lie between 0 and 1, got {scores.min()} to {scores.max()}: {wanted}")
    fps = arrays.get("fps")
    if fps is not None and not (fps.ndim == 0 and fps.dtype.kind in "iuf" and 0 < float(fps) < np.inf):
        raise ValueError(f"`fps` in {path} must be a positive number, got {fps}: {wanted}")
    class_names = [str(name) for name in names]
    values = np.minimum(scores, 1, dtype=np.float32)
    confidence = values[labels, np.arange(len(labels))]
    return LabelTrack(
        [class_names[label] for label in labels.tolist()],
        None if fps is None else float(fps),
        confidence.tolist(),
        ClassScores(class_names, values),
    )


def read_label_array(path: str | os.PathLike[str]) -> npt.NDArray[np.int64]:
    """Read a NumPy file with the class index of every frame. Pickled objects are refused: they could run code.

    Args:
        path: a ``.npy`` file that holds ``(T,)`` integers, none negative.

    Returns:
        ``(T,)`` int64.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged, holds pickled objects, or anything but class indexes ``(T,)``.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels.npy"
        >>> np.save(path, np.array([0, 0, 2]))
        >>> read_label_array(path)
        array([0, 0, 2])
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no label file {path}: check the path")
    array = open_array(path, ndim=1, kinds="iu", wanted="the class index of every frame, integers (T,)")
    if not len(array):
        raise ValueError(f"{path} is empty: expected the class index of at least one frame")
    if array.min() < 0:
        raise ValueError(f"{path} holds {array.min()}, but class indexes start at 0: leave out padding")
    if array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{path} holds {array.max()}, which is no class index: save it again with `numpy.save`")
    return np.array(array, dtype=np.int64)  # a copy: the file is closed


def write_labels(path: str | os.PathLike[str], names: Sequence[str]) -> None:
    """Write one label a line, in UTF-8; complete or not at all.

    Args:
        path: the file to make or to replace.
        names: name of every frame's class.

    Raises:
        ValueError: if there are no labels, or a label would not be read back as it is.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.
    """
    if len(names) == 0:
        raise ValueError(f"cannot write {path}: expected at least one label, got none")
    for name in set(names):
        _check_name(path, name)
    _write(path, "".join(f"{name}\n" for name in names))


def write_segments(
    path: str | os.PathLike[str],
    segments: Sequence[Segment],
    class_names: Sequence[str],
    fps: float | None = None,
    confidence: npt.ArrayLike | None = None,
) -> None:
    """Write a table of segments in frames and in seconds; complete or not at all.

    Args:
        path: the file to make or to replace, ``.csv`` by custom.
        segments: of one video, in time order and without gaps, as ``frames_to_segments`` returns them.
        class_names: name of every class.
        fps: frames per second, for the columns in seconds; None leaves them empty.
        confidence: of every frame, ``(T,)``, from 0 to 1; the table has each segment's mean. None leaves the column
            empty.

    Raises:
        ValueError: if there are no segments, they leave a gap or overlap, a class has no name, or ``fps`` or
            ``confidence`` is not as described.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile
        >>> from segtcn.structures import Segment
        >>> path = Path(tempfile.mkdtemp()) / "segments.csv"
        >>> write_segments(path, [Segment(0, 2, 1), Segment(2, 3, 0)], ["take", "pour"], fps=30, confidence=[0.8, 1, 1])
        >>> print(path.read_text(), end="")
        label,start,stop,start_s,stop_s,confidence
        pour,0,2,0.000000,0.066667,0.9000
        take,2,3,0.066667,0.100000,1.0000
    """
    if len(segments) == 0:
        raise ValueError(f"cannot write {path}: expected at least one segment, got none")
    if fps is not None and not fps > 0:
        raise ValueError(f"`fps` must be positive, got {fps}")
    shares = None if confidence is None else np.asarray(confidence, dtype=np.float64)
    if shares is not None and shares.shape != (segments[-1].stop,):
        raise ValueError(
            f"`confidence` must have one number for each of {segments[-1].stop} frames, got the shape {shares.shape}"
        )
    if shares is not None and not ((shares >= 0) & (shares <= _LARGEST_SHARE)).all():
        raise ValueError(f"`confidence` must lie between 0 and 1, got {shares.min():g} to {shares.max():g}")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    frame = 0
    for start, stop, label in segments:
        if start != frame or stop <= start:
            raise ValueError(
                f"segments must follow each other without gaps and not be empty: expected one that starts at {frame}, "
                f"got {start} to {stop}"
            )
        if not 0 <= label < len(class_names):
            raise ValueError(f"class {label} has no name: `class_names` has {len(class_names)}")
        _check_name(path, class_names[label])
        seconds = ["", ""] if fps is None else [f"{start / fps:.6f}", f"{stop / fps:.6f}"]
        share = "" if shares is None else f"{min(1.0, shares[start:stop].mean()):.4f}"
        writer.writerow([class_names[label], start, stop, *seconds, share])
        frame = stop
    _write(path, table.getvalue())


def write_scores(
    path: str | os.PathLike[str],
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    class_names: Sequence[str],
    fps: float | None = None,
) -> None:
    """Write labels with the scores of all classes as one archive; complete or not at all.

    It holds ``labels`` (T,) int32, ``scores`` (C, T) float16, ``class_names`` (C,) and, where known, ``fps``.

    Args:
        path: the file to make or to replace, ``.npz``.
        labels: class index of every frame, ``(T,)``; not always the class of the highest score.
        scores: probability of every class in every frame, ``(C, T)``, from 0 to 1.
        class_names: name of every class.
        fps: frames per second, or None.

    Raises:
        ValueError: if the shapes do not fit together, a value is out of range, or the name does not end in ``.npz``.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "video.npz"
        >>> write_scores(path, [0, 1], [[0.75, 0.25], [0.25, 0.75]], ["take", "pour"], fps=30)
        >>> read_labels(path).labels, read_labels(path).confidence, read_labels(path).fps
        (['take', 'pour'], [0.75, 0.75], 30.0)
    """
    frames, shares = np.asarray(labels), np.asarray(scores)
    if Path(path).suffix != ".npz":
        raise ValueError(f"cannot write {path}: the name must end in .npz")
    if shares.shape != (len(class_names), len(frames)) or frames.ndim != 1 or not len(frames):
        raise ValueError(
            f"cannot write {path}: expected labels (T,) with T >= 1 and scores (C, T) of {len(class_names)} classes, "
            f"got {frames.shape} and {shares.shape}"
        )
    if frames.min() < 0 or frames.max() >= len(class_names):
        raise ValueError(
            f"cannot write {path}: labels reach from {frames.min()} to {frames.max()}, but `class_names` names the "
            f"classes 0 to {len(class_names) - 1}"
        )
    if not ((shares >= 0) & (shares <= _LARGEST_SHARE)).all():
        raise ValueError(
            f"cannot write {path}: scores must lie between 0 and 1, got {shares.min():g} to {shares.max():g}"
        )
    if fps is not None and not fps > 0:
        raise ValueError(f"`fps` must be positive, got {fps}")
    for name in class_names:
        _check_name(path, name)
    arrays = {
        "labels": frames.astype(np.int32),
        "scores": shares.astype(np.float16),
        "class_names": np.array(class_names, dtype=np.str_),
        **({} if fps is None else {"fps": np.array(fps, dtype=np.float64)}),
    }
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]  # keywords are arrays


def _check_name(path: str | os.PathLike[str], name: str) -> None:
    if not name or name != name.strip() or "\n" in name or "\r" in name:
        raise ValueError(f"cannot write {path}: a label must be one line without outer white space, got {name!r}")


def _write(path: str | os.PathLike[str], text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode())  # bytes: no other line ends on Windows
