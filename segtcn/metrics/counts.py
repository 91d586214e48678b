"""What a video contributes to the scores, a few whole numbers, and every average as a function of the table of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.functional import mean_over_classes, percent
from segtcn.metrics.functional.edit import edit_distance
from segtcn.metrics.functional.overlaps import best_ious, common_pieces, drop_last_frames
from segtcn.metrics.functional.sequences import Frames, is_foreground, scored_runs
from segtcn.metrics.protocols import SCORES, THRESHOLDS, Protocol, get_protocol
from segtcn.structures import IGNORE, Runs

Average: TypeAlias = Literal["video", "pooled", "macro", "none"]

_BATCH = 8
"""Videos that are counted in one pass: more would not fit into the processor's cache."""


class VideoCounts(NamedTuple):
    """What the five scores of N videos are made of, all int64.

    C is the number of classes, or 1 if all are counted together.

    Args:
        correct: frames whose prediction is right, by true class, ``(N, C)``.
        frames: counted frames by true class, ``(N, C)``.
        predicted: predicted segments by class, ``(N, C)``.
        true: true segments by class, ``(N, C)``.
        hits: true segments that were found at each of :data:`~segtcn.metrics.protocols.THRESHOLDS`, ``(N, 3, C)``.
        distance: edit distance between the predicted and the true segments, ``(N,)``.

    Example:
        >>> from segtcn.metrics import evaluate_videos
        >>> counts = evaluate_videos({"a": [0, 0, 1]}, {"a": [0, 1, 1]}).counts
        >>> counts.correct, counts.frames
        (tensor([[2]]), tensor([[3]]))
    """

    correct: Tensor
    frames: Tensor
    predicted: Tensor
    true: Tensor
    hits: Tensor
    distance: Tensor

    @classmethod
    def from_rows(cls, rows: Tensor) -> VideoCounts:
        """The counts that :func:`count_videos` wrote into one row a video, ``(N, 7 C + 1)``."""
        num_classes = rows.shape[1] // (4 + len(THRESHOLDS))
        widths = [*[num_classes] * 4, len(THRESHOLDS) * num_classes, 1]
        correct, frames, predicted, true, hits, distance = rows.split(widths, dim=1)
        hits = hits.unflatten(1, (len(THRESHOLDS), num_classes))
        return cls(correct, frames, predicted, true, hits, distance[:, 0])


def count_videos(
    videos: Sequence[tuple[Frames, Frames]],
    protocol: Protocol,
    background: tuple[int, ...] = (),
    step: int = 1,
    num_classes: int | None = None,
) -> Tensor:
    """Count what the five scores of videos need.

    Args:
        videos: predictions and labels of N videos, as :func:`~segtcn.metrics.functional.sequences.check_labels` gives
            them.
        protocol: how to count.
        background: the classes that the protocol leaves out, see :meth:`Protocol.background`.
        step: one frame in this many is scored.
        num_classes: C to count by class, None to count all together.

    Returns:
        A row for every video, ``(N, 7 C + 1)`` int64, that :meth:`VideoCounts.from_rows` understands.

    Example:
        >>> video = np.array([1, 1, 1, 2]), np.array([1, 1, 2, 2])
        >>> rows = count_videos([video], get_protocol("lea"), num_classes=3)
        >>> VideoCounts.from_rows(rows).frames
        tensor([[0, 2, 2]])
    """
    batches = [videos[start : start + _BATCH] for start in range(0, len(videos), _BATCH)]
    scored = ([_scored_frames(*video, protocol, background, step) for video in batch] for batch in batches)
    rows = [_count_together(batch, protocol, background, num_classes) for batch in scored]
    return torch.from_numpy(np.concatenate(rows))


