"""A constant rate for every clip, by the time stamps of its frames."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from segtcn.video_io import TIMESTAMP_TOLERANCE_S

Frame = TypeVar("Frame")

MAX_FPS = 1000.0
"""More than any camera that somebody labels."""

_OFF_THE_GRID = 0.25  # frames: what rounded time stamps are off at the most


class ClipRate(NamedTuple):
    """The rate of a clip's frames.

    Args:
        fps: frames per second, on average.
        constant: whether the frames keep to it; then frame i is the one at i / fps seconds.
    """

    fps: float
    constant: bool

    def fits(self, fps: float, num_frames: int) -> bool:
        """Whether the frames are those at a rate as they come: not one more or fewer would be made.

        29.97 for 30000/1001 is meant so.
        """
        return self.constant and abs(fps / self.fps - 1) * num_frames < 0.5


def clip_rate(times_s: npt.ArrayLike, declared: float) -> ClipRate:
    """The average rate of a clip, and whether it is constant.

    A rate is constant if no frame is off by half the time between two, or if the camera dropped one and the others keep
    to it: all after it are then one frame early. The rate that the file declares is taken where the frames keep to it,
    or nearly so (a camera that dropped some); otherwise that of the time stamps: some recorders declare 1000 frames per
    second for whatever they write.

    Args:
        times_s: when every frame is shown, in seconds, increasing.
        declared: frames per second as the file has them.

    Example:
        >>> clip_rate([0, 0.033, 0.067, 0.1], declared=30)
        ClipRate(fps=30.0, constant=True)
        >>> clip_rate([0, 0.1, 0.2, 0.3], declared=1000)
        ClipRate(fps=10.0, constant=True)
        >>> clip_rate([0, 0.033, 0.1, 0.133], declared=30)
        ClipRate(fps=30.0, constant=True)
        >>> clip_rate([0, 0.1, 0.5, 0.6], declared=5)
        ClipRate(fps=5.0, constant=False)
    """
    times = np.asarray(times_s, dtype=np.float64)
    length_s = float(np.ptp(times)) if len(times) else 0.0
    if length_s <= 0:
        return ClipRate(float(declared), True)
    measured = (len(times) - 1) / length_s
    # rounded: the last digits of a division are not a property of the clip
    for fps in (float(declared), round(measured, 6)):
        if np.ptp(times - np.arange(len(times)) / fps) < 0.5 / fps:
            return ClipRate(fps, True)
    dropped = (times - times[0]) * declared - np.arange(len(times))  # before each frame
    if np.ptp(dropped) < 1.5 and np.abs(dropped - dropped.round()).max() < _OFF_THE_GRID:
        return ClipRate(float(declared), True)
    return ClipRate(float(declared) if 0.9 < measured / declared < 1.1 else round(measured, 6), False)


def resample(frames: Iterable[tuple[float, Frame]], fps: float, last_s: float) -> Iterator[Frame]:
    """Bring frames to a constant rate: for every moment k / fps after the first, the frame that is shown then.

    That is the last one before it, or the next one if it comes within half the new interval and is nearer: rounded time
    stamps neither drop nor double a frame, and from 30 to 10 frames a second every third is taken.

    Args:
        frames: time in seconds and picture of every frame, in order.
        fps: frames per second to make.
        last_s: how long the last frame is shown, in seconds.

    Yields:
        :func:`num_resampled` frames.

    Example:
        >>> frames = [(0.0, "a"), (0.033, "b"), (0.067, "c"), (0.1, "d"), (0.3, "e")]
        >>> "".join(resample(frames, fps=10, last_s=0.033)), "".join(resample(frames, fps=20, last_s=0.033))
        ('adde', 'abdddde')
    """
    start_s = before_s = 0.0
    before: Frame | None = None
    count = 0
    for time_s, frame in frames:
        if before is None:
            start_s = time_s
        else:
            while (moment_s := start_s + count / fps) < time_s:
                nearer = time_s - moment_s <= 0.5 / fps and time_s - moment_s < moment_s - before_s
                yield frame if nearer else before
                count += 1
        before, before_s = frame, time_s
    if before is not None:
        for _ in range(num_resampled(before_s - start_s, fps, last_s) - count):
            yield before


def num_resampled(length_s: float, fps: float, last_s: float) -> int:
    """How many frames :func:`resample` makes.

    Args:
        length_s: from the first to the last frame, in seconds.
        fps: frames per second to make.
        last_s: how long the last frame is shown, in seconds.

    Example:
        >>> num_resampled(length_s=0.6, fps=10, last_s=0.1), num_resampled(length_s=0.167, fps=10, last_s=0.033)
        (7, 2)
    """
    # of rounding, or 0.2 s at 10 frames a second would be three frames now and then
    tolerance_s = min(TIMESTAMP_TOLERANCE_S, 0.5 * last_s, 0.5 / fps)
    return max(1, math.ceil((length_s + last_s - tolerance_s) * fps))
