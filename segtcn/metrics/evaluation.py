"""The field's five scores under one protocol: of a whole set of videos, and as a torchmetrics class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.counting import VIDEO_WEIGHT, CountingMetric, weigh_equally
from segtcn.metrics.functional import Background, Labels, percent
from segtcn.metrics.functional.edit import edit_distance
from segtcn.metrics.functional.labels import Frames, check_labels, is_foreground, to_runs
from segtcn.metrics.functional.segments import best_ious
from segtcn.metrics.protocols import SCORES, THRESHOLDS, Protocol, get_protocol

_BATCH = 8
"""Videos that are counted in one pass: more would not fit into the processor's cache."""


class VideoCounts(NamedTuple):
    """What the five scores of videos are made of; all int64, of one video without ``N``.

    Args:
        hits: numerator of each score in the order of :data:`~segtcn.metrics.protocols.SCORES`: right frames, the length
            of the longer segment sequence less the edit distance, and for each F1 twice the true positives, ``(N, 5)``.
        out_of: denominator of each: counted frames, the longer length, and for F1 all predicted and true segments
            together, which is ``2 tp + fp + fn``, ``(N, 5)``.
        num_segments: predicted and true segments, ``(N, 2)``.
    """

    hits: Tensor
    out_of: Tensor
    num_segments: Tensor


class Evaluation(NamedTuple):
    """The scores of a set of videos, such as the test videos of a split.

    Args:
        protocol: name of the protocol.
        background: class indexes that it left out.
        scores: ``accuracy``, ``edit``, ``f1@10``, ``f1@25`` and ``f1@50`` of all videos together, in percent.
        videos: the same of every video alone, by name.
        counts: what they are made of, in the order of ``videos``; :func:`combine_videos` makes the scores of any
            selection of videos of it, such as of a bootstrap sample.
    """

    protocol: str
    background: tuple[int, ...]
    scores: dict[str, float]
    videos: dict[str, dict[str, float]]
    counts: VideoCounts


def evaluate_videos(
    preds: Mapping[str, Labels],
    labels: Mapping[str, Labels],
    protocol: str = "lea",
    *,
    class_names: Sequence[str] | None = None,
    background: Background = None,
    fps: float | None = None,
) -> Evaluation:
    """The field's five scores of a set of videos under one protocol.

    Args:
        preds: predicted class of every frame, ``(T,)``, by name of the video.
        labels: true class of every frame, ``(T,)``, of the same videos.
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        class_names: name of every class. Protocols that know background by its name look it up here, and ignore
            ``background``; leave this out to force ``background`` on them.
        background: the data set's background classes; the protocol says which scores leave them out.
        fps: frames per second of the sequences, for protocols that score at a rate of their own. None takes the frames
            as they come.

    Returns:
        The scores of all videos and of each.

    Raises:
        ValueError: if the protocol is unknown, ``preds`` and ``labels`` are not of the same videos or hold none, a
            sequence is malformed (the message names the video), a class has no name, or ``fps`` is not positive.

    Example:
        >>> evaluation = evaluate_videos(
        ...     {"tea": [0, 1, 1, 1, 2], "soup": [1, 1]}, {"tea": [0, 0, 1, 2, 2], "soup": [1, 1]}, background=0
        ... )
        >>> evaluation.scores
        {'accuracy': 80.0, 'edit': 100.0, 'f1@10': 100.0, 'f1@25': 100.0, 'f1@50': 75.0}
        >>> evaluation.videos["tea"]["f1@50"]
        50.0
    """
    choice = get_protocol(protocol)
    left_out = choice.background(class_names, background)
    step = frame_step(choice, fps)
    _check_same_videos(preds, labels)
    num_classes = None if class_names is None else len(class_names)
    videos = []
    for name in labels:
        try:
            videos.append(check_labels(preds[name], labels[name], num_classes))
        except ValueError as error:
            raise ValueError(f"video {name!r}: {error}") from error
    counted = []
    for start in range(0, len(videos), _BATCH):
        batch = videos[start : start + _BATCH]
        both = [np.concatenate(side) for side in zip(*batch, strict=True)]
        counted.append(video_counts(both[0], both[1], [len(video) for video, _ in batch], choice, left_out, step))
    hits, out_of, num_segments = map(torch.cat, zip(*counted, strict=True))
    counts = VideoCounts(hits, out_of, num_segments)
    each = _ratio_scores(counts, choice).tolist()
    return Evaluation(
        protocol,
        left_out,
        combine_videos(counts, protocol),
        {name: dict(zip(SCORES, row, strict=True)) for name, row in zip(labels, each, strict=True)},
        counts,
    )


