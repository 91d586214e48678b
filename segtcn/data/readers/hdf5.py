"""One HDF5 file a data set: the layout that segtcn recommends, described in docs/data_format.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from segtcn.data.readers.reader import Reader, as_float32, class_indexes
from segtcn.labels.classes import Classes
from segtcn.labels.video_lists import Subset, check_names, check_split
from segtcn.structures import Video, is_rate

if TYPE_CHECKING:
    import h5py

FORMAT_VERSION = 1
"""Value of the attribute ``segtcn_format``."""

HDF5_ENDINGS = (".h5", ".hdf5")
"""Endings of the names of such files."""


class HDF5Reader(Reader):
    """Features, labels, classes, rate and splits of a data set in one HDF5 file.

    ::

        segtcn_format, fps, background             attributes of the file: 1, a number, a class index (optional)
        extraction                                 attribute: how the features were made, JSON (optional)
        class_names                                C strings
        splits/1/train, splits/1/test              names of videos
        videos/NAME/features                       (D, T), any real number type
        videos/NAME/labels                         (T,) class indexes (optional)

    ``docs/data_format.md`` has every detail; :func:`write_hdf5` and ``segtcn convert`` write such files. The file is
    open only while a video is read: processes that load in parallel share no handle, and a reader can be pickled.

    Args:
        path: the file.
        ignore: names of classes to leave out: their frames count as not annotated.

    Attributes:
        features_of_split: the only split that the features may be used with, where they come from a network trained on
            that split's training videos; None if they do not depend on the split.

    Raises:
        FileNotFoundError: if there is no such file, or no listed video has features.
        ValueError: if the file is damaged, no HDF5 file, or not in this format.
    """

    features_of_split: int | None

    def __init__(self, path: str, ignore: Sequence[str] = ()) -> None:
        self._path = Path(path).expanduser()
        if not self._path.is_file():
            raise FileNotFoundError(
                f"no file {self._path}: make it with `segtcn convert SOURCE {self._path}`, or give its place by `path`"
            )
        self._feature_dim: int | None = None
        with self._open() as file:
            version = self._attribute(file, "segtcn_format", "iu")
            if version != FORMAT_VERSION:
                raise _FormatError(
                    f"{self._path} has `segtcn_format` {version}, this version of segtcn reads {FORMAT_VERSION}: "
                    "update segtcn, or write the file again"
                )
            self.fps = self._fps(file)
            classes = self._read_classes(file)
            self.class_names, self.background = list(classes.names), classes.background
            self.features_of_split = self._attribute(file, "features_of_split", "iu", optional=True)
            self._extraction = self._read_extraction(file)
            self._lists = self._read_lists(file)
            self.splits = sorted(self._lists)
            listed = (name for lists in self._lists.values() for names in lists.values() for name in names)
            groups = ((name, self._group(file, name)) for name in listed)
            first = next(((name, group) for name, group in groups if group is not None), None)
            if first is None:
                raise FileNotFoundError(f"no video that {self._path} lists has a group /videos/NAME: add the features")
            self.feature_dim = self._feature_dim = self._features(first[1], first[0]).shape[0]
        self._leave_out(ignore)

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        check_split(split, self.splits, self._path)
        if subset not in self._lists[split]:
            raise FileNotFoundError(
                f"no /splits/{split}/{subset} in {self._path}: store the names of the {subset} videos of split {split}"
            )
        return check_names(list(self._lists[split][subset]), f"/splits/{split}/{subset} of {self._path}")

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        if split is not None:
            check_split(split, self.splits, self._path)
        with self._open() as file:
            group = self._group(file, name)
            array = _values(self._features(group, name))
            stored_labels = self._labels(group, name) if labels else None
        is_half = array.dtype == np.float16  # PyTorch converts it several times faster than NumPy
        features = torch.from_numpy(array).float() if is_half else torch.from_numpy(as_float32(array))
        source = f"{self._path}:/videos/{name}"
        truth = None
        if stored_labels is not None:
            truth = self._kept_labels(class_indexes(stored_labels, len(self._stored_classes), source))
        return Video(name=name, features=features, labels=truth, source=source)

    @property
    def extraction(self) -> dict[str, Any] | None:  # noqa: D102
        return self._extraction

    def stored(self) -> list[str]:  # noqa: D102
        import h5py

        names: list[str] = []

        def add(where: str, node: object) -> None:
            if where.endswith("/features") and isinstance(node, h5py.Dataset):
                names.append(where.removesuffix("/features"))

        with self._open() as file:
            group = self._child(file, "videos")
            if isinstance(group, h5py.Group):
                group.visititems(add)  # every object once, and no links to elsewhere
        return names

    def files(self, name: str, split: int | None = None) -> list[Path]:  # noqa: D102
        return [self._path]

    @contextmanager
    def _open(self) -> Iterator[h5py.File]:
        """The file; what h5py raises on a damaged one, a dozen kinds of exception, becomes a ValueError."""
        import h5py

        try:
            with h5py.File(self._path, "r") as file:
                yield file
        except (_FormatError, FileNotFoundError):
            raise
        except Exception as error:
            raise ValueError(
                f"{self._path} is damaged or not an HDF5 file ({error}): fetch it again, or write it again with "
                "`segtcn convert`"
            ) from error

    def _fps(self, file: h5py.File) -> float:
        fps = float(self._attribute(file, "fps", "fiu"))
        if not is_rate(fps):
            raise _FormatError(f"`fps` of {self._path} must be positive frames per second, got {fps}")
        return fps

    def _read_classes(self, file: h5py.File) -> Classes:
        names = self._strings(file, "class_names")
        if not names:
            raise _FormatError(f"/class_names of {self._path} is empty: store the name of at least one class")
        try:
            classes = Classes(tuple(names), self._attribute(file, "background", "iu", optional=True))
        except ValueError as error:
            raise _FormatError(f"/class_names or `background` of {self._path} is wrong: {error}") from error
        return classes

    def _read_extraction(self, file: h5py.File) -> dict[str, Any] | None:
        if "extraction" not in file.attrs:
            return None
        attribute = file.attrs.get_id("extraction")
        try:
            extraction = json.loads(file.attrs["extraction"]) if attribute.shape == () else None
        except (ValueError, TypeError):
            extraction = None
        if not isinstance(extraction, dict):
            raise _FormatError(
                f"the attribute `extraction` of {self._path} must be a JSON object: remove or correct it"
            )
        return extraction

    def _read_lists(self, file: h5py.File) -> dict[int, dict[Subset, list[str]]]:
        import h5py

        group = self._child(file, "splits")
        lists: dict[int, dict[Subset, list[str]]] = {}
        for number in group if isinstance(group, h5py.Group) else ():
            if re.fullmatch(r"[0-9]{1,9}", number):
                subsets: list[Subset] = ["train", "test"]
                names = {s: self._strings(file, f"splits/{number}/{s}", optional=True) for s in subsets}
                lists[int(number)] = {subset: names[subset] for subset in subsets if names[subset]}
        if not any(lists.values()):
            raise _FormatError(
                f"{self._path} lists no video: store the names of its videos in /splits/1/train and /splits/1/test"
            )
        return lists

    def _group(self, file: h5py.File, name: str) -> h5py.Group | None:
        parts = PurePosixPath(name).parts
        return None if parts[:1] == ("/",) else self._child(file, "videos", *parts)

    def _features(self, group: h5py.Group | None, name: str) -> h5py.Dataset:
        """The stored features of a video, not yet read."""
        import h5py

        if group is None:
            raise FileNotFoundError(
                f"no features of video {name!r}: expected /videos/{name}/features in {self._path}; add them or take "
                "the name out of the split's list"
            )
        dataset = self._dataset(group, "features", "fiu", 2, "a real matrix (D, T)")
        if dataset.shape[0] != self._feature_dim:  # of the first video, or of one that does not fit
            truth = self._child(group, "labels")
            length = truth.size if isinstance(truth, h5py.Dataset) else None
            if length == dataset.shape[0] != dataset.shape[1]:
                raise _FormatError(
                    f"{dataset.name} of {self._path} is {dataset.shape}, but the video has {length} labels: store "
                    "features as (D, T), time last"
                )
        return dataset

    def _labels(self, group: h5py.Group, name: str) -> npt.NDArray[Any]:
        dataset = self._dataset(group, "labels", "iu", 1, "class indexes (T,)", optional=True)
        if dataset is None:
            raise FileNotFoundError(
                f"no ground truth of video {name!r}: expected /videos/{name}/labels in {self._path}; without it the "
                "video can only be predicted"
            )
        return _values(dataset)

    def _child(self, node: Any, *parts: str) -> Any:
        """What lies below a group, None if it is not there. Links are not followed: they may lead out of the file."""
        import h5py

        for part in parts:
            if not isinstance(node, h5py.Group):
                return None
            link = node.get(part, getlink=True)
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise _FormatError(
                    f"{node.name.rstrip('/')}/{part} of {self._path} is a link to elsewhere, which is not followed: "
                    "store the data in its place"
                )
            node = node[part]
        return node

    def _attribute(self, file: h5py.File, name: str, kinds: str, optional: bool = False) -> Any:
        """A number that belongs to the whole file."""
        if name not in file.attrs:
            if optional:
                return None
            raise _FormatError(
                f"{self._path} has no attribute `{name}`: it is not in segtcn's format, which docs/data_format.md "
                "describes; `segtcn convert` writes it"
            )
        attribute = file.attrs.get_id(name)  # shape and type are looked at first: the value may have any size
        if attribute.shape not in ((), (1,)) or attribute.dtype.kind not in kinds:
            raise _FormatError(
                f"the attribute `{name}` of {self._path} must be one number, got {attribute.dtype} {attribute.shape}"
            )
        return file.attrs[name].item()

    def _dataset(
        self, group: h5py.Group, name: str, kinds: str, ndim: int, expected: str, optional: bool = False
    ) -> h5py.Dataset:
        """A data set of that type and number of axes, whose values lie in this file."""
        import h5py

        dataset = self._child(group, *name.split("/"))
        if dataset is None and optional:
            return None
        where = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(dataset, h5py.Dataset):
            content = "nothing" if dataset is None else type(dataset).__name__.lower()
            raise _FormatError(f"{where} of {self._path} must hold {expected}, got {content}")
        shape, dtype = dataset.shape, dataset.dtype
        if shape is None or len(shape) != ndim or dtype.kind not in kinds:
            raise _FormatError(f"{where} of {self._path} must hold {expected}, got {dtype} {shape}")
        if dataset.is_virtual or dataset.id.get_create_plist().get_external_count():
            raise _FormatError(f"{where} of {self._path} is kept in other files, which are not read: store it here")
        if dataset.size and not dataset.id.get_storage_size():  # would be read as zeros
            raise _FormatError(f"{where} of {self._path} holds no bytes of {dtype} {shape}: write it to the end")
        return dataset

    def _strings(self, file: h5py.File, where: str, optional: bool = False) -> list[str]:
        import h5py

        dataset = self._dataset(file, where, "OS", 1, "a list of strings", optional)
        if dataset is None:
            return []
        kind = h5py.check_string_dtype(dataset.dtype)
        if kind is None:
            raise _FormatError(f"/{where} of {self._path} must hold a list of strings, got {dataset.dtype}")
        return dataset.asstr("utf-8")[()].tolist()


def _values(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """All of a data set: `dataset[()]` clears the memory first, and selections take longer than opening the file."""
    import h5py

    array = np.empty(dataset.shape, dataset.dtype)
    if array.size:
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, array)
    return array


class _FormatError(ValueError):
    """A file that can be opened and does not hold what it should."""
