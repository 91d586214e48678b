"""Which of several runs is better, and whether the videos show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from segtcn.evaluation.scores import RunScores
from segtcn.metrics import SCORES, combine_samples
from segtcn.metrics.counts import VideoCounts
from segtcn.options import Resampling

_MAX_EXACT_UNITS = 12
_NUM_EXCHANGES = 2000


class Difference(NamedTuple):
    """How far a score of a run is from that of another one.

    Args:
        run: name of the run.
        score: name of the score, such as ``f1@50``.
        first: score of the other run, in percent.
        value: score of this run, in percent.
        difference: ``value - first``.
        low: lower end of the confidence interval of the difference.
        high: its upper end.
        against: name of the other run.
        p_value: of a paired permutation test, corrected for all comparisons by the method of Holm.
        alpha: below which ``p_value`` shows a difference.
    """

    run: str
    score: str
    first: float
    value: float
    difference: float
    low: float
    high: float
    against: str
    p_value: float
    alpha: float

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` where the interval leaves out zero and the p-value is small enough.

        Otherwise ``no difference shown``.
        """
        if self.p_value > self.alpha or self.low <= 0 <= self.high:
            return "no difference shown"
        return "better" if self.low > 0 else "worse"


def compare_runs(runs: Sequence[RunScores], how: Resampling = Resampling()) -> list[Difference]:
    """Compare runs by a paired, hierarchical bootstrap, and by a paired permutation test.

    *Interval.* Each resample draws units with replacement, the same for all runs: as many videos of every split as it
    has, or, with ``groups``, as many groups as there are. It then draws seeds of each run. A run's score of the
    drawn videos is that of the protocol, pooled scores from the pooled counts; the mean is taken over the seeds, then
    over the splits, each weighted by how often its groups were drawn. The interval reaches from one percentile of the
    differences to the one as far from the top. With few units they lie further out, by the t distribution.

    *p-value.* Under the hypothesis that two runs are alike, the predictions of a unit may be exchanged. The p-value is
    the share of exchanges whose difference is at least as large: of all, if there are up to 4,096, or of 2,000 random
    ones. For each score, the method of Holm corrects the p-values of all pairs.

    Args:
        runs: two or more, of the same videos under the same protocol.
        how: what is drawn, how often, and which pairs.

    Returns:
        Five differences for every pair.

    Raises:
        ValueError: if there are fewer than two runs, or they have different protocols, splits or videos; if a run has
            more seeds of one split than of another; if ``groups`` does not match a video or makes a single group; or
            if a number is out of range.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 15; Hesterberg, "What Teachers
        Should Know About the Bootstrap", The American Statistician, 2015, section 5.3 (few units); Holm, "A Simple
        Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics, 1979.
    """
    check_comparable(runs)
    if how.num_resamples < 1 or not 0 < how.confidence < 100:
        raise ValueError(
            f"`num_resamples` must be at least 1 and `confidence` between 0 and 100 percent, got {how.num_resamples} "
            f"and {how.confidence}"
        )
    units = Units.of(runs[0], how.groups)
    samples = _resample(runs, units, how)
    tail = _tail(how.confidence, units.degrees_of_freedom)
    pairs = [(i, j) for i in range(len(runs)) for j in range(i + 1, len(runs)) if how.all_pairs or i == 0]
    exchanges = _exchanges(units.number, how.seed)
    raw = np.stack([_p_values(runs[i], runs[j], units, exchanges) for i, j in pairs])
    p_values = _holm(raw)
    differences = []
    for (i, j), of_pair in zip(pairs, p_values, strict=True):
        low, high = np.percentile(samples[j] - samples[i], [tail, 100 - tail], axis=0)
        first, value = runs[i].scores, runs[j].scores
        differences += [
            Difference(
                run=runs[j].name,
                score=key,
                first=first[key],
                value=value[key],
                difference=value[key] - first[key],
                low=float(low[k]),
                high=float(high[k]),
                against=runs[i].name,
                p_value=float(of_pair[k]),
                alpha=1 - how.confidence / 100,
            )
            for k, key in enumerate(SCORES)
        ]
    return differences


