"""What is wrong with the lists of videos."""

from __future__ import annotations

from collections.abc import Iterator

from segtcn.labels.classes import listed
from segtcn.prepare.check.facts import Facts
from segtcn.prepare.check.problems import Problem, error, warning


def check_failures(facts: Facts) -> Iterator[Problem]:
    """Every list and every video can be read."""
    yield from facts.failures


def check_subsets(facts: Facts) -> Iterator[Problem]:
    """Every video is in one subset of every split."""
    for split, lists in facts.lists.items():
        test = set(lists["test"])
        if both := [name for name in lists["train"] if name in test]:
            yield error(
                "two subsets",
                f"split {split}",
                f"split {split} lists {listed(both)} for training and for test: scores on training videos mean "
                "nothing; take each out of one list",
            )
        all_listed = test.union(lists["train"])
        if neither := [name for name in facts.all_listed() if name not in all_listed]:
            yield warning(
                "no subset",
                f"split {split}",
                f"split {split} lists {listed(neither)} neither for training nor for test, other splits do: add what "
                "was forgotten",
            )


def check_unlisted(facts: Facts) -> Iterator[Problem]:
    """Every stored video is in a list."""
    if facts.unlisted:
        source = next((video.source for video in facts.videos.values()), facts.reader)
        names = listed(facts.unlisted)
        yield warning(
            "unlisted",
            names,
            f"no split lists {names}, stored beside {source}: add what was forgotten to a list, or remove it",
        )
