"""One NumPy archive a video, with features and labels in it."""

from __future__ import annotations

from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path

import numpy as np
import torch

from segtcn.arrays import read_archive
from segtcn.data.readers.base import Reader, Subset, first_that_opens, time_axis
from segtcn.data.readers.ms_tcn import VideoLists, read_mapping
from segtcn.data.readers.text import check_names
from segtcn.structures import Video

_KEYS = ("features", "labels")
_REMEDY = "save it again with `numpy.savez(path, features=..., labels=...)`, names of classes as an array of type `str`"


class NpzReader(Reader):
    """Features and labels of a video in one ``.npz``, lists and classes as in the tree of the MS-TCN release.

    ::

        ROOT/features/NAME.npz               `features`: (D, T) or (T, D), any real number type
                                             `labels`: (T,) class indexes or class names; may be missing
        ROOT/splits/train.split1.bundle      one NAME a line, with or without .txt or .npz; also test.split1.bundle
        ROOT/mapping.txt                     lines "0 background", "1 cut", ...: ids from 0 without a gap

    Write them with ``numpy.savez`` or ``numpy.savez_compressed``. Pickled objects are refused: they could run code.

    Args:
        root: folder that holds those.
        fps: frames per second of the stored features.
        background: name of the background class, or None.

    Raises:
        FileNotFoundError: if a part of the tree is missing, or no listed video has features.
        ValueError: if ``mapping.txt``, an argument or the first file is wrong.
    """

    def __init__(self, root: str, fps: float = 15.0, background: str | None = None) -> None:
        if not fps > 0:
            raise ValueError(f"`fps` must be positive, got {fps}")
        self.fps = fps
        self._root = Path(root).expanduser()
        for folder in (self._root, self._root / "features", self._root / "splits"):
            if not folder.is_dir():
                raise FileNotFoundError(
                    f"no folder {folder}: `root` must hold features/NAME.npz, splits/ and mapping.txt "
                    "(`--data.reader.init_args.root DIR`)"
                )
        self.class_names = read_mapping(self._root / "mapping.txt")
        self._indices = {name: index for index, name in enumerate(self.class_names)}
        if background is not None and background not in self._indices:
            raise ValueError(
                f"`background` {background!r} is no class of {self._root / 'mapping.txt'}: "
                f"choose from {', '.join(self.class_names)}, or null"
            )
        self.background = None if background is None else self._indices[background]
        self._lists = VideoLists(self._root / "splits", suffixes=(".txt", ".npz"))
        self.splits = self._lists.splits
        self._feature_dim: int | None = None
        stored = (path for path in map(self._path, self._lists.names()) if isfile(path))
        width = first_that_opens(stored, self._width)
        if width is None:
            raise FileNotFoundError(
                f"no video that {self._root / 'splits'} lists has features: expected {self._root / 'features'}/NAME.npz"
            )
        self.feature_dim = self._feature_dim = width

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        return self._lists.videos(split, subset)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._existing(name)
        arrays = read_archive(path, _KEYS, _REMEDY)
        shape, axis = self._axis(arrays, path)
        features = arrays["features"]
        if features.dtype.kind not in "fiu":
            raise ValueError(f"`features` in {path} must be a real matrix (D, T), got {features.dtype} {shape}")
        truth = self._labels(arrays, path) if labels else None
        with np.errstate(over="ignore"):  # becomes infinite, which the data set reports with its frame
            oriented = np.ascontiguousarray(features if axis == 1 else features.T, dtype=np.float32)
        return Video(name=name, features=torch.from_numpy(oriented), labels=truth, source=str(path))

    def num_frames(self, name: str, split: int | None = None) -> int:  # noqa: D102
        path = self._existing(name)
        shape, axis = self._axis(read_archive(path, _KEYS, _REMEDY, values=False), path)
        return shape[axis]

    def _existing(self, name: str) -> Path:
        check_names([name], str(self._root / "features"))
        path = self._path(name)
        if not isfile(path):
            raise FileNotFoundError(
                f"no features of video {name!r}: expected {path}; add the file or take the name out of the split's list"
            )
        return path

    def _axis(self, arrays: dict[str, np.ndarray], path: Path) -> tuple[tuple[int, ...], int]:
        """Shape of the stored features and which of its axes is time."""
        if "features" not in arrays:
            raise ValueError(f"{path} holds no `features`: save it with `numpy.savez(path, features=..., labels=...)`")
        shape = arrays["features"].shape
        if len(shape) != 2:
            raise ValueError(f"`features` in {path} must be a real matrix (D, T), got the shape {shape}")
        num_labels = arrays["labels"].size if "labels" in arrays else None
        return shape, time_axis(shape, num_labels, self._feature_dim, documented=1)

    def _width(self, path: Path) -> int:
        shape, axis = self._axis(read_archive(path, _KEYS, _REMEDY, values=False), path)
        return shape[1 - axis]

    def _path(self, name: str) -> Path:
        return self._root / "features" / f"{name}.npz"

    def _labels(self, arrays: dict[str, np.ndarray], path: Path) -> torch.Tensor:
        if "labels" not in arrays:
            raise FileNotFoundError(
                f"{path} holds no `labels`: save the class of every frame beside `features`; without it the video can "
                "only be predicted"
            )
        labels = arrays["labels"]
        if labels.ndim != 1 or labels.dtype.kind not in "iuUS":
            raise ValueError(
                f"`labels` in {path} must be class indexes or class names (T,), got {labels.dtype} {labels.shape}"
            )
        if labels.dtype.kind in "US":
            names = np.char.decode(labels, "utf-8", "replace") if labels.dtype.kind == "S" else labels
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
