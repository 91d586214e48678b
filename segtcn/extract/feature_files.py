"""What is written for every video: ``NAME.npy``, complete or not at all, and a record of how it was made."""

from __future__ import annotations

import json
import math
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from segtcn.atomic import atomic_path, write_json
from segtcn.labels import CLIP_SUFFIXES

RECORDS = "extraction"
"""Folder beside the features that holds ``NAME.json`` for every ``NAME.npy``."""

ALL = "all"
"""Name of a record of all videos in a folder, whose features were converted; it has only ``settings``."""

BLOCK_BYTES = 64 * 2**20
"""Memory for turning a finished file from frame after frame to ``(D, T)``."""


def find_videos(paths: Iterable[str | Path], relative_to: str | Path | None = None) -> dict[str, Path]:
    """The videos that are meant, by name.

    Args:
        paths: video files of any ending, and folders, which are searched with all their folders.
        relative_to: a folder: names are then the paths below it, without ending, so that videos of the same name in
            different folders stay apart. None takes the names of the files.

    Returns:
        Name to file, in the given order; a file that is given twice counts once.

    Raises:
        FileNotFoundError: if a path does not exist.
        ValueError: if a folder holds no video, a video lies outside ``relative_to``, or two would get the same name.
    """
    videos: dict[str, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"no video file or folder {path}: check the path")
        files = [path]
        if path.is_dir():
            # hidden files are not data: macOS puts `._NAME.mp4` beside each on other disks
            files = sorted(p for p in path.rglob("[!.]*") if p.suffix.lower() in CLIP_SUFFIXES and p.is_file())
            if not files:
                raise ValueError(f"no video in {path}: expected files that end in .mp4, .mkv, .avi, .mov, .webm, ...")
        for file in files:
            name = file.stem if relative_to is None else name_below(file, Path(relative_to))
            same = videos.setdefault(name, file)
            if not same.samefile(file):
                apart = "" if same.parent == file.parent else "keep folders apart by `relative_to`, or "
                raise ValueError(f"{same} and {file} would both become {name}.npy: {apart}rename one")
    return videos


def name_below(file: Path, folder: Path) -> str:
    """Path of a file below a folder, without ending: the name of a video.

    Raises:
        ValueError: if it does not lie there.
    """
    # not `resolve`: a link within the folder to a video elsewhere is a video of the folder
    absolute, base = Path(os.path.abspath(file)), Path(os.path.abspath(folder))
    if not absolute.is_relative_to(base):
        raise ValueError(f"{file} does not lie below `relative_to` {folder}: choose a folder that holds all videos")
    return absolute.relative_to(base).with_suffix("").as_posix()


@contextmanager
def feature_file(path: str | Path, dtype: str = "float32") -> Iterator[FeatureRows]:
    """Write a ``.npy`` file ``(D, T)`` whose T is not known yet: vectors are appended, in memory is one batch.

    The file gets its name when the block ends without an error; until then, and after an error or Ctrl-C, there is
    nothing under that name.

    Args:
        path: the file to make or to replace.
        dtype: ``float32`` or ``float16``.

    Yields:
        What takes the vectors.

    Raises:
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in the folder.
        ValueError: if nothing was appended.
    """
    path = Path(path)
    # the rows lie frame after frame, as they come; without a name, so that nothing can be left of them
    with atomic_path(path) as temporary, tempfile.TemporaryFile(dir=path.parent) as frames:
        rows = FeatureRows(frames, np.dtype(dtype))
        yield rows
        if rows.num_frames == 0:
            raise ValueError(f"cannot write {path}: it got no frames, expected at least one")
        rows.save(temporary)