def combine_videos(
    counts: VideoCounts, protocol: str, videos: Sequence[int] | Tensor | None = None
) -> dict[str, float]:
    """The five scores of a selection of videos together.

    Args:
        counts: of N videos, as :class:`Evaluation` holds them.
        protocol: the protocol by which they were counted.
        videos: indexes of videos, one as often as it counts; None takes each once.

    Returns:
        Each score by name, in percent.

    Raises:
        ValueError: if the protocol is unknown or no video is selected.

    Example:
        >>> evaluation = evaluate_videos({"a": [1, 1], "b": [1, 2]}, {"a": [1, 1], "b": [1, 1]})
        >>> combine_videos(evaluation.counts, "lea", [0, 0, 0, 1])["accuracy"]
        87.5
    """
    choice = get_protocol(protocol)
    chosen = torch.arange(len(counts.hits)) if videos is None else torch.as_tensor(videos, dtype=torch.int64)
    if not len(chosen):
        raise ValueError("no video is selected: a score needs at least one")
    sums = VideoCounts(*(count[chosen].sum(0) for count in counts))
    video_scores = weigh_equally(counts.hits, counts.out_of)[chosen].sum(0)
    scores = _combine(sums, video_scores, torch.tensor(len(chosen)), choice)
    return dict(zip(SCORES, scores.tolist(), strict=True))


def combine_samples(counts: VideoCounts, protocol: str, times: Tensor) -> Tensor:
    """The five scores of many selections of videos at once, as a bootstrap needs them.

    Args:
        counts: of N videos, as :class:`Evaluation` holds them.
        protocol: the protocol by which they were counted.
        times: how often each selection counts each video, ``(R, N)`` int64, at least one of them in each selection.

    Returns:
        Percent, ``(R, 5)`` float32, in the order of :data:`~segtcn.metrics.protocols.SCORES`; the same numbers as
        :func:`combine_videos` for each selection.

    Raises:
        ValueError: if the protocol is unknown, or ``times`` is not of the shape ``(R, N)``.

    Example:
        >>> evaluation = evaluate_videos({"a": [1, 1], "b": [1, 2]}, {"a": [1, 1], "b": [1, 1]})
        >>> combine_samples(evaluation.counts, "lea", torch.tensor([[1, 1], [3, 1]]))[:, 0]
        tensor([75.0000, 87.5000])
    """
    choice = get_protocol(protocol)
    if times.ndim != 2 or times.shape[1] != len(counts.hits):
        raise ValueError(f"`times` must have the shape (R, {len(counts.hits)}), got {tuple(times.shape)}")
    weights = times.double()  # products of matrices of integers are slow, and these sums are exact below 2**53
    sums = VideoCounts(*((weights @ count.double()).long() for count in counts))
    video_scores = (weights @ weigh_equally(counts.hits, counts.out_of).double()).long()
    return _combine(sums, video_scores, times.sum(1, keepdim=True), choice)


def mean_over_splits(evaluations: Sequence[Evaluation]) -> dict[str, float]:
    """The mean of each score over the splits of a data set, as tables of papers give it.

    Args:
        evaluations: one for each split, of the same protocol.

    Returns:
        Each score by name, in percent.

    Raises:
        ValueError: if there is no split, or the protocols differ.

    Example:
        >>> splits = [evaluate_videos({"a": [1, 1]}, {"a": [1, 1]}), evaluate_videos({"a": [1, 2]}, {"a": [1, 1]})]
        >>> mean_over_splits(splits)["accuracy"]
        75.0
    """
    protocols = {evaluation.protocol for evaluation in evaluations}
    if len(protocols) != 1:
        raise ValueError(f"the splits must have one protocol in common, got {sorted(protocols) or 'no split'}")
    return {key: sum(each.scores[key] for each in evaluations) / len(evaluations) for key in SCORES}


