"""The tree of the MS-TCN release, in which most I3D features of the field circulate."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from segtcn.arrays import open_array
from segtcn.data.readers.reader import Reader, Subset, time_axis
from segtcn.data.readers.text import VideoLists, class_index, existing_features, read_lines
from segtcn.structures import Video


class MSTCNReader(Reader):
    """Features and labels in the tree of the MS-TCN release; the layout to choose for one's own data.

    ::

        ROOT/features/NAME.npy               (D, T) or (T, D), any number type
        ROOT/groundTruth/NAME.txt            one label a line, T lines
        ROOT/splits/train.split1.bundle      one NAME.txt or NAME a line; also test.split1.bundle
        ROOT/mapping.txt                     lines "0 background", "1 cut", ...: ids from 0 without a gap

    Which axis of the features is time is told by the number of labels and by the width that all videos share, of a
    square array by the other videos. Without ``mapping.txt`` the classes are those of the listed videos' ground truth
    in the order of :func:`order_classes`, with a warning: another selection of videos may number them otherwise.

    Args:
        root: folder that holds those.
        fps: frames per second of the stored features.
        background: name of the background class, such as ``background`` in GTEA, or None.

    Raises:
        FileNotFoundError: if a part of the tree is missing, or no listed video has features.
        ValueError: if ``mapping.txt``, an argument or the first feature file is wrong.

    Reference:
        Abu Farha & Gall, MS-TCN: Multi-Stage Temporal Convolutional Network for Action Segmentation, CVPR 2019.
    """

    def __init__(self, root: str, fps: float = 15.0, background: str | None = None) -> None:
        if not fps > 0:
            raise ValueError(f"`fps` must be positive, got {fps}")
        self.fps = fps
        self._root = Path(root).expanduser()
        if not self._root.is_dir():
            raise FileNotFoundError(
                f"no folder {self._root}: put the data set there (features/, groundTruth/, splits/, mapping.txt), or "
                "give its place by `root` (`--data.reader.init_args.root DIR`)"
            )
        for part in ("features", "splits"):
            if not (self._root / part).is_dir():
                raise FileNotFoundError(
                    f"no folder {self._root / part}: `root` must hold features, groundTruth, splits and mapping.txt"
                )
        self._lists = VideoLists(self._root / "splits")
        self.splits = self._lists.splits
        self.class_names = read_or_find_classes(self._root / "mapping.txt", self._all_labels)
        self._indices = {name: index for index, name in enumerate(self.class_names)}
        self.background = class_index(background, self.class_names, self._root / "mapping.txt")
        stored = (name for name in self._lists.names() if isfile(self._root / "features" / f"{name}.npy"))
        layout = find_layout(stored, self._shape)
        if layout is None:
            raise FileNotFoundError(
                f"no video that {self._root / 'splits'} lists has features: expected {self._root / 'features'}/NAME.npy"
            )
        self.feature_dim, self._time_axis = layout

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        return self._lists.videos(split, subset)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._existing_features(name)
        truth = self._read_labels(name) if labels else None
        array = self._oriented(path, None if truth is None else len(truth))
        return Video(name=name, features=torch.from_numpy(_loaded(array, path)), labels=truth, source=str(path))

    def num_frames(self, name: str, split: int | None = None) -> int:  # noqa: D102
        return self._oriented(self._existing_features(name), num_labels=None).shape[1]

    def _existing_features(self, name: str) -> Path:
        return existing_features(self._root / "features", name, ".npy")

    def _shape(self, name: str) -> tuple[tuple[int, ...], int | None]:
        truth = self._labels_path(name)
        return _opened(self._existing_features(name)).shape, len(read_lines(truth)) if isfile(truth) else None

    def _labels_path(self, name: str) -> Path:
        return self._root / "groundTruth" / f"{name}.txt"

    def _oriented(self, path: Path, num_labels: int | None) -> np.ndarray:
        """The stored array as ``(D, T)``, not yet read from disk."""
        array = _opened(path)
        return array if time_axis(array.shape, num_labels, self.feature_dim, self._time_axis) == 1 else array.T

    def _all_labels(self) -> Iterator[str]:
        """Labels of all listed videos that have ground truth."""
        for name in self._lists.names():
            path = self._labels_path(name)
            if isfile(path):
                yield from labels_in(path)

    def _read_labels(self, name: str) -> torch.Tensor:
        path = self._labels_path(name)
        if not isfile(path):
            raise FileNotFoundError(
                f"no ground truth of video {name!r}: expected {path} with one label a line; without it the video can "
                "only be predicted"
            )
        return read_truth(path, self._indices, self._root / "mapping.txt")


def labels_in(path: Path) -> set[str]:
    """The different labels of a file with one label a line.

    Raises:
        ValueError: if a line is empty.
    """
    lines = read_lines(path)
    if "" in lines:
        raise ValueError(f"line {lines.index('') + 1} of {path} is empty: expected one label a line")
    return set(lines)


def read_truth(path: Path, indices: Mapping[str, int], mapping: Path) -> torch.Tensor:
    """The class of every frame, from a file with one label a line.

    Args:
        path: the file.
        indices: class by label.
        mapping: the file that names the classes, for the message.

    Returns:
        Class indexes, ``(T,)`` int64.

    Raises:
        ValueError: if a label is no class.
    """
    lines = read_lines(path)
    if unknown := set(lines) - indices.keys():
        number = min(map(lines.index, unknown))
        raise ValueError(
            f"unknown label {lines[number]!r} in line {number + 1} of {path}: add it to {mapping} or correct it; known "
            f"labels: {', '.join(indices)}"
        )
    return torch.from_numpy(np.fromiter(map(indices.__getitem__, lines), np.int64, len(lines)))


class Layout(NamedTuple):
    """How the features of a data set are stored.

    Args:
        feature_dim: width D.
        time_axis: the axis that is time, 0 or 1, of an array whose shape does not tell it: one as wide as it is long.
    """

    feature_dim: int
    time_axis: int


def find_layout(videos: Iterable[str], look: Callable[[str], tuple[tuple[int, ...], int | None]]) -> Layout | None:
    """How the features of a data set are stored whose files may be ``(D, T)`` or ``(T, D)``.

    Videos are looked at until one tells: it is not square, and either one of its sizes is the number of its labels, or
    only one of them is a size of every video before it, which is the width. If none tells, because all videos are of
    one length, the first with labels does, whose length they come nearest to, or else the documentation, ``(D, T)``.

    Args:
        videos: their names; those that cannot be opened are passed over if any can be.
        look: the stored shape of a video, two sizes, and the number of its labels or None.

    Returns:
        None without videos.

    Raises:
        ValueError: what ``look`` raised first, if no video can be opened.

    Example:
        >>> shapes = {"tea": (417, 2048), "soup": (380, 2048)}
        >>> find_layout(shapes, lambda name: (shapes[name], None))
        Layout(feature_dim=2048, time_axis=0)
    """
    seen: list[tuple[tuple[int, ...], int | None]] = []
    shared: set[int] = set()
    failure: ValueError | None = None
    for video in videos:
        try:
            shape, num_labels = look(video)
        except ValueError as error:
            failure = failure or error
            continue
        shared = {*shape} & shared if seen else {*shape}
        seen.append((shape, num_labels))
        if len({*shape}) == 1:
            continue
        if num_labels in shape:
            return Layout(shape[1 - shape.index(num_labels)], shape.index(num_labels))
        if len(shared) == 1:
            width = next(iter(shared))
            return Layout(width, 1 - shape.index(width))
    if not seen:
        if failure is not None:
            raise failure
        return None
    shape, num_labels = next(((shape, number) for shape, number in seen if number is not None), seen[0])
    axis = time_axis(shape, num_labels, None, documented=1)
    return Layout(shape[1 - axis], axis)


def _opened(path: Path) -> np.ndarray:
    return open_array(path, ndim=2, kinds="fiu", wanted="a real matrix (D, T)")


def _loaded(array: np.ndarray, path: Path) -> np.ndarray:
    """An opened array as float32 in memory, row by row."""
    if isinstance(array, np.memmap) and array.dtype == np.float32 and array.flags.c_contiguous:
        # faster than a copy of the map
        return np.fromfile(path, np.float32, array.size, offset=array.offset).reshape(array.shape)
    with np.errstate(over="ignore"):  # becomes infinite, which the data set reports with its frame
        return np.array(array, dtype=np.float32, order="C")


def read_or_find_classes(mapping: Path, labels: Callable[[], Iterable[str]], depth: int = 1) -> list[str]:
    """The class names of ``mapping.txt`` or, if there is none, those of the ground truth, with a warning.

    Args:
        mapping: where the file should be.
        labels: called if it is missing; every label of the ground truth, once or often.
        depth: of calls between this and the line that the warning is to point at, the constructor's.

    Returns:
        Name of every class; the index is the class.

    Raises:
        FileNotFoundError: if there is neither that file nor a label.
        ValueError: if the file cannot be understood.
    """
    found = [] if mapping.is_symlink() or mapping.exists() else order_classes(labels())
    if not found:
        return read_mapping(mapping)
    shown = ", ".join([f"{index} {name}" for index, name in enumerate(found[:3])] + ["..."] * (len(found) > 3))
    warnings.warn(
        f"no {mapping}: its {len(found)} classes are those of the ground truth in alphabetical order ({shown}); "
        "write the file, so that they keep these numbers whichever videos there are",
        stacklevel=2 + depth,
    )
    return found


def order_classes(labels: Iterable[str]) -> list[str]:
    """The order of classes that nothing else numbers: alphabetical, by code point.

    Background is not moved to the front: the field has no common practice (GTEA has it last in the MS-TCN release and
    first in Lea et al.'s, Breakfast first, 50Salads none), scores find it by its name, and so the numbers depend on the
    labels alone. Labels that are all numbers are the indexes themselves.

    Args:
        labels: each once or often.

    Example:
        >>> order_classes(["pour", "background", "cut", "pour"]), order_classes(["10", "2"])[-3:]
        (['background', 'cut', 'pour'], ['8', '9', '10'])
    """
    found = sorted({*labels})
    if all(re.fullmatch(r"0|[1-9][0-9]{0,3}", label) for label in found):  # four digits: no list of a billion classes
        return [str(index) for index in range(max(map(int, found), default=-1) + 1)]
    return found


def read_mapping(path: str | Path) -> list[str]:
    """Read the class names of an MS-TCN tree, one ``ID NAME`` a line; names may hold spaces.

    Args:
        path: usually ``mapping.txt``.

    Returns:
        Name of every class; the index is the class.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a line cannot be understood or the ids are not 0 to C - 1.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: write one line for every class, `0 background`, `1 cut`, ...")
    classes: dict[int, str] = {}
    for number, line in enumerate(read_lines(path), start=1):
        match = re.fullmatch(r"(\d+)\s+(.+)", line)  # a name may hold spaces
        if match is None:
            raise ValueError(f"line {number} of {path} must be `ID NAME`, such as `0 background`, got {line!r}")
        if int(match[1]) in classes or match[2] in classes.values():
            raise ValueError(f"line {number} of {path} repeats an id or a name: {line!r}")
        classes[int(match[1])] = match[2]
    if not classes or sorted(classes) != list(range(len(classes))):
        raise ValueError(f"{path} must number the classes 0 to C-1 without a gap, got {sorted(classes)}")
    return [classes[index] for index in range(len(classes))]