class FeatureRows:
    """Vectors of frames on their way into a file ``(D, T)``.

    Args:
        frames: an empty file to keep them in.
        dtype: of the file.
    """

    def __init__(self, frames: BinaryIO, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.num_frames = 0
        self._frames = frames
        self._width = 0

    def append(self, features: npt.NDArray[np.floating[Any]]) -> None:
        """Add the vectors of the next frames, ``(N, D)``.

        Raises:
            ValueError: if they hold NaN or infinite values, or values beyond the number type.
        """
        with np.errstate(over="ignore"):
            stored = features.astype(self.dtype)
        if not np.isfinite(stored).all():
            frame = self.num_frames + int((~np.isfinite(stored)).any(axis=1).argmax())
            why = "are NaN or infinite" if not np.isfinite(features).all() else f"are too large for {self.dtype}"
            raise ValueError(f"features of frame {frame} {why}: try `precision` and `dtype` float32")
        self._width = stored.shape[1]
        self._frames.write(np.ascontiguousarray(stored).data)
        self.num_frames += len(stored)

    def save(self, path: Path) -> None:
        """Write all of them as ``(D, T)``."""
        rows = max(1, BLOCK_BYTES // (self.num_frames * self.dtype.itemsize))
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": (self._width, self.num_frames)}
        # no memory maps: a disk that is full would end the process, and mapped files count as memory of it
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for row in range(0, self._width, rows):
                file.write(self._turned(row, min(row + rows, self._width)).data)

    def _turned(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Some rows of the file, ``(stop - start, T)``, collected from the vectors of all frames."""
        block = np.empty((stop - start, self.num_frames), self.dtype)
        self._frames.seek(0)
        at_once = max(1, BLOCK_BYTES // (8 * self._width * self.dtype.itemsize))
        for frame in range(0, self.num_frames, at_once):
            num_frames = min(at_once, self.num_frames - frame)
            content = self._frames.read(num_frames * self._width * self.dtype.itemsize)
            vectors = np.frombuffer(content, self.dtype).reshape(num_frames, self._width)
            block[:, frame : frame + num_frames] = vectors[:, start:stop].T
        return block


def record_path(out: Path, name: str) -> Path:
    """Where the record of a video is."""
    return out / RECORDS / f"{name}.json"


def write_record(out: Path, name: str, record: Mapping[str, Any]) -> None:
    """Write the record of a video, complete or not at all."""
    path = record_path(out, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record)


def forget_record(out: Path, name: str) -> None:
    """Remove the record of a video whose features are about to be replaced."""
    record_path(out, name).unlink(missing_ok=True)


def read_record(out: Path, name: str) -> dict[str, Any] | None:
    """The record of a video that is done; None if there is none, it cannot be read, or it does not fit the features."""
    try:
        record = json.loads(record_path(out, name).read_bytes().decode("utf-8"))
        features = np.load(out / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        settings = record["settings"]
        fits = [features.dtype.name, *features.shape] == [settings["dtype"], *record["shape"]]
        is_whole = {"backbone", "window", "stride", "padding"} <= {*settings} and 0 < record["fps"] < math.inf
    except Exception:  # numpy raises six kinds of exception for a damaged header
        return None
    return record if fits and is_whole else None


def find_record(features: Path) -> dict[str, Any] | None:
    """The record of a feature file, in the ``extraction`` folder beside it or beside one of the two folders above.

    Args:
        features: a file of ``segtcn extract``, or any other; then there is none.
    """
    name = features.with_suffix("")
    for folder in list(features.parents)[:3]:
        if record_path(folder, name.relative_to(folder).as_posix()).is_file():
            return read_record(folder, name.relative_to(folder).as_posix())
    return None


def common_settings(out: Path) -> dict[str, Any] | None:
    """How the features in a folder were made, by their records; None where nothing says it.

    Warns where the records differ, and returns None: then there is no way to make such features again.

    Args:
        out: folder of the features.
    """
    common: dict[str, Any] | None = None
    for path in sorted((out / RECORDS).rglob("[!.]*.json")):
        try:
            record = json.loads(path.read_bytes().decode("utf-8"))
            name = path.relative_to(out / RECORDS).with_suffix("").as_posix()
            if "shape" in record and read_record(out, name) is None:
                continue  # the features were replaced since, by others
            settings = record["settings"]
            unlike = [] if common is None else differences(common, settings)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            warnings.warn(f"{path} is not a record of `segtcn extract` ({error}): passed over", stacklevel=2)
            continue
        if unlike:
            warnings.warn(
                f"the features in {out} were made in more than one way ({path.stem}: {'; '.join(unlike)}): what is "
                "trained on them cannot say how to make others",
                stacklevel=2,
            )
            return None
        common = settings
    return common


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What two settings say differently, one text each.

    Example:
        >>> differences({"window": 1, "backbone": {"name": "a"}}, {"window": 1, "backbone": {"name": "b"}})
        ["backbone name 'a', not 'b'"]
    """
    texts: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            texts += [f"{key} {text}" for text in differences(before, after)]
        elif before != after:
            texts.append(f"{key} {before!r}, not {after!r}")
    return texts
