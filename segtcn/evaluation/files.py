"""Predictions and truth of videos, read from the files in which the field passes them on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segtcn.data.readers.matlab import load_matlab
from segtcn.data.readers.video_lists import read_names
from segtcn.labels.classes import Classes
from segtcn.labels.legacy import read_label_array, read_labels

SUFFIXES = (".txt", ".csv", ".npy", ".mat")
"""Endings of label files; whatever else follows a dot belongs to the name of the video."""

LengthPolicy = Literal["error", "trim"]
Frames: TypeAlias = NDArray[np.int64]

_MAX_CLASS = 100_000
_MAX_LISTED = 20


class LabelledVideos(NamedTuple):
    """Predictions and truth of the same videos.

    Args:
        preds: predicted class of every frame, ``(T,)`` int64, by name of the video.
        labels: true class of every frame, ``(T,)`` int64, of the same videos.
        class_names: name of every class; the index is the class.
    """

    preds: dict[str, Frames]
    labels: dict[str, Frames]
    class_names: list[str]


class _Track(NamedTuple):
    """Labels of one file: names of classes, or their indexes as an array."""

    path: Path
    frames: list[str] | Frames


def read_videos(
    predictions: Path,
    truth: Path,
    mapping: Path | None = None,
    names: Iterable[str] | None = None,
    length_policy: LengthPolicy = "error",
    length_tolerance: int = 10,
) -> LabelledVideos:
    """Read predictions and truth, two files or two folders whose files have the same names.

    Text files, MS-TCN's recognition files and segment tables hold names of classes, ``.npy`` files their indexes; see
    :mod:`segtcn.labels.legacy`.

    Args:
        predictions: a file, or a folder with one file a video.
        truth: the same for the true labels. Two files need not have the same name.
        mapping: ``mapping.txt`` with the name of every class; None collects the names from the files and sorts them.
        names: the videos to read; None reads all, which both folders must hold.
        length_policy: where predictions and truth differ in length: ``error``, or ``trim`` both to the shorter.
        length_tolerance: largest difference in frames that ``trim`` accepts.

    Returns:
        The videos, sorted by name.

    Raises:
        FileNotFoundError: if a file or folder is missing, or a folder holds no label files.
        ValueError: if a file cannot be understood, a label is not in ``mapping``, a video is in one folder only, or
            predictions and truth differ in length.
    """
    if length_policy not in ("error", "trim") or length_tolerance < 0:
        raise ValueError(
            "`length_policy` must be 'error' or 'trim' and `length_tolerance` not negative, got "
            f"{length_policy!r} and {length_tolerance}"
        )
    pred_files, true_files = _pair(predictions, truth, names)
    preds = {name: _read(path) for name, path in pred_files.items()}
    labels = {name: _read(path) for name, path in true_files.items()}
    tracks = [*preds.values(), *labels.values()]
    class_names = _collect_names(tracks) if mapping is None else list(Classes.read(mapping).names)
    source = "its own labels" if mapping is None else str(mapping)
    pred_frames = {name: _to_indexes(track, class_names, source) for name, track in preds.items()}
    true_frames = {name: _to_indexes(track, class_names, source) for name, track in labels.items()}
    for name, frames in pred_frames.items():
        length = _common_length(
            (pred_files[name], len(frames)),
            (true_files[name], len(true_frames[name])),
            length_policy,
            length_tolerance,
        )
        pred_frames[name], true_frames[name] = frames[:length], true_frames[name][:length]
    return LabelledVideos(pred_frames, true_frames, class_names)


def read_matlab_splits(paths: Sequence[Path], mapping: Path | None = None) -> dict[str, LabelledVideos]:
    """Read predictions as Lea et al. released them: a file holds the test videos of one split.

    Args:
        paths: ``.mat`` files with the cells ``P`` (predicted), ``Y`` (true) and, optionally, ``S`` (scores), or one
            folder of such files.
        mapping: ``mapping.txt`` with the name of every class; None takes the numbers as names.

    Returns:
        The videos of each split by the file's name without ending; videos are numbered from 1, as ``SPLIT/1``.

    Raises:
        FileNotFoundError: if a file is missing or the folder holds none.
        ValueError: if a file is no such file, two have the same name, cells are malformed, predictions and truth
            differ in length, or scores are NaN.
    """
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        paths = sorted(folder.glob("*.mat"), key=lambda path: (len(path.name), path.name))
        if not paths:
            raise FileNotFoundError(f"no .mat file in {folder}: check the path, or give a folder with the truth, too")
    if len({path.stem for path in paths}) < len(paths):
        raise ValueError(
            f"two of the files are named {_first_twice([path.stem for path in paths])}.mat: every file is one split, "
            "score each network's files on their own"
        )
    cells = {path.stem: _read_matlab(path) for path in paths}
    highest = max(int(frames.max()) for videos in cells.values() for pair in videos for frames in pair)
    class_names = [str(label) for label in range(highest + 1)] if mapping is None else list(Classes.read(mapping).names)
    if highest >= len(class_names):
        raise ValueError(f"class {highest} of the .mat files is not in {mapping}, which has {_listed(class_names)}")
    return {
        split: LabelledVideos(
            {f"{split}/{number}": preds for number, (preds, _) in enumerate(videos, start=1)},
            {f"{split}/{number}": labels for number, (_, labels) in enumerate(videos, start=1)},
            class_names,
        )
        for split, videos in cells.items()
    }


def read_video_list(path: Path) -> list[str]:
    """Read names of videos, one a line, such as a ``test.split1.bundle``; endings of label files are cut off.

    Args:
        path: the list.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is empty or names a video twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no list of videos {path}: check the path")
    return read_names(path, clean=video_name)