def score_intervals(run: RunScores, how: Resampling = Resampling()) -> dict[str, tuple[float, float]]:
    """The confidence interval of each score of one run, by the bootstrap of :func:`compare_runs`.

    Args:
        run: its scores.
        how: what is drawn, and how often.

    Returns:
        Lower and upper end of each score, in percent.
    """
    units = Units.of(run, how.groups)
    tail = _tail(how.confidence, units.degrees_of_freedom)
    low, high = np.percentile(_resample([run], units, how)[0], [tail, 100 - tail], axis=0)
    return dict(zip(SCORES, zip(low.tolist(), high.tolist(), strict=True), strict=True))


class Units(NamedTuple):
    """What is drawn: videos of each split, or groups of videos.

    Args:
        of_split: for each split, the unit of every video, in the order of the first run.
        number: of all units.
        grouped: whether groups are drawn; otherwise videos, each split for itself.
    """

    of_split: dict[str, NDArray[np.int64]]
    number: int
    grouped: bool

    @classmethod
    def of(cls, run: RunScores, groups: str | None = None) -> Units:
        """The units of a run.

        Raises:
            ValueError: if the expression is not one or does not match a video, or makes a single group.
        """
        keys = {
            split: [name if groups is None else _group(name, groups) for name in seeds[0].videos]
            for split, seeds in run.splits.items()
        }
        if groups is None:  # a video of two splits is two units
            keys = {split: [f"{split}/{name}" for name in names] for split, names in keys.items()}
        number_of = {key: number for number, key in enumerate(dict.fromkeys(chain.from_iterable(keys.values())))}
        if len(number_of) < 2 and groups is not None:
            raise ValueError(f"there is only one group, {next(iter(number_of))!r}: an interval needs two or more")
        of_split = {split: np.array([number_of[key] for key in names]) for split, names in keys.items()}
        return cls(of_split, len(number_of), groups is not None)

    @property
    def degrees_of_freedom(self) -> int:
        """Of the mean over the units."""
        return max(1, self.number - (1 if self.grouped else len(self.of_split)))

    def draw(self, generator: np.random.Generator, num_resamples: int) -> dict[str, NDArray[np.int64]]:
        """How often each video of each split is drawn, ``(R, N)``."""
        if self.grouped:
            times = generator.multinomial(self.number, np.full(self.number, 1 / self.number), size=num_resamples)
            return {split: times[:, units] for split, units in self.of_split.items()}
        return {
            split: generator.multinomial(len(units), np.full(len(units), 1 / len(units)), size=num_resamples)
            for split, units in self.of_split.items()
        }


def _group(video: str, groups: str) -> str:
    try:
        match = re.search(groups, video)
    except re.error as error:
        raise ValueError(f"`groups` must be a regular expression, got {groups!r}: {error}") from error
    if match is None:
        raise ValueError(f"`groups` {groups!r} does not match the video {video}: every video needs a group")
    return match[match.re.groups and 1] or ""


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
            if len(run.splits[split]) != len(next(iter(run.splits.values()))):
                raise ValueError(f"{run.name} has other seeds of split {split} than of the others: train the missing")
            if different := {*first.splits[split][0].videos} ^ {*run.splits[split][0].videos}:
                where = f" in split {split}" if split else ""
                raise ValueError(
                    f"{first.name} and {run.name} have predictions of different videos{where}: only one has "
                    f"{', '.join(sorted(different))}"
                )