def combine_videos(
    counts: VideoCounts, protocol: str, videos: Sequence[int] | Tensor | None = None
) -> dict[str, float]:
    """The five scores of a selection of videos together.

    Args:
        counts: of N videos.
        protocol: the protocol by which they were counted.
        videos: indexes of videos, one as often as it counts; None takes each once.

    Returns:
        Each score by name, in percent. Any order of the videos gives the same bits.

    Raises:
        ValueError: if the protocol is unknown or no video is selected.

    Example:
        >>> from segtcn.metrics import evaluate_videos
        >>> counts = evaluate_videos({"a": [1, 1], "b": [1, 2]}, {"a": [1, 1], "b": [1, 1]}).counts
        >>> combine_videos(counts, "lea", [0, 0, 0, 1])["accuracy"]
        87.5
    """
    choice = get_protocol(protocol)
    indexes = torch.arange(len(counts.distance)) if videos is None else torch.as_tensor(videos, dtype=torch.int64)
    if not len(indexes):
        raise ValueError("no video is selected: a score needs at least one")
    together = _all_classes(counts)
    sums = VideoCounts(*(count[indexes].sum(0) for count in together))
    scores = _choose(_ratios(sums, choice), mean_over_videos(_ratios(together, choice)[indexes]), choice)
    return dict(zip(SCORES, scores.tolist(), strict=True))


def summands(counts: VideoCounts, protocol: str) -> Tensor:
    """What the five scores of a selection of videos are made of: sums of rows, as a bootstrap needs them.

    Args:
        counts: of N videos.
        protocol: the protocol by which they were counted.

    Returns:
        ``(N, 14)`` float64, in which sums of whole numbers are exact and products fast.

    Example:
        >>> from segtcn.metrics import evaluate_videos
        >>> counts = evaluate_videos({"a": [1, 1], "b": [1, 2]}, {"a": [1, 1], "b": [1, 1]}).counts
        >>> times = torch.tensor([[1.0, 1.0], [3.0, 1.0]], dtype=torch.float64)
        >>> score_sums(times @ summands(counts, "lea"), "lea")[:, 0]
        tensor([75.0000, 87.5000])
    """
    together = _all_classes(counts)
    columns = [*(count.reshape(len(count), -1) for count in together), _ratios(together, get_protocol(protocol))]
    return torch.cat([column.double() for column in (*columns, torch.ones(len(together.frames), 1))], dim=1)


def score_sums(sums: Tensor, protocol: str) -> Tensor:
    """The five scores of selections of videos.

    Args:
        sums: of the rows of :func:`summands` that each selection holds, ``(..., 14)``.
        protocol: the protocol by which the videos were counted.

    Returns:
        Percent, ``(..., 5)`` float32, in the order of :data:`~segtcn.metrics.protocols.SCORES`.
    """
    choice, exact = get_protocol(protocol), sums[..., :8].long()
    correct, frames, predicted, true = exact[..., :4].unbind(-1)
    pooled = VideoCounts(correct, frames, predicted, true, exact[..., 4:7], exact[..., 7])
    return _choose(_ratios(pooled, choice), (sums[..., 8:13] / sums[..., 13:]).float(), choice)


def score_videos(counts: VideoCounts, protocol: str) -> Tensor:
    """The five scores of every video alone.

    Args:
        counts: of N videos.
        protocol: the protocol by which they were counted.

    Returns:
        Percent, ``(N, 5)`` float32, in the order of :data:`~segtcn.metrics.protocols.SCORES`.

    Example:
        >>> video = np.array([1, 2]), np.array([1, 1])
        >>> score_videos(VideoCounts.from_rows(count_videos([video], get_protocol("lea"))), "lea")[0, :2]
        tensor([50., 50.])
    """
    return _ratios(_all_classes(counts), get_protocol(protocol))


def score_classes(counts: VideoCounts) -> dict[str, Tensor]:
    """Scores of every class, frames and segments of all videos pooled.

    Args:
        counts: of N videos, by class.

    Returns:
        ``accuracy``, the share of the frames of the class that are right, and ``f1@50``: percent, ``(C,)`` float32, NaN
        where there is nothing to count.

    Example:
        >>> video = np.array([1, 1]), np.array([1, 0])
        >>> rows = count_videos([video], get_protocol("lea"), num_classes=3)
        >>> score_classes(VideoCounts.from_rows(rows))["accuracy"]
        tensor([  0., 100.,  nan])
    """
    correct, frames, predicted, true, hits, _ = (count.sum(0) for count in counts)
    return {
        "accuracy": percent(correct, frames, math.nan),
        "f1@50": percent(2 * hits[[*THRESHOLDS].index("f1@50")], predicted + true, math.nan),
    }


