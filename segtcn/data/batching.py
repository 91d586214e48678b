"""From videos of different length to one padded batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from segtcn.data.dataset import Sample
from segtcn.structures import IGNORE, Batch


def collate(samples: Sequence[Sample]) -> Batch:
    """Pad videos at the end to the length of the longest.

    Args:
        samples: at least one; all of one feature width.

    Returns:
        The batch. Its ``labels`` are None as soon as one of the videos has none.

    Example:
        >>> from segtcn.structures import Video
        >>> long = Video("a", torch.ones(2, 3), torch.tensor([0, 1, 1]))
        >>> short = Video("b", torch.ones(2, 1), torch.tensor([1]))
        >>> batch = collate([Sample(long, num_frames=3), Sample(short, num_frames=1)])
        >>> batch.labels
        tensor([[   0,    1,    1],
                [   1, -100, -100]])
        >>> batch.mask.sum(dim=1), batch.names
        (tensor([3, 1]), ['a', 'b'])
    """
    videos = [sample.video for sample in samples]
    labels = [video.labels for video in videos if video.labels is not None]
    stored_labels = [sample.stored_labels for sample in samples if sample.stored_labels is not None]
    lengths = torch.tensor([video.features.shape[1] for video in videos])
    if len(samples) == 1 and not samples[0].is_cached:  # a copy would take several times as long as reading the file
        features = videos[0].features.contiguous()[None]
    else:
        features = _padded([video.features for video in videos])
    targets = [video.targets for video in videos if video.targets is not None]
    return Batch(
        features=features,
        labels=pad_sequence(labels, batch_first=True, padding_value=IGNORE) if len(labels) == len(videos) else None,
        mask=torch.arange(features.shape[2]) < lengths[:, None],
        names=[video.name for video in videos],
        num_frames=[sample.num_frames for sample in samples],
        stored_labels=stored_labels if len(stored_labels) == len(samples) else None,
        targets=_padded(targets, math.nan) if len(targets) == len(videos) else None,
    )


def _padded(features: Sequence[Tensor], fill: float = 0.0) -> Tensor:
    """Not `pad_sequence`: time is last, and it copies twice."""
    length = max(video.shape[1] for video in features)
    batch = features[0].new_empty(len(features), len(features[0]), length)
    for padded, video in zip(batch, features, strict=True):
        padded[:, : video.shape[1]] = video
        padded[:, video.shape[1] :] = fill
    return batch
