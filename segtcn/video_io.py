"""Clips in and out through PyAV: exact frame rates, presentation times, H.264 that browsers play."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.atomic import atomic_path

if TYPE_CHECKING:
    import av

Image = npt.NDArray[np.uint8]
"""A picture, ``(H, W, 3)`` uint8, in OpenCV's order blue, green, red."""

TIMESTAMP_TOLERANCE_S = 1.5e-3
"""Matroska rounds timestamps to milliseconds: differences of two are off by up to one."""


BROWSER_AUDIO = frozenset({"aac", "mp3", "mp3float", "opus", "libopus", "flac"})
"""Decoders of the sound formats that MP4 holds and browsers play (AC-3 fits in MP4, but Chromium is silent)."""


class ClipInfo(NamedTuple):
    """What a clip says about itself.

    Args:
        fps: average frames per second, exact: NTSC's 29.97 is ``Fraction(30000, 1001)``.
        num_frames: frames; counted in the packets where the container does not say.
        width: of the upright picture, in pixels.
        height: of the upright picture, in pixels.
        duration_s: length of the picture in seconds.
        has_audio: whether there is a sound track.
        rotation: degrees, counter-clockwise, by which players (and :func:`read_frames`) turn the stored picture.
    """

    fps: Fraction
    num_frames: int
    width: int
    height: int
    duration_s: float
    has_audio: bool
    rotation: int = 0


def probe(path: str | os.PathLike[str]) -> ClipInfo:
    """Read what a clip says about itself; its first frame is decoded, the others are not.

    Args:
        path: a video file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a video, has no picture, or no frame can be decoded.
    """
    path = _existing(path)
    with _open_clip(path) as (container, stream):
        fps = _frame_rate(path, stream)
        frame = None
        num_packets = 0
        begin = end = None
        for packet in container.demux(stream):
            if frame is None:
                frame = next(iter(packet.decode()), None)
            if frame is not None and stream.frames and stream.duration:
                break
            num_packets += packet.size > 0
            if packet.pts is not None:
                begin = packet.pts if begin is None else min(begin, packet.pts)
                end = max(packet.pts + (packet.duration or 0), packet.pts if end is None else end)
        if frame is None:
            raise ValueError(_no_frames(path, container))
        num_frames = int(stream.frames or num_packets)
        if stream.duration:
            duration_s = float(stream.duration * stream.time_base)
        else:
            duration_s = (
                float((end - begin) * stream.time_base) if end and begin is not None else float(num_frames / fps)
            )
        turns = _quarter_turns(frame)
        width, height = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
        return ClipInfo(fps, num_frames, width, height, duration_s, bool(container.streams.audio), 90 * turns)


def frame_times(path: str | os.PathLike[str]) -> npt.NDArray[np.float64]:
    """Presentation time of every frame in seconds, from the packets: nothing is decoded.

    Args:
        path: a video file.

    Returns:
        Increasing times from the start of the clip, ``(num_frames,)``, the same as :func:`read_frames` gives.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a video, has no frame, or is clearly shorter than it promises.
    """
    import av

    path = _existing(path)
    with _open_clip(path) as (container, stream):
        fps = _frame_rate(path, stream)
        progress = _Progress(container, stream)
        packets = [
            packet for packet in container.demux() if progress.add(packet) and packet.size and not packet.is_discard
        ]
        if not packets:
            raise ValueError(_no_frames(path, container))
        progress.check_complete(path, fps)
        if any(packet.pts is None for packet in packets):
            return np.arange(len(packets)) / float(fps)
        origin_s = (container.start_time or 0) / av.time_base
        return np.sort([float(packet.pts * packet.time_base) for packet in packets]) - origin_s


