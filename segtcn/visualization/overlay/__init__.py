"""Clips with their labels: below the picture the current labels and timelines with a moving cursor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segtcn.atomic import atomic_path
from segtcn.labels.legacy import LabelTrack
from segtcn.video_io import (
    TIMESTAMP_TOLERANCE_S,
    ClipInfo,
    ClipWriter,
    Excerpt,
    Planes,
    frame_times,
    probe,
    read_planes,
)
from segtcn.video_io.animation import write_animation
from segtcn.visualization.overlay.excerpt import ExcerptLimits, is_excerpt
from segtcn.visualization.overlay.lanes import make_lanes
from segtcn.visualization.overlay.panel import Panel, PanelContent
from segtcn.visualization.overlay.schedule import Schedule, make_schedule
from segtcn.visualization.overlay.text import warn_of_missing_characters
from segtcn.visualization.tracks import Track, align, common_classes, fits_frame_by_frame, open_track

__all__ = ["overlay_video"]

_QUALITY = 20
_EXCERPT_QUALITY = 8  # nearly without loss: it is encoded a second time

LabelSource = str | os.PathLike[str] | LabelTrack


def overlay_video(
    clip: str | os.PathLike[str],
    tracks: Mapping[str, LabelSource],
    output: str | os.PathLike[str],
    *,
    truth: LabelSource | None = None,
    fps: float | Mapping[str, float] | None = None,
    truth_fps: float | None = None,
    class_names: Sequence[str] | None = None,
    background: str | None = None,
    window_s: float | None = None,
    top: int = 3,
    scores: Mapping[str, Mapping[str, float]] | None = None,
    start_s: float | None = None,
    stop_s: float | None = None,
    speed: float = 1.0,
    scale: float | None = None,
    height: int | None = None,
    progress: bool = True,
) -> Path:
    """Write a copy of a clip with its labels below the picture.

    The panel under the picture shows, for the truth and every other track, the label of the current frame, how sure it
    is, how long it lasts, and whether it differs from the truth; the most probable classes, where the file has scores;
    and a timeline with a moving cursor. A legend takes the room that is left. Frames, their times and the sound stay
    as they are. The clip is read and written frame by frame, so that its length does not matter.

    Labels and frames meet in time: with a rate, the frame shown t seconds after the first has label
    ``floor(t * rate)``. The rate is the one given; else the one that the file tells; else there must be one label for
    every frame (up to 2 % more or fewer, with a warning). Frames beyond the last label show none.

    Args:
        clip: the video.
        tracks: label files (see :func:`segtcn.labels.legacy.read_labels`), or their content, by their titles; drawn in
            this order.
        output: the video to make or to replace, ``.mp4``; or, with ``.gif`` or ``.webp``, an excerpt for pages that
            show no video: ten seconds, 12.5 frames a second and 480 pixels at most, where nothing else is asked for.
        truth: the true labels, drawn on top, or None.
        fps: labels per second, of all tracks or by their titles, where files do not tell and that is not the rate of
            the clip.
        truth_fps: true labels per second; None means one label a frame where the number fits, else ``fps``.
        class_names: name of every class, in the order of their indices, for the colours of all other figures; None
            takes those of the first file with scores, or colours the names that occur in alphabetical order.
        background: the class drawn in light grey; None takes ``background`` or ``SIL``, if it occurs.
        window_s: seconds around the cursor that the timelines show, with names in the segments and all of the clip in
            small below; None shows all of the clip.
        top: how many of the most probable classes to show, where there are scores; 0 for none.
        scores: values that are printed under the timelines, by the titles of the tracks and their own names.
        start_s: where to begin, in seconds from the first frame.
        stop_s: where to stop, in seconds from the first frame.
        speed: 2 plays twice as fast, with sound of the same pitch.
        scale: factor for the size of the picture.
        height: of the picture in pixels, instead of ``scale``.
        progress: whether to show a progress bar.

    Returns:
        The path of the output.

    Raises:
        FileNotFoundError: if a file or the folder of the output does not exist.
        PermissionError: if no file can be created in the folder of the output.
        OSError: if the output cannot be written, for example because the disk is full; then it is not there at all.
        ValueError: if a file cannot be understood, the output is the clip itself, a label is not in ``class_names``,
            the number of labels fits the clip at no known rate, or another argument is out of range.

    Example:
        >>> overlay_video("clip.mp4", {"MS-TCN": "predictions.npz"}, "out.mp4", truth="labels.txt")  # doctest: +SKIP
    """
    clip, output = Path(clip), Path(output)
    info = probe(clip)
    times_s = frame_times(clip)
    if output.exists() and output.samefile(clip):
        raise ValueError(f"the output {output} is the clip itself, which would be lost: choose another name")
    for name, value, least in [("window_s", window_s, 0.0), ("scale", scale, 0.0), ("height", height, 1.0)]:
        if value is not None and not (value > 0 and value >= least and np.isfinite(value)):
            raise ValueError(f"`{name}` must be positive, got {value}")
    if top < 0:
        raise ValueError(f"`top` must be 0 or more classes, got {top}")

    opened = _open_tracks(tracks, truth)
    rates = _rates(opened, fps, truth_fps, len(times_s))
    alignments = [align(track, times_s, info, str(clip), rate) for track, rate in zip(opened, rates, strict=True)]
    classes = common_classes(opened, class_names, background)
    notes = {
        title: "  ".join(f"{name} {value:.1f}" for name, value in values.items())
        for title, values in (scores or {}).items()
    }
    warn_of_missing_characters([*classes.names, *(track.title for track in opened)])

    limits = ExcerptLimits()
    excerpt = is_excerpt(output)
    if excerpt and stop_s is None:
        stop_s = (start_s or 0.0) + limits.max_s * (speed if speed > 0 else 1.0)
    schedule = make_schedule(times_s, info, start_s, stop_s, speed, limits.max_fps if excerpt else None)
    size = _size(info, scale, height, limits.max_side if excerpt else None)
    since_s = times_s - times_s[0]
    duration_s = max(info.duration_s, float(since_s[-1]))
    lanes = make_lanes(opened, alignments, classes, since_s, duration_s)
    content = PanelContent(lanes, classes, since_s, schedule.start_s, schedule.stop_s, duration_s, window_s, top, notes)
    panel = Panel(content, *size, info.colors)

    sound = Excerpt(speed=speed)
    if start_s or stop_s is not None:
        # sound counts from the start of the clip, which its first frame may follow
        first_s = float(times_s[0])
        sound = Excerpt(schedule.start_s + first_s if start_s else 0.0, schedule.stop_s + first_s, speed)

    def write(path: Path, quality: int) -> None:
        # what follows the picture begins at an even row: 4:2:0
        total = size[1] + size[1] % 2 + panel.height
        heard = clip if info.has_audio and not excerpt else None
        with ClipWriter(path, schedule.fps, size[0], total, heard, sound, info.colors, quality) as writer:
            pictures = _chosen(clip, info, size, times_s, schedule)
            for place, picture in _with_bar(pictures, len(schedule.numbers), clip.name, progress):
                shown = panel.draw(int(schedule.numbers[place]))
                time_s, duration_s = float(schedule.times_s[place]), float(schedule.durations_s[place])
                writer.write_planes(picture, shown, time_s=time_s, duration_s=duration_s)

    if not excerpt:
        write(output, _QUALITY)
        return output
    with _excerpt_paths(output) as (made, moving):
        write(made, _EXCERPT_QUALITY)
        write_animation(made, moving)
    return output


@contextmanager
def _excerpt_paths(output: Path) -> Iterator[tuple[Path, Path]]:
    """Names for a clip and for the moving picture that is made of it; errors name the output instead."""
    with atomic_path(output) as temporary:
        made = temporary.with_suffix(".mp4")  # on the disk of the output: /tmp may be small
        try:
            yield made, temporary
        except OSError as error:
            raise OSError(str(error).replace(str(made), str(output)).replace(str(temporary), str(output))) from error
        finally:
            made.unlink(missing_ok=True)


def _open_tracks(tracks: Mapping[str, LabelSource], truth: LabelSource | None) -> list[Track]:
    """The tracks in the order in which they are drawn."""
    if not tracks and truth is None:
        raise ValueError("there is nothing to draw: expected predictions, the truth, or both")
    if truth is not None and "truth" in tracks:
        raise ValueError("a track has the title 'truth', which is that of the truth: choose another")
    opened = [] if truth is None else [open_track(truth, "truth", is_truth=True)]
    return opened + [open_track(source, title) for title, source in tracks.items()]


def _rates(
    tracks: Sequence[Track], fps: float | Mapping[str, float] | None, truth_fps: float | None, num_frames: int
) -> list[float | None]:
    """Labels per second of every track; None where the file tells, or there is one for every frame."""
    given = fps if isinstance(fps, Mapping) else {}
    if unknown := sorted(given.keys() - {track.title for track in tracks}):
        raise ValueError(f"`fps` has a rate for {unknown[0]!r}: the tracks are {', '.join(t.title for t in tracks)}")
    common = None if isinstance(fps, Mapping) else fps
    rates = []
    for track in tracks:
        rate = given.get(track.title, common)
        if track.is_truth:
            rate = truth_fps if truth_fps is not None else given.get(track.title)
            if rate is None and track.labels.fps is None and not fits_frame_by_frame(track, num_frames):
                rate = common
        rates.append(rate)
    return rates


def _size(info: ClipInfo, scale: float | None, height: int | None, max_side: int | None) -> tuple[int, int]:
    """Width and height of the picture in the output: in square pixels, even where it is changed at all."""
    width, rows = info.shown_size
    if scale is not None and height is not None:
        raise ValueError(f"expected `scale` or `height`, got both, {scale} and {height}")
    if height is not None:
        scale = height / rows
    elif scale is None:
        scale = 1.0 if max_side is None else min(1.0, max_side / max(width, rows))
    if scale == 1 and info.pixel_aspect == 1:
        return width, rows
    return max(2, 2 * round(scale * width / 2)), max(2, 2 * round(scale * rows / 2))


def _chosen(
    clip: Path, info: ClipInfo, size: tuple[int, int], times_s: npt.NDArray[np.float64], schedule: Schedule
) -> Iterator[tuple[int, Planes]]:
    """The pictures of a schedule with their places in it, one in memory at a time, with an even number of rows."""
    place, numbers = 0, schedule.numbers.tolist()
    start_s = float(times_s[numbers[0]]) if schedule.start_s > 0 else 0.0
    for time_s, picture in read_planes(clip, None if size == (info.width, info.height) else size, start_s):
        # found by its time: a decoder may hide a frame that the container counts
        number = int(np.searchsorted(times_s, time_s + TIMESTAMP_TOLERANCE_S / 10, side="right")) - 1
        if number < numbers[place]:
            continue
        while place + 1 < len(numbers) and numbers[place + 1] <= number:
            place += 1
        yield place, picture if size[1] % 2 == 0 else Planes(np.vstack((picture.y, picture.y[-1:])), *picture[1:])
        place += 1
        if place == len(numbers):
            return


def _with_bar(
    pictures: Iterable[tuple[int, Planes]], total: int, name: str, progress: bool
) -> Iterable[tuple[int, Planes]]:
    from tqdm import tqdm

    return tqdm(pictures, total=total, desc=name, unit="frame", disable=not progress)
