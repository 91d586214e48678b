"""Changes of training videos, another one in every epoch: speed, crops, dropped frames and channels, noise.

All work on the features and labels that the network would see, before videos are padded to a batch, and all are off
unless a config asks for them::

    data:
      augmentations:
        - class_path: segtcn.data.augmentation.SpeedChange
          init_args: {slowest: 0.8, fastest: 1.25}
        - class_path: segtcn.data.augmentation.GaussianNoise
          init_args: {std: 0.1}

They are applied in that order, to training videos only. What a video becomes depends on the seed, the epoch and its
name: not on the batch it is in, not on the number of workers, and a resumed run continues as it would have.
"""

from __future__ import annotations

import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch.utils.data import Dataset

from segtcn.data.dataset import Sample, SegmentationDataset
from segtcn.data.sampling import Draw
from segtcn.structures import IGNORE, Video

Interpolation = Literal["linear", "nearest"]


class Augmentation(ABC):
    """A random change of one video."""

    @abstractmethod
    def __call__(self, video: Video, rng: np.random.Generator) -> Video:
        """Change a video.

        Args:
            video: at the rate of the network. Its tensors must not be written to: the cache holds the same ones.
            rng: the only source of randomness.

        Returns:
            At least one frame, as many labels as frames. Frames with the label :data:`~segtcn.structures.IGNORE` are
            seen by the network, but no score and no loss of labels counts them.
        """

    def longest(self, num_frames: int) -> int:
        """Upper bound of the frames that a video of ``num_frames`` frames becomes, for batches of limited size."""
        return num_frames


class SpeedChange(Augmentation):
    """Play the whole video faster or slower, at one random speed.

    The speed is drawn log-uniformly, so that twice as fast is as likely as half as fast. Each label is that of the
    frame that is nearest in time to the new frame; the order and the shares of the segments stay.

    Args:
        slowest: lower end of the speed; 0.5 doubles the number of frames.
        fastest: upper end of the speed.
        interpolation: features between two frames: ``linear``, or those of the ``nearest`` frame.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> video = Video("a", torch.arange(4.0)[None], torch.tensor([0, 0, 1, 1]))
        >>> slow = SpeedChange(slowest=0.5, fastest=0.5)(video, np.random.default_rng(0))
        >>> slow.labels, slow.features[0, :5]
        (tensor([0, 0, 0, 0, 1, 1, 1, 1]), tensor([0.0000, 0.2500, 0.7500, 1.2500, 1.7500]))
    """

    def __init__(self, slowest: float = 0.8, fastest: float = 1.25, interpolation: Interpolation = "linear") -> None:
        if not 0 < slowest <= fastest < math.inf:
            raise ValueError(
                f"`slowest` and `fastest` must be positive speeds in that order, such as 0.8 and 1.25, got {slowest} "
                f"and {fastest}"
            )
        if interpolation not in ("linear", "nearest"):
            raise ValueError(f"`interpolation` must be 'linear' or 'nearest', got {interpolation!r}")
        self._slowest, self._fastest, self._interpolation = slowest, fastest, interpolation

    def __call__(self, video: Video, rng: np.random.Generator) -> Video:  # noqa: D102
        return self._played(video, np.array([video.features.shape[1]]), rng)

    def longest(self, num_frames: int) -> int:  # noqa: D102
        return math.ceil(num_frames / self._slowest)

    def _played(self, video: Video, lengths: np.ndarray, rng: np.random.Generator) -> Video:
        """The video with its pieces, of ``lengths`` frames, each played at a random speed."""
        speeds = np.exp(rng.uniform(np.log(self._slowest), np.log(self._fastest), len(lengths)))
        return _resample(video, lengths, speeds, self._interpolation)


class TemporalResampling(SpeedChange):
    """Play the video at a speed that changes at random within it, so that actions get longer and shorter.

    The video is cut into pieces of ``piece`` frames, from a random phase on; each is played at a speed of its own,
    drawn as by :class:`SpeedChange`.

    Args:
        piece: frames of the network.
        slowest: lower end of the speed.
        fastest: upper end of the speed.
        interpolation: as of :class:`SpeedChange`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> video = Video("a", torch.arange(6.0)[None], torch.tensor([0, 0, 0, 1, 1, 1]))
        >>> TemporalResampling(piece=3, slowest=0.5, fastest=0.5)(video, np.random.default_rng(0)).labels
        tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    """

    def __init__(
        self, piece: int = 64, slowest: float = 0.7, fastest: float = 1.4, interpolation: Interpolation = "linear"
    ) -> None:
        super().__init__(slowest, fastest, interpolation)
        if piece < 1:
            raise ValueError(f"`piece` must be at least 1 frame, got {piece}")
        self._piece = piece

    def __call__(self, video: Video, rng: np.random.Generator) -> Video:  # noqa: D102
        num_frames = video.features.shape[1]
        cuts = np.arange(int(rng.integers(self._piece)) + 1, num_frames, self._piece)
        return self._played(video, np.diff(np.concatenate([[0], cuts, [num_frames]])), rng)


