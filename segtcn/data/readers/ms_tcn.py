"""The tree of the MS-TCN release, in which most I3D features of the field circulate."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from segtcn.data.readers.base import Reader, Subset, time_axis
from segtcn.data.readers.text import read_lines, read_names
from segtcn.structures import Video


class MSTCNReader(Reader):
    """Features and labels in the tree of the MS-TCN release; the layout to choose for one's own data.

    ::

        ROOT/features/NAME.npy               (D, T) or (T, D), any number type
        ROOT/groundTruth/NAME.txt            one label a line, T lines
        ROOT/splits/train.split1.bundle      one NAME.txt or NAME a line; also test.split1.bundle
        ROOT/mapping.txt                     lines "0 background", "1 cut", ...: ids from 0 without a gap

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
        self.class_names = read_mapping(self._root / "mapping.txt")
        self._indices = {name: index for index, name in enumerate(self.class_names)}
        if background is not None and background not in self._indices:
            raise ValueError(
                f"`background` {background!r} is no class of {self._root / 'mapping.txt'}: "
                f"choose from {', '.join(self.class_names)}, or null"
            )
        self.background = None if background is None else self._indices[background]
        bundles = sorted((self._root / "splits").glob("*.bundle"))
        numbers = (re.fullmatch(r"(?:train|test)\.split(\d+)\.bundle", path.name) for path in bundles)
        self.splits = sorted({int(match[1]) for match in numbers if match})
        if not self.splits:
            raise FileNotFoundError(
                f"no list of videos in {self._root / 'splits'}: write train.split1.bundle and test.split1.bundle, "
                "one video name a line"
            )
        self._feature_dim: int | None = None
        listed = chain.from_iterable(map(read_lines, bundles))
        names = (_name(line) for line in listed if line)
        first = next((name for name in names if self._features_path(name).is_file()), None)
        if first is None:
            raise FileNotFoundError(
                f"no video that {self._root / 'splits'} lists has features: expected {self._root / 'features'}/NAME.npy"
            )
        truth = self._labels_path(first)
        num_labels = len(read_lines(truth)) if truth.is_file() else None
        self.feature_dim = self._feature_dim = self._oriented(self._features_path(first), num_labels).shape[0]

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        if split not in self.splits:
            splits = ", ".join(map(str, self.splits))
            raise ValueError(f"split {split} does not exist in {self._root / 'splits'}: choose from {splits}")
        path = self._root / "splits" / f"{subset}.split{split}.bundle"
        if not path.is_file():
            raise FileNotFoundError(f"no {path}: write the names of the {subset} videos of split {split}, one a line")
        return read_names(path, clean=_name)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._features_path(name)
        if not path.is_file():
            raise FileNotFoundError(
                f"no features of video {name!r}: expected {path}; add the file or take the name out of the split's list"
            )
        truth = self._read_labels(name) if labels else None
        array = self._oriented(path, None if truth is None else len(truth))
        with np.errstate(over="ignore"):  # becomes infinite, which the data set reports with its frame
            features = torch.from_numpy(np.array(array, dtype=np.float32, order="C"))
        return Video(name=name, features=features, labels=truth, source=str(path))

    def _features_path(self, name: str) -> Path:
        return self._root / "features" / f"{name}.npy"

    def _labels_path(self, name: str) -> Path:
        return self._root / "groundTruth" / f"{name}.txt"

    def _oriented(self, path: Path, num_labels: int | None) -> np.ndarray:
        """The stored array as ``(D, T)``, not yet read from disk."""
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(
                f"{path} is damaged or no NumPy array ({error}): save it again with `numpy.save`"
            ) from error
        if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiu":
            held = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "an archive of arrays"
            raise ValueError(f"{path} must hold a real matrix (D, T), got {held}: save it again with `numpy.save`")
        return array if time_axis(array.shape, num_labels, self._feature_dim, documented=1) == 1 else array.T

    def _read_labels(self, name: str) -> torch.Tensor:
        path = self._labels_path(name)
        if not path.is_file():
            raise FileNotFoundError(
                f"no ground truth of video {name!r}: expected {path} with one label a line; without it the video can "
                "only be predicted"
            )
        lines = read_lines(path)
        for number, line in enumerate(lines, start=1):
            if line not in self._indices:
                raise ValueError(
                    f"unknown label {line!r} in line {number} of {path}: add it to {self._root / 'mapping.txt'} or "
                    f"correct it; known labels: {', '.join(self.class_names)}"
                )
        return torch.tensor([self._indices[line] for line in lines], dtype=torch.int64)


def _name(line: str) -> str:
    return line.removesuffix(".txt")  # not cut at the first dot: names may hold dots


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
