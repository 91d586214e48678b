"""Segments of tracks on an axis of time or frames: what timelines draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.structures import IGNORE

Labels = Tensor | Sequence[int]
"""Class index of every frame, ``(T,)``; a NumPy array will do."""

Rates = float | Mapping[str, float] | None
"""Frames per second of all tracks, or of each by its name; None where it is not known."""


class Bar(NamedTuple):
    """The segments of one track.

    Args:
        starts: of each, in seconds or frames, ``(N,)``.
        stops: likewise.
        labels: its class index, or ``IGNORE``, ``(N,)``.
    """

    starts: npt.NDArray[np.float64]
    stops: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]


def make_bar(values: Labels, class_names: Sequence[str], fps: float | None, track: str, video: str = "") -> Bar:
    """Find the segments of a track.

    Args:
        values: class index of every frame, ``(T,)``; ``IGNORE`` where there is none.
        class_names: name of every class.
        fps: frames per second; None counts frames.
        track: its name, for messages.
        video: likewise; may be empty.

    Raises:
        ValueError: if there is no frame, or a label without a name.

    Example:
        >>> make_bar([0, 0, 1], ["take", "pour"], fps=2, track="truth").stops.tolist()
        [1.0, 1.5]
    """
    named = f" of {video}" if video else ""
    labels = torch.as_tensor(values).detach().cpu()
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"track {track!r}{named} must have the shape (T,) with T >= 1, got {tuple(labels.shape)}")
    known = labels[labels != IGNORE]
    if len(known) and not 0 <= int(known.min()) <= int(known.max()) < len(class_names):
        raise ValueError(
            f"track {track!r}{named} has labels from {int(known.min())} to {int(known.max())}, "
            f"but `class_names` names the classes 0 to {len(class_names) - 1}"
        )
    frames = np.asarray(labels.numpy(), dtype=np.int64)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(frames)) + 1, [len(frames)]])
    return Bar(edges[:-1] / (fps or 1.0), edges[1:] / (fps or 1.0), frames[edges[:-1]])


def rate_of(fps: Rates | Mapping[str, Mapping[str, float]], video: str, track: str) -> float | None:
    """The rate of one track.

    Args:
        fps: of all tracks, of each by its name, or of each by the name of its video and its own.
        video: name of the video.
        track: name of the track.

    Raises:
        ValueError: if it is missing or not positive.
    """
    rate: Any = fps
    if isinstance(rate, Mapping) and any(isinstance(own, Mapping) for own in rate.values()):
        if video not in rate:
            raise ValueError(f"`fps` has no rate of the video {video!r}: it has {', '.join(map(str, rate))}")
        rate = rate[video]
    if isinstance(rate, Mapping):
        if track not in rate:
            raise ValueError(f"`fps` has no rate of the track {track!r}: it has {', '.join(map(str, rate))}")
        rate = rate[track]
    if rate is not None and not 0 < rate < math.inf:
        raise ValueError(f"`fps` must be positive, got {rate}")
    return None if rate is None else float(rate)


def disagreements(reference: Bar, bar: Bar) -> list[tuple[float, float]]:
    """Start and duration wherever both have a label, and not the same."""
    stop = min(reference.stops[-1], bar.stops[-1])
    edges = np.unique(np.concatenate([reference.starts, bar.starts, [stop]]))
    edges = edges[edges <= stop]
    ours, theirs = (
        side.labels[np.searchsorted(side.starts, edges[:-1], side="right") - 1] for side in (reference, bar)
    )
    wrong = (ours != theirs) & (ours != IGNORE) & (theirs != IGNORE)
    return list(zip(edges[:-1][wrong], np.diff(edges)[wrong], strict=True))


def labels_in(videos: Iterable[Mapping[str, Bar]]) -> list[int]:
    """The classes that occur, in their order."""
    labels = {label for tracks in videos for bar in tracks.values() for label in bar.labels.tolist()}
    return sorted(labels - {IGNORE})
