"""Files of frame labels, in and out: a label a line, MS-TCN's recognition files, segment tables, archives, indexes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segtcn.arrays import archive_names, open_array, read_archive, save_array
from segtcn.atomic import atomic_path
from segtcn.labels.classes import IGNORE_NAME, MAX_CLASS, Classes, listed
from segtcn.labels.detection import TIMED, Format, detect_format, text_format
from segtcn.labels.frame_table import (
    NOTHING,
    FramesFromOneWarning,
    occurrence_columns,
    read_frame_table,
)
from segtcn.labels.label_lines import check_frame_list
from segtcn.labels.labels import Labels
from segtcn.labels.segment_tables import MAX_FRAMES, read_segments, segment_table, tracks_in
from segtcn.labels.text_rows import existing, lines_of, read_text
from segtcn.structures import IGNORE

_ARCHIVE_KEYS = ("class_names", "labels", "scores", "confidence", "fps", "truth")
_REMEDY = "write it with `segtcn.write_labels`"
_MAX_BYTES = 2**28


def read_labels(path: str | os.PathLike[str], classes: Classes | None = None, fps: float | None = None) -> Labels:
    """Read a label file of any of seven formats; :func:`detect_format` tells them apart.

    =============== ====================================== =======================================================
    format          recognised by                          content
    =============== ====================================== =======================================================
    ``archive``     ``.npz``                               labels, with the scores of all classes if there are any
    ``array``       ``.npy``                               class index of every frame, integers ``(T,)``
    ``recognition`` ``### Frame level recognition``...     predictions of the MS-TCN code: labels in line 2
    ``segments``    ``label,start,stop``...                segment table, in frames and seconds
    ``frame table`` ``frame,label``, any delimiter         one frame a row; the column of frames or times is used
    ``one-hot``     a header, rows of 0 and 1              one frame a row, a column for every class
    ``names``       text that can be labels                one label a line; labels may hold blanks
    =============== ====================================== =======================================================

    Frames that nobody annotated have the label :data:`~segtcn.labels.classes.IGNORE_NAME` in text, and the index
    :data:`~segtcn.structures.IGNORE` elsewhere.

    A file may hold several tracks, which label the same video side by side. ``FILE/TRACK`` is the path of one of them.
    Of a one-hot table every column is such a track, which occurs or not.

    Args:
        path: text in UTF-8, an archive or an array; :func:`write_labels` writes all but recognition files.
        classes: the classes of the data set; None takes those of an archive, or the names that occur, sorted.
        fps: labels per second; None takes the rate that the file states, if any.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not text in UTF-8, is empty, breaks its format, holds a label that is not among
            ``classes``, or is not recognised as labels of frames: the message names the program and the way out.

    Warns:
        FramesFromOneWarning: if the frames of a table count from 1.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels.txt"
        >>> write_labels(path, Labels.from_names(["take", "take", "pour milk"]))
        >>> read_labels(path).names()
        ['take', 'take', 'pour milk']
    """
    path = Path(path)
    file, track = file_and_track(path)
    form = _frame_format(file, classes)
    if form == "archive":
        labels, _ = read_archive_labels(path)
    elif track:
        labels = _read_track(file, track, form)
    elif form == "array":
        labels = _read_indexes(path, classes)
    elif form == "matlab":
        raise ValueError(f"{path} holds predictions and truth of several videos: `read_matlab_labels` reads them")
    else:
        labels = _read_text_labels(path, form, classes)
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
    file, track = file_and_track(Path(path))
    prefix = f"{track}/" if track else ""
    stored = read_archive(existing(file), [prefix + key for key in _ARCHIVE_KEYS], _REMEDY)
    arrays = {key.removeprefix(prefix): values for key, values in stored.items()}
    if not arrays and (tracks := track_names(file)):
        raise ValueError(f"{path} is not a track of {file}, which has {listed(tracks)}: choose {file}/{tracks[0]}")
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

    - ``.txt``: one label a line.
    - ``.csv``: one segment a line, with frames, seconds and mean confidence.
    - ``.npy``: the class indexes, (T,) int64.
    - ``.npz``: ``labels`` (T,) int32 and ``class_names`` (C,). Where they are known, also ``scores`` (C, T) float16 or
      only the ``confidence`` (T,) float16, ``fps``, and ``truth`` (T,) int32.

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
        ".csv": lambda temporary: _write_text(temporary, segment_table({"": labels})),
        ".npy": lambda temporary: save_array(temporary, labels.indexes),
        ".npz": lambda temporary: save_archive(temporary, {"": labels}, {} if truth is None else {"": truth}),
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


def save_archive(path: Path, tracks: Mapping[str, Labels], truth: Mapping[str, Labels]) -> None:
    """Write an archive.

    Args:
        path: the ``.npz`` file.
        tracks: labels by the name of their track; those of a video without tracks have the name "".
        truth: the true labels of some of them.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, labels in tracks.items():
        prefix = f"{name}/" if name else ""
        arrays[f"{prefix}labels"] = labels.indexes.astype(np.int32)
        arrays[f"{prefix}class_names"] = np.array(labels.classes.names, dtype=np.str_)
        if labels.scores is not None:
            arrays[f"{prefix}scores"] = labels.scores.astype(np.float16)
        elif labels.confidence is not None:
            arrays[f"{prefix}confidence"] = labels.confidence.astype(np.float16)
        if labels.fps is not None:
            arrays[f"{prefix}fps"] = np.array(labels.fps, dtype=np.float64)
        if name in truth:
            arrays[f"{prefix}truth"] = truth[name].indexes.astype(np.int32)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # keywords are arrays


