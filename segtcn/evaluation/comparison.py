"""Which of several runs is better, and whether the videos show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segtcn.evaluation.independent_units import Units
from segtcn.evaluation.scores import RunScores
from segtcn.labels.classes import listed
from segtcn.metrics import SCORES
from segtcn.metrics.counts import score_sums, summands
from segtcn.metrics.protocols import get_protocol
from segtcn.options import Resampling
from segtcn.text_table import SCORE_HEADINGS, counted

FEW_UNITS = 8
"""With fewer videos or groups, a comparison says so."""

_MAX_EXACT_UNITS = 12
_NUM_EXCHANGES = 10_000


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
        alpha: up to which ``p_value`` shows a difference.
        smallest_p: the smallest p-value that so few units can have, before the correction.
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
    smallest_p: float = 0.0

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` where the interval leaves out zero and the p-value is small enough.

        Where units are too few for any p-value to be small enough, ``by its interval`` is added: the interval alone
        decides, not corrected for several comparisons. Otherwise ``no difference shown``.
        """
        has_power = self.smallest_p <= self.alpha
        has_spread = self.high - self.low > 1e-3  # all units with the same difference have none; scores are float32
        is_shown = self.p_value <= self.alpha if has_power else has_spread
        if self.low <= 0 <= self.high or not is_shown:
            return "no difference shown"
        return ("better" if self.low > 0 else "worse") + ("" if has_power else " by its interval")


