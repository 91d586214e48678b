"""What normalisation and losses need to know of the training videos, counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from segtcn.data.dataset import SegmentationDataset
from segtcn.structures import IGNORE, find_runs


class LabelStatistics(NamedTuple):
    """What the labels of a subset consist of, at the rate that the network sees.

    Args:
        frames_per_class: number of frames of each class, ``(C,)`` int64.
        num_segments: number of segments, in all videos together.
    """

    frames_per_class: Tensor
    num_segments: int


def count_features(dataset: SegmentationDataset) -> tuple[Tensor, Tensor]:
    """Mean and deviation of every feature in one pass, in double precision: videos are merged one after the other.

    Args:
        dataset: the training videos.

    Returns:
        Both ``(D,)`` float32; the deviation of a constant feature is 1.
    """
    dim = dataset.reader.feature_dim
    count, mean, squares = 0, torch.zeros(dim, dtype=torch.float64), torch.zeros(dim, dtype=torch.float64)
    for index in range(len(dataset)):
        frames = dataset[index].video.features.double()
        num = frames.shape[1]
        video_mean = frames.mean(dim=1)
        shift = video_mean - mean
        squares += (frames - video_mean[:, None]).square().sum(dim=1) + shift.square() * (count * num / (count + num))
        mean += shift * (num / (count + num))
        count += num
    std = (squares / count).sqrt().float()
    # exactly 0 for a constant feature: sums of equal single-precision values have no rounding in double precision
    return mean.float(), std.masked_fill(std == 0, 1.0)


def count_labels(dataset: SegmentationDataset) -> LabelStatistics:
    """Frames of each class and number of segments; ignored frames are left out.

    Args:
        dataset: with ground truth.

    Raises:
        ValueError: if a video has no ground truth.
    """
    videos = [*_labels(dataset)]
    num_segments = sum(int((find_runs(labels).values != IGNORE).sum()) for labels in videos)
    return LabelStatistics(_frames_per_class(videos, dataset).sum(dim=0), num_segments)


def draw_weights(dataset: SegmentationDataset, power: float) -> list[float]:
    """How likely each video is to be drawn, so that those with rare classes are drawn more often.

    Args:
        dataset: with ground truth.
        power: of the mean rarity of a video's frames; the rarity of a class is one over its share of all frames.

    Returns:
        For each video, its probability.
    """
    counts = _frames_per_class(_labels(dataset), dataset).double()
    rarity = counts.sum() / counts.sum(dim=0).clamp(min=1)
    weights = ((counts @ rarity) / counts.sum(dim=1).clamp(min=1)).pow(power)
    return (weights / weights.sum()).tolist()


def _frames_per_class(videos: Iterable[Tensor], dataset: SegmentationDataset) -> Tensor:
    """Annotated frames of each video, ``(N, C)`` int64."""
    num_classes = len(dataset.reader.class_names)
    return torch.stack([labels[labels != IGNORE].bincount(minlength=num_classes) for labels in videos])


def _labels(dataset: SegmentationDataset) -> Iterator[Tensor]:
    for index, name in enumerate(dataset.names):
        labels = dataset[index].video.labels
        if labels is None:
            raise ValueError(f"no ground truth for {name!r}: training needs it")
        yield labels
