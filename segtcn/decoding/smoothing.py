"""Decoders that smooth: scores over time, labels that hold on, and no segment shorter than actions are."""

from __future__ import annotations

import heapq
import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from segtcn.labels import Labels
from segtcn.structures import IGNORE, Segment


def scores_of(labels: Labels, decoder: str) -> npt.NDArray[np.float32]:
    """The probability of every class, ``(C, T)``.

    Args:
        labels: of one video.
        decoder: who asks, for the message.

    Raises:
        ValueError: if the labels have no scores.
    """
    if labels.scores is None:
        raise ValueError(
            f"{labels.source}: {decoder} needs the probability of every class, but there are only labels: give the "
            ".npz file of the prediction"
        )
    return labels.scores


def with_indexes(labels: Labels, indexes: npt.NDArray[np.integer]) -> Labels:
    """The same video with other labels; frames that nobody annotated stay so."""
    annotated: npt.NDArray[np.int64] = np.where(labels.indexes == IGNORE, IGNORE, indexes).astype(np.int64)
    return replace(labels, indexes=annotated, confidence=None)


def median_of_scores(labels: Labels, window_s: float) -> Labels:
    r"""The class with the highest median probability around each frame.

    .. math:: \hat{y}_t = \arg\max_c \operatorname{median}_{|u - t| \le w} p_{c,u}

    The scores of the result are those of the network. At the ends of the video the first and last frame are repeated.

    Args:
        labels: with scores and a rate, ``(T,)``.
        window_s: length of the window, in seconds; ``w`` is half of it, rounded to frames.

    Raises:
        ValueError: if there are no scores or no rate, or ``window_s`` is negative or not finite.

    Example:
        >>> from segtcn.labels import Classes
        >>> scores = np.array([[0.9, 0.8, 0.4, 0.9], [0.1, 0.2, 0.6, 0.1]], np.float32)
        >>> labels = Labels([0, 0, 1, 0], Classes(("take", "pour")), fps=1, scores=scores)
        >>> median_of_scores(labels, window_s=2).indexes.tolist()
        [0, 0, 0, 0]
    """
    from scipy.ndimage import maximum_filter1d, median_filter  # a tenth of a second

    reach = min(half_window(window_s, labels.fps, labels.source), len(labels))
    scores = scores_of(labels, "the median")
    top = scores.argmax(0)
    indexes = top.copy()
    best = np.full(len(top), -1, np.float32)
    for index in np.unique(top):
        smooth = median_filter(scores[index], 2 * reach + 1, mode="nearest")
        near = maximum_filter1d((top == index).view(np.uint8), 2 * reach + 1, mode="nearest")
        better = (near > 0) & (smooth > best)
        indexes[better], best[better] = index, smooth[better]
    return with_indexes(labels, indexes)


def half_window(window_s: float, fps: float | None, source: str = "the stream") -> int:
    """Half of a window in frames.

    Args:
        window_s: the window, in seconds.
        fps: labels per second.
        source: of the labels, for messages.

    Raises:
        ValueError: if the rate is None, or ``window_s`` is negative or not finite.
    """
    if not 0 <= window_s < math.inf:
        raise ValueError(f"`window_s` must be a number of seconds, 0 or more, got {window_s}")
    if fps is None:
        raise ValueError(f"{source}: `window_s` counts seconds, but the rate of the labels is not known")
    return round(window_s * fps / 2)


def hysteresis(labels: Labels, margin: float) -> Labels:
    """A label holds on until another class is more probable by a margin; no future frame is needed.

    Args:
        labels: with scores, ``(T,)``.
        margin: difference of probabilities from 0, which changes nothing, up to 1.

    Raises:
        ValueError: if there are no scores, or ``margin`` is not between 0 and 1.

    Example:
        >>> from segtcn.labels import Classes
        >>> scores = np.array([[0.9, 0.4, 0.3, 0.1], [0.1, 0.6, 0.7, 0.9]], np.float32)
        >>> labels = Labels([0, 1, 1, 1], Classes(("take", "pour")), scores=scores)
        >>> hysteresis(labels, margin=0.3).indexes.tolist()
        [0, 0, 1, 1]
    """
    return with_indexes(labels, HysteresisStream(margin).push(scores_of(labels, "hysteresis")))


