"""A decoder on labels that arrive while a video runs."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from segtcn.decoding.decoder import METHODS, Decoder
from segtcn.decoding.smoothing import scores_of
from segtcn.labels import Labels


class DecoderStream:
    """A decoder that takes the labels of a running video; its labels, put together, are those of the whole video.

    Videos must be at least as long as half of the window of a median.

    Args:
        decoder: one that does not need the whole video.
        fps: labels per second.

    Raises:
        ValueError: if the decoder needs the whole video, or a rate that is not known.

    Example:
        >>> from segtcn.labels import Classes
        >>> scores = np.array([[0.9, 0.8, 0.4, 0.9], [0.1, 0.2, 0.6, 0.1]], np.float32)
        >>> labels = Labels(scores.argmax(0), Classes(("take", "pour")), 1, scores)
        >>> stream = DecoderStream(Decoder("median", 2, labels.classes), fps=1)
        >>> stream.delay, stream.push(labels).names(), stream.finish().names()
        (1, ['take', 'take', 'take'], ['take'])
    """

    def __init__(self, decoder: Decoder, fps: float | None) -> None:
        make = METHODS[decoder.method].stream
        if make is None:
            others = ", ".join(name for name, method in METHODS.items() if method.stream)
            raise ValueError(f"the decoder {decoder.method!r} needs the whole video: {others} do not")
        self.decoder = decoder
        self._new = partial(make, decoder.value, fps)
        self._stream = self._new()
        self._waiting: Labels | None = None

    @property
    def delay(self) -> int:
        """Frames that must follow a frame before its label is known."""
        return self._stream.delay

    def push(self, labels: Labels | None) -> Labels | None:
        """Take the labels of the next frames.

        Args:
            labels: with scores, ``(n,)``; None stands for no frames, as from :meth:`segtcn.segmenter.Stream.push`.

        Returns:
            Labels of the frames that are decided by now and were not answered before, with their scores; None if
            there are none.

        Raises:
            ValueError: if the labels have other classes than the decoder, or no scores.
        """
        if labels is None:
            return None
        self.decoder.check(labels)
        scores = scores_of(labels, f"the decoder {self.decoder.method!r}")
        indexes = self._stream.push(scores)
        if self._waiting is not None:
            scores = np.concatenate([scores_of(self._waiting, "the stream"), scores], axis=1)
        return self._answer(Labels(scores.argmax(0), labels.classes, labels.fps, scores, labels.source), indexes)

    def finish(self) -> Labels | None:
        """End the video: labels of the frames that wait. The next frame is the first of another video."""
        indexes = self._stream.finish()
        self._stream = self._new()
        return None if self._waiting is None else self._answer(self._waiting, indexes)

    def _answer(self, labels: Labels, indexes: npt.NDArray[np.int64]) -> Labels | None:
        number = len(indexes)
        self._waiting = labels[number:] if number < len(labels) else None
        if not number:
            return None
        ready = labels[:number]
        return Labels(indexes, ready.classes, ready.fps, ready.scores, ready.source)