def mean_over_videos(scores: Tensor) -> Tensor:
    """Mean over videos, the same bits in any order of them.

    Args:
        scores: percent of N videos, ``(N, ...)``.

    Returns:
        ``(...)`` float32.

    Example:
        >>> mean_over_videos(torch.tensor([100.0, 50.0]))
        tensor(75.)
    """
    # `fsum` rounds the exact sum once, where adding one after the other rounds differently in every order
    sums = [math.fsum(column) for column in scores.flatten(1).T.tolist()] if scores.ndim > 1 else math.fsum(scores)
    return (torch.tensor(sums, dtype=torch.float64) / len(scores)).float().reshape(scores.shape[1:])


@dataclass(frozen=True)
class Averaging:
    """How the counts of videos become one score, a function of their table.

    Args:
        ratio: numerator and denominator of the score from F counts, tensors of one shape.
        average: how videos are combined. ``"video"``: the mean of the videos' scores. ``"pooled"``: from the counts of
            all videos together. ``"macro"``: pooled for each class on its own, and the mean over the classes that
            occur. ``"none"``: the same without the mean, ``(C,)``.
        num_classes: C, needed by ``"macro"`` and ``"none"``.
        absent_score: what ``"none"`` gives a class that does not occur.
        empty_score: percent of a video or of all together where there is nothing to count.
        averages: values of ``average`` that the score has.

    Raises:
        ValueError: if ``average`` is unknown or ``num_classes`` is missing.

    Example:
        >>> average = Averaging(lambda correct, total: (correct, total), "pooled")
        >>> average(torch.tensor([[1, 1], [0, 3]]))
        tensor(25.)
    """

    ratio: Callable[..., tuple[Tensor, Tensor]]
    average: Average
    num_classes: int | None = None
    absent_score: float = 100.0
    empty_score: float = 100.0
    averages: tuple[Average, ...] = ("video", "pooled", "macro", "none")

    def __post_init__(self) -> None:
        if self.average not in self.averages:
            raise ValueError(f"`average` must be one of {self.averages}, got {self.average!r}")
        if self.average in ("macro", "none") and self.num_classes is None:
            raise ValueError(f'`average="{self.average}"` scores every class: pass `num_classes`')

    @property
    def counted_classes(self) -> int | None:
        """C if classes are counted apart, else None."""
        return self.num_classes if self.average in ("macro", "none") else None

    def shape(self, num_counts: int) -> tuple[int, ...]:
        """Shape of the counts of one video, ``(F,)`` or ``(F, C)``."""
        return (num_counts,) if self.counted_classes is None else (num_counts, self.counted_classes)

    def __call__(self, counts: Tensor) -> Tensor:
        """The score from the table of counts, ``(N, F)`` or by class ``(N, F, C)``; NaN for N = 0."""
        if not len(counts):
            return torch.full(counts.shape[2:] if self.average == "none" else (), math.nan)
        if self.average == "video":
            return mean_over_videos(percent(*self.ratio(*counts.unbind(1)), self.empty_score))
        hits, out_of = self.ratio(*counts.sum(0))
        if self.average == "macro":
            return mean_over_classes(percent(hits, out_of, math.nan))
        return percent(hits, out_of, self.absent_score if self.average == "none" else self.empty_score)


def _scored_frames(
    preds: Frames, labels: Frames, protocol: Protocol, background: tuple[int, ...], step: int
) -> tuple[Frames, Frames]:
    preds, labels = preds[::step], labels[::step]
    if not protocol.glue:
        return preds, labels
    remaining = (labels == IGNORE) | is_foreground(labels, background)
    return preds[remaining], labels[remaining]


