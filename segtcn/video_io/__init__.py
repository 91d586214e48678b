"""Clips in and out through PyAV: exact frame rates, presentation times, H.264 that browsers play."""

from segtcn.video_io.live_source import is_address, is_camera, read_live
from segtcn.video_io.planes import ColorTags, Planes
from segtcn.video_io.reading import (
    TIMESTAMP_TOLERANCE_S,
    ClipInfo,
    Image,
    frame_times,
    probe,
    read_frames,
    read_planes,
)
from segtcn.video_io.sound import BROWSER_AUDIO, Excerpt, Sound
from segtcn.video_io.writing import ClipWriter

__all__ = [
    "BROWSER_AUDIO",
    "TIMESTAMP_TOLERANCE_S",
    "ClipInfo",
    "ClipWriter",
    "ColorTags",
    "Excerpt",
    "Image",
    "Planes",
    "Sound",
    "frame_times",
    "is_address",
    "is_camera",
    "probe",
    "read_frames",
    "read_live",
    "read_planes",
]