def read_frames(path: str | os.PathLike[str]) -> Iterator[tuple[float, Image]]:
    """Decode a clip frame by frame, in presentation order, one frame in memory at a time.

    Args:
        path: a video file.

    Returns:
        For every frame its presentation time in seconds, counted from the start of the clip, and the upright picture
        ``(H, W, 3)`` uint8 in the order blue, green, red.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a video or has no frame; on the way, if a frame cannot be decoded; at the end,
            if the container promises a clearly longer clip (an interrupted copy or download).

    Example:
        >>> for time_s, frame in read_frames("clip.mp4"):  # doctest: +SKIP
        ...     print(f"{time_s:.3f} s", frame.shape)
    """
    return _decode(_existing(path))


def _decode(path: Path) -> Iterator[tuple[float, Image]]:
    import av

    with _open_clip(path) as (container, stream):
        fps = _frame_rate(path, stream)
        origin = (container.start_time or 0) / av.time_base
        progress = _Progress(container, stream)
        num_frames = 0
        try:
            for packet in container.demux():
                if not progress.add(packet):
                    continue
                for frame in packet.decode():
                    # a clip cut out of a longer one may begin with frames whose reference was cut off
                    if frame.is_corrupt and num_frames:
                        raise ValueError(_broken(path, num_frames, fps, "the frame is damaged"))
                    time_s = num_frames / float(fps) if frame.time is None else frame.time - origin
                    num_frames += 1
                    upright = np.rot90(frame.to_ndarray(format="bgr24"), _quarter_turns(frame))
                    yield time_s, np.ascontiguousarray(upright)
        except av.FFmpegError as error:
            raise ValueError(_broken(path, num_frames, fps, error.strerror or str(error))) from error
        if num_frames == 0:
            raise ValueError(_no_frames(path, container))
        progress.check_complete(path, fps)


