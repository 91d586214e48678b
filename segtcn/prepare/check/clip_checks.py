"""Whether the frames of features fit the clips they were made from."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from segtcn.labels.classes import listed
from segtcn.prepare.check.clip_facts import MatchedClip, MatchedClips
from segtcn.prepare.check.facts import Facts
from segtcn.prepare.check.problems import Problem, warning
from segtcn.text_table import counted

_TOLERANCE_S = 1.0  # what extractors leave out at the ends
_TOLERANCE = 0.02
_RATE_TOLERANCE = 0.01  # 29.97 is written as 30, but no 24 as 25


def check_durations(facts: Facts) -> Iterator[Problem]:
    """Every video lasts as long as its clip."""
    if facts.clips is None:
        return
    yield from facts.clips.failures
    for name, (path, info, length) in facts.clips.clips.items():
        seconds = length / facts.fps
        if abs(seconds - info.duration_s) > max(_TOLERANCE_S, _TOLERANCE * info.duration_s):
            rate = length / info.duration_s if info.duration_s > 0 else 0
            yield warning(
                "duration",
                name,
                f"{path} lasts {info.duration_s:.2f} s ({counted(info.num_frames, 'frame')} at {float(info.fps):g} a "
                f"second), but {counted(length, 'frame')} of features at {facts.fps:g} a second {seconds:.2f} s: "
                f"correct `fps` (these two make {rate:.3g}), or extract the features again",
            )
    if facts.clips.missing and facts.options.clips_of_all:
        names = listed(facts.clips.missing)
        yield warning(
            "no clip",
            names,
            f"{facts.clips.folder} has no clip of {names}: expected NAME.mp4 or another ending of clips",
        )


def check_rate(facts: Facts) -> Iterator[Problem]:
    """All clips together have the rate of the features, which a single one is too short to tell.

    Where there is one feature for every frame of a clip, the rates must be the same, however short the clip is.
    """
    if facts.clips is None or not facts.clips.timed:
        return
    clips = list(facts.clips.clips.values())
    other = [
        clip
        for clip in clips
        if clip.one_feature_a_frame and abs(facts.fps / float(clip.info.fps) - 1) > _RATE_TOLERANCE
    ]
    if other:
        path, info, _ = other[0]
        yield warning(
            "rate",
            "clips",
            f"there is one feature for every frame of {len(other)} of {counted(len(clips), 'clip')}, such as {path} "
            f"({counted(info.num_frames, 'frame')} at {float(info.fps):g} a second), but `fps` is {facts.fps:g}: it "
            f"should be {float(info.fps):g}, too",
        )
    else:
        yield from _check_sparse(facts.fps, facts.clips)


def _check_sparse(fps: float, clips: MatchedClips) -> Iterator[Problem]:
    """Clips with fewer features than frames, if they are most; otherwise each has a warning of its own."""
    sparse = [clip for clip in clips.timed if not clip.one_feature_a_frame]
    if len(sparse) <= sum(clip.one_feature_a_frame for clip in clips.clips.values()):
        return
    rate = statistics.median(clip.num_features / clip.info.duration_s for clip in sparse)
    usual = statistics.median(_left_out(clip, fps) for clip in sparse)
    if abs(rate / fps - 1) > _TOLERANCE and abs(usual) > 1 and not _lack_ends(sparse, fps, rate, usual):
        yield warning(
            "rate",
            "clips",
            f"`fps` is {fps:g}, but features and durations of {counted(len(sparse), 'clip')} in "
            f"{sparse[0].path.parent} make {rate:.3g} a second (the median): correct `fps`, unless frames at the ends "
            "of each clip have no features",
        )


def _lack_ends(clips: list[MatchedClip], fps: float, rate: float, usual: float) -> bool:
    """Whether frames are missing at the ends: an extractor leaves out as much of a short clip as of a long one."""
    by_ends = statistics.median(abs(_left_out(clip, fps) - usual) for clip in clips)
    by_rate = statistics.median(abs(clip.num_features - rate * clip.info.duration_s) for clip in clips)
    return -1 <= usual <= fps * _TOLERANCE_S and by_ends < by_rate


def _left_out(clip: MatchedClip, fps: float) -> float:
    return fps * clip.info.duration_s - clip.num_features
