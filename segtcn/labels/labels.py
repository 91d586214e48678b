"""The labels of one video's frames: one noun from the reader to the score and the picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels.classes import IGNORE_NAME, Classes, listed
from segtcn.structures import IGNORE, Runs, Segment, find_runs, frames_to_segments, is_rate

TRUTH = "truth"
"""Title of the true labels; no prediction has it."""

_LARGEST_PROBABILITY = 1 + 1e-5  # a softmax in single precision may exceed 1 by rounding


class LabelRow(NamedTuple):
    """A segment as tables have it.

    Args:
        label: name of its class.
        start: first frame.
        stop: the frame after the last one.
        start_s: in seconds; None where the rate is not known.
        stop_s: in seconds; None where the rate is not known.
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
        fps: labels per second; None where it is not known.
        scores: probability of every class in every frame, ``(C, T)`` float32; None where they are not known.
        source: the file or run they came from, for messages.
        confidence: probability of every frame's label, ``(T,)`` float32; None takes it from ``scores``, if there are
            any. NaN on ignored frames.

    Raises:
        ValueError: if there is no frame, an index is not a class, ``fps`` is not positive, or the shapes do not fit.

    Example:
        >>> labels = Labels([0, 0, 1], Classes(("take", "pour")), fps=2)
        >>> labels.segments()
        [Segment(start=0, stop=2, label=0), Segment(start=2, stop=3, label=1)]
        >>> labels.names(), labels.duration_s
        (['take', 'take', 'pour'], 1.5)
        >>> labels[1:].names()
        ['take', 'pour']
    """

    indexes: npt.NDArray[np.int64]
    classes: Classes
    fps: float | None = None
    scores: npt.NDArray[np.float32] | None = None
    source: str = "labels"
    confidence: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexes", self._checked_indexes())
        if self.fps is not None and not is_rate(self.fps):
            raise ValueError(f"{self.source}: `fps` must be positive and finite, got {self.fps}")
        if self.scores is not None:
            scores = self._checked_probabilities("scores", self.scores, (len(self.classes), len(self)))
            object.__setattr__(self, "scores", scores)
        known = self.indexes != IGNORE
        if self.confidence is not None:
            confidence = self._checked_probabilities("confidence", self.confidence, (len(self),), known)
        elif self.scores is not None:
            confidence = self.scores[np.where(known, self.indexes, 0), np.arange(len(self))]
        else:
            return
        object.__setattr__(self, "confidence", np.where(known, confidence, np.float32(np.nan)))

    def _checked_indexes(self) -> npt.NDArray[np.int64]:
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
        return indexes.astype(np.int64, copy=False)

    def _checked_probabilities(
        self, name: str, values: npt.ArrayLike, shape: tuple[int, ...], known: npt.NDArray[np.bool_] | None = None
    ) -> npt.NDArray[np.float32]:
        values = np.asarray(values)
        if values.shape != shape or values.dtype.kind != "f" or not values.size:
            raise ValueError(
                f"{self.source}: `{name}` must be probabilities of the shape {shape}, got {values.dtype} {values.shape}"
            )
        counted = values if known is None else values[known]
        if not ((counted >= 0) & (counted <= _LARGEST_PROBABILITY)).all():
            raise ValueError(
                f"{self.source}: `{name}` must lie between 0 and 1, got {counted.min():g} to {counted.max():g}"
            )
        return np.minimum(values, 1, dtype=np.float32)

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.indexes)

    def __getitem__(self, frames: slice) -> Labels:
        """The labels of some frames; a step divides ``fps``.

        Args:
            frames: such as ``[:100]``, the first hundred, or ``[::2]``, every second.
        """
        return replace(
            self,
            indexes=self.indexes[frames],
            fps=None if self.fps is None else self.fps / (frames.step or 1),
            scores=None if self.scores is None else self.scores[:, frames],
            confidence=None if self.confidence is None else self.confidence[frames],
        )

    @classmethod
    def from_names(
        cls,
        names: Sequence[str],
        classes: Classes | None = None,
        fps: float | None = None,
        source: str = "labels",
        first_line: int | None = None,
    ) -> Labels:
        """Labels from the name of every frame's class.

        Args:
            names: one for every frame; :data:`~segtcn.labels.classes.IGNORE_NAME` where nobody annotated it.
            classes: their order; None takes the names that occur, sorted.
            fps: labels per second, or None.
            source: where they came from, for messages.
            first_line: number of the line that holds the first label, if each has a line.

        Raises:
            ValueError: if there is no label, or a name is not among ``classes`` or not the name of a class.
        """
        try:
            classes = Classes.from_names(names) if classes is None else classes
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from error
        return cls(classes.indexes_of(names, source, first_line), classes, fps, source=source)

    @property
    def duration_s(self) -> float | None:
        """Duration in seconds; None where the rate is not known."""
        return None if self.fps is None else len(self) / self.fps

    def names(self) -> list[str]:
        """Name of every frame's class."""
        names = {**dict(enumerate(self.classes.names)), IGNORE: IGNORE_NAME}
        return [names[index] for index in self.indexes.tolist()]

    def name_of(self, index: int) -> str:
        """Name of a class index, or of :data:`segtcn.structures.IGNORE`."""
        return IGNORE_NAME if index == IGNORE else self.classes.names[index]

    def present(self) -> list[int]:
        """The classes that occur, sorted."""
        return [index for index in np.unique(self.runs().values).tolist() if index != IGNORE]

    def frames_per_class(self) -> npt.NDArray[np.int64]:
        """Number of frames of every class, ``(C,)``; ignored ones are in none."""
        return np.bincount(self.indexes[self.indexes != IGNORE], minlength=len(self.classes))

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

    def without_scores(self) -> Labels:
        """The same labels without scores and confidence, which need most of the memory."""
        return replace(self, scores=None, confidence=None)

    def ignoring(self, classes: Iterable[int]) -> Labels:
        """The same labels, ignored in the frames of some classes.

        Args:
            classes: their indexes.

        Example:
            >>> Labels.from_names(["groom", "unscored"]).ignoring([1]).names()
            ['groom', '__ignore__']
        """
        return replace(self, indexes=np.where(np.isin(self.indexes, [*classes]), IGNORE, self.indexes))

    def in_classes(self, classes: Classes) -> Labels:
        """The same labels with the indexes of another list of classes, which has all that occur.

        Raises:
            ValueError: if a class that occurs, or has scores, is not in ``classes``.
        """
        if classes.names == self.classes.names:
            return replace(self, classes=classes)
        present = self.present() if self.scores is None else range(len(self.classes))
        table = np.full(len(self.classes) + 1, IGNORE, np.int64)  # the last is that of ignored frames
        for index in present:
            name = self.classes.names[index]
            if name not in classes.index:
                raise ValueError(
                    f"{self.source}: {name!r} is not a known class: add it to the list of classes, which has "
                    f"{listed(classes.names)}"
                )
            table[index] = classes.index[name]
        scores = None
        if self.scores is not None:
            scores = np.zeros((len(classes), len(self)), np.float32)
            scores[table[:-1]] = self.scores
        indexes = table[np.where(self.indexes == IGNORE, -1, self.indexes)]
        return replace(self, indexes=indexes, classes=classes, scores=scores)


