"""What is wrong with the lists of videos, and with what the card says."""

from __future__ import annotations

import math
from collections.abc import Iterator

from segtcn.data.card import read_card
from segtcn.labels.classes import listed
from segtcn.labels.video_lists import group_problem
from segtcn.prepare.check.facts import Facts
from segtcn.prepare.check.problems import Problem, error, warning

_OF_ALL_VIDEOS = ("frames", "shortest_video", "longest_video", "segments")


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


def check_card(facts: Facts) -> Iterator[Problem]:
    """The card's numbers are the measured ones."""
    path = facts.options.card
    if path is None:
        return
    try:
        card = read_card(path)
    except (ValueError, OSError) as failure:
        yield warning("card", str(path), f"{failure} (`card: null` goes without)")
        return
    if card.get("groups") and (problem := group_problem(facts.all_listed(), card["groups"])):
        what = f"{path} says `groups`: {problem}: correct it, or `segtcn compare` draws single videos"
        yield warning("card", "groups", what)
    complete = not any(problem.kind in ("missing", "unreadable", "no truth", "labels") for problem in facts.failures)
    for name, measured in facts.totals.items():
        if name not in card or (name in _OF_ALL_VIDEOS and not complete) or (measured is None and name != "background"):
            continue
        stated = card[name]
        if (stated is not None or name == "background") and not _agree(name, stated, measured):
            yield warning(
                "card",
                name,
                f"{path} says `{name}`: {_text(stated)}, the data has {_text(measured)}: correct the card or the data, "
                "or `card: null` if it describes other files",
            )


def _agree(name: str, stated: object, measured: object) -> bool:
    if name == "fps" and isinstance(stated, int | float) and isinstance(measured, int | float):
        return math.isclose(stated, measured, rel_tol=1e-3)
    return stated == measured


def _text(value: object) -> str:
    return listed(value, 100) if isinstance(value, list) else str(value)
