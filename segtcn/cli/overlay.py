"""``segtcn overlay``: a clip with its labels."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segtcn.labels.legacy import LabelTrack

EXAMPLES = """\
examples:
  segtcn overlay clip.mp4 predictions.txt -o out.mp4 --truth labels.txt
  segtcn overlay clip.mp4 "MS-TCN=a/clip.npz" "ED-TCN=b/clip.npz" -o out.mp4 --truth labels.txt --scores --window 10
  segtcn overlay clip.mp4 predictions.csv -o out.mp4 --mapping mapping.txt --start 1:20 --stop 2:00 --speed 2
  segtcn overlay clip.mp4 a.txt b.txt -o out.mp4 --fps 3 --truth labels.txt --truth-fps 30 --height 480
  segtcn overlay clip.mp4 predictions.npz -o excerpt.gif --start 0:12 --stop 0:18

Labels meet frames in time: with --fps, or the rate that a file tells, the frame at t seconds has label
floor(t * rate). Without a rate there must be one label for every frame of the clip. Files: .txt with one label a line,
MS-TCN's recognition files, .csv tables of segments, .npz with the scores of all classes (written by `segtcn test`).
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn overlay",
        description="Write a copy of a clip with its labels below the picture, with any number of predictions.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("clip", help="the video")
    parser.add_argument("predictions", nargs="+", metavar="[TITLE=]LABELS", help="label files, drawn in this order")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="the video to make, .mp4; an excerpt, .gif or .webp"
    )
    parser.add_argument("--truth", metavar="LABELS", help="the true labels, drawn on top")
    rates = parser.add_argument_group("rates, where files do not tell them")
    rates.add_argument(
        "--fps",
        action="append",
        default=[],
        metavar="[TITLE=]RATE",
        help="labels per second of all predictions, or of one; may be repeated",
    )
    rates.add_argument("--truth-fps", type=float, metavar="RATE", help="the same for the true labels, if different")
    shown = parser.add_argument_group("what is shown")
    shown.add_argument(
        "--mapping",
        metavar="FILE",
        help="mapping.txt of the data set: colours as in its other figures (default: looked for beside the label "
        "files and in the folder above)",
    )
    shown.add_argument("--background", metavar="NAME", help="the class drawn in grey (default: background or SIL)")
    shown.add_argument("--window", type=_time, metavar="TIME", help="timelines of this many seconds around the cursor")
    shown.add_argument(
        "--top", type=int, default=3, metavar="N", help="most probable classes, where a file has scores (default: 3)"
    )
    shown.add_argument("--scores", action="store_true", help="accuracy, edit and F1 of every prediction; needs --truth")
    part = parser.add_argument_group("part, speed and size (times: seconds, or 1:20.5)")
    part.add_argument("--start", type=_time, metavar="TIME", help="begin here")
    part.add_argument("--stop", type=_time, metavar="TIME", help="end here")
    part.add_argument("--speed", type=float, default=1.0, metavar="X", help="2 plays twice as fast, with its sound")
    size = part.add_mutually_exclusive_group()
    size.add_argument("--scale", type=float, metavar="X", help="0.5 makes the picture half as wide and half as high")
    size.add_argument("--height", type=int, metavar="PIXELS", help="height of the picture")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no notes")
    options = parser.parse_args(argv[1:])
    if options.scores and options.truth is None:
        parser.error("--scores compares with the truth: give --truth LABELS")

    with warnings.catch_warnings():
        if not options.quiet:
            warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
        print(_run(options))


def _run(options: argparse.Namespace) -> Path:
    from segtcn.labels.legacy import read_labels
    from segtcn.visualization.overlay import overlay_video

    files = _titled(options.predictions)
    fps = _rates(options.fps, list(files))
    tracks = {title: read_labels(path) for title, path in files.items()}
    truth = None if options.truth is None else read_labels(options.truth)
    paths = [*([] if options.truth is None else [Path(options.truth)]), *files.values()]
    class_names = _class_names(options, paths, [*tracks.values(), *([] if truth is None else [truth])])
    scores = None
    if options.scores and truth is not None:
        scores = {
            title: _scores(track, truth, _rate(fps, title), options.truth_fps, files[title])
            for title, track in tracks.items()
        }
    return overlay_video(
        options.clip,
        files,
        options.output,
        truth=options.truth,
        fps=fps,
        truth_fps=options.truth_fps,
        class_names=class_names,
        background=options.background,
        window_s=options.window,
        top=options.top,
        scores=scores,
        start_s=options.start,
        stop_s=options.stop,
        speed=options.speed,
        scale=options.scale,
        height=options.height,
        progress=not options.quiet,
    )


