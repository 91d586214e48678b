"""A data set of any reader as one HDF5 file, or as a tree of the MS-TCN release; read back and compared bit for bit."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch

from segtcn.atomic import reason, remove_leftovers
from segtcn.data.readers import HDF5Reader, MSTCNReader, Reader
from segtcn.data.readers.hdf5 import HDF5_ENDINGS
from segtcn.data.readers.hdf5_writer import Compression, DType, append_hdf5, create_hdf5
from segtcn.labels.error_list import ErrorList
from segtcn.labels.video_lists import Subset, check_names
from segtcn.prepare.split_lists import Lists, differs_by_split, splits_of_videos
from segtcn.prepare.tree_writer import TreeWriter
from segtcn.progress import progress_bar
from segtcn.structures import Video

# endings that no folder is meant to have, though it could
_OF_FILES = re.compile(r"\.([a-z]+|h\w*5\w*)", re.IGNORECASE)

MARGIN = 2**20
"""Bytes that must be free beside a video's features."""

SMALLEST_NORMAL = 2.0**-14
"""Below it float16 has fewer and fewer digits, and none below ``2**-25``."""


class Conversion(NamedTuple):
    """What was written.

    Args:
        path: the file or folder.
        num_videos: in it.
        num_frames: of features, in all videos together.
        num_kept: videos that an earlier, interrupted conversion had written; they were compared, too.
        unlabelled: names of the videos without ground truth.
        unequal: names of the videos with more features than labels or fewer, which stay so.
        features_of_split: the only split that the features may be used with; None if they fit all.
        small: share of the features that are below :data:`SMALLEST_NORMAL` and not zero, of which float16 keeps fewer
            digits or none; None where every bit is kept.
    """

    path: Path
    num_videos: int
    num_frames: int
    num_kept: int
    unlabelled: list[str]
    unequal: list[str]
    features_of_split: int | None
    small: float | None


def convert(
    reader: Reader,
    output: str | os.PathLike[str],
    split: int | None = None,
    dtype: DType = "float32",
    compression: Compression = "none",
    overwrite: bool = False,
    progress: bool = False,
) -> Conversion:
    """Write the videos that a reader lists as one HDF5 file or as an MS-TCN tree.

    Every video is read back from the disk and compared with its source bit for bit. Until all are written, the work
    lies beside the output under a name that ends with ``.part``; the same call continues it.

    Args:
        reader: the data set.
        output: a name that ends with ``.h5`` or ``.hdf5``, or that of a folder to make.
        split: write the lists of this split only. Needed where features differ from split to split.
        dtype: of the features in an HDF5 file.
        compression: of the features in an HDF5 file, see :func:`~segtcn.data.readers.write_hdf5`.
        overwrite: replace an HDF5 file; a folder is never replaced.
        progress: show a progress bar.

    Raises:
        FileExistsError: if the output exists.
        FileNotFoundError: if a listed video has no file, or there is no folder for the output.
        ValueError: if ``output`` has the ending of another kind of file, or features differ from split to split and
            ``split`` is None. Also if a video cannot be stored in that form, or is not read back as it was.
    """
    reader.require_labels("conversion")
    output = Path(output).expanduser()
    is_file = output.suffix.lower() in HDF5_ENDINGS
    _check_output(output, is_file, overwrite)
    if not is_file and (dtype != "float32" or compression != "none"):
        raise ValueError(f"{output} becomes a tree of float32 .npy files: `dtype` and `compression` are for HDF5 files")
    lists = _lists(reader, split)
    is_of_split = differs_by_split(reader, _lists(reader, None))
    features_of_split = split if is_of_split else getattr(reader, "features_of_split", None)
    jobs = {name: splits if is_of_split else splits[:1] for name, splits in splits_of_videos(lists).items()}
    if is_of_split:
        _read(reader, *next(iter(jobs.items())))  # fails before anything is written
    part = output.with_name(f"{output.name}.{dtype}-{compression}.part" if is_file else f"{output.name}.part")
    with _naming(str(part)):
        target = (
            _hdf5_target(reader, lists, part, features_of_split, (dtype, compression))
            if is_file
            else _tree_target(reader, lists, part, output, features_of_split)
        )
    conversion = _write_all(reader, target, jobs, part, dtype, progress)
    part.replace(output)
    return conversion._replace(path=output, features_of_split=features_of_split)


def _write_all(
    reader: Reader, target: _Target, jobs: Mapping[str, Sequence[int]], part: Path, dtype: DType, progress: bool
) -> Conversion:
    """Write and compare every video of ``jobs``, read from those splits."""
    num_frames, num_present, num_small, unlabelled, unequal = 0, 0, 0, [], []
    errors = ErrorList()
    for name, splits in progress_bar(jobs.items(), f"write {part.stem}", unit="video", show=progress):
        with errors.collect():
            video = _read(reader, name, splits)
        if errors.messages:  # the others are only read, so that all that is wrong is said at once
            continue
        num_present += _write(target, video, part)
        num_small += _compare(video, target.read(video), dtype)
        num_frames += video.features.shape[1]
        if video.labels is None:
            unlabelled.append(name)
        elif len(video.labels) != video.features.shape[1]:
            unequal.append(name)
    errors.raise_any()
    small = None if dtype == "float32" else num_small / (num_frames * reader.feature_dim)
    return Conversion(part, len(jobs), num_frames, num_present, unlabelled, unequal, None, small)


