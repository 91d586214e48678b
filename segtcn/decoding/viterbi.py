"""The most probable sequence of segments, given what segments are like."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segtcn.decoding.segment_prior import SegmentPrior
from segtcn.decoding.smoothing import scores_of, with_indexes
from segtcn.labels import Labels
from segtcn.structures import find_runs


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
