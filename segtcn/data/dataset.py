"""Videos of a subset, checked, sub-sampled and kept in memory."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from segtcn.data.readers.reader import Reader, class_indexes
from segtcn.labels.classes import listed
from segtcn.labels.lengths import LengthPolicy, check_length_policy, common_length
from segtcn.structures import IGNORE, Video, find_runs


class Sample(NamedTuple):
    """A video at the rate of the network.

    Args:
        video: the kept frames.
        num_frames: frames of the video before ``sample_rate`` was applied.
        stored_labels: its labels before that, ``(num_frames,)``, or its targets, ``(C, num_frames)``; None where there
            is no ground truth.
        is_cached: whether the cache holds the same tensors, so that nobody may write to them.
    """

    video: Video
    num_frames: int
    stored_labels: Tensor | None = None
    is_cached: bool = False


def check_video(
    video: Video,
    feature_dim: int,
    num_classes: int,
    length_policy: LengthPolicy = "error",
    length_tolerance: int = 10,
    values: bool = True,
) -> Video:
    """Check what can be wrong with a video whatever layout it came from.

    Args:
        video: as a reader returns it.
        feature_dim: width D that its features must have.
        num_classes: number of classes C; labels must lie in ``0 .. C-1`` or be
            :data:`segtcn.structures.IGNORE`.
        length_policy: what to do when there are more frames of features than of labels, or fewer: ``error``, or
            ``trim`` both at the end to the shorter.
        length_tolerance: largest difference in frames that ``trim`` accepts.
        values: whether to look for NaN and infinity, which takes a quarter of the time of reading a file.

    Returns:
        The video, trimmed if that was needed and wanted.

    Raises:
        ValueError: naming the file, what was expected, what came and what to do.
    """
    source = video.source or video.name
    features, labels = video.features, video.labels
    if features.ndim != 2 or not features.is_floating_point():
        raise ValueError(f"{source}: features must be a float (D, T), got {features.dtype} {tuple(features.shape)}")
    if features.shape[1] == 0:
        raise ValueError(f"{source}: the video has no frames (T = 0); take it out of the split's list")
    if features.shape[0] != feature_dim:
        raise ValueError(
            f"{source}: features are {features.shape[0]} wide, but {feature_dim} in the data set's other videos; "
            "compute them again in the same way"
        )
    if values:
        _check_finite(features, source)
    if video.targets is not None and (video.targets.ndim != 2 or len(video.targets) != num_classes):
        raise ValueError(
            f"{source}: targets must have the shape ({num_classes}, {features.shape[1]}) of classes and frames, got "
            f"{tuple(video.targets.shape)}; correct the reader"
        )
    truth = video.targets if labels is None else labels
    if truth is None:
        return video
    num_labels = truth.shape[-1]
    length = common_length(features.shape[1], num_labels, length_policy, length_tolerance)
    if length is None:
        raise ValueError(
            f"{source}: {features.shape[1]} frames of features but {num_labels} labels; correct the files, or let "
            f"`length_policy: trim` cut both to the shorter where they differ by at most `length_tolerance` = "
            f"{length_tolerance} frames"
        )
    if video.targets is not None:
        video = video._replace(targets=video.targets[:, :length])
    features = features[:, :length]
    if labels is None:
        return video._replace(features=features)
    labels = labels[:length]
    class_indexes(labels.numpy(), num_classes, source)
    return video._replace(features=features, labels=labels)


def _check_finite(features: Tensor, source: str) -> None:
    # NaN and infinity stay in the sum, which is ten times faster than a look at every value; large values may overflow
    if features.sum().isfinite():
        return
    broken = ~features.isfinite().all(dim=0)
    if broken.any():
        raise ValueError(
            f"{source}: NaN or infinite features in {int(broken.sum())} of {len(broken)} frames, the first is frame "
            f"{int(broken.int().argmax())}; compute the features of this video again"
        )


def keep_segments(labels: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """Labels of which random whole segments are kept, as if somebody had annotated only a part of the video.

    Segments are drawn until their frames are nearest to the share; at least one is kept. A smaller share keeps a part
    of what a larger one keeps, given the same random state.

    Args:
        labels: class index of every frame, ``(T,)``.
        share: of the annotated frames, above 0 and up to 1.
        rng: the only source of randomness.

    Returns:
        The labels, ``(T,)``, :data:`~segtcn.structures.IGNORE` in all other segments.

    Example:
        >>> keep_segments(torch.tensor([3, 3, 0, 0, 0, 5]), share=0.5, rng=np.random.default_rng(0))
        tensor([   3,    3, -100, -100, -100,    5])
    """
    runs = find_runs(labels)
    order = rng.permutation(np.flatnonzero(runs.values != IGNORE))
    if not len(order):
        return labels
    num_frames = np.cumsum((runs.stops - runs.starts)[order])
    part = torch.full_like(labels, IGNORE)
    for run in order[: np.abs(num_frames - share * num_frames[-1]).argmin() + 1]:
        part[runs.starts[run] : runs.stops[run]] = int(runs.values[run])
    return part


def keep_stamps(labels: Tensor, rng: np.random.Generator) -> Tensor:
    """Labels of which one random frame of each segment is kept: time stamps.

    Args:
        labels: class index of every frame, ``(T,)``.
        rng: the only source of randomness.

    Returns:
        The labels, ``(T,)``, :data:`~segtcn.structures.IGNORE` in all other frames.

    Example:
        >>> keep_stamps(torch.tensor([3, 3, 0, 0, 0, 5]), rng=np.random.default_rng(0))
        tensor([-100,    3, -100,    0, -100,    5])
    """
    runs = find_runs(labels)
    frames = torch.from_numpy(rng.integers(runs.starts, runs.stops))
    return torch.full_like(labels, IGNORE).index_copy(0, frames, labels[frames])


def every_kth_label(labels: Tensor, sample_rate: int) -> Tensor:
    """Every k-th label; one between two such frames that nobody annotated, moves to the earlier one.

    Without this, of time stamps few would be left. Where every frame is annotated, it is ``labels[::sample_rate]``.

    Args:
        labels: class index of every frame, ``(T,)``.
        sample_rate: k.

    Example:
        >>> every_kth_label(torch.tensor([IGNORE, 3, IGNORE, IGNORE, 5, 5]), sample_rate=2)
        tensor([   3, -100,    5])
    """
    sampled = labels[::sample_rate].clone()
    runs = find_runs(labels)
    skipped = (runs.values != IGNORE) & (-(-runs.starts // sample_rate) * sample_rate >= runs.stops)
    for place, label in zip(runs.starts[skipped] // sample_rate, runs.values[skipped], strict=True):
        if sampled[place] == IGNORE:
            sampled[place] = int(label)
    return sampled


@dataclass(frozen=True)
class TruthRules:
    """What becomes of the ground truth of a video.

    Args:
        read: False leaves it unread, so that videos without one can be predicted.
        length_policy: for features and labels of different length, see :func:`check_video`.
        length_tolerance: in stored frames, see :func:`check_video`.
        annotated: share of the annotated frames of each video whose labels are kept, see :func:`keep_segments`; or
            ``timestamps``, one frame of each segment, see :func:`keep_stamps`.
        seed: of the choice of those.
        moves: whether labels between two frames that ``sample_rate`` keeps move to the earlier one, where nobody
            annotated that, see :func:`every_kth_label`; for training only, since scores count the frames that are kept.

    Raises:
        ValueError: if an argument is out of range.
    """

    read: bool = True
    length_policy: LengthPolicy = "error"
    length_tolerance: int = 10
    annotated: float | Literal["timestamps"] = 1.0
    seed: int = 0
    moves: bool = False

    def __post_init__(self) -> None:
        if self.annotated != "timestamps" and (isinstance(self.annotated, str) or not 0 < self.annotated <= 1):
            raise ValueError(
                f"`annotated` must be a share above 0 and up to 1 (all), or 'timestamps', got {self.annotated!r}"
            )
        check_length_policy(self.length_policy, self.length_tolerance)

    def annotated_part(self, labels: Tensor, name: str) -> Tensor:
        """What is kept of the labels ``(T,)`` of a video."""
        rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
        if isinstance(self.annotated, str):
            return keep_stamps(labels, rng)
        return keep_segments(labels, self.annotated, rng)


class SegmentationDataset(Dataset[Sample]):
    """The videos of a subset, read when they are asked for.

    A video is checked (:func:`check_video`) when it is first read and then, while there is room, kept in memory. One
    that is read again is not searched for NaN again.
    Workers of a loader share what was kept before they started, and keep nothing themselves: the limit holds for all
    together.

    Args:
        reader: where the videos come from.
        names: the videos, as the reader names them.
        split: passed to :meth:`Reader.read`.
        sample_rate: keep every k-th frame, the first included.
        truth: what becomes of the ground truth; None reads all of it.
        cache_gib: memory for videos that were read, in GiB; 0 keeps none.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from segtcn.data import SegmentationDataset
        >>> dataset = SegmentationDataset(reader, reader.videos(1, "train"), split=1)  # doctest: +SKIP
        >>> video = dataset[0].video  # doctest: +SKIP
    """

    def __init__(
        self,
        reader: Reader,
        names: Sequence[str],
        split: int | None = None,
        sample_rate: int = 1,
        truth: TruthRules | None = None,
        cache_gib: float = 4.0,
    ) -> None:
        if sample_rate < 1:
            raise ValueError(f"`sample_rate` must be at least 1 (every frame), got {sample_rate}")
        if not cache_gib >= 0:
            raise ValueError(f"`cache_gib` must not be negative, got {cache_gib}")
        self.reader = reader
        self.names = list(names)
        self.split = split
        self.sample_rate = sample_rate
        self.truth = truth or TruthRules()
        self._cache: dict[int, Sample] = {}
        self._cache_room = int(cache_gib * 2**30)
        self._lengths: dict[int, int] = {}  # of the videos that were read, and so checked
        self._has_annotation = False  # whether a frame of those is annotated

    def __len__(self) -> int:
        """Number of videos."""
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        """Read, check and sub-sample one video.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if a file cannot be understood or the video fails :func:`check_video`.
        """
        if index in self._cache:
            return self._cache[index]
        video = self.reader.read(self.names[index], self.split, labels=self.truth.read)
        video = check_video(
            video,
            self.reader.feature_dim,
            len(self.reader.class_names),
            self.truth.length_policy,
            self.truth.length_tolerance,
            values=index not in self._lengths,
        )
        if video.labels is not None and self.truth.annotated != 1:
            video = video._replace(labels=self.truth.annotated_part(video.labels, video.name))
        features = video.features[:, :: self.sample_rate]
        # a copy where frames are left out: a view would keep every stored frame in memory
        is_whole = self.sample_rate == 1
        features = features.contiguous() if is_whole else features.clone(memory_format=torch.contiguous_format)
        # of the labels, which are small, all frames are kept
        labels = video.labels
        if labels is not None:
            rate = self.sample_rate
            labels = every_kth_label(labels, rate) if self.truth.moves else labels[::rate]
        targets = None if video.targets is None else video.targets[:, :: self.sample_rate].clone()
        sampled = video._replace(features=features, labels=labels, targets=targets)
        stored = video.targets if video.labels is None else video.labels
        sample = Sample(sampled, video.features.shape[1], stored)
        size = features.nbytes + (0 if stored is None else stored.nbytes)
        if size <= self._cache_room and get_worker_info() is None:
            sample = self._cache[index] = sample._replace(is_cached=True)
            self._cache_room -= size
        self._lengths[index] = features.shape[1]
        self._has_annotation = self._has_annotation or labels is None or bool((labels != IGNORE).any())
        return sample

    def lengths(self) -> list[int]:
        """Frames of every video, sub-sampled; those that were not read before are read.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if a file cannot be understood.
        """
        self.check()
        return [self._lengths[index] for index in range(len(self))]

    def check(self) -> None:
        """Read every video that was not read before, so that a bad one fails now and not in the middle of a run.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if a file cannot be understood, a video fails :func:`check_video`, or no frame of any video is
                annotated.
        """
        for index in range(len(self)):
            if index not in self._lengths:
                self[index]
        if self.names and not self._has_annotation:
            raise ValueError(
                f"no frame of {listed(self.names)} is annotated, so there is nothing to learn or to score: annotate "
                "some, or correct `ignore` of the reader"
            )
