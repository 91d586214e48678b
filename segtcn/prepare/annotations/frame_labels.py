"""From annotations in seconds to one label a frame, with everything that had to be decided on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from itertools import groupby, islice, pairwise
from typing import Literal, NamedTuple

from segtcn.labels.classes import IGNORE_NAME
from segtcn.labels.labels import Labels
from segtcn.options import LabelRules
from segtcn.prepare.annotations.intervals import Interval
from segtcn.structures import checked_rate

Kind = Literal["gap", "closed gap", "overlap", "outside", "short", "point"]


class Finding(NamedTuple):
    """Something about a video's annotations that a rule had to decide.

    Args:
        kind: ``gap`` (frames without annotation), ``closed gap`` (short enough to take a neighbour's label)
            or ``overlap`` (frames with different labels). ``outside`` (annotated time before or after the video),
            ``short`` (no frame's middle is in the annotation), or ``point`` (an event without length).
        start_s: where it begins, in seconds.
        stop_s: where it ends.
        num_frames: how many frames it concerns; of ``outside`` how many the video does not have.
        text: labels, and what was done.
    """

    kind: Kind
    start_s: float
    stop_s: float
    num_frames: int
    text: str


class FrameLabels(NamedTuple):
    """The labels of one video, and what was decided on the way.

    Args:
        labels: of every frame.
        findings: in the order of time.
    """

    labels: Labels
    findings: list[Finding]


class _Span(NamedTuple):
    start: int
    stop: int
    rank: int  # the higher wins
    label: str


def frame_labels(
    intervals: Sequence[Interval],
    num_frames: int,
    fps: float,
    rules: LabelRules | None = None,
    source: str = "annotations",
) -> FrameLabels:
    """Give every frame a label.

    Rules:

    - Frame t lasts from ``t / fps`` to ``(t + 1) / fps``. It belongs to the annotation that contains its **middle**,
      ``start_s <= (t + 0.5) / fps < stop_s``: rounding of the times by less than half a frame changes nothing.
    - **Overlap**: the annotation that starts later wins; of two that start together the shorter, else the later in the
      list.
    - **Gap**: frames without annotation take the label that ``gaps`` says, usually ``background``; in gaps of at most
      ``close_gaps_s`` they take that of the annotation before (at the beginning: after).
    - Time **outside** of the video is cut off. An annotation **shorter** than a frame may contain no middle; then it
      has no frame. A **point** event has none either, unless ``points``: then it takes the frame in which it lies.

    Args:
        intervals: in any order.
        num_frames: frames of the video.
        fps: frames per second.
        rules: ``background``, ``points``, ``close_gaps_s`` and ``gaps``.
        source: the file, for messages.

    Returns:
        One label a frame, and all overlaps, gaps and so on.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> labels, findings = frame_labels([Interval(0.1, 0.4, "cut"), Interval(0.3, 0.5, "pour")], 6, fps=10)
        >>> labels.names()
        ['background', 'cut', 'cut', 'pour', 'pour', 'background']
        >>> findings[1]
        Finding(kind='overlap', start_s=0.3, stop_s=0.4, num_frames=1, text='pour over cut')
    """
    checked_rate(fps)
    if num_frames < 1:
        raise ValueError(f"`num_frames` must be at least 1, got {num_frames}")
    rules = rules or LabelRules()
    spans, findings = _spans(intervals, num_frames, fps, rules.points)
    runs = list(_merged(_layers(spans, num_frames)))
    names: list[str] = []
    for index, (start, stop, winner, losers) in enumerate(runs):
        where = round(start / fps, 6), round(stop / fps, 6), stop - start
        label = winner or rules.gap_label
        if winner is None:
            neighbour = runs[index - 1][2] if index else runs[1][2] if len(runs) > 1 else None
            closed = neighbour is not None and stop - start <= rules.close_gaps_s * fps + 1e-3
            label = neighbour if closed and neighbour is not None else label
            findings.append(Finding("closed gap" if closed else "gap", *where, _treatment(label)))
        elif losers:
            findings.append(Finding("overlap", *where, f"{winner} over {', '.join(losers)}"))
        names += [label] * (stop - start)
    labels = Labels.from_names(names, fps=fps, source=source)
    return FrameLabels(labels, sorted(findings, key=lambda finding: finding.start_s))


def _treatment(label: str) -> str:
    return "ignored" if label == IGNORE_NAME else f"labelled {label}"


def _spans(
    intervals: Sequence[Interval], num_frames: int, fps: float, points: bool
) -> tuple[list[_Span], list[Finding]]:
    """The frames of every interval, and what is odd about single ones."""
    spans: list[_Span] = []
    findings: list[Finding] = []
    # stable: of equal annotations the later in the list comes later
    for rank, interval in enumerate(sorted(intervals, key=lambda interval: (interval.start_s, -interval.stop_s))):
        start, stop = _first_frame(interval.start_s, fps), _first_frame(interval.stop_s, fps)
        if interval.start_s == interval.stop_s:
            start = frame_of_point(interval.start_s, fps)
            stop = start + 1 if points else start
            findings.append(Finding("point", *interval[:2], stop - start, interval.label))
        elif start == stop:
            findings.append(Finding("short", *interval[:2], 0, interval.label))
        beyond = max(0, min(stop, 0) - start) + max(0, stop - max(start, num_frames))
        if beyond:
            findings.append(Finding("outside", *interval[:2], beyond, interval.label))
        if max(start, 0) < min(stop, num_frames):
            spans.append(_Span(max(start, 0), min(stop, num_frames), rank, interval.label))
    return spans, findings


def frame_of_point(time_s: float, fps: float) -> int:
    """The frame in which a point event lies; a thousandth of a frame is taken for rounding."""
    return math.floor(round(time_s * fps, 3))


def _first_frame(time_s: float, fps: float) -> int:
    """The first frame whose middle is not before a time; a thousandth of a frame is taken for rounding."""
    return math.ceil(round(time_s * fps - 0.5, 3))


_Layer = tuple[int, int, str | None, tuple[str, ...]]


def _layers(spans: Sequence[_Span], num_frames: int) -> Iterator[_Layer]:
    """From left to right: runs of frames, the label that wins there, and those that lose, at most three."""
    waiting = sorted(spans, reverse=True)
    active: list[tuple[int, int, str]] = []  # the highest rank on top
    ends: list[tuple[int, str]] = []
    present: Counter[str] = Counter()
    for start, stop in pairwise(sorted({0, num_frames, *(edge for span in spans for edge in span[:2])})):
        while waiting and waiting[-1].start == start:
            span = waiting.pop()
            heappush(active, (-span.rank, span.stop, span.label))
            heappush(ends, (span.stop, span.label))
            present[span.label] += 1
        while ends and ends[0][0] <= start:
            label = heappop(ends)[1]
            present[label] -= 1
            if not present[label]:
                del present[label]
        while active and active[0][1] <= start:
            heappop(active)
        winner = active[0][2] if active else None
        yield start, stop, winner, tuple(islice((label for label in present if label != winner), 3))


def _merged(runs: Iterator[_Layer]) -> Iterator[_Layer]:
    """Neighbours of one label and the same losers, as one run."""
    for (winner, losers), group in groupby(runs, key=lambda run: run[2:]):
        parts = list(group)
        yield parts[0][0], parts[-1][1], winner, losers
