"""Clips with their labels: below the picture the current label and a timeline with a moving cursor."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.label_files import LabelTrack, read_labels
from segtcn.video_io import TIMESTAMP_TOLERANCE_S, ClipInfo, ClipWriter, Image, frame_times, probe, read_frames
from segtcn.visualization.palette import RGB, class_color, text_color

if TYPE_CHECKING:
    from PIL import ImageFont

LENGTH_TOLERANCE = 0.02
"""Labels without a rate may be this much more or fewer than the clip's frames: extractors drop frames at the end."""

NO_LABEL = -1
"""Frames that no label covers."""

PAPER: RGB = (22, 24, 29)
INK: RGB = (236, 238, 242)
FAINT_INK: RGB = (160, 165, 175)
EMPTY: RGB = (52, 56, 64)


def overlay_video(
    clip: str | os.PathLike[str],
    predictions: str | os.PathLike[str] | LabelTrack,
    output: str | os.PathLike[str],
    truth: str | os.PathLike[str] | LabelTrack | None = None,
    label_fps: float | None = None,
    truth_fps: float | None = None,
    class_names: Sequence[str] | None = None,
    background: str | None = "background",
    progress: bool = True,
) -> Path:
    """Write a copy of a clip with its labels below the picture.

    A strip under the picture shows the label of the current frame, its confidence where there is one, the time, and for
    prediction and truth a timeline with a moving cursor; a legend where there is room. Frames, their times and the
    sound stay as they are. The clip is read and written frame by frame, so that its length does not matter.

    Labels and frames meet in time: with a rate, the frame shown t seconds after the first has label
    ``floor(t * rate)``. The rate is the one given; else the one that a segment table tells; else there must be one
    label for every frame (up to 2 % more or fewer, with a warning). Frames beyond the last label show none.

    Args:
        clip: the video.
        predictions: a label file (see :func:`segtcn.label_files.read_labels`) or its content.
        output: the video to make or to replace, MP4.
        truth: the true labels, likewise, or None.
        label_fps: predictions per second, where that is not the rate of the clip.
        truth_fps: true labels per second; None means one label a frame where the number fits, else ``label_fps``.
        class_names: name of every class, in the order of their indices, for the colours of all other figures; None
            colours the names that occur in alphabetical order.
        background: the class drawn in light grey, if it occurs.
        progress: whether to show a progress bar.

    Returns:
        The path of the output.

    Raises:
        FileNotFoundError: if a file or the folder of the output does not exist.
        PermissionError: if no file can be created in the folder of the output.
        ValueError: if a file cannot be understood, the output is the clip itself, a label is not in ``class_names``, or
            the number of labels fits the clip at no known rate.

    Example:
        >>> overlay_video("clip.mp4", "predictions.txt", "out.mp4", truth="labels.txt")  # doctest: +SKIP
    """
    clip, output = Path(clip), Path(output)
    info = probe(clip)
    times_s = frame_times(clip)
    if output.exists() and output.samefile(clip):
        raise ValueError(f"the output {output} is the clip itself, which would be lost: choose another name")

    track, name = _loaded(predictions, "prediction")
    rows = [_row("prediction", track, name, label_fps, times_s, info, clip)]
    if truth is not None:
        track, name = _loaded(truth, "truth")
        if truth_fps is None and not _one_per_frame(track, times_s):
            truth_fps = track.fps or label_fps
        rows.append(_row("truth", track, name, truth_fps, times_s, info, clip))
    names, colors = _classes(rows, class_names, background)
    strip = _Strip(rows, names, colors, times_s, info)

    with ClipWriter(output, info.fps, info.width, info.height + strip.height, audio_from=clip) as writer:
        for time_s, frame in _with_bar(read_frames(clip), len(times_s), clip.name, progress):
            # found by its time: a decoder may hide a frame that the container counts
            number = int(np.searchsorted(times_s, time_s + TIMESTAMP_TOLERANCE_S / 10, side="right")) - 1
            shown = strip.draw(max(0, number), time_s - float(times_s[0]))
            writer.write(np.concatenate([frame, shown]), time_s)
    return output


