"""What clips hold, and copies of them through the writer."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from segtcn.video_io import ClipWriter, Sound, probe, read_frames
from tests.clips import frame_number

NTSC = Fraction(30000, 1001)


IRREGULAR_S = [0.0, 0.05, 0.2, 0.21, 0.5, 0.9, 1.0, 1.3]


def copied(source: Path, target: Path) -> Path:
    """Every frame of a clip, at its time and with its sound, through the writer."""
    info = probe(source)
    with ClipWriter(target, info.fps, info.width, info.height, sound=Sound(source)) as writer:
        for time_s, frame in read_frames(source):
            writer.write(frame, time_s)
    return target


def numbers_and_times(path: Path) -> tuple[list[int], list[float]]:
    frames = [(frame_number(frame), time_s) for time_s, frame in read_frames(path)]
    return [number for number, _ in frames], [time_s for _, time_s in frames]


def sound(path: Path) -> tuple[str, np.ndarray, int]:
    """Codec, wave and sampling rate of the sound track."""
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        wave = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(track)])
        return track.codec_context.name, wave, track.rate