class HysteresisStream:
    """:func:`hysteresis` on scores that arrive while a video runs, without delay.

    Args:
        margin: see :func:`hysteresis`.

    Raises:
        ValueError: if ``margin`` is not between 0 and 1.

    Example:
        >>> stream = HysteresisStream(margin=0.3)
        >>> stream.push(np.array([[0.9], [0.1]])).tolist(), stream.push(np.array([[0.4], [0.6]])).tolist()
        ([0], [0])
    """

    def __init__(self, margin: float) -> None:
        if not 0 <= margin <= 1:
            raise ValueError(f"`margin` must be a difference of probabilities, 0 to 1, got {margin}")
        self._margin = margin
        self._label: int | None = None
        self.delay = 0

    def push(self, scores: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
        """Labels of the next frames.

        Args:
            scores: probabilities, ``(C, n)``.

        Returns:
            Class indexes, ``(n,)``.
        """
        best = scores.argmax(0).tolist()
        columns = scores.T.tolist()
        label = self._label
        labels = []
        for top, column in zip(best, columns, strict=True):
            # the first comparison holds `margin=0` to the highest score
            if label is None or (top != label and column[top] - column[label] >= self._margin):
                label = top
            labels.append(label)
        self._label = label
        return np.array(labels, np.int64)

    def finish(self) -> npt.NDArray[np.int64]:
        """No frame waits for the end of the video."""
        return np.zeros(0, np.int64)


class MedianStream:
    """:func:`median_of_scores` on scores that arrive while a video runs, late by half of the window.

    Args:
        reach: half of the window in frames, which is the delay.

    Example:
        >>> stream = MedianStream(reach=1)
        >>> stream.push(np.array([[0.9, 0.8, 0.4], [0.1, 0.2, 0.6]])).tolist(), stream.finish().tolist()
        ([0, 0], [1])
    """

    def __init__(self, reach: int) -> None:
        if reach < 0:
            raise ValueError(f"`reach` must be a number of frames, 0 or more, got {reach}")
        self._reach = self.delay = reach
        self._waiting: npt.NDArray[np.floating] | None = None  # (C, up to 2 * reach), from before the next label

    def push(self, scores: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
        """Labels of the frames whose window is complete.

        Args:
            scores: probabilities of the next frames, ``(C, n)``.

        Returns:
            Class indexes of as many frames as are ready, ``(m,)``.
        """
        if not scores.shape[1]:
            return np.zeros(0, np.int64)
        past = np.repeat(scores[:, :1], self._reach, 1) if self._waiting is None else self._waiting
        known = np.concatenate([past, scores], 1)
        ready = max(0, known.shape[1] - 2 * self._reach)
        self._waiting = known[:, ready:]
        if not ready:
            return np.zeros(0, np.int64)
        size = 2 * self._reach + 1
        medians = np.median(np.lib.stride_tricks.sliding_window_view(known, size, axis=1), axis=-1)
        is_top = known.argmax(0) == np.arange(len(known))[:, None]
        is_near = np.lib.stride_tricks.sliding_window_view(is_top, size, axis=1).any(-1)
        return np.where(is_near, medians, -1).argmax(0)

    def finish(self) -> npt.NDArray[np.int64]:
        """Labels of the frames that wait for the end of the video."""
        if self._waiting is None:
            return np.zeros(0, np.int64)
        return self.push(np.repeat(self._waiting[:, -1:], self._reach, 1))


def without_short_segments(labels: Labels, min_duration_s: float) -> Labels:
    """Give every segment that is too short to one of its neighbours, the shortest segment first.

    The neighbour whose class has the higher mean score in the frames of the segment gets them; without scores the
    longer neighbour does. Of equal neighbours, the earlier one gets them, and of equally short segments the earliest
    is first. Frames that nobody annotated stay as they are, and neither give nor take.

    Args:
        labels: of one video, ``(T,)``, with a rate.
        min_duration_s: the shortest segment to keep, in seconds.

    Returns:
        Labels of the same frames, scores and classes. No segment is shorter, unless nothing but it is left between
        ignored frames and the ends of the video.

    Raises:
        ValueError: if ``min_duration_s`` is negative or not finite, or the labels have no rate.

    Example:
        >>> labels = Labels.from_names(["cut", "cut", "take", "cut", "pour", "pour"], fps=2)
        >>> without_short_segments(labels, min_duration_s=1).names()
        ['cut', 'cut', 'cut', 'cut', 'pour', 'pour']
    """
    if not 0 <= min_duration_s < math.inf:
        raise ValueError(f"`min_duration_s` must be a number of seconds, 0 or more, got {min_duration_s}")
    if labels.fps is None:
        raise ValueError(f"{labels.source}: `min_duration_s` counts seconds, but the rate of the labels is not known")
    shortest = math.ceil(min_duration_s * labels.fps - 1e-6)  # frames; 0.1 s at 30 a second is 3, not 4
    segments = {segment.start: segment for segment in labels.segments()}
    starts = {segment.stop: segment.start for segment in segments.values()}  # by where a segment stops
    queue = [
        (s.stop - s.start, s.start) for s in segments.values() if s.label != IGNORE and s.stop - s.start < shortest
    ]
    heapq.heapify(queue)
    while queue:
        length, start = heapq.heappop(queue)
        segment = segments.get(start)
        if segment is None or segment.stop - start != length:
            continue  # it has got other frames since
        before, after = segments.get(starts.get(start, -1)), segments.get(segment.stop)
        neighbours = [s for s in (before, after) if s is not None and s.label != IGNORE]
        if not neighbours:
            continue
        label = max(neighbours, key=lambda neighbour: _claim(neighbour, segment, labels)).label
        parts = [segment, *(s for s in neighbours if s.label == label)]
        merged = Segment(min(s.start for s in parts), max(s.stop for s in parts), label)
        for part in parts:
            del segments[part.start], starts[part.stop]
        segments[merged.start], starts[merged.stop] = merged, merged.start
        if merged.stop - merged.start < shortest:
            heapq.heappush(queue, (merged.stop - merged.start, merged.start))
    indexes = np.empty(len(labels), np.int64)
    for start, stop, label in segments.values():
        indexes[start:stop] = label
    return replace(labels, indexes=indexes, confidence=None)


def _claim(neighbour: Segment, segment: Segment, labels: Labels) -> float:
    """How much speaks for giving a segment to a neighbour."""
    if labels.scores is None:
        return neighbour.stop - neighbour.start
    return float(labels.scores[neighbour.label, segment.start : segment.stop].mean(dtype=np.float64))
