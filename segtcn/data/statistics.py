"""What normalisation and losses need to know of the training videos, counted once."""

from __future__ import annotations

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
    frames_per_class, num_segments = torch.zeros(len(dataset.reader.class_names), dtype=torch.int64), 0
    for index in range(len(dataset)):
        labels = dataset[index].video.labels
        if labels is None:
            raise ValueError(f"no ground truth for {dataset.names[index]!r}: training needs it")
        frames_per_class += labels[labels != IGNORE].bincount(minlength=len(frames_per_class))
        num_segments += int((find_runs(labels).values != IGNORE).sum())
    return LabelStatistics(frames_per_class, num_segments)
