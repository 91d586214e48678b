"""Which of several runs is better, and whether the videos show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from segtcn.evaluation.run_scores import RunScores
from segtcn.metrics import SCORES, combine_samples


class Difference(NamedTuple):
    """How far a score of a run is from that of the first one.

    Args:
        run: name of the run.
        score: name of the score, such as ``f1@50``.
        first: score of the first run, in percent.
        value: score of this run, in percent.
        difference: ``value - first``.
        low: lower end of the confidence interval of the difference.
        high: its upper end.
    """

    run: str
    score: str
    first: float
    value: float
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` where the interval leaves out zero, ``no difference shown`` otherwise."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "no difference shown"


def compare_runs(
    runs: Sequence[RunScores], num_resamples: int = 10_000, confidence: float = 95.0, seed: int = 0
) -> list[Difference]:
    """Compare runs with the first one by a paired bootstrap over the videos.

    Each resample draws as many videos of every split as it has, with replacement, the same for all runs, and computes
    each run's score of them as the protocol does: pooled scores from the pooled counts of the drawn videos. The score
    of a run is the mean over its seeds, then over the splits. The interval reaches from the ``(100 - confidence) / 2``
    percentile of the differences to the one as far from the top; it speaks about other videos of the same kind, not
    about other seeds.

    Args:
        runs: two or more, of the same videos under the same protocol.
        num_resamples: R.
        confidence: of the interval, in percent.
        seed: of the resamples.

    Returns:
        Five differences for every run but the first.

    Raises:
        ValueError: if there are fewer than two runs, they have different protocols, splits or videos, or a number is
            out of range.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    check_comparable(runs)
    if num_resamples < 1 or not 0 < confidence < 100:
        raise ValueError(
            f"`num_resamples` must be at least 1 and `confidence` between 0 and 100 percent, got {num_resamples} and "
            f"{confidence}"
        )
    samples = _resample(runs, num_resamples, seed)
    tail = (100 - confidence) / 2
    differences = []
    for run, scores in zip(runs[1:], samples[1:], strict=True):
        low, high = np.percentile(scores - samples[0], [tail, 100 - tail], axis=0)
        first, value = runs[0].scores, run.scores
        differences += [
            Difference(run.name, key, first[key], value[key], value[key] - first[key], float(low[i]), float(high[i]))
            for i, key in enumerate(SCORES)
        ]
    return differences


def check_comparable(runs: Sequence[RunScores]) -> None:
    """Refuse runs that were scored differently or on different videos.

    Args:
        runs: the first is what the others are compared with.

    Raises:
        ValueError: if there are fewer than two runs, or they differ in protocol, splits or videos.
    """
    if len(runs) < 2:
        raise ValueError(f"expected two or more runs to compare, got {len(runs)}")
    first = runs[0]
    for run in runs[1:]:
        if run.protocol != first.protocol:
            raise ValueError(
                f"{first.name} was scored under {first.protocol} and {run.name} under {run.protocol}: choose one for "
                "both (`protocol`)"
            )
        if {*run.splits} != {*first.splits}:
            raise ValueError(
                f"{first.name} has {_splits(first)} and {run.name} has {_splits(run)}: compare runs of the same splits"
            )
        for split in first.splits:
            here, there = {*first.splits[split][0].videos}, {*run.splits[split][0].videos}
            if here != there:
                where = f" in split {split}" if split else ""
                raise ValueError(
                    f"{first.name} and {run.name} have predictions of different videos{where}: only one has "
                    f"{', '.join(sorted(here ^ there))}"
                )


def _resample(runs: Sequence[RunScores], num_resamples: int, seed: int) -> list[NDArray[np.float64]]:
    """Scores of each run on the same resamples, ``(R, 5)`` each."""
    generator = np.random.default_rng(seed)
    scores: list[list[NDArray[np.float64]]] = [[] for _ in runs]
    for split, seeds in runs[0].splits.items():
        names = [*seeds[0].videos]
        times = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=num_resamples)
        drawn = dict(zip(names, times.T, strict=True))
        for run, of_run in zip(runs, scores, strict=True):
            evaluations = run.splits[split]
            times_of_run = torch.from_numpy(np.stack([drawn[name] for name in evaluations[0].videos], axis=1))
            samples = [combine_samples(evaluation.counts, run.protocol, times_of_run) for evaluation in evaluations]
            of_run.append(torch.stack(samples).double().mean(dim=0).numpy())
    return [np.mean(of_run, axis=0) for of_run in scores]


def _splits(run: RunScores) -> str:
    return f"the splits {', '.join(run.splits)}" if any(run.splits) else "no splits"