def read_tracks(files: Mapping[str, Path], class_names: Sequence[str], source: str) -> dict[str, Frames]:
    """Read label files of known classes.

    Args:
        files: a file of labels for each video.
        class_names: name of every class.
        source: where the names are from, for error messages.

    Returns:
        Class index of every frame, ``(T,)``, by name of the video.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file cannot be understood or holds a label that is no class.
    """
    return {name: _to_indexes(_read(path), class_names, source) for name, path in files.items()}


def collect_names(names: Iterable[str]) -> list[str]:
    """The classes of labels that no mapping describes: sorted, so that the same labels always get the same indexes.

    Args:
        names: of classes, each once or often. Where all are numbers, they are the indexes themselves.

    Example:
        >>> collect_names(["take", "pour", "take"]), collect_names(["3", "0"])
        (['pour', 'take'], ['0', '1', '2', '3'])
    """
    found = sorted({*names})
    if all(name.isascii() and name.isdigit() and str(int(name)) == name for name in found):
        highest = max(map(int, found))
        if highest <= _MAX_CLASS:
            return [str(label) for label in range(highest + 1)]
    return found


def video_name(file_name: str) -> str:
    """Name of a video: that of its file without the ending.

    Args:
        file_name: may hold dots.

    Example:
        >>> video_name("S1.Cheese.C1.txt"), video_name("S1.Cheese.C1")
        ('S1.Cheese.C1', 'S1.Cheese.C1')
    """
    return next((file_name.removesuffix(suffix) for suffix in SUFFIXES if file_name.endswith(suffix)), file_name)


