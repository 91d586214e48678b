"""What is wrong with labels and classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from segtcn.labels.classes import listed
from segtcn.labels.video_lists import Subset
from segtcn.prepare.check.facts import Facts, VideoFacts
from segtcn.prepare.check.problems import Problem, error, warning
from segtcn.text_table import counted

_BACKGROUND_NAMES = frozenset(
    ("background", "bg", "sil", "silence", "none", "null", "no_action", "no action", "nothing", "idle")
)
_SUBSETS: tuple[tuple[Subset, str, str], ...] = (
    ("train", "trains", "it cannot be learned"),
    ("test", "tests", "its scores say nothing of it"),
)


def check_lengths(facts: Facts) -> Iterator[Problem]:
    """Every video has as many labels as frames of features."""
    tolerance = facts.options.length_tolerance
    for key, difference in facts.differences.items():
        video = facts.videos[key]
        lengths = (
            f"{video.source}: {counted(video.num_frames, 'frame')} of features but "
            f"{counted(video.num_labels or 0, 'label')}"
        )
        if not difference:
            continue
        cuts = f"{lengths}; if they differ at the end only, `length_policy: trim` cuts both to the shorter there"
        if abs(difference) > tolerance or not video.num_labels:
            yield error(
                "length",
                key[0],
                f"{lengths}, and `length_tolerance` is {tolerance}: find out whether both have the same rate and "
                "belong to the same video",
                breaks=key,
            )
        elif facts.options.length_policy == "trim":
            yield warning("length", key[0], cuts)
        else:
            yield error("length", key[0], f"{cuts}, in a corrected copy as well")


def check_labels_of_splits(facts: Facts) -> Iterator[Problem]:
    """A video has the same labels in all splits."""
    for name, (one, other) in facts.labels_of_splits.items():
        yield warning(
            "labels of splits",
            name,
            f"{one} and {other} are the same video with different labels: correct one of them",
        )


def check_annotated(facts: Facts) -> Iterator[Problem]:
    """Every subset, and every labelled video, has a frame that somebody annotated."""
    for split, lists in facts.lists.items():
        for subset, verb, _ in _SUBSETS:
            if facts.annotated_frames(lists[subset]) == 0:
                yield error(
                    "not annotated",
                    f"split {split}",
                    f"split {split} {verb} on videos of which no frame is annotated: annotate some, or correct "
                    "`ignore` of the reader",
                )
    if empty := [name for name in _labelled(facts) if facts.annotated_frames([name]) == 0]:
        yield error(
            "not annotated",
            listed(empty),
            f"no frame of {listed(empty)} is annotated: nothing is learned from such a video and no score counts it; "
            "annotate it, or take it out of the lists",
        )


def check_classes(facts: Facts) -> Iterator[Problem]:
    """Every class occurs."""
    labelled = _labelled(facts)
    absent = sorted(count.name for count in facts.classes if not count.frames)
    if labelled and absent:
        source = next(iter(labelled.values())).source
        # a class of ignored frames only is one that nobody annotated
        problem = error if facts.totals["ignored_frames"] else warning
        yield problem(
            "absent class",
            "all videos",
            f"no annotated frame is labelled {listed(absent)}, although it is a class (labels such as those of "
            f"{source}): annotate some, correct the class names, or leave it out",
        )


def check_classes_of_splits(facts: Facts) -> Iterator[Problem]:
    """Every class that occurs is trained on and tested on in every split."""
    for split, lists in facts.lists.items():
        for subset, verb, effect in _SUBSETS:
            if missing := _classes_missing(facts, lists[subset]):
                yield warning(
                    "absent class",
                    f"split {split}",
                    f"split {split} {verb} on no frame of {listed(missing)}: {effect}; move a video that has it into "
                    f"the {subset} list",
                )


def check_short_segments(facts: Facts) -> Iterator[Problem]:
    """No segment lasts a single frame."""
    labelled = _labelled(facts)
    short = {name: video for name, video in labelled.items() if video.one_frame_segments}
    if short:
        number = sum(video.one_frame_segments for video in short.values())
        worst = max(short.values(), key=lambda video: video.one_frame_segments)
        yield warning(
            "one frame",
            listed(short),
            f"{number:,} of {sum(count.segments for count in facts.classes):,} segments last one frame, in "
            f"{len(short)} of {counted(len(labelled), 'video')} (most, {worst.one_frame_segments}, in "
            f"{worst.source}): look at them; slips of annotation count fully in the edit score and in F1",
        )


def check_background(facts: Facts) -> Iterator[Problem]:
    """Background is named: without its name it counts as an action, which raises F1 and the edit score."""
    likely = next((name for name in facts.class_names if name.lower() in _BACKGROUND_NAMES), None)
    if likely is not None and facts.background is None and "background" in facts.options.assumed:
        yield warning(
            "background",
            likely,
            f"no background class was given, so that {likely!r} counts as an action in edit score and F1: "
            f"`background: {likely}` of the reader leaves it out, `background: null` says that it is meant",
        )


def _labelled(facts: Facts) -> dict[str, VideoFacts]:
    return {name: video for name, video in facts.by_name.items() if video.num_labels}


def _classes_missing(facts: Facts, names: list[str]) -> list[str]:
    """The classes that occur in the data set but not in those videos, if any of them is labelled."""
    labelled = _labelled(facts)
    frames = [labelled[name].frames_per_class for name in names if name in labelled]
    totals = np.sum(frames, axis=0) if frames else np.ones(len(facts.classes))
    return [count.name for count, total in zip(facts.classes, totals, strict=True) if count.frames and not total]
