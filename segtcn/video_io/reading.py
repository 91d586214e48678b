"""Clips in: what they say about themselves, when each frame is shown, and the frames."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.video_io.planes import ColorTags, Planes, as_yuv420, color_tags, plane_array

if TYPE_CHECKING:
    import av

Image = npt.NDArray[np.uint8]
"""A picture, ``(H, W, 3)`` uint8, in OpenCV's order blue, green, red."""

TIMESTAMP_TOLERANCE_S = 1.5e-3
"""Matroska rounds timestamps to milliseconds: differences of two are off by up to one."""


_PACKET_SIZES = (188, 192, 204)  # of MPEG transport streams: plain, with time stamps (M2TS), with error correction


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
        pixel_aspect: width of a pixel of the upright picture divided by its height; 1 but for old and broadcast clips.
        colors: what the numbers of :func:`read_planes` mean.
    """

    fps: Fraction
    num_frames: int
    width: int
    height: int
    duration_s: float
    has_audio: bool
    rotation: int = 0
    pixel_aspect: Fraction = Fraction(1)
    colors: ColorTags = ColorTags()

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height of the picture as players show it, in square pixels."""
        return max(1, round(self.width * self.pixel_aspect)), self.height


def probe(path: str | os.PathLike[str]) -> ClipInfo:
    """Read what a clip says about itself; its first frame is decoded, the others are not.

    Args:
        path: a video file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a video, has no picture, or no frame can be decoded.
    """
    path = existing(path)
    with open_clip(path) as (container, stream):
        fps = _frame_rate(path, stream)
        frame, num_packets, ticks = _first_frame(container, stream)
        if frame is None:
            raise ValueError(_no_frames(path, container))
        num_frames = int(stream.frames or num_packets)
        ticks = stream.duration or ticks
        turns = _quarter_turns(frame)
        width, height = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        return ClipInfo(
            fps,
            num_frames,
            width,
            height,
            float(ticks * stream.time_base if ticks else num_frames / fps),
            bool(container.streams.audio),
            90 * turns,
            1 / aspect if turns % 2 else aspect,
            color_tags(stream.codec_context, frame),
        )


def _first_frame(container: Any, stream: Any) -> tuple[av.VideoFrame | None, int, int]:
    """The first frame; where the container does not state it, also the number of packets, and how far they reach."""
    frame, num_packets = None, 0
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
    return frame, num_packets, end - begin if end and begin is not None else 0


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

    path = existing(path)
    with open_clip(path) as (container, stream):
        fps = _frame_rate(path, stream)
        progress = _Progress(container, stream)
        # the times alone: all packets would be the whole file in memory
        times_s = [
            None if packet.pts is None else float(packet.pts * packet.time_base)
            for packet in container.demux()
            if progress.add(packet) and packet.size and not packet.is_discard
        ]
        if not times_s:
            raise ValueError(_no_frames(path, container))
        progress.check_complete(path, fps)
        if None in times_s:
            return np.arange(len(times_s)) / float(fps)
        origin_s = (container.start_time or 0) / av.time_base
        return np.sort(np.array(times_s, np.float64)) - origin_s


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
    return ((time_s, upright(frame)) for time_s, frame in _decode(existing(path)))


def read_planes(
    path: str | os.PathLike[str], size: tuple[int, int] | None = None, start_s: float = 0.0
) -> Iterator[tuple[float, Planes]]:
    """Decode a clip as :func:`read_frames` does, but as video stores pictures: the frames of most clips are not copied.

    Brightness and colour keep the meaning that ``probe(path).colors`` states, but for the range of brightness: where a
    clip stores 0 to 255, it becomes 16 to 235.

    Args:
        path: a video file.
        size: width and height that the upright picture is brought to; None leaves it, and pixels that are not square.
        start_s: frames before this time may be left out; the container's index is used to find the place.

    Returns:
        For every frame its presentation time in seconds, counted from the start of the clip, and the upright picture.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: as of :func:`read_frames`.
    """
    return ((time_s, _planes(frame, size)) for time_s, frame in _decode(existing(path), start_s))


def _planes(frame: av.VideoFrame, size: tuple[int, int] | None) -> Planes:
    turns = _quarter_turns(frame)
    picture = as_yuv420(frame, size[::-1] if size and turns % 2 else size)
    return Planes(*(np.rot90(plane_array(plane), turns) for plane in picture.planes))