def common_classes(tracks: Iterable[Labels], classes: Classes | None = None, background: str | None = None) -> Classes:
    """The classes of several tracks of labels together.

    Colours depend on the place of a class in this list only. ``classes`` (a data set's ``mapping.txt``) come first,
    then those of the first track that knows more than the names that occur, such as a run's, then other names, sorted.

    Args:
        tracks: of one video or of several.
        classes: the known classes.
        background: name of the background class; None keeps that of ``classes`` or of the first track that has one.

    Raises:
        ValueError: if ``background`` is not a class.

    Example:
        >>> tracks = [Labels.from_names(["take", "pour"]), Labels.from_names(["cut"])]
        >>> common_classes(tracks).names
        ('cut', 'pour', 'take')
    """
    tracks = [*tracks]
    occurring = [[labels.classes.names[index] for index in labels.present()] for labels in tracks]
    inferred = [Classes.from_names(names).names for names in occurring]
    listing = [labels.classes for labels, names in zip(tracks, inferred, strict=True) if labels.classes.names != names]
    if classes is None and listing:
        classes = listing[0]
    others = {name for other in listing for name in other.names}.union(*occurring)
    classes = Classes.from_names(others) if classes is None else classes.extended(others)
    if background is not None:
        return classes.with_background(background)
    if classes.background is None:
        named = [
            each.names[each.background] for each in (labels.classes for labels in tracks) if each.background is not None
        ]
        return classes.with_background(next((name for name in named if name in classes.index), None))
    return classes


def check_names(tracks: Sequence[Labels]) -> None:
    """Refuse names of classes together with indexes that have none: no frame of theirs would agree.

    Args:
        tracks: labels that are to be scored or drawn together.

    Raises:
        ValueError: if there are both.
    """
    numbered = next((labels for labels in tracks if labels.classes.is_numbered and labels.present()), None)
    named = next((labels for labels in tracks if not labels.classes.is_numbered), None)
    if numbered is not None and named is not None:
        raise ValueError(
            f"{named.source} holds names of classes and {numbered.source} their indexes: say which is which by "
            "`classes`, such as those of a mapping.txt"
        )