class _Progress:
    """How far the packets of a clip reach, to compare with what its header promises."""

    def __init__(self, container: Any, stream: Any) -> None:
        self.container = container
        self.stream = stream
        self.num_packets = 0
        self.end_s = 0.0

    def add(self, packet: Any) -> bool:
        """Take note of a packet of any stream; whether it belongs to the picture."""
        # of any: where the sound is longer than the picture, only the sound reaches the promised end
        if packet.pts is not None:
            self.end_s = max(self.end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream.index != self.stream.index:
            return False
        self.num_packets += packet.size > 0
        return True

    def check_complete(self, path: Path, fps: Fraction) -> None:
        """Raise a ValueError if clearly less came than was promised."""
        import av

        # `end_s` counts from zero, not from the first timestamp: Matroska's duration does so; for others it is lenient
        promised_s = (self.container.duration or 0) / av.time_base
        interval_s = float(1 / fps)
        if self.container.format.name == "avi":  # where FFmpeg cuts the promise to the size of the file
            promised_s = max(promised_s, self.stream.frames * interval_s)
        few = self.num_packets < self.stream.frames
        tolerance_s = 1.5 * interval_s if few else max(3 * interval_s, 0.01 * promised_s)
        # both: MP4 counts frames, too, that its edit list hides; a last frame may be shown for long
        if promised_s - self.end_s > tolerance_s and self.num_packets != self.stream.frames:
            raise ValueError(
                f"{path} is truncated: it promises {promised_s:.2f} s and ends after {self.end_s:.2f} s "
                f"({self.num_packets} frames); copy or download it again"
            )


@contextmanager
def _open_clip(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a clip and its first moving picture; PyAV's errors become a ValueError that names the file."""
    import av

    try:
        # resolved: `a:b.mp4` would be taken for the protocol `a`
        with av.open(str(path.resolve())) as container:
            streams = [s for s in container.streams.video if not s.disposition & type(s.disposition).attached_pic]
            # FFmpeg renders text files as pictures of a terminal
            if not streams or streams[0].codec_context.name == "ansi":
                kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
                raise ValueError(f"{path} has no video stream: expected a video, found {kinds}; give a video file")
            yield container, streams[0]
    except av.FFmpegError as error:
        reason = error.strerror or str(error)
        raise ValueError(
            f"{path} cannot be decoded as video ({reason}): expected a complete file that FFmpeg can read, "
            f"got {path.stat().st_size} bytes that are damaged, truncated or something else; copy or convert it again"
        ) from error


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no video file {path}: check the path")
    return path


def _no_frames(path: Path, container: Any) -> str:
    promised = (container.duration or 0) / 1e6
    return (
        f"{path} promises {promised:.2f} s of video and has not one frame to decode; copy, record or convert it again"
    )


def _broken(path: Path, num_frames: int, fps: Fraction, reason: str) -> str:
    return (
        f"{path} is damaged or truncated: it cannot be decoded after {num_frames} frames "
        f"({float(num_frames / fps):.2f} s; {reason}); copy or download it again"
    )


def _frame_rate(path: Path, stream: Any) -> Fraction:
    fps = stream.average_rate or stream.guessed_rate or stream.base_rate
    if not fps:
        raise ValueError(f"{path} declares no frame rate: expected frames per second; convert it to MP4 first")
    return Fraction(fps)


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that make a frame upright (telephones store portrait clips on their side)."""
    return round(frame.rotation / 90) % 4


class ClipWriter:
    """Write a clip that browsers play: MP4, H.264, 4:2:0, BT.709, index in front (``+faststart``).

    A context manager. The clip gets its name when the block ends without an error; until then, and after an error,
    there is nothing under that name.

    4:2:0 stores colour at half the resolution, hence needs an even width and height: an odd picture gets one more
    column on the right or one more row at the bottom, a repetition of the last.

    Args:
        path: the clip to make or to replace; must end in ``.mp4``.
        fps: frames per second, exact: ``Fraction(30000, 1001)``, not 29.97.
        width: of the pictures in pixels.
        height: of the pictures in pixels.
        audio_from: a clip whose first sound track is kept, if it has one: as it is where MP4 holds the codec and
            browsers play it, encoded to AAC otherwise. It keeps its place in time relative to the start of the clip.

    Raises:
        ValueError: if the name, the rate or the size is not as described, or ``audio_from`` cannot be read.
        FileNotFoundError: if the folder of ``path`` or the file ``audio_from`` does not exist.
        PermissionError: if no file can be created in the folder.

    Example:
        >>> import tempfile
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
        audio_from: str | os.PathLike[str] | None = None,
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
        self.audio_from = None if audio_from is None else _existing(audio_from)
        self.num_frames = 0
        # a tick that divides the frame interval and is fine enough for any source with a variable rate
        self._ticks_per_frame = self.fps.denominator * math.ceil(90_000 / self.fps.numerator)
        self._first_s = self._last_s = 0.0
        self._first_tick = self._last_tick = 0

    def __enter__(self) -> ClipWriter:
        """Open the clip under a temporary name."""
        import av

        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_path(self.path))
            stack.enter_context(self._named_errors())
            self._container = stack.enter_context(
                av.open(str(temporary.resolve()), "w", format="mp4", options={"movflags": "+faststart"})
            )
            # 20, veryfast: no visible loss, and faster than the clip plays on two cores. No B-frames: with them the
            # muxer takes a clip with a variable rate for shorter than it is, and players leave out the end
            # without its macroblock tree, which reads uninitialised memory: equal frames become equal bytes
            options = {"crf": "20", "preset": "veryfast", "bf": "0", "x264-params": "mbtree=0"}
            stream = self._container.add_stream("libx264", rate=self.fps, options=options)
            stream.width, stream.height = self.width + self.width % 2, self.height + self.height % 2
            stream.pix_fmt = "yuv420p"
            # untagged clips are shown with BT.601 or BT.709 colours, depending on the player and the size
            stream.codec_context.colorspace = stream.codec_context.color_primaries = 1
            stream.codec_context.color_trc = stream.codec_context.color_range = 1
            stream.codec_context.time_base = 1 / (self.fps * self._ticks_per_frame)
            self._stream = stream
            self._audio: _AudioTrack | None = None
            if self.audio_from is not None:
                source = stack.enter_context(_open_sound(self.audio_from))
                if source is not None:
                    self._audio = _AudioTrack(*source, self._container)
            self._stack = stack.pop_all()
        return self

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
        tick = self._tick(time_s)
        picture = av.VideoFrame.from_ndarray(
            np.pad(frame, ((0, self.height % 2), (0, self.width % 2), (0, 0)), mode="edge")
            if self.height % 2 or self.width % 2
            else frame,
            format="bgr24",
        ).reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        picture.pts = tick
        picture.time_base = self._stream.codec_context.time_base
        picture.duration = self._ticks_per_frame
        with self._named_errors():
            if self._audio is not None:
                self._audio.copy(until_s=float(tick * picture.time_base))
            self._container.mux(self._stream.encode(picture))
        self._last_tick = tick
        self._last_s = float(tick * picture.time_base) if time_s is None else time_s
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
            with self._named_errors():
                if self._audio is not None:
                    self._audio.copy(until_s=math.inf)
                self._container.mux(self._stream.encode(None))

    def _tick(self, time_s: float | None) -> int:
        if time_s is None:
            return self._last_tick + self._ticks_per_frame if self.num_frames else 0
        if time_s < self._last_s:
            raise ValueError(f"frames must come in order: {time_s:.4f} s comes after {self._last_s:.4f} s")
        tick = round(time_s * self.fps * self._ticks_per_frame)
        if self.num_frames == 0:
            return tick
        index = round((time_s - self._first_s) * self.fps)
        if abs(time_s - self._first_s - float(index / self.fps)) <= TIMESTAMP_TOLERANCE_S:
            tick = self._first_tick + index * self._ticks_per_frame
        return max(tick, self._last_tick + 1)  # some sources give two frames the same time

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        import av

        try:
            yield
        except av.FFmpegError as error:
            raise OSError(f"cannot write {self.path}: {error.strerror or error}; is the disk full?") from error


class _AudioTrack:
    """The sound of one clip on its way into another: packets as they are, or encoded again to AAC."""

    def __init__(self, path: Path, source: Any, stream: Any, target: Any) -> None:
        import av

        self._path = path
        self._target = target
        self._origin_s = (source.start_time or 0) / av.time_base
        if stream.codec_context.name in BROWSER_AUDIO:
            self._stream = target.add_stream_from_template(stream)
            self._packets = self._copied(source, stream)
        else:
            self._stream = target.add_stream("aac", rate=min(stream.rate, 48_000))
            self._stream.layout = "mono" if stream.channels == 1 else "stereo"
            self._packets = self._encoded(source, stream)
        self._next: Any = None

    def copy(self, until_s: float) -> None:
        """Pass on what is heard before ``until_s``, so that sound and picture lie side by side in the file."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            if self._next is None or float(self._next.dts * self._next.time_base) >= until_s:
                return
            self._target.mux(self._next)
            self._next = None

    def _copied(self, source: Any, stream: Any) -> Iterator[Any]:
        for packet in source.demux(stream):
            if packet.dts is None:
                continue
            shift = round(self._origin_s / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = self._stream
            yield packet

    def _encoded(self, source: Any, stream: Any) -> Iterator[Any]:
        import av

        resampler = av.AudioResampler("fltp", self._stream.layout, self._stream.rate)
        for frame in source.decode(stream):
            if frame.pts is not None:
                frame.pts -= round(self._origin_s / frame.time_base)
            for resampled in resampler.resample(frame):
                yield from self._stream.encode(resampled)
        for resampled in resampler.resample(None):
            yield from self._stream.encode(resampled)
        yield from self._stream.encode(None)


@contextmanager
def _open_sound(path: Path) -> Iterator[tuple[Path, Any, Any] | None]:
    import av

    try:
        container = av.open(str(path.resolve()))
    except av.FFmpegError as error:
        raise ValueError(f"the sound of {path} cannot be read ({error.strerror or error})") from error
    with container:
        yield (path, container, container.streams.audio[0]) if container.streams.audio else None
