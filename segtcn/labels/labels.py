"""The labels of one video's frames: one noun from the reader to the score and the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels.classes import IGNORE_NAME, Classes
from segtcn.structures import IGNORE, Runs, Segment, find_runs, frames_to_segments

LARGEST_PROBABILITY = 1 + 1e-5
"""A softmax in single precision may exceed 1 by rounding."""


class LabelRow(NamedTuple):
    """A segment as tables have it.

    Args:
        label: name of its class.
        start: first frame.
        stop: the frame after the last one.
        start_s: in seconds; None where the rate is not known.
        stop_s: likewise.
        confidence: mean probability of its frames' labels; None where it is not known.
    """

    label: str
    start: int
    stop: int
    start_s: float | None
    stop_s: float | None
    confidence: float | None


@dataclass(frozen=True, eq=False)
class Labels:
    """One label for every frame of a video.

    Args:
        indexes: class index of every frame, or :data:`segtcn.structures.IGNORE`, ``(T,)`` int64.
        classes: what the indexes mean.
        fps: labels per second; None where nothing says it.
        scores: probability of every class in every frame, ``(C, T)`` float32; None where nothing says it.
        source: the file or run they came from, for messages.
        confidence: probability of every frame's label, ``(T,)`` float32; from ``scores`` where there are any.

    Raises:
        ValueError: if there is no frame, an index is not a class, ``fps`` is not positive, or the shapes do not fit.

    Example:
        >>> labels = Labels([0, 0, 1], Classes(("take", "pour")), fps=2)
        >>> labels.segments()
        [Segment(start=0, stop=2, label=0), Segment(start=2, stop=3, label=1)]
        >>> labels.names(), labels.duration_s
        (['take', 'take', 'pour'], 1.5)
    """

    indexes: npt.NDArray[np.int64]
    classes: Classes
    fps: float | None = None
    scores: npt.NDArray[np.float32] | None = None
    source: str = "labels"
    confidence: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        indexes = np.asarray(self.indexes)
        if indexes.ndim != 1 or not len(indexes) or indexes.dtype.kind not in "iu":
            raise ValueError(
                f"{self.source}: expected the class index of every frame, integers (T,) with T >= 1, "
                f"got {indexes.dtype} {indexes.shape}"
            )
        wrong = (indexes != IGNORE) & ((indexes < 0) | (indexes >= len(self.classes)))
        if wrong.any():
            frame = int(wrong.argmax())
            raise ValueError(
                f"{self.source}: class {indexes[frame]} at frame {frame} has no name, there are {len(self.classes)} "
                "classes: is it the right list of classes?"
            )
        object.__setattr__(self, "indexes", indexes.astype(np.int64, copy=False))
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"{self.source}: `fps` must be positive and finite, got {self.fps}")
        if self.scores is not None:
            self._check_probabilities("scores", np.asarray(self.scores), (len(self.classes), len(indexes)))
        if self.confidence is not None:
            self._check_probabilities("confidence", np.asarray(self.confidence), (len(indexes),))
        elif self.scores is not None:
            picked = np.take_along_axis(self.scores, np.maximum(self.indexes, 0)[None], axis=0)[0]
            object.__setattr__(self, "confidence", np.where(self.indexes == IGNORE, np.float32(np.nan), picked))

    def _check_probabilities(self, name: str, values: npt.NDArray[np.floating], shape: tuple[int, ...]) -> None:
        if values.shape != shape or values.dtype.kind != "f":
            raise ValueError(
                f"{self.source}: `{name}` must be probabilities of the shape {shape}, got {values.dtype} {values.shape}"
            )
        inside = (values >= 0) & (values <= LARGEST_PROBABILITY)
        if not (inside | np.isnan(values) if name == "confidence" else inside).all():
            raise ValueError(
                f"{self.source}: `{name}` must lie between 0 and 1, got {values.min():g} to {values.max():g}"
            )
        object.__setattr__(self, name, np.minimum(values, 1, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.indexes)

    @classmethod
    def from_names(
        cls, names: Sequence[str], classes: Classes | None = None, fps: float | None = None, source: str = "labels"
    ) -> Labels:
        """Labels from the name of every frame's class.

        Args:
            names: one a frame; :data:`~segtcn.labels.classes.IGNORE_NAME` where nobody annotated the frame.
            classes: their order; None takes the names that occur, sorted.
            fps: as of :class:`Labels`.
            source: likewise.

        Raises:
            ValueError: if a name is not among ``classes``.
        """
        classes = Classes.from_names(names) if classes is None else classes
        return cls(classes.indexes_of(names, source), classes, fps, source=source)

    @property
    def duration_s(self) -> float | None:
        """Duration in seconds; None where the rate is not known."""
        return None if self.fps is None else len(self) / self.fps

    def names(self) -> list[str]:
        """Name of every frame's class."""
        names = [*self.classes.names, IGNORE_NAME]
        return [names[-1 if index == IGNORE else index] for index in self.indexes.tolist()]

    def name_of(self, index: int) -> str:
        """Name of a class index, or of :data:`segtcn.structures.IGNORE`."""
        return IGNORE_NAME if index == IGNORE else self.classes.names[index]

    def runs(self) -> Runs:
        """Maximal runs of equal labels, as arrays; ignored ones, too."""
        return find_runs(self.indexes)

    def segments(self) -> list[Segment]:
        """Maximal runs of equal labels, in frames; ignored ones, too."""
        return frames_to_segments(self.indexes)

    def rows(self) -> list[LabelRow]:
        """The segments with names, seconds and mean confidence; ignored ones, too.

        Example:
            >>> Labels.from_names(["pour", "pour", "take"], fps=4).rows()[0]
            LabelRow(label='pour', start=0, stop=2, start_s=0.0, stop_s=0.5, confidence=None)
        """
        rows = []
        for start, stop, label in self.segments():
            start_s, stop_s = (None, None) if self.fps is None else (start / self.fps, stop / self.fps)
            confidence = None
            if self.confidence is not None and label != IGNORE:
                confidence = min(1.0, float(self.confidence[start:stop].mean(dtype=np.float64)))
            rows.append(LabelRow(self.name_of(label), start, stop, start_s, stop_s, confidence))
        return rows

    def in_classes(self, classes: Classes) -> Labels:
        """The same labels with the indexes of another list of classes, which has all that occur.

        Raises:
            ValueError: if a class that occurs, or has scores, is not in ``classes``.
        """
        if classes.names == self.classes.names:
            return replace(self, classes=classes)
        present = range(len(self.classes)) if self.scores is not None else {*self.runs().values.tolist()} - {IGNORE}
        table = np.full(len(self.classes) + 1, IGNORE, np.int64)
        for index in present:
            name = self.classes.names[index]
            if name not in classes.index:
                classes.indexes_of([name], self.source)  # raises, with the list of classes
            table[index] = classes.index[name]
        scores = None
        if self.scores is not None:
            scores = np.zeros((len(classes), len(self)), np.float32)
            scores[table[:-1]] = self.scores
        indexes = table[np.where(self.indexes == IGNORE, -1, self.indexes)]
        return replace(self, indexes=indexes, classes=classes, scores=scores)


def common_classes(tracks: Sequence[Labels], classes: Classes | None = None, background: str | None = None) -> Classes:
    """The classes of several tracks of labels together.

    Colours depend on the place of a class in this list only. ``classes`` (a data set's ``mapping.txt``) come first,
    then those of a track that lists more than occur (with scores, or from a run), then names that occur, sorted.

    Args:
        tracks: of one video or of several.
        classes: the known classes.
        background: name of the background class; None keeps that of ``classes`` or the first track that has one.

    Example:
        >>> tracks = [Labels.from_names(["take", "pour"]), Labels.from_names(["cut"])]
        >>> common_classes(tracks).names
        ('cut', 'pour', 'take')
    """
    if classes is None:
        with_scores = next((labels.classes for labels in tracks if labels.scores is not None), None)
        classes = with_scores or Classes.from_names(name for labels in tracks for name in labels.classes.names)
    classes = classes.extended(name for labels in tracks for name in labels.classes.names)
    if background is not None:
        return classes.with_background(background)
    if classes.background is None:
        named = (
            labels.classes.names[labels.classes.background]
            for labels in tracks
            if labels.classes.background is not None
        )
        return classes.with_background(next(named, None))
    return classes
