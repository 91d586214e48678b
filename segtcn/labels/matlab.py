"""MATLAB files of predictions and truth, as Lea et al. released them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from os.path import isfile  # unlike `Path.is_file`, False also for a name that is too long
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segtcn.labels.classes import MAX_CLASS, Classes
from segtcn.labels.labels import Labels

_VERSION = slice(124, 128)  # bytes of the header
_VERSION_7_3 = (b"\x00\x02IM", b"\x02\x00MI")


def load_matlab(path: Path) -> dict[str, Any]:
    """Read every variable of a MATLAB file that is an array of numbers, texts, cells or structures.

    Args:
        path: a ``.mat`` file of the versions 5 to 7.

    Returns:
        Arrays by name; cell arrays are arrays of objects. Variables of other kinds, such as sparse matrices, are left
        out.

    Raises:
        FileNotFoundError: if there is no such file, but a folder, a pipe or a device, which would be read without end.
        ValueError: if the file is damaged, not a MATLAB file, or of another version.
    """
    from scipy.io import loadmat

    if not isfile(path):
        raise FileNotFoundError(f"no file {path}: check the path")
    content = path.read_bytes()
    if content[_VERSION] in _VERSION_7_3:
        raise ValueError(
            f"{path} is a MATLAB v7.3 file, which this reader does not read: save it again in MATLAB with "
            "`save(file, '-v7', ...)`"
        )
    try:
        # every variable: SciPy passes over those not asked for, even where the file ends early
        variables = loadmat(io.BytesIO(content))
    except Exception as error:  # SciPy raises ten kinds of exception for a damaged file
        raise ValueError(f"{path} is damaged or not a MATLAB file ({error}): fetch or save it again") from error
    return {name: value for name, value in variables.items() if isinstance(value, np.ndarray)}


def read_matlab_labels(path: Path, classes: Classes | None = None) -> tuple[dict[str, Labels], dict[str, Labels]]:
    """Read predictions and truth of the test videos of one split.

    Args:
        path: a ``.mat`` file with the cells ``P`` (predicted), ``Y`` (true) and, optionally, ``S`` (scores), which are
            only searched for NaN.
        classes: names of the classes; None calls them by their indexes.

    Returns:
        Predictions and truth of each video. Videos are numbered: those of ``1.mat`` are named ``1/1``, ``1/2``, ...

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not such a file, cells are malformed, or scores are NaN.
    """
    arrays = load_matlab(path)
    if missing := [key for key in ("P", "Y") if key not in arrays]:
        contents = ", ".join(sorted(arrays)) or "nothing"
        raise ValueError(
            f"{path} holds no {' and no '.join(missing)} (it holds {contents}): expected predictions P and truth Y"
        )
    _check_scores(arrays, path)
    preds, truth = (_cells(arrays, key, path) for key in ("P", "Y"))
    if len(preds) != len(truth) or not preds:
        raise ValueError(f"{path} holds predictions of {len(preds)} videos and truth of {len(truth)}")
    if classes is None:
        classes = Classes.numbered(max(int(frames.max()) for frames in [*preds, *truth]) + 1)
    preds_by_name, truth_by_name = (
        {
            f"{path.stem}/{number}": Labels(frames, classes, source=f"{path}: {key} of video {number}")
            for number, frames in enumerate(videos, start=1)
        }
        for key, videos in (("P", preds), ("Y", truth))
    )
    return preds_by_name, truth_by_name


def _check_scores(arrays: Mapping[str, Any], path: Path) -> None:
    for number, values in enumerate(_elements(arrays["S"]) if "S" in arrays else [], start=1):
        if values.dtype.kind == "f" and np.isnan(values).any():
            frame = int(np.isnan(np.atleast_2d(values)).any(axis=1).argmax())
            raise ValueError(
                f"{path}: NaN among the scores S of video {number} at frame {frame}: its predictions cannot be "
                "trusted, compute them again"
            )


def _cells(arrays: Mapping[str, Any], key: str, path: Path) -> list[npt.NDArray[np.int64]]:
    cells = _elements(arrays[key])
    for number, cell in enumerate(cells, start=1):
        where = f"{path}: {key} of video {number}"
        if cell.size == 0 or cell.size != max(cell.shape) or cell.dtype.kind not in "fiu":
            raise ValueError(f"{where} must be the class index of every frame, (1, T), got {cell.dtype} {cell.shape}")
        if not ((cell >= 0) & (cell == np.round(cell)) & (cell <= MAX_CLASS)).all():
            raise ValueError(f"{where} must hold class indexes, whole numbers from 0, got {cell.min()} to {cell.max()}")
    return [cell.ravel().astype(np.int64) for cell in cells]


def _elements(array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The arrays in a cell array; another array is that of the only video."""
    return [np.asarray(cell) for cell in array.ravel()] if array.dtype == object else [array]
