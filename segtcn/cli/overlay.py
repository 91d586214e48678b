"""``segtcn overlay``: a clip with its labels."""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from segtcn.cli.titled_path import split_title

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from segtcn.labels import Classes, Labels
    from segtcn.visualization.overlay import Excerpt, OverlayLook

EXAMPLES = """\
examples:
  segtcn overlay clip.mp4 predictions.txt -o out.mp4 --truth labels.txt
  segtcn overlay clip.mp4 "MS-TCN=a/clip.npz" "ED-TCN=b/clip.npz" -o out.mp4 --truth labels.txt --scores --window 10
  segtcn overlay clip.mp4 predictions.csv -o out.mp4 --mapping mapping.txt --start 1:20 --stop 2:00 --speed 2
  segtcn overlay clip.mp4 a.txt b.txt -o out.mp4 --fps 3 --truth labels.txt --truth-fps 30 --height 480
  segtcn overlay clip.mp4 predictions.npz -o excerpt.gif --start 0:12 --stop 0:18

Labels meet frames in time: with --fps, or the rate that a file tells, the frame at t seconds has label
floor(t * rate). Without a rate there must be one label for every frame of the clip. Files: .txt with one label a line,
MS-TCN's recognition files, .csv tables of segments, .npz with the scores of all classes and the truth (written by
`segtcn test`).
"""


@dataclass(frozen=True)
class Reading:
    """How label files are understood.

    Args:
        fps: labels per second, by the titles of predictions; those that are not named keep the rate of their file.
        truth_fps: true labels per second; None takes what the file says.
        mapping: ``mapping.txt`` with all classes; None looks beside the label files and above.
        background: name of the class drawn in grey; None takes ``background`` or ``SIL``.
        protocol: of the scores of every prediction; None shows none.
    """

    fps: Mapping[str, float]
    truth_fps: float | None = None
    mapping: Path | None = None
    background: str | None = None
    protocol: str | None = None


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
    parser.add_argument("--truth", metavar="LABELS", help="the true labels, drawn on top (default: those in .npz)")
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
    shown.add_argument(
        "--scores", action="store_true", help="F1, edit and accuracy of every prediction; needs the truth"
    )
    shown.add_argument("--protocol", default="lea", metavar="NAME", help="of the scores (default: lea)")
    part = parser.add_argument_group("part, speed and size (times: seconds, or 1:20.5)")
    part.add_argument("--start", type=_time, metavar="TIME", help="begin here")
    part.add_argument("--stop", type=_time, metavar="TIME", help="end here")
    part.add_argument("--speed", type=float, default=1.0, metavar="X", help="2 plays twice as fast, with its sound")
    size = part.add_mutually_exclusive_group()
    size.add_argument("--scale", type=float, metavar="X", help="0.5 makes the picture half as wide and half as high")
    size.add_argument("--height", type=int, metavar="PIXELS", help="height of the picture")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no notes")
    options = parser.parse_args(argv[1:])

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
        warnings.simplefilter("ignore" if options.quiet else "always", UserWarning)
        print(_run(options))


def _run(options: argparse.Namespace) -> Path:
    from segtcn.visualization.overlay import Excerpt, OverlayLook

    files = _titled(options.predictions)
    reading = Reading(
        _rates(options.fps, list(files)),
        options.truth_fps,
        None if options.mapping is None else Path(options.mapping),
        options.background,
        options.protocol if options.scores else None,
    )
    stop_s = float("inf") if options.stop is None else options.stop
    look = OverlayLook(options.height, options.scale, options.window, options.top, progress=not options.quiet)
    return overlay(
        Path(options.clip),
        files,
        Path(options.output),
        None if options.truth is None else Path(options.truth),
        reading,
        Excerpt(options.start or 0.0, stop_s, options.speed),
        look,
    )


