"""Tracks of a picture: labels by their titles, however they were given, all of the same classes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segtcn.labels import Classes, Labels, common_classes, read_labels

TRUTH = "truth"
"""Title of the true labels: they stand on top, and the others are compared with them."""

Track = Any
"""What pictures take as the labels of one video: :class:`~segtcn.labels.Labels`, a label file, or an array, tensor or
sequence with the class index, or the name, of every frame."""


def make_tracks(
    videos: Mapping[str, Mapping[str, Track]], classes: Classes | Sequence[str] | None = None, fps: float | None = None
) -> tuple[dict[str, dict[str, Labels]], Classes]:
    """Give the tracks of videos the same classes, hence the same colours.

    Args:
        videos: name of each video, and its tracks by their titles.
        classes: all of them, in the order of their indexes; None takes those of the tracks, see
            :func:`~segtcn.labels.common_classes`.
        fps: labels per second of tracks that do not say it.

    Returns:
        The tracks of each video, one titled ``truth`` first, and their classes.

    Raises:
        FileNotFoundError: if there is no such label file.
        ValueError: if there is no video or no track of one, ``fps`` is not positive, a file cannot be understood, or a
            label is not among ``classes``.

    Example:
        >>> videos, classes = make_tracks({"tea": {"ED-TCN": [0, 1], "truth": ["take", "pour"]}}, ["take", "pour"])
        >>> [(title, labels.names()) for title, labels in videos["tea"].items()]
        [('truth', ['take', 'pour']), ('ED-TCN', ['take', 'pour'])]
    """
    if not videos:
        raise ValueError("expected at least one video to draw, got none")
    if fps is not None and not 0 < fps < np.inf:
        raise ValueError(f"`fps` must be positive, got {fps}")
    if classes is not None and not isinstance(classes, Classes):
        classes = Classes(tuple(classes)).with_background()
    opened: dict[str, dict[str, Labels]] = {}
    for name, tracks in videos.items():
        if not tracks:
            raise ValueError(f"expected at least one track{f' of {name}' if name else ''} to draw, got none")
        titles = sorted(tracks, key=lambda title: title != TRUTH)
        opened[name] = {title: _open(tracks[title], classes, fps, title, name) for title in titles}
    common = classes or common_classes([labels for tracks in opened.values() for labels in tracks.values()])
    return {
        name: {title: labels.in_classes(common) for title, labels in tracks.items()} for name, tracks in opened.items()
    }, common


def _open(track: Track, classes: Classes | None, fps: float | None, title: str, video: str) -> Labels:
    if isinstance(track, str | os.PathLike):
        track = read_labels(track, classes)
    if isinstance(track, Labels):
        return replace(track, fps=fps) if track.fps is None else track
    source = f"track {title!r}{f' of {video}' if video else ''}"
    values = np.asarray(track.detach().cpu() if hasattr(track, "detach") else track)
    if values.dtype.kind == "U":
        return Labels.from_names(values.tolist(), classes, fps, source)
    if classes is None and values.size:
        classes = Classes.numbered(max(0, int(values.max())) + 1)
    return Labels(values, classes or Classes(()), fps, source=source)
