"""What is wrong with features."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np

from segtcn.labels.classes import listed
from segtcn.prepare.check.facts import Facts, Spread
from segtcn.prepare.check.problems import Key, Problem, error, warning
from segtcn.text_table import counted

_ODD_VIDEO = 10.0  # times the median range of values: features of the same extractor stay far below
_ODD_FEATURE = 1000.0  # the same between features: pixels beside probabilities
_LARGEST_HALF = 65504.0


def check_duplicates(facts: Facts) -> Iterator[Problem]:
    """No two videos have the same features."""
    pairs: dict[frozenset[str], tuple[Key, Key]] = {}
    for one, other in facts.equal_features:
        if one[0] != other[0]:
            pairs.setdefault(frozenset((one[0], other[0])), (one, other))
    for names, (one, other) in pairs.items():
        where = f"{one[0]}, {other[0]}"
        files = f"{facts.videos[one].source} and {facts.videos[other].source} hold the same features"
        remedy = "compute the features of the one again, or take it out of the lists"
        leaks = [
            split for split, lists in facts.lists.items() if names & set(lists["train"]) and names & set(lists["test"])
        ]
        if leaks:
            yield error(
                "duplicate", where, f"{files}, and split {leaks[0]} trains on one and tests on the other: {remedy}"
            )
        else:
            yield warning("duplicate", where, f"{files}: {remedy}")


def check_splits(facts: Facts) -> Iterator[Problem]:
    """Features that are stored for every split differ from split to split."""
    equal = [one for one, other in facts.equal_features if one[0] == other[0]]
    if equal:
        names = listed(dict.fromkeys(name for name, _ in equal))
        yield warning(
            "same in splits",
            names,
            f"features of {names} are equal in several splits (such as {facts.videos[equal[0]].source}), although each "
            "split has its own files: if they come from a network trained on one split, fetch those of the others",
        )


def check_widths(facts: Facts) -> Iterator[Problem]:
    """All features have one width."""
    for key, video in facts.videos.items():
        if video.width != facts.width:
            yield error(
                "width",
                key[0],
                f"{video.source}: features are {video.width} wide, but {facts.width} in {facts.widths[facts.width]} of "
                f"{counted(len(facts.videos), 'video')}; compute them again in the same way",
                breaks=key,
            )


def check_constant(facts: Facts) -> Iterator[Problem]:
    """Every feature changes, in all videos together and in each."""
    for split, spread in facts.spreads_of_width.items():
        lowest, highest = spread.extremes
        constant = np.flatnonzero(lowest == highest)
        if constant.size:
            where, source = _place(split), _largest(facts, split)[1]
            yield warning(
                "constant",
                where,
                f"{constant.size} of {lowest.size} features never change in {where}, such as {source} "
                f"(features {listed(constant.tolist())}, counted from 0): leave them out, or look for a fault in the "
                "extraction",
            )
        yield from _check_constant_in_video(facts, spread)


def _check_constant_in_video(facts: Facts, spread: Spread) -> Iterator[Problem]:
    """Features that hold still in one video and not in others, at a value that is not an end of their range there.

    Such an end is usual: after a ReLU many features are 0 for a whole video.
    """
    lowest, highest = spread.changing
    for key, (indices, values) in spread.constant.items():
        video = facts.videos[key]
        low, high = lowest[indices], highest[indices]
        odd = np.flatnonzero((low <= high) & (values != low) & (values != high))
        if key in facts.broken or video.num_frames < 2 or not odd.size:
            continue
        first = odd[0]
        yield warning(
            "constant",
            key[0],
            f"{video.source}: {odd.size} of {video.width} features never change in this video, such as feature "
            f"{indices[first]}, counted from 0 ({values[first]:g} all the time, {low[first]:g} to {high[first]:g} in "
            "others): look for a fault in the extraction or the recording",
        )


def check_scale(facts: Facts) -> Iterator[Problem]:
    """Features vary over ranges of one order of magnitude, or are standardised."""
    for split, spread in facts.spreads_of_width.items():
        lowest, highest = spread.extremes
        ranges = highest.astype(np.float64) - lowest
        if facts.options.standardize or not (ranges > 0).any():
            continue
        where = _place(split)
        typical = float(np.median(ranges[ranges > 0]))
        odd = np.flatnonzero((ranges > _ODD_FEATURE * typical) | ((ranges > 0) & (ranges < typical / _ODD_FEATURE)))
        largest, source = _largest(facts, split)
        if odd.size:
            i = int(odd[0])
            yield warning(
                "scale",
                where,
                f"{odd.size} of {ranges.size} features in {where} vary over {_ODD_FEATURE:,.0f} times more or less "
                f"than the median feature, such as feature {i} of {source} ({lowest[i]:g} to {highest[i]:g}; median "
                f"range {typical:g}): `standardize: true` makes them equal",
            )
        if largest > _LARGEST_HALF:
            yield warning(
                "scale",
                where,
                f"features of {where} reach {largest:g} (in {source}), beyond the {_LARGEST_HALF:g} of half "
                "precision: divide them, or `standardize: true`",
            )


def check_videos(facts: Facts) -> Iterator[Problem]:
    """The features of a video vary, and as much as those of the other videos."""
    videos = {key: video for key, video in facts.usable.items() if video.num_frames > 1}
    ranges = [video.mean_range for video in videos.values() if video.mean_range]
    typical = statistics.median(ranges) if ranges else 0.0
    for key, video in videos.items():
        if video.mean_range == 0:
            yield warning(
                "constant",
                key[0],
                f"{video.source}: the features are the same in all {video.num_frames} frames; compute them again",
            )
        elif video.mean_range and not typical / _ODD_VIDEO <= video.mean_range <= typical * _ODD_VIDEO:
            yield warning(
                "scale",
                key[0],
                f"{video.source}: a feature varies over {video.mean_range:g} on average, in the median video over "
                f"{typical:g}: it was probably extracted or scaled in another way; compute it again",
            )


def check_frozen(facts: Facts) -> Iterator[Problem]:
    """Features do not stand still for seconds."""
    for key, video in facts.usable.items():
        if video.frozen:
            stretches = [
                f"from frame {start} ({start / facts.fps:.1f} s) for {frames:,} frames ({frames / facts.fps:.1f} s)"
                for start, frames in video.frozen
            ]
            yield warning(
                "frozen",
                key[0],
                f"{video.source}: no feature changes {listed(stretches)}: a frozen or repeated picture, or a fault of "
                "the extraction; look at the clip there",
            )


def _place(split: int | None) -> str:
    return "all videos" if split is None else f"split {split}"


def _largest(facts: Facts, split: int | None) -> tuple[float, str]:
    """The largest absolute value of the videos of a split, and the file that holds it."""
    return max(
        (video.largest, video.source)
        for (_, place), video in facts.videos.items()
        if place == split and video.largest is not None
    )
