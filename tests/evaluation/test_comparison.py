"""Comparing runs: honest intervals by a paired bootstrap, worked out slowly for comparison."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from segtcn.evaluation import Resampling, RunScores, compare_runs, interval_notes, score_notes
from segtcn.evaluation.comparison import _holm, score_intervals
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


def test_interval_is_that_of_a_slow_bootstrap():
    """Every resample on its own, with `combine_videos`, from the same draws; t(0.95, 12 videos - 2 splits) = 1.8125."""
    first, second = scored("a", 6, 0.6, "mstcn", seeds=2), scored("b", 6, 0.75, "mstcn", seeds=2, seed=1)
    generator = np.random.default_rng(3)
    times = {split: generator.multinomial(5, np.full(6, 1 / 6), size=50) for split in ("1", "2")}
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
    (found,) = (
        each
        for each in compare_runs([first, second], Resampling(50, 90, seed=3, draw_seeds=False))
        if each.score == "f1@50"
    )
    assert found.difference == pytest.approx(second.scores["f1@50"] - first.scores["f1@50"])
    margin = 1.8125 * np.std(differences)
    assert (found.low, found.high) == pytest.approx((found.difference - margin, found.difference + margin), abs=1e-3)


def test_better_is_said_only_where_the_interval_leaves_out_zero():
    poor, good = scored("poor", 20, 0.5), scored("good", 20, 0.9)
    assert {each.verdict for each in compare_runs([poor, good], Resampling(500))} == {"better"}
    assert {each.verdict for each in compare_runs([good, poor], Resampling(500))} == {"worse"}
    other = scored("other", 20, 0.5, seed=9)  # the same network with other noise
    for each in compare_runs([poor, other], Resampling(500)):
        assert (each.verdict == "no difference shown") == (each.low <= 0 <= each.high)
    assert "no difference shown" in {each.verdict for each in compare_runs([poor, other], Resampling(500))}


def test_a_run_does_not_differ_from_itself():
    run = scored("a", 5, 0.6)
    for each in compare_runs([run, run], Resampling(200)):
        assert (each.difference, each.low, each.high, each.verdict) == (0, 0, 0, "no difference shown")


@pytest.mark.parametrize("groups", [None, ".+"])
@pytest.mark.parametrize("number", [2, 3, 4, 5])
def test_no_run_is_better_where_all_videos_differ_by_the_same(groups, number):
    labels = {f"v{i}": [1] * 100 for i in range(number)}
    runs = []
    for name, extra in (("a", 0), ("b", 33)):
        preds = {video: [1] * (50 - i + extra) + [2] * (50 + i - extra) for i, video in enumerate(labels)}
        runs.append(RunScores(name, "lea", {"1": [evaluate_videos(preds, labels)]}))
    each, *_ = compare_runs(runs, Resampling(200, groups=groups))
    assert each.score == "accuracy"
    assert each.difference == pytest.approx(33, abs=1e-3)
    assert each.verdict == "no difference shown"


def frames_note(*runs: tuple[str, int, float | None, int], protocol: str = "lea") -> str:
    """What is said of runs with a name, frames, labels a second and sample rate."""
    scores = []
    for name, frames, fps, sample_rate in runs:
        labels = {"v": [1] * frames, "w": [0, 2]}
        scores.append(RunScores(name, protocol, {"1": [evaluate_videos(labels, labels)]}, sample_rate, fps))
    return " ".join(score_notes(scores)[1:])


def test_runs_on_other_frames_are_noted():
    assert frames_note(("a", 60, 15, 1), ("b", 60, 15, 1)) == ""
    rates = frames_note(("a", 60, 15, 1), ("b", 30, 7.5, 2))
    assert rates == (
        "The runs are scored at different rates, labels a second: a: 15, b: 7.5; `sample_rate` = 1 scores all stored "
        "frames."
    )
    # no note: both at 3 labels a second; all stored frames would be 15 and 30
    assert frames_note(("a", 12, 3, 5), ("b", 12, 3, 10)) == ""
    # no note: ASRF's protocol scores both at 15
    assert frames_note(("a", 60, 15, 1), ("b", 60, 30, 1), protocol="asrf") == ""
    assert frames_note(("a", 60, None, 1), ("b", 30, None, 1)) == (
        "The runs are scored on different numbers of frames: a: 62, b: 32."
    )
    assert frames_note(("a", 60, None, 1), ("b", 30, None, 2)).endswith("; `sample_rate` = 1 scores all stored frames.")


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
    for each in compare_runs([run, RunScores("b", "lea", turned)], Resampling(200)):
        assert (each.low, each.high) == (0, 0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """90 of 100 intervals of pairs of equally good networks should hold zero; 20 videos make them a little narrow."""
    covered = []
    for trial in range(60):
        first, second = scored("a", 20, 0.7, seed=2 * trial + 10), scored("b", 20, 0.7, seed=2 * trial + 11)
        found = next(
            each for each in compare_runs([first, second], Resampling(200, 90, seed=trial)) if each.score == "accuracy"
        )
        covered.append(found.low <= 0 <= found.high)
    assert 0.75 <= np.mean(covered) <= 0.99


def test_the_same_seed_gives_the_same_interval():
    runs = [scored("a", 8, 0.6), scored("b", 8, 0.8)]
    assert compare_runs(runs, Resampling(100, seed=1)) == compare_runs(runs, Resampling(100, seed=1))
    assert compare_runs(runs, Resampling(100, seed=1)) != compare_runs(runs, Resampling(100, seed=2))


def regrouped(run: RunScores, name_of) -> RunScores:
    splits = {
        split: [
            each._replace(videos={name_of(split, name): row for name, row in each.videos.items()}) for each in seeds
        ]
        for split, seeds in run.splits.items()
    }
    return run._replace(splits=splits)


def test_groups_are_drawn_as_one_slowly():
    """Three persons in two splits; every resample on its own, splits weighted by how often their persons are drawn."""
    runs = [scored("a", 6, 0.6), scored("b", 6, 0.7, seed=1)]
    runs = [regrouped(run, lambda split, name: f"P{(int(name[1]) + 2 * int(split)) % 3}_{split}{name}") for run in runs]
    times = np.random.default_rng(0).multinomial(2, np.full(3, 1 / 3), size=40)
    persons = {}  # numbered as they appear
    for seeds in runs[0].splits.values():
        for name in seeds[0].videos:
            persons.setdefault(name[:2], len(persons))
    differences = []
    for drawn in times:
        scores = []
        for run in runs:
            values, weights = [], []
            for seeds in run.splits.values():
                often = np.array([drawn[persons[name[:2]]] for name in seeds[0].videos])
                rows = np.repeat([row["accuracy"] for row in seeds[0].videos.values()], often)
                values.append(rows.mean() if len(rows) else 0.0)
                weights.append(often.mean())
            scores.append(np.average(values, weights=weights))
        differences.append(scores[1] - scores[0])
    found = next(each for each in compare_runs(runs, Resampling(40, 80, groups=r"^P\d")) if each.score == "accuracy")
    margin = 1.8856 * np.std(differences)  # t(0.9, 3 persons - 1)
    assert (found.low, found.high) == pytest.approx((found.difference - margin, found.difference + margin), abs=1e-3)


def test_a_permutation_test_worked_by_hand():
    """Two videos: b is better by 50 points in one and by 25 in the other; of 4 exchanges 2 are as far apart."""
    truth = {"x": [0, 0, 0, 0], "y": [1, 1, 1, 1]}
    a = evaluate_videos({"x": [0, 0, 1, 1], "y": [1, 1, 1, 0]}, truth)
    b = evaluate_videos(truth, truth)
    runs = [RunScores("a", "lea", {"1": [a]}), RunScores("b", "lea", {"1": [b]})]
    found = {each.score: each for each in compare_runs(runs, Resampling(100))}["accuracy"]
    assert (found.difference, found.p_value, found.verdict) == (37.5, 0.5, "no difference shown")


def test_several_comparisons_are_corrected_by_hand():
    p_values = np.array([[0.01], [0.04], [0.03], [0.5]])
    assert _holm(p_values)[:, 0].tolist() == pytest.approx([0.04, 0.09, 0.09, 0.5])


def test_all_pairs_name_both_runs():
    runs = [scored(name, 5, quality, seed=i) for i, (name, quality) in enumerate((("a", 0.5), ("b", 0.6), ("c", 0.9)))]
    pairs = [(each.against, each.run) for each in compare_runs(runs, Resampling(100, all_pairs=True))[::5]]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]


def test_differences_can_be_shown_among_the_pairs_of_many_runs():
    runs = [scored(str(i), 14, 0.5 + 0.03 * i) for i in range(15)]
    found = {(each.against, each.run): each for each in compare_runs(runs, Resampling(100, all_pairs=True))[4::5]}
    assert len(found) == 105
    assert found["0", "14"].verdict == "better"  # of 2,000 exchanges, 105 pairs could not have shown it


def test_with_few_groups_the_interval_speaks_alone():
    """Four persons in two splits: no p-value is below 2 / 16."""
    runs = [scored("a", 6, 0.5), scored("b", 6, 0.95, seed=1)]
    runs = [regrouped(run, lambda split, name: f"P{int(name[1]) % 4}_{split}{name}") for run in runs]
    found = {each.score: each for each in compare_runs(runs, Resampling(200, groups=r"^P\d"))}["accuracy"]
    assert (found.p_value, found.smallest_p) == (0.125, 0.125)
    assert found.verdict == "better by its interval"


def test_more_comparisons_never_make_a_verdict_looser():
    """Six persons: 2 of 64 exchanges are enough for one pair, and not for two."""
    runs = [
        scored(name, 6, quality, seed=seed) for seed, (name, quality) in enumerate((("a", 0.5), ("b", 0.8), ("c", 0.8)))
    ]
    runs = [regrouped(run, lambda split, name: f"P{name[1]}_{split}") for run in runs]
    how = Resampling(200, groups=r"^P\d")
    alone = {each.score: each for each in compare_runs(runs[:2], how)}
    among = {each.score: each for each in compare_runs(runs, how) if each.run == "b"}
    assert alone["accuracy"].verdict == "better"
    assert {each.verdict for each in among.values()} == {"no difference shown"}
    notes = interval_notes(runs, compare_runs(runs, how), how)
    assert "With 2 pairs p cannot be below 0.0625: no difference can be shown." in notes
    few = [regrouped(run, lambda split, name: f"P{int(name[1]) % 4}_{name}") for run in runs]
    notes = interval_notes(few, compare_runs(few, how), how)
    assert "p cannot be below 0.25: the interval decides alone, and is not corrected for 2 pairs." in notes


@pytest.mark.parametrize(("first", "second"), [(3, 5), (4, 6), (1, 3)])
def test_the_permutation_test_gives_each_seed_the_same_weight(first, second):
    """Slowly: accuracy under `lea` is a mean over videos, so that the means of the seeds change sides."""
    runs = []
    for name, number in (("a", first), ("b", second)):
        each = [scored(name, 4, 0.3 + 0.5 * seed / number, seed=10 * number + seed) for seed in range(number)]
        runs.append(RunScores(name, "lea", {split: [run.splits[split][0] for run in each] for split in ("1", "2")}))
    means = [
        np.array([row["accuracy"] for split in run.splits for row in run.video_scores(split).values()]) for run in runs
    ]
    signs = np.array([*product((1, -1), repeat=8)])
    sizes = np.abs((signs * (means[1] - means[0])).mean(1))
    expected = (sizes >= abs((means[1] - means[0]).mean()) - 1e-4).mean()
    (found,) = (each.p_value for each in compare_runs(runs, Resampling(5)) if each.score == "accuracy")
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("num_seeds", [2, 3])
def test_the_standard_error_of_few_seeds_is_that_of_their_mean(num_seeds):
    """All videos are alike, so that only seeds differ: variance / number of seeds, of both runs."""
    labels = {f"v{i}": np.zeros(100, int) for i in range(20)}
    right = {"a": [50, 56, 64][:num_seeds], "b": [60, 70, 62][:num_seeds]}
    runs = [
        RunScores(
            name,
            "lea",
            {"1": [evaluate_videos(dict.fromkeys(labels, (np.arange(100) >= n) * 1), labels) for n in numbers]},
        )
        for name, numbers in right.items()
    ]
    (found,) = (each for each in compare_runs(runs, Resampling(20_000)) if each.score == "accuracy")
    error = np.sqrt(sum(np.var(numbers, ddof=1) / num_seeds for numbers in right.values()))
    assert found.high - found.difference == pytest.approx(2.093 * error, rel=0.02)  # t of 19 degrees of freedom


def test_no_interval_leaves_the_range_of_a_difference():
    """Two persons, of whom one shows the opposite of the other."""
    worse, better = scored("b", 6, 0.1, seed=1).splits, scored("b", 6, 0.95, seed=1).splits
    runs = [scored("a", 6, 0.5), RunScores("b", "lea", {"1": worse["1"], "2": better["2"]})]
    runs = [regrouped(run, lambda split, name: f"P{split}_{name}") for run in runs]
    for found in compare_runs(runs, Resampling(200, groups=r"^P\d")):
        assert (found.low, found.high) == (-100, 100)


def test_the_choice_of_seeds_widens_the_interval():
    runs = [scored("a", 6, 0.5, seeds=3), scored("b", 6, 0.5, seeds=3, seed=4)]
    wide, narrow = (compare_runs(runs, Resampling(500, draw_seeds=draw)) for draw in (True, False))
    assert np.mean([a.high - a.low for a in wide]) > np.mean([a.high - a.low for a in narrow])


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        (lambda run: run, {"groups": "^S[0-9]"}, r"`groups` '\^S\[0-9\]' does not match the video v0: every video"),
        (lambda run: run, {"groups": "("}, "`groups` must be a regular expression"),
        (lambda run: run, {"groups": "^v"}, "an interval needs two or more groups of videos, got 1"),
        (lambda run: run, {"groups": "^(v0)|^(v1)|^(v2)|^(v3)"}, "matches nothing of the video v1"),
        (lambda run: run, {"groups": "[1-9]*$"}, "matches nothing of the video v0"),
        (
            lambda run: run._replace(splits={**run.splits, "2": run.splits["2"] * 2}),
            {},
            "b has 2 seeds of split 2 and 1 of split 1: train",
        ),
        (lambda run: run, {"seed": -1}, "`seed` must be at least 0, got -1"),
        (lambda run: run, {"num_resamples": 0}, "`num_resamples` must be at least 2"),
        (lambda run: run, {"confidence": 0.95}, "`confidence` from 50 to below 100 percent"),
    ],
)
def test_comparisons_that_say_nothing_are_refused(change, how, message):
    with pytest.raises(ValueError, match=message):
        compare_runs([scored("a", 4, 0.6), change(scored("b", 4, 0.6, seed=1))], Resampling(**how))


def test_the_first_run_has_as_many_seeds_of_each_split_as_the_others():
    first, second = scored("a", 4, 0.6, seeds=2), scored("b", 4, 0.6, seed=1)
    first = first._replace(splits={**first.splits, "2": first.splits["2"][:1]})
    with pytest.raises(ValueError, match="a has 1 seed of split 2 and 2 of split 1: train the missing"):
        compare_runs([first, second])


def test_one_video_says_nothing_about_others():
    runs = [scored(name, 1, quality) for name, quality in (("a", 0.5), ("b", 0.7))]  # one in each of two splits
    assert all(each.high > each.low for each in compare_runs(runs, Resampling(500)) if each.difference)
    runs = [RunScores(run.name, run.protocol, {"1": run.splits["1"]}) for run in runs]
    with pytest.raises(ValueError, match=r"an interval needs two or more videos, got 1$"):
        compare_runs(runs)
    assert score_intervals(runs[0])["edit"] == (0, 100)


def test_the_notes_of_a_single_run_say_its_seeds_and_units():
    runs = [scored("a", 2, 0.6, seeds=3)]
    notes = interval_notes(runs, [], Resampling(groups="."))
    assert "4 videos, 2 splits. Seeds: 3 of a" in score_notes(runs)[0]
    assert "standard error of a bootstrap over the 1 group '.' (test videos of v: 4)" in notes[0]
    assert notes[1:] == ["Only 1 unit to draw from: intervals are wide."]


def test_the_notes_say_whose_seeds_the_interval_covers():
    runs = {number: scored(f"of {number}", 6, 0.6, seeds=number) for number in (1, 2, 3)}

    def on_seeds(numbers, draw_seeds=True):
        how = Resampling(5, draw_seeds=draw_seeds)
        chosen = [runs[number] for number in numbers]
        return interval_notes(chosen, compare_runs(chosen, how), how)[0].rpartition("choice of these videos")[2]

    assert on_seeds((2, 3)) == " and of the seeds."
    assert on_seeds((1, 2)) == " and of the seeds, but not of the single seed of of 1: train more."
    assert on_seeds((1, 1)) == ", not that of seeds: train more than one."
    assert on_seeds((2, 3), draw_seeds=False) == ", not that of seeds."


def test_equal_differences_of_few_videos_show_nothing():
    """Their interval has no width: three videos cannot say how much others would differ."""
    frames = np.repeat([0, 1, 2, 1], 5)
    truth = {f"v{i}": frames for i in range(3)}
    runs = [
        RunScores(name, "lea", {"": [evaluate_videos(dict.fromkeys(truth, preds), truth, "lea", background=0)]})
        for name, preds in (("poor", np.repeat([0, 1, 2, 2], 5)), ("good", frames))
    ]
    for each in compare_runs(runs, Resampling(50)):
        assert each.low == each.high == each.difference
        assert each.verdict == "no difference shown"
