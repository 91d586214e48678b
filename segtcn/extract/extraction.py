"""Features of many videos: one file each, whatever happens to the others."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from tqdm import tqdm

import segtcn
from segtcn.atomic import reason, remove_leftovers
from segtcn.extract.backbones.backbone import Backbone
from segtcn.extract.feature_files import (
    RECORDS,
    differences,
    feature_file,
    forget_record,
    read_record,
    record_path,
    write_record,
)
from segtcn.extract.rates import MAX_FPS, ClipRate, clip_rate, num_resampled, resample
from segtcn.extract.windows import Padding, is_used, num_features, window_batches
from segtcn.progress import progress_bar
from segtcn.video_io import Image, frame_times, probe, read_frames

_NOTED_START_S = 0.1  # containers without times of presentation are off by a few frames

UNUSED = torch.empty(0)
"""In place of a frame that no window needs."""

Dtype = Literal["float32", "float16"]


@dataclass(frozen=True)
class Windows:
    """How features lie in time.

    Args:
        window: frames that a feature is made from; None takes what the backbone takes: 1 for models of pictures.
        stride: frames from one feature to the next; 1 is a feature for every frame.
        padding: what lies before the first and after the last frame: ``"zero"``, zeros in the input of the network, or
            ``"edge"``, repetitions of the first and the last frame.
        fps: frames per second to bring the clips to before; None takes the average rate of each; ``"keep"`` takes the
            frames as they are decoded, also where their rate varies, for labels that count frames.
    """

    window: int | None = None
    stride: int = 1
    padding: Padding = "zero"
    fps: float | Literal["keep"] | None = None

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise ValueError(f"`stride` must be at least 1 frame, got {self.stride}")
        if self.padding not in ("zero", "edge"):
            raise ValueError(f"`padding` must be zero or edge, got {self.padding!r}")
        if self.fps not in (None, "keep") and (isinstance(self.fps, str) or not 0 < (self.fps or 0) <= MAX_FPS):
            raise ValueError(f"`fps` must be above 0 and at most {MAX_FPS:g}, 'keep' or None, got {self.fps!r}")


class Extraction(NamedTuple):
    """What became of the videos.

    Args:
        made: records of those whose features were made.
        skipped: records of those that were done already.
        failed: what was wrong with the others.
    """

    made: dict[str, dict[str, Any]]
    skipped: dict[str, dict[str, Any]]
    failed: dict[str, str]


@dataclass(frozen=True)
class FeatureFiles:
    """How features are written.

    Args:
        dtype: of the files.
        overwrite: make features again that were made otherwise.
    """

    dtype: Dtype = "float32"
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in get_args(Dtype):
            raise ValueError(f"`dtype` must be float32 or float16, got {self.dtype!r}")


class _Plan(NamedTuple):
    """What is done with the frames of a clip."""

    path: Path
    source: ClipRate
    num_frames: int
    start_s: float
    fps: float
    resampled: bool


def extract_videos(
    videos: Mapping[str, Path],
    out: str | os.PathLike[str],
    backbone: Backbone,
    windows: Windows | None = None,
    batch_size: int = 16,
    files: FeatureFiles | None = None,
    progress: bool = False,
) -> Extraction:
    """Make features of videos: ``OUT/NAME.npy`` ``(D, T)``, as the ``features`` folder of an MS-TCN tree holds them.

    Exactly one feature for every frame of the clip, or of the clip at a constant rate (see
    :func:`~segtcn.extract.rates.resample`), or for every ``stride``-th of these, the first included. A record
    beside them, ``OUT/extraction/NAME.json``, says how they were made; a video whose record agrees is not done again.
    One batch of frames is in memory, however long the clip.

    Args:
        videos: name to file, as :func:`~segtcn.extract.find_videos` finds them.
        out: folder of the features.
        backbone: what describes the frames.
        windows: how features lie in time.
        batch_size: windows at once.
        files: how they are written.
        progress: show a bar with the time that is left.

    Returns:
        What became of every video. One that fails does not stop the others.

    Raises:
        ValueError: if an argument is wrong, or features of a video exist and were made otherwise.
        PermissionError: if ``out`` cannot be written to.

    Example:
        >>> from segtcn.extract import find_videos, load_backbone
        >>> done = extract_videos(find_videos(["clips"]), "features", load_backbone("builtin"))  # doctest: +SKIP
    """
    windows, files, out = windows or Windows(), files or FeatureFiles(), Path(out)
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1, got {batch_size}")
    window = backbone.checked_window(windows.window)
    settings = {
        "backbone": backbone.settings,
        "window": window,
        "stride": windows.stride,
        "padding": windows.padding if window > 1 else None,
        "fps": windows.fps,
        "dtype": files.dtype,
    }
    skipped = {} if files.overwrite else _complete_videos(videos, out, settings)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermissionError(f"cannot make the folder {out} ({reason(error)}): choose another `out`") from error
    remove_leftovers(out, {*videos, *(f"{RECORDS}/{name}" for name in videos)})  # of a process that was killed
    failed: dict[str, str] = {}
    plans: dict[str, _Plan] = {}
    todo = [name for name in videos if name not in skipped]
    for name in progress_bar(todo, "look at the clips", unit="video", show=progress and bool(todo), keep=False):
        try:
            plans[name] = _plan(videos[name], windows.fps)
        except (ValueError, OSError) as error:
            failed[name] = str(error)
    made: dict[str, dict[str, Any]] = {}
    total = sum(plan.num_frames for plan in plans.values())
    with progress_bar(name="extract", unit="frame", total=total, show=progress and bool(plans)) as bar:
        for name, plan in plans.items():
            bar.set_postfix_str(plan.path.name)
            begin = bar.n
            try:
                made[name] = _extract(plan, out, name, backbone, settings, batch_size, bar)
            except torch.OutOfMemoryError:
                failed[name] = f"out of memory with {batch_size} windows at once: choose a smaller `batch_size`"
            except Exception as error:  # of whatever library: it must not stop the other videos
                known = isinstance(error, ValueError | OSError)
                failed[name] = str(error) if known else f"{type(error).__name__}: {error}"
            bar.update(begin + plan.num_frames - bar.n)  # what a video that failed left out
    return Extraction(made, skipped, failed)


def _complete_videos(videos: Mapping[str, Path], out: Path, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Records of the videos that are done; an error if one was made otherwise: features of two kinds must not mix."""
    records: dict[str, dict[str, Any]] = {}
    other: dict[str, str] = {}
    for name, path in videos.items():
        if not (out / f"{name}.npy").exists():
            continue
        record = read_record(out, name)
        if record is None:
            other[name] = f"has no record that fits it ({record_path(out, name)})"
            continue
        unlike = differences(record["settings"], settings)
        if record["source"]["bytes"] != path.stat().st_size:
            unlike.append(f"{record['source']['bytes']} bytes of video, not {path.stat().st_size}")
        if unlike:
            other[name] = f"was made with {', '.join(unlike)}"
        else:
            records[name] = record
    if other:
        name, why = next(iter(other.items()))
        more = f" (and {len(other) - 1} more like it)" if len(other) > 1 else ""
        raise ValueError(
            f"{out / name}.npy {why}{more}: `overwrite` makes such features again, or choose another `out`"
        )
    return records


