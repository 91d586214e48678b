"""What a run gets wrong: confused actions, early and late boundaries, broken segments, rare classes, bad videos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segtcn.evaluation.runs import Run
from segtcn.evaluation.scores import RunScores, score_run, scored_pairs
from segtcn.labels import Labels
from segtcn.metrics.functional import frame_confusion, merge_counts, segment_counts, split_counts
from segtcn.metrics.functional.overlaps import common_pieces
from segtcn.metrics.functional.sequences import check_labels, is_foreground, scored_runs

Frames: TypeAlias = NDArray[np.int64]


class Confused(NamedTuple):
    """Frames of one class that are predicted as another.

    Args:
        true: name of the true class.
        predicted: name of the predicted class.
        frames: how many.
        share: of the frames of the true class, in percent.
    """

    true: str
    predicted: str
    frames: int
    share: float


class ClassErrors(NamedTuple):
    """How well one class is found; scores are percent, of all videos pooled.

    Args:
        name: of the class.
        frames: true frames.
        segments: true segments.
        recall: share of its frames that are predicted as it; NaN without any.
        precision: share of the frames predicted as it that are its own; NaN without any.
        f1: segmental F1@50; NaN for background, and where it is neither true nor predicted.
    """

    name: str
    frames: int
    segments: int
    recall: float
    precision: float
    f1: float


class VideoErrors(NamedTuple):
    """One video, with every network that predicted it.

    Args:
        name: of the video.
        split: it is a test video of.
        scores: mean over the seeds, in percent.
        tracks: at the rate at which the run is scored: ``truth`` and the predictions.
    """

    name: str
    split: str
    scores: dict[str, float]
    tracks: dict[str, Labels]


class ErrorAnalysis(NamedTuple):
    """What a run gets wrong, over all its videos, splits and seeds.

    Args:
        run: the run.
        scores: of the run.
        confusion: frames by true class (rows) and predicted class (columns), ``(C, C)``.
        confused: the pairs of different classes that have frames, most frames first.
        start_offsets: frames by which found segments start late (positive) or early.
        stop_offsets: the same for where they stop.
        num_missed: true segments without a correct frame.
        num_true: true segments; background does not count here and below.
        num_predicted: predicted segments.
        num_broken: true segments that are predicted in several pieces.
        num_merged: predicted segments that hold several true ones of their class.
        classes: the rarest first; those that are neither true nor predicted are left out.
        videos: the worst first, by F1@50, then edit, then accuracy.
    """

    run: Run
    scores: RunScores
    confusion: NDArray[np.int64]
    confused: list[Confused]
    start_offsets: Frames
    stop_offsets: Frames
    num_missed: int
    num_true: int
    num_predicted: int
    num_broken: int
    num_merged: int
    classes: list[ClassErrors]
    videos: list[VideoErrors]

    @property
    def fps(self) -> float | None:
        """Frames per second of what is scored, None where it is unknown."""
        return None if self.run.fps is None else self.run.fps / self.scores.sample_rate


def analyze_run(run: Run, protocol: str | None = None, sample_rate: int | None = None) -> ErrorAnalysis:
    """Find out what a run gets wrong.

    A true segment is found by the predicted segment of its class that shares most frames with it; its offsets are how
    many frames later that one starts and stops. Bounds at the very start or end of a video have no offset.

    Args:
        run: predictions and truth.
        protocol: of the scores; None takes the run's own, or ``lea``.
        sample_rate: score one label in this many; None leaves it to the protocol.

    Raises:
        ValueError: as :func:`score_run`.

    Example:
        >>> from segtcn.evaluation import RunPart
        >>> from segtcn.labels import Classes
        >>> classes = Classes(("take", "pour"))
        >>> preds, labels = {"tea": Labels([0, 0, 0, 1, 0], classes)}, {"tea": Labels([0, 0, 1, 1, 1], classes)}
        >>> analysis = analyze_run(Run("mine", (RunPart("1", 0, preds, labels, {}),), classes, fps=15.0))
        >>> analysis.start_offsets, analysis.stop_offsets, analysis.confused[0]
        (array([1]), array([1]), Confused(true='pour', predicted='take', frames=2, share=66.66666666666667))
    """
    scores = score_run(run, protocol, sample_rate)
    num_classes, background = len(run.classes), run.background
    pairs = [check_labels(*pair) for part in run.parts for pair in scored_pairs(part, scores.sample_rate).values()]
    confusion = np.sum([frame_confusion(*pair, num_classes).numpy() for pair in pairs], axis=0)
    counts = [segment_counts(*pair, 0.5, background, num_classes) for pair in pairs]
    hits = np.sum([[count.numpy() for count in of_pair] for of_pair in counts], axis=0)
    num_segments = np.sum(
        [np.bincount(scored_runs(labels).values, minlength=num_classes) for _, labels in pairs], axis=0
    )
    starts, stops, missed = zip(*(_offsets(*pair, background) for pair in pairs), strict=True)
    broken = [split_counts(preds, labels, background) for preds, labels in pairs]
    merged = [merge_counts(preds, labels, background) for preds, labels in pairs]
    return ErrorAnalysis(
        run=run,
        scores=scores,
        confusion=confusion,
        confused=_confused(confusion, run.classes.names),
        start_offsets=np.concatenate(starts),
        stop_offsets=np.concatenate(stops),
        num_missed=sum(missed),
        num_true=int(hits[0].sum() + hits[2].sum()),
        num_predicted=sum(int(count.out_of) for count in merged),
        num_broken=sum(int(count.hits) for count in broken),
        num_merged=sum(int(count.hits) for count in merged),
        classes=_classes(run.classes.names, confusion, hits, num_segments),
        videos=_videos(run, scores),
    )


def _offsets(preds: Frames, labels: Frames, background: tuple[int, ...]) -> tuple[Frames, Frames, int]:
    """Offsets of starts and of stops in frames, and how many true segments were not found at all."""
    pred, true = scored_runs(preds), scored_runs(labels)
    pieces = common_pieces(pred, true)
    same = pred.values[pieces.pred] == true.values[pieces.true]
    # the longest piece of each true run last, so that it stays where several are written to one place
    order = np.argsort(pieces.length[same], kind="stable")
    partner = np.full(len(true.values), -1)
    partner[pieces.true[same][order]] = pieces.pred[same][order]
    counted = is_foreground(true.values, background)
    runs = np.flatnonzero(counted & (partner >= 0))
    start, stop = true.starts[runs], true.stops[runs]
    late_start, late_stop = pred.starts[partner[runs]] - start, pred.stops[partner[runs]] - stop
    # nobody chose where the video or an ignored stretch ends
    is_start, is_stop = (np.isin(start, true.stops), np.isin(stop, true.starts))
    return late_start[is_start], late_stop[is_stop], int((counted & (partner < 0)).sum())


def _confused(confusion: NDArray[np.int64], class_names: Sequence[str]) -> list[Confused]:
    totals = confusion.sum(axis=1)
    pairs = [
        Confused(class_names[i], class_names[j], int(confusion[i, j]), float(100 * confusion[i, j] / totals[i]))
        for i, j in zip(*np.nonzero(confusion), strict=True)
        if i != j
    ]
    return sorted(pairs, key=lambda pair: (-pair.frames, pair.true, pair.predicted))


def _classes(
    class_names: Sequence[str],
    confusion: NDArray[np.int64],
    hits: NDArray[np.int64],
    num_segments: NDArray[np.int64],
) -> list[ClassErrors]:
    true, predicted, right = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
    tp, fp, fn = hits
    classes = [
        ClassErrors(
            name,
            int(true[i]),
            int(num_segments[i]),
            _percent(right[i], true[i]),
            _percent(right[i], predicted[i]),
            _percent(2 * tp[i], 2 * tp[i] + fp[i] + fn[i]),
        )
        for i, name in enumerate(class_names)
        if true[i] + predicted[i] > 0
    ]
    return sorted(classes, key=lambda errors: (errors.frames, errors.name))


def _videos(run: Run, scores: RunScores) -> list[VideoErrors]:
    videos = []
    for split in scores.splits:
        parts = [part for part in run.parts if part.split == split and part.truths]
        for name, video_scores in scores.video_scores(split).items():
            tracks = {"truth": parts[0].truths[name]}
            for part in parts:
                track = "prediction" if len(parts) == 1 or part.seed is None else f"seed {part.seed}"
                tracks[track] = part.preds[name]
            sampled = {title: labels[:: scores.sample_rate] for title, labels in tracks.items()}
            videos.append(VideoErrors(name, split, video_scores, sampled))
    return sorted(videos, key=lambda video: tuple(video.scores[key] for key in ("f1@50", "edit", "accuracy")))


def _percent(hits: np.int64, out_of: np.int64) -> float:
    return float(100 * hits / out_of) if out_of else float("nan")
