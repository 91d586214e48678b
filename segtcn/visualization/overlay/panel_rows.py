"""Tracks on the frames of a clip: the rows of a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels import Labels
from segtcn.labels.track_classes import truth_title
from segtcn.structures import IGNORE, find_runs
from segtcn.visualization.alignment import NO_LABEL

NOT_ANNOTATED = -2
"""Stands in ``PanelRow.shown`` for :data:`segtcn.structures.IGNORE`: last but one in a table of colours."""


class PanelRow(NamedTuple):
    """The labels of one track, frame by frame of the clip.

    Args:
        labels: of the track.
        numbers: number of the label of each frame, or :data:`~segtcn.visualization.alignment.NO_LABEL`,
            ``(num_frames,)``.
        shown: class index of each frame, ``NO_LABEL`` or :data:`NOT_ANNOTATED`, ``(num_frames,)``.
        until_s: when the segment of each frame ends, in seconds from the first frame, ``(num_frames,)``.
        differs: whether the label is not the true one, ``(num_frames,)``; None where nothing is known to differ from.
    """

    labels: Labels
    numbers: npt.NDArray[np.int64]
    shown: npt.NDArray[np.int64]
    until_s: npt.NDArray[np.float64]
    differs: npt.NDArray[np.bool_] | None

    def confidence(self, frame: int) -> float:
        """Probability of the label of a frame; not a number where it is not known."""
        number = self.numbers[frame]
        values = self.labels.confidence
        return float("nan") if values is None or number == NO_LABEL else float(values[number])

    def best(self, frame: int, count: int) -> list[tuple[int, float]]:
        """The most probable classes of a frame with their scores, the highest first; none that has no score."""
        number = self.numbers[frame]
        if self.labels.scores is None or number == NO_LABEL:
            return []
        column = self.labels.scores[:, number]
        best = np.argsort(-column, kind="stable")[:count].tolist()
        return [(label, float(column[label])) for label in best if column[label] > 0]


def make_rows(
    tracks: Mapping[str, Labels],
    numbers: Mapping[str, npt.NDArray[np.int64]],
    times_s: npt.NDArray[np.float64],
    duration_s: float,
) -> dict[str, PanelRow]:
    """Put tracks on the frames of a clip.

    Predictions are compared with the track titled ``truth``; without one, all of several predictions with each other,
    which the last row shows. Frames that nobody annotated differ from nothing.

    Args:
        tracks: of one clip, by their titles, all of the same classes.
        numbers: of the labels of each frame, see :func:`~segtcn.visualization.alignment.label_numbers`.
        times_s: of every frame, from the first, ``(num_frames,)``.
        duration_s: of the clip.
    """
    shown = {title: _shown(labels, numbers[title]) for title, labels in tracks.items()}
    rows = {}
    for title, labels in tracks.items():
        runs = find_runs(shown[title])
        ends_s = np.append(times_s[runs.starts[1:]], max(duration_s, times_s[-1]))
        until_s = np.repeat(ends_s, runs.stops - runs.starts)
        rows[title] = PanelRow(labels, numbers[title], shown[title], until_s, _differs(shown, title))
    return rows


def _shown(labels: Labels, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    indexes = np.append(labels.indexes, NO_LABEL)[numbers]  # NO_LABEL, -1, finds the last
    indexes[indexes == IGNORE] = NOT_ANNOTATED
    return indexes


def _differs(shown: Mapping[str, npt.NDArray[np.int64]], title: str) -> npt.NDArray[np.bool_] | None:
    labels = shown[title]
    truth = truth_title(title, shown)
    if title == truth:
        return None
    if truth is not None:
        # where there is no truth, nothing is wrong
        return (labels != shown[truth]) & (shown[truth] >= 0) & (labels != NOT_ANNOTATED)
    *others, last = shown
    if title != last or not others:
        return None
    annotated = labels != NOT_ANNOTATED
    return np.any([(shown[other] != labels) & (shown[other] != NOT_ANNOTATED) & annotated for other in others], axis=0)
