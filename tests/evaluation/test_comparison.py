"""Comparing runs: honest intervals by a paired bootstrap, worked out slowly for comparison."""

from __future__ import annotations

import numpy as np
import pytest

from segtcn.evaluation import RunScores, compare_runs
from segtcn.metrics import combine_videos, evaluate_videos


def scored(name: str, videos: int, quality: float, protocol: str = "lea", seeds: int = 1, seed: int = 0) -> RunScores:
    """A run on random videos in two splits; every run has the same truth."""
    splits = {}
    for split in ("1", "2"):
        truth = np.random.default_rng([7, int(split)])
        labels = {f"v{i}": np.repeat(truth.integers(0, 4, 12), truth.integers(1, 9, 12)) for i in range(videos)}
        evaluations = []
        for own in range(seeds):
            rng = np.random.default_rng([seed, own, int(split)])
            preds = {
                video: np.where(rng.random(len(frames)) < quality, frames, rng.integers(0, 4, len(frames)))
                for video, frames in labels.items()
            }
            evaluations.append(evaluate_videos(preds, labels, protocol, background=0))
        splits[split] = evaluations
    return RunScores(name, protocol, splits)


def test_interval_is_the_percentiles_of_a_slow_bootstrap():
    """Every resample on its own, with `combine_videos`, from the same draws."""
    first, second = scored("a", 6, 0.6, "mstcn", seeds=2), scored("b", 6, 0.75, "mstcn", seeds=2, seed=1)
    generator = np.random.default_rng(3)
    times = {split: generator.multinomial(6, np.full(6, 1 / 6), size=50) for split in ("1", "2")}
    differences = []
    for r in range(50):
        scores = []
        for run in (first, second):
            drawn = {split: np.repeat(np.arange(6), times[split][r]) for split in run.splits}
            values = [
                np.mean([combine_videos(each.counts, "mstcn", drawn[split])["f1@50"] for each in seeds])
                for split, seeds in run.splits.items()
            ]
            scores.append(np.mean(values))
        differences.append(scores[1] - scores[0])
    (found,) = (each for each in compare_runs([first, second], 50, 90, seed=3) if each.score == "f1@50")
    assert (found.low, found.high) == pytest.approx(
        (np.percentile(differences, 5), np.percentile(differences, 95)), abs=1e-5
    )
    assert found.difference == pytest.approx(second.scores["f1@50"] - first.scores["f1@50"])


def test_better_is_said_only_where_the_interval_leaves_out_zero():
    poor, good = scored("poor", 20, 0.5), scored("good", 20, 0.9)
    assert {each.verdict for each in compare_runs([poor, good], 500)} == {"better"}
    assert {each.verdict for each in compare_runs([good, poor], 500)} == {"worse"}
    other = scored("other", 20, 0.5, seed=9)  # the same network with other noise
    for each in compare_runs([poor, other], 500):
        assert (each.verdict == "no difference shown") == (each.low <= 0 <= each.high)
    assert "no difference shown" in {each.verdict for each in compare_runs([poor, other], 500)}


def test_a_run_does_not_differ_from_itself():
    run = scored("a", 5, 0.6)
    for each in compare_runs([run, run], 200):
        assert (each.difference, each.low, each.high, each.verdict) == (0, 0, 0, "no difference shown")


def test_videos_are_paired_by_name_not_by_position():
    run = scored("a", 8, 0.6)
    turned = {
        split: [
            seeds[0]._replace(
                videos=dict(reversed(seeds[0].videos.items())),
                counts=type(seeds[0].counts)(*(count.flip(0) for count in seeds[0].counts)),
            )
        ]
        for split, seeds in run.splits.items()
    }
    for each in compare_runs([run, RunScores("b", "lea", turned)], 200):
        assert (each.low, each.high) == (0, 0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """90 of 100 intervals of pairs of equally good networks should hold zero; 20 videos make them a little narrow."""
    covered = []
    for trial in range(60):
        first, second = scored("a", 20, 0.7, seed=2 * trial + 10), scored("b", 20, 0.7, seed=2 * trial + 11)
        found = next(each for each in compare_runs([first, second], 200, 90, seed=trial) if each.score == "accuracy")
        covered.append(found.low <= 0 <= found.high)
    assert 0.75 <= np.mean(covered) <= 0.99


def test_the_same_seed_gives_the_same_interval():
    runs = [scored("a", 8, 0.6), scored("b", 8, 0.8)]
    assert compare_runs(runs, 100, seed=1) == compare_runs(runs, 100, seed=1)
    assert compare_runs(runs, 100, seed=1) != compare_runs(runs, 100, seed=2)
