"""``segtcn overlay``: a clip with its labels."""

from __future__ import annotations

import argparse
import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from segtcn.cli.notes import warnings_as_notes
from segtcn.cli.parser import File, Rate, split_title
from segtcn.text_table import SCORE_HEADINGS

if TYPE_CHECKING:
    from segtcn.labels import Classes, Labels


def seconds(text: str) -> float:
    """Seconds, or hours and minutes before them with colons."""
    if not re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", text):
        raise argparse.ArgumentTypeError(f"expected seconds, or minutes:seconds such as 1:20.5, got {text!r}")
    total = 0.0
    for part in text.split(":"):
        total = 60 * total + float(part)
    return total


def titled_rate(text: str) -> tuple[str, float]:
    """``TITLE=RATE`` or ``RATE``, whose title is empty."""
    title, _, number = text.rpartition("=")
    try:
        return title, float(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"expected labels per second, or TITLE=RATE, got {text!r}") from error


Time = Annotated[float, "TIME", ("type", seconds)]


@dataclass(frozen=True)
class LabelFiles:
    """The labels.

    Args:
        truth: the true labels, drawn on top (default: those in .npz).
        fps: labels per second of all predictions, or of one, if files do not state them; may be repeated.
        truth_fps: the same for the true labels, if different.
        mapping: mapping.txt of the data set: colours as in its other figures (default: looked for beside the label
            files and in the two folders above).
        background: the class drawn in grey (default: background or SIL).
    """

    truth: Annotated[Path, "LABELS"] | None = None
    fps: (
        Annotated[list[tuple[str, float]], "[TITLE=]RATE", ("action", "append"), ("nargs", None), ("type", titled_rate)]
        | None
    ) = None
    truth_fps: Rate | None = None
    mapping: File | None = None
    background: str | None = None


@dataclass(frozen=True)
class Panel:
    """What is shown.

    Args:
        window_s: timelines of this many seconds around the cursor.
        top: most probable classes, where a file has scores.
        scores: F1, edit and accuracy of every prediction; needs the truth.
        protocol: of the scores.
    """

    window_s: Time | None = None
    top: int = 3
    scores: bool = False
    protocol: str = "lea"


@dataclass(frozen=True)
class Part:
    """Part, speed and size (times: seconds, or 1:20.5).

    Args:
        start_s: begin here (default: at the start).
        stop_s: end here (default: at the end).
        speed: 2 plays twice as fast, with its sound.
        scale: 0.5 makes the picture half as wide and half as high.
        height: height of the picture; instead of --scale.
    """

    start_s: Time = 0.0
    stop_s: Time = math.inf
    speed: float = 1.0
    scale: float | None = None
    height: Annotated[int, "PIXELS"] | None = None


def overlay(
    clip: Path,
    predictions: Annotated[list[str], "[TITLE=]LABELS"],
    *,
    output: Annotated[Path, "OUT"],
    quiet: bool = False,
    labels: LabelFiles,
    panel: Panel,
    part: Part,
) -> None:
    """Write a copy of a clip with its labels below the picture, with any number of predictions.

    Args:
        clip: the video.
        predictions: label files, drawn in this order.
        output: the video to make, .mp4; an excerpt, .gif or .webp.
        quiet: no progress bar and no notes.
        labels: the truth, and what is known about the labels.
        panel: what is shown below the picture.
        part: what is shown of the clip.

    Examples:
      segtcn overlay clip.mp4 predictions.txt -o out.mp4 --truth labels.txt
      segtcn overlay clip.mp4 "MS-TCN=a/clip.npz" "ED-TCN=b/clip.npz" -o out.mp4 --truth labels.txt --scores --window 10
      segtcn overlay clip.mp4 predictions.csv -o out.mp4 --mapping mapping.txt --start 1:20 --stop 2:00 --speed 2
      segtcn overlay clip.mp4 a.txt b.txt -o out.mp4 --fps 3 --truth labels.txt --truth-fps 30 --height 480
      segtcn overlay clip.mp4 predictions.npz -o excerpt.gif --start 0:12 --stop 0:18

    Labels meet frames in time: with --fps, or the rate that a file contains, the frame at t seconds has label
    floor(t * rate). Without a rate there must be one label for every frame of the clip. Files: .txt with one label a
    line, MS-TCN's recognition files, .csv tables of segments in frames, .npz with scores of all classes and the truth
    (written by `segtcn test`). A file of several tracks becomes a timeline for each.
    """
    from segtcn.visualization.overlay import Excerpt, OverlayLook, overlay_video

    with warnings_as_notes(quiet):
        excerpt = Excerpt(part.start_s, part.stop_s, part.speed)
        look = OverlayLook(part.height, part.scale, panel.window_s, panel.top, progress=not quiet)
        tracks, classes, fps = _read(predictions, labels)
        look = replace(look, scores=_scores(tracks, panel.protocol) if panel.scores else None)
        print(overlay_video(clip, tracks, output, classes=classes, fps=fps, excerpt=excerpt, look=look))


