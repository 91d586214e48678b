"""Whether the frames of features fit the clips they were made from."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from segtcn.prepare.check.report import DataReport, counted
from segtcn.progress import progress_bar
from segtcn.video_io import ClipInfo, probe

ENDINGS = frozenset((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".webm", ".wmv"))
"""Endings by which clips are found, lower case."""

_TOLERANCE_S = 1.0  # what extractors leave out at the ends
_TOLERANCE = 0.02
_RATE_TOLERANCE = 0.01  # 29.97 is written as 30, but no 24 as 25


class _Clip(NamedTuple):
    path: Path
    info: ClipInfo
    length: int  # frames of features

    @property
    def one_feature_a_frame(self) -> bool:
        return abs(self.length - self.info.num_frames) <= min(2, 0.05 * self.info.num_frames)


def find_clips(folder: Path) -> dict[str, Path]:
    """The clips in a folder and in those below, by their names and by their paths without ending.

    Raises:
        FileNotFoundError: if there is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder of clips {folder}: give the one that holds NAME.mp4, ...")
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("[!.]*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            files[path.relative_to(folder).with_suffix("").as_posix()] = path
            files.setdefault(path.stem, path)
    return files


def check_clips(
    report: DataReport, fps: float, files: Mapping[str, Path], expected: str | None, progress: bool = False
) -> None:
    """Compare the duration of every video's features with that of its clip, and the rate with all clips together.

    Where there is one feature for every frame of a clip, the rates must be the same, however short the clip is.

    Args:
        report: of the data set; problems are added to it.
        fps: frames per second of the features, as the reader says.
        files: the clips, as of :func:`find_clips`.
        expected: the folder that should hold a clip of every video; None if some may be missing.
        progress: whether to show a progress bar.
    """
    lengths: dict[str, int] = {}
    for (name, _), facts in report.videos.items():
        lengths.setdefault(name, facts.num_frames)
    clips: list[_Clip] = []
    missing: list[str] = []
    for name, length in progress_bar(lengths.items(), "clips", unit="clip", show=progress, keep=False):
        found = files.get(name) or files.get(f"rgb-{name}")
        if found is None:
            missing.append(name)
            continue
        try:
            clip = probe(found)
        except (ValueError, OSError) as error:
            report.add("warning", "clip", name, str(error))
            continue
        clips.append(_Clip(found, clip, length))
        seconds = length / fps
        if abs(seconds - clip.duration_s) > max(_TOLERANCE_S, _TOLERANCE * clip.duration_s):
            report.add(
                "warning",
                "duration",
                name,
                f"{found} lasts {clip.duration_s:.2f} s ({counted(clip.num_frames, 'frame')} at {float(clip.fps):g} a "
                f"second), but {counted(length, 'frame')} of features at {fps:g} a second {seconds:.2f} s: correct "
                f"`fps` (these two make {length / clip.duration_s if clip.duration_s > 0 else 0:.3g}), or extract the "
                "features again",
            )
    if missing and expected is not None:
        named = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        report.add(
            "warning",
            "no clip",
            named,
            f"{expected} has no clip of {named}: expected NAME.mp4 or another ending of clips",
        )
    if expected is None and len(missing) == len(lengths):
        return
    report.facts["clips"] = len(lengths) - len(missing)
    _check_rate(report, fps, clips)


def _check_rate(report: DataReport, fps: float, clips: list[_Clip]) -> None:
    """What a single clip is too short to tell."""
    timed = [clip for clip in clips if clip.info.duration_s > 0]
    if not timed:
        return
    rate = statistics.median(clip.length / clip.info.duration_s for clip in timed)
    report.facts["fps_of_clips"] = rate
    dense = [clip for clip in clips if clip.one_feature_a_frame]
    other = [clip for clip in dense if abs(fps / float(clip.info.fps) - 1) > _RATE_TOLERANCE]
    if other:
        path, info, _ = other[0]
        report.add(
            "warning",
            "rate",
            "clips",
            f"there is one feature for every frame of {len(other)} of {counted(len(clips), 'clip')}, such as {path} "
            f"({counted(info.num_frames, 'frame')} at {float(info.fps):g} a second), but `fps` is {fps:g}: it should "
            f"be {float(info.fps):g}, too",
        )
        return
    sparse = [clip for clip in timed if not clip.one_feature_a_frame]
    if len(sparse) <= len(dense):  # the rate is right in most; of the others each has its own warning
        return
    rate = statistics.median(clip.length / clip.info.duration_s for clip in sparse)
    # an extractor that starts late and ends early leaves out as much of a short clip as of a long one
    left_out = [fps * clip.info.duration_s - clip.length for clip in sparse]
    usual = statistics.median(left_out)
    by_ends = statistics.median(abs(number - usual) for number in left_out)
    by_rate = statistics.median(abs(clip.length - rate * clip.info.duration_s) for clip in sparse)
    at_the_ends = -1 <= usual <= fps * _TOLERANCE_S and by_ends < by_rate
    if abs(rate / fps - 1) > _TOLERANCE and abs(usual) > 1 and not at_the_ends:
        report.add(
            "warning",
            "rate",
            "clips",
            f"`fps` is {fps:g}, but features and durations of {counted(len(sparse), 'clip')} in "
            f"{sparse[0].path.parent} make {rate:.3g} a second (the median): correct `fps`, unless frames at the ends "
            "of each clip have no features",
        )
