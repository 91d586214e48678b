"""Pictures of cameras, addresses and files while they run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

from segtcn.video_io.reading import Image, moving_picture, read_frames, stream_kinds, upright

_WITHOUT_CLOCK = frozenset({"mpjpeg", "mjpeg", "image2pipe"})
"""Formats whose pictures carry no time: FFmpeg invents 25 frames a second. The time of arrival counts."""

_LARGEST_GAP_S = 10.0


def is_address(source: str | os.PathLike[str]) -> bool:
    """Whether a source is a stream on a network, such as ``rtsp://camera/1``.

    Example:
        >>> is_address("rtsp://camera/1"), is_address("clip.mp4"), is_address("0")
        (True, False, False)
    """
    return "://" in str(source)


def is_camera(source: str | os.PathLike[str]) -> bool:
    """Whether a source is the number of a camera at this machine.

    Example:
        >>> is_camera("0"), is_camera("0.mp4")
        (True, False)
    """
    return str(source).isdecimal()


def read_live(source: str | os.PathLike[str], timeout_s: float = 10.0) -> Iterator[tuple[float, Image]]:
    """Decode a source as it runs. Files and web addresses arrive no faster than they play.

    Args:
        source: the number of a camera, an address (``rtsp://``, ``http://``, ...), or a video file.
        timeout_s: seconds after which an address that gives no picture counts as lost.

    Returns:
        For every picture its time in seconds after the first, and the picture ``(H, W, 3)`` uint8 in the order blue,
        green, red. The iterator ends with the source.

    Raises:
        FileNotFoundError: if there is no such file.
        ConnectionError: if the source cannot be opened, has no video, stalls, breaks off, or its time jumps.
        ValueError: if a file is not a video.
    """
    if not is_address(source) and not is_camera(source):
        return _at_real_speed((time_s, picture) for time_s, picture in read_frames(Path(source)))
    pictures = _read_connection(str(source), timeout_s)
    # cameras and RTSP run by themselves: what comes in a burst is old, and waiting would keep it old
    return _at_real_speed(pictures) if str(source).startswith("http") else pictures


def _at_real_speed(pictures: Iterator[tuple[float, Image]]) -> Iterator[tuple[float, Image]]:
    begin: float | None = None
    for time_s, picture in pictures:
        if begin is None:
            begin = time.monotonic() - time_s
        time.sleep(max(0.0, begin + time_s - time.monotonic()))
        yield time_s, picture


def _read_connection(source: str, timeout_s: float) -> Iterator[tuple[float, Image]]:
    first: float | None = None
    before = 0.0
    with _open(source, timeout_s) as (container, stream):
        frames = _decoded(container, stream, source, timeout_s)
        has_clock = not _WITHOUT_CLOCK & set(container.format.name.split(","))
        if has_clock:
            beginning = [*islice(frames, 2)]  # RTSP may not know the time of its first picture
            has_clock = any(frame.pts is not None for frame in beginning)
            frames = chain(beginning, frames)
        for frame in frames:
            if has_clock and frame.pts is None:
                continue
            # not `frame.time`: what the decoder still held has lost its time base
            now = float(frame.pts * stream.time_base) if has_clock else time.monotonic()
            first = now if first is None else first
            if not 0 <= now - first - before <= max(_LARGEST_GAP_S, timeout_s):
                raise ConnectionError(f"the time of {source} jumps by {now - first - before:.1f} s")
            before = now - first
            yield before, upright(frame)


def _decoded(container: Any, stream: Any, source: str, timeout_s: float) -> Iterator[Any]:
    import av

    last = time.monotonic()
    try:
        for packet in container.demux():  # also of sound, which would hide that the pictures have stopped
            if packet.stream.index == stream.index:
                # whoever joins a broadcast begins between two key frames, and networks lose packets
                with suppress(av.error.InvalidDataError):
                    for frame in packet.decode():
                        yield frame
                        last = time.monotonic()
            if time.monotonic() - last > timeout_s:
                raise ConnectionError(f"{source} gives no picture for {timeout_s:g} s: is it running?")
    except (av.FFmpegError, ConnectionError):
        # pictures that arrived, and that the decoder still holds
        yield from stream.decode(None)
        raise


@contextmanager
def _open(source: str, timeout_s: float) -> Iterator[tuple[Any, Any]]:
    """A connection and its moving picture; errors of FFmpeg become a ConnectionError that names the source."""
    import av

    path, form = _camera(source) if is_camera(source) else (source, None)
    options = {"rtsp_transport": "tcp"} if source.startswith("rtsp") else {}
    try:
        with av.open(path, format=form, options=options, timeout=timeout_s) as container:
            stream = moving_picture(container)
            if stream is None:
                kinds = stream_kinds(container)
                raise ConnectionError(f"{source} has no video stream, found {kinds}: give the address of a video")
            yield container, stream
    except av.error.ExitError:
        raise ConnectionError(f"{source} says nothing for {timeout_s:g} s: is it running?") from None
    except av.FFmpegError as error:
        raise ConnectionError(f"cannot read {source} ({error.strerror or error}): check that it is running") from error


def _camera(number: str) -> tuple[str, str]:
    if sys.platform == "linux":
        return f"/dev/video{number}", "v4l2"
    if sys.platform == "darwin":
        return number, "avfoundation"
    raise ConnectionError("cameras are read on Linux and macOS only: give the address of a stream")
