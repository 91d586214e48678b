"""The nouns of a check: what was measured, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from segtcn.data.readers.reader import Subset

Severity = Literal["error", "warning"]
Key = tuple[str, int | None]
"""A video as it was read: its name, and the split where features differ from split to split, else None."""


class Problem(NamedTuple):
    """One thing that is wrong.

    Args:
        severity: ``error`` where training stops or a score means nothing, ``warning`` where it may be meant.
        kind: one word or two for what is wrong, the same for all problems of that kind.
        where: the video, split or file.
        message: what was expected, what came, in which file, what to do.
    """

    severity: Severity
    kind: str
    where: str
    message: str


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


@dataclass
class DataReport:
    """Everything that a check found.

    Args:
        reader: name of the reader's class.
        facts: measured values under the names that cards use: ``videos``, ``frames``, ``shortest_video``, ...; what was
            assumed (``assumed``) and the columns that are features (``feature_columns``), if any.
        classes: one count for each class.
        splits: one count for each split.
        lists: names of the videos by split and subset, without repetitions.
        videos: what was measured, of every video that could be read.
        split_specific: whether features differ from split to split.
        length_differences: how many videos have how many more frames of features than labels.
        duplicates: pairs of videos with equal features.
        broken: videos that cannot be used, with the reason.
        problems: in the order in which they were found.
        bytes_read: size of all features in memory.
        seconds: how long reading and measuring took.
    """

    reader: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    classes: list[ClassCount] = field(default_factory=list)
    splits: list[SplitCount] = field(default_factory=list)
    lists: dict[int, dict[Subset, list[str]]] = field(default_factory=dict)
    videos: dict[Key, VideoFacts] = field(default_factory=dict)
    split_specific: bool = False
    length_differences: dict[int, int] = field(default_factory=dict)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    broken: dict[Key, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    bytes_read: int = 0
    seconds: float = 0.0

    @property
    def errors(self) -> list[Problem]:
        """Problems that stop training or void a score."""
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """Problems that may be meant."""
        return [problem for problem in self.problems if problem.severity == "warning"]

    def add(self, severity: Severity, kind: str, where: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(severity, kind, where, message))

    def listed(self, split: int) -> list[str]:
        """Names of the training and then of the test videos of a split."""
        return self.lists[split]["train"] + self.lists[split]["test"]

    def keys(self, split: int, names: list[str]) -> list[Key]:
        """Those videos as they were read for a split."""
        return [(name, split if self.split_specific else None) for name in names]

    def record(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {
            "reader": self.reader,
            "measured": self.facts,
            "classes": [count._asdict() for count in self.classes],
            "splits": [count._asdict() for count in self.splits],
            "length_differences": {str(frames): videos for frames, videos in self.length_differences.items()},
            "videos": [
                {"name": name, "split": split, **facts._asdict()} for (name, split), facts in self.videos.items()
            ],
            "problems": [problem._asdict() for problem in self.problems],
            "num_errors": len(self.errors),
            "num_warnings": len(self.warnings),
            "bytes_read": self.bytes_read,
            "seconds": self.seconds,
        }


def counted(number: int, noun: str) -> str:
    """A number of things in words.

    Example:
        >>> counted(1, "video"), counted(1712, "video")
        ('1 video', '1,712 videos')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
