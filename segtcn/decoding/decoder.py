"""A way from scores to labels with its parameter chosen on held-out training videos; whole videos, and streams."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.atomic import write_json
from segtcn.decoding.optimal_transport import optimal_transport
from segtcn.decoding.smoothing import (
    HysteresisStream,
    MedianStream,
    half_window,
    hysteresis,
    median_of_scores,
    scores_of,
    without_short_segments,
)
from segtcn.decoding.viterbi import SegmentPrior, viterbi
from segtcn.labels import Classes, Labels
from segtcn.labels.classes import listed
from segtcn.labels.track_classes import TrackClasses

_VERSION = 1
_SECONDS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)


class Method(NamedTuple):
    """A decoder and the values of its parameter that are tried.

    Args:
        decode: from labels with scores, the parameter and the prior to labels.
        values: 0 comes first and changes nothing, or as little as the decoder can.
        unit: of the parameter.
        needs_prior: whether it needs what segments are like.
        stream: from the parameter and the rate to the same decoder for scores that arrive while a video runs; None if
            it needs the whole video.
    """

    decode: Callable[[Labels, float, SegmentPrior | None], Labels]
    values: Sequence[float]
    unit: str
    needs_prior: bool = False
    stream: Callable[[float, float | None], MedianStream | HysteresisStream] | None = None


def _viterbi(labels: Labels, weight: float, prior: SegmentPrior | None) -> Labels:
    assert prior is not None  # `Decoder` checks it
    return viterbi(labels, prior, weight)


METHODS: Mapping[str, Method] = {
    "minimum_duration": Method(lambda labels, value, _: without_short_segments(labels, value), _SECONDS, "s"),
    "median": Method(
        lambda labels, value, _: median_of_scores(labels, value),
        _SECONDS,
        "s",
        stream=lambda value, fps: MedianStream(half_window(value, fps)),
    ),
    "hysteresis": Method(
        lambda labels, value, _: hysteresis(labels, value),
        (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
        "",
        stream=lambda value, _: HysteresisStream(value),
    ),
    "viterbi": Method(_viterbi, (0, 0.5, 1, 2, 4, 8, 16, 32), "", needs_prior=True),
    "optimal_transport": Method(
        lambda labels, value, _: optimal_transport(labels, value), (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), ""
    ),
}
"""Decoders by name."""


@dataclass(frozen=True, eq=False)
class Decoder:
    """From scores to labels.

    Args:
        method: a key of :data:`METHODS`.
        value: its parameter.
        classes: of the labels that it takes.
        prior: what segments are like, for methods that need it.

    Raises:
        ValueError: if the method is unknown, or needs a prior and gets none.

    Example:
        >>> decoder = Decoder("minimum_duration", 1.0, Classes(("cut", "take")))
        >>> decoder(Labels.from_names(["cut", "cut", "take", "cut"], fps=2)).names()
        ['cut', 'cut', 'cut', 'cut']
    """

    method: str
    value: float
    classes: Classes
    prior: SegmentPrior | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"no decoder is named {self.method!r}: there are {', '.join(METHODS)}")
        if METHODS[self.method].needs_prior and self.prior is None:
            raise ValueError(f"the decoder {self.method!r} needs `prior`, counted on training videos")

    def __call__(self, labels: Labels) -> Labels:
        """Decode one video.

        Raises:
            ValueError: if the labels have other classes, or lack the scores or the rate that the method needs.
        """
        self.check(labels)
        return METHODS[self.method].decode(labels, self.value, self.prior)

    def check(self, labels: Labels) -> None:
        """Refuse labels of other classes.

        Raises:
            ValueError: if they have.
        """
        if labels.classes.names != self.classes.names:
            raise ValueError(
                f"{labels.source} has other classes than the decoder was fitted on: fit one to this network"
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a JSON file."""
        write_json(Path(path), self.record())

    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        record = {"version": _VERSION, "method": self.method, "value": self.value, "classes": asdict(self.classes)}
        return record | {"prior": None if self.prior is None else self.prior.record()}

    @classmethod
    def named(cls, text: str, classes: Classes) -> Decoder:
        """The decoder that a command line names.

        Args:
            text: a file of :meth:`save`, or ``NAME=VALUE`` with a key of :data:`METHODS` and its parameter.
            classes: of the labels that it is to take.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the method, its parameter or the file is wrong, the file is for other classes, or the classes
                are those of several labels at a time.

        Example:
            >>> Decoder.named("median=0.5", Classes(("cut", "take"))).value
            0.5
        """
        if isinstance(classes, TrackClasses):
            raise ValueError(
                "a decoder takes one label a frame, but this network gives several: take a minimum duration, which is "
                "that of the segments of every track"
            )
        method, sign, value = text.partition("=")
        if not sign and not Path(text).is_file():
            raise FileNotFoundError(
                f"no decoder {text!r}: expected a file of `segtcn decode --fit`, or a name with its parameter, such as "
                "median=0.5 or hysteresis=0.2"
            )
        try:
            decoder = cls(method, float(value), classes) if sign else cls.load(text)
        except ValueError as error:
            raise ValueError(f"{error}; got the decoder {text!r}") from error
        scores = np.full((len(classes), 1), 1 / len(classes), np.float32)
        trial = Labels(np.zeros(1, np.int64), classes, 1, scores, "the network")
        decoder(trial)  # refuses other classes, and parameters out of range
        return decoder

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Decoder:
        """Read a file that :meth:`save` wrote.

        Raises:
            ValueError: if it is not such a file, or of a newer version.
        """
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
            if record["version"] > _VERSION:
                raise ValueError(f"it has version {record['version']}, this segtcn reads up to {_VERSION}")
            classes = Classes(tuple(record["classes"]["names"]), record["classes"]["background"])
            prior = None if record["prior"] is None else SegmentPrior.from_record(record["prior"])
            return cls(record["method"], float(record["value"]), classes, prior)
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not the file of a fitted decoder ({error})") from error


