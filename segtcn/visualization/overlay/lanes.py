"""What the tracks of a clip say about each of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.visualization.tracks import NO_LABEL, Alignment, Classes, Track


class Lane(NamedTuple):
    """One track, frame by frame of the clip.

    Args:
        title: of the track.
        is_truth: whether it is the truth.
        labels: class index, or :data:`NO_LABEL`, ``(num_frames,)``.
        until_s: when the current segment ends, in seconds from the first frame, ``(num_frames,)``.
        confidence: of the label, not a number where there is none, ``(num_frames,)``; None where the file has none.
        scores: probability of every class, ``(C, num_labels)`` with the place of every class in it; or None.
        numbers: number of the label, ``(num_frames,)``; for ``scores``.
        differs: whether the label is not the true one, ``(num_frames,)``; None where nothing is known to differ from.
    """

    title: str
    is_truth: bool
    labels: npt.NDArray[np.int64]
    until_s: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float32] | None
    scores: tuple[npt.NDArray[np.float32], list[int]] | None
    numbers: npt.NDArray[np.int64]
    differs: npt.NDArray[np.bool_] | None

    def best(self, number: int, count: int) -> list[tuple[int, float]]:
        """The most probable classes of a frame with their scores, the highest first."""
        if self.scores is None or self.numbers[number] == NO_LABEL:
            return []
        values, classes = self.scores
        column = values[:, self.numbers[number]]
        return [(classes[place], float(column[place])) for place in np.argsort(-column, kind="stable")[:count]]


def make_lanes(
    tracks: Sequence[Track],
    alignments: Sequence[Alignment],
    classes: Classes,
    times_s: npt.NDArray[np.float64],
    duration_s: float,
) -> list[Lane]:
    """Put tracks in frames of the clip.

    Predictions are compared with the truth; without one, all of several predictions with each other, which the last
    lane shows.

    Args:
        tracks: of one clip.
        alignments: of every track.
        classes: of all tracks.
        times_s: of every frame, from the first, ``(num_frames,)``.
        duration_s: of the clip.
    """
    labels = []
    for track, alignment in zip(tracks, alignments, strict=True):
        index = np.append(classes.indexes(track), NO_LABEL)  # NO_LABEL, -1, finds the last
        labels.append(index[alignment.numbers])
    truth = next((own for track, own in zip(tracks, labels, strict=True) if track.is_truth), None)
    return [
        _lane(track, alignment.numbers, own, _differs(labels, place, truth), classes, times_s, duration_s)
        for place, (track, alignment, own) in enumerate(zip(tracks, alignments, labels, strict=True))
    ]


def _differs(
    labels: list[npt.NDArray[np.int64]], place: int, truth: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.bool_] | None:
    own = labels[place]
    if truth is not None:
        # where there is no truth, nothing is wrong
        return None if own is truth else (own != truth) & (truth != NO_LABEL)
    if place == 0 or place < len(labels) - 1:
        return None
    return np.any([other != own for other in labels[:-1]], axis=0)


def _lane(
    track: Track,
    numbers: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    differs: npt.NDArray[np.bool_] | None,
    classes: Classes,
    times_s: npt.NDArray[np.float64],
    duration_s: float,
) -> Lane:
    last = np.append(np.flatnonzero(np.diff(labels)), len(labels) - 1)
    ends_s = np.append(times_s[last[:-1] + 1], max(duration_s, times_s[-1]))
    until_s = np.repeat(ends_s, np.diff(last, prepend=-1))
    confidence = scores = None
    if track.labels.confidence is not None:
        confidence = np.append(np.array(track.labels.confidence, np.float32), np.float32(np.nan))[numbers]
    if track.labels.scores is not None:
        index = {name: label for label, name in enumerate(classes.names)}
        scores = (track.labels.scores.values, [index[name] for name in track.labels.scores.class_names])
    return Lane(track.title, track.is_truth, labels, until_s, confidence, scores, numbers, differs)
