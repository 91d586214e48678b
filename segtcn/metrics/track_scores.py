"""Scores of several labels at a time: of every output frame by frame, and of every track by its segments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_average_precision

from segtcn.metrics.evaluation import evaluate_videos
from segtcn.metrics.functional import class_counts
from segtcn.metrics.functional.ratios import f1_ratio, percent
from segtcn.metrics.protocols import SCORES
from segtcn.structures import IGNORE, Track, track_indexes


def frame_average_precision(scores: Tensor, targets: Tensor) -> Tensor:
    """Average precision of one output over frames: the mean precision at each frame in which it is true.

    Args:
        scores: probabilities, ``(N,)``.
        targets: 1 where it is true, else 0; NaN where unknown, which does not count. ``(N,)``.

    Returns:
        Percent, ``()`` float32; NaN if it is true nowhere.

    Example:
        >>> frame_average_precision(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1.0, 0.0, 1.0]))  # (1/1 + 2/3) / 2
        tensor(83.3333)
    """
    known = ~targets.isnan()
    true = targets[known].long()
    if not true.any():
        return torch.tensor(math.nan)
    return 100 * binary_average_precision(scores[known].float(), true)


def best_threshold(scores: Tensor, targets: Tensor) -> float:
    """The threshold with the highest F1 over frames: what is at least as large counts as true.

    Args:
        scores: probabilities, ``(N,)`` or ``(N, 1)``.
        targets: 1 where it is true, else 0; NaN where unknown, which does not count. The same shape.

    Returns:
        One of the scores, the highest of several that are equally good; 0.5 if nothing is true.

    Example:
        >>> best_threshold(torch.tensor([0.9, 0.4, 0.3, 0.2]), torch.tensor([1.0, 1.0, 0.0, 0.0]))
        0.4000000059604645
    """
    known = ~targets.isnan()
    order = scores[known].argsort(descending=True)
    ranked, true = scores[known][order], targets[known][order]
    if not true.any():
        return 0.5
    f1 = 2 * true.cumsum(0) / (torch.arange(1, len(true) + 1) + true.sum())
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # equal scores are taken together
    return max(float(ranked[f1.argmax()]), 1e-6)  # above 0: a target of 0 never counts


class TrackScores(Metric):
    """Scores of networks that label several tracks, over videos, batches and processes.

    ``compute`` gives percent by name. ``map``: mean over outputs of :func:`frame_average_precision`, background left
    out. ``f1``: mean over the same of F1 over frames. ``accuracy``, ``edit`` and ``f1@10|25|50``: the mean over tracks
    of the field's scores. Each also as ``NAME/OUTPUT`` or ``NAME/TRACK``. NaN where nothing is known of an output.

    Args:
        tracks: what the outputs mean, and their thresholds.
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        fps: frames per second of the sequences, for protocols that score at a rate of their own.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Example:
        >>> scores = TrackScores([Track("groom", ("background", "groom"), 0, 0.5)])
        >>> targets = torch.tensor([[[0.0, 1.0, 1.0]]])
        >>> scores.update(torch.tensor([[[0.2, 0.9, 0.4]]]), targets, torch.ones(1, 3, dtype=torch.bool))
        >>> {name: round(float(scores.compute()[name]), 1) for name in ("map", "f1", "f1@50/groom")}
        {'map': 100.0, 'f1': 66.7, 'f1@50/groom': 100.0}
    """

    full_state_update = False
    probabilities: list[Tensor]
    targets: list[Tensor]
    lengths: list[Tensor]

    def __init__(self, tracks: Sequence[Track], protocol: str = "lea", fps: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tracks, self.protocol, self.fps = tuple(tracks), protocol, fps
        for name in ("probabilities", "targets", "lengths"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, targets: Tensor, mask: Tensor) -> None:
        """Add videos.

        Args:
            probabilities: of all outputs, ``(B, C, T)``.
            targets: 1 where an output is true, else 0, NaN where unknown, ``(B, C, T)``.
            mask: True on real frames, ``(B, T)``.
        """
        for video, truth, frames in zip(probabilities, targets, mask, strict=True):
            self.probabilities.append(video[:, frames].T.detach().float())
            self.targets.append(truth[:, frames].T)
            self.lengths.append(frames.sum()[None])

    def thresholds(self) -> list[Track]:
        """The tracks with the :func:`best_threshold` of each for the videos added so far."""
        return [
            track if track.threshold is None else track._replace(threshold=best_threshold(*sides))
            for track, *sides in self._columns()
        ]

    def compute(self) -> dict[str, Tensor]:
        """The scores of all videos added so far; none before the first."""
        if not len(self.lengths):
            return {}
        stops = np.cumsum(_together(self.lengths).numpy())[:-1]
        scores: dict[str, dict[str, Tensor]] = {"map": {}, "f1": {}, **{name: {} for name in SCORES}}
        for track, probabilities, targets in self._columns():
            pred, true = (track_indexes(values.T.numpy(), [track])[0] for values in (probabilities, targets))
            f1 = percent(*f1_ratio(*class_counts(pred, true, len(track.class_names))), math.nan)
            for index, name in enumerate(track.class_names):
                if index != track.background:
                    output = track.name if track.threshold is not None else f"{track.name}: {name}"
                    column = 0 if track.threshold is not None else index
                    scores["f1"][output] = f1[index]
                    scores["map"][output] = frame_average_precision(probabilities[:, column], targets[:, column])
            for name, value in self._segmental(track, np.split(pred, stops), np.split(true, stops)).items():
                scores[name][track.name] = torch.tensor(value)
        means = {name: torch.stack([*values.values()]).nanmean() for name, values in scores.items()}
        return means | {f"{name}/{of}": value for name, values in scores.items() for of, value in values.items()}

    def _segmental(self, track: Track, preds: Sequence[Any], truths: Sequence[Any]) -> Mapping[str, float]:
        known = {str(number): true for number, true in enumerate(truths) if (true != IGNORE).any()}
        if not known:
            return dict.fromkeys(SCORES, math.nan)
        return evaluate_videos(
            {number: preds[int(number)] for number in known},
            known,
            self.protocol,
            class_names=track.class_names,
            background=track.background,
            fps=self.fps,
        ).scores

    def _columns(self) -> Iterator[tuple[Track, Tensor, Tensor]]:
        """Probabilities and targets of the outputs of each track, in all frames, ``(N, C)``."""
        sizes = [track.num_outputs for track in self.tracks]
        sides = (_together(state).split(sizes, dim=1) for state in (self.probabilities, self.targets))
        return zip(self.tracks, *sides, strict=True)


def _together(state: list[Tensor] | Tensor) -> Tensor:
    """A state of all processes is one tensor, that of one process a list."""
    return (state if isinstance(state, Tensor) else torch.cat(state)).cpu()
