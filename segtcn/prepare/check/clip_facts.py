"""The clips of a data set's videos, and what they say of themselves."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from segtcn.prepare.check.child_process import ChildProcess, Limits
from segtcn.prepare.check.problems import Problem, warning
from segtcn.progress import progress_bar
from segtcn.video_io import ClipInfo, probe


class MatchedClip(NamedTuple):
    """A clip and its features.

    Args:
        path: the clip.
        info: what it says of itself.
        num_features: frames of its features.
    """

    path: Path
    info: ClipInfo
    num_features: int

    @property
    def one_feature_a_frame(self) -> bool:
        """Whether there is one feature for every frame, or nearly so."""
        return abs(self.num_features - self.info.num_frames) <= min(2, 0.05 * self.info.num_frames)


class MatchedClips(NamedTuple):
    """The clips of all videos.

    Args:
        folder: that holds them.
        clips: by name of the video.
        missing: names of the videos without a clip.
        failures: what is wrong with clips that cannot be read.
    """

    folder: str
    clips: dict[str, MatchedClip]
    missing: list[str]
    failures: list[Problem]

    @property
    def num_matched(self) -> int:
        """Number of videos with a clip."""
        return len(self.clips) + len(self.failures)

    @property
    def timed(self) -> list[MatchedClip]:
        """The clips that last."""
        return [clip for clip in self.clips.values() if clip.info.duration_s > 0]

    @property
    def rate(self) -> float | None:
        """Features per second, the median of all clips; a single clip may be too short to say it."""
        rates = [clip.num_features / clip.info.duration_s for clip in self.timed]
        return statistics.median(rates) if rates else None


def match_clips(
    folder: str,
    clips: Mapping[str, Path],
    lengths: Mapping[str, int],
    names_of: Callable[[str], list[str]],
    limits: Limits | None = None,
    progress: bool = False,
) -> MatchedClips:
    """Find the clip of every video, and look at it in a child process.

    Args:
        folder: that holds the clips.
        clips: by name.
        lengths: frames of every video's features.
        names_of: the names under which a video's clip may lie.
        limits: of looking at a clip.
        progress: whether to show a progress bar.
    """
    matched = MatchedClips(folder, {}, [], [])
    with ChildProcess(limits=limits) as child:
        for name, length in progress_bar(lengths.items(), "clips", unit="clip", show=progress, keep=False):
            path = next((clips[other] for other in names_of(name) if other in clips), None)
            if path is None:
                matched.missing.append(name)
                continue
            try:
                matched.clips[name] = MatchedClip(path, child.call(probe, path), length)
            except (ValueError, OSError) as failure:
                matched.failures.append(warning("clip", name, str(failure)))
    return matched