class _Target:
    """A file or folder that is written video by video and read back.

    Args:
        part: where it is.
        add: writes a video.
        open_reader: of such files or folders.
    """

    def __init__(self, part: Path, add: Callable[[Video], None], open_reader: Callable[[str], Reader]) -> None:
        self._part, self.add, self._open = part, add, open_reader
        self._reader: Reader | None = None

    def read(self, video: Video) -> Video:
        """What is stored of a video; a FileNotFoundError if nothing is."""
        if self._reader is None:
            self._reader = self._open(str(self._part))
        return self._reader.read(video.name, labels=video.labels is not None)


def _hdf5_target(
    reader: Reader, lists: Lists, part: Path, features_of_split: int | None, form: tuple[DType, Compression]
) -> _Target:
    try:
        stored = HDF5Reader(str(part))
        facts = (stored.features_of_split, *_facts(stored, _lists(stored, None)))
        is_same = facts == (features_of_split, *_facts(reader, lists))
    except (FileNotFoundError, ValueError):  # there is none, or it ends before the first video
        is_same = False
    if not is_same:
        create_hdf5(part, reader.classes, reader.fps, lists, features_of_split, reader.extraction)

    def add(video: Video) -> None:
        # the HDF5 library may end the process some time after it found a disk full
        if shutil.disk_usage(part.parent).free < video.features.nbytes + MARGIN:
            raise OSError(errno.ENOSPC, "")
        append_hdf5(part, video, len(reader.class_names), *form)

    return _Target(part, add, HDF5Reader)


def _facts(reader: Reader, lists: Lists) -> tuple[object, ...]:
    return reader.class_names, reader.fps, reader.background, lists, reader.extraction


def _tree_target(reader: Reader, lists: Lists, part: Path, output: Path, features_of_split: int | None) -> _Target:
    writer = TreeWriter(part, reader)
    remove_leftovers(part)
    for split, subsets in lists.items():
        for subset, names in subsets.items():
            writer.write_list(split, subset, names)
    why = f"# The features are those of split {features_of_split}: with any other they would have seen test videos."
    writer.write_config(output, min(lists), "" if features_of_split is None else why)
    return _Target(part, writer.write_video, MSTCNReader)


def _check_output(output: Path, is_file: bool, overwrite: bool) -> None:
    if not output.absolute().parent.is_dir():
        raise FileNotFoundError(f"cannot write {output}: there is no folder {output.parent}; create it")
    if is_file and output.exists() and not overwrite:
        raise FileExistsError(f"{output} exists: choose another name, or let `overwrite` replace it")
    if output.is_dir() and (is_file or any(output.iterdir())):
        raise FileExistsError(f"{output} is a folder with something in it, which is not replaced: choose another name")
    if not is_file and output.is_file():
        raise FileExistsError(f"{output} is a file: give a name that ends with .h5, or a folder to make")
    if not is_file and not output.exists() and _OF_FILES.fullmatch(output.suffix):
        raise ValueError(
            f"{output} is neither the name of an HDF5 file nor that of a folder: end it with .h5, or leave "
            f"{output.suffix} out for an MS-TCN tree"
        )


def _lists(reader: Reader, split: int | None) -> Lists:
    subsets: tuple[Subset, ...] = ("train", "test")
    lists: Lists = {}
    for number in reader.splits if split is None else [split]:
        for subset in subsets:
            try:
                names = reader.videos(number, subset)
            except FileNotFoundError:  # a data set without test videos, or without training videos
                continue
            lists.setdefault(number, {})[subset] = check_names(names, f"the {subset} list of split {number}")
    return lists


def _read(reader: Reader, name: str, splits: Sequence[int]) -> Video:
    """A video, which must have the same features in all those splits."""
    first, *others = splits
    try:
        video = reader.read(name, first)
    except FileNotFoundError:  # no ground truth; where the features are missing, the next line says so
        video = reader.read(name, first, labels=False)
    for other in others:
        if not _equal(video.features, reader.read(name, other, labels=False).features):
            raise ValueError(
                f"the features of video {name!r} in split {other} differ from those in split {first}: they come from "
                "networks that were trained on each split's training videos. The output holds one split: choose it by "
                f"`split`, for instance {first}"
            )
    return video._replace(name=name)


def _write(target: _Target, video: Video, part: Path) -> bool:
    """Write a video that is not there yet; returns whether it was."""
    try:
        target.read(video)
    except FileNotFoundError:
        with _naming(f"{video.name!r} into {part}"):
            target.add(video)
        return False
    except ValueError as error:
        raise ValueError(f"{error}; remove {part} and start again") from error
    return True


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Say what could not be written, and what to do."""
    try:
        yield
    except OSError as error:
        if isinstance(error, PermissionError | FileNotFoundError) and not error.errno:  # of this library: all is said
            raise
        raise OSError(f"cannot write {what}: {reason(error)}; make room, and the same command continues") from error


def _compare(video: Video, stored: Video, dtype: DType) -> int:
    """Compare bit for bit; returns how many features are too small for all digits of float16."""
    expected = video.features.half().float() if dtype == "float16" else video.features
    labels, stored_labels = (
        torch.empty(0, dtype=torch.int64) if v.labels is None else v.labels for v in (video, stored)
    )
    if not _equal(expected, stored.features) or not torch.equal(labels, stored_labels):
        raise ValueError(
            f"{stored.source} is not read back as {video.source or video.name} is now: it was written from other data "
            f"or in another form, or the disk is at fault; remove what ends with .part and start again"
        )
    size = video.features.abs()
    return int(((size > 0) & (size < SMALLEST_NORMAL)).sum())


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Bit for bit: NaN equals itself, and 0 is not -0."""
    return a.shape == b.shape and torch.equal(a.contiguous().view(torch.int32), b.contiguous().view(torch.int32))


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
