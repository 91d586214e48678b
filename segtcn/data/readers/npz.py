"""One NumPy archive a video, with features and labels in it."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path

import numpy as np
import torch

from segtcn.arrays import archive_names, read_archive
from segtcn.data.readers.reader import as_float32, class_indexes, time_axis
from segtcn.data.readers.tree import Shape, TreeReader, find_layout
from segtcn.labels.classes import listed
from segtcn.structures import IGNORE, Video, checked_rate

_REMEDY = "save it again with `numpy.savez(path, features=..., labels=...)`, names of classes as an array of type `str`"


class NpzReader(TreeReader):
    """Features and labels of a video in one ``.npz``, lists and classes as in the tree of the MS-TCN release.

    ::

        ROOT/features/NAME.npz               `features`: (D, T) or (T, D), any real number type
                                             `labels`: (T,) class indexes or class names; may be missing
        ROOT/groundTruth/NAME.txt            one label a line, for a video whose file holds no `labels`
        ROOT/splits/train.split1.bundle      one NAME a line, with or without .txt or .npz; also test.split1.bundle
        ROOT/mapping.txt                     lines "0 background", "1 cut", ...: ids from 0 without a gap

    Which axis is time is seen as by :class:`MSTCNReader`, and ``mapping.txt`` may be missing here, too. Write the files
    with ``numpy.savez`` or ``numpy.savez_compressed``. Pickled objects are refused: they could run code.

    Args:
        root: folder that holds those.
        fps: frames per second of the stored features.
        background: name of the background class, or None.
        features: name of the array with the features, if it is another one in all files.
        labels: name of the array with the labels.
        ignore: names of classes to leave out: their frames count as not annotated.

    Raises:
        FileNotFoundError: if a part of the tree is missing, or no listed video has features.
        ValueError: if ``mapping.txt``, an argument or the first file is wrong.
    """

    SUFFIXES = (".npz",)

    def __init__(
        self,
        root: str,
        fps: float = 15.0,
        background: str | None = None,
        features: str = "features",
        labels: str = "labels",
        ignore: Sequence[str] = (),
    ) -> None:
        self.fps = checked_rate(fps)
        if not features or not labels or features == labels:
            raise ValueError(f"`features` and `labels` must name two arrays, got {features!r} and {labels!r}")
        self._keys = (features, labels)
        super().__init__(root, ignore)
        self._choose_classes(background, self._all_labels)
        self.feature_dim, self._time_axis = find_layout(self._names_with_features(), self._shape)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._existing(name)
        features, stored_labels = self._arrays(path)
        truth = self._labels(stored_labels, path, name) if labels else None
        num_labels = self._num_labels(stored_labels, name)
        if time_axis(features.shape, num_labels, self.feature_dim, self._time_axis) == 0:
            features = features.T
        return Video(name=name, features=torch.from_numpy(as_float32(features)), labels=truth, source=str(path))

    def _shape(self, name: str) -> Shape:
        features, labels = self._arrays(self._existing(name))
        return features.shape, self._num_labels(labels, name)

    def _arrays(self, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
        """The stored features, a matrix of real numbers, and the stored labels if there are any."""
        arrays, key = read_archive(path, self._keys, _REMEDY), self._keys[0]
        if key not in arrays:
            names = listed(map(repr, archive_names(path))) or "nothing"
            raise ValueError(
                f"{path} holds no `{key}` (it holds {names}): name the array by `features` (and that of the "
                "labels by `labels`), or save it with `numpy.savez(path, features=..., labels=...)`"
            )
        array = arrays[key]
        if array.ndim != 2 or array.dtype.kind not in "fiu":
            raise ValueError(f"`{key}` in {path} must be a real matrix (D, T), got {array.dtype} {array.shape}")
        return array, arrays.get(self._keys[1])

    def _num_labels(self, labels: np.ndarray | None, name: str) -> int | None:
        return self._truth_length(name) if labels is None else labels.size

    def _all_labels(self) -> set[str]:
        """Labels of all listed videos that have ground truth."""
        names: set[str] = set()
        indexes: dict[str, Path] = {}
        for name in self._lists.names():
            path = self._root / "features" / f"{name}.npz"
            try:
                labels = read_archive(path, self._keys[1:], _REMEDY).get(self._keys[1]) if isfile(path) else None
            except ValueError:
                continue  # is reported by whoever reads the video
            if labels is None:
                names |= {*self._truth_names(name)}
            elif labels.dtype.kind in "US":
                names |= {str(label).strip() for label in np.unique(_decoded(labels))}
            else:
                indexes = dict.fromkeys((str(label) for label in np.unique(labels[labels != IGNORE])), path) | indexes
        if names and indexes:
            raise ValueError(
                f"`{self._keys[1]}` in {next(iter(indexes.values()))} are indexes, those of other videos names: write "
                f"{self._mapping}, which says what the indexes mean"
            )
        return names or {*indexes}

    def _labels(self, labels: np.ndarray | None, path: Path, name: str) -> torch.Tensor:
        key = self._keys[1]
        if labels is None:
            if isfile(self._truth_path(name)):
                return self._read_truth(name)
            raise FileNotFoundError(
                f"{path} holds no `{key}` (only {listed(map(repr, archive_names(path)))}), and there is no "
                f"{self._truth_path(name)}: name the array by `labels`, save the class of every frame beside the "
                "features, or one label a line in that file; without it the video can only be predicted"
            )
        if labels.ndim != 1 or labels.dtype.kind not in "iuUS":
            raise ValueError(
                f"`{key}` in {path} must be class indexes or class names (T,), got {labels.dtype} {labels.shape}"
            )
        if labels.dtype.kind in "US":
            labels = self._stored_classes.indexes_of([str(label).strip() for label in _decoded(labels)], str(path))
        return self._kept_labels(class_indexes(labels, len(self._stored_classes), str(path)))


def _decoded(labels: np.ndarray) -> np.ndarray:
    return np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels
