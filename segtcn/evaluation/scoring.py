"""The field's scores of predictions, in memory or in files."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from segtcn.evaluation.pairs import LabelPairs, pair_files, pair_labels
from segtcn.evaluation.run_scores import RunScores
from segtcn.labels.classes import Classes
from segtcn.labels.files import read_labels
from segtcn.labels.folder import find_label_files, video_name
from segtcn.labels.labels import Labels
from segtcn.labels.labels_like import as_labels
from segtcn.metrics import Evaluation, evaluate_videos
from segtcn.metrics.protocols import get_protocol

Videos: TypeAlias = Any
"""Labels of one video, :data:`~segtcn.labels.LabelsLike`, or of several: a dict of those by name, or a folder."""


def evaluate(
    preds: Videos,
    labels: Videos,
    protocol: str = "lea",
    classes: Classes | Sequence[str] | None = None,
    background: str | int | Collection[int] | None = None,
    fps: float | None = None,
) -> Evaluation:
    """The field's five scores of predictions: of one video or of several, in memory or in files.

    Args:
        preds: predictions: :class:`~segtcn.labels.Labels`, class indexes or names ``(T,)``, or a label file; of several
            videos a dict of those by name, or a folder.
        labels: the truth, in any of these forms. Frames of :data:`~segtcn.structures.IGNORE` do not count.
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        classes: names of the classes, which also say what indexes mean; None takes those of labels and files.
        background: classes to leave out, in addition to those that the protocol knows by name: indexes, or names with
            commas between them.
        fps: labels per second, for protocols that score at a rate of their own; None takes what labels and files state,
            or the frames as they come.

    Returns:
        The scores of all videos and of each, in percent.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if an argument or a file cannot be understood, or predictions and truth do not fit together.

    Example:
        >>> evaluate([0, 1, 1, 1], [0, 0, 1, 1]).scores["accuracy"]
        75.0
        >>> evaluate({"tea": ["rest", "pour"]}, {"tea": ["pour", "pour"]}, background="rest").scores["accuracy"]
        50.0
    """
    if classes is not None and not isinstance(classes, Classes):
        classes = Classes(tuple(classes))
    if _is_path(preds) and _is_path(labels):
        pairs = pair_files(Path(preds), Path(labels), classes)
    else:
        pred_videos, true_videos = (_by_name(side, classes) for side in (preds, labels))
        if not any(isinstance(side, Mapping) or (_is_path(side) and Path(side).is_dir()) for side in (preds, labels)):
            true_videos = dict(zip(pred_videos, true_videos.values(), strict=True))
        pairs = pair_labels(pred_videos, true_videos, classes)
    if background is None or isinstance(background, str):
        background = pairs.classes.indexes_named(background or "")
    return score_pairs(pairs, protocol, (background,) if isinstance(background, int) else background, fps)


def score_pairs(
    pairs: LabelPairs, protocol: str = "lea", background: Collection[int] = (), fps: float | None = None
) -> Evaluation:
    """The field's five scores of videos under one protocol.

    Args:
        pairs: predictions and truth.
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        background: classes to leave out, in addition to those that the protocol itself knows by name.
        fps: labels per second, for protocols that score at a rate of their own; None takes that of ``pairs``, or the
            frames as they come.

    Raises:
        ValueError: if the protocol is unknown, ``fps`` is not positive, or there is no video.
    """
    named = get_protocol(protocol).background(pairs.classes.names, background)
    preds, truth = ({name: labels.indexes for name, labels in side.items()} for side in (pairs.preds, pairs.truth))
    left_out = tuple(sorted({*background, *named}))
    return evaluate_videos(preds, truth, protocol, background=left_out, fps=pairs.fps if fps is None else fps)


def score_splits(
    splits: Mapping[str, LabelPairs], protocol: str = "lea", background: Collection[int] = (), fps: float | None = None
) -> RunScores:
    """Score the videos of each split, of which the scores are the mean.

    Args:
        splits: the videos of each split by its name; all have the same classes.
        protocol: as for :func:`score_pairs`.
        background: as for :func:`score_pairs`.
        fps: as for :func:`score_pairs`.

    Raises:
        ValueError: if there is no split, the protocol is unknown, or ``fps`` is not positive.

    Example:
        >>> preds, truth = (Labels.from_names(names) for names in (["SIL", "pour"], ["pour", "pour"]))
        >>> result = score_splits({"1": pair_labels({"tea": preds}, {"tea": truth})}, "c2f")
        >>> result.scores["accuracy"]  # of the frame that is not SIL
        50.0
    """
    if not splits:
        raise ValueError("expected the videos of one split or more, got no split")
    evaluations = {split: [score_pairs(pairs, protocol, background, fps)] for split, pairs in splits.items()}
    return RunScores("", protocol, evaluations)


def _is_path(side: Videos) -> bool:
    return isinstance(side, str | os.PathLike)


def _by_name(side: Videos, classes: Classes | None) -> dict[str, Labels]:
    if isinstance(side, Mapping):
        return {name: as_labels(video, classes, source=f"video {name!r}") for name, video in side.items()}
    if _is_path(side) and Path(side).is_dir():
        return {name: read_labels(path, classes) for name, path in find_label_files(Path(side)).items()}
    return {video_name(os.fspath(side)) if _is_path(side) else "video": as_labels(side, classes)}
