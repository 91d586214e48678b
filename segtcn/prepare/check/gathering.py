"""Every video of a data set once: read and measured in a child process, and let go before the next one."""

from __future__ import annotations

import hashlib
import math
import time
from collections import defaultdict
from itertools import combinations
from operator import methodcaller
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from segtcn.data.dataset import check_video
from segtcn.data.readers.reader import Reader
from segtcn.labels.folder import find_clips
from segtcn.labels.video_lists import ListError, Subset
from segtcn.prepare.check.child_process import ChildProcess, Limits, ProcessEndedError
from segtcn.prepare.check.clip_facts import match_clips
from segtcn.prepare.check.facts import CheckOptions, Extremes, Facts, Spread, VideoFacts
from segtcn.prepare.check.problems import Key, Problem, error, warning
from segtcn.prepare.split_lists import Lists, differs_by_split
from segtcn.progress import progress_bar
from segtcn.structures import IGNORE, Video, find_runs

_NO_EXTREMES: Extremes = (np.empty(0, np.float32), np.empty(0, np.float32))
_FAILURES = (ValueError, OSError, MemoryError)
_FROZEN_S = 2.0  # people never hold still so long that every number stays the same


class Measurement(NamedTuple):
    """What a video is like, without its features: a few kilobytes that leave the child process.

    Args:
        kind: of what is wrong, if anything is: ``missing``, ``unreadable``, ``no truth`` or ``labels``.
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


def gather_facts(reader: Reader, options: CheckOptions, limits: Limits | None = None, progress: bool = False) -> Facts:
    """Read every listed video once and measure it.

    Args:
        reader: the data set.
        options: what is expected of it.
        limits: of reading a video.
        progress: whether to show progress bars.

    Raises:
        FileNotFoundError: if there is no folder of clips.
    """
    clips = _find_clips(options)  # before minutes of reading
    start_s = time.monotonic()
    facts = Facts(
        reader=type(reader).__name__,
        class_names=list(reader.class_names),
        background=None if reader.background is None else reader.class_names[reader.background],
        fps=reader.fps,
        feature_dim=reader.feature_dim,
        options=options,
        feature_columns=getattr(reader, "feature_columns", None),
    )
    with ChildProcess(reader, limits=limits) as child:
        facts.lists, facts.failures = child.call(_read_lists)
        facts.split_specific = child.call(differs_by_split, facts.lists)
        alike = _measure_all(reader, facts, child, progress)
        facts.seconds = time.monotonic() - start_s
        facts.equal_features = _equal_features(alike, child)
        _find_unlisted(facts, child)
    if clips is not None:
        lengths = {name: video.num_frames for name, video in facts.by_name.items()}
        matched = match_clips(str(options.clips), clips, lengths, reader.clip_names, limits, progress)
        facts.clips = matched if matched.num_matched or options.clips_of_all else None
    return facts


def _find_clips(options: CheckOptions) -> dict[str, Path] | None:
    if options.clips is None:
        return None
    try:
        return find_clips(Path(options.clips))
    except FileNotFoundError:
        if options.clips_of_all or not Path(options.clips).is_dir():
            raise
        return None


def _measure_all(reader: Reader, facts: Facts, child: ChildProcess, progress: bool) -> list[list[Key]]:
    """Fill in what is measured of videos; returns those that may be equal."""
    alike: dict[bytes, list[Key]] = defaultdict(list)
    labels: dict[str, tuple[bytes, str]] = {}
    trained = {key for split, lists in facts.lists.items() for key in facts.keys(split, lists["train"])}
    jobs: dict[Key, int] = {}
    for split in facts.lists:
        for key in facts.keys(split, facts.listed(split)):
            jobs.setdefault(key, split)
    for key, split in progress_bar(jobs.items(), "check", unit="video", show=progress, keep=False):
        measured = _measure_in(child, reader, key, split)
        facts.failures.extend(_failures(key, measured, key in trained))
        video = measured.facts
        if video is None:
            continue
        facts.videos[key] = video
        facts.bytes_read += measured.num_bytes
        if measured.fault:
            continue
        facts.spreads.setdefault((key[1], video.width), Spread(video.width)).add(key, measured.extremes)
        # a sum of a few kilobytes instead of all features: the few videos that agree are compared in full later
        alike[_digest(np.array([video.num_frames, video.width]), *measured.extremes)].append(key)
        if measured.labels is not None:
            first = labels.setdefault(key[0], (measured.labels, video.source))
            if first[0] != measured.labels:
                facts.labels_of_splits[key[0]] = (first[1], video.source)
    return [keys for keys in alike.values() if len(keys) > 1]


def _failures(key: Key, measured: Measurement, is_trained: bool) -> list[Problem]:
    failures = []
    if measured.kind == "no truth":  # a test video without ground truth can still be predicted
        failures.append((error if is_trained else warning)("no truth", key[0], measured.message))
    elif measured.kind:
        failures.append(error(measured.kind, key[0], measured.message, breaks=key))
    if measured.fault and measured.facts is not None:
        kind = "values" if measured.facts.num_frames else "empty"
        failures.append(error(kind, key[0], measured.fault, breaks=key))
    return failures


def _measure_in(child: ChildProcess, reader: Reader, key: Key, split: int) -> Measurement:
    try:
        return child.call(_read_and_measure, key, split)
    except ProcessEndedError as failure:
        files = ", ".join(map(str, reader.files(key[0], split))) or f"video {key[0]!r}"
        return Measurement("unreadable", f"{files} is damaged: {failure}; fetch it or make it again")


def _equal_features(alike: list[list[Key]], child: ChildProcess) -> list[tuple[Key, Key]]:
    """Compare the videos whose smallest and largest values agree, by hash: usually there are none."""
    pairs = []
    for keys in alike:
        equal: dict[bytes, list[Key]] = defaultdict(list)
        for key in keys:
            equal[child.call(_digest_features, key)].append(key)
        pairs += [pair for group in equal.values() for pair in combinations(group, 2)]
    return pairs


def _find_unlisted(facts: Facts, child: ChildProcess) -> None:
    try:
        facts.unlisted = sorted(set(child.call(methodcaller("stored"))).difference(facts.all_listed()))
    except _FAILURES as failure:
        facts.failures.append(error("unreadable", facts.reader, str(failure)))


def _read_lists(reader: Reader) -> tuple[Lists, list[Problem]]:
    """The lists of all splits; of a wrong one what is usable."""
    lists: Lists = {}
    problems = []
    subsets: tuple[Subset, ...] = ("train", "test")
    for split in reader.splits:
        lists[split] = {}
        for subset in subsets:
            names: list[str] = []
            try:
                names = reader.videos(split, subset)
            except FileNotFoundError as failure:
                # a data set without test videos can be trained on
                problem = error if subset == "train" else warning
                problems.append(problem("no list", f"split {split}", str(failure)))
            except _FAILURES as failure:
                names = failure.names if isinstance(failure, ListError) else []
                problems.append(error("list", f"split {split}", str(failure)))
            lists[split][subset] = names
    return lists, problems


def _digest_features(reader: Reader, key: Key) -> bytes:
    return _digest(read_video(reader, key).features.numpy())


def _read_and_measure(reader: Reader, key: Key, split: int) -> Measurement:
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
        except ValueError as failure:
            fault = str(failure)
    labels = None if video.labels is None else _digest(video.labels.numpy())
    return Measurement(kind, message, facts, extremes, fault, labels, video.features.nbytes)


def read_video(reader: Reader, key: Key) -> Video:
    """Read a video that could be read before.

    Raises:
        ValueError: if it cannot be read any more.
    """
    video, _, message = _read(reader, key, key[1])
    if video is None:
        raise ValueError(f"{message} (it could be read a moment ago: do not change data during a check)")
    return video


def _read(reader: Reader, key: Key, split: int | None) -> tuple[Video | None, str, str]:
    """A video, without labels if they cannot be read, and kind and message of what is wrong.

    The kind is ``missing``, ``unreadable``, ``no truth`` or ``labels``; empty if nothing is wrong.
    """
    try:
        return reader.read(key[0], split), "", ""
    except _FAILURES as failure:
        first = failure
    try:
        video = reader.read(key[0], split, labels=False)
    except _FAILURES as failure:
        kind = "missing" if isinstance(failure, FileNotFoundError) else "unreadable"
        return None, kind, _message(failure, key[0])
    kind = "no truth" if isinstance(first, FileNotFoundError) else "labels"
    return video, kind, _message(first, key[0])


def _message(failure: Exception, name: str) -> str:
    """What a reader says, with the video's name where it leaves it out, as errors of memory do."""
    text = str(failure) or type(failure).__name__
    return text if name in text else f"video {name!r}: {text}"