def _decode(path: Path, start_s: float = 0.0) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decode from the last key frame before ``start_s``; from the start where the container cannot tell."""
    import av

    with open_clip(path) as (container, stream):
        fps = _frame_rate(path, stream)
        origin_s = (container.start_time or 0) / av.time_base
        progress = _Progress(container, stream)
        num_frames = 0
        # AVI has times of decoding only: where pictures change their order, those go back and forth
        reordered = container.format.name == "avi" and stream.codec_context.has_b_frames
        times_s = frame_times(path).tolist() if reordered else []
        start_s = 0.0 if times_s else start_s
        stream.thread_type = "AUTO"  # several frames at once, beside what the caller does with them
        if start_s > 0:
            # a second earlier: some indexes are of decoding times. Where there is no index, all is decoded
            with suppress(av.FFmpegError):
                container.seek(int((max(0.0, start_s - 1) + origin_s) / stream.time_base), stream=stream)
        try:
            for packet in container.demux():
                if not progress.add(packet):
                    continue
                for frame in packet.decode():
                    # a clip cut out of a longer one may begin with frames whose reference was cut off
                    if frame.is_corrupt and num_frames:
                        raise ValueError(_broken(path, num_frames, fps, "the frame is damaged"))
                    if start_s > 0 and num_frames == 0 and (frame.time is None or frame.time - origin_s > start_s):
                        yield from _decode(path)
                        return
                    time_s = num_frames / float(fps) if frame.time is None else frame.time - origin_s
                    time_s = times_s[num_frames] if num_frames < len(times_s) else time_s
                    num_frames += 1
                    yield time_s, frame
        except av.FFmpegError as error:
            raise ValueError(_broken(path, num_frames, fps, error.strerror or str(error))) from error
        if num_frames == 0:
            if start_s > 0:
                yield from _decode(path)
                return
            raise ValueError(_no_frames(path, container))
        if start_s == 0:
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
            # in integers: fractions take longer than all the rest of a packet
            base = packet.time_base
            self.end_s = max(self.end_s, (packet.pts + (packet.duration or 0)) * base.numerator / base.denominator)
        if packet.stream.index != self.stream.index:
            return False
        self.num_packets += packet.size > 0
        return True

    def check_complete(self, path: Path, fps: Fraction) -> None:
        """Raise a ValueError if clearly less came than was promised."""
        import av

        size = path.stat().st_size
        # a transport stream promises no length; but a cut rarely falls between two of its packets
        if self.container.format.name == "mpegts" and all(size % packet for packet in _PACKET_SIZES):
            raise ValueError(
                f"{path} is truncated: it ends within a packet after {self.end_s:.2f} s ({self.num_packets} frames); "
                "copy or download it again"
            )
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
def open_clip(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a clip and its first moving picture; PyAV's errors become a ValueError that names the file."""
    import av

    try:
        # resolved: `a:b.mp4` would be taken for the protocol `a`
        with av.open(str(path.resolve())) as container:
            stream = moving_picture(container)
            # FFmpeg renders text files as pictures of a terminal, and takes a picture for a clip of one frame
            is_still = container.format.name.endswith("_pipe")
            if stream is None or stream.codec_context.name == "ansi" or is_still:
                kinds = "a single picture" if is_still else stream_kinds(container)
                raise ValueError(f"{path} has no video stream: expected a video, found {kinds}; give a video file")
            yield container, stream
    except av.FFmpegError as error:
        reason = error.strerror or str(error)
        raise ValueError(
            f"{path} cannot be decoded as video ({reason}): expected a complete file that FFmpeg can read, "
            f"got {path.stat().st_size} bytes that are damaged, truncated or something else; copy or convert it again"
        ) from error


def moving_picture(container: Any) -> Any:
    """The first stream of pictures that is not the cover of a record, with a warning if others follow; None if none."""
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if len(streams) > 1:
        warnings.warn(
            f"{container.name} holds {len(streams)} moving pictures: the first one is used; for the second, write it "
            "to a file of its own with ffmpeg -i CLIP -map 0:v:1 -c copy SECOND",
            stacklevel=2,
        )
    return streams[0] if streams else None


def stream_kinds(container: Any) -> str:
    """What a container holds, for messages."""
    kinds = {"cover" if _is_cover(stream) else stream.type for stream in container.streams}
    return ", ".join(sorted(kinds)) or "nothing"


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & type(stream.disposition).attached_pic)


def existing(path: str | os.PathLike[str]) -> Path:
    """The path of a clip; a FileNotFoundError if there is no such file."""
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


def upright(frame: av.VideoFrame) -> Image:
    """The picture as players show it, in blue, green, red."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="bgr24"), _quarter_turns(frame)))


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that make a frame upright (telephones store portrait clips on their side)."""
    return round(frame.rotation / 90) % 4
