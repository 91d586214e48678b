"""Folds: every video is tested once, groups stay together, classes are balanced, and nothing depends on the order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.prepare.splits import make_splits

NAMES = [f"S{subject}_{recipe}" for subject in (1, 2, 3) for recipe in ("tea", "soup.v2", "Knödel")]


@settings(deadline=None, max_examples=60)
@given(number=st.integers(2, 25), folds=st.integers(2, 25), stratify=st.booleans(), seed=st.integers(0, 5))
def test_every_video_is_tested_once_and_folds_are_even(number: int, folds: int, stratify: bool, seed: int) -> None:
    folds = min(number, folds)
    names = [f"video {i}" for i in range(number)]
    counts = {name: [i % 3, (i * 7) % 5, 1] for i, name in enumerate(names)} if stratify else None
    splits = make_splits(names, folds, frames_per_class=counts, seed=seed)
    assert sorted(name for split in splits for name in split.test) == sorted(names)
    assert all(sorted(split.train + split.test) == sorted(names) for split in splits)
    sizes = [len(split.test) for split in splits]
    assert len(sizes) == folds
    assert max(sizes) - min(sizes) <= 1
    assert splits == make_splits(names[::-1], folds, frames_per_class=counts, seed=seed)


def test_seed_changes_the_folds() -> None:
    assert make_splits(NAMES, 3, seed=0) != make_splits(NAMES, 3, seed=1)


def test_without_a_number_there_are_five_folds_or_as_many_as_videos() -> None:
    assert len(make_splits(NAMES)) == 5
    assert len(make_splits(NAMES[:3])) == 3


@pytest.mark.parametrize("group", [r"^S\d", r"^(S\d)_", r"(?<=S)\d"])
def test_each_group_is_left_out_once(group: str) -> None:
    splits = make_splits(NAMES, group=group)
    assert [split.test for split in splits] == [sorted(n for n in NAMES if n.startswith(f"S{k}")) for k in (1, 2, 3)]
    assert [split.held_out[-1] for split in splits] == ["1", "2", "3"]


def test_fewer_folds_than_groups_keep_groups_together() -> None:
    splits = make_splits(NAMES, folds=2, group=r"^S\d")
    assert sorted(len(split.test) for split in splits) == [3, 6]
    for split in splits:
        assert not {name[:2] for name in split.train} & {name[:2] for name in split.test}


def test_rare_class_is_spread_over_the_folds() -> None:
    names = [f"v{i}" for i in range(12)]
    counts = {name: [100, 10 if i in (0, 1, 2) else 0, 0] for i, name in enumerate(names)}
    for split in make_splits(names, 3, frames_per_class=counts):
        assert sum(counts[name][1] for name in split.test) == 10
        assert len(split.test) == 4


def test_greedy_choice_worked_by_hand() -> None:
    # the rare class first: a takes fold 1; b, the longest, goes where no rare class is; then c and d fill up, c first
    counts = {"a": [10, 5], "b": [60, 0], "c": [20, 0], "d": [10, 0]}
    splits = make_splits(list(counts), 2, frames_per_class=counts)
    assert [split.test for split in splits] == [["a", "c"], ["b", "d"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 1}, "expected at least 2 folds"),
        ({"names": ["a"]}, "expected at least 2 folds, .* got 1"),
        ({"folds": 10}, "10 folds need as many videos, got 9"),
        ({"folds": 4, "group": r"^S\d"}, r"4 folds need as many groups \(S1, S2, S3\), got 3"),
        ({"group": "tea"}, "`group` 'tea' does not match the video S1_Knödel"),
        ({"group": "x*"}, r"`group` 'x\*' matches nothing of the video S1_Knödel"),
        ({"group": "("}, r"`group` must be a regular expression, got '\('"),
        ({"group": "S"}, "expected at least 2 folds, .* got 1"),
    ],
)
def test_impossible_folds_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_splits(**{"names": NAMES, **arguments})