def measure(video: Video, num_classes: int, fps: float) -> tuple[VideoFacts, Extremes]:
    """Measure a video in one pass over its features.

    Args:
        video: as a reader returns it.
        num_classes: C.
        fps: frames per second, by which frozen stretches are told from slow motion.
    """
    features = video.features.numpy()
    lowest, highest = _extremes(video.features)
    finite = bool(np.isfinite(lowest).all() and np.isfinite(highest).all()) and features.size > 0
    least_frozen = math.floor(_FROZEN_S * fps) + 1
    labels = np.empty(0, np.int64) if video.labels is None else video.labels.numpy()
    starts, stops, values = find_runs(labels)
    known = values != IGNORE
    facts = VideoFacts(
        source=video.source or video.name,
        num_frames=features.shape[1],
        width=features.shape[0],
        num_labels=None if video.labels is None else len(labels),
        frames_per_class=np.bincount(labels[labels != IGNORE], minlength=num_classes).tolist() if len(labels) else [],
        segments_per_class=np.bincount(values[known], minlength=num_classes).tolist() if len(labels) else [],
        one_frame_segments=int((stops - starts == 1)[known].sum()),
        largest=float(max(abs(lowest.min()), abs(highest.max()))) if finite else None,
        mean_range=float((highest.astype(np.float64) - lowest).mean()) if finite else None,
        frozen=_frozen(features, lowest != highest, least_frozen) if finite else [],
    )
    return facts, (lowest, highest)


def _extremes(features: Tensor) -> Extremes:
    """Smallest and largest value of every row; NaN where there is one, and of no columns."""
    if not features.shape[1]:
        return np.full(len(features), math.nan, np.float32), np.full(len(features), math.nan, np.float32)
    return features.amin(dim=1).numpy(), features.amax(dim=1).numpy()


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


def _digest(*arrays: np.ndarray) -> bytes:
    """A hash of the numbers in the arrays."""
    hashed = hashlib.blake2b(digest_size=16)
    for array in arrays:
        hashed.update(np.ascontiguousarray(array).data)
    return hashed.digest()
