"""One NumPy archive a video, with features and labels in it."""

from __future__ import annotations

from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path

import numpy as np
import torch

from segtcn.arrays import archive_names, read_archive
from segtcn.data.readers.ms_tcn import find_layout, labels_in, read_or_find_classes, read_truth
from segtcn.data.readers.reader import Reader, Subset, time_axis
from segtcn.data.readers.text import VideoLists, class_index, existing_features, read_lines
from segtcn.structures import Video

_REMEDY = "save it again with `numpy.savez(path, features=..., labels=...)`, names of classes as an array of type `str`"


class NpzReader(Reader):
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

    Raises:
        FileNotFoundError: if a part of the tree is missing, or no listed video has features.
        ValueError: if ``mapping.txt``, an argument or the first file is wrong.
    """

    def __init__(
        self,
        root: str,
        fps: float = 15.0,
        background: str | None = None,
        features: str = "features",
        labels: str = "labels",
    ) -> None:
        if not fps > 0:
            raise ValueError(f"`fps` must be positive, got {fps}")
        if not features or not labels or features == labels:
            raise ValueError(f"`features` and `labels` must name two arrays, got {features!r} and {labels!r}")
        self.fps = fps
        self._keys = (features, labels)
        self._root = Path(root).expanduser()
        for folder in (self._root, self._root / "features", self._root / "splits"):
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"no folder {folder}: `root` must hold features/NAME.npz, splits/ and mapping.txt "
                    "(`--data.reader.init_args.root DIR`)"
                )
        self._lists = VideoLists(self._root / "splits", suffixes=(".txt", ".npz"))
        self.splits = self._lists.splits
        self.class_names = read_or_find_classes(self._root / "mapping.txt", self._all_labels)
        self._indices = {name: index for index, name in enumerate(self.class_names)}
        self.background = class_index(background, self.class_names, self._root / "mapping.txt")
        stored = (name for name in self._lists.names() if isfile(self._root / "features" / f"{name}.npz"))
        layout = find_layout(stored, self._shape)
        if layout is None:
            raise FileNotFoundError(
                f"no video that {self._root / 'splits'} lists has features: expected {self._root / 'features'}/NAME.npz"
            )
        self.feature_dim, self._time_axis = layout

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        return self._lists.videos(split, subset)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._existing(name)
        arrays = read_archive(path, self._keys, _REMEDY)
        shape, num_labels = self._shape_in(arrays, path, name)
        axis = time_axis(shape, num_labels, self.feature_dim, self._time_axis)
        features = arrays[self._keys[0]]
        if features.dtype.kind not in "fiu":
            raise ValueError(f"`{self._keys[0]}` in {path} must be a real matrix (D, T), got {features.dtype} {shape}")
        truth = self._labels(arrays, path, name) if labels else None
        with np.errstate(over="ignore"):  # becomes infinite, which the data set reports with its frame
            oriented = np.ascontiguousarray(features if axis == 1 else features.T, dtype=np.float32)
        return Video(name=name, features=torch.from_numpy(oriented), labels=truth, source=str(path))

    def num_frames(self, name: str, split: int | None = None) -> int:  # noqa: D102
        shape, num_labels = self._shape(name)
        return shape[time_axis(shape, num_labels, self.feature_dim, self._time_axis)]

    def _existing(self, name: str) -> Path:
        return existing_features(self._root / "features", name, ".npz")

    def _shape(self, name: str) -> tuple[tuple[int, ...], int | None]:
        path = self._existing(name)
        return self._shape_in(read_archive(path, self._keys, _REMEDY, values=False), path, name)

    def _shape_in(self, arrays: dict[str, np.ndarray], path: Path, name: str) -> tuple[tuple[int, ...], int | None]:
        """Shape of the stored features, and the number of labels if there are any."""
        features, labels = self._keys
        if features not in arrays:
            held = ", ".join(map(repr, archive_names(path)[:20])) or "nothing"
            raise ValueError(
                f"{path} holds no `{features}` (it holds {held}): name the array by `features` (and that of the "
                "labels by `labels`), or save it with `numpy.savez(path, features=..., labels=...)`"
            )
        shape = arrays[features].shape
        if len(shape) != 2:
            raise ValueError(f"`{features}` in {path} must be a real matrix (D, T), got the shape {shape}")
        if labels in arrays:
            return shape, arrays[labels].size
        truth = self._truth_path(name)
        return shape, len(read_lines(truth)) if isfile(truth) else None

    def _truth_path(self, name: str) -> Path:
        return self._root / "groundTruth" / f"{name}.txt"

    def _all_labels(self) -> set[str]:
        """Labels of all listed videos that have ground truth."""
        names: set[str] = set()
        indices: dict[str, Path] = {}
        for name in self._lists.names():
            path = self._root / "features" / f"{name}.npz"
            try:
                labels = read_archive(path, self._keys[1:], _REMEDY).get(self._keys[1]) if isfile(path) else None
            except ValueError:
                continue  # is reported by whoever reads the video
            if labels is None:
                names |= labels_in(self._truth_path(name)) if isfile(self._truth_path(name)) else set()
            elif labels.dtype.kind in "US":
                names |= {str(label).strip() for label in np.unique(_decoded(labels))}
            else:
                indices = dict.fromkeys((str(label) for label in np.unique(labels)), path) | indices
        if names and indices:
            raise ValueError(
                f"`{self._keys[1]}` in {next(iter(indices.values()))} are indexes, those of other videos names: write "
                f"{self._root / 'mapping.txt'}, which says what the indexes mean"
            )
        return names or {*indices}

    def _labels(self, arrays: dict[str, np.ndarray], path: Path, name: str) -> torch.Tensor:
        truth = self._truth_path(name)
        key = self._keys[1]
        if key not in arrays:
            if isfile(truth):
                return read_truth(truth, self._indices, self._root / "mapping.txt")
            held = ", ".join(map(repr, archive_names(path)[:20]))
            raise FileNotFoundError(
                f"{path} holds no `{key}` (only {held}), and there is no {truth}: name the array by `labels`, save the "
                "class of every frame beside the features, or one label a line in that file; without it the video can "
                "only be predicted"
            )
        labels = arrays[key]
        if labels.ndim != 1 or labels.dtype.kind not in "iuUS":
            raise ValueError(
                f"`{key}` in {path} must be class indexes or class names (T,), got {labels.dtype} {labels.shape}"
            )
        if labels.dtype.kind in "US":
            names = _decoded(labels)
            indices = np.array([self._indices.get(str(name).strip(), -1) for name in names], dtype=np.int64)
        else:
            names, indices = labels, np.where(labels < len(self.class_names), labels, -1).astype(np.int64)
        if (indices < 0).any():
            frame = int((indices < 0).argmax())
            raise ValueError(
                f"unknown label {names[frame].item()!r} at frame {frame} of {path}: add it to "
                f"{self._root / 'mapping.txt'} or correct it; known labels: 0 .. {len(self.class_names) - 1} or "
                f"{', '.join(self.class_names)}"
            )
        return torch.from_numpy(indices)


def _decoded(labels: np.ndarray) -> np.ndarray:
    return np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels
