"""Edit score: how alike the order of the segments is, whatever their lengths."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from segtcn.metrics.functional.ratios import Share, percent
from segtcn.metrics.functional.sequences import Background, FrameLabels, check_labels, is_foreground, scored_runs


def edit_score(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Tensor:
    """How alike the order of the segments is, whatever their lengths.

    ``100 * (1 - distance / length)`` with the Levenshtein distance between the sequences of segment labels and the
    length of the longer sequence; 100 if both are empty.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out of both sequences.

    Returns:
        Percent, ``()`` float32.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        The segments are 1, 2, 1 and 1, 2: one deletion in three.

        >>> edit_score([1, 1, 2, 2, 1], [1, 2, 2, 2, 2])
        tensor(66.6667)

    Reference:
        Lea et al., "Learning Convolutional Action Primitives for Fine-grained Action Recognition", ICRA 2016.
    """
    distance, length = edit_counts(preds, labels, background)
    return percent(length - distance, length)


def edit_counts(preds: FrameLabels, labels: FrameLabels, background: Background = None) -> Share:
    """Levenshtein distance between two sequences of segment labels, and the length of the longer one.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out of both sequences.

    Returns:
        The distance, out of the length, each ``()``.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        >>> edit_counts([1, 1, 2, 2, 1], [1, 2, 2, 2, 2])
        Share(hits=tensor(1), out_of=tensor(3))
    """
    sequences = []
    for frames in check_labels(preds, labels):
        segments = scored_runs(frames).values
        sequences.append(segments[is_foreground(segments, background)].tolist())
    return Share(torch.tensor(edit_distance(*sequences)), torch.tensor(max(map(len, sequences))))


def edit_distance(preds: Sequence[int], labels: Sequence[int]) -> int:
    """Levenshtein distance.

    Args:
        preds: predicted class of every segment.
        labels: true class of every segment.

    Returns:
        Fewest insertions, deletions and substitutions that make one of the other.

    Example:
        >>> edit_distance([1, 2, 1], [1, 2])
        1
    """
    distance: int = Levenshtein.distance(preds, labels)
    return distance