def label_files(folder: Path) -> dict[str, Path]:
    """Label files of a folder and the folders in it, by name of the video.

    Where a video has both ``NAME.txt`` and ``NAME.csv``, as ``segtcn test`` writes them, the text counts.

    Args:
        folder: other files in it are passed over.

    Raises:
        FileNotFoundError: if there is no such folder, or no label file in it.
        ValueError: if a video has two files of other kinds.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: check the path")
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if any(part.startswith(".") for part in inner.parts) or not path.is_file() or not _holds_labels(path):
            continue
        name = video_name(inner.as_posix())
        other = files.setdefault(name, path)
        if other != path:
            if {other.suffix, path.suffix} != {".txt", ".csv"}:
                raise ValueError(f"{other} and {path} are labels of the same video: keep one of them in this folder")
            files[name] = other if other.suffix == ".txt" else path
    if not files:
        raise FileNotFoundError(
            f"no label files in {folder}: expected one a video, {', '.join(SUFFIXES)} or MS-TCN's recognition files; "
            "give the folder that holds them, such as RUN/predictions"
        )
    return files


def _holds_labels(path: Path) -> bool:
    if path.suffix in SUFFIXES:
        return True
    with path.open("rb") as file:  # MS-TCN's recognition files have no ending
        return file.read(27) == b"### Frame level recognition"


def _pair(predictions: Path, truth: Path, names: Iterable[str] | None) -> tuple[dict[str, Path], dict[str, Path]]:
    for path in (predictions, truth):
        if not path.exists():
            raise FileNotFoundError(f"no file or folder {path}: check the path")
    if predictions.is_file() and truth.is_file():
        name = video_name(predictions.name)
        return {name: predictions}, {name: truth}
    if truth.is_file():
        raise ValueError(
            f"{predictions} is a folder and {truth} a file: expected two folders with one file a video, or two files"
        )
    true_files = label_files(truth)
    if predictions.is_file():
        name = video_name(predictions.name)
        pred_files, wanted = {name: predictions}, {name}
    else:
        pred_files = label_files(predictions)
        wanted = {*pred_files, *true_files} if names is None else {*names}
    problems = [
        f"no {kind} in {folder} for {_listed(sorted(wanted - files.keys()))}"
        for kind, folder, files in (("predictions", predictions, pred_files), ("truth", truth, true_files))
        if wanted - files.keys()
    ]
    if problems:
        remedy = "add the files" if names is not None else "add the files, or list the videos to score (`--videos`)"
        raise ValueError(f"{'; '.join(problems)}: {remedy}")
    return {name: pred_files[name] for name in sorted(wanted)}, {name: true_files[name] for name in sorted(wanted)}


def _read(path: Path) -> _Track:
    if path.suffix == ".mat":
        raise ValueError(f"{path} holds predictions and truth together: give .mat files alone, without a second path")
    return _Track(path, read_label_array(path) if path.suffix == ".npy" else read_labels(path).labels)


def _collect_names(tracks: Sequence[_Track]) -> list[str]:
    text = next((track for track in tracks if isinstance(track.frames, list)), None)
    array = next((track for track in tracks if not isinstance(track.frames, list)), None)
    if text is not None and array is not None:
        raise ValueError(
            f"{text.path} holds names of classes and {array.path} their numbers: say which is which with a mapping.txt "
            "(`--mapping`)"
        )
    if array is not None:
        top = max(tracks, key=lambda track: int(np.max(track.frames)))
        highest = int(np.max(top.frames))
        if highest > _MAX_CLASS:
            raise ValueError(f"{top.path} holds {highest}, which is hardly a class index")
        return [str(label) for label in range(highest + 1)]
    return collect_names(str(label) for track in tracks for label in set(track.frames))


def _to_indexes(track: _Track, class_names: Sequence[str], source: str) -> Frames:
    path, frames = track
    if not isinstance(frames, list):
        if (highest := int(frames.max())) >= len(class_names):
            frame = int(frames.argmax())
            raise ValueError(
                f"{path}: class {highest} at frame {frame} is not in {source}, which has the {len(class_names)} "
                f"classes {_listed(class_names)}"
            )
        return frames
    index = {name: label for label, name in enumerate(class_names)}
    if unknown := sorted(set(frames) - index.keys()):
        raise ValueError(
            f"{path}: label {unknown[0]!r} at frame {frames.index(unknown[0])} is not in {source}: add it there or "
            f"correct it; known labels: {_listed(class_names)}"
        )
    return np.fromiter((index[name] for name in frames), dtype=np.int64, count=len(frames))


def _common_length(
    pred: tuple[Path, int], true: tuple[Path, int], length_policy: LengthPolicy, length_tolerance: int
) -> int:
    (pred_path, num_preds), (true_path, num_labels) = pred, true
    difference = abs(num_preds - num_labels)
    if difference > 0 and (length_policy == "error" or difference > length_tolerance):
        allowed = f" by at most {length_tolerance} frames" if length_policy == "trim" else ""
        raise ValueError(
            f"{pred_path} has {num_preds} frames and {true_path} has {num_labels}: bring both to the same frame rate "
            f"and length, or cut both to the shorter where they differ{allowed or ' by a few frames'} "
            "(`--length-policy trim --length-tolerance N`)"
        )
    return min(num_preds, num_labels)


def _read_matlab(path: Path) -> list[tuple[Frames, Frames]]:
    arrays = load_matlab(path)
    missing = [key for key in ("P", "Y") if key not in arrays]
    if missing:
        held = ", ".join(sorted(key for key in arrays if not key.startswith("__"))) or "nothing"
        raise ValueError(
            f"{path} holds no {' and no '.join(missing)} (it holds {held}): expected predictions P and truth Y"
        )
    preds, labels = (_cells(arrays, key, path) for key in ("P", "Y"))
    if len(preds) != len(labels) or not preds:
        raise ValueError(f"{path} holds predictions of {len(preds)} videos and truth of {len(labels)}")
    for number, values in enumerate(_elements(arrays["S"]) if "S" in arrays else [], start=1):
        if values.dtype.kind == "f" and np.isnan(values).any():
            frame = int(np.isnan(np.atleast_2d(values)).any(axis=1).argmax())
            raise ValueError(
                f"{path}: NaN among the scores S of video {number} at frame {frame}: its predictions cannot be "
                "trusted, compute them again"
            )
    videos = list(zip(preds, labels, strict=True))
    for number, (pred, true) in enumerate(videos, start=1):
        if len(pred) != len(true):
            raise ValueError(
                f"{path}: P of video {number} has {len(pred)} frames and its Y has {len(true)}: save both at one rate"
            )
    return videos


def _cells(arrays: Mapping[str, Any], key: str, path: Path) -> list[Frames]:
    cells = _elements(arrays[key])
    for number, cell in enumerate(cells, start=1):
        where = f"{path}: {key} of video {number}"
        if cell.size == 0 or cell.size != max(cell.shape) or cell.dtype.kind not in "fiu":
            raise ValueError(f"{where} must be the class index of every frame, (1, T), got {cell.dtype} {cell.shape}")
        if not ((cell >= 0) & (cell == np.round(cell)) & (cell <= _MAX_CLASS)).all():
            raise ValueError(f"{where} must hold class indexes, whole numbers from 0, got {cell.min()} to {cell.max()}")
    return [cell.ravel().astype(np.int64) for cell in cells]


def _elements(array: NDArray[Any]) -> list[NDArray[Any]]:
    """The arrays in a cell array; another array is that of the only video."""
    return [np.asarray(cell) for cell in array.ravel()] if array.dtype == object else [array]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def _first_twice(names: Sequence[str]) -> str:
    return next(name for name in names if names.count(name) > 1)