def _resample(runs: Sequence[RunScores], units: Units, how: Resampling) -> list[NDArray[np.float64]]:
    """Scores of each run on the same resamples, ``(R, 5)`` each."""
    generator = np.random.default_rng(how.seed)
    times_of = units.draw(generator, how.num_resamples)
    weights = {split: times.mean(1) if units.grouped else np.ones(len(times)) for split, times in times_of.items()}
    scores = []
    for run in runs:
        total = np.zeros((how.num_resamples, len(SCORES)))
        for split, times in times_of.items():
            counts = _ordered_counts(run, runs[0], split)
            times_of_run = torch.from_numpy(np.where(times.any(1, keepdims=True), times, 1))  # weight 0 if not drawn
            samples = [combine_samples(of_seed, run.protocol, times_of_run).double().numpy() for of_seed in counts]
            shares = np.full((how.num_resamples, len(counts)), 1 / len(counts))
            if how.draw_seeds and len(counts) > 1:
                shares = generator.multinomial(len(counts), shares[0], size=how.num_resamples) / len(counts)
            total += weights[split][:, None] * np.einsum("rs,srk->rk", shares, np.stack(samples))
        scores.append(total / np.sum([*weights.values()], axis=0)[:, None])
    return scores


def _ordered_counts(run: RunScores, first: RunScores, split: str) -> list[VideoCounts]:
    """Counts of the videos with each seed, in the order of the first run."""
    seeds = run.splits[split]
    place = {name: number for number, name in enumerate(seeds[0].videos)}
    order = torch.tensor([place[name] for name in first.splits[split][0].videos])
    return [VideoCounts(*(count[order] for count in evaluation.counts)) for evaluation in seeds]


def _tail(confidence: float, degrees_of_freedom: int) -> float:
    """The percentile at which an interval begins: further out than ``(100 - confidence) / 2`` with few units."""
    from scipy import stats  # half a second

    quantile = stats.t.ppf(0.5 - confidence / 200, degrees_of_freedom)
    return float(100 * stats.norm.cdf(quantile * np.sqrt((degrees_of_freedom + 1) / degrees_of_freedom)))


def _exchanges(num_units: int, seed: int) -> NDArray[np.int64]:
    """Which units change sides, 0 or 1, ``(R, units)``: all ways if there are few, the first of which changes none."""
    if num_units <= _MAX_EXACT_UNITS:
        return (np.arange(2**num_units)[:, None] >> np.arange(num_units)) & 1
    exchanges = np.random.default_rng([seed, 1]).integers(0, 2, (_NUM_EXCHANGES, num_units))
    exchanges[0] = 0
    return exchanges


def _p_values(first: RunScores, other: RunScores, units: Units, exchanges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the exchanges with a difference at least as large as without, ``(5,)``."""
    differences = np.zeros((len(exchanges), len(SCORES)))
    for split, of_video in units.of_split.items():
        counts, other_counts = _ordered_counts(first, first, split), _ordered_counts(other, first, split)
        swapped = torch.from_numpy(exchanges[:, of_video])
        for place in range(num_pairs := max(len(counts), len(other_counts))):
            pair = counts[place % len(counts)], other_counts[place % len(other_counts)]
            videos = VideoCounts(*(torch.cat(columns) for columns in zip(*pair, strict=True)))
            before = combine_samples(videos, first.protocol, torch.cat([1 - swapped, swapped], 1)).double()
            after = combine_samples(videos, first.protocol, torch.cat([swapped, 1 - swapped], 1)).double()
            differences += (after - before).numpy() / num_pairs
    sizes = np.abs(differences)
    return (sizes >= sizes[0] - 1e-4).mean(0)  # scores are float32


def _holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corrected for several comparisons, ``(pairs, 5)``."""
    order = p_values.argsort(axis=0, kind="stable")
    factors = np.arange(len(p_values), 0, -1)[:, None]
    corrected = np.maximum.accumulate(np.take_along_axis(p_values, order, 0) * factors, axis=0).clip(max=1)
    result = np.empty_like(corrected)
    np.put_along_axis(result, order, corrected, 0)
    return result


def _splits(run: RunScores) -> str:
    return f"the splits {', '.join(run.splits)}" if any(run.splits) else "no splits"