def compare_runs(runs: Sequence[RunScores], how: Resampling = Resampling()) -> list[Difference]:
    """Compare runs by a paired, hierarchical bootstrap, and by a paired permutation test.

    *Interval.* Each resample draws units with replacement, the same for all runs: videos of every split, one fewer than
    it has, or, with ``groups``, one fewer than all groups. (Where a split has a single video, all videos are drawn like
    groups.) It then draws seeds of each run, one fewer than it has. A run's score of the drawn videos is that of the
    protocol, pooled scores from the pooled counts; the mean is taken over the seeds, then over the splits, each
    weighted by how often its groups were drawn. The standard deviation of the differences is the standard error of the
    difference, and the interval is that of the t distribution around it. (Drawing as many units as there are makes
    standard errors too small, which matters where units are few.)

    *p-value.* Under the hypothesis that two runs are alike, the predictions of a unit may be exchanged. The p-value is
    the share of exchanges whose difference is at least as large: of all, if there are up to 4,096, or of 10,000 random
    ones. For each score, the method of Holm corrects the p-values of all pairs.

    Args:
        runs: two or more, of the same videos under the same protocol.
        how: what is drawn, how often, and which pairs.

    Returns:
        Five differences for every pair.

    Raises:
        ValueError: if there are fewer than two runs, or they have different protocols, splits or videos; if a run has
            more seeds of one split than of another; if ``groups`` matches nothing of a video; if there are fewer than
            two units to draw from; or if a number is out of range.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 15; Hesterberg, "What Teachers
        Should Know About the Bootstrap", The American Statistician, 2015 (t intervals); Rao and Wu, "Resampling
        Inference with Complex Survey Data", Journal of the American Statistical Association, 1988 (one unit fewer);
        Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics, 1979.
    """
    check_comparable(runs)
    if how.seed < 0:
        raise ValueError(f"`seed` must be at least 0, got {how.seed}")
    if how.num_resamples < 2 or not 50 <= how.confidence < 100:  # 0.95 is a share
        raise ValueError(
            "`num_resamples` must be at least 2 and `confidence` from 50 to below 100 percent, got "
            f"{how.num_resamples} and {how.confidence}"
        )
    units = Units.of(runs[0], how.groups)
    if units.degrees_of_freedom < 1:
        what = "videos" if how.groups is None else "groups of videos"
        raise ValueError(f"an interval needs two or more {what}, got {units.number}")
    samples, width = _resample(runs, units, how), _width(how.confidence, units.degrees_of_freedom)
    pairs = [(i, j) for i in range(len(runs)) for j in range(i + 1, len(runs)) if how.all_pairs or i == 0]
    exchanges = _exchanges(units.number, how.seed)
    p_values = _holm(_p_values(runs, pairs, units, exchanges))
    exact = len(exchanges) == 2**units.number
    smallest_p = (2 if exact else 1) / len(exchanges)
    differences = []
    for (i, j), of_pair in zip(pairs, p_values, strict=True):
        margins = width * (samples[j] - samples[i]).std(axis=0)
        first, value = runs[i].scores, runs[j].scores
        differences += [
            Difference(
                run=runs[j].name,
                score=key,
                first=first[key],
                value=value[key],
                difference=value[key] - first[key],
                low=max(-100.0, value[key] - first[key] - float(margins[k])),
                high=min(100.0, value[key] - first[key] + float(margins[k])),
                against=runs[i].name,
                p_value=float(of_pair[k]),
                alpha=1 - how.confidence / 100,
                smallest_p=smallest_p,
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
        Lower and upper end of each score, in percent; 0 and 100 if there are fewer than two units.
    """
    units = Units.of(run, how.groups)
    if units.degrees_of_freedom < 1:
        return dict.fromkeys(SCORES, (0.0, 100.0))
    margins = _width(how.confidence, units.degrees_of_freedom) * _resample([run], units, how)[0].std(axis=0)
    scores = run.scores
    return {
        key: (max(0.0, scores[key] - margin), min(100.0, scores[key] + margin))
        for key, margin in zip(SCORES, margins.tolist(), strict=True)
    }


def score_notes(scores: Sequence[RunScores]) -> list[str]:
    """What was scored, for the foot of a table.

    Args:
        scores: of the runs.

    Returns:
        Lines of text.
    """
    first = scores[0]
    num_videos = sum(len(seeds[0].videos) for seeds in first.splits.values())
    seeds = ", ".join(f"{max(map(len, run.splits.values()))} of {run.name}" for run in scores)
    notes = [
        f"Protocol {first.protocol}, percent, {counted(num_videos, 'video')}, {counted(len(first.splits), 'split')}. "
        f"Seeds: {seeds}; every score is the mean over the seeds, then over the splits."
    ]
    return notes + _notes_on_frames(scores)


def interval_notes(scores: Sequence[RunScores], differences: Sequence[Difference], bootstrap: Resampling) -> list[str]:
    """What intervals and p-values mean, for the foot of a table; the same under all protocols.

    Args:
        scores: of the runs, the first is what the others are compared with.
        differences: what :func:`compare_runs` made of them; none of a single run.
        bootstrap: how it drew.

    Returns:
        Lines of text.
    """
    units = Units.of(scores[0], bootstrap.groups)
    groups, paired = bootstrap.groups, "paired " if differences else ""
    what = (
        "videos of each split"
        if groups is None
        else f"{counted(units.number, 'group')} '{groups}' (test videos of {units.sizes})"
    )
    kind = f"t distribution, {counted(units.degrees_of_freedom, 'degree')} of freedom, with the standard error of a "
    num_pairs = len(differences) // len(SCORE_HEADINGS)
    drawn = f"{'videos' if groups is None else 'groups'}{_on_seeds(scores, bootstrap)}"
    notes = [
        f"Interval: {bootstrap.confidence:g} %, {kind}{paired}bootstrap over the {what}, {bootstrap.num_resamples} "
        f"resamples, seed {bootstrap.seed}. It covers the choice of these {drawn}."
    ]
    if differences:
        corrected = f", corrected for {num_pairs} pairs (Holm)" if num_pairs > 1 else ""
        notes.append(f"p: paired permutation test over the same units{corrected}.")
    if units.number < FEW_UNITS:
        notes.append(f"Only {counted(units.number, 'unit')} to draw from: intervals are wide.")
    if differences:
        notes += _notes_on_power(differences[0], num_pairs)
    return notes


def check_comparable(runs: Sequence[RunScores]) -> None:
    """Refuse runs that were scored differently or on different videos.

    Args:
        runs: the first is what the others are compared with.

    Raises:
        ValueError: if there are fewer than two runs, they differ in protocol, splits or videos, or one has more seeds
            of one split than of another.
    """
    if len(runs) < 2:
        raise ValueError(f"expected two or more runs to compare, got {len(runs)}")
    first = runs[0]
    for run in runs:
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
                other, count = next((name, len(seeds)) for name, seeds in run.splits.items())
                raise ValueError(
                    f"{run.name} has {counted(len(run.splits[split]), 'seed')} of split {split} and {count} of split "
                    f"{other}: train the missing"
                )
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
            tables = _tables(run, runs[0], split)
            times_of_run = torch.from_numpy(np.where(times.any(1, keepdims=True), times, 1))  # weight 0 if not drawn
            samples = score_sums(times_of_run.double() @ tables, run.protocol).double().numpy()
            shares = np.full((how.num_resamples, len(tables)), 1 / len(tables))
            if how.draw_seeds and len(tables) > 1:
                drawn = len(tables) - 1
                shares = generator.multinomial(drawn, shares[0], size=how.num_resamples) / drawn
            total += weights[split][:, None] * np.einsum("rs,srk->rk", shares, samples)
        scores.append(total / np.sum([*weights.values()], axis=0)[:, None])
    return scores


def _tables(run: RunScores, first: RunScores, split: str) -> Tensor:
    """What is summed of each video with each seed, ``(seeds, N, 14)``, in the order of the first run."""
    seeds = run.splits[split]
    place = {name: number for number, name in enumerate(seeds[0].videos)}
    order = [place[name] for name in first.splits[split][0].videos]
    return torch.stack([summands(evaluation.counts, run.protocol)[order] for evaluation in seeds])


def _width(confidence: float, degrees_of_freedom: int) -> float:
    """Half the width of an interval in standard errors."""
    from scipy import stats  # half a second

    return float(stats.t.ppf(0.5 + confidence / 200, degrees_of_freedom))


def _exchanges(num_units: int, seed: int) -> NDArray[np.int64]:
    """Which units change sides, 0 or 1, ``(R, units)``: all ways if there are few, the first of which changes none."""
    if num_units <= _MAX_EXACT_UNITS:
        return (np.arange(2**num_units)[:, None] >> np.arange(num_units)) & 1
    exchanges = np.random.default_rng([seed, 1]).integers(0, 2, (_NUM_EXCHANGES, num_units))
    exchanges[0] = 0
    return exchanges


def _p_values(
    runs: Sequence[RunScores], pairs: Sequence[tuple[int, int]], units: Units, exchanges: NDArray[np.int64]
) -> NDArray[np.float64]:
    """For each pair, the share of the exchanges with a difference at least as large as without, ``(pairs, 5)``."""
    protocol, differences = runs[0].protocol, np.zeros((len(pairs), len(exchanges), len(SCORES)), np.float32)
    for split, of_video in units.of_split.items():
        moved = torch.from_numpy(exchanges[:, of_video]).double()
        tables = [_tables(run, runs[0], split) for run in runs]
        num_places = [math.lcm(len(tables[i]), len(tables[j])) for i, j in pairs]  # each seed equally often
        for place in range(max(num_places)):
            rows = [table[place % len(table)] for table in tables]
            sides = [((1 - moved) @ of_run, moved @ of_run) for of_run in rows]
            for number, (i, j) in enumerate(pairs):
                if place < num_places[number]:
                    (kept, gone), (other_kept, other_gone) = sides[i], sides[j]
                    after = score_sums(other_kept + gone, protocol) - score_sums(kept + other_gone, protocol)
                    differences[number] += after.numpy() / num_places[number]
    sizes = np.abs(differences)
    return (sizes >= sizes[:, :1] - 1e-4).mean(axis=1)  # scores are float32


def _holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corrected for several comparisons, ``(pairs, 5)``."""
    order = p_values.argsort(axis=0, kind="stable")
    factors = np.arange(len(p_values), 0, -1)[:, None]
    corrected = np.maximum.accumulate(np.take_along_axis(p_values, order, 0) * factors, axis=0).clip(max=1)
    result = np.empty_like(corrected)
    np.put_along_axis(result, order, corrected, 0)
    return result


def _splits(run: RunScores) -> str:
    return f"split{'s' if len(run.splits) > 1 else ''} {', '.join(run.splits)}" if any(run.splits) else "no splits"


def _notes_on_power(difference: Difference, num_pairs: int) -> list[str]:
    """What p-values of so few units cannot show."""
    smallest_p = min(1.0, num_pairs * difference.smallest_p)
    if smallest_p <= difference.alpha:
        return []
    if difference.smallest_p <= difference.alpha:
        return [f"With {num_pairs} pairs p cannot be below {smallest_p:.3g}: no difference can be shown."]
    alone = f", and is not corrected for {num_pairs} pairs" if num_pairs > 1 else ""
    return [f"p cannot be below {smallest_p:.3g}: the interval decides alone{alone}."]


def _notes_on_frames(scores: Sequence[RunScores]) -> list[str]:
    """Whether the runs are scored on frames of different rates, or on more frames than others."""
    protocol = get_protocol(scores[0].protocol)
    rates = {run.name: run.fps / protocol.frame_step(run.fps) for run in scores if run.fps is not None}
    frames = {run.name: sum(int(seeds[0].counts.frames.sum()) for seeds in run.splits.values()) for run in scores}
    stored = {None if run.fps is None else run.fps * run.sample_rate for run in scores}
    can_score_all = len(stored) == 1 < len({run.sample_rate for run in scores})
    remedy = "; `sample_rate` = 1 scores all stored frames" if can_score_all else ""
    if len({*rates.values()}) > 1:
        text = ", ".join(f"{name}: {rate:g}" for name, rate in rates.items())
        return [f"The runs are scored at different rates, labels a second: {text}{remedy}."]
    if len({*frames.values()}) > 1:
        text = ", ".join(f"{name}: {number:,}" for name, number in frames.items())
        return [f"The runs are scored on different numbers of frames: {text}{remedy}."]
    return []


def _on_seeds(scores: Sequence[RunScores], bootstrap: Resampling) -> str:
    """Whether an interval covers the choice of the seeds, too."""
    single = [run.name for run in scores if max(map(len, run.splits.values())) == 1]
    if not bootstrap.draw_seeds:
        return ", not that of seeds"
    if len(single) == len(scores):
        return ", not that of seeds: train more than one"
    return f" and of the seeds{f', but not of the single seed of {listed(single)}: train more' if single else ''}"
