"""Which frames of a clip an excerpt shows, and when."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.video_io import TIMESTAMP_TOLERANCE_S, ClipInfo, Excerpt

ANIMATION_SIDE = 480
"""Longest side of a moving picture in pixels where no size is asked for."""

_ANIMATION_FPS = Fraction(25, 2)  # GIF counts hundredths of a second
_ANIMATION_S = 10.0  # of the result, where no end is asked for


def is_animation(path: Path) -> bool:
    """Whether the name of an output asks for a short moving picture, GIF or WebP, instead of a clip."""
    return path.suffix.lower() in (".gif", ".webp")


class Schedule(NamedTuple):
    """The frames of the output.

    Args:
        numbers: of the frames in the clip, increasing, ``(N,)``.
        times_s: when the output shows them, ``(N,)``.
        durations_s: for how long, ``(N,)``.
        fps: frames per second of the output.
        start_s: beginning of the part that is shown, in seconds from the first frame of the clip.
        stop_s: its end.
    """

    numbers: npt.NDArray[np.int64]
    times_s: npt.NDArray[np.float64]
    durations_s: npt.NDArray[np.float64]
    fps: Fraction
    start_s: float
    stop_s: float


def make_schedule(
    times_s: npt.NDArray[np.float64], info: ClipInfo, excerpt: Excerpt, animated: bool = False
) -> Schedule:
    """Choose the frames of an excerpt.

    All of them are shown, at their own times, unless the rate would exceed that of a moving picture, or that of the
    clip when it is played faster: then the output has that constant rate, and shows what the clip shows at each moment.

    Args:
        times_s: of every frame of the clip, ``(num_frames,)``.
        info: what the clip says about itself.
        excerpt: from its beginning to its end, exclusive, in seconds from the first frame, and its speed.
        animated: whether a moving picture is made, which ends after ten seconds where no end is asked for.

    Raises:
        ValueError: if no frame lies between start and stop.
    """
    start_s, stop_s, speed = excerpt.start_s, excerpt.stop_s, excerpt.speed
    if animated and stop_s == math.inf:
        stop_s = start_s + _ANIMATION_S * speed
    since_s = times_s - times_s[0] + TIMESTAMP_TOLERANCE_S / 10
    first, last = np.searchsorted(since_s, [start_s, stop_s])
    if not 0 <= start_s <= stop_s or first >= last:
        raise ValueError(
            f"no frame lies between the start at {start_s:g} s and the stop at "
            f"{info.duration_s if stop_s == math.inf else stop_s:g} s: the clip lasts {info.duration_s:.2f} s"
        )
    end_s = max(info.duration_s, float(times_s[-1] - times_s[0]))
    begin_s = float(times_s[first] - times_s[0]) if start_s else 0.0
    until_s = min(stop_s, end_s)
    rate = info.fps * Fraction(speed).limit_denominator(1000)
    limit = min(_ANIMATION_FPS if animated else rate, info.fps if speed > 1 else rate)
    # an excerpt begins at once, a whole clip when its picture does: the sound may come first
    offset_s = 0.0 if start_s else float(times_s[0]) / speed
    stop_shown_s = (until_s - begin_s) / speed + offset_s
    if rate <= limit:
        numbers = np.arange(first, last)
        shown_s = (times_s[first:last] - times_s[0] - begin_s) / speed + offset_s
        return Schedule(numbers, shown_s, _durations(shown_s, stop_shown_s, rate), rate, begin_s, until_s)
    slots = np.arange(max(1, math.ceil((until_s - begin_s) / speed * limit - 1e-6)))
    slots_s = slots / float(limit)
    numbers = np.searchsorted(since_s, begin_s + slots_s * speed + TIMESTAMP_TOLERANCE_S / 5, side="right") - 1
    numbers = np.clip(numbers, first, last - 1)
    # a frame that stays for several slots is stored once
    numbers, places = np.unique(numbers, return_index=True)
    shown_s = slots_s[places] + offset_s
    return Schedule(numbers, shown_s, _durations(shown_s, stop_shown_s, limit), limit, begin_s, until_s)


def _durations(times_s: npt.NDArray[np.float64], stop_s: float, fps: Fraction) -> npt.NDArray[np.float64]:
    """How long frames are shown; the last for the time of one where nothing later is known."""
    last_s = stop_s - times_s[-1]
    return np.diff(times_s, append=times_s[-1] + (last_s if last_s > 0 else 1 / float(fps)))
