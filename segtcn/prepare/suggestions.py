"""What to label next: stretches of videos of which a network is unsure, and that differ from each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from segtcn.labels import Labels
from segtcn.structures import IGNORE

Measure = Literal["entropy", "margin"]
"""How unsure a network is of a frame."""


class Suggestion(NamedTuple):
    """A stretch to label.

    Args:
        video: its name.
        start: first frame.
        stop: the frame after the last one.
        label: what the network takes it for.
        uncertainty: mean over its frames, from 0 (sure) to 1.
        novelty: how far it is from those before it in the list, from 0 (the same) to 1 (the opposite, or the first).
    """

    video: str
    start: int
    stop: int
    label: str
    uncertainty: float
    novelty: float

    @property
    def value(self) -> float:
        """By which stretches are chosen."""
        return self.uncertainty * self.novelty


def frame_uncertainty(scores: npt.NDArray[np.float32], measure: Measure = "entropy") -> npt.NDArray[np.float64]:
    """How unsure a network is of every frame, from 0 to 1.

    Args:
        scores: probability of every class, ``(C, T)``.
        measure: ``entropy``, divided by that of equal probabilities; or ``margin``, 1 less the distance of the two most
            probable classes.

    Returns:
        ``(T,)``.

    Raises:
        ValueError: if the measure is unknown, or there are fewer than two classes.

    Example:
        >>> scores = np.array([[0.5, 1.0], [0.5, 0.0]])
        >>> frame_uncertainty(scores).tolist(), frame_uncertainty(scores, "margin").tolist()
        ([1.0, 0.0], [1.0, 0.0])
    """
    if measure not in get_args(Measure) or len(scores) < 2:
        raise ValueError(
            f"`measure` must be one of {', '.join(get_args(Measure))} of two classes or more, got {measure!r} of "
            f"{len(scores)}"
        )
    shares = np.asarray(scores, np.float64)
    if measure == "margin":
        second, first = np.partition(shares, -2, axis=0)[-2:]
        return 1 - (first - second)
    return -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=0) / np.log(len(shares)) + 0.0


def suggest_stretches(
    preds: Mapping[str, Labels],
    features: Mapping[str, npt.NDArray[Any]],
    count: int,
    longest: int | None = None,
    measure: Measure = "entropy",
) -> list[Suggestion]:
    """Choose the stretches whose labels would help most.

    Stretches are the predicted segments, cut into parts of equal length where they are too long. One after the other,
    the stretch with the highest ``uncertainty * novelty`` is chosen. Its novelty is ``(1 - s) / 2``, with s the largest
    cosine of its mean features and those of a stretch chosen before, standardised over all stretches.

    Args:
        preds: predicted labels with their scores, by name of the video.
        features: of the same videos and frames, ``(D, T)``.
        count: stretches to choose, at most.
        longest: frames of a stretch; None cuts no segment.
        measure: of the uncertainty of a frame.

    Returns:
        The stretches, the best first; fewer than ``count`` where there are no more.

    Raises:
        ValueError: if ``count`` or ``longest`` is below 1, or predictions have no scores.

    Reference:
        Uncertainty sampling: Lewis & Gale, SIGIR 1994; margin: Scheffer et al., IDA 2001; the farthest next: Sener &
        Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach", ICLR 2018.
    """
    if count < 1 or (longest is not None and longest < 1):
        raise ValueError(f"`count` and `longest` must be at least 1, got {count} and {longest}")
    stretches: list[Suggestion] = []
    means: list[npt.NDArray[np.float64]] = []
    for name, labels in preds.items():
        if labels.scores is None:
            raise ValueError(f"{labels.source} has no scores of all classes, which say how sure a network is")
        unsure = frame_uncertainty(labels.scores, measure)
        for run_start, run_stop, label in labels.segments():
            parts = 1 if longest is None else -(-(run_stop - run_start) // longest)
            edges = np.linspace(run_start, run_stop, parts + 1).round().astype(int)
            for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
                uncertainty = float(unsure[start:stop].mean())
                stretches.append(Suggestion(name, start, stop, labels.name_of(label), uncertainty, 1.0))
                means.append(features[name][:, start:stop].mean(axis=1, dtype=np.float64))
    return _chosen(stretches, np.stack(means), count)


def _chosen(stretches: list[Suggestion], means: npt.NDArray[np.float64], count: int) -> list[Suggestion]:
    centred = means - means.mean(axis=0)
    scaled = centred / np.maximum(centred.std(axis=0), 1e-12)
    unit = scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12)
    uncertainty, novelty = np.array([stretch.uncertainty for stretch in stretches]), np.ones(len(stretches))
    chosen: list[Suggestion] = []
    left = np.ones(len(stretches), bool)
    while len(chosen) < min(count, len(stretches)):
        best = int(np.where(left, uncertainty * novelty, -1).argmax())
        chosen.append(stretches[best]._replace(novelty=float(novelty[best])))
        left[best] = False
        novelty = np.minimum(novelty, np.clip((1 - unit @ unit[best]) / 2, 0, 1))
    return chosen


def only_suggested(labels: Labels, suggestions: Sequence[Suggestion]) -> Labels:
    """The labels of the suggested stretches of a video; nobody annotated the rest.

    Args:
        labels: of the video.
        suggestions: of this video.

    Example:
        >>> stretch = Suggestion("tea", 1, 2, "pour", 0.9, 1.0)
        >>> only_suggested(Labels.from_names(["take", "pour", "pour"]), [stretch]).names()
        ['__ignore__', 'pour', '__ignore__']
    """
    indexes = np.full(len(labels), IGNORE, np.int64)
    for suggestion in suggestions:
        indexes[suggestion.start : suggestion.stop] = labels.indexes[suggestion.start : suggestion.stop]
    return replace(labels, indexes=indexes, scores=None, confidence=None)