def overlay(
    clip: Path,
    predictions: Mapping[str, Path],
    output: Path,
    truth: Path | None,
    reading: Reading,
    excerpt: Excerpt,
    look: OverlayLook,
) -> Path:
    """Write a copy of a clip with its labels below the picture; see :func:`segtcn.visualization.overlay_video`.

    Args:
        clip: the video.
        predictions: label files by their titles, drawn in this order.
        output: the video to make.
        truth: file of the true labels; None takes those that the file of a prediction holds, if one does.
        reading: how the files are understood.
        excerpt: the part that is shown, and its speed.
        look: what is shown.
    """
    from segtcn.labels import read_labels
    from segtcn.visualization.overlay import overlay_video
    from segtcn.visualization.tracks import TRUTH

    tracks = {title: read_labels(path, fps=reading.fps.get(title)) for title, path in predictions.items()}
    true_labels = _truth_in(predictions.values()) if truth is None else read_labels(truth, fps=reading.truth_fps)
    if true_labels is not None:
        tracks = {TRUTH: true_labels, **tracks}
    elif reading.protocol is not None:
        raise ValueError("--scores compares with the truth: give --truth LABELS")
    classes = _classes([*([] if truth is None else [truth]), *predictions.values()], [*tracks.values()], reading)
    tracks = {title: labels.in_classes(classes) for title, labels in tracks.items()}
    if reading.protocol is not None:
        look = replace(look, scores=_scores(tracks, tracks[TRUTH], reading.protocol))
    # of a truth whose file does not say its rate
    common = next(iter({*reading.fps.values()})) if len({*reading.fps.values()}) == 1 else None
    return overlay_video(clip, tracks, output, classes=classes, fps=common, excerpt=excerpt, look=look)


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
    split = [split_title(text) for text in texts]
    stems = [path.stem for title, path in split if title is None]
    files: dict[str, Path] = {}
    for title, path in split:
        name = title or (path.stem if stems.count(path.stem) == 1 else path.resolve().parent.name)
        if len(texts) == 1:
            name = title or "prediction"
        if name in files:
            raise ValueError(f"two predictions would have the title {name!r}: give titles, such as MS-TCN={path}")
        files[name] = path
    if "truth" in files:
        raise ValueError("a prediction has the title 'truth', which is that of the true labels: choose another")
    return files


def _rates(texts: Sequence[str], titles: Sequence[str]) -> dict[str, float]:
    """``RATE`` of all predictions, or ``TITLE=RATE`` of one."""
    rates: dict[str, float] = {}
    for text in sorted(texts, key=lambda text: "=" in text):
        title, _, number = text.rpartition("=")
        try:
            rate = float(number)
        except ValueError as error:
            raise ValueError(f"--fps: expected labels per second, or TITLE=RATE, got {text!r}") from error
        if title and title not in titles:
            raise ValueError(f"--fps {text}: there is no prediction {title!r}; there are {', '.join(titles)}")
        rates |= dict.fromkeys([title] if title else titles, rate)
    return rates


def _truth_in(files: Iterable[Path]) -> Labels | None:
    """The true labels that a run wrote beside its predictions."""
    from segtcn.labels import read_archive_labels

    archives = (read_archive_labels(path)[1] for path in files if path.suffix == ".npz")
    return next((truth for truth in archives if truth is not None), None)


def _classes(files: Sequence[Path], tracks: Sequence[Labels], reading: Reading) -> Classes:
    """Classes of the mapping that was given, or that lies beside the label files and fits; else those of the labels."""
    from segtcn.labels import Classes, common_classes, find_mapping

    if reading.mapping is not None:
        return Classes.read(reading.mapping, reading.background)
    mapping = find_mapping(files)
    if mapping is not None:
        classes = Classes.read(mapping)
        try:
            for labels in tracks:
                labels.in_classes(classes)
        except ValueError as error:
            warnings.warn(f"{mapping} is left aside: {error}", stacklevel=2)
        else:
            warnings.warn(f"colours of the classes as in {mapping}", stacklevel=2)
            return classes if reading.background is None else classes.with_background(reading.background)
    return common_classes(tracks, background=reading.background)


def _scores(tracks: Mapping[str, Labels], truth: Labels, protocol: str) -> dict[str, dict[str, float]]:
    """Scores of every prediction by the headings of tables, in percent, at the rate of the truth."""
    from segtcn.metrics import evaluate_videos
    from segtcn.text_table import SCORES

    scores = {}
    for title, labels in tracks.items():
        if labels is truth:
            continue
        preds = _at_rate_of(truth, labels)
        values = evaluate_videos(
            {title: preds.tolist()},
            {title: truth.indexes[: len(preds)].tolist()},
            protocol,
            class_names=truth.classes.names,
            background=truth.classes.background,
            fps=truth.fps,
        ).videos[title]
        scores[title] = {heading: values[name] for name, heading in SCORES.items()}
    return scores


def _at_rate_of(truth: Labels, labels: Labels) -> npt.NDArray[np.int64]:
    """Predicted class of every true frame.

    Raises:
        ValueError: if the numbers differ, and no rates are known to bring them together.
    """
    import numpy as np

    num_labels, num_true = len(labels), len(truth)
    true_rate = truth.fps or (labels.fps if num_labels == num_true else None)
    if labels.fps is not None and true_rate is not None and labels.fps != true_rate:
        numbers = ((np.arange(num_true) + 0.5) / true_rate * labels.fps).astype(np.int64)
        return labels.indexes[np.minimum(numbers, num_labels - 1)]
    if abs(num_labels - num_true) > 0.02 * num_true:
        raise ValueError(
            f"--scores: {labels.source} has {num_labels} labels and the truth {num_true}: give the rates of both "
            "(--fps, --truth-fps)"
        )
    return labels.indexes[:num_true]
