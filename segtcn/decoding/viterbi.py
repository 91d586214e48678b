"""The most probable sequence of segments, given what segments are like: counted on training videos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from segtcn.decoding.smoothing import scores_of, with_indexes
from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE, find_runs


@dataclass(frozen=True, eq=False)
class SegmentPrior:
    """Transitions between classes and the duration of segments.

    Args:
        classes: what the indexes mean.
        transitions: probability that class ``j`` follows class ``i``, ``(C, C)``; zero on the diagonal.
        first: probability that a video starts with a class, ``(C,)``.
        mean_s: mean duration of the segments of each class, in seconds, ``(C,)``.
        deviation_s: standard deviation of the durations, in seconds, ``(C,)``.
    """

    classes: Classes
    transitions: npt.NDArray[np.float64]
    first: npt.NDArray[np.float64]
    mean_s: npt.NDArray[np.float64]
    deviation_s: npt.NDArray[np.float64]

    @classmethod
    def count(cls, videos: Iterable[Labels]) -> SegmentPrior:
        """Count on the true labels of training videos.

        One is added to every count of transitions and first classes, so that nothing is impossible. A class without
        a segment, or with one, gets the mean of all classes, or their relative deviation. Segments beside frames that
        nobody annotated are left out of the durations, and transitions across such frames are left out, too.

        Args:
            videos: with a rate, all of the same classes.

        Raises:
            ValueError: if there is no video, one has no rate, the classes differ, or there is no complete segment.

        Example:
            >>> prior = SegmentPrior.count([Labels.from_names(["cut"] * 4 + ["take"] * 2, fps=2)])
            >>> prior.mean_s.tolist(), prior.transitions[0].tolist()
            ([2.0, 1.0], [0.0, 1.0])
        """
        videos = [*videos]
        if not videos:
            raise ValueError("no training video to count segments on")
        classes = videos[0].classes
        num_classes = len(classes)
        transitions, first = np.ones((num_classes, num_classes)), np.ones(num_classes)
        durations: list[list[float]] = [[] for _ in range(num_classes)]
        for labels in videos:
            if labels.classes.names != classes.names:
                raise ValueError(f"{labels.source} has other classes than {videos[0].source}")
            if labels.fps is None:
                raise ValueError(f"{labels.source}: durations are seconds, but the rate of the labels is not known")
            values = labels.runs().values.tolist()
            if values[0] != IGNORE:
                first[values[0]] += 1
            for before, after in pairwise(values):
                if IGNORE not in (before, after):
                    transitions[before, after] += 1
            padded = [0, *values, 0]
            for place, segment in enumerate(labels.segments(), 1):
                if IGNORE not in padded[place - 1 : place + 2]:
                    durations[segment.label].append((segment.stop - segment.start) / labels.fps)
        np.fill_diagonal(transitions, 0)
        mean_s, deviation_s = _moments(durations)
        transitions /= np.maximum(transitions.sum(1, keepdims=True), 1)  # a single class has no transition
        return cls(classes, transitions, first / first.sum(), mean_s, deviation_s)

    def log_durations(self, num_frames: int, fps: float) -> npt.NDArray[np.float64]:
        """Log probability that a segment of each class has each length.

        It is negative binomial or, where the deviation is smaller than that of a Poisson distribution, Poisson.

        Args:
            num_frames: the longest, in frames.
            fps: labels per second.

        Returns:
            ``(num_frames + 1, C)``; row n belongs to a length of n frames.
        """
        lengths = np.arange(1, num_frames + 1)[:, None]
        mean = np.maximum(self.mean_s * fps, 1e-3)
        excess = (self.deviation_s * fps) ** 2 - mean
        is_wide = excess > 1e-9
        excess = np.where(is_wide, excess, 1)
        size = mean**2 / excess
        # P(n) / P(n - 1); SciPy's functions take ten times as long
        ratios = np.where(is_wide, (lengths - 1 + size) * (excess / (mean + excess)), mean) / lengths
        logs = np.empty((num_frames + 1, len(mean)))
        logs[0] = np.where(is_wide, -size * np.log1p(excess / mean), -mean)
        logs[1:] = logs[0] + np.log(ratios).cumsum(0)
        return np.maximum(logs, -1e4)

    def record(self) -> dict[str, Any]:
        """As JSON can hold it, the way back is :meth:`from_record`."""
        arrays = {name: getattr(self, name).tolist() for name in ("transitions", "first", "mean_s", "deviation_s")}
        return {"classes": asdict(self.classes), **arrays}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> SegmentPrior:
        """From what :meth:`record` returned."""
        classes = Classes(tuple(record["classes"]["names"]), record["classes"]["background"])
        names = ("transitions", "first", "mean_s", "deviation_s")
        return cls(classes, *(np.array(record[name], np.float64) for name in names))


def _moments(durations: list[list[float]]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and standard deviation of each class."""
    pooled = [duration for of_class in durations for duration in of_class]
    if not pooled:
        raise ValueError(
            "no complete segment to count durations on: every segment lies beside frames that nobody annotated; count "
            "on other videos, or take a decoder without durations, such as `median`"
        )
    mean = np.array([np.mean(of_class or pooled) for of_class in durations])
    relative = np.std(pooled) / np.mean(pooled)
    deviation = [
        np.std(of_class, ddof=1) if len(of_class) > 1 else relative * m
        for of_class, m in zip(durations, mean, strict=True)
    ]
    return mean, np.array(deviation)


