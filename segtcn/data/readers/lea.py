"""The release of Lea et al., CVPR 2017: MATLAB files with features, labels and sensors of every frame."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segtcn.data.readers.reader import Reader, as_float32, class_indexes, first_that_opens, time_axis
from segtcn.labels.classes import Classes
from segtcn.labels.matlab import load_matlab
from segtcn.labels.video_lists import Subset, check_split, read_names
from segtcn.structures import Video, checked_rate

_TIME_AXIS = {"A": 0, "X": 0, "S": 1}  # as documented by the release: only the sensors are stored (D, T)


class LeaReader(Reader):
    """Features and labels as Lea et al. released them for 50Salads, GTEA and other data sets.

    ::

        ROOT/features/DATASET/FOLDER/Split_1/NAME.mat    (or FOLDER/NAME.mat if features do not depend on the split)
        ROOT/splits/DATASET/Split_1/{train,test}.txt     one NAME a line

    A file holds ``A`` ``(T, D)`` (activations of the Spatial CNN), ``X`` ``(T, C)`` (its class scores), ``Y``
    ``(T, 1)`` (labels) and in some data sets ``S`` ``(D, T)`` (sensors). Names match with and without ``rgb-``
    before and ``.avi`` or ``.mat`` behind.

    Args:
        root: folder that holds ``features`` and ``splits``.
        dataset: folder below those, such as ``GTEA`` or ``50Salads``.
        feature_folder: folder below ``features/DATASET``, such as ``SpatialCNN``.
        features: ``A``, ``X`` or ``S``, or a list of them to concatenate in that order.
        fps: frames per second of the stored features.
        class_names: name of every class in the order of the labels; None: their numbers, as many as ``X`` is wide.
        background: index of the background class, or None.
        ignore: names of classes to leave out: their frames count as not annotated.

    Raises:
        FileNotFoundError: if a folder of the layout is missing or holds no feature file.
        ValueError: if an argument or the first feature file is wrong.

    Reference:
        Lea et al., Temporal Convolutional Networks for Action Segmentation and Detection, CVPR 2017.
    """

    def __init__(
        self,
        root: str,
        dataset: str = "GTEA",
        feature_folder: str = "SpatialCNN",
        features: list[str] | str = "A",
        fps: float = 15.0,
        class_names: list[str] | None = None,
        background: int | None = 0,
        ignore: Sequence[str] = (),
    ) -> None:
        self._variables = [features] if isinstance(features, str) else list(features)
        if not self._variables or not set(self._variables) <= set(_TIME_AXIS):
            raise ValueError(f"`features` must be one or a list of 'A', 'X' and 'S', got {features!r}")
        self.fps = checked_rate(fps)
        self._lists = Path(root).expanduser() / "splits" / dataset
        folder = Path(root).expanduser() / "features" / dataset / feature_folder
        for path in (folder, self._lists):
            if not path.is_dir():
                raise FileNotFoundError(
                    f"no folder {path}: put Lea et al.'s release there as ROOT/features/DATASET/FOLDER and "
                    "ROOT/splits/DATASET, or give its place by `root`, `dataset` and `feature_folder`"
                )
        by_split = _numbered(folder)
        listed = _numbered(self._lists)
        self._folders = by_split or dict.fromkeys(listed, folder)
        self._files = {path: _index(path) for path in self._folders.values()}
        self.splits = [split for split in listed if split in self._folders]
        if not self.splits:
            raise FileNotFoundError(
                f"no split has both features and lists: expected folders Split_1, Split_2, ... in {self._lists} "
                f"(found splits {_join(listed)}) and in {folder} (found splits {_join(by_split)})"
            )
        paths = (path for files in self._files.values() for path in files.values())
        path_and_arrays = first_that_opens(paths, lambda path: (path, self._load(path)))
        if path_and_arrays is None:
            raise FileNotFoundError(f"no .mat file in {folder}: put the features of Lea et al.'s release there")
        self._widths: dict[str, int] = {}
        first, arrays = path_and_arrays
        for variable in self._variables:
            self._widths[variable] = self._oriented(arrays, variable, first).shape[0]
        self.feature_dim = sum(self._widths[variable] for variable in self._variables)
        if class_names is None:
            if "X" not in arrays:
                raise ValueError(f"{first} holds no class scores X to count the classes by: give `class_names`")
            class_names = [str(label) for label in range(self._oriented(arrays, "X", first).shape[0])]
        self.class_names = list(Classes(tuple(class_names), background).names)
        self.background = background
        self._leave_out(ignore)

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        check_split(split, self.splits, self._lists)
        path = self._lists / f"Split_{split}" / f"{subset}.txt"
        if not path.is_file():
            raise FileNotFoundError(f"no {path}: write the names of the {subset} videos of split {split}, one a line")
        return read_names(path, clean=_canonical)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        (path,) = self.files(name, split)
        arrays = self._load(path)
        parts = [self._oriented(arrays, variable, path) for variable in self._variables]
        if len({part.shape[1] for part in parts}) > 1:
            lengths = ", ".join(f"{v}: {part.shape[1]}" for v, part in zip(self._variables, parts, strict=True))
            raise ValueError(f"{path} holds arrays of different length ({lengths} frames): `features` cannot join them")
        return Video(
            name=_canonical(name),
            features=torch.from_numpy(np.concatenate(parts)),
            labels=self._labels(arrays, path) if labels else None,
            source=str(path),
        )

    def files(self, name: str, split: int | None = None) -> list[Path]:  # noqa: D102
        if split is not None:
            check_split(split, self.splits, self._lists)
        folders = list(self._files) if split is None else [self._folders[split]]
        name = _canonical(name)
        path = next((self._files[folder][name] for folder in folders if name in self._files[folder]), None)
        if path is None:
            raise FileNotFoundError(
                f"no features of video {name!r}: expected {name}.mat or rgb-{name}.avi.mat in "
                f"{' or '.join(map(str, folders))}; add the file or take the name out of the split's list"
            )
        return [path]

    def stored(self) -> list[str]:  # noqa: D102
        return list(dict.fromkeys(name for files in self._files.values() for name in files))

    def clip_names(self, name: str) -> list[str]:  # noqa: D102
        return [name, f"rgb-{name}"]

    def _load(self, path: Path) -> dict[str, Any]:
        arrays = load_matlab(path)
        missing = [variable for variable in self._variables if variable not in arrays]
        if missing:
            names = _join(sorted(key for key in arrays if not key.startswith("__")))
            raise ValueError(
                f"{path} holds no {_join(missing)} (only {names}): choose other `features`, or fetch the file again"
            )
        return arrays

    def _oriented(self, arrays: dict[str, Any], variable: str, path: Path) -> np.ndarray:
        """The array as ``(D, T)`` float32."""
        array = arrays[variable]
        if array.ndim != 2 or array.dtype.kind not in "fiu":
            raise ValueError(f"{variable} in {path} must be a real matrix (T, D), got {array.dtype} {array.shape}")
        num_labels = arrays["Y"].size if "Y" in arrays else None
        axis = time_axis(array.shape, num_labels, self._widths.get(variable), _TIME_AXIS[variable])
        return as_float32(array if axis == 1 else array.T)

    def _labels(self, arrays: dict[str, Any], path: Path) -> torch.Tensor:
        if "Y" not in arrays:
            raise FileNotFoundError(
                f"{path} holds no labels Y: fetch the file again or add them; without them it can only be predicted"
            )
        values = arrays["Y"].ravel()
        if values.dtype.kind not in "fiu" or (values != np.round(values)).any():
            raise ValueError(f"Y in {path} must hold whole class numbers, got {values.dtype} such as {values[:1]}")
        return self._kept_labels(class_indexes(values, len(self._stored_classes), str(path)))


def _canonical(name: str) -> str:
    return name.removesuffix(".mat").removesuffix(".avi").removeprefix("rgb-")


def _numbered(folder: Path) -> dict[int, Path]:
    matches = ((re.fullmatch(r"Split_(\d+)", path.name), path) for path in folder.iterdir())
    return dict(sorted((int(match[1]), path) for match, path in matches if match and path.is_dir()))


def _index(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(path for path in folder.glob("*.mat") if path.is_file()):
        other = files.setdefault(_canonical(path.name), path)
        if other != path:
            raise ValueError(f"{other} and {path} are files of the same video: remove one")
    return files


def _join(values: Sequence[object] | dict[int, Path]) -> str:
    return ", ".join(map(str, values)) or "none"
