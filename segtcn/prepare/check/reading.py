"""Every video of a data set once: read, measured, and let go before the next one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.data.dataset import check_video
from segtcn.data.readers.reader import Reader
from segtcn.data.readers.text import ListError
from segtcn.prepare.check.report import DataReport, Key, VideoFacts
from segtcn.structures import Video

Extremes = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Smallest and largest value of every feature, ``(D,)`` each."""

_NO_EXTREMES: Extremes = (np.empty(0, np.float32), np.empty(0, np.float32))
_FAILURES = (ValueError, OSError, MemoryError)
_FROZEN_S = 2.0  # people never hold still so long that every number stays the same
_BLOCK = 2**16  # float32 values: smallest and largest are then found in the processor's cache


class ReadResult(NamedTuple):
    """What became of reading a video.

    Args:
        video: None if its features cannot be read; without labels if they cannot be.
        kind: what is wrong, if anything is: ``missing``, ``unreadable``, ``no truth`` or ``labels``.
        message: the reader's.
    """

    video: Video | None
    kind: str = ""
    message: str = ""


class Measurement(NamedTuple):
    """What a video is like, without its features.

    Args:
        kind: as of :class:`ReadResult`.
        message: the reader's.
        facts: None if its features cannot be read.
        extremes: smallest and largest values.
        fault: why its features cannot be used, if so.
        labels: a hash of its labels; None without them.
        num_bytes: size of its features.
    """

    kind: str
    message: str
    facts: VideoFacts | None = None
    extremes: Extremes = _NO_EXTREMES
    fault: str = ""
    labels: bytes | None = None
    num_bytes: int = 0


def read_lists(reader: Reader, report: DataReport) -> None:
    """Read the lists of all splits; a wrong one is noted and what is usable of it is kept."""
    for split in reader.splits:
        report.lists[split] = {}
        for subset in ("train", "test"):
            names: list[str] = []
            try:
                names = reader.videos(split, subset)
            except FileNotFoundError as error:
                # a data set without test videos can be trained on
                report.add("error" if subset == "train" else "warning", "no list", f"split {split}", str(error))
            except _FAILURES as error:
                names = error.names if isinstance(error, ListError) else []
                report.add("error", "list", f"split {split}", str(error))
            report.lists[split][subset] = names


def differs_from_split_to_split(reader: Reader, report: DataReport) -> bool:
    """Whether the first video that two splits can read comes from two files."""
    places: dict[str, list[int]] = {}
    for split in report.lists:
        for name in dict.fromkeys(report.listed(split)):
            places.setdefault(name, []).append(split)
    for name, splits in places.items():
        if len(splits) > 1:
            sources = [_read(reader, (name, split), split).video for split in splits[:2]]
            if sources[0] is not None and sources[1] is not None:
                return sources[0].source != sources[1].source
    return False


def all_reads(report: DataReport) -> dict[Key, int]:
    """Every listed video once, for each split where features differ; with the split to read it for."""
    jobs: dict[Key, int] = {}
    for split in report.lists:
        for key in report.keys(split, report.listed(split)):
            jobs.setdefault(key, split)
    return jobs


def read_and_measure(reader: Reader, key: Key, split: int) -> Measurement:
    """Read a video and keep what was measured of it.

    One thread does both, and the video's memory is free before the next one is read, which then takes its place: fresh
    memory and reading ahead from another thread cost more time than measuring (``docs/results/data_speed.md``).
    """
    video, kind, message = _read(reader, key, split)
    if video is None:
        return Measurement(kind, message)
    facts, extremes = measure(video, len(reader.class_names), reader.fps)
    fault = ""
    if facts.mean_range is None:
        try:
            check_video(video._replace(labels=None), facts.width, len(reader.class_names))
        except ValueError as error:
            fault = str(error)
    labels = None if video.labels is None else digest(video.labels.numpy())
    return Measurement(kind, message, facts, extremes, fault, labels, video.features.nbytes)


