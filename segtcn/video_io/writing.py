"""Clips out: H.264 that browsers play, with exact times and the sound of another clip; also copies of other clips."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segtcn.atomic import atomic_path
from segtcn.video_io.planes import ColorTags, Planes, plane_array
from segtcn.video_io.reading import (
    TIMESTAMP_TOLERANCE_S,
    Image,
    existing,
    frame_times,
    open_clip,
    probe,
    read_planes,
)
from segtcn.video_io.sound import BROWSER_AUDIO, AudioTrack, Sound, open_sound

if TYPE_CHECKING:
    import av


_PICTURE = {".mp4": {"h264", "av1", "libdav1d", "vp9"}, ".webm": {"vp8", "vp9", "av1", "libdav1d"}}
_PICTURE[".m4v"] = _PICTURE[".mp4"]
_SOUND = {".mp4": BROWSER_AUDIO, ".m4v": BROWSER_AUDIO, ".webm": {"opus", "libopus", "vorbis"}}
_MAX_THREADS = 8  # each holds frames: of 4K clips on a large machine, gigabytes


class ClipWriter:
    """Write a clip that browsers play: MP4, H.264, 4:2:0, index in front (``+faststart``).

    A context manager. The clip gets its name when the block ends without an error; until then, and after an error,
    there is nothing under that name.

    4:2:0 stores colour at half the resolution, hence needs an even width and height: an odd picture gets one more
    column on the right or one more row at the bottom, a repetition of the last.

    Args:
        path: the clip to make or to replace; must end in ``.mp4``.
        fps: frames per second, exact: ``Fraction(30000, 1001)``, not 29.97.
        width: of the pictures in pixels.
        height: of the pictures in pixels.
        sound: that of another clip; None writes a silent clip.
        colors: what the numbers of :meth:`write_planes` mean; pictures in blue, green, red need the default, BT.709.
        quality: x264's constant rate factor, from 0, without loss, to 51; 20 shows no loss.

    Raises:
        ValueError: if the name, the rate or the size is not as described, or the clip of ``sound`` cannot be read.
        FileNotFoundError: if the folder of ``path`` or the clip of ``sound`` does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile
        >>> from segtcn.video_io import probe
        >>> path = Path(tempfile.mkdtemp()) / "grey.mp4"
        >>> with ClipWriter(path, Fraction(30000, 1001), width=64, height=48) as writer:
        ...     for _ in range(3):
        ...         writer.write(np.full((48, 64, 3), 127, np.uint8))
        >>> probe(path).fps, probe(path).num_frames
        (Fraction(30000, 1001), 3)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fps: Fraction,
        width: int,
        height: int,
        sound: Sound | None = None,
        colors: ColorTags | None = None,
        quality: int = 20,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise ValueError(f"cannot write {self.path}: clips are MP4 files, so the name must end in .mp4")
        if fps <= 0:
            raise ValueError(f"`fps` must be positive, got {fps}")
        if width < 1 or height < 1:
            raise ValueError(f"`width` and `height` must be at least 1 pixel, got {width} x {height}")
        self.fps = Fraction(fps)
        self.width = width
        self.height = height
        self.sound = None if sound is None else replace(sound, source=existing(sound.source))
        self.colors = colors or ColorTags()
        self.quality = quality
        self.num_frames = 0
        # a tick that divides the frame interval and is fine enough for any source with a variable rate
        self._ticks_per_frame = self.fps.denominator * math.ceil(90_000 / self.fps.numerator)
        self._first_s = self._last_s = 0.0
        self._first_tick = self._last_tick = 0
        self._ticks_per_s = float(self.fps * self._ticks_per_frame)
        self._picture: tuple[av.VideoFrame, list[npt.NDArray[np.uint8]]] | None = None

    def __enter__(self) -> ClipWriter:
        """Open the clip under a temporary name."""
        import av

        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_path(self.path))
            stack.enter_context(named_errors(self.path))
            self._container = stack.enter_context(
                av.open(str(temporary.resolve()), "w", format="mp4", options={"movflags": "+faststart"})
            )
            self._stream = self._add_picture()
            self._audio: AudioTrack | None = None
            if self.sound is not None:
                source = stack.enter_context(open_sound(Path(self.sound.source)))
                if source is not None:
                    self._audio = AudioTrack(*source, self._container, self.sound.excerpt)
            self._stack = stack.pop_all()
        return self

    def _add_picture(self) -> Any:
        import av

        # veryfast: faster than the clip plays on two cores. No B-frames: with them the
        # muxer takes a clip with a variable rate for shorter than it is, and players leave out the end
        # without its macroblock tree, which reads uninitialised memory: equal frames become equal bytes
        options = {"crf": str(self.quality), "preset": "veryfast", "bf": "0", "x264-params": "mbtree=0"}
        stream = self._container.add_stream("libx264", rate=self.fps, options=options)
        stream.width, stream.height = self.width + self.width % 2, self.height + self.height % 2
        stream.pix_fmt = "yuv420p"
        # untagged clips are shown with BT.601 or BT.709 colours, depending on the player and the size
        stream.codec_context.colorspace = self.colors.matrix
        stream.codec_context.color_range = 1  # brightness from 16 to 235
        stream.codec_context.color_primaries = self.colors.primaries
        stream.codec_context.color_trc = self.colors.transfer
        stream.codec_context.time_base = 1 / (self.fps * self._ticks_per_frame)
        stream.codec_context.flags |= av.codec.context.Flags.frame_duration
        # several frames at once while the caller makes the next; PyAV's default, slices of one, lets it wait
        stream.codec_context.thread_type = "FRAME"
        stream.codec_context.thread_count = max(1, min(_MAX_THREADS, (os.cpu_count() or 1) * 3 // 2))
        return stream

    def write(self, frame: Image, time_s: float | None = None) -> None:
        """Append a frame.

        Args:
            frame: ``(H, W, 3)`` uint8 in the order blue, green, red.
            time_s: when to show it, in seconds from the start of the clip; None continues at the constant rate. Times
                that differ from the constant rate by the rounding of the source only are taken as such.

        Raises:
            ValueError: if the frame has another size or type than announced, or the time is negative or before that of
                the last frame.
        """
        import av

        expected = (self.height, self.width, 3)
        if frame.shape != expected or frame.dtype != np.uint8:
            raise ValueError(f"expected a frame {expected} uint8, got {frame.shape} {frame.dtype}")
        if self.colors != ColorTags():
            raise ValueError(f"pictures in blue, green, red are written with the colours of BT.709, got {self.colors}")
        picture = av.VideoFrame.from_ndarray(
            np.pad(frame, ((0, self.height % 2), (0, self.width % 2), (0, 0)), mode="edge")
            if self.height % 2 or self.width % 2
            else frame,
            format="bgr24",
        ).reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        self._encode(picture, time_s)

    def write_planes(self, *parts: Planes, time_s: float | None = None, duration_s: float | None = None) -> None:
        """Append a frame that is made of pictures above each other, without a detour through red, green and blue.

        Args:
            parts: pictures of the announced width, from the top. Only the last may have an odd number of rows.
            time_s: as of :meth:`write`.
            duration_s: how long the frame is shown, which matters for the last: the clip ends with it. None is the
                usual time of a frame.

        Raises:
            ValueError: if the parts together have another size than announced; for the times as :meth:`write`.
        """
        import av

        sizes = [part.y.shape for part in parts]
        fits = sum(rows for rows, _ in sizes) == self.height and all(columns == self.width for _, columns in sizes)
        if not fits or any(rows % 2 for rows, _ in sizes[:-1]):
            raise ValueError(f"expected parts that make up {(self.height, self.width)}, even but the last, got {sizes}")
        if self._picture is None:  # one for all: x264 copies what it gets
            picture = av.VideoFrame(self._stream.width, self._stream.height, "yuv420p")
            self._picture = picture, [plane_array(plane) for plane in picture.planes]
        picture, targets = self._picture
        for index, target in enumerate(targets):
            top = 0
            for part in parts:
                rows, columns = part[index].shape
                target[top : top + rows, :columns] = part[index]
                top += rows
            if index == 0 and self.width % 2:
                target[:, self.width] = target[:, self.width - 1]
            if index == 0 and self.height % 2:
                target[self.height] = target[self.height - 1]
        self._encode(picture, time_s, duration_s)

    def _encode(self, picture: Any, time_s: float | None, duration_s: float | None = None) -> None:
        tick = self._tick(time_s)
        since_s = tick / self._ticks_per_s
        picture.pts = tick
        picture.time_base = self._stream.codec_context.time_base
        usual = duration_s is None or abs(duration_s - 1 / float(self.fps)) <= TIMESTAMP_TOLERANCE_S
        picture.duration = self._ticks_per_frame if usual else max(1, round((duration_s or 0) * self._ticks_per_s))
        with named_errors(self.path):
            if self._audio is not None:
                self._audio.copy(until_s=since_s)
            self._container.mux(self._stream.encode(picture))
        self._last_tick = tick
        self._last_s = since_s if time_s is None else time_s
        if self.num_frames == 0:
            self._first_s, self._first_tick = self._last_s, tick
        self.num_frames += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the clip and give it its name, or remove what there is of it after an error."""
        with self._stack:
            if error is not None:
                # handed to the stack, or the half-written clip would take its name
                self._stack.__exit__(kind, error, trace)
                return
            if self.num_frames == 0:
                raise ValueError(f"cannot write {self.path}: it got no frames, expected at least one")
            with named_errors(self.path):
                if self._audio is not None:
                    self._audio.copy(until_s=math.inf)
                self._container.mux(self._stream.encode(None))

    def _tick(self, time_s: float | None) -> int:
        if time_s is None:
            return self._last_tick + self._ticks_per_frame if self.num_frames else 0
        if time_s < self._last_s:
            raise ValueError(f"frames must come in order: {time_s:.4f} s comes after {self._last_s:.4f} s")
        tick = round(time_s * self._ticks_per_s)
        if self.num_frames == 0:
            return tick
        index = round((time_s - self._first_s) * float(self.fps))
        if abs(time_s - self._first_s - index / float(self.fps)) <= TIMESTAMP_TOLERANCE_S:
            tick = self._first_tick + index * self._ticks_per_frame
        return max(tick, self._last_tick + 1)  # some sources give two frames the same time


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Errors of FFmpeg while a file is written become an OSError that names it."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
        hint = "; is the disk full?" if full else ""
        raise OSError(f"cannot write {path}: {error.strerror or error}{hint}") from error


def plays_in_browsers(path: str | os.PathLike[str]) -> bool:
    """Whether all common browsers play a clip: MP4 or WebM, with codecs that they know, 8 bits and 4:2:0.

    Args:
        path: a video file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a video or has no picture.
    """
    path = existing(path)
    suffix = path.suffix.lower()
    if suffix not in _PICTURE:
        return False
    with open_clip(path) as (container, stream):
        sound = container.streams.audio
        return (
            stream.codec_context.name in _PICTURE[suffix]
            and stream.codec_context.pix_fmt in ("yuv420p", "yuvj420p")
            and all(track.codec_context.name in _SOUND[suffix] for track in sound[:1])
        )


def write_playable(
    source: str | os.PathLike[str], target: str | os.PathLike[str], on_frame: Callable[[], object] | None = None
) -> None:
    """Encode a clip again so that browsers play it: H.264 and AAC, every frame at its time.

    Args:
        source: a video file.
        target: the clip to make or to replace, ``.mp4``; complete or not at all.
        on_frame: called after every frame.

    Raises:
        FileNotFoundError: if there is no such file, or no folder for the target.
        ValueError: if the file is not a video, or cannot be decoded to its end.
        OSError: if the disk is full.
    """
    info = probe(source)
    width, height = info.shown_size
    with ClipWriter(Path(target), info.fps, width, height, sound=Sound(source), colors=info.colors) as writer:
        # not the times of the decoder: of H.264 in AVI, which has none, they go back and forth
        for time_s, (_, planes) in zip(frame_times(source), read_planes(source, (width, height)), strict=False):
            writer.write_planes(planes, time_s=float(time_s))
            if on_frame is not None:
                on_frame()