def _read(predictions: Sequence[str], options: LabelFiles) -> tuple[dict[str, Labels], Classes, float | None]:
    """Labels by their titles, their classes, and the rate of those that do not state it."""
    from segtcn.labels import TRUTH, common_classes, read_labels
    from segtcn.labels.track_classes import files_by_track

    titled, truth = _titled(predictions), {} if options.truth is None else {TRUTH: options.truth}
    fps = _rates(options.fps or [], list(titled))
    rates = {**fps, TRUTH: options.truth_fps}
    known = _known_classes([*truth.values(), *titled.values()], options)
    tracks: dict[str, Labels] = {}
    for track, files in files_by_track({**truth, **titled}).items():
        of_track = {
            title: read_labels(path, known if path.suffix == ".npy" else None, rates.get(title))
            for title, path in files.items()
        }
        true_labels = None if TRUTH in files else _truth_in(files.values())
        if true_labels is not None:
            of_track = {TRUTH: true_labels, **of_track}
        tracks |= {f"{track}: {title}" if track else title: labels for title, labels in of_track.items()}
    if known is None or options.mapping is None:  # an explicit one must have all
        known = common_classes(tracks.values(), known, options.background)
    # of a truth whose file does not state its rate
    common = next(iter({*fps.values()})) if len({*fps.values()}) == 1 else None
    return {title: labels.in_classes(known) for title, labels in tracks.items()}, known, common


def _titled(texts: Sequence[str]) -> dict[str, Path]:
    """Files by their titles: the one before "=", else the name of the file, or of its folder where names are equal."""
    split = [split_title(text) for text in texts]
    stems = [path.stem for title, path in split if title is None]
    files: dict[str, Path] = {}
    for title, path in split:
        name = title or (path.stem if stems.count(path.stem) == 1 else path.resolve().parent.name)
        if len(texts) == 1:
            name = title or "prediction"
        if name in files or name == "truth":
            raise ValueError(f"another track has the title {name!r}: give titles, such as MS-TCN={path}")
        files[name] = path
    return files


def _rates(pairs: Sequence[tuple[str, float]], titles: Sequence[str]) -> dict[str, float]:
    """The rate of each prediction: an empty title means all of them, another one wins, and of two the last."""
    rates: dict[str, float] = {}
    for title, rate in sorted(pairs, key=lambda pair: pair[0]):
        if title and title not in titles:
            raise ValueError(f"--fps {title}={rate:g}: there is no prediction {title!r}; there are {', '.join(titles)}")
        rates |= dict.fromkeys([title] if title else titles, rate)
    return rates


def _truth_in(files: Iterable[Path]) -> Labels | None:
    """The true labels that a run wrote beside its predictions."""
    from segtcn.labels import read_archive_labels

    archives = (read_archive_labels(path)[1] for path in files if ".npz" in (path.suffix, path.parent.suffix))
    return next((truth for truth in archives if truth is not None), None)


def _known_classes(files: Sequence[Path], options: LabelFiles) -> Classes | None:
    """Classes of the mapping that was given, or else of one beside the label files; they come first."""
    from segtcn.labels import Classes, find_mapping

    if options.mapping is not None:
        return Classes.read(options.mapping, options.background)
    mapping = find_mapping(files)
    if mapping is None:
        return None
    warnings.warn(f"colours of the classes as in {mapping}", stacklevel=2)
    return Classes.read(mapping)


def _scores(tracks: Mapping[str, Labels], protocol: str) -> dict[str, dict[str, float]]:
    """Scores of every prediction by the headings of tables, in percent, at the rate of the truth."""
    from segtcn.evaluation import evaluate
    from segtcn.labels.track_classes import truth_title

    truths = {title: truth_title(title, tracks) for title in tracks}
    if None in truths.values():
        raise ValueError("--scores compares with the truth: give --truth LABELS")
    scores = {}
    for title, labels in tracks.items():
        truth = tracks[str(truths[title])]
        if labels is not truth:
            preds = _at_rate_of(truth, labels)
            values = evaluate(preds, truth[: len(preds)], protocol, background=truth.classes.background).scores
            scores[title] = {heading: values[name] for name, heading in SCORE_HEADINGS.items()}
    return scores


def _at_rate_of(truth: Labels, labels: Labels) -> Labels:
    """The predicted label of every true frame.

    Raises:
        ValueError: if the numbers differ, and no rates are known to bring them together.
    """
    import numpy as np

    num_labels, num_true = len(labels), len(truth)
    true_rate = truth.fps or (labels.fps if num_labels == num_true else None)
    numbers = np.arange(min(num_labels, num_true))
    if labels.fps is not None and true_rate is not None and labels.fps != true_rate:
        numbers = np.minimum(((np.arange(num_true) + 0.5) / true_rate * labels.fps).astype(np.int64), num_labels - 1)
    elif abs(num_labels - num_true) > 0.02 * num_true:
        raise ValueError(
            f"--scores: {labels.source} has {num_labels} labels and the truth {num_true}: give the rates of both "
            "(--fps, --truth-fps)"
        )
    return replace(truth, indexes=labels.indexes[numbers], scores=None, source=labels.source)