class _Row(NamedTuple):
    """One track and, for every frame of the clip, the number of its label in the track, or NO_LABEL."""

    title: str
    track: LabelTrack
    numbers: npt.NDArray[np.int64]


def _loaded(labels: str | os.PathLike[str] | LabelTrack, title: str) -> tuple[LabelTrack, str]:
    """The labels and what error messages call them."""
    return (labels, title) if isinstance(labels, LabelTrack) else (read_labels(labels), str(labels))


def _row(
    title: str,
    track: LabelTrack,
    named: str,
    fps: float | None,
    times_s: npt.NDArray[np.float64],
    info: ClipInfo,
    clip: Path,
) -> _Row:
    if not track.labels:
        raise ValueError(f"{named} has no labels: expected at least one")
    if fps is not None and not fps > 0:
        raise ValueError(f"the rate of the labels must be positive, got {fps}")
    fps = fps or track.fps
    num_labels, num_frames = len(track.labels), len(times_s)
    clip_rate = f"{float(info.fps):g} fps"
    if fps is not None:
        seconds = num_labels / fps
        # one label more or less is a matter of rounding
        if abs(seconds - info.duration_s) > max(LENGTH_TOLERANCE * info.duration_s, 1.5 / fps):
            warnings.warn(
                f"{named}: {num_labels} labels at {fps:g} a second last {seconds:.2f} s, but {clip} lasts "
                f"{info.duration_s:.2f} s; if the rate is not {fps:g}, give the right one (--fps)",
                stacklevel=3,
            )
        index = np.floor((times_s - times_s[0] + TIMESTAMP_TOLERANCE_S) * fps).astype(np.int64)
    elif abs(num_labels - num_frames) > LENGTH_TOLERANCE * num_frames:
        raise ValueError(
            f"{named} has {num_labels} labels, but {clip} has {num_frames} frames: at the clip's {clip_rate} the "
            f"labels last {num_labels / float(info.fps):.2f} s and the clip {info.duration_s:.2f} s; give the rate of "
            f"the labels (--fps), for example --fps {num_labels / info.duration_s:.3g} if they cover the whole clip"
        )
    else:
        if num_labels != num_frames:
            share = 100 * abs(num_labels - num_frames) / num_frames
            warnings.warn(
                f"{named} has {num_labels} labels and {clip} {num_frames} frames, a difference of {share:.1f} %: "
                "label number n is taken for frame number n",
                stacklevel=3,
            )
        index = np.arange(num_frames)
    return _Row(title, track, np.where(index < num_labels, index, NO_LABEL))


def _one_per_frame(track: LabelTrack, times_s: npt.NDArray[np.float64]) -> bool:
    return track.fps is None and abs(len(track.labels) - len(times_s)) <= LENGTH_TOLERANCE * len(times_s)


def _classes(
    rows: Sequence[_Row], class_names: Sequence[str] | None, background: str | None
) -> tuple[list[str], dict[str, RGB]]:
    """The names that occur, in the order of their indices, and their colours."""
    present = {name for row in rows for name in row.track.labels}
    order = sorted(present) if class_names is None else list(class_names)
    unknown = sorted(present.difference(order))
    if unknown:
        raise ValueError(f"`class_names` has no {unknown[0]!r} ({len(unknown)} unknown labels): is it the right list?")
    if class_names is None and background in present:
        order = [background, *(name for name in order if name != background)]
    grey = order.index(background) if background in order else None
    return [name for name in order if name in present], {n: class_color(i, grey) for i, n in enumerate(order)}


