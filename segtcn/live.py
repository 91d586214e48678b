"""Labels of a camera, an address or a file while it runs: waiting pictures, reconnection, a rule for falling behind."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from segtcn.decoding import Decoder, DecoderStream
from segtcn.extract import Backbone
from segtcn.extract.extraction import UNUSED
from segtcn.extract.rates import resample
from segtcn.extract.windows import Padding, is_used, window_batches
from segtcn.labels import Labels
from segtcn.segmenter import Segmenter
from segtcn.segmenter.clip_features import RATE_TOLERANCE
from segtcn.video_io import Image, is_address, is_camera, probe, read_live


class LiveLabel(NamedTuple):
    """A label when it is spoken.

    Args:
        time_s: of the picture that it belongs to, in seconds after the first.
        frame: number of that picture at the rate of the clips that the features were made from.
        label: name of its class.
        confidence: its probability.
    """

    time_s: float
    frame: int
    label: str
    confidence: float


class LiveMoment(NamedTuple):
    """What came since the moment before.

    Args:
        pictures: with their times in seconds, ``(H, W, 3)`` uint8 in the order blue, green, red.
        labels: that are decided by now and were not spoken before.
    """

    pictures: list[tuple[float, Image]]
    labels: list[LiveLabel]


@dataclass(frozen=True)
class LiveRules:
    """What to do when something is late or lost.

    Args:
        behind_s: seconds of pictures that may wait before old ones are dropped.
        timeout_s: seconds after which an address that gives no picture counts as lost.
        retries: how many times in a row a lost source is tried again; 0 ends with the source.
        first_wait_s: seconds before it is tried again; doubled each time.
        longest_wait_s: seconds that are waited at most.
    """

    behind_s: float = 1.0
    timeout_s: float = 10.0
    retries: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0

    def __post_init__(self) -> None:
        for name in ("behind_s", "timeout_s", "first_wait_s", "longest_wait_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be positive, got {getattr(self, name)}")
        if self.retries < 0:
            raise ValueError(f"`retries` must be 0 or more, got {self.retries}")


class LiveSession:
    """Labels a source while it runs; iterate over it.

    Pictures are brought to the rate of the clips that the features were made from, described, and pushed into the
    segmenter's stream. Falling behind: when more than ``behind_s`` of pictures wait, those before the newest one on the
    network's grid are dropped, and in their place the network sees the feature before them again, so that times stay
    right. A camera or an address that is lost is tried again, with growing pauses; for the network, a new video begins.

    Args:
        segmenter: in evaluation mode, with a network that can stream.
        source: the number of a camera, an address, or a video file, which is played at real speed.
        backbone: that made the features of the segmenter.
        fps: features per second, where the segmenter does not know it.
        rules: what to do when something is late or lost.
        decoder: makes the labels of the scores, as in ``Segmenter.predict``; its delay adds to that of the network.

    Attributes:
        num_dropped: pictures that were dropped so far.
        num_reconnections: how many times the source came back.
        loss: why the source was lost for good; None if it was not.

    Raises:
        ValueError: if the network cannot stream, rate or width of the features are unknown or do not fit, or the
            decoder needs the whole video.

    Example:
        >>> session = LiveSession(segmenter, "rtsp://camera/1", backbone)  # doctest: +SKIP
        >>> for moment in session:  # doctest: +SKIP
        ...     print(*moment.labels)
    """

    def __init__(
        self,
        segmenter: Segmenter,
        source: str,
        backbone: Backbone,
        fps: float | None = None,
        rules: LiveRules = LiveRules(),
        decoder: Decoder | None = None,
    ) -> None:
        extraction = segmenter.extraction or {}
        stride, fps = extraction.get("stride", 1), segmenter.fps if fps is None else fps
        if fps is None:
            raise ValueError("the checkpoint does not say the rate of its features: give `fps`")
        if not fps > 0:
            raise ValueError(f"`fps` must be positive, got {fps}")
        if segmenter.fps is not None and abs(fps / segmenter.fps - 1) > RATE_TOLERANCE:
            raise ValueError(
                f"the network was trained on {segmenter.fps:g} features a second, got {fps:g}: leave `fps` out"
            )
        if backbone.feature_dim != segmenter.net.in_channels:
            raise ValueError(
                f"the backbone makes {backbone.feature_dim} features and the network takes {segmenter.net.in_channels}"
            )
        self.segmenter, self.source, self.backbone, self.rules = segmenter, str(source), backbone, rules
        self.decoder = None if decoder is None else DecoderStream(decoder, fps)
        self.fps = fps * stride
        self.grid = stride * segmenter.sample_rate
        self.num_dropped = self.num_reconnections = 0
        self.loss: str | None = None
        self._window = backbone.checked_window(extraction.get("window"))
        self._padding: Padding = extraction.get("padding") or "edge"
        self._stream = segmenter.stream(on_nan="hold")
        self._ended = threading.Event()
        self._waiting = WaitingPictures(1, 1)
        self._begin_s: float | None = None
        self._num_numbered = 0  # pictures so far, those between two connections included

    @property
    def extractor_latency_s(self) -> float:
        """Seconds of later pictures that a feature needs; one more picture decides which is nearest in time."""
        return (self._window - self._window // 2 - 1) / self.fps

    @property
    def network_latency_s(self) -> float:
        """Seconds of later features that the network needs."""
        return self._stream.lookahead * (self.grid // self.segmenter.sample_rate) / self.fps

    @property
    def decoder_latency_s(self) -> float:
        """Seconds of later labels that the decoder needs."""
        delay = 0 if self.decoder is None else self.decoder.delay
        return delay * (self.grid // self.segmenter.sample_rate) / self.fps

    def stop(self) -> None:
        """End as if the source had ended: labels that wait for later frames are still spoken. From any thread."""
        self._ended.set()
        self._waiting.stop()

    def __iter__(self) -> Iterator[LiveMoment]:
        failures = num_connections = 0
        while not self._ended.is_set():
            num_pictures = yield from self._connection()
            error = self._waiting.error
            num_connections += num_pictures > 0
            self.num_reconnections = max(0, num_connections - 1)
            if error is not None and (not num_connections or not self._can_return):
                raise error
            failures = 1 if num_pictures else failures + 1
            if self._ended.is_set() or not self._can_return:
                return
            if failures > self.rules.retries:
                self.loss = str(error or f"{self.source} ended")
                return
            self._ended.wait(min(self.rules.first_wait_s * 2 ** (failures - 1), self.rules.longest_wait_s))

    def _number_of_first_picture(self) -> int:
        """Of a connection, when it arrives: on the network's grid, by the time since the first of all."""
        now_s = time.monotonic()
        if self._begin_s is None:
            self._begin_s = now_s
        number = max(self._num_numbered, round((now_s - self._begin_s) * self.fps))
        return -(-number // self.grid) * self.grid

    @property
    def _can_return(self) -> bool:
        return is_address(self.source) or is_camera(self.source)

    def _connection(self) -> Generator[LiveMoment, None, int]:
        """Label what one connection gives; returns its number of pictures, those dropped included."""
        waiting = self._waiting = WaitingPictures(round(self.rules.behind_s * self.fps), self.grid)
        if self._ended.is_set():
            waiting.stop()
        reader = threading.Thread(target=self._read, args=(waiting,), name="segtcn live", daemon=True)
        reader.start()
        try:
            return (yield from _Video(self, waiting).moments())
        finally:
            waiting.stop()
            # a reader that waits for a silent source ends by itself, and nobody has to wait for it
            reader.join(timeout=min(self.rules.timeout_s, 1.0))

    def _read(self, waiting: WaitingPictures) -> None:
        lost: Exception | None = None

        def arrived() -> Iterator[tuple[float, Image]]:
            nonlocal lost
            try:
                yield from read_live(self.source, self.rules.timeout_s)
            except Exception as error:  # goes to the thread that waits, after what came before it
                lost = error

        try:
            # how long the last picture of a stream is shown, nobody knows
            last_s = 1 / (self.fps if self._can_return else float(probe(self.source).fps))
            for number, picture in enumerate(resample(arrived(), self.fps, last_s)):
                if waiting.is_closed:
                    return
                waiting.put(number, picture)
        except Exception as error:
            lost = error
        waiting.close(lost)


class _Video:
    """What one connection gives: pictures become features, features labels.

    Args:
        session: whose backbone and stream to use.
        waiting: the pictures.
    """

    def __init__(self, session: LiveSession, waiting: WaitingPictures) -> None:
        self._session, self._waiting, self._first = session, waiting, 0
        self._shown: list[tuple[float, Image]] = []
        self._num_pictures = 0
        self._num_spoken = 0  # labels of stored frames; the network sees every `sample_rate`-th
        self._skip_until = 0  # number of the picture after those that were dropped
        session.backbone.start()
        session._stream.reset()
        if session.decoder is not None:
            session.decoder.finish()

    def moments(self) -> Generator[LiveMoment, None, int]:
        """Label the video; returns its number of pictures, those dropped included."""
        session = self._session
        stream, rate = session._stream, session.segmenter.sample_rate
        feature: Tensor | None = None
        columns: list[Tensor] = []  # features of the network's frames that were not pushed yet
        batches = window_batches(self._prepared(), session._window, session.grid, session._padding, batch_size=1)
        for number, (frames, windows) in enumerate(batches):
            if feature is None or number * session.grid >= self._skip_until:
                feature = session.backbone.describe(frames, windows)[0]
            columns.append(feature)
            # those in place of dropped pictures wait for the next: one call of the network for all of them
            if (number + 1) * session.grid >= self._skip_until:
                yield self._moment(stream.push(torch.stack(columns, dim=1).repeat_interleave(rate, dim=1)))
                columns = []
        if columns:
            yield self._moment(stream.push(torch.stack(columns, dim=1).repeat_interleave(rate, dim=1)))
        if self._num_pictures:
            yield self._moment(stream.finish())
            if session.decoder is not None:
                yield self._spoken(session.decoder.finish())
        return self._num_pictures

    def _prepared(self) -> Iterator[Tensor]:
        """One input of the backbone for every moment; where the picture was dropped, that of the moment before."""
        session, backbone = self._session, self._session.backbone
        last = UNUSED
        for number, picture in self._waiting:
            if not self._num_pictures:
                self._first = session._number_of_first_picture()
            self._shown.append(((self._first + number) / session.fps, picture))
            is_needed = backbone.sequential or is_used(number, session._window, session.grid)
            prepared = backbone.prepare(picture) if is_needed else UNUSED
            if num_missing := number - self._num_pictures:
                self._skip_until = number
                session.num_dropped += num_missing
                yield from repeat(last if len(last) else prepared, num_missing)
            last = prepared if is_needed else last
            self._num_pictures = number + 1
            session._num_numbered = self._first + self._num_pictures
            yield prepared

    def _moment(self, labels: Labels | None) -> LiveMoment:
        decoder = self._session.decoder
        return self._spoken(labels if decoder is None else decoder.push(labels))

    def _spoken(self, labels: Labels | None) -> LiveMoment:
        shown, self._shown = self._shown, []
        if labels is None:
            return LiveMoment(shown, [])
        session, step = self._session, self._session.segmenter.sample_rate
        begin = -self._num_spoken % step  # a decoder may answer in the middle of what repeats a frame of the network
        first = (self._num_spoken + begin) // step
        self._num_spoken += len(labels)
        names, confidences = labels.names()[begin::step], np.asarray(labels.confidence)[begin::step].tolist()
        frames = [self._first + (first + row) * session.grid for row in range(len(names))]
        rows = zip(frames, names, confidences, strict=True)
        return LiveMoment(shown, [LiveLabel(frame / session.fps, frame, *row) for frame, *row in rows])


class WaitingPictures:
    """A queue from the thread that reads a source to the one that labels it; it never blocks the reader.

    When more than ``capacity`` pictures wait, all before the newest one whose number is a multiple of ``grid`` are
    dropped: the network sees only those.

    Args:
        capacity: pictures that may wait.
        grid: the network sees one picture in this many.

    Example:
        >>> waiting = WaitingPictures(capacity=4, grid=2)
        >>> for number in range(5):
        ...     waiting.put(number, None)
        >>> waiting.close()
        >>> [number for number, _ in waiting]
        [4]
    """

    def __init__(self, capacity: int, grid: int) -> None:
        self.capacity, self.grid = max(capacity, grid), grid
        self.is_closed = False
        self.error: Exception | None = None  # why nothing more comes; None if the source ended
        self._pictures: deque[tuple[int, Image]] = deque()
        self._change = threading.Condition()

    def put(self, number: int, picture: Image) -> None:
        """Append a picture; numbers increase."""
        with self._change:
            self._pictures.append((number, picture))
            if len(self._pictures) > self.capacity:
                newest = max((n for n, _ in self._pictures if n % self.grid == 0), default=number)
                while self._pictures[0][0] < newest:
                    self._pictures.popleft()
            self._change.notify()

    def close(self, error: Exception | None = None) -> None:
        """Nothing more comes, because of an error or not; pictures that wait are still given."""
        with self._change:
            if not self.is_closed:
                self.is_closed, self.error = True, error
            self._change.notify()

    def stop(self) -> None:
        """Close, and throw away what waits."""
        with self._change:
            self.is_closed = True
            self._pictures.clear()
            self._change.notify()

    def __iter__(self) -> Iterator[tuple[int, Image]]:
        while True:
            with self._change:
                while not self._pictures and not self.is_closed:
                    self._change.wait(0.2)  # not for ever: Python handles Ctrl-C between two waits
                if not self._pictures:
                    return
                number, picture = self._pictures.popleft()
            yield number, picture
