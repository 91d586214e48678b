"""The labels of one video in whatever form a caller has them: a file, an array, a tensor, a list."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from segtcn.labels.classes import Classes
from segtcn.labels.files import read_labels
from segtcn.labels.labels import Labels

LabelsLike: TypeAlias = Any
"""Labels of one video: :class:`~segtcn.labels.Labels`, a label file, or an array, tensor or sequence with the class
index, or the name, of every frame."""


def as_labels(
    labels: LabelsLike, classes: Classes | None = None, fps: float | None = None, source: str = "the video"
) -> Labels:
    """Labels of one video, however they are given.

    Args:
        labels: in one of the forms of :data:`LabelsLike`.
        classes: all of them, in the order of their indexes; None takes those of a file, those named, or numbers.
        fps: labels per second, where the labels do not state it.
        source: where they come from, for messages about an array.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the labels cannot be understood, or are not among ``classes``.

    Example:
        >>> as_labels(["take", "pour"]).classes.names
        ('pour', 'take')
        >>> len(as_labels([0, 0, 3]).classes)
        4
    """
    if isinstance(labels, str | os.PathLike):
        labels = read_labels(labels, classes)
    if isinstance(labels, Labels):
        return replace(labels, fps=fps) if labels.fps is None else labels
    frames = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    if frames.dtype.kind == "U":
        return Labels.from_names(frames.tolist(), classes, fps, source)
    if classes is None and frames.size and frames.dtype.kind in "iu":
        classes = Classes.numbered(max(0, int(frames.max())) + 1)
    return Labels(frames, classes or Classes(()), fps, source=source)
