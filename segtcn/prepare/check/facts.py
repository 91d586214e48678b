"""What a check measures: of a video, and of a whole data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels.lengths import LengthPolicy
from segtcn.labels.video_lists import Subset
from segtcn.prepare.check.clip_facts import MatchedClips
from segtcn.prepare.check.problems import Key, Problem

Extremes = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Smallest and largest value of every feature, ``(D,)`` each."""


class VideoFacts(NamedTuple):
    """What was measured of one video.

    Args:
        source: the file the features came from.
        num_frames: frames of features.
        width: of the features, D.
        num_labels: labels, None without ground truth.
        frames_per_class: frames of each class, C numbers; empty without ground truth.
        segments_per_class: segments of each class, C numbers; empty without ground truth.
        one_frame_segments: segments of a single frame.
        largest: absolute value; None if a value is not finite.
        mean_range: largest minus smallest value, mean over the features; None if a value is not finite.
        frozen: stretches of more than two seconds in which no feature changes, each with its first frame and its number
            of frames; none if features never change at all.
    """

    source: str
    num_frames: int
    width: int
    num_labels: int | None
    frames_per_class: list[int]
    segments_per_class: list[int]
    one_frame_segments: int
    largest: float | None
    mean_range: float | None
    frozen: list[tuple[int, int]]


class ClassCount(NamedTuple):
    """How much there is of a class, in all videos together.

    Args:
        name: of the class.
        frames: number of frames.
        segments: number of segments.
        videos: number of videos that have it.
    """

    name: str
    frames: int
    segments: int
    videos: int


class SplitCount(NamedTuple):
    """How a split divides the videos.

    Args:
        split: its number.
        train_videos: number of training videos.
        train_frames: frames of those that could be read.
        test_videos: number of test videos.
        test_frames: frames of those that could be read.
    """

    split: int
    train_videos: int
    train_frames: int
    test_videos: int
    test_frames: int


class Spread:
    """Smallest and largest values of videos of one width.

    Attributes:
        extremes: over all videos.
        changing: over those in which the feature changes; infinite where there are none.
        constant: of every video the features that do not change in it, and their values.
    """

    def __init__(self, width: int) -> None:
        nothing = np.full(width, np.inf, np.float32), np.full(width, -np.inf, np.float32)
        self.extremes: Extremes = nothing
        self.changing: Extremes = nothing
        self.constant: dict[Key, tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]] = {}

    def add(self, key: Key, extremes: Extremes) -> None:
        """Count a video in."""
        lowest, highest = extremes
        self.extremes = _merged(self.extremes, extremes)
        still = lowest == highest
        changing = np.where(still, np.float32(np.inf), lowest), np.where(still, np.float32(-np.inf), highest)
        self.changing = _merged(self.changing, changing)
        if still.any() and not still.all():
            self.constant[key] = np.flatnonzero(still), lowest[still]


def _merged(one: Extremes, other: Extremes) -> Extremes:
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])


@dataclass(frozen=True)
class CheckOptions:
    """What a data set is expected to be.

    Args:
        length_policy: see the data module. With ``trim``, features and labels whose lengths differ by no more than
            ``length_tolerance`` are a warning; otherwise every difference is an error.
        length_tolerance: in frames.
        standardize: see the data module; whether features of very different scale are made equal anyway.
        card: the data set's card, whose values are compared with the measured ones.
        clips: folder with the video files ``NAME.mp4`` or of another ending; frame rate and duration are compared.
        clips_of_all: whether a video without a clip is reported.
        assumed: which of the reader's arguments ``fps`` and ``background`` nobody gave, so that they are its defaults.
    """

    length_policy: LengthPolicy = "error"
    length_tolerance: int = 10
    standardize: bool = False
    card: str | None = None
    clips: str | None = None
    clips_of_all: bool = True
    assumed: tuple[str, ...] = ()


