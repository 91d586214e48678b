"""The sound of one clip on its way into another."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

BROWSER_AUDIO = frozenset({"aac", "mp3", "mp3float", "opus", "libopus", "flac"})
"""Decoders of the sound formats that MP4 holds and browsers play (AC-3 fits in MP4, but Chromium is silent)."""

_LEAST_GAP_S = 0.05
_TEMPO = (0.5, 100.0)  # what one `atempo` can do


@dataclass(frozen=True)
class Excerpt:
    """A part of a clip, and how fast it plays.

    Args:
        start_s: the beginning, in seconds, which becomes 0.
        stop_s: the end, in seconds; infinite for that of the clip.
        speed: 2 plays twice as fast.

    Raises:
        ValueError: if ``speed`` is not positive.
    """

    start_s: float = 0.0
    stop_s: float = math.inf
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not 0.001 <= self.speed <= 1000:
            raise ValueError(f"`speed` must be 0.001 to 1000, such as 2 for twice as fast, got {self.speed:g}")

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the clip is left out."""
        return not self.start_s and self.stop_s == math.inf


@dataclass(frozen=True)
class Sound:
    """The sound of a clip that another clip gets.

    Args:
        source: a clip whose first sound track is kept, if it has one: AAC as it is, anything else encoded to AAC. It
            keeps its place in time relative to the start of the clip.
        excerpt: the part of the sound that is kept, and how fast it plays.
    """

    source: str | os.PathLike[str]
    excerpt: Excerpt = Excerpt()


class AudioTrack:
    """The first sound track of a clip: packets of AAC as they are, all others encoded again to AAC.

    Args:
        path: the clip, for messages.
        source: the opened clip.
        stream: its sound.
        target: the clip that is written.
        excerpt: the part that is wanted; another speed keeps the pitch.
    """

    def __init__(self, path: Path, source: Any, stream: Any, target: Any, excerpt: Excerpt) -> None:
        import av

        self._path = path
        self._target = target
        self._excerpt = excerpt
        self._origin_s = (source.start_time or 0) / av.time_base + excerpt.start_s
        self._until_s = self._origin_s - excerpt.start_s + excerpt.stop_s
        if excerpt.start_s > 0:
            source.seek(max(0, int((self._origin_s - 1) * av.time_base)))
        if stream.codec_context.name == "aac" and excerpt.speed == 1:
            self._stream = target.add_stream_from_template(stream)
            self._packets = self._copied(source, stream)
        else:
            self._stream = target.add_stream("aac", rate=min(stream.rate, 48_000))
            self._stream.layout = "mono" if stream.channels == 1 else "stereo"
            self._packets = self._encoded(source, stream)
        self._next: Any = None

    def copy(self, until_s: float) -> None:
        """Pass on what is heard before ``until_s``, so that sound and picture lie side by side in the file."""
        while True:
            if self._next is None:
                self._next = next(self._packets, None)
            if self._next is None or float(self._next.dts * self._next.time_base) >= until_s:
                return
            self._target.mux(self._next)
            self._next = None

    def _copied(self, source: Any, stream: Any) -> Iterator[Any]:
        for packet in source.demux(stream):
            if packet.dts is None:
                continue
            time_s = float(packet.pts * packet.time_base)
            if time_s >= self._until_s:
                return
            # half a packet: the nearest beginning
            if self._excerpt.start_s and time_s + (packet.duration or 0) * float(packet.time_base) / 2 < self._origin_s:
                continue
            shift = round(self._origin_s / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = self._stream
            yield packet

    def _encoded(self, source: Any, stream: Any) -> Iterator[Any]:
        import av

        resampler = av.AudioResampler("fltp", self._stream.layout, self._stream.rate)
        for frame in self._at_speed(self._decoded(source, stream), stream):
            for resampled in resampler.resample(frame):
                yield from self._stream.encode(resampled)
        for resampled in resampler.resample(None):
            yield from self._stream.encode(resampled)
        yield from self._stream.encode(None)

    def _decoded(self, source: Any, stream: Any) -> Iterator[Any]:
        """The frames of the excerpt, their times counted from its beginning."""
        after: int | None = None  # in samples
        for frame in source.decode(stream):
            rate = frame.sample_rate
            if frame.pts is not None:
                time_s = float(frame.pts * frame.time_base)
                if time_s >= self._until_s:
                    return
                if self._excerpt.start_s and time_s + frame.samples / rate / 2 < self._origin_s:
                    continue
                at = round((time_s - self._origin_s) * rate)
                # counted where there is no gap: containers round times, AVI to whole frames
                if after is None or at > after + _LEAST_GAP_S * rate:
                    after = at
            frame.pts, frame.time_base = after or 0, Fraction(1, rate)
            after = frame.pts + frame.samples
            yield frame

    def _at_speed(self, frames: Iterator[Any], stream: Any) -> Iterator[Any]:
        import av

        if self._excerpt.speed == 1:
            yield from frames
            return
        graph = av.filter.Graph()
        nodes = [graph.add_abuffer(template=stream)]
        nodes += [graph.add("atempo", f"{factor:.9f}") for factor in _tempo_factors(self._excerpt.speed)]
        nodes.append(graph.add("abuffersink"))
        graph.link_nodes(*nodes).configure()
        delay_s: float | None = None
        num_samples = 0
        try:
            for frame in chain(frames, [None]):
                if frame is not None and delay_s is None:
                    delay_s = max(0.0, float((frame.pts or 0) * frame.time_base)) / self._excerpt.speed
                nodes[0].push(frame)
                for faster in pulled(graph):
                    rate = faster.sample_rate
                    # counted: the filter keeps the delay of the first frame as it was
                    faster.pts = round((delay_s or 0.0) * rate) + num_samples
                    faster.time_base = Fraction(1, rate)
                    num_samples += faster.samples
                    yield faster
        except av.FFmpegError as error:
            warnings.warn(
                f"the sound of {self._path} cannot be played at {self._excerpt.speed:g} times its speed "
                f"({error.strerror or error}): it ends after {num_samples} samples",
                stacklevel=2,
            )


def _tempo_factors(speed: float) -> list[float]:
    """Equal factors that one filter each can do, with the product ``speed``."""
    slowest, fastest = _TEMPO
    number = max(1, math.ceil(math.log(speed) / math.log(fastest if speed > 1 else slowest) - 1e-9))
    return [speed ** (1 / number)] * number


def pulled(graph: Any) -> Iterator[Any]:
    """What a filter graph has ready."""
    import av

    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


@contextmanager
def open_sound(path: Path) -> Iterator[tuple[Path, Any, Any] | None]:
    """Open the first sound track of a clip; None where it has none.

    Raises:
        ValueError: if the file cannot be read.
    """
    import av

    try:
        container = av.open(str(path.resolve()))
    except av.FFmpegError as error:
        raise ValueError(f"the sound of {path} cannot be read ({error.strerror or error})") from error
    with container:
        yield (path, container, container.streams.audio[0]) if container.streams.audio else None