def track_names(path: Path, one_hot: bool = False) -> list[str]:
    r"""Names of the tracks in a label file; none if it has the labels of one video.

    Args:
        path: the file.
        one_hot: whether the columns of a one-hot table are tracks, each of which occurs or not.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "P01.csv"
        >>> _ = path.write_text("track,label,start,stop\nleft,rest,0,4\nright,reach,0,4\n")
        >>> track_names(path)
        ['left', 'right']
    """
    try:
        if path.suffix == ".npz":
            suffix = "/class_names"
            return [name.removesuffix(suffix) for name in archive_names(path) if name.endswith(suffix)]
        form = detect_format(path) if path.suffix == ".csv" else ""
        if form == "segments":
            return tracks_in(path, _text(path))
        return occurrence_columns(_text(path)) if form == "one-hot" and one_hot else []
    except Exception:  # a file that is damaged or of another program is refused when its labels are read
        return []


def file_and_track(path: Path) -> tuple[Path, str]:
    """The file that a path means, and the track in it, or nothing."""
    return (path.parent, path.name) if path.parent.is_file() else (path, "")


def _read_track(path: Path, track: str, form: Format) -> Labels:
    text = _text(path)
    if form == "one-hot":
        table = read_frame_table(path, text, track)
        return Labels.from_names(table.names, Classes((NOTHING, track), 0), table.fps, f"{path}/{track}")
    return read_segments(path / track, text, track)


def _text(path: Path) -> str:
    return read_text(path, "one label a line, or a segment table", _MAX_BYTES)


def _frame_format(path: Path, classes: Classes | None) -> Format:
    """The format; a text of nothing but names of known classes is a list of labels, whatever else it looks like."""
    try:
        return detect_format(path)
    except ValueError:
        if classes is None or not {*lines_of(_text(path))} <= {*classes.names, IGNORE_NAME}:
            raise
        return "names"


def _read_text_labels(path: Path, form: Format, classes: Classes | None) -> Labels:
    if form in TIMED:
        raise ValueError(f"{path} is {TIMED[form]}, with times: expected labels of frames; `segtcn init` makes them")
    text = _text(path)
    if form == "segments":
        return read_segments(path, text)
    if form in ("frame table", "one-hot"):
        table = read_frame_table(path, text)
        if classes is None or not {*table.names} <= {*classes.names, IGNORE_NAME}:
            check_frame_list(path, table.names)
        if table.first:
            text = f"{path} counts its frames from 1: the first row is the first frame"
            warnings.warn(text, FramesFromOneWarning, stacklevel=3)
        return Labels.from_names(table.names, fps=table.fps, source=str(path))
    return _read_names(path, text, form, classes)


def _read_names(path: Path, text: str, form: Format, classes: Classes | None) -> Labels:
    lines = lines_of(text)
    if form == "recognition":
        if len(lines) != 2:
            raise ValueError(
                f"{path} has no labels in line 2, or more below it: MS-TCN's recognition files have all of them there"
            )
        lines = lines[1].split()
    elif "" in lines:
        raise ValueError(f"{path}, line {lines.index('') + 1} is empty: expected one label a line")
    elif classes is None or not {*lines} <= {*classes.names, IGNORE_NAME}:
        check_frame_list(path, lines)
    return Labels.from_names(lines, classes, source=str(path), first_line=1 if form == "names" else None)


def _read_indexes(path: Path, classes: Classes | None) -> Labels:
    indexes = open_array(path, ndim=1, kinds="iu", content="the class index of every frame, integers (T,)")
    if len(indexes) > MAX_FRAMES:
        raise ValueError(f"{path} holds {len(indexes):,} labels, more than any video has frames: correct it")
    largest = int(indexes.max()) if len(indexes) else -1
    if indexes.dtype.kind == "u" and largest == np.iinfo(indexes.dtype).max:
        raise ValueError(
            f"{path} holds {largest}, which is -1 in {indexes.dtype}: save it as int64, with {IGNORE} there"
        )
    if largest > MAX_CLASS:
        raise ValueError(f"{path} holds {largest}, which is hardly a class index: save it again with `numpy.save`")
    # a copy: the file is closed
    return Labels(np.array(indexes), classes or Classes.numbered(largest + 1), source=str(path))


def _frame_list(labels: Labels, path: str | os.PathLike[str]) -> str:
    text = "\n".join(labels.names()) + "\n"
    try:
        form: str = text_format(Path("labels.txt"), text)
    except ValueError as error:
        form = str(error)
    if form != "names":
        raise ValueError(f"cannot write {path}: its first label would be read as the header of a table; rename it")
    return text


def _write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())  # bytes: no other line ends on Windows
