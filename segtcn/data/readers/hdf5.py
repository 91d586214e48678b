"""One HDF5 file a data set: the layout that segtcn recommends, described in docs/data_format.md."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from segtcn.arrays import check_empty
from segtcn.atomic import atomic_path
from segtcn.data.readers.reader import Reader, Subset
from segtcn.data.readers.text import check_names
from segtcn.structures import Video

if TYPE_CHECKING:
    import h5py

FORMAT_VERSION = 1
"""Value of the attribute ``segtcn_format``."""

Splits = Mapping[int, Mapping[Subset, Sequence[str]]]
DType = Literal["float32", "float16"]
Compression = Literal["none", "lzf", "gzip"]

_CHUNK_FRAMES = 256  # of compressed features: 2 MiB for 2048 float32 features
_DEFLATE_RATIO = 1100  # no filter that is read unpacks a byte into more; deflate's limit is 1032


class HDF5Reader(Reader):
    """Features, labels, classes, rate and splits of a data set in one HDF5 file.

    ::

        segtcn_format, fps, background             attributes of the file: 1, a number, a class index (optional)
        class_names                                C strings
        splits/1/train, splits/1/test              names of videos
        videos/NAME/features                       (D, T), any real number type
        videos/NAME/labels                         (T,) class indexes (optional)

    ``docs/data_format.md`` has every detail; :func:`write_hdf5` and ``segtcn convert`` write such files. The file is
    open only while a video is read: processes that load in parallel share no handle, and a reader can be pickled.

    Args:
        path: the file.

    Attributes:
        features_of_split: the only split that the features may be used with, where they come from a network trained on
            that split's training videos; None if they do not depend on the split.

    Raises:
        FileNotFoundError: if there is no such file, or no listed video has features.
        ValueError: if the file is damaged, no HDF5 file, or not in this format.
    """

    features_of_split: int | None

    def __init__(self, path: str) -> None:
        self._path = Path(path).expanduser()
        if not self._path.is_file():
            raise FileNotFoundError(
                f"no file {self._path}: make it with `segtcn convert SOURCE {self._path}`, or give its place by "
                "`path` (`--data.reader.init_args.path FILE.h5`)"
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
            self.class_names = self._class_names(file)
            self.background = self._background(file)
            self.features_of_split = self._attribute(file, "features_of_split", "iu", optional=True)
            self._lists = self._read_lists(file)
            self.splits = sorted(self._lists)
            listed = (name for lists in self._lists.values() for names in lists.values() for name in names)
            groups = ((name, self._group(file, name)) for name in listed)
            first = next(((name, group) for name, group in groups if group is not None), None)
            if first is None:
                raise FileNotFoundError(f"no video that {self._path} lists has a group /videos/NAME: add the features")
            self.feature_dim = self._feature_dim = self._features(first[1], first[0]).shape[0]

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        self._check_split(split)
        if subset not in self._lists[split]:
            raise FileNotFoundError(
                f"no /splits/{split}/{subset} in {self._path}: store the names of the {subset} videos of split {split}"
            )
        return check_names(list(self._lists[split][subset]), f"/splits/{split}/{subset} of {self._path}")

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        if split is not None:
            self._check_split(split)
        with self._open() as file:
            group = self._group(file, name)
            array = _values(self._features(group, name))
            truth = self._labels(group, name) if labels else None
        if array.dtype == np.float16:
            features = torch.from_numpy(array).float()  # several times faster than NumPy's conversion
        else:
            with np.errstate(over="ignore"):  # becomes infinite, which the data set reports with its frame
                features = torch.from_numpy(array.astype(np.float32, copy=False))
        return Video(name=name, features=features, labels=truth, source=f"{self._path}:/videos/{name}")

    def num_frames(self, name: str, split: int | None = None) -> int:  # noqa: D102
        if split is not None:
            self._check_split(split)
        with self._open() as file:
            return self._features(self._group(file, name), name).shape[1]

    def stored(self) -> list[str]:  # noqa: D102
        names: list[str] = []

        def note(where: str, node: object) -> None:
            if where.endswith("/features") and _is_dataset(node):
                names.append(where.removesuffix("/features"))

        with self._open() as file:
            group = self._child(file, "videos")
            if _is_group(group):
                group.visititems(note)  # every object once, and no links to elsewhere
        return names

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
                f"{self._path} is damaged or no HDF5 file ({error}): fetch it again, or write it again with "
                "`segtcn convert`"
            ) from error

    def _check_split(self, split: int) -> None:
        if split not in self.splits:
            raise ValueError(
                f"split {split} does not exist in {self._path}: choose from {', '.join(map(str, self.splits))}"
            )

    def _fps(self, file: h5py.File) -> float:
        fps = float(self._attribute(file, "fps", "fiu"))
        if not 0 < fps < math.inf:
            raise _FormatError(f"`fps` of {self._path} must be positive frames per second, got {fps}")
        return fps

    def _class_names(self, file: h5py.File) -> list[str]:
        names = self._strings(file, "class_names")
        if not names or len(set(names)) < len(names) or not all(map(_is_label, names)):
            raise _FormatError(
                f"/class_names of {self._path} must be different names, at least one, each a line without outer white "
                f"space, got {names[:10]}"
            )
        return names

    def _background(self, file: h5py.File) -> int | None:
        background = self._attribute(file, "background", "iu", optional=True)
        if background is not None and not 0 <= background < len(self.class_names):
            raise _FormatError(
                f"`background` of {self._path} must be a class index from 0 to {len(self.class_names) - 1}, "
                f"got {background}: leave the attribute out if there is no background class"
            )
        return background

    def _read_lists(self, file: h5py.File) -> dict[int, dict[Subset, list[str]]]:
        group = self._child(file, "splits")
        lists: dict[int, dict[Subset, list[str]]] = {}
        for number in group if _is_group(group) else ():
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
        if group is None:
            raise FileNotFoundError(
                f"no features of video {name!r}: expected /videos/{name}/features in {self._path}; add them or take "
                "the name out of the split's list"
            )
        dataset = self._dataset(group, "features", "fiu", 2, "a real matrix (D, T)")
        if dataset.shape[0] != self._feature_dim:  # of the first video, or of one that does not fit
            truth = self._child(group, "labels")
            length = truth.size if _is_dataset(truth) else None
            if length == dataset.shape[0] != dataset.shape[1]:
                raise _FormatError(
                    f"{dataset.name} of {self._path} is {dataset.shape}, but the video has {length} labels: store "
                    "features as (D, T), time last"
                )
        return dataset

    def _labels(self, group: h5py.Group, name: str) -> torch.Tensor:
        dataset = self._dataset(group, "labels", "iu", 1, "class indexes (T,)", optional=True)
        if dataset is None:
            raise FileNotFoundError(
                f"no ground truth of video {name!r}: expected /videos/{name}/labels in {self._path}; without it the "
                "video can only be predicted"
            )
        labels = _values(dataset)
        outside = (labels < 0) | (labels >= len(self.class_names))
        if outside.any():
            frame = int(outside.argmax())
            raise _FormatError(
                f"unknown label {labels[frame]} at frame {frame} of {dataset.name} in {self._path}: labels must lie in "
                f"0 .. {len(self.class_names) - 1}, one for each of /class_names"
            )
        return torch.from_numpy(labels.astype(np.int64))

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
        self, group: h5py.Group, name: str, kinds: str, ndim: int, wanted: str, optional: bool = False
    ) -> h5py.Dataset:
        """A data set of that type and number of axes which really holds as many bytes as it says."""
        dataset = self._child(group, *name.split("/"))
        if dataset is None and optional:
            return None
        where = f"{group.name.rstrip('/')}/{name}"
        if not _is_dataset(dataset):
            held = "nothing" if dataset is None else type(dataset).__name__.lower()
            raise _FormatError(f"{where} of {self._path} must hold {wanted}, got {held}")
        shape, dtype = dataset.shape, dataset.dtype
        if shape is None or len(shape) != ndim or dtype.kind not in kinds:
            raise _FormatError(f"{where} of {self._path} must hold {wanted}, got {dtype} {shape}")
        try:
            check_empty(shape)
        except ValueError as error:
            raise _FormatError(f"{where} of {self._path} cannot be read ({error}): write it again") from error
        self._check_storage(dataset, where)
        return dataset

    def _check_storage(self, dataset: h5py.Dataset, where: str) -> None:
        import h5py

        creation = dataset.id.get_create_plist()
        if dataset.is_virtual or creation.get_external_count():
            raise _FormatError(f"{where} of {self._path} is kept in other files, which are not read: store it here")
        filters = [creation.get_filter(index)[0] for index in range(creation.get_nfilters())]
        packing = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_LZF}
        others = set(filters) - packing - {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
        if others or len(packing.intersection(filters)) > 1 or len(set(filters)) < len(filters):
            raise _FormatError(
                f"{where} of {self._path} is packed by the filters {filters}: expected gzip or lzf, with or without "
                "shuffle; write it again with those"
            )
        declared = math.prod(dataset.shape) * dataset.id.get_type().get_size()
        if dataset.chunks is not None:
            # whole chunks are unpacked, and those that were never written would be filled
            chunks = math.prod(-(-size // part) for size, part in zip(dataset.shape, dataset.chunks, strict=True))
            declared = chunks * math.prod(dataset.chunks) * dataset.id.get_type().get_size()
        stored = min(dataset.id.get_storage_size(), self._path.stat().st_size)
        if declared > stored * (_DEFLATE_RATIO if packing.intersection(filters) else 1):
            raise _FormatError(
                f"{where} of {self._path} says that it is {dataset.dtype} {dataset.shape}, {declared:,} bytes, but "
                f"the file holds {stored:,} bytes of it: it was not written to the end; write it again"
            )

    def _strings(self, file: h5py.File, where: str, optional: bool = False) -> list[str]:
        dataset = self._dataset(file, where, "OS", 1, "a list of strings", optional)
        if dataset is None:
            return []
        import h5py

        kind = h5py.check_string_dtype(dataset.dtype)
        if kind is None:
            raise _FormatError(f"/{where} of {self._path} must hold a list of strings, got {dataset.dtype}")
        if kind.length is None and len(dataset):
            self._check_lengths(dataset, where)
        return dataset.asstr("utf-8")[()].tolist()

    def _check_lengths(self, dataset: h5py.Dataset, where: str) -> None:
        """Strings of variable length lie elsewhere in the file; all may refer to one long one, or claim any length."""
        offset = dataset.id.get_offset()
        if offset is None or dataset.id.get_storage_size() != 16 * len(dataset):
            raise _FormatError(
                f"/{where} of {self._path} is stored in chunks: write the list at once, `file[{where!r}] = [...]`"
            )
        # a length of 4 bytes, then where the string lies
        references = np.fromfile(
            self._path, dtype=[("length", "<u4"), ("place", "V12")], count=len(dataset), offset=offset
        )
        if references["length"].sum(dtype=np.uint64) > self._path.stat().st_size:
            raise _FormatError(f"/{where} of {self._path} says that it holds more text than the file: write it again")


def _values(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """All of a data set: `dataset[()]` clears the memory first, and selections take longer than opening the file."""
    import h5py

    array = np.empty(dataset.shape, dataset.dtype)
    if array.size:
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, array)
    return array


class _FormatError(ValueError):
    """A file that can be opened and does not hold what it should."""


def write_hdf5(
    path: str | os.PathLike[str],
    videos: Iterable[Video],
    class_names: Sequence[str],
    fps: float,
    splits: Splits,
    background: int | None = None,
    dtype: DType = "float32",
    compression: Compression = "none",
) -> None:
    """Write a data set as :class:`HDF5Reader` reads it; complete or not at all.

    Args:
        path: the file to make or to replace, ``.h5`` by custom.
        videos: taken one after the other, so that a generator never has more than one in memory.
        class_names: name of every class; the index is the class.
        fps: frames per second of the features.
        splits: number of the split to its lists of names, ``{1: {"train": [...], "test": [...]}}``.
        background: index of the background class, or None.
        dtype: of the stored features; ``float16`` halves the file and rounds to about three digits.
        compression: of the features; ``none`` is read several times faster than the others.

    Raises:
        ValueError: if an argument or a video does not fit the format.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "kitchen.h5"
        >>> video = Video("tea", torch.rand(4, 3), torch.tensor([0, 0, 1]))
        >>> write_hdf5(path, [video], ["background", "pour milk"], fps=15, splits={1: {"train": ["tea"]}}, background=0)
        >>> HDF5Reader(str(path)).read("tea").labels
        tensor([0, 0, 1])
    """
    with atomic_path(path) as temporary:
        create_hdf5(temporary, class_names, fps, splits, background)
        for video in videos:
            append_hdf5(temporary, video, len(class_names), dtype, compression)


def create_hdf5(
    path: str | os.PathLike[str],
    class_names: Sequence[str],
    fps: float,
    splits: Splits,
    background: int | None = None,
    features_of_split: int | None = None,
) -> None:
    """Write a file with everything but videos, which :func:`append_hdf5` adds. Arguments as of :func:`write_hdf5`.

    Args:
        path: the file to make or to replace.
        class_names: name of every class.
        fps: frames per second of the features.
        splits: number of the split to its lists of names.
        background: index of the background class, or None.
        features_of_split: the only split that the features may be used with; None if they fit all.

    Raises:
        ValueError: if an argument does not fit the format.
    """
    if not class_names or len(set(class_names)) < len(class_names) or not all(map(_is_label, class_names)):
        raise ValueError(
            "`class_names` must be different names, at least one, each a line without outer white space, got "
            f"{list(class_names)[:10]}"
        )
    if not 0 < fps < math.inf:
        raise ValueError(f"`fps` must be positive, got {fps}")
    if background is not None and not 0 <= background < len(class_names):
        raise ValueError(f"`background` must be a class index from 0 to {len(class_names) - 1}, got {background}")
    if not any(any(lists.values()) for lists in splits.values()) or any(number < 0 for number in splits):
        raise ValueError(f"`splits` must list videos: {{1: {{'train': [...], 'test': [...]}}}}, got {splits}")
    with _writing(path, "w") as file:
        file.attrs["segtcn_format"] = FORMAT_VERSION
        file.attrs["fps"] = float(fps)
        if background is not None:
            file.attrs["background"] = background
        if features_of_split is not None:
            file.attrs["features_of_split"] = features_of_split
        file["class_names"] = _as_bytes(class_names)
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
    if labels is not None and (labels.ndim != 1 or ((labels < 0) | (labels >= num_classes)).any()):
        raise ValueError(f"{video.source or video.name}: labels must be class indexes (T,) from 0 to {num_classes - 1}")
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
    import h5py

    # v108: its metadata has checksums, so that damage is noticed, and it does not mark a file as open for writing,
    # which would make one unreadable whose writer died
    with h5py.File(path, mode, libver=("v108", "v108")) as file:
        yield file


def _as_bytes(strings: Sequence[str]) -> Any:
    """Strings of one length in UTF-8: they lie in the file where they are named, unlike those of variable length."""
    import h5py

    encoded = [string.encode() for string in strings]
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", max(map(len, encoded))))


def _is_label(name: str) -> bool:
    return name != "" and name == name.strip() and not re.search(r"[\r\n\0]", name)


def _is_group(node: object) -> bool:
    import h5py

    return isinstance(node, h5py.Group)


def _is_dataset(node: object) -> bool:
    import h5py

    return isinstance(node, h5py.Dataset)
