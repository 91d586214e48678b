"""The field's scores of predictions in files, under one protocol or several."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from segtcn.evaluation.files import LabelledVideos
from segtcn.metrics import PROTOCOLS, Evaluation, classes_named, evaluate_videos, mean_over_splits
from segtcn.metrics.protocols import get_protocol


class SetScores(NamedTuple):
    """The scores of a data set.

    Args:
        protocol: name of the protocol.
        background: names of the classes that it left out.
        scores: ``accuracy``, ``edit``, ``f1@10``, ``f1@25`` and ``f1@50``, mean over the splits, in percent.
        splits: the scores of each split by its name.
    """

    protocol: str
    background: tuple[str, ...]
    scores: dict[str, float]
    splits: dict[str, Evaluation]

    @property
    def videos(self) -> dict[str, dict[str, float]]:
        """The scores of every video by its name, in percent."""
        return {name: scores for split in self.splits.values() for name, scores in split.videos.items()}


def score_splits(
    splits: Mapping[str, LabelledVideos],
    protocol: str = "lea",
    background: Collection[int] = (),
    fps: float | None = None,
) -> SetScores:
    """Score the videos of each split, and take the mean over the splits.

    Args:
        splits: the videos of each split by its name; all have the same classes.
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        background: classes to leave out, in addition to those that the protocol itself knows by name.
        fps: frames per second of the labels, for protocols that score at a rate of their own; None takes the frames as
            they come.

    Raises:
        ValueError: if there is no split, the protocol is unknown, or ``fps`` is not positive.

    Example:
        >>> import numpy as np
        >>> preds, labels = {"tea": np.array([0, 1, 1, 1])}, {"tea": np.array([0, 0, 1, 1])}
        >>> result = score_splits({"1": LabelledVideos(preds, labels, ["background", "pour"])}, "mstcn")
        >>> result.background, result.scores["accuracy"]
        (('background',), 75.0)
    """
    choice = get_protocol(protocol)
    class_names = next((videos.class_names for videos in splits.values()), [])
    left_out = tuple(sorted({*background, *choice.background(class_names, background)}))
    evaluations = {
        split: evaluate_videos(videos.preds, videos.labels, protocol, background=left_out, fps=fps)
        for split, videos in splits.items()
    }
    names = tuple(class_names[label] for label in left_out)
    return SetScores(protocol, names, mean_over_splits([*evaluations.values()]), evaluations)


def score_all_protocols(
    splits: Mapping[str, LabelledVideos], background: Collection[int] = (), fps: float | None = None
) -> list[SetScores]:
    """The same predictions under every protocol; the arguments are those of :func:`score_splits`."""
    return [score_splits(splits, protocol, background, fps) for protocol in PROTOCOLS]


def parse_background(text: str, class_names: Sequence[str]) -> tuple[int, ...]:
    """The classes that a user leaves out, by names or indexes.

    Args:
        text: names or indexes with commas between them; a name comes before an index.
        class_names: name of every class.

    Returns:
        Class indexes.

    Raises:
        ValueError: if a name is no class; the message lists the known ones.

    Example:
        >>> parse_background("SIL,0", ["pour", "take", "SIL"])
        (2, 0)
    """
    if text in class_names:  # a name may hold a comma
        return classes_named([text], class_names)
    indexes = {str(label): name for label, name in enumerate(class_names)}
    words = [word.strip() for word in text.split(",") if word.strip()]
    return classes_named([word if word in class_names else indexes.get(word, word) for word in words], class_names)
