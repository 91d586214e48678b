"""Test clips whose frames carry their number, written without the code under test."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

NUM_BITS = 10
IRREGULAR_S = [0.0, 0.05, 0.2, 0.21, 0.5, 0.9, 1.0, 1.3]
"""Time stamps of a clip without a constant rate."""


def numbered_frame(number: int, width: int, height: int) -> np.ndarray:
    """A dark picture whose upper quarter shows ``number`` as black and white stripes, the highest bit on the left."""
    frame = np.full((height, width, 3), 40, np.uint8)
    for bit in range(NUM_BITS):
        left, right = width * bit // NUM_BITS, width * (bit + 1) // NUM_BITS
        frame[: height // 4, left:right] = 255 if number >> (NUM_BITS - 1 - bit) & 1 else 0
    return frame


def frame_number(frame: np.ndarray) -> int:
    """Read the stripes of :func:`numbered_frame` back from a decoded picture."""
    height, width = frame.shape[:2]
    centres = [width * (2 * bit + 1) // (2 * NUM_BITS) for bit in range(NUM_BITS)]
    bits = frame[height // 8, centres].mean(axis=-1) > 127
    return int("".join(str(int(bit)) for bit in bits), 2)


def write_clip(
    path: Path,
    num_frames: int,
    fps: Fraction | int = 25,
    size: tuple[int, int] = (160, 120),
    times_s: list[float] | None = None,
    codec: str = "libx264",
    sound: str | None = None,
    sound_s: float | None = None,
    pixel_aspect: Fraction | None = None,
    **options: str,
) -> Path:
    """Write numbered frames, at ``times_s`` or at a constant rate, and where a codec is given a tone."""
    fps = Fraction(fps)
    width, height = size
    container_options = {"movflags": "+faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=container_options) as container:
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = 1 / fps if times_s is None else Fraction(1, 90_000)
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        track = container.add_stream(sound, rate=32_000) if sound else None
        if track:
            track.layout = "mono"
        for number in range(num_frames):
            picture = av.VideoFrame.from_ndarray(numbered_frame(number, width, height), format="bgr24")
            picture.time_base = stream.codec_context.time_base
            picture.pts = number if times_s is None else round(times_s[number] * 90_000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        if track:
            duration_s = sound_s or (float(num_frames / fps) if times_s is None else times_s[-1])
            wave = np.sin(np.arange(round(32_000 * duration_s)) * 2 * np.pi * 440 / 32_000) * 8000
            for start in range(0, len(wave), 1024):
                samples = av.AudioFrame.from_ndarray(wave[None, start : start + 1024].astype(np.int16), "s16", "mono")
                samples.sample_rate, samples.pts, samples.time_base = 32_000, start, Fraction(1, 32_000)
                container.mux(track.encode(samples))
            container.mux(track.encode(None))
    return path


def turn_clockwise(path: Path) -> Path:
    """Mark a clip as one that players turn by a quarter, as telephones store portrait clips."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # version 0: 40 bytes from the flags to the display matrix
    # ISO/IEC 14496-12: x' = -y, y' = x
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path
