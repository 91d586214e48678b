"""The tree of the MS-TCN release, in which most I3D features of the field circulate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segtcn.arrays import open_array
from segtcn.data.readers.reader import as_float32, time_axis
from segtcn.data.readers.tree import Shape, TreeReader, find_layout
from segtcn.extract.feature_files import common_settings
from segtcn.structures import Video, checked_rate


class MSTCNReader(TreeReader):
    """Features and labels in the tree of the MS-TCN release; the layout to choose for your own data.

    ::

        ROOT/features/NAME.npy               (D, T) or (T, D), any number type
        ROOT/features/extraction/*.json      how they were made, of `segtcn extract` (optional)
        ROOT/groundTruth/NAME.txt            one label a line, T lines
        ROOT/splits/train.split1.bundle      one NAME.txt or NAME a line; also test.split1.bundle
        ROOT/mapping.txt                     lines "0 background", "1 cut", ...: ids from 0 without a gap

    Which axis of the features is time follows from the number of labels and the width that all videos share, of a
    square array from the other videos. Without ``mapping.txt`` the classes are those of the listed videos' ground truth
    in alphabetical order, with a warning: another selection of videos may number them otherwise.

    Args:
        root: folder that holds those.
        fps: frames per second of the stored features.
        background: name of the background class, such as ``background`` in GTEA, or None.
        ignore: names of classes to leave out: their frames count as not annotated.

    Raises:
        FileNotFoundError: if a part of the tree is missing, or no listed video has features.
        ValueError: if ``mapping.txt``, an argument or the first feature file is wrong.

    Reference:
        Abu Farha & Gall, MS-TCN: Multi-Stage Temporal Convolutional Network for Action Segmentation, CVPR 2019.
    """

    SUFFIXES = (".npy",)

    def __init__(self, root: str, fps: float = 15.0, background: str | None = None, ignore: Sequence[str] = ()) -> None:
        self.fps = checked_rate(fps)
        super().__init__(root, ignore)
        self._choose_classes(background, lambda: (c for name in self._lists.names() for c in self._truth_names(name)))
        self.feature_dim, self._time_axis = find_layout(self._names_with_features(), self._shape)

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        path = self._existing(name)
        truth = self._read_truth(name) if labels else None
        array = _open(path)
        num_labels = None if truth is None else len(truth)
        if time_axis(array.shape, num_labels, self.feature_dim, self._time_axis) == 0:
            array = array.T
        return Video(name=name, features=torch.from_numpy(_load(array, path)), labels=truth, source=str(path))

    @cached_property
    def extraction(self) -> dict[str, Any] | None:
        """How the features were made, by their records in ``features/extraction``; None where they differ."""
        return common_settings(self._root / "features")

    def _shape(self, name: str) -> Shape:
        return _open(self._existing(name)).shape, self._truth_length(name)


def _open(path: Path) -> np.ndarray:
    return open_array(path, ndim=2, kinds="fiu", content="a real matrix (D, T)")


def _load(array: np.ndarray, path: Path) -> np.ndarray:
    """An opened array as float32 in memory, row by row."""
    if isinstance(array, np.memmap) and array.dtype == np.float32 and array.flags.c_contiguous:
        # faster than a copy of the map
        return np.fromfile(path, np.float32, array.size, offset=array.offset).reshape(array.shape)
    return as_float32(array)
