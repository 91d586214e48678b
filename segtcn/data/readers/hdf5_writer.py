"""HDF5 files of segtcn's format, written complete or video by video."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from segtcn.atomic import atomic_path
from segtcn.data.readers.hdf5 import FORMAT_VERSION
from segtcn.data.readers.reader import class_indexes
from segtcn.labels.classes import Classes
from segtcn.labels.video_lists import Subset, check_names
from segtcn.structures import Video, checked_rate

if TYPE_CHECKING:
    import h5py

Splits = Mapping[int, Mapping[Subset, Sequence[str]]]
DType = Literal["float32", "float16"]
Compression = Literal["none", "lzf", "gzip"]

_CHUNK_FRAMES = 256  # of compressed features: 2 MiB for 2048 float32 features


def write_hdf5(
    path: str | os.PathLike[str],
    videos: Iterable[Video],
    classes: Classes,
    fps: float,
    splits: Splits,
    dtype: DType = "float32",
    compression: Compression = "none",
) -> None:
    """Write a data set as :class:`HDF5Reader` reads it; complete or not at all.

    Args:
        path: the file to make or to replace, ``.h5`` by custom.
        videos: taken one after the other, so that a generator never has more than one in memory.
        classes: their names in the order of their indexes, and the background.
        fps: frames per second of the features.
        splits: number of the split to its lists of names, ``{1: {"train": [...], "test": [...]}}``.
        dtype: of the stored features; ``float16`` halves the file and rounds to about three digits.
        compression: of the features; ``none`` is read several times faster than the others.

    Raises:
        ValueError: if an argument or a video does not fit the format.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile, torch
        >>> from segtcn.data.readers import HDF5Reader
        >>> path = f"{tempfile.mkdtemp()}/kitchen.h5"
        >>> video = Video("tea", torch.rand(4, 3), torch.tensor([0, 0, 1]))
        >>> classes = Classes(("background", "pour milk"), background=0)
        >>> write_hdf5(path, [video], classes, fps=15, splits={1: {"train": ["tea"]}})
        >>> HDF5Reader(path).read("tea").labels
        tensor([0, 0, 1])
    """
    with atomic_path(path) as temporary:
        create_hdf5(temporary, classes, fps, splits)
        for video in videos:
            append_hdf5(temporary, video, len(classes), dtype, compression)


def create_hdf5(
    path: str | os.PathLike[str],
    classes: Classes,
    fps: float,
    splits: Splits,
    features_of_split: int | None = None,
    extraction: Mapping[str, Any] | None = None,
) -> None:
    """Write a file with everything but videos, which :func:`append_hdf5` adds. Arguments as of :func:`write_hdf5`.

    Args:
        path: the file to make or to replace.
        classes: their names in the order of their indexes, and the background.
        fps: frames per second of the features.
        splits: number of the split to its lists of names.
        features_of_split: the only split that the features may be used with; None if they fit all.
        extraction: how the features were made, plain values; None if unknown.

    Raises:
        ValueError: if an argument does not fit the format.
    """
    if not classes.names:
        raise ValueError("`classes` must name at least one class, got none")
    checked_rate(fps)
    if not any(any(lists.values()) for lists in splits.values()) or any(number < 0 for number in splits):
        raise ValueError(f"`splits` must list videos: {{1: {{'train': [...], 'test': [...]}}}}, got {splits}")
    with _writing(path, "w") as file:
        file.attrs["segtcn_format"] = FORMAT_VERSION
        file.attrs["fps"] = float(fps)
        if classes.background is not None:
            file.attrs["background"] = classes.background
        if features_of_split is not None:
            file.attrs["features_of_split"] = features_of_split
        if extraction is not None:
            file.attrs["extraction"] = json.dumps(extraction)
        file["class_names"] = _as_bytes(classes.names)
        for number, lists in splits.items():
            for subset, names in lists.items():
                if names:
                    where = f"splits/{number}/{subset}"
                    file[where] = _as_bytes(check_names(list(names), f"`{where}`"))
        file.create_group("videos")


def append_hdf5(
    path: str | os.PathLike[str],
    video: Video,
    num_classes: int,
    dtype: DType = "float32",
    compression: Compression = "none",
) -> None:
    """Add a video to a file that :func:`create_hdf5` made. A process that dies meanwhile leaves the file as it was.

    Args:
        path: the file.
        video: features ``(D, T)`` and, if there are any, labels.
        num_classes: number of classes C; labels must lie in ``0 .. C-1``.
        dtype: of the stored features.
        compression: of the features.

    Raises:
        ValueError: if the video does not fit the format or the file already holds one of that name.
    """
    check_names([video.name], str(path))
    if video.features.ndim != 2:
        raise ValueError(f"{video.source or video.name}: features must be (D, T), got {tuple(video.features.shape)}")
    with np.errstate(over="ignore"):
        features = np.ascontiguousarray(video.features.numpy().astype(dtype))
    if dtype == "float16" and not np.isfinite(features[np.isfinite(video.features.numpy())]).all():
        raise ValueError(
            f"{video.source or video.name}: the largest feature is {video.features.abs().max():g}, but float16 ends "
            "at 65504: store float32"
        )
    labels = None if video.labels is None else video.labels.numpy()
    if labels is not None:
        class_indexes(labels, num_classes, video.source or video.name)
    packing: dict[str, Any] = {"compression": None if compression == "none" else compression}
    if compression != "none" and features.size:
        packing |= {"chunks": (features.shape[0], min(_CHUNK_FRAMES, features.shape[1])), "shuffle": True}
        packing |= {"compression_opts": 1} if compression == "gzip" else {}
    with _writing(path, "r+") as file:
        if video.name in file["videos"]:
            raise ValueError(f"{path} already holds a video {video.name!r}: names must differ")
        try:
            group = file["videos"].create_group(video.name)
            group.create_dataset("features", data=features, **(packing if features.size else {}))
            if labels is not None:
                group["labels"] = labels.astype(np.int32)
        except BaseException:  # also of Ctrl-C: half a video must not stay
            if video.name in file["videos"]:
                del file["videos"][video.name]
            raise


@contextmanager
def _writing(path: str | os.PathLike[str], mode: str) -> Iterator[h5py.File]:
    # v108: its metadata has checksums, so that damage is noticed, and it does not mark a file as open for writing,
    # which would make one unreadable whose writer died
    import h5py

    with h5py.File(path, mode, libver=("v108", "v108")) as file:
        yield file


def _as_bytes(strings: Sequence[str]) -> Any:
    """Strings of one length in UTF-8: they lie in the file where they are named, unlike those of variable length."""
    import h5py

    encoded = [string.encode() for string in strings]
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", max(map(len, encoded))))
