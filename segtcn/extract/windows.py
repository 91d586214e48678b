"""Which frames a feature is made from: pure functions of frame numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

Frame = TypeVar("Frame")
Indices = npt.NDArray[np.int64]
Padding = Literal["zero", "edge"]

OUTSIDE = -1
"""Index of a frame before the first or after the last, which counts as zeros."""


def num_features(num_frames: int, stride: int) -> int:
    """How many windows a clip has: one around every ``stride``-th frame, the first included.

    Example:
        >>> num_features(10, stride=1), num_features(10, stride=4)
        (10, 3)
    """
    return -(-num_frames // stride)


def window_indices(centres: Indices, window: int, num_frames: int, padding: Padding) -> Indices:
    """The frames of windows, ``window // 2`` before the centre, the centre, and the rest after it.

    A window of 21 around frame t is [t - 10, t + 10], the I3D recipe of the field; one of 16 is [t - 8, t + 7].

    Args:
        centres: frame in the middle of every window, ``(N,)``.
        window: frames in a window.
        num_frames: frames of the clip.
        padding: what lies outside the clip: ``"zero"`` or ``"edge"``, which repeats the first and the last frame.

    Returns:
        ``(N, window)``; zeros are :data:`OUTSIDE`.

    Example:
        >>> window_indices(np.array([0, 2]), window=3, num_frames=3, padding="zero").tolist()
        [[-1, 0, 1], [1, 2, -1]]
        >>> window_indices(np.array([0, 2]), window=3, num_frames=3, padding="edge").tolist()
        [[0, 0, 1], [1, 2, 2]]
    """
    indices = centres[:, None] + np.arange(window) - window // 2
    if padding == "edge":
        return np.clip(indices, 0, num_frames - 1)
    return np.where((indices >= 0) & (indices < num_frames), indices, OUTSIDE)


def thinned(window: int, num_frames: int) -> Indices:
    """Which frames of a window a network sees that takes fewer: evenly spaced, around the middle.

    Args:
        window: frames in a window.
        num_frames: that the network takes, not more than ``window``.

    Returns:
        ``(num_frames,)`` positions in the window.

    Example:
        >>> thinned(8, 8).tolist(), thinned(21, 4).tolist()
        ([0, 1, 2, 3, 4, 5, 6, 7], [2, 7, 13, 18])
    """
    return ((np.arange(num_frames) + 0.5) * window / num_frames).astype(np.int64)


def window_batches(
    frames: Iterable[Frame], window: int, stride: int, padding: Padding, batch_size: int
) -> Iterator[tuple[list[Frame], Indices]]:
    """Slide a window over any number of frames; only those of one batch are kept.

    Args:
        frames: of a clip, in order.
        window: frames in a window.
        stride: frames from one window to the next.
        padding: what lies outside the clip, see :func:`window_indices`.
        batch_size: windows in a batch.

    Yields:
        Consecutive frames and the windows over them, ``(N, window)`` positions in that list or :data:`OUTSIDE`; N is
        ``batch_size`` or, at the end, less.

    Example:
        >>> for some, windows in window_batches("abcd", window=3, stride=2, padding="zero", batch_size=1):
        ...     print(some, windows.tolist())
        ['a', 'b'] [[-1, 0, 1]]
        ['b', 'c', 'd'] [[0, 1, 2]]
    """
    after = window - window // 2 - 1
    kept: dict[int, Frame] = {}
    num_frames = centre = 0

    def batch(size: int) -> tuple[list[Frame], Indices]:
        indices = window_indices(centre + stride * np.arange(size), window, num_frames, padding)
        numbers = np.unique(indices[indices != OUTSIDE])
        positions = np.where(indices == OUTSIDE, OUTSIDE, np.searchsorted(numbers, indices))
        return [kept[number] for number in numbers.tolist()], positions

    for frame in frames:
        if is_used(num_frames, window, stride):
            kept[num_frames] = frame
        num_frames += 1
        if num_frames > centre + stride * (batch_size - 1) + after:
            yield batch(batch_size)
            centre += stride * batch_size
            kept = {number: frame for number, frame in kept.items() if number >= centre - window // 2}
    while centre < num_frames:
        size = min(batch_size, num_features(num_frames - centre, stride))
        yield batch(size)
        centre += stride * size


def is_used(number: int, window: int, stride: int) -> bool:
    """Whether a frame is in any window; with a stride longer than the window, not all are.

    Example:
        >>> [number for number in range(12) if is_used(number, window=3, stride=5)]
        [0, 1, 4, 5, 6, 9, 10, 11]
    """
    return (number + window // 2) % stride < window
