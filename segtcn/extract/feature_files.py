"""Which videos are meant, and the records of how their features were made."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from segtcn.atomic import write_json

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"}
    | {".wmv", ".flv", ".ogv", ".3gp", ".mjpg", ".mjpeg"}
)
"""Endings of the files that are taken from a folder; a file that is given by its name may have any."""

RECORDS = "extraction"
"""Folder beside the features that holds ``NAME.json`` for every ``NAME.npy``."""

ALL = "all"
"""Name of a record of all videos in a folder, whose features were converted; it has only ``settings``."""


def find_videos(paths: Iterable[str | Path], relative_to: str | Path | None = None) -> dict[str, Path]:
    """The videos that are meant, by name.

    Args:
        paths: video files, and folders, which are searched with all their folders.
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
            files = sorted(p for p in path.rglob("[!.]*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
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


def record_path(out: Path, name: str) -> Path:
    """Where the record of a video is."""
    return out / RECORDS / f"{name}.json"


def write_record(out: Path, name: str, record: Mapping[str, Any]) -> None:
    """Write the record of a video, complete or not at all."""
    path = record_path(out, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record)


def read_record(out: Path, name: str) -> dict[str, Any] | None:
    """The record of a video that is done; None if there is none, it cannot be read, or it does not fit the features."""
    try:
        record = json.loads(record_path(out, name).read_bytes().decode("utf-8"))
        features = np.load(out / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        fits = [features.dtype.name, *features.shape] == [record["settings"]["dtype"], *record["shape"]]
    except Exception:  # numpy raises six kinds of exception for a damaged header
        return None
    return record if fits else None


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
