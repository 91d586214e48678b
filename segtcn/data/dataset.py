"""Videos of a subset, checked, sub-sampled and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from segtcn.data.readers.reader import Reader, class_indexes
from segtcn.labels.lengths import LengthPolicy, check_length_policy, common_length
from segtcn.structures import Video


class Sample(NamedTuple):
    """A video at the rate of the network.

    Args:
        video: the kept frames.
        num_frames: frames of the video before ``sample_rate`` was applied.
        stored_labels: its labels before that, ``(num_frames,)``; None where there is no ground truth.
        kept: whether the cache holds the same tensors, so that nobody may write to them.
    """

    video: Video
    num_frames: int
    stored_labels: Tensor | None = None
    kept: bool = False


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
    if labels is None:
        return video
    length = common_length(features.shape[1], len(labels), length_policy, length_tolerance)
    if length is None:
        raise ValueError(
            f"{source}: {features.shape[1]} frames of features but {len(labels)} labels; correct the files, or let "
            f"`length_policy: trim` cut both to the shorter where they differ by at most `length_tolerance` = "
            f"{length_tolerance} frames"
        )
    features, labels = features[:, :length], labels[:length]
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
        length_policy: for features and labels of different length, see :func:`check_video`.
        length_tolerance: in stored frames, see :func:`check_video`.
        labels: False leaves the ground truth unread, so that videos without one can be predicted.
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
        length_policy: LengthPolicy = "error",
        length_tolerance: int = 10,
        labels: bool = True,
        cache_gib: float = 4.0,
    ) -> None:
        if sample_rate < 1:
            raise ValueError(f"`sample_rate` must be at least 1 (every frame), got {sample_rate}")
        check_length_policy(length_policy, length_tolerance)
        self.reader = reader
        self.names = list(names)
        self.split = split
        self.sample_rate = sample_rate
        self.length_policy: LengthPolicy = length_policy
        self.length_tolerance = length_tolerance
        self.labels = labels
        self._cache: dict[int, Sample] = {}
        self._cache_room = int(cache_gib * 2**30)
        self._lengths: dict[int, int] = {}  # of the videos that were read, and so checked

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
        video = self.reader.read(self.names[index], self.split, labels=self.labels)
        video = check_video(
            video,
            self.reader.feature_dim,
            len(self.reader.class_names),
            self.length_policy,
            self.length_tolerance,
            values=index not in self._lengths,
        )
        # a copy where frames are left out: a view would keep every stored frame in memory
        kept = video.features[:, :: self.sample_rate]
        features = kept.contiguous() if self.sample_rate == 1 else kept.clone(memory_format=torch.contiguous_format)
        # of the labels, which are small, all frames are kept
        labels = None if video.labels is None else video.labels[:: self.sample_rate]
        sample = Sample(video._replace(features=features, labels=labels), video.features.shape[1], video.labels)
        size = features.nbytes + (0 if video.labels is None else video.labels.nbytes)
        if size <= self._cache_room and get_worker_info() is None:
            sample = self._cache[index] = sample._replace(kept=True)
            self._cache_room -= size
        self._lengths[index] = features.shape[1]
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
            ValueError: if a file cannot be understood or a video fails :func:`check_video`.
        """
        for index in range(len(self)):
            if index not in self._lengths:
                self[index]
