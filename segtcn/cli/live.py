"""``segtcn live``: labels of a camera, an address or a clip while it runs."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from segtcn.cli.network_module import Module, import_module
from segtcn.cli.parser import Rate, UsageError
from segtcn.cli.stopping import discard_if_unread

if TYPE_CHECKING:
    from segtcn.extract import Backbone
    from segtcn.live import LiveLabel, LiveMoment, LiveSession
    from segtcn.segmenter import Segmenter
    from segtcn.video_io import ClipWriter, Image


@dataclass(frozen=True)
class Shown:
    """What is shown and kept.

    Args:
        window: show the pictures with the label of the time; Q closes.
        record: write the pictures with the label of the time.
        json: print a JSON line for every frame that the network sees.
        show: rewrite one line with the current label (default: where a terminal shows it), or print a line a segment.
    """

    window: bool = False
    record: Annotated[Path, "FILE.mp4"] | None = None
    json: bool = False
    show: Annotated[bool | None, ("action", argparse.BooleanOptionalAction), ("metavar", None)] = None


@dataclass(frozen=True)
class Model:
    """Features, network and decoder.

    Args:
        fps: features a second, where the checkpoint does not know it.
        backbone: where the backbone of the features lies (default: what the checkpoint names).
        device: of the backbone: auto, cpu, cuda, ...
        decoder: a file of `segtcn decode --fit`, or a name with its parameter, such as median=0.5; one that needs the
            whole video cannot be used.
        module: imported first: it defines a network of yours.
    """

    fps: Rate | None = None
    backbone: Annotated[str, "MODEL"] | None = None
    device: Annotated[str, "DEVICE"] = "auto"
    decoder: Annotated[str, "FILE|NAME=VALUE"] | None = None
    module: Module | None = None


@dataclass(frozen=True)
class Patience:
    """When something is late or lost.

    Args:
        behind_s: seconds of pictures that may wait.
        timeout_s: seconds without a picture after which an address is lost.
        retries: tries in a row; 0 ends with the source.
    """

    behind_s: Annotated[float, "S"] = 1.0
    timeout_s: Annotated[float, "S"] = 10.0
    retries: int = 5


def live(checkpoint: Path, source: Annotated[str, "SOURCE"], *, shown: Shown, model: Model, patience: Patience) -> None:
    """Label a source while it runs.

    SOURCE is the number of a camera (0), an address (rtsp://..., http://...), or a clip, which is played at real speed.
    Features are made like those that the network was trained on. The command prints at the start how long a label has
    to wait. Ctrl-C ends: labels that wait are still spoken, and the recording is finished.

    Args:
        checkpoint: a checkpoint, the folder of a run, or an export of them.
        source: number of a camera, address, or clip.
        shown: what is shown and kept.
        model: how features are made.
        patience: when something is late or lost.

    Examples:
      segtcn live RUN 0
      segtcn live RUN rtsp://camera/1 --record seen.mp4 --retries 100
      segtcn live RUN clip.mp4 --json > labels.jsonl
      segtcn live RUN 0 --decoder hysteresis=0.2

    Falling behind: when more than --behind seconds of pictures wait, all before the newest one that the network sees
    are dropped and counted. An address without a picture for --timeout seconds, that breaks off or ends is tried again
    after 1, 2, 4, ... up to 30 seconds, and given up after --retries tries in a row. An address that does not answer at
    the start is an error. For the network, a source that came back is a new video.
    """
    if shown.record is not None and shown.record.suffix.lower() != ".mp4":
        raise UsageError(f"`record` writes MP4: the name must end in .mp4, got {shown.record}")
    if shown.record is not None and shown.record.exists() and Path(source).exists() and shown.record.samefile(source):
        raise UsageError(f"`record` would replace the source {source}: choose another name")

    from segtcn.decoding import Decoder
    from segtcn.live import LiveRules, LiveSession
    from segtcn.segmenter import load

    import_module(model.module)
    segmenter = load(str(checkpoint))
    decoder = None if model.decoder is None else Decoder.named(model.decoder, segmenter.classes)
    rules = LiveRules(patience.behind_s, patience.timeout_s, patience.retries)
    session = LiveSession(segmenter, source, _backbone(segmenter, model), model.fps, rules, decoder)
    print(_latency(session), file=sys.stderr)
    show = sys.stderr.isatty() if shown.show is None else shown.show
    with _stopped_by_signals(session):
        num_labels = _run(session, shown, show)
    counts = (
        f"{num_labels} labels, {session.num_dropped} pictures dropped, {session.num_reconnections} times reconnected"
    )
    print(counts + (f"; gave up: {session.loss}" if session.loss else ""), file=sys.stderr)


@contextmanager
def _stopped_by_signals(session: LiveSession) -> Iterator[None]:
    """The first Ctrl-C ends the session, the second the program."""
    handlers = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _: object) -> None:
        signal.signal(number, handlers[number])
        session.stop()

    try:
        for number in handlers:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _backbone(segmenter: Segmenter, model: Model) -> Backbone:
    """The backbone that made the features of the segmenter.

    Raises:
        ValueError: if the checkpoint names none, or what is there is another one.
    """
    from segtcn.extract import load_backbone
    from segtcn.segmenter.clip_features import load_recorded_backbone

    recorded = (segmenter.extraction or {}).get("backbone")
    if recorded:
        return load_recorded_backbone(recorded, model.backbone, model.device)
    if model.backbone is None:
        raise ValueError("the checkpoint does not say how its features were made: name the `backbone`")
    return load_backbone(model.backbone, model.device)


def _latency(session: LiveSession) -> str:
    frames = session.segmenter.stream().lookahead
    total_s = session.extractor_latency_s + session.network_latency_s + session.decoder_latency_s
    decoder = "" if session.decoder is None else f", the decoder {session.decoder_latency_s:.2f} s"
    return (
        f"{session.source}: {session.fps:g} pictures a second, the network sees every {session.grid}. "
        f"It looks {frames} features ({session.network_latency_s:.2f} s) ahead, the extractor "
        f"{session.extractor_latency_s:.2f} s{decoder}: a label is spoken {total_s:.2f} s after its picture, "
        "plus the time to compute it"
    )


def _run(session: LiveSession, shown: Shown, show: bool) -> int:
    """Speak, show and record; returns the number of labels."""
    from segtcn.visualization.overlay.live_pictures import Window

    num_labels, current = 0, ""
    with ExitStack() as stack:
        recording = None if shown.record is None else _Recording(shown.record, session, stack)
        window = stack.enter_context(Window(session.source)) if shown.window else None
        for moment in session:
            for label in moment.labels:
                num_labels += 1
                try:
                    _speak(label, label.label != current, session.num_dropped, shown.json, show)
                except BrokenPipeError:  # whoever read the labels has left: end as after Ctrl-C
                    discard_if_unread()
                    session.stop()
                current = label.label
            pictures = _captioned(moment, current) if recording or window else []
            if recording is not None:
                recording.write(pictures)
            if window is not None and pictures and not window.show(pictures[-1][1]):
                session.stop()
                window = None
    if show and num_labels:
        print(file=sys.stderr)
    if recording is not None and recording.num_left_out:
        print(f"{recording.num_left_out} pictures of another size are not in {shown.record}", file=sys.stderr)
    return num_labels


def _speak(label: LiveLabel, is_new: bool, num_dropped: int, as_json: bool, show: bool) -> None:
    if as_json:
        print(json.dumps(label._asdict(), ensure_ascii=False), flush=True)
    elif is_new and not show:
        print(f"{label.time_s:10.2f} s  {label.label}", flush=True)
    if show:
        dropped = f"  {num_dropped} dropped" if num_dropped else ""
        line = f"{label.time_s:10.2f} s  {label.label} {label.confidence:.0%}{dropped}"
        print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)


def _captioned(moment: LiveMoment, text: str) -> list[tuple[float, Image]]:
    """Pictures with the label that was known when they were shown."""
    from segtcn.visualization.overlay.live_pictures import captioned

    return [(time_s, captioned(picture, f" {text}")) for time_s, picture in moment.pictures]


class _Recording:
    """Writes pictures; those of another size than the first are left out, and counted."""

    def __init__(self, path: Path, session: LiveSession, stack: ExitStack) -> None:
        self._path, self._fps, self._stack = path, Fraction(session.fps).limit_denominator(1001), stack
        self._writer: ClipWriter | None = None
        self.num_left_out = 0

    def write(self, pictures: Sequence[tuple[float, Image]]) -> None:
        from segtcn.video_io import ClipWriter

        for time_s, picture in pictures:
            height, width, _ = picture.shape
            if self._writer is None:
                self._writer = self._stack.enter_context(ClipWriter(self._path, self._fps, width, height))
            if (height, width) == (self._writer.height, self._writer.width):
                self._writer.write(picture, time_s)
            else:
                self.num_left_out += 1
