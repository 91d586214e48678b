"""Tracks on the frames of a clip: the rows of a panel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels import Labels
from segtcn.labels.track_classes import truth_title
from segtcn.structures import IGNORE, checked_rate, find_runs
from segtcn.video_io import TIMESTAMP_TOLERANCE_S, ClipInfo

COUNT_TOLERANCE = 0.02
"""Labels without a rate may be this much more or fewer than the clip's frames: extractors drop frames at the end."""

NO_LABEL = -1
"""Frames that no label covers; :data:`segtcn.structures.IGNORE` stands for those that nobody annotated."""


def label_numbers(
    labels: Labels, times_s: npt.NDArray[np.float64], info: ClipInfo, clip: str, fps: float | None = None
) -> npt.NDArray[np.int64]:
    """Find the label of every frame of a clip; a warning says where the lengths differ.

    Labels and frames meet in time: with a rate, the frame shown t seconds after the first has label
    ``floor(t * rate)``. The rate is the one that the labels say. Where they do not, there is one label for every frame
    if the number fits (up to 2 % more or fewer), or else ``fps`` is the rate. Frames beyond the last label have none.

    Args:
        labels: of the video.
        times_s: presentation time of every frame of the clip, ``(num_frames,)``, increasing.
        info: what the clip says about itself.
        clip: its name, for messages.
        fps: labels per second, as above.

    Returns:
        Number of the label of every frame, or :data:`NO_LABEL`, ``(num_frames,)``.

    Raises:
        ValueError: if ``fps`` is not positive, or the number of labels fits the clip at no known rate.
    """
    checked_rate(fps)
    num_labels, num_frames = len(labels), len(times_s)
    fits = abs(num_labels - num_frames) <= COUNT_TOLERANCE * num_frames
    rate = labels.fps or (None if fits else fps)
    if rate is not None:
        _compare_durations(labels, rate, info, clip)
        numbers = np.floor((times_s - times_s[0] + TIMESTAMP_TOLERANCE_S) * rate).astype(np.int64)
        return np.where(numbers < num_labels, numbers, NO_LABEL)
    if not fits:
        difference = f"{abs(num_labels - num_frames)} {'fewer' if num_frames < num_labels else 'more'}"
        raise ValueError(
            f"{labels.source} has {num_labels} labels, but {clip} has {num_frames} frames, {difference}: at the clip's "
            f"{float(info.fps):g} fps the labels last {num_labels / float(info.fps):.2f} s and the clip "
            f"{info.duration_s:.2f} s; give their rate as `fps`, for example {num_labels / info.duration_s:.3g} if "
            "they cover the whole clip"
        )
    if num_labels != num_frames:
        share = 100 * abs(num_labels - num_frames) / num_frames
        warnings.warn(
            f"{labels.source} has {num_labels} labels and {clip} {num_frames} frames, a difference of {share:.1f} "
            "%: label n is shown with frame n",
            stacklevel=2,
        )
    numbers = np.arange(num_frames)
    return np.where(numbers < num_labels, numbers, NO_LABEL)


def _compare_durations(labels: Labels, rate: float, info: ClipInfo, clip: str) -> None:
    seconds = len(labels) / rate
    # one label more or less is a matter of rounding
    if abs(seconds - info.duration_s) > max(COUNT_TOLERANCE * info.duration_s, 1.5 / rate):
        warnings.warn(
            f"{labels.source}: {len(labels)} labels at {rate:g} a second last {seconds:.2f} s, but {clip} lasts "
            f"{info.duration_s:.2f} s; if the rate is not {rate:g}, give the right `fps`",
            stacklevel=3,
        )


NOT_ANNOTATED = -2
"""Stands in ``PanelRow.shown`` for :data:`segtcn.structures.IGNORE`: last but one in a table of colours."""


class PanelRow(NamedTuple):
    """The labels of one track, frame by frame of the clip.

    Args:
        labels: of the track.
        numbers: number of the label of each frame, or :data:`~segtcn.visualization.overlay.panel_rows.NO_LABEL`,
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
        numbers: of the labels of each frame, see :func:`~segtcn.visualization.overlay.panel_rows.label_numbers`.
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