def read_video(reader: Reader, key: Key) -> Video:
    """Read a video that could be read before.

    Raises:
        ValueError: if it cannot be read any more.
    """
    result = _read(reader, key, key[1])
    if result.video is None:
        raise ValueError(f"{result.message} (it could be read a moment ago: do not change data during a check)")
    return result.video


def _read(reader: Reader, key: Key, split: int | None) -> ReadResult:
    try:
        return ReadResult(reader.read(key[0], split))
    except _FAILURES as error:
        first = error
    try:
        video = reader.read(key[0], split, labels=False)
    except _FAILURES as error:
        kind = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
        return ReadResult(None, kind, str(error) or type(error).__name__)
    kind = "no truth" if isinstance(first, FileNotFoundError) else "labels"
    return ReadResult(video, kind, str(first) or type(first).__name__)


def measure(video: Video, num_classes: int, fps: float) -> tuple[VideoFacts, Extremes]:
    """Measure a video in one pass over its features.

    Args:
        video: as a reader returns it.
        num_classes: C.
        fps: frames per second, by which frozen stretches are told from slow motion.
    """
    lowest, highest = _extremes(video.features.numpy())
    finite = bool(np.isfinite(lowest).all() and np.isfinite(highest).all()) and video.features.numel() > 0
    frames: list[int] = []
    segments: list[int] = []
    num_short = 0
    if video.labels is not None and len(video.labels):
        labels = video.labels.numpy()
        starts = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
        frames = np.bincount(labels, minlength=num_classes).tolist()
        segments = np.bincount(labels[starts], minlength=num_classes).tolist()
        num_short = int((np.diff(starts, append=len(labels)) == 1).sum())
    facts = VideoFacts(
        source=video.source or video.name,
        num_frames=video.features.shape[1],
        width=video.features.shape[0],
        num_labels=None if video.labels is None else len(video.labels),
        frames_per_class=frames,
        segments_per_class=segments,
        one_frame_segments=num_short,
        largest=float(max(abs(lowest.min()), abs(highest.max()))) if finite else None,
        mean_range=float((highest.astype(np.float64) - lowest).mean()) if finite else None,
        frozen=_frozen(video.features.numpy(), lowest != highest, math.floor(_FROZEN_S * fps) + 1) if finite else [],
    )
    return facts, (lowest, highest)


def _extremes(features: npt.NDArray[np.float32]) -> Extremes:
    """Smallest and largest value of every row; NaN where there is one, and of no columns."""
    lowest, highest = np.full((2, len(features)), math.nan, dtype=np.float32)
    if not features.shape[1]:
        return lowest, highest
    rows = max(1, _BLOCK // features.shape[1])
    with np.errstate(invalid="ignore"):
        for start in range(0, len(features), rows):
            block = features[start : start + rows]
            block.min(axis=1, out=lowest[start : start + rows])
            block.max(axis=1, out=highest[start : start + rows])
    return lowest, highest


def _frozen(features: npt.NDArray[np.float32], changing: npt.NDArray[np.bool_], least: int) -> list[tuple[int, int]]:
    """Where all rows that change at all keep their values for so many frames: first frame and length of each stretch.

    Nearly always a few rows show that there is no such stretch, and the others are not looked at.
    """
    if least < 2 or not changing.any():
        return []
    same = np.arange(features.shape[1] - 1)  # frames that equal the next one in all rows so far
    for index in np.flatnonzero(changing):
        row = features[index]
        same = same[row[same] == row[same + 1]]
        if len(same) < least - 1:
            return []
    runs = np.split(same, np.flatnonzero(np.diff(same) > 1) + 1)
    return [(int(run[0]), len(run) + 1) for run in runs if len(run) >= least - 1]


def merged(parts: Sequence[Extremes]) -> Extremes:
    """Smallest and largest values over several videos."""
    return np.minimum.reduce([low for low, _ in parts]), np.maximum.reduce([high for _, high in parts])


def digest(*arrays: np.ndarray) -> bytes:
    """A hash of the numbers in the arrays."""
    hashed = hashlib.blake2b(digest_size=16)
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.digest()
