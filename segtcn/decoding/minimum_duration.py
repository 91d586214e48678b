"""No segment shorter than actions are: short ones go to a neighbour."""

from __future__ import annotations

import heapq
import math
from dataclasses import replace

import numpy as np

from segtcn.labels import Labels
from segtcn.structures import IGNORE, Segment


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
