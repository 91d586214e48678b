"""Edit score: how alike the order of the segments is, whatever their lengths."""

from __future__ import annotations

from typing import NamedTuple

import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from segtcn.metrics.functional.labels import Background, Labels, Runs, check_labels, is_foreground, percent, to_runs


class EditCounts(NamedTuple):
    """What the edit score is made of.

    Args:
        distance: insertions, deletions and substitutions between the two segment sequences, ``()`` int64.
        length: segments of the longer of the two, ``()`` int64.
    """

    distance: Tensor
    length: Tensor


def edit_score(preds: Labels, labels: Labels, background: Background = None) -> Tensor:
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


def edit_counts(preds: Labels, labels: Labels, background: Background = None) -> EditCounts:
    """Levenshtein distance between two sequences of segment labels, and the length of the longer one.

    Args:
        preds: predicted class of every frame, ``(T,)``.
        labels: true class of every frame, ``(T,)``.
        background: segments of these classes are left out of both sequences.

    Returns:
        The counts, each ``()``.

    Raises:
        ValueError: as :func:`~segtcn.metrics.functional.frame_accuracy`.

    Example:
        >>> edit_counts([1, 1, 2, 2, 1], [1, 2, 2, 2, 2])
        EditCounts(distance=tensor(1), length=tensor(3))
    """
    pred_frames, true_frames = check_labels(preds, labels)
    distance, length = edit_distance(to_runs(pred_frames), to_runs(true_frames), background)
    return EditCounts(torch.tensor(distance), torch.tensor(length))


def edit_distance(pred: Runs, true: Runs, background: Background = None) -> tuple[int, int]:
    """:func:`edit_counts` of runs.

    Args:
        pred: predicted runs.
        true: true runs.
        background: runs of these classes are left out of both sequences.

    Returns:
        The distance and the length of the longer sequence.

    Example:
        >>> import numpy as np
        >>> edit_distance(to_runs(np.array([1, 1, 2])), to_runs(np.array([1, 3, 3])))
        (1, 2)
    """
    pred_sequence, true_sequence = (
        runs.labels[is_foreground(runs.labels, background)].tolist() for runs in (pred, true)
    )
    return Levenshtein.distance(pred_sequence, true_sequence), max(len(pred_sequence), len(true_sequence))
