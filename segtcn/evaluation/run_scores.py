"""The scores of a run under one protocol, of every split, seed and video."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segtcn.evaluation.runs import Run, RunPart
from segtcn.metrics import Evaluation, evaluate_videos
from segtcn.metrics.protocols import SCORES, get_protocol


class RunScores(NamedTuple):
    """The scores of a run under one protocol.

    Args:
        name: of the run.
        protocol: name of the protocol.
        splits: for each split the scores with each seed; all seeds have the same videos in the same order.
        sample_rate: every how many-th label was scored.
    """

    name: str
    protocol: str
    splits: dict[str, list[Evaluation]]
    sample_rate: int = 1

    @property
    def scores(self) -> dict[str, float]:
        """Mean over the splits of the mean over the seeds, in percent."""
        return _mean([self.split_scores(split) for split in self.splits])

    @property
    def videos(self) -> dict[str, dict[str, float]]:
        """Scores of each video, mean over the seeds, in percent; of one in several splits those of the last."""
        return {name: scores for split in self.splits for name, scores in self.video_scores(split).items()}

    def split_scores(self, split: str) -> dict[str, float]:
        """Scores of one split, mean over the seeds, in percent."""
        return _mean([evaluation.scores for evaluation in self.splits[split]])

    def video_scores(self, split: str) -> dict[str, dict[str, float]]:
        """Scores of each video of one split, mean over the seeds, in percent."""
        seeds = [evaluation.videos for evaluation in self.splits[split]]
        return {name: _mean([videos[name] for videos in seeds]) for name in seeds[0]}


def score_run(run: Run, protocol: str | None = None, sample_rate: int | None = None) -> RunScores:
    """Score every trained network of a run on its test videos.

    Args:
        run: the predictions and the truth; videos without truth are passed over.
        protocol: name of the protocol; None takes the run's own, or ``lea``.
        sample_rate: score every how many-th label; None leaves it to the protocol.

    Raises:
        ValueError: if the protocol is unknown, ``sample_rate`` is not positive, no video has a truth, or two seeds of a
            split have different videos.
    """
    if sample_rate is not None and sample_rate < 1:
        raise ValueError(f"`sample_rate` must be at least 1 (every frame), got {sample_rate}")
    choice = protocol or run.protocol or "lea"
    rate = sample_rate or (1 if get_protocol(choice).stored_rate else run.sample_rate)
    splits: dict[str, list[Evaluation]] = {}
    for part in run.parts:
        pairs = scored_pairs(part, rate)
        if not pairs:
            continue
        evaluation = evaluate_videos(
            {name: preds for name, (preds, _) in pairs.items()},
            {name: labels for name, (_, labels) in pairs.items()},
            choice,
            class_names=run.classes.names,
            background=run.background,
            fps=None if run.fps is None else run.fps / rate,
        )
        seeds = splits.setdefault(part.split, [])
        seeds.append(evaluation)
        if [*evaluation.videos] != [*seeds[0].videos]:
            raise ValueError(f"the seeds of split {part.split} in {run.name} have predictions of different videos")
    if not splits:
        raise ValueError(f"no truth of any video of {run.name}: give it (`truth`), or run `segtcn test` again")
    return RunScores(run.name, choice, splits, rate)


def scored_pairs(part: RunPart, sample_rate: int = 1) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Predicted and true class of the scored frames of each video, ``(T,)``; videos that nobody annotated are left out.

    Args:
        part: the test videos of a network.
        sample_rate: every how many-th label is scored.
    """
    return {
        name: (part.preds[name].indexes[::sample_rate], labels.indexes[::sample_rate])
        for name, labels in part.truths.items()
        if labels[::sample_rate].present()
    }


def comparable_runs(runs: Sequence[Run], incomplete: bool = False) -> list[Run]:
    """Runs with the same splits, and with the truth of the same videos: those that one run has none of are left out.

    Folders of mere predictions do not say their split. They get that of the other runs if these have one in common.

    Args:
        runs: to be compared.
        incomplete: whether to leave out those that one run has no prediction of, too.
    """
    known = {part.split for run in runs for part in run.parts} - {""}
    if len(known) == 1:
        (split,) = known
        runs = [replace(run, parts=tuple(part._replace(split=split) for part in run.parts)) for run in runs]
    parts = [part for run in runs for part in run.parts]
    left_out: dict[str, set[str]] = {part.split: set() for part in parts}
    for part in parts:
        truths = {name for name, labels in part.truths.items() if labels.present()}
        names = {name for other in parts if other.split == part.split for name in other.preds}
        left_out[part.split] |= (names if incomplete else part.preds.keys()) - truths
    return [replace(run, parts=tuple(_without_truth(part, left_out[part.split]) for part in run.parts)) for run in runs]


def _without_truth(part: RunPart, names: Container[str]) -> RunPart:
    return part._replace(truths={name: labels for name, labels in part.truths.items() if name not in names})


def _mean(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    rows = [*rows]
    return {key: sum(row[key] for row in rows) / len(rows) for key in SCORES}
