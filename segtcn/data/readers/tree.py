"""The tree of the MS-TCN release: lists, classes and ground truth, whatever the format of the features."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch

from segtcn.data.readers.reader import Reader, time_axis
from segtcn.labels.classes import Classes, listed
from segtcn.labels.files import read_labels
from segtcn.labels.video_lists import Subset, VideoLists, check_names

Shape = tuple[tuple[int, ...], int | None]
"""Sizes of the stored features of a video, and the number of its labels or None."""


class TreeReader(Reader):
    """What the readers of such trees have in common.

    ::

        ROOT/features/NAME.*                 one file a video, of the endings ``SUFFIXES``
        ROOT/groundTruth/NAME.txt            one label a line
        ROOT/splits/train.split1.bundle      one NAME a line, with or without ending; also test.split1.bundle
        ROOT/mapping.txt                     lines "0 background", "1 cut", ...: ids from 0 without a gap

    Without ``mapping.txt`` the classes are those of the listed videos' ground truth in the order of
    :meth:`~segtcn.labels.classes.Classes.from_names`, with a warning: another selection of videos may number them
    otherwise.

    Args:
        root: folder that holds those.
        ignore: names of classes to leave out: their frames count as not annotated.
    """

    SUFFIXES: ClassVar[tuple[str, ...]]

    def __init__(self, root: str, ignore: Sequence[str] = ()) -> None:
        self._ignore = ignore
        self._root = Path(root).expanduser()
        self._mapping = self._root / "mapping.txt"
        for part in ("", "features", "splits"):
            if not (self._root / part).is_dir():
                raise FileNotFoundError(
                    f"no folder {self._root / part}: `root` must hold features/NAME{self.SUFFIXES[0]}, splits, "
                    "groundTruth (unless labels stand with the features) and mapping.txt"
                )
        self._lists = VideoLists(self._root / "splits", suffixes=(".txt", *self.SUFFIXES))
        self.splits = self._lists.splits

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        return self._lists.videos(split, subset)

    def files(self, name: str, split: int | None = None) -> list[Path]:  # noqa: D102
        return [self._existing(name)]

    def stored(self) -> list[str]:  # noqa: D102
        folder = self._root / "features"
        # hidden files are not data: remains of programs that were killed, and what macOS puts beside each
        paths = (path for path in folder.rglob("[!.]*") if path.suffix in self.SUFFIXES and path.is_file())
        return sorted({path.relative_to(folder).with_suffix("").as_posix() for path in paths})

    def _paths(self, name: str) -> list[Path]:
        """The feature files of a video; more than one is a mistake."""
        return [path for suffix in self.SUFFIXES if isfile(path := self._root / "features" / f"{name}{suffix}")]

    def _existing(self, name: str) -> Path:
        check_names([name], str(self._root / "features"))
        paths = self._paths(name)
        if len(paths) > 1:
            raise ValueError(f"{paths[0]} and {paths[1]} are files of the same video: remove one")
        if not paths:
            raise FileNotFoundError(
                f"no features of video {name!r}: expected {self._root / 'features' / name}{', '.join(self.SUFFIXES)}; "
                "add the file or take the name out of the split's list"
            )
        return paths[0]

    def _names_with_features(self) -> Iterator[str]:
        """The listed videos that have features.

        Raises:
            FileNotFoundError: at the end, if there is none.
        """
        names = [name for name in self._lists.names() if self._paths(name)]
        yield from names
        if not names:
            raise FileNotFoundError(
                f"no video that {self._root / 'splits'} lists has features: expected "
                f"{self._root / 'features'}/NAME{', NAME'.join(self.SUFFIXES)}"
            )

    def _choose_classes(self, background: str | None, labels: Callable[[], Iterable[str]], depth: int = 1) -> None:
        """Take the classes of ``mapping.txt`` or, if there is none, those of the ground truth, with a warning.

        Args:
            background: name of the background class, or None.
            labels: called if the file is missing; every label of the ground truth, once or often.
            depth: of calls between this and the constructor, at whose caller the warning points.
        """
        is_there = self._mapping.is_symlink() or self._mapping.exists()
        names = () if is_there else Classes.from_names(labels()).names
        if names:
            shown = ", ".join([f"{index} {name}" for index, name in enumerate(names[:3])] + ["..."] * (len(names) > 3))
            warnings.warn(
                f"no {self._mapping}: its {len(names)} classes are those of the ground truth in alphabetical order "
                f"({shown}); write the file, so that they keep these numbers whichever videos there are",
                stacklevel=2 + depth,
            )
        self._set_classes(names or Classes.read(self._mapping).names, background)

    def _set_classes(self, names: Iterable[str], background: str | None) -> None:
        self.class_names = list(Classes(tuple(names)).names)
        if background is not None and background not in self.class_names:
            raise ValueError(
                f"`background` {background!r} is not a class of {self._mapping}: choose from "
                f"{listed(self.class_names)}, or null"
            )
        self.background = None if background is None else self.class_names.index(background)
        self._leave_out(self._ignore)

    def _truth_path(self, name: str) -> Path:
        return self._root / "groundTruth" / f"{name}.txt"

    def _truth_names(self, name: str) -> tuple[str, ...]:
        """Names of the classes in the ground truth of a video; none without ground truth."""
        path = self._truth_path(name)
        return read_labels(path).classes.names if isfile(path) else ()

    def _truth_length(self, name: str) -> int | None:
        """Labels in the ground truth of a video; None if there is none, or none that can be read."""
        try:
            return len(read_labels(self._truth_path(name)))
        except (FileNotFoundError, ValueError):
            return None

    def _read_truth(self, name: str) -> torch.Tensor:
        path = self._truth_path(name)
        if not isfile(path):
            raise FileNotFoundError(
                f"no ground truth of video {name!r}: expected {path} with one label a line; without it the video can "
                "only be predicted"
            )
        try:
            return self._kept_labels(torch.from_numpy(read_labels(path, self._stored_classes).indexes))
        except ValueError as error:
            raise ValueError(f"{error}; the classes are those of {self._mapping}") from error


class FeatureLayout(NamedTuple):
    """How the features of a data set are stored.

    Args:
        feature_dim: width D.
        time_axis: the axis that is time, 0 or 1, of an array whose shape does not state it: one as wide as it is long.
    """

    feature_dim: int
    time_axis: int


def find_layout(videos: Iterable[str], look: Callable[[str], Shape]) -> FeatureLayout:
    """How the features of a data set are stored whose files may be ``(D, T)`` or ``(T, D)``.

    Videos are looked at until one decides: it is not square, and either one of its sizes is the number of its labels,
    or only one of them is a size of every video before it, which is the width. If none decides, because all videos are
    of one length, the first with labels does, whose length they come nearest to, or else the documentation, ``(D, T)``.

    Args:
        videos: their names, at least one; those that cannot be opened are passed over if any can be.
        look: the stored shape of a video, two sizes, and the number of its labels or None.

    Raises:
        ValueError: what ``look`` raised first, if no video can be opened.

    Example:
        >>> shapes = {"tea": (417, 2048), "soup": (380, 2048)}
        >>> find_layout(shapes, lambda name: (shapes[name], None))
        FeatureLayout(feature_dim=2048, time_axis=0)
    """
    shapes: list[Shape] = []
    shared: set[int] = set()
    failure: ValueError | None = None
    for video in videos:
        try:
            shape, num_labels = look(video)
        except ValueError as error:
            failure = failure or error
            continue
        shared = {*shape} & shared if shapes else {*shape}
        shapes.append((shape, num_labels))
        if len({*shape}) == 1:
            continue
        if num_labels in shape:
            return FeatureLayout(shape[1 - shape.index(num_labels)], shape.index(num_labels))
        if len(shared) == 1:
            width = next(iter(shared))
            return FeatureLayout(width, 1 - shape.index(width))
    if failure is not None and not shapes:
        raise failure
    shape, num_labels = next(((shape, number) for shape, number in shapes if number is not None), shapes[0])
    axis = time_axis(shape, num_labels, None, documented=1)
    return FeatureLayout(shape[1 - axis], axis)
