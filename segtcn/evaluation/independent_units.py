"""What is independent in a comparison and so is drawn: videos, or the persons and recordings that they show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segtcn.evaluation.runs import Run
from segtcn.evaluation.scores import RunScores
from segtcn.labels.classes import listed
from segtcn.labels.track_classes import track_of
from segtcn.labels.video_lists import group_of, group_problem

MOST_LISTED = 12
"""Groups that a note names; it counts the others."""


class Units(NamedTuple):
    """What is drawn: videos of each split, or groups of videos.

    Args:
        of_split: for each split, the unit of every video, in the order of the first run.
        names: of all units.
        grouped: whether they are drawn from all splits at once: groups, and videos if a split has a single one.
    """

    of_split: dict[str, NDArray[np.int64]]
    names: tuple[str, ...]
    grouped: bool

    @classmethod
    def of(cls, run: RunScores, groups: str | None = None) -> Units:
        """The units of a run.

        Raises:
            ValueError: if the expression is not one, or matches nothing of a video.
        """
        keys = {
            split: [name if groups is None else group_of(name, groups) for name in seeds[0].videos]
            for split, seeds in run.splits.items()
        }
        if groups is None:  # a video of two splits is two units
            keys = {split: [f"{split}/{name}" for name in names] for split, names in keys.items()}
        number_of = {key: number for number, key in enumerate(dict.fromkeys(chain.from_iterable(keys.values())))}
        of_split = {split: np.array([number_of[key] for key in names]) for split, names in keys.items()}
        return cls(of_split, tuple(number_of), groups is not None or min(map(len, of_split.values())) == 1)

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.names)

    @property
    def degrees_of_freedom(self) -> int:
        """Of the mean over the units."""
        return self.number - (1 if self.grouped else len(self.of_split))

    @property
    def sizes(self) -> str:
        """How many test videos of all splits each unit has."""
        numbers = np.bincount(np.concatenate([*self.of_split.values()])).tolist()
        return listed((f"{name}: {number}" for name, number in zip(self.names, numbers, strict=True)), MOST_LISTED)

    def draw(self, generator: np.random.Generator, num_resamples: int) -> dict[str, NDArray[np.int64]]:
        """How often each video of each split is drawn, ``(R, N)``; of n units n - 1, if there are two."""

        def times(n: int) -> NDArray[np.int64]:
            return generator.multinomial(max(n - 1, 1), np.full(n, 1 / n), size=num_resamples)

        if self.grouped:
            drawn = times(self.number)
            return {split: drawn[:, units] for split, units in self.of_split.items()}
        return {split: times(len(units)) for split, units in self.of_split.items()}


def known_groups(runs: Sequence[Run], scores: RunScores) -> tuple[str | None, str]:
    """Which videos are not independent: those that the card of the data set groups, or the tracks of one video.

    Args:
        runs: of the same videos.
        scores: of the first one.

    Returns:
        A regular expression for :class:`segtcn.options.Resampling`, None where nothing says it; and a note, if the
        card has one that does not fit, otherwise nothing.
    """
    videos = [name for seeds in scores.splits.values() for name in seeds[0].videos]
    expressions = [*filter(None, dict.fromkeys(run.groups for run in runs))]
    has_tracks = any(track_of(path) for run in runs for part in run.parts for path in part.files.values())
    problems = {
        groups: group_problem(videos, groups) or (_divided_video(videos, groups) if has_tracks else None)
        for groups in expressions
    }
    if fitting := [groups for groups, problem in problems.items() if problem is None]:
        return fitting[0], ""
    note = ""
    if problems:
        note = (
            f"the card of the data set groups videos by {problems[expressions[0]]}: they are drawn as if they were "
            "independent, and intervals may be too narrow. Name other groups when you compare (`groups`), or correct "
            "those of the card and test the runs again"
        )
    return r"^(.*)/[^/]*$" if has_tracks else None, note


def _divided_video(videos: Sequence[str], groups: str) -> str | None:
    """The expression and the first video whose tracks it puts into several groups; None if there is none."""
    group_of_video: dict[str, str] = {}
    for name in videos:
        video, group = name.rpartition("/")[0], group_of(name, groups)
        if group_of_video.setdefault(video, group) != group:
            return f"'{groups}', which puts the tracks of {video} into different groups"
    return None
