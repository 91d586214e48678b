"""Clips that browsers play, and copies of those that they do not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from segtcn.video_io.reading import existing, frame_times, open_clip, probe, read_planes
from segtcn.video_io.sound import BROWSER_AUDIO, Sound
from segtcn.video_io.writing import ClipWriter

_PICTURE = {".mp4": {"h264", "av1", "libdav1d", "vp9"}, ".webm": {"vp8", "vp9", "av1", "libdav1d"}}
_PICTURE[".m4v"] = _PICTURE[".mp4"]
_SOUND = {".mp4": BROWSER_AUDIO, ".m4v": BROWSER_AUDIO, ".webm": {"opus", "libopus", "vorbis"}}


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
