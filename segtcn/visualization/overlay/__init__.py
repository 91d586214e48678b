"""Clips with their labels: below the picture the current labels and timelines with a moving cursor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.atomic import atomic_path
from segtcn.labels import Classes, LabelsLike
from segtcn.progress import progress_bar
from segtcn.video_io import (
    TIMESTAMP_TOLERANCE_S,
    ClipInfo,
    ClipWriter,
    Excerpt,
    Planes,
    Sound,
    frame_times,
    probe,
    read_planes,
)
from segtcn.video_io.animation import write_animation
from segtcn.visualization.fonts import warn_of_missing_glyphs
from segtcn.visualization.overlay.look import OverlayLook
from segtcn.visualization.overlay.panel import Panel, PanelContent
from segtcn.visualization.overlay.panel_rows import label_numbers, make_rows
from segtcn.visualization.overlay.schedule import ANIMATION_SIDE, Schedule, is_animation, make_schedule
from segtcn.visualization.tracks import make_tracks

__all__ = ["Excerpt", "OverlayLook", "overlay_video"]

_QUALITY = 20
_ANIMATION_QUALITY = 8  # nearly without loss: it is encoded a second time


def overlay_video(
    clip: str | os.PathLike[str],
    tracks: Mapping[str, LabelsLike],
    output: str | os.PathLike[str],
    *,
    classes: Classes | Sequence[str] | None = None,
    fps: float | None = None,
    excerpt: Excerpt = Excerpt(),
    look: OverlayLook = OverlayLook(),
) -> Path:
    """Write a copy of a clip with its labels below the picture.

    The panel under the picture shows, for the truth and every other track, the label of the current frame, how sure it
    is, how long it lasts, and whether it differs from the truth; the most probable classes, where there are scores of
    all; and a timeline with a moving cursor. A legend takes the room that is left. Frames, their times and the sound
    stay as they are. The clip is read and written frame by frame, so that its length does not matter.

    Labels and frames meet in time: with a rate, the frame shown t seconds after the first has label
    ``floor(t * rate)``. The rate is the one that the labels say. Where they do not, there is one label for every frame
    if the number fits (up to 2 % more or fewer, with a warning), or else ``fps`` is the rate. Frames beyond the last
    label show none, and frames that nobody annotated are hatched.

    Args:
        clip: the video.
        tracks: labels by their titles: :class:`~segtcn.labels.Labels`, a label file, or the class index or name of
            every label. The true ones, titled ``truth``, are on top, the others follow in the order given.
        output: the video to make or to replace, ``.mp4``; or, with ``.gif`` or ``.webp``, a moving picture for pages
            that show no video: ten seconds, 12.5 frames a second and 480 pixels at most, where nothing else is asked
            for.
        classes: of all tracks, in the order of their indexes, for the colours of all other pictures; None takes those
            that the tracks bring.
        fps: labels per second, as above.
        excerpt: the part of the clip, in seconds from the first frame, and its speed; sound keeps its pitch.
        look: size of the picture, and what is shown below it.

    Returns:
        The path of the output.

    Raises:
        FileNotFoundError: if a file or the folder of the output does not exist.
        PermissionError: if no file can be created in the folder of the output.
        OSError: if the output cannot be written, for example because the disk is full; then it is not there at all.
        ValueError: if a file cannot be understood, the output is the clip itself, or a label is not among ``classes``.
            Also if the number of labels fits the clip at no known rate, or another argument is out of range.

    Example:
        >>> overlay_video("clip.mp4", {"truth": "labels.txt", "MS-TCN": "preds.npz"}, "out.mp4")  # doctest: +SKIP
    """
    clip, output = Path(clip), Path(output)
    film = _open(clip, output, excerpt, look)
    videos, common = make_tracks({"": tracks}, classes)
    numbers = {
        title: label_numbers(labels, film.times_s, film.info, str(clip), fps) for title, labels in videos[""].items()
    }
    warn_of_missing_glyphs("".join([*common.names, *tracks]))
    since_s = film.times_s - film.times_s[0]
    duration_s = max(film.info.duration_s, float(since_s[-1]))
    rows = make_rows(videos[""], numbers, since_s, duration_s)
    shown = (film.schedule.start_s, film.schedule.stop_s)
    panel = Panel(PanelContent(rows, common, since_s, shown, duration_s, look), *film.size, film.info.colors)
    if not is_animation(output):
        _write(film, panel, output, _sound(film, excerpt), look.progress)
        return output
    with _animation_paths(output) as (made, moving):
        _write(film, panel, made, None, look.progress)
        write_animation(made, moving)
    return output


class _Film(NamedTuple):
    """What is shown of a clip.

    Args:
        clip: the video.
        info: what it says about itself.
        times_s: of its frames, ``(num_frames,)``.
        schedule: its frames that are shown, and when.
        size: width and height of the picture in the output.
    """

    clip: Path
    info: ClipInfo
    times_s: npt.NDArray[np.float64]
    schedule: Schedule
    size: tuple[int, int]

    def pictures(self) -> Iterator[tuple[int, Planes]]:
        """The pictures with their places in the schedule, one in memory at a time, with an even number of rows."""
        place, numbers, size = 0, self.schedule.numbers.tolist(), self.size
        start_s = float(self.times_s[numbers[0]]) if self.schedule.start_s > 0 else 0.0
        for time_s, picture in read_planes(
            self.clip, None if size == (self.info.width, self.info.height) else size, start_s
        ):
            # found by its time: a decoder may hide a frame that the container counts
            number = int(np.searchsorted(self.times_s, time_s + TIMESTAMP_TOLERANCE_S / 10, side="right")) - 1
            if number < numbers[place]:
                continue
            while place + 1 < len(numbers) and numbers[place + 1] <= number:
                place += 1
            yield place, picture if size[1] % 2 == 0 else Planes(np.vstack((picture.y, picture.y[-1:])), *picture[1:])
            place += 1
            if place == len(numbers):
                return


def _open(clip: Path, output: Path, excerpt: Excerpt, look: OverlayLook) -> _Film:
    info, times_s = probe(clip), frame_times(clip)
    if output.exists() and output.samefile(clip):
        raise ValueError(f"the output {output} is the clip itself, which would be lost: choose another name")
    animated = is_animation(output)
    schedule = make_schedule(times_s, info, excerpt, animated)
    return _Film(clip, info, times_s, schedule, look.size(info, ANIMATION_SIDE if animated else None))


def _sound(film: _Film, excerpt: Excerpt) -> Excerpt:
    """The part of the sound: it counts from the start of the clip, which its first frame may follow."""
    if excerpt.is_whole:
        return excerpt
    first_s = float(film.times_s[0])
    start_s = film.schedule.start_s + first_s if excerpt.start_s else 0.0
    return Excerpt(start_s, film.schedule.stop_s + first_s, excerpt.speed)


def _write(film: _Film, panel: Panel, path: Path, sound: Excerpt | None, progress: bool) -> None:
    """Write pictures with the panel below them; without ``sound``, for a moving picture that is made of the clip."""
    schedule, (width, height) = film.schedule, film.size
    # what follows the picture begins at an even row: 4:2:0
    rows = height + height % 2 + panel.height
    heard = Sound(film.clip, sound) if film.info.has_audio and sound is not None else None
    quality = _ANIMATION_QUALITY if sound is None else _QUALITY
    with ClipWriter(path, schedule.fps, width, rows, heard, film.info.colors, quality) as writer:
        total = len(schedule.numbers)
        pictures = progress_bar(film.pictures(), film.clip.name, unit="frame", total=total, show=progress)
        for place, picture in pictures:
            shown = panel.draw(int(schedule.numbers[place]))
            time_s, duration_s = float(schedule.times_s[place]), float(schedule.durations_s[place])
            writer.write_planes(picture, shown, time_s=time_s, duration_s=duration_s)


@contextmanager
def _animation_paths(output: Path) -> Iterator[tuple[Path, Path]]:
    """Names for a clip and for the moving picture that is made of it; errors name the output instead."""
    with atomic_path(output) as temporary:
        made = temporary.with_suffix(".mp4")  # on the disk of the output: /tmp may be small
        try:
            yield made, temporary
        except OSError as error:
            raise OSError(str(error).replace(str(made), str(output)).replace(str(temporary), str(output))) from error
        finally:
            made.unlink(missing_ok=True)
