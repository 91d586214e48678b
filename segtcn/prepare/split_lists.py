"""The lists of all splits of a data set, and which videos are in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from segtcn.data.readers.reader import Reader
from segtcn.labels.video_lists import Subset

Lists = dict[int, dict[Subset, list[str]]]
"""Names of the videos by split and subset."""


def splits_of_videos(lists: Mapping[int, Mapping[Subset, Sequence[str]]]) -> dict[str, list[int]]:
    """The splits that list each video.

    Example:
        >>> splits_of_videos({1: {"train": ["tea"], "test": ["soup"]}, 2: {"train": ["soup"]}})
        {'tea': [1], 'soup': [1, 2]}
    """
    splits: dict[str, list[int]] = {}
    for split, subsets in lists.items():
        for name in dict.fromkeys(chain.from_iterable(subsets.values())):
            splits.setdefault(name, []).append(split)
    return splits


def differs_by_split(reader: Reader, lists: Mapping[int, Mapping[Subset, Sequence[str]]]) -> bool:
    """Whether the first video that two splits have lies in a file of its own for each."""
    for name, splits in splits_of_videos(lists).items():
        if len(splits) > 1:
            try:
                return reader.files(name, splits[0]) != reader.files(name, splits[1])
            except (ValueError, OSError):  # reported by whoever reads the video
                continue
    return False
