"""The field's five scores of a set of videos under one protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from segtcn.metrics.counts import VideoCounts, combine_videos, count_videos, score_videos
from segtcn.metrics.functional import Background, FrameLabels
from segtcn.metrics.functional.sequences import check_labels
from segtcn.metrics.protocols import SCORES, get_protocol


class Evaluation(NamedTuple):
    """The scores of a set of videos, such as the test videos of a split.

    Args:
        protocol: name of the protocol.
        background: class indexes that it left out.
        scores: ``accuracy``, ``edit``, ``f1@10``, ``f1@25`` and ``f1@50`` of all videos together, in percent.
        videos: the same of every video alone, by name.
        counts: what they are made of, in the order of ``videos``, by class if their names were given.
            :func:`~segtcn.metrics.combine_videos` makes the scores of any selection of videos from them.

    Example:
        >>> evaluate_videos({"a": [0, 0, 1]}, {"a": [0, 0, 1]}).scores["edit"]
        100.0
    """

    protocol: str
    background: tuple[int, ...]
    scores: dict[str, float]
    videos: dict[str, dict[str, float]]
    counts: VideoCounts


def evaluate_videos(
    preds: Mapping[str, FrameLabels],
    labels: Mapping[str, FrameLabels],
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
        ValueError: if the protocol is unknown, a class has no name, or ``fps`` is not positive. Also if ``preds`` and
            ``labels`` are not of the same videos or hold none, or if a sequence is malformed or ignored in every
            frame. The message names the video.

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
    step = choice.frame_step(fps)
    _check_same_videos(preds, labels)
    num_classes = None if class_names is None else len(class_names)
    videos = []
    for name in labels:
        try:
            videos.append(check_labels(preds[name], labels[name], num_classes))
        except ValueError as error:
            raise ValueError(f"video {name!r}: {error}") from error
    counts = VideoCounts.from_rows(count_videos(videos, choice, left_out, step, num_classes))
    of_videos = score_videos(counts, protocol).tolist()
    return Evaluation(
        protocol,
        left_out,
        combine_videos(counts, protocol),
        {name: dict(zip(SCORES, row, strict=True)) for name, row in zip(labels, of_videos, strict=True)},
        counts,
    )


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
    return {key: sum(split.scores[key] for split in evaluations) / len(evaluations) for key in SCORES}


def _check_same_videos(preds: Mapping[str, FrameLabels], labels: Mapping[str, FrameLabels]) -> None:
    if not preds and not labels:
        raise ValueError("there is no video: a score needs at least one")
    if names := sorted(preds.keys() - labels.keys()):
        raise ValueError(f"there is no truth for the predictions of {', '.join(names)}")
    if names := sorted(labels.keys() - preds.keys()):
        raise ValueError(f"there are no predictions for {', '.join(names)}")
