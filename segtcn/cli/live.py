"""``segtcn live``: labels of a camera, an address or a clip while it runs."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segtcn.extract import Backbone
    from segtcn.live import LiveLabel, LiveMoment, LiveSession
    from segtcn.segmenter import Segmenter
    from segtcn.video_io import ClipWriter

DESCRIPTION = """\
Label a source while it runs. SOURCE is the number of a camera (0), an address (rtsp://..., http://...), or a clip,
which is played at real speed. Features are made like those that the network was trained on. The command prints at the
start how long a label has to wait. Ctrl-C ends: labels that wait are still spoken, and the recording is finished.
"""

EXAMPLES = """\
examples:
  segtcn live RUN 0
  segtcn live RUN rtsp://camera/1 --record seen.mp4 --retries 100
  segtcn live RUN clip.mp4 --json > labels.jsonl

Falling behind: when more than --behind seconds of pictures wait, all before the newest one that the network sees are
dropped and counted. An address that is silent for --timeout seconds, breaks off or ends is tried again after 1, 2, 4,
... up to 30 seconds, and given up after --retries tries in a row. An address that does not answer at the start is an
error. For the network, a source that came back is a new video.
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn live",
        usage="segtcn live CHECKPOINT SOURCE [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a checkpoint, or the folder of a run")
    parser.add_argument("source", metavar="SOURCE", help="number of a camera, address, or clip")
    parser.add_argument("--record", type=Path, metavar="FILE.mp4", help="write the pictures with the label of the time")
    parser.add_argument("--json", action="store_true", help="print a JSON line for every frame that the network sees")
    parser.add_argument(
        "--show",
        action=argparse.BooleanOptionalAction,
        help="rewrite one line with the current label (default: where a terminal shows it); otherwise a line a segment",
    )
    parser.add_argument("--fps", type=float, metavar="RATE", help="features a second (default: the checkpoint's)")
    parser.add_argument("--backbone", metavar="MODEL", help="where the backbone of the features lies")
    parser.add_argument("--device", default="auto", help="of the backbone: auto (default), cpu, cuda, ...")
    parser.add_argument("--behind", type=float, default=1.0, metavar="S", help="seconds that may wait (default: 1)")
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="seconds of silence (default: 10)")
    parser.add_argument("--retries", type=int, default=5, metavar="N", help="tries in a row (default: 5)")
    options = parser.parse_args(argv[1:])
    if options.record is not None and options.record.suffix.lower() != ".mp4":
        parser.error(f"--record writes MP4: the name must end in .mp4, got {options.record}")

    from segtcn.live import LiveRules, LiveSession
    from segtcn.segmenter import load

    segmenter = load(options.checkpoint)
    rules = LiveRules(options.behind, options.timeout, options.retries)
    backbone = _backbone(segmenter, options.backbone, options.device)
    session = LiveSession(segmenter, options.source, backbone, options.fps, rules)
    print(_latency(session), file=sys.stderr)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number, handler in handlers.items():
            signal.signal(
                number, lambda *_, n=number, h=handler: (signal.signal(n, h), session.stop())
            )  # twice: at once
        show = sys.stderr.isatty() if options.show is None else options.show
        num_labels = _run(session, options.record, options.json, show)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    counts = (
        f"{num_labels} labels, {session.num_dropped} pictures dropped, {session.num_reconnections} times reconnected"
    )
    print(counts + (f"; gave up: {session.loss}" if session.loss else ""), file=sys.stderr)


def _backbone(segmenter: Segmenter, path: str | None, device: str) -> Backbone:
    """The backbone that the checkpoint names.

    Raises:
        ValueError: if it names none, or what is there is another one.
    """
    from segtcn.extract import load_backbone
    from segtcn.extract.files import differences

    recorded = dict((segmenter.extraction or {}).get("backbone") or {})
    name = path or recorded.get("name")
    if name is None:
        raise ValueError("the checkpoint does not say how its features were made: name the backbone by --backbone")
    choices = {key: recorded[key] for key in ("precision", "pooling") if key in recorded}
    backbone = load_backbone(name, device, **choices)
    settings = {**backbone.settings, "name": recorded.get("name")}
    if recorded and (unlike := differences(recorded, settings)):
        raise ValueError(f"{name} is not the backbone that made the features of the checkpoint: {', '.join(unlike)}")
    return backbone


def _latency(session: LiveSession) -> str:
    frames = session.segmenter.stream().lookahead
    total_s = session.extractor_latency_s + session.network_latency_s
    return (
        f"{session.source}: {session.fps:g} pictures a second, the network sees every {session.grid}. "
        f"It looks {frames} features ({session.network_latency_s:.2f} s) ahead, the extractor "
        f"{session.extractor_latency_s:.2f} s: a label is spoken {total_s:.2f} s after its picture, and computing"
    )


def _run(session: LiveSession, record: Path | None, as_json: bool, show: bool) -> int:
    """Speak and record; returns the number of labels."""
    num_labels, current = 0, ""
    with ExitStack() as stack:
        recording = None if record is None else _Recording(record, session, stack)
        for moment in session:
            for label in moment.labels:
                num_labels += 1
                _speak(label, label.label != current, session.num_dropped, as_json, show)
                current = label.label
            if recording is not None:
                recording.write(moment, current)
    if show and num_labels:
        print(file=sys.stderr)
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


class _Recording:
    """Writes pictures with the label that was known when they were shown; those of another size are left out."""

    def __init__(self, path: Path, session: LiveSession, stack: ExitStack) -> None:
        self._path, self._fps, self._stack = path, Fraction(session.fps).limit_denominator(1001), stack
        self._writer: ClipWriter | None = None

    def write(self, moment: LiveMoment, text: str) -> None:
        from segtcn.video_io import ClipWriter
        from segtcn.visualization.overlay.caption import captioned

        for time_s, picture in moment.pictures:
            height, width, _ = picture.shape
            if self._writer is None:
                self._writer = self._stack.enter_context(ClipWriter(self._path, self._fps, width, height))
            if (height, width) == (self._writer.height, self._writer.width):
                self._writer.write(captioned(picture, text), time_s)