def viterbi(labels: Labels, prior: SegmentPrior, weight: float = 1.0) -> Labels:
    r"""Maximise the probability of frames, transitions and durations over all segmentations.

    .. math:: \sum_t \log p_{y_t, t} + w \sum_n \log P(c_n \mid c_{n-1}) + w \sum_n \log P(\ell_n \mid c_n)

    over segments n of class c and length l. Segments may start where the most probable class of a frame changes, and
    only classes that are most probable somewhere are used. The time grows with the square of the number of such
    places.

    Args:
        labels: with scores and a rate, ``(T,)``.
        prior: counted on training videos.
        weight: ``w``, of transitions and durations; 0 changes nothing.

    Raises:
        ValueError: if there are no scores or no rate, the classes differ, or ``weight`` is negative.

    Example:
        >>> prior = SegmentPrior.count([Labels.from_names(["cut"] * 4 + ["take"] * 4, fps=1)])
        >>> scores = np.array([[0.9, 0.9, 0.4, 0.9, 0.2, 0.1], [0.1, 0.1, 0.6, 0.1, 0.8, 0.9]], np.float32)
        >>> labels = Labels(scores.argmax(0), prior.classes, fps=1, scores=scores)
        >>> viterbi(labels, prior).indexes.tolist()
        [0, 0, 0, 0, 1, 1]
    """
    scores = scores_of(labels, "Viterbi")
    if labels.fps is None:
        raise ValueError(f"{labels.source}: durations are seconds, but the rate of the labels is not known")
    if labels.classes.names != prior.classes.names:
        raise ValueError(f"{labels.source} has other classes than the videos that transitions were counted on")
    if weight < 0:
        raise ValueError(f"`weight` must be 0 or more, got {weight}")
    top = scores.argmax(0)
    used = np.unique(top)
    if len(used) == 1 or not weight:
        return with_indexes(labels, top)
    bounds = np.append(find_runs(top).starts, len(top))
    durations = prior.log_durations(len(top), labels.fps)[:, used]
    with np.errstate(divide="ignore"):
        transitions = np.log(prior.transitions[np.ix_(used, used)])
    evidence = np.log(np.maximum(scores[used], 1e-8, dtype=np.float64))
    total = np.zeros((len(top) + 1, len(used)))
    np.cumsum(evidence.T, axis=0, out=total[1:])
    path = _best_path(
        bounds, total[bounds], weight * durations, weight * transitions, weight * np.log(prior.first[used])
    )
    indexes = np.empty(len(top), np.int64)
    for start, stop, place in path:
        indexes[start:stop] = used[place]
    return with_indexes(labels, indexes)


def _best_path(
    bounds: npt.NDArray[np.int64],
    total: npt.NDArray[np.float64],
    durations: npt.NDArray[np.float64],
    transitions: npt.NDArray[np.float64],
    first: npt.NDArray[np.float64],
) -> list[tuple[int, int, int]]:
    """Segments of the best path, as ``(start, stop, class)``, last first.

    ``entered[c, i]`` is the best that can be had before bound i if class c starts there, less the evidence for c so
    far; what a segment from i to j is worth is then one sum for all i and c.
    """
    num_bounds, num_classes = total.shape
    of_class = np.arange(num_classes)
    durations = np.ascontiguousarray(durations.T)  # the maximum over the last axis is several times faster
    entered = np.empty((num_classes, num_bounds))
    came_from = np.zeros((num_bounds, num_classes), np.int64)  # class before, if c starts at bound i
    started = np.zeros((num_bounds, num_classes), np.int64)  # bound at which c started, if it stops at bound j
    entered[:, 0] = first
    for stop in range(1, num_bounds):
        worth = durations.take(bounds[stop] - bounds[:stop], axis=1)
        worth += entered[:, :stop]
        started[stop] = worth.argmax(1)
        best = worth[of_class, started[stop]] + total[stop]
        change = best[:, None] + transitions
        came_from[stop] = change.argmax(0)
        entered[:, stop] = change[came_from[stop], of_class] - total[stop]
    path = []
    place, stop = int(best.argmax()), num_bounds - 1
    while stop:
        start = int(started[stop, place])
        path.append((int(bounds[start]), int(bounds[stop]), place))
        place, stop = int(came_from[start, place]), start
    return path