def _plan(path: Path, fps: float | Literal["keep"] | None) -> _Plan:
    source = clip_rate(times := frame_times(path), float(probe(path).fps))
    made = source.fps if fps in (None, "keep") else float(fps or 0)
    resampled = fps != "keep" and not source.fits(made, len(times))
    return _Plan(path, source, len(times), float(times[0]), made, resampled)


def _extract(
    plan: _Plan,
    out: Path,
    name: str,
    backbone: Backbone,
    settings: Mapping[str, Any],
    batch_size: int,
    bar: tqdm[Any],
) -> dict[str, Any]:
    """Write the features of a video and their record, and return it."""
    times: list[float] = []

    def decoded() -> Iterator[tuple[float, Image]]:
        for time_s, frame in read_frames(plan.path):
            times.append(time_s)
            bar.update()
            yield time_s, frame

    frames: Iterator[Image] = (frame for _, frame in decoded())
    if plan.resampled:
        frames = resample(decoded(), plan.fps, last_s=1 / plan.source.fps)
    window, stride = settings["window"], settings["stride"]
    prepared = (
        backbone.prepare(frame) if backbone.sequential or is_used(number, window, stride) else UNUSED
        for number, frame in enumerate(frames)
    )
    size = backbone.batch_size or batch_size
    target = out / f"{name}.npy"
    target.parent.mkdir(parents=True, exist_ok=True)
    backbone.start()
    with feature_file(target, settings["dtype"]) as file:
        for some, windows in window_batches(prepared, window, stride, settings["padding"] or "edge", size):
            features = backbone.describe(some, windows)
            if features.shape != (len(windows), backbone.feature_dim):
                raise ValueError(
                    f"the backbone gave {tuple(features.shape)} for {len(windows)} windows of {plan.path}: expected "
                    f"{(len(windows), backbone.feature_dim)}"
                )
            file.append(features.numpy())
        _check(times, plan, file.num_frames, settings)
        record = _record(backbone, plan, settings, [backbone.feature_dim, file.num_frames], len(times))
        if target.exists():
            forget_record(out, name)  # of features that this file replaces
        else:
            write_record(out, name, record)  # first: features without one, after a signal, would be refused
    write_record(out, name, record)
    return record