def _count_together(
    videos: Sequence[tuple[Frames, Frames]], protocol: Protocol, background: tuple[int, ...], num_classes: int | None
) -> Frames:
    """Count several videos in one pass over all segments: one at a time, the calls cost more than the work."""
    pred, true = _runs_of(videos, 0), _runs_of(videos, 1)
    ends = np.cumsum([len(labels) + 1 for _, labels in videos])
    shape = (len(videos), num_classes or 1)

    def cells(runs: Runs) -> Frames:  # the video and the class of each run as one number
        return np.searchsorted(ends, runs.starts, side="right") * shape[1] + (runs.values if num_classes else 0)

    def count(cells: Frames, weights: Frames | None = None) -> Frames:
        return np.bincount(cells, weights, minlength=shape[0] * shape[1])

    pred_cells, true_cells, pieces = cells(pred), cells(true), common_pieces(pred, true)
    pred_counted, true_counted = (is_foreground(runs.values, background) for runs in (pred, true))
    scored = true_counted | protocol.accuracy_counts_background
    right = (pred.values[pieces.pred] == true.values[pieces.true]) & scored[pieces.true]
    correct = count(true_cells[pieces.true[right]], pieces.length[right])
    frames = count(true_cells[scored], (true.stops - true.starts)[scored])
    predicted, expected = count(pred_cells[pred_counted]), count(true_cells[true_counted])
    segments = ((pred.values[pred_counted], predicted), (true.values[true_counted], expected))
    sequences = [_split(labels, counts.reshape(shape).sum(axis=1)) for labels, counts in segments]
    distance = [edit_distance(*pair) for pair in zip(*sequences, strict=True)]
    if protocol.drop_last_frame:
        last_runs = np.flatnonzero(np.diff(true_cells // shape[1], append=-1))
        pred, true = (drop_last_frames(runs, true.stops[last_runs]) for runs in (pred, true))
        pieces = common_pieces(pred, true)
    ious = best_ious(pred, true, pieces)[true_counted]
    hits = [count(true_cells[true_counted][ious >= threshold]) for threshold in THRESHOLDS.values()]
    by_class = np.stack([correct, frames, predicted, expected, *hits]).reshape(-1, *shape).swapaxes(0, 1)
    return np.column_stack([by_class.reshape(len(videos), -1), distance]).astype(np.int64)


def _runs_of(videos: Sequence[tuple[Frames, Frames]], side: int) -> Runs:
    """The runs of all videos; an ignored frame after each keeps it apart from the next."""
    gap = np.array([IGNORE])
    return scored_runs(np.concatenate([part for video in videos for part in (video[side], gap)]))


def _split(labels: Frames, lengths: Frames) -> list[list[int]]:
    """Cut the labels of the segments of all videos into those of each."""
    ends = lengths.cumsum().tolist()
    sequence = labels.tolist()
    return [sequence[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _all_classes(counts: VideoCounts) -> VideoCounts:
    return VideoCounts(*(count.sum(-1) if count.ndim > 1 else count for count in counts))


def _ratios(counts: VideoCounts, protocol: Protocol) -> Tensor:
    """Each score from its counts of all classes together, ``(..., 5)``."""
    correct, frames, predicted, true, hits, distance = counts
    longer, segments = torch.maximum(predicted, true), (predicted + true)[..., None]
    if protocol.epsilon:
        precision, recall = (hits.double() / (num[..., None] + protocol.epsilon) for num in (predicted, true))
        f1 = (200 * precision * recall / (precision + recall + protocol.epsilon)).float()
    else:
        f1 = percent(2 * hits, segments)
    return torch.cat([percent(correct, frames)[..., None], percent(longer - distance, longer)[..., None], f1], dim=-1)


def _choose(pooled: Tensor, means: Tensor, protocol: Protocol) -> Tensor:
    """The pooled score or the mean over videos, as the protocol wants each, ``(..., 5)``; the edit score is a mean."""
    is_pooled = [protocol.accuracy == "pooled", False, *[protocol.f1 == "pooled"] * len(THRESHOLDS)]
    return torch.where(torch.tensor(is_pooled), pooled, means)