@dataclass
class Facts:
    """Everything that was measured of a data set.

    Args:
        reader: name of the reader's class.
        class_names: name of every class.
        background: name of the background class, or None.
        fps: frames per second.
        feature_dim: the width D of which the reader knows.
        options: what is expected.
        feature_columns: columns that are features, of tables.
        lists: names of the videos by split and subset, without repetitions.
        videos: what was measured, of every video that could be read.
        split_specific: whether features differ from split to split.
        spreads: smallest and largest values by split and width.
        equal_features: pairs of videos with equal features.
        labels_of_splits: pairs of files of one video with different labels, by its name.
        unlisted: names of the stored videos that no split lists.
        clips: what was measured of the clips; None without a folder of clips.
        failures: what went wrong while reading.
        broken: videos that cannot be used, with the reason.
        bytes_read: size of all features in memory.
        seconds: how long reading and measuring took.
    """

    reader: str
    class_names: list[str]
    background: str | None
    fps: float
    feature_dim: int
    options: CheckOptions
    feature_columns: list[str] | None = None
    lists: dict[int, dict[Subset, list[str]]] = field(default_factory=dict)
    videos: dict[Key, VideoFacts] = field(default_factory=dict)
    split_specific: bool = False
    spreads: dict[tuple[int | None, int], Spread] = field(default_factory=dict)
    equal_features: list[tuple[Key, Key]] = field(default_factory=list)
    labels_of_splits: dict[str, tuple[str, str]] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    clips: MatchedClips | None = None
    failures: list[Problem] = field(default_factory=list)
    broken: dict[Key, str] = field(default_factory=dict)
    bytes_read: int = 0
    seconds: float = 0.0

    def listed(self, split: int) -> list[str]:
        """Names of the training and then of the test videos of a split."""
        return self.lists[split]["train"] + self.lists[split]["test"]

    def all_listed(self) -> list[str]:
        """Names of the videos of all splits, each once."""
        return list(dict.fromkeys(name for split in self.lists for name in self.listed(split)))

    def keys(self, split: int, names: list[str]) -> list[Key]:
        """Those videos as they were read for a split."""
        return [(name, split if self.split_specific else None) for name in names]

    @property
    def by_name(self) -> dict[str, VideoFacts]:
        """One measurement for each name: labels and lengths are those of the video, whatever the split."""
        facts: dict[str, VideoFacts] = {}
        for (name, _), video in self.videos.items():
            facts.setdefault(name, video)
        return facts

    @property
    def usable(self) -> dict[Key, VideoFacts]:
        """The videos that are not broken."""
        return {key: video for key, video in self.videos.items() if key not in self.broken}

    @cached_property
    def widths(self) -> Counter[int]:
        """How many videos have which width."""
        return Counter(video.width for video in self.videos.values())

    @property
    def width(self) -> int:
        """The width that most videos have; the others cannot be used."""
        return self.widths.most_common(1)[0][0] if self.widths else self.feature_dim

    @property
    def spreads_of_width(self) -> dict[int | None, Spread]:
        """Smallest and largest values of the videos of the usual width, by split."""
        return {split: spread for (split, width), spread in self.spreads.items() if width == self.width}

    @cached_property
    def classes(self) -> list[ClassCount]:
        """One count for each class."""
        labelled = [video for video in self.by_name.values() if video.num_labels]
        counts = []
        for index, name in enumerate(self.class_names):
            frames = [video.frames_per_class[index] for video in labelled]
            segments = sum(video.segments_per_class[index] for video in labelled)
            counts.append(ClassCount(name, sum(frames), segments, sum(number > 0 for number in frames)))
        return counts

    @property
    def splits(self) -> list[SplitCount]:
        """One count for each split."""
        frames = {name: video.num_frames for name, video in self.by_name.items()}
        counts = []
        for split, lists in self.lists.items():
            train, test = (sum(frames.get(name, 0) for name in lists[subset]) for subset in ("train", "test"))
            counts.append(SplitCount(split, len(lists["train"]), train, len(lists["test"]), test))
        return counts

    @property
    def length_differences(self) -> dict[int, int]:
        """How many videos have how many more frames of features than labels."""
        return dict(sorted(Counter(self.differences.values()).items()))

    @property
    def differences(self) -> dict[Key, int]:
        """Frames of features less labels, of every labelled video of the usual width with finite values."""
        unusable = {problem.breaks for problem in self.failures}
        return {
            key: video.num_frames - video.num_labels
            for key, video in self.videos.items()
            if video.num_labels is not None and video.width == self.width and key not in unusable
        }

    def annotated_frames(self, names: list[str]) -> int | None:
        """Frames with a class in those videos; None if none of them has labels."""
        labelled = [self.by_name[name] for name in names if name in self.by_name and self.by_name[name].num_labels]
        return sum(sum(video.frames_per_class) for video in labelled) if labelled else None

    @property
    def totals(self) -> dict[str, Any]:
        """What the data set holds, under the names that cards use.

        videos: listed in any split.
        frames: of features, of the videos that could be read.
        seconds: the same in time.
        ignored_frames: labels of frames that nobody annotated.
        shortest_video: in frames.
        longest_video: in frames.
        segments: that are not background.
        all_segments: background included.
        num_classes: C.
        classes: their names.
        background: name of the background class, or None.
        feature_dim: the width D that most videos have.
        fps: frames per second.
        splits: number of splits.
        train_videos: of the first split; None without splits.
        test_videos: of the first split.
        widths: how many videos have which width, the most common first.
        lowest_feature: smallest value; None where no features could be used.
        highest_feature: largest value.
        feature_columns: columns that are features, of tables.
        clips: number of videos with a clip; None where clips were not looked at.
        fps_of_clips: features per second of the clips' durations, the median.
        assumed: which of ``fps`` and ``background`` are the reader's defaults.
        """
        lengths = [video.num_frames for video in self.by_name.values()]
        segments = sum(count.segments for count in self.classes)
        spreads = self.spreads_of_width.values()
        first = self.splits[0] if self.splits else None
        return {
            "videos": len(self.all_listed()),
            "frames": sum(lengths),
            "seconds": sum(lengths) / self.fps,
            "ignored_frames": sum(v.num_labels or 0 for v in self.by_name.values())
            - sum(c.frames for c in self.classes),
            "shortest_video": min(lengths, default=0),
            "longest_video": max(lengths, default=0),
            # as the field counts: an action is what is not background
            "segments": segments - sum(count.segments for count in self.classes if count.name == self.background),
            "all_segments": segments,
            "num_classes": len(self.class_names),
            "classes": self.class_names,
            "background": self.background,
            "feature_dim": self.width,
            "fps": self.fps,
            "splits": len(self.lists),
            "train_videos": first and first.train_videos,
            "test_videos": first and first.test_videos,
            "widths": {str(width): number for width, number in self.widths.most_common()},
            "lowest_feature": min((float(spread.extremes[0].min()) for spread in spreads), default=None),
            "highest_feature": max((float(spread.extremes[1].max()) for spread in spreads), default=None),
            "feature_columns": self.feature_columns,
            "clips": None if self.clips is None else self.clips.num_matched,
            "fps_of_clips": None if self.clips is None else self.clips.rate,
            "assumed": [name for name in ("fps", "background") if name in self.options.assumed],
        }


Check = Callable[[Facts], Iterator[Problem]]
"""Finds problems of one theme."""
