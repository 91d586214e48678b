"""What there is to label: features or clips, how many frames they have, and how many a second."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from segtcn.arrays import open_array
from segtcn.data.readers.reader import time_axis
from segtcn.extract.feature_files import RECORDS, common_settings, find_record
from segtcn.extract.rates import ClipRate, clip_rate, num_resampled
from segtcn.labels.folder import CLIP_SUFFIXES
from segtcn.options import Sources
from segtcn.progress import progress_bar

DURATION_TOLERANCE = 0.02
"""Share by which features may be longer or shorter than their clip and still be one vector a frame."""


class Clip(NamedTuple):
    """What is measured in a clip.

    Args:
        num_frames: frames that it decodes to.
        rate: of its frames.
        length_s: from the first to the last frame, in seconds.
    """

    num_frames: int
    rate: ClipRate
    length_s: float

    def num_features(self, fps: float) -> int:
        """Features that extraction makes of it at a rate."""
        if self.rate.fits(fps, self.num_frames):
            return self.num_frames
        return num_resampled(self.length_s, fps, last_s=1 / self.rate.fps)


class Media(NamedTuple):
    """The videos of a folder.

    Args:
        arrays: path of every video's features; empty if there are only clips.
        shapes: of every video's features.
        clips: of the videos that were measured.
        records: of extraction, of the videos that have one.
        fps: frames per second of the features; from the clips, or else the records, unless it was given.
        fps_is_measured: whether it is from the clips.
        extraction: how the features were made, by the records beside them; None where nothing says it.
        link: folder of the features, if it is not in the data set's.
        videos: folder of the clips.
    """

    arrays: dict[str, Path]
    shapes: dict[str, tuple[int, int]]
    clips: dict[str, Clip]
    records: dict[str, dict[str, Any]]
    fps: float
    fps_is_measured: bool
    extraction: dict[str, Any] | None
    link: Path | None
    videos: Path | None

    @property
    def names(self) -> list[str]:
        """Names of the videos."""
        return list(self.arrays or self.clips)


def find_media(root: Path, sources: Sources, progress: bool) -> Media:
    """Find features and clips.

    Args:
        root: of the data set.
        sources: where they lie, and their rate.
        progress: whether to show a progress bar.

    Raises:
        FileNotFoundError: if there are neither.
        ValueError: if a file is damaged, two have one name, or the rate is not known.
    """
    features_folder = _folder(sources.features, root / "features")
    videos_folder = _folder(sources.videos, root / "videos")
    arrays = {} if features_folder is None else _files(features_folder, (".npy",))
    paths = {} if videos_folder is None else _files(videos_folder, CLIP_SUFFIXES)
    if not arrays and not paths:
        endings = {path.suffix.lower() for path in (root.iterdir() if root.is_dir() else ())} & {".npy", *CLIP_SUFFIXES}
        argument = "features" if ".npy" in endings else "videos"
        hint = f"; for those in {root} itself, choose a new folder and give {root} as `{argument}`" if endings else ""
        raise FileNotFoundError(f"no features/NAME.npy and no videos/NAME.mp4 in {root}: put them there{hint}")
    shapes = {name: _shape(path) for name, path in arrays.items()}
    clips = {}
    if not arrays or sources.fps is None or len(set(shapes.values())) == 1:  # of one shape: clips tell time from width
        to_measure = paths if not arrays else _clips_of(arrays, paths)
        bar = progress_bar(to_measure.items(), "read clips", unit="clip", show=progress and bool(to_measure))
        clips = {name: _measure(path) for name, path in bar}
    is_elsewhere = features_folder is not None and features_folder.resolve() != (root / "features").resolve()
    link = features_folder if arrays and is_elsewhere else None
    records = {name: record for name, path in arrays.items() if (record := find_record(path)) is not None}
    for name, record in records.items():
        if sources.fps and abs(sources.fps / record["fps"] - 1) > DURATION_TOLERANCE:
            raise ValueError(
                f"{arrays[name]} has {record['fps']:g} features a second by its record in {RECORDS}, not "
                f"{sources.fps:g}: leave `fps` out"
            )
    rate = sources.fps or _common_rate(clips, records)
    extraction = common_settings(features_folder) if arrays and features_folder is not None else None
    return Media(arrays, shapes, clips, records, rate, bool(clips) and not sources.fps, extraction, link, videos_folder)


def count_frames(media: Media, expected: Mapping[str, int]) -> tuple[int | None, dict[str, int]]:
    """The feature width, None if there are only clips, and the number of frames of every video.

    Args:
        media: the videos.
        expected: how many frames a video has at least by its annotations, for features that all have one shape.

    Raises:
        ValueError: if widths differ, a file is empty, or the rate of the clips is not that of the features.
    """
    if not media.arrays:
        return None, {name: clip.num_features(media.fps) for name, clip in media.clips.items()}
    known = {
        name: clip.num_features(clip.rate.fps if media.fps_is_measured else media.fps)
        for name, clip in media.clips.items()
    }
    feature_dim = _feature_dim(media, known or expected)
    num_frames = {name: a if b == feature_dim else b for name, (a, b) in media.shapes.items()}
    empty = next((name for name, shape in media.shapes.items() if 0 in shape), None)
    if empty is not None:
        raise ValueError(f"{media.arrays[empty]} is empty, {media.shapes[empty]}: compute its features again")
    if media.fps_is_measured:
        rates = [num_frames[name] / known[name] * clip.rate.fps for name, clip in media.clips.items()]
        if max(abs(rate / media.fps - 1) for rate in rates) > DURATION_TOLERANCE:
            raise ValueError(
                "features and clips differ in length: by the clips the features have about "
                f"{statistics.median(rates):.3g} vectors a second; give their rate (`fps`)"
            )
    return feature_dim, num_frames


def _files(folder: Path, endings: Sequence[str]) -> dict[str, Path]:
    """Files below a folder by their path in it without ending; hidden ones (macOS's `._NAME.npy`) are not data."""
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if any(part.startswith(".") for part in place.parts) or path.suffix.lower() not in endings:
            continue
        if not path.is_file():
            continue
        name = place.with_suffix("").as_posix()
        if name in files:
            raise ValueError(f"{path} and {files[name]} have the same name: keep one")
        if any(part != part.strip() or "\n" in part or "\r" in part for part in name.split("/")):
            raise ValueError(f"{name!r} in {folder}: a name must be one line without outer blanks; rename the file")
        files[name] = path
    return files


def _clips_of(names: Iterable[str], paths: Mapping[str, Path]) -> dict[str, Path]:
    """The clips of videos; those in folders also by the name of the file alone, as extraction names features."""
    last = Counter(name.rpartition("/")[2] for name in paths)
    by_file = {name.rpartition("/")[2]: path for name, path in paths.items() if last[name.rpartition("/")[2]] == 1}
    return {name: path for name in names if (path := paths.get(name) or by_file.get(name)) is not None}


def _folder(path: str | os.PathLike[str] | None, default: Path) -> Path | None:
    if path is None:
        return default if default.is_dir() else None
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: check the path")
    return folder


def _measure(path: Path) -> Clip:
    from segtcn.video_io import frame_times, probe

    times = frame_times(path)
    return Clip(len(times), clip_rate(times, float(probe(path).fps)), float(times[-1] - times[0]))


def _common_rate(clips: Mapping[str, Clip], records: Mapping[str, Mapping[str, Any]]) -> float:
    recorded = {record["fps"] for record in records.values()}
    if not clips and len(recorded) == 1:
        return float(recorded.pop())
    rates = sorted({round(clip.rate.fps, 3) for clip in clips.values()})
    if not rates:
        raise ValueError("the rate of the features is unknown: give their frames per second (`fps`)")
    if len(rates) > 1:
        listed = ", ".join(f"{rate:g}" for rate in rates)
        raise ValueError(f"the clips have {listed} frames a second: give the rate of the features (`fps`)")
    return next(iter(clips.values())).rate.fps


def _shape(path: Path) -> tuple[int, int]:
    num_rows, num_columns = open_array(path, ndim=2, kinds="fiu", content="a real matrix (D, T)").shape
    return num_rows, num_columns


def _feature_dim(media: Media, known: Mapping[str, int]) -> int:
    """The size that all videos share; where they share both, (D, T) unless only (T, D) fits the number of frames."""
    names = list(media.shapes)
    common = set(media.shapes[names[0]])
    for name in names:
        if not common & set(media.shapes[name]):
            raise ValueError(
                f"{media.arrays[name]} is {media.shapes[name]}, but {media.arrays[names[0]]} is "
                f"{media.shapes[names[0]]}: expected features of one width; compute them again in the same way"
            )
        common &= set(media.shapes[name])
    recorded = {int(record["shape"][0]) for record in media.records.values()}
    if len(common) == 1 or len(common & recorded) == 1:
        return (common & recorded or common).pop()
    shape = media.shapes[names[0]]
    num_frames = max((known[name] for name in names if name in known), default=shape[1])
    if num_frames in shape:
        return shape[1 - time_axis(shape, num_frames, None, documented=1)]
    # annotations end somewhere before the video: the nearer size would be chance
    fits = [0.5 * size <= num_frames <= 1.1 * size for size in shape]
    return shape[1] if fits == [True, False] else shape[0]
