"""Which label each frame of a clip has."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from segtcn.labels import Labels
from segtcn.structures import is_rate
from segtcn.video_io import TIMESTAMP_TOLERANCE_S, ClipInfo

COUNT_TOLERANCE = 0.02
"""Labels without a rate may be this much more or fewer than the clip's frames: extractors drop frames at the end."""

NO_LABEL = -1
"""Frames that no label covers; :data:`segtcn.structures.IGNORE` stands for those that nobody annotated."""


def label_numbers(
    labels: Labels, times_s: npt.NDArray[np.float64], info: ClipInfo, clip: str, fps: float | None = None
) -> npt.NDArray[np.int64]:
    """Find the label of every frame of a clip; a warning says where the lengths differ.

    Labels and frames meet in time: with a rate, the frame shown t seconds after the first has label
    ``floor(t * rate)``. The rate is the one that the labels say. Where they do not, there is one label for every frame
    if the number fits (up to 2 % more or fewer), or else ``fps`` is the rate. Frames beyond the last label have none.

    Args:
        labels: of the video.
        times_s: presentation time of every frame of the clip, ``(num_frames,)``, increasing.
        info: what the clip says about itself.
        clip: its name, for messages.
        fps: labels per second, as above.

    Returns:
        Number of the label of every frame, or :data:`NO_LABEL`, ``(num_frames,)``.

    Raises:
        ValueError: if ``fps`` is not positive, or the number of labels fits the clip at no known rate.
    """
    if fps is not None and not is_rate(fps):
        raise ValueError(f"`fps` must be positive, got {fps}")
    num_labels, num_frames = len(labels), len(times_s)
    fits = abs(num_labels - num_frames) <= COUNT_TOLERANCE * num_frames
    rate = labels.fps or (None if fits else fps)
    if rate is not None:
        _compare_durations(labels, rate, info, clip)
        numbers = np.floor((times_s - times_s[0] + TIMESTAMP_TOLERANCE_S) * rate).astype(np.int64)
        return np.where(numbers < num_labels, numbers, NO_LABEL)
    if not fits:
        difference = f"{abs(num_labels - num_frames)} {'fewer' if num_frames < num_labels else 'more'}"
        raise ValueError(
            f"{labels.source} has {num_labels} labels, but {clip} has {num_frames} frames, {difference}: at the clip's "
            f"{float(info.fps):g} fps the labels last {num_labels / float(info.fps):.2f} s and the clip "
            f"{info.duration_s:.2f} s; give their rate as `fps`, for example {num_labels / info.duration_s:.3g} if "
            "they cover the whole clip"
        )
    if num_labels != num_frames:
        share = 100 * abs(num_labels - num_frames) / num_frames
        warnings.warn(
            f"{labels.source} has {num_labels} labels and {clip} {num_frames} frames, a difference of {share:.1f} "
            "%: label n is shown with frame n",
            stacklevel=2,
        )
    numbers = np.arange(num_frames)
    return np.where(numbers < num_labels, numbers, NO_LABEL)


def _compare_durations(labels: Labels, rate: float, info: ClipInfo, clip: str) -> None:
    seconds = len(labels) / rate
    # one label more or less is a matter of rounding
    if abs(seconds - info.duration_s) > max(COUNT_TOLERANCE * info.duration_s, 1.5 / rate):
        warnings.warn(
            f"{labels.source}: {len(labels)} labels at {rate:g} a second last {seconds:.2f} s, but {clip} lasts "
            f"{info.duration_s:.2f} s; if the rate is not {rate:g}, give the right `fps`",
            stacklevel=3,
        )