def _check(times: list[float], plan: _Plan, num_made: int, settings: Mapping[str, Any]) -> None:
    """One feature for every frame, at the rate that is recorded.

    Raises:
        ValueError: if it is not so.
    """
    path, num_frames, stride = plan.path, len(times), settings["stride"]
    if plan.resampled:
        num_frames = num_resampled(times[-1] - times[0], plan.fps, 1 / plan.source.fps)
    if num_made != num_features(num_frames, stride):
        raise ValueError(f"{path} has {num_frames} frames and got {num_made} features with a stride of {stride}")
    # rarely a file has packets without a picture of their own: the rate was then found from frames that do not come
    if settings["fps"] == "keep":
        return
    measured = clip_rate(times, plan.source.fps)
    if not plan.resampled and not (measured.constant and np.isclose(measured.fps, plan.source.fps, rtol=1e-3)):
        raise ValueError(
            f"{path} has {plan.num_frames} packets and {len(times)} pictures in them: its rate may be "
            f"{plan.source.fps:g} or {measured.fps:g} frames a second; give the right one by `fps`"
        )


def start_note(record: Mapping[str, Any]) -> str | None:
    """What to know of a clip whose picture begins later than its sound: players count from the sound."""
    source = record["source"]
    if source["start_s"] < _NOTED_START_S:
        return None
    return f"the picture of {source['file']} begins at {source['start_s']:.2f} s, and times count from there"


def _record(
    backbone: Backbone, plan: _Plan, settings: Mapping[str, Any], shape: list[int], num_decoded: int
) -> dict[str, Any]:
    path, source = plan.path, plan.source
    packages = dict.fromkeys(("av", *backbone.packages))
    return {
        "settings": dict(settings),
        "source": {
            "file": str(path),
            "bytes": path.stat().st_size,
            "fps": source.fps,
            "frames": num_decoded,
            "start_s": round(plan.start_s, 6),
        },
        "resampled": plan.resampled,
        "fps": plan.fps / settings["stride"],
        "shape": shape,
        "versions": {"segtcn": segtcn.__version__}
        | {package: importlib.metadata.version(package) for package in packages},
    }