class FittedDecoder(NamedTuple):
    """What :func:`fit_decoder` found.

    Args:
        decoder: with the best value.
        scores: mean F1@50 over the videos, percent, of every value.
    """

    decoder: Decoder
    scores: dict[float, float]


def fit_decoder(
    method: str, predictions: Sequence[Labels], truth: Sequence[Labels], training: Iterable[Labels] = ()
) -> FittedDecoder:
    """Choose the parameter of a decoder by the mean F1@50 of held-out training videos.

    Of equal values the first wins, which changes least.

    Args:
        method: a key of :data:`METHODS`.
        predictions: of videos that the network was not trained on, and that are not test videos.
        truth: of the same videos, in the same order, with the same classes and number of frames.
        training: true labels of the training videos, for methods that count segments; none takes ``truth``.

    Raises:
        ValueError: if there is no video, two do not match, or the method is unknown.
    """
    from segtcn.metrics.functional import segmental_f1  # torchmetrics, which prediction does not need

    if not predictions or len(predictions) != len(truth):
        raise ValueError(f"expected the truth of every prediction, got {len(predictions)} and {len(truth)} videos")
    classes = predictions[0].classes
    for labels, true in zip(predictions, truth, strict=True):
        if true.classes.names != classes.names or len(true) != len(labels):
            raise ValueError(
                f"{true.source} must have the classes of {predictions[0].source} and {len(labels)} labels, got "
                f"{len(true)} of {listed(true.classes.names)}"
            )
    prior = SegmentPrior.count(training or truth) if method in METHODS and METHODS[method].needs_prior else None
    Decoder(method, 0, classes, prior)  # an unknown name is refused here
    scores = {}
    for value in METHODS[method].values:
        decoder = Decoder(method, value, classes, prior)
        f1 = [
            segmental_f1(decoder(labels).indexes, true.indexes, 0.5, classes.background)
            for labels, true in zip(predictions, truth, strict=True)
        ]
        scores[float(value)] = float(np.mean(f1))
    best = max(scores, key=scores.__getitem__)
    return FittedDecoder(Decoder(method, best, classes, prior), scores)


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