def video_counts(
    preds: Frames,
    labels: Frames,
    num_frames: Sequence[int],
    protocol: Protocol,
    background: tuple[int, ...] = (),
    step: int = 1,
) -> VideoCounts:
    """Count what the five scores of videos need, in one pass over the segments of all of them.

    Args:
        preds: predicted class of every frame, one video after the other, ``(frames,)``.
        labels: true class of every frame, the same.
        num_frames: frames of each video, N of them, each at least 1.
        protocol: how to count.
        background: the classes that the protocol leaves out, see :meth:`Protocol.background`.
        step: every how many-th frame of a video is scored.

    Returns:
        The counts, ``(N, 5)``, ``(N, 5)`` and ``(N, 2)``.

    Example:
        >>> video_counts(np.array([1, 1, 1, 2]), np.array([1, 1, 2, 2]), [4], get_protocol("lea")).hits
        tensor([[3, 2, 4, 4, 4]])
    """
    lengths = np.asarray(num_frames)
    if step > 1:
        kept = np.concatenate([np.arange(length) % step == 0 for length in num_frames])
        preds, labels, lengths = preds[kept], labels[kept], -(-lengths // step)
    starts = np.cumsum(lengths) - lengths
    right, frames = preds == labels, lengths
    if not protocol.accuracy_counts_background or protocol.glue:
        kept = is_foreground(labels, background)
        right &= kept
        frames = np.add.reduceat(kept, starts, dtype=np.int64)
    right = np.add.reduceat(right, starts, dtype=np.int64)
    if protocol.glue:
        preds, labels, lengths = preds[kept], labels[kept], frames
    hits, out_of = np.empty((len(lengths), len(SCORES)), np.int64), np.empty((len(lengths), len(SCORES)), np.int64)
    hits[:, 0], out_of[:, 0] = right, frames
    ends, num_videos = np.cumsum(lengths), len(lengths)
    pred, true = (to_runs(each, protocol.drop_last_frame, lengths) for each in (preds, labels))
    num_segments = np.empty((num_videos, 2), dtype=np.int64)
    sequences = []
    for side, runs in enumerate((pred, true)):
        counted = is_foreground(runs.labels, background)
        video = np.searchsorted(ends, runs.starts[counted], side="right")
        num_segments[:, side] = np.bincount(video, minlength=num_videos)
        sequences.append(_split(runs.labels[counted], num_segments[:, side]))
    out_of[:, 1] = num_segments.max(axis=1)
    hits[:, 1] = out_of[:, 1] - [edit_distance(*each) for each in zip(*sequences, strict=True)]
    found = best_ious(pred, true)[counted]
    for column, threshold in enumerate(THRESHOLDS.values(), start=2):
        hits[:, column] = 2 * np.bincount(video[found >= threshold], minlength=num_videos)
    out_of[:, 2:] = num_segments.sum(axis=1, keepdims=True)
    return VideoCounts(*map(torch.from_numpy, (hits, out_of, num_segments)))


def frame_step(protocol: Protocol, fps: float | None) -> int:
    """Every how many-th frame a protocol scores.

    Args:
        protocol: may have a rate of its own.
        fps: frames per second of the sequences, None if unknown.

    Returns:
        The nearest whole step, at least 1.

    Raises:
        ValueError: if ``fps`` is not positive.

    Example:
        >>> frame_step(get_protocol("asrf"), fps=30), frame_step(get_protocol("mstcn"), fps=30)
        (2, 1)
    """
    if fps is not None and not fps > 0:
        raise ValueError(f"`fps` must be positive, got {fps}")
    return 1 if fps is None or protocol.fps is None else max(1, round(fps / protocol.fps))


class SegmentationScores(CountingMetric):
    """The field's five scores under one protocol, added up over videos, batches and processes.

    The states are sums of whole numbers, so that any order of the videos and any number of processes give the same
    bits.

    Args:
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        background: the data set's background classes; the protocol says which scores leave them out.
        class_names: name of every class, for protocols that know background by its name: those ignore ``background``
            then.
        fps: frames per second of the sequences, for protocols that score at a rate of their own.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Raises:
        ValueError: if the protocol is unknown or ``fps`` is not positive.

    Example:
        ``compute`` gives the five scores by name, each in percent, ``()`` float32.

        >>> scores = SegmentationScores("lea", background=0)
        >>> scores.update(torch.tensor([0, 1, 1, 1, 2]), torch.tensor([0, 0, 1, 2, 2]))
        >>> {name: f"{score:.1f}" for name, score in scores.compute().items()}
        {'accuracy': '60.0', 'edit': '100.0', 'f1@10': '100.0', 'f1@25': '100.0', 'f1@50': '50.0'}
    """

    def __init__(
        self,
        protocol: str = "lea",
        background: Background = None,
        class_names: Sequence[str] | None = None,
        fps: float | None = None,
        **kwargs: Any,
    ) -> None:
        self._choice = get_protocol(protocol)
        each = (len(SCORES),)
        super().__init__({"hits": each, "out_of": each, "num_segments": (2,), "video_scores": each}, **kwargs)
        self.protocol = protocol
        self.background = self._choice.background(class_names, background)
        self.step = frame_step(self._choice, fps)

    def _count(self, preds: Tensor, labels: Tensor, num_frames: list[int]) -> Sequence[Tensor]:
        counts = video_counts(*check_labels(preds, labels), num_frames, self._choice, self.background, self.step)
        return [each.sum(0) for each in (*counts, weigh_equally(counts.hits, counts.out_of))]

    def _value(self, *sums: Tensor) -> dict[str, Tensor]:
        hits, out_of, num_segments, video_scores = sums
        scores = _combine(VideoCounts(hits, out_of, num_segments), video_scores, self.num_videos.cpu(), self._choice)
        scores = scores.to(self.num_videos.device)
        return dict(zip(SCORES, scores.unbind(), strict=True))


def segmentation_scores(
    protocol: str = "lea",
    background: Background = None,
    class_names: Sequence[str] | None = None,
    fps: float | None = None,
) -> SegmentationScores:
    """The field's five scores under one protocol: :class:`SegmentationScores`.

    Args:
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        background: the data set's background classes; the protocol says which scores leave them out.
        class_names: name of every class, for protocols that know background by its name.
        fps: frames per second of the sequences, for protocols that score at a rate of their own.

    Returns:
        A metric whose ``compute`` gives the keys ``accuracy``, ``edit``, ``f1@10``, ``f1@25`` and ``f1@50``.

    Raises:
        ValueError: if the protocol is unknown or ``fps`` is not positive.

    Example:
        >>> segmentation_scores("mstcn", class_names=["pour", "background"]).background
        (1,)
    """
    return SegmentationScores(protocol, background, class_names, fps)


def _split(labels: Frames, lengths: Frames) -> list[list[int]]:
    """Cut a sequence of labels into those of each video."""
    ends = np.cumsum(lengths).tolist()
    sequence = labels.tolist()
    return [sequence[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _ratio_scores(counts: VideoCounts, protocol: Protocol) -> Tensor:
    """Each score as the ratio of its counts, ``(..., 5)``."""
    scores = percent(counts.hits, counts.out_of)
    if protocol.epsilon:
        is_f1 = slice(-len(THRESHOLDS), None)
        tp = counts.hits[..., is_f1].double() / 2
        precision, recall = (tp / (num + protocol.epsilon) for num in counts.num_segments.split(1, dim=-1))
        scores[..., is_f1] = (200 * precision * recall / (precision + recall + protocol.epsilon)).float()
    return scores


def _combine(sums: VideoCounts, video_scores: Tensor, num_videos: Tensor, protocol: Protocol) -> Tensor:
    """The pooled score or the mean over videos, as the protocol wants each, ``(5,)``; NaN without a video."""
    is_pooled = torch.tensor([protocol.accuracy == "pooled", False, *[protocol.f1 == "pooled"] * len(THRESHOLDS)])
    means = percent(video_scores, num_videos * VIDEO_WEIGHT)
    return torch.where(is_pooled, _ratio_scores(sums, protocol), means).where(num_videos > 0, torch.nan)


def _check_same_videos(preds: Mapping[str, Labels], labels: Mapping[str, Labels]) -> None:
    if not preds and not labels:
        raise ValueError("there is no video: a score needs at least one")
    if names := sorted(preds.keys() - labels.keys()):
        raise ValueError(f"there is no truth for the predictions of {', '.join(names)}")
    if names := sorted(labels.keys() - preds.keys()):
        raise ValueError(f"there are no predictions for {', '.join(names)}")