class Crop(Augmentation):
    """Train on a random window of the video, whose surroundings the network sees.

    Args:
        num_frames: length of the window in frames of the network; a video that is not longer stays as it is. Each
            place where the window lies within the video is equally likely.
        context: how many frames before and behind the window are kept, as far as the video has them. Their labels
            become :data:`~segtcn.structures.IGNORE`. With half the receptive field of the network it sees for each
            frame of the window what it would see in the whole video.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> video = Video("a", torch.arange(8.0)[None], torch.arange(8))
        >>> Crop(num_frames=3, context=1)(video, np.random.default_rng(0)).labels  # the context is seen and not counted
        tensor([-100,    5,    6,    7])
    """

    def __init__(self, num_frames: int, context: int = 0) -> None:
        if num_frames < 1 or context < 0:
            raise ValueError(
                f"`num_frames` must be at least 1 and `context` at least 0, got {num_frames} and {context}"
            )
        self._num_frames = num_frames
        self._context = context

    def __call__(self, video: Video, rng: np.random.Generator) -> Video:  # noqa: D102
        surplus = video.features.shape[1] - self._num_frames
        if surplus <= 0:
            return video
        start = int(rng.integers(surplus + 1))
        stop = start + self._num_frames
        window = slice(max(0, start - self._context), stop + self._context)
        if video.labels is None:
            return video._replace(features=video.features[:, window])
        labels = torch.full_like(video.labels, IGNORE)
        labels[start:stop] = video.labels[start:stop]
        return video._replace(features=video.features[:, window], labels=labels[window])

    def longest(self, num_frames: int) -> int:  # noqa: D102
        return min(num_frames, self._num_frames + 2 * self._context)


class FrameDropout(Augmentation):
    """Set the features of random stretches of the video to zero.

    The zeros are of the stored features: a task that standardises sees them as an unusual value, not as the mean.

    Args:
        p: share of the stretches.
        length: of a stretch in frames of the network, from a random phase on.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> video = Video("a", torch.ones(1, 8))
        >>> FrameDropout(p=0.5, length=2)(video, np.random.default_rng(0)).features
        tensor([[0., 0., 0., 0., 0., 1., 1., 1.]])
    """

    def __init__(self, p: float = 0.1, length: int = 1) -> None:
        self._p = _checked_share(p)
        if length < 1:
            raise ValueError(f"`length` must be at least 1 frame, got {length}")
        self._length = length

    def __call__(self, video: Video, rng: np.random.Generator) -> Video:  # noqa: D102
        num_frames = video.features.shape[1]
        stretches = (np.arange(num_frames) + int(rng.integers(self._length))) // self._length
        dropped = rng.random(int(stretches[-1]) + 1) < self._p
        return video._replace(features=video.features.masked_fill(torch.from_numpy(dropped[stretches]), 0.0))


class ChannelDropout(Augmentation):
    """Set random features to zero in all frames of the video; the others keep their values.

    Args:
        p: share of the features. See :class:`FrameDropout` for what zero means.

    Raises:
        ValueError: if ``p`` is out of range.

    Example:
        >>> video = Video("a", torch.ones(4, 2))
        >>> ChannelDropout(p=0.5)(video, np.random.default_rng(0)).features.T
        tensor([[1., 0., 0., 0.],
                [1., 0., 0., 0.]])
    """

    def __init__(self, p: float = 0.1) -> None:
        self._p = _checked_share(p)

    def __call__(self, video: Video, rng: np.random.Generator) -> Video:  # noqa: D102
        dropped = torch.from_numpy(rng.random(video.features.shape[0]) < self._p)
        return video._replace(features=video.features.masked_fill(dropped[:, None], 0.0))


class GaussianNoise(Augmentation):
    """Add white noise, relative to how much each feature varies within the video.

    Args:
        std: standard deviation of the noise in standard deviations of the feature. A feature that does not change gets
            none, nor does a video of one frame.

    Raises:
        ValueError: if ``std`` is negative.

    Example:
        >>> video = Video("a", torch.tensor([[0.0, 2.0], [5.0, 5.0]]))
        >>> GaussianNoise(std=0.1)(video, np.random.default_rng(0)).features[1]  # a constant feature gets no noise
        tensor([5., 5.])
    """

    def __init__(self, std: float = 0.1) -> None:
        if not 0 <= std < math.inf:
            raise ValueError(f"`std` must not be negative, got {std}")
        self._std = std

    def __call__(self, video: Video, rng: np.random.Generator) -> Video:  # noqa: D102
        features = video.features
        noise = torch.from_numpy(rng.standard_normal(tuple(features.shape), dtype=np.float32))
        scale = self._std * features.std(dim=1, correction=0, keepdim=True)
        return video._replace(features=torch.addcmul(features, noise, scale))