class _Strip:
    """The strip under the picture. What does not move is drawn once; a frame costs a copy, a few texts and lines."""

    def __init__(
        self,
        rows: Sequence[_Row],
        names: Sequence[str],
        colors: dict[str, RGB],
        times_s: npt.NDArray[np.float64],
        info: ClipInfo,
    ) -> None:
        self.rows = rows
        self.colors = colors
        self.width = info.width
        # legible on a small picture, not bulky on a large one
        self.size = max(11, round(min(info.width / 36, info.height / 27)))
        self.small = max(10, round(0.8 * self.size))
        self.pad = min(max(4, self.size // 2), self.width // 8)
        self.line = round(1.5 * self.size)
        self.bar = max(8, round(0.95 * self.size))
        self.duration_s = max(info.duration_s, float(times_s[-1] - times_s[0]))
        self.left, self.right = self.pad, self.width - self.pad
        self.clock = f" / {_clock(self.duration_s)}"

        self.line_tops, self.bar_tops = [], []
        top = self.pad
        for _ in rows:
            self.line_tops.append(top)
            self.bar_tops.append(top + self.line + max(2, self.pad // 3))
            top = self.bar_tops[-1] + self.bar + self.pad
        entries = self._legend(names, top)
        below = max((y for _, _, y in entries), default=None)
        if below is not None and below + self.line + self.pad // 2 <= info.height / 2:
            top = below + self.line + self.pad // 2
        else:
            entries = []
        self.height = top + (info.height + top) % 2  # an even picture: 4:2:0 would add a row

        self.still = np.empty((self.height, self.width, 3), np.uint8)
        self.still[:] = PAPER[::-1]
        for row, y in zip(rows, self.bar_tops, strict=True):
            self.still[y : y + self.bar, self.left : self.right] = self._bar(row, times_s)
        for name, x, y in entries:
            side = round(0.8 * self.small)
            chip_top = y + (self.line - side) // 2
            self.still[chip_top : chip_top + side, x : x + side] = colors[name][::-1]
            _put(self.still, name, x + side + self.pad // 2, y, self.line, self.small, INK)
        self.title_width = max(_text_width(row.title, self.small) for row in rows)
        for row, y in zip(rows, self.line_tops, strict=True):
            _put(self.still, row.title, self.left, y, self.line, self.small, FAINT_INK)

    def draw(self, number: int, time_s: float) -> Image:
        """The strip of a frame, ``(height, width, 3)`` uint8, blue, green, red."""
        import cv2

        picture = self.still.copy()
        # tabular: digits of DejaVu are equally wide, so the clock does not jump
        clock = _clock(time_s) + self.clock
        clock_left = self.right - _text_width(clock, self.small)
        _put(picture, clock, clock_left, self.line_tops[0], self.line, self.small, FAINT_INK)
        for row, y in zip(self.rows, self.line_tops, strict=True):
            until = clock_left if y == self.line_tops[0] else self.right
            self._draw_label(picture, row, int(row.numbers[number]), y, until - self.pad)
        x = round(self._x(time_s))
        reach = max(2, self.bar // 5)
        thick = max(1, self.size // 9)
        for y in self.bar_tops:
            top, bottom = y - reach, y + self.bar - 1 + reach
            cv2.rectangle(picture, (x - 2 * thick, top), (x + 2 * thick, bottom), PAPER[::-1], -1)
            cv2.rectangle(picture, (x - thick, top), (x + thick, bottom), INK[::-1], -1)
        return picture

    def _draw_label(self, picture: Image, row: _Row, index: int, y: int, until: int) -> None:
        import cv2

        x = self.left + self.title_width + self.pad
        name = "no label" if index == NO_LABEL else row.track.labels[index]
        color = EMPTY if index == NO_LABEL else self.colors[name]
        sure = None if index == NO_LABEL or row.track.confidence is None else row.track.confidence[index]
        percent = "" if sure is None else f"{100 * sure:.0f} %"
        room = until - x - self.pad - (_text_width("100 %", self.small) + self.pad if percent else 0)
        name = _shortened(name, self.size, room)
        right = x + _text_width(name, self.size) + self.pad
        cv2.rectangle(picture, (x, y), (right, y + self.line - 1), color[::-1], -1)
        _put(picture, name, x + self.pad // 2, y, self.line, self.size, text_color(color))
        if percent:
            _put(picture, percent, right + self.pad, y, self.line, self.small, INK)

    def _bar(self, row: _Row, times_s: npt.NDArray[np.float64]) -> Image:
        """One line of pixels, ``(1, width, 3)``: the colour of the frame that is on display at each pixel's time."""
        pixels_s = (np.arange(self.right - self.left) + 0.5) / (self.right - self.left) * self.duration_s
        frames = np.searchsorted(times_s - times_s[0], pixels_s, side="right") - 1
        colors = [
            EMPTY if index == NO_LABEL else self.colors[row.track.labels[index]]
            for index in row.numbers[frames].tolist()
        ]
        return np.array(colors, np.uint8)[None, :, ::-1]

    def _x(self, time_s: float) -> float:
        return self.left + min(1.0, time_s / self.duration_s) * (self.right - self.left - 1)

    def _legend(self, names: Sequence[str], top: int) -> list[tuple[str, int, int]]:
        """Place (name, x, y) in lines, as words of a text."""
        x, entries = self.left, []
        for name in names:
            width = round(0.8 * self.small) + self.pad // 2 + _text_width(name, self.small)
            if x > self.left and x + width > self.right:
                x, top = self.left, top + self.line
            entries.append((name, x, top))
            x += width + 2 * self.pad
        return entries


def _clock(seconds: float) -> str:
    tenths = math.floor(10 * seconds + 0.01)  # 0.3 s is stored as a little less
    minutes, tenths = divmod(tenths, 600)
    return f"{minutes}:{tenths // 10:02d}.{tenths % 10}"


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib as mpl
    from PIL import ImageFont  # matplotlib depends on Pillow and brings DejaVu; OpenCV draws ASCII only

    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size)


@lru_cache(maxsize=4096)
def _text_mask(text: str, size: int) -> npt.NDArray[np.float32]:
    """Coverage of a text from 0 to 1, ``(height, width, 1)``; equally high for all texts of a size."""
    from PIL import Image as PillowImage
    from PIL import ImageDraw

    font = _font(size)
    ascent, descent = font.getmetrics()
    mask = PillowImage.new("L", (max(1, math.ceil(font.getlength(text))), ascent + descent))
    ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
    return np.asarray(mask, np.float32)[..., None] / np.float32(255)


def _text_width(text: str, size: int) -> int:
    return _text_mask(text, size).shape[1]


@lru_cache(maxsize=4096)
def _shortened(text: str, size: int, room: int) -> str:
    """The text, or as much of its beginning and "…" as fit into ``room`` pixels."""
    if _text_width(text, size) <= room:
        return text
    while text and _text_width(text + "…", size) > room:
        text = text[:-1]
    return text + "…"


def _put(picture: Image, text: str, x: int, y: int, line: int, size: int, color: RGB) -> None:
    """Blend a text into a picture, in the middle of a line that begins at ``(x, y)``; what sticks out is cut off."""
    mask = _text_mask(text, size)
    y += (line - mask.shape[0]) // 2
    mask = mask[max(0, -y) :, max(0, -x) :]
    x, y = max(0, x), max(0, y)
    spot = picture[y : y + mask.shape[0], x : x + mask.shape[1]]
    mask = mask[: spot.shape[0], : spot.shape[1]]
    spot[:] = np.rint(spot + mask * (np.array(color[::-1], np.float32) - spot)).astype(np.uint8)


def _with_bar(
    frames: Iterable[tuple[float, Image]], total: int, name: str, progress: bool
) -> Iterable[tuple[float, Image]]:
    from tqdm import tqdm

    return tqdm(frames, total=total, desc=name, unit="frame", disable=not progress)