def _time(text: str) -> float:
    """Seconds, or hours and minutes before them with colons."""
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", text):
        raise argparse.ArgumentTypeError(f"expected seconds, or minutes:seconds such as 1:20.5, got {text!r}")
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _titled(texts: Sequence[str]) -> dict[str, Path]:
    """Files by their titles: the one before "=", else the name of the file, or of its folder where names are equal."""
    from segtcn.visualization.tracks import split_title

    if len(texts) == 1:
        return dict([split_title(texts[0], "prediction")])
    split = [split_title(text, "") for text in texts]
    stems = [path.stem for title, path in split if not title]
    files: dict[str, Path] = {}
    for title, path in split:
        name = title or (path.stem if stems.count(path.stem) == 1 else path.resolve().parent.name)
        if name in files:
            raise ValueError(f"two predictions would have the title {name!r}: give titles, such as MS-TCN={path}")
        files[name] = path
    return files


def _rates(texts: Sequence[str], titles: Sequence[str]) -> float | dict[str, float] | None:
    """``RATE`` of all tracks, or ``TITLE=RATE`` of some."""
    common: float | None = None
    of_some: dict[str, float] = {}
    for text in texts:
        title, _, rate = text.rpartition("=")
        try:
            value = float(rate)
        except ValueError as error:
            raise ValueError(f"--fps: expected labels per second, or TITLE=RATE, got {text!r}") from error
        if title and title not in titles:
            raise ValueError(f"--fps {text}: there is no prediction {title!r}; there are {', '.join(titles)}")
        if title:
            of_some[title] = value
        else:
            common = value
    if not of_some:
        return common
    return of_some if common is None else {title: of_some.get(title, common) for title in titles}


def _rate(fps: float | Mapping[str, float] | None, title: str) -> float | None:
    return fps.get(title) if isinstance(fps, Mapping) else fps


def _class_names(options: argparse.Namespace, paths: Sequence[Path], tracks: Sequence[LabelTrack]) -> list[str] | None:
    """Classes of the mapping that was given or lies beside the label files, and says so."""
    if options.mapping is not None:
        return _read_mapping(options.mapping)
    labels = {label for track in tracks for label in track.labels}
    for folder in dict.fromkeys(folder for path in paths for folder in (path.parent, path.resolve().parent.parent)):
        if not (folder / "mapping.txt").is_file():
            continue
        names = _read_mapping(folder / "mapping.txt")
        unknown = sorted(labels.difference(names))
        if not unknown:
            _note(options, f"colours of the classes as in {folder / 'mapping.txt'}")
            return names
        _note(options, f"{folder / 'mapping.txt'} is left aside: it has no class {unknown[0]!r}")
    return None


def _read_mapping(path: str | Path) -> list[str]:
    from segtcn.labels.classes import Classes

    return list(Classes.read(path).names)


def _note(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(f"note: {text}", file=sys.stderr)


def _scores(
    track: LabelTrack, truth: LabelTrack, fps: float | None, truth_fps: float | None, path: Path
) -> dict[str, float]:
    """Accuracy, edit and F1 in percent at the rate of the truth, all classes counted."""
    from segtcn.metrics.functional import edit_score, frame_accuracy, segmental_f1

    predicted, true = track.labels, truth.labels
    rate, true_rate = fps or track.fps, truth_fps or truth.fps or (fps if len(predicted) == len(true) else None)
    if rate is not None and true_rate is not None and rate != true_rate:
        predicted = [predicted[min(len(predicted) - 1, int((n + 0.5) / true_rate * rate))] for n in range(len(true))]
    elif abs(len(predicted) - len(true)) > 0.02 * len(true):
        raise ValueError(
            f"--scores: {path} has {len(predicted)} labels and the truth {len(true)}: give the rates of both (--fps, "
            "--truth-fps)"
        )
    length = min(len(predicted), len(true))
    index = {name: number for number, name in enumerate(sorted({*predicted, *true}))}
    preds, labels = ([index[name] for name in names[:length]] for names in (predicted, true))
    return {
        "Acc": float(frame_accuracy(preds, labels)),
        "Edit": float(edit_score(preds, labels)),
        **{f"F1@{round(100 * overlap)}": float(segmental_f1(preds, labels, overlap)) for overlap in (0.1, 0.25, 0.5)},
    }