class AugmentedDataset(Dataset[Sample]):
    """Videos as training sees them.

    Args:
        dataset: the videos as they are; they stay so, also in its cache.
        augmentations: applied one after the other.
        seed: of all that is random.
    """

    def __init__(self, dataset: SegmentationDataset, augmentations: Sequence[Augmentation] = (), seed: int = 0) -> None:
        self.dataset = dataset
        self.augmentations = list(augmentations)
        self.seed = seed

    def __len__(self) -> int:
        """Number of videos."""
        return len(self.dataset)

    def lengths(self) -> list[int]:
        """Largest number of frames that each video can have."""
        lengths = self.dataset.lengths()
        for augmentation in self.augmentations:
            lengths = [augmentation.longest(length) for length in lengths]
        return lengths

    def __getitem__(self, draw: Draw | int) -> Sample:
        """Read one video and change it as the epoch wants it.

        Where an augmentation changes time or labels, there are no stored frames behind those that the network sees:
        protocols that score at the stored rate get the labels repeated, as the predictions are.

        Args:
            draw: index of the video, and the epoch; without one it is the first.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if the video is wrong, or an augmentation returned something else than a video.
        """
        index, epoch, counts = (draw, 0, True) if isinstance(draw, int) else draw
        sample = self.dataset[index]
        if not counts:
            sample = _without_labels(sample)
        video = sample.video
        rng = np.random.default_rng([self.seed, epoch, zlib.crc32(video.name.encode())])
        for augmentation in self.augmentations:
            video = _checked_video(augmentation(video, rng), augmentation)
        num_frames = video.features.shape[1]
        if video.labels is sample.video.labels and num_frames == sample.video.features.shape[1]:
            return sample._replace(video=video)
        rate = self.dataset.sample_rate
        stored_labels = None if video.labels is None else video.labels.repeat_interleave(rate)
        return Sample(video, num_frames * rate, stored_labels, sample.is_cached)


def _without_labels(sample: Sample) -> Sample:
    """The video with no frame that counts, and no name: nothing is written of it."""
    labels, targets, stored = sample.video.labels, sample.video.targets, sample.stored_labels
    return sample._replace(
        video=sample.video._replace(
            name="",
            labels=None if labels is None else torch.full_like(labels, IGNORE),
            targets=None if targets is None else torch.full_like(targets, torch.nan),
        ),
        stored_labels=None if stored is None else torch.full_like(stored, IGNORE),
    )


def _resample(video: Video, lengths: np.ndarray, speeds: np.ndarray, interpolation: Interpolation) -> Video:
    """The video with its pieces, of ``lengths`` frames, played at ``speeds``."""
    num_frames = video.features.shape[1]
    durations = lengths / speeds
    length = max(1, round(durations.sum()))
    if length == num_frames and np.ptp(speeds) == 0:  # every frame would stay in its place, but for rounding
        return video
    # one map of time for features and labels: a frame covers [t, t + 1) and stands for its centre t + 1/2
    ends, new_ends = np.cumsum(lengths), np.cumsum(durations) * (length / durations.sum())
    places = np.interp(np.arange(length) + 0.5, [0.0, *new_ends], [0.0, *ends]) - 0.5
    nearest = torch.from_numpy(np.floor(places + 0.5).astype(np.int64).clip(0, num_frames - 1))
    labels = None if video.labels is None else video.labels[nearest]
    if interpolation == "nearest":
        return video._replace(features=video.features[:, nearest], labels=labels)
    places = places.clip(0, num_frames - 1)
    before = np.minimum(places.astype(np.int64), max(num_frames - 2, 0))
    weights = torch.from_numpy((places - before).astype(np.float32))
    left, right = torch.from_numpy(before), torch.from_numpy(np.minimum(before + 1, num_frames - 1))
    return video._replace(
        features=torch.lerp(video.features[:, left], video.features[:, right], weights), labels=labels
    )


def _checked_video(video: Video, augmentation: Augmentation) -> Video:
    features, labels = video.features, video.labels
    if features.ndim != 2 or features.shape[1] == 0 or (labels is not None and labels.shape != features.shape[1:]):
        raise ValueError(
            f"{type(augmentation).__name__} must return features (D, T), T at least 1, and T labels, got "
            f"{tuple(features.shape)} and {None if labels is None else tuple(labels.shape)} for {video.name!r}"
        )
    return video


def _checked_share(p: float) -> float:
    if not 0 <= p <= 1:
        raise ValueError(f"`p` must be a share from 0 to 1, got {p}")
    return p
