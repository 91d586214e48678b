"""``segtcn timeline``: segments of one or many videos as bars, for papers and slides."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segtcn.cli.titled_path import split_title
from segtcn.text_table import SCORES

if TYPE_CHECKING:
    from segtcn.evaluation import CollectedVideo, Collection, Selection, Source
    from segtcn.labels import Labels
    from segtcn.visualization.timeline import Look

DESCRIPTION = """\
Draw the segments of videos as bars, truth above predictions, one colour for every class. A source is a folder of
`segtcn crossval`, one of `segtcn fit` after `segtcn test`, a folder with one label file a video, or a label file;
TITLE=SOURCE names its bars. Runs know their truth and their scores.
"""

EXAMPLES = """\
examples:
  segtcn timeline predictions.txt --truth labels.txt -o video.pdf
  segtcn timeline MS-TCN=a.txt ED-TCN=b.txt --truth labels.txt --fps 15 --boundaries --width 7 -o video.pdf
  segtcn timeline runs/ed_tcn runs/ms_tcn --worst 5 --scores -o worst.png
  segtcn timeline runs/ed_tcn --videos S1_Cheese_C1 S2_Tea_C1 --disagreement -o two.svg

Many videos become the pages of a PDF, or numbered files: out-1.png, out-2.png. SVG and PDF keep text as text.
Without a mapping.txt (--mapping, or beside the labels) the colours belong to the names that occur, in alphabetical
order; with one they are those of all other pictures of the data set.
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn timeline",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("sources", nargs="*", metavar="[TITLE=]SOURCE", help="label files, folders of them, or runs")
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="FILE", help="what to write: .png, .svg or .pdf"
    )
    parser.add_argument("--truth", type=Path, metavar="PATH", help="true labels, a file or a folder with one a video")
    parser.add_argument("--videos", nargs="+", metavar="NAME", help="which videos (default: all), in this order")
    parser.add_argument("--worst", type=int, metavar="N", help="the N videos with the lowest F1@50, the worst first")
    data = parser.add_argument_group("the labels")
    data.add_argument("--fps", type=float, metavar="RATE", help="labels per second, where runs and files do not say it")
    data.add_argument("--mapping", type=Path, metavar="FILE", help="mapping.txt of the data set")
    data.add_argument("--background", metavar="NAMES", help="background classes; the first is drawn in grey")
    data.add_argument("--protocol", metavar="NAME", help="of the scores (default: that of the run, or lea)")
    data.add_argument("--seed", type=int, help="of runs with several (default: the smallest)")
    look = parser.add_argument_group("the picture")
    look.add_argument("--scores", action="store_true", help="scores of every video beside its bars")
    look.add_argument("--boundaries", action="store_true", help="lines at the true boundaries, through the predictions")
    look.add_argument("--disagreement", action="store_true", help="a red strip where a prediction is wrong")
    look.add_argument("--title", help="stands above the first page")
    look.add_argument("--no-legend", dest="legend", action="store_false", help="do not explain the colours")
    look.add_argument(
        "--unit", default="auto", choices=["auto", "seconds", "clock", "frames"], help="of the axis (default: auto)"
    )
    look.add_argument("--width", type=float, default=10.0, metavar="INCHES", help="default: 10; a page has 7")
    look.add_argument("--bar-height", type=float, default=0.34, metavar="INCHES", help="from bar to bar, default: 0.34")
    look.add_argument(
        "--page-height", type=float, default=9.7, metavar="INCHES", help="default: 9.7; one video is one page at least"
    )
    look.add_argument("--font-size", type=float, default=9.0, metavar="POINTS", help="default: 9")
    look.add_argument("--dpi", type=float, default=200.0, help="pixels per inch of a PNG (default: 200)")
    options = parser.parse_args(argv[1:])
    if not options.sources and options.truth is None:
        parser.error("nothing to draw: give a run, label files or folders of them, or --truth")

    from segtcn.evaluation import Selection
    from segtcn.visualization.timeline import Look

    timeline(
        [split_title(source) for source in options.sources],
        options.output,
        Selection(**_values_of(Selection, options)),
        Look(**_values_of(Look, options)),
        Pages(**_values_of(Pages, options)),
        options.worst,
        options.scores,
    )


def _values_of(group: type, options: argparse.Namespace) -> dict[str, Any]:
    values = vars(options)
    return {field.name: values[field.name] for field in fields(group) if field.name in values}


@dataclass(frozen=True)
class Pages:
    """What is written.

    Args:
        title: stands above the first page.
        page_height: a page holds the videos that fit in so many inches, one at least.
        dpi: pixels per inch of a PNG.
    """

    title: str | None = None
    page_height: float = 9.7
    dpi: float = 200.0


def timeline(
    sources: Sequence[Source],
    output: Path,
    selection: Selection,
    look: Look,
    pages: Pages = Pages(),
    worst: int | None = None,
    scores: bool = False,
) -> None:
    """Draw the segments of videos as bars.

    Args:
        sources: title and path of label files, folders of them, or runs.
        output: what to write.
        selection: which videos are drawn, and how their files are understood.
        look: what the bars look like.
        pages: how they are written.
        worst: draw so many videos, those with the lowest F1@50, the worst first; None draws all.
        scores: scores of every video beside its bars.
    """
    from segtcn.evaluation import collect_videos
    from segtcn.visualization.figures import check_ending, save_figures
    from segtcn.visualization.timeline import plot_timeline_pages

    if worst is not None and worst < 1:
        raise ValueError(f"--worst must be at least 1, got {worst}")
    check_ending(output)  # before minutes of reading
    with warnings.catch_warnings():
        printed: set[str] = set()
        warnings.showwarning = lambda message, *_: _print_note(str(message), printed)
        collection = collect_videos(sources, selection, progress=True)
        videos = _in_order(collection, selection.videos, worst)
        tracks = {video.name: video.read() for video in videos}
        _check_rates(tracks)
        for note in [*collection.notes, *_length_notes(tracks)]:
            _print_note(note, printed)
        rows = {video.name: _scores_of(video) for video in videos if video.scores} if scores else None
        if scores and not rows:
            raise ValueError("no scores to show (--scores): they need predictions, and the truth (--truth)")
        figures = plot_timeline_pages(
            tracks, pages.title, classes=collection.classes, scores=rows, look=look, page_height=pages.page_height
        )
        print(*save_figures(figures, output, pages.dpi), sep="\n")


def _print_note(text: str, printed: set[str]) -> None:
    if text not in printed:
        print(f"note: {text}", file=sys.stderr)
    printed.add(text)


def _in_order(collection: Collection, names: Sequence[str] | None, worst: int | None) -> list[CollectedVideo]:
    """The videos in the order in which they are drawn."""
    videos = {video.name: video for video in collection.videos}
    if names is not None:
        videos = {name: videos[name] for name in names}
    if worst is None:
        return [*videos.values()]
    scored = [video for video in videos.values() if video.scores]
    if not scored:
        raise ValueError("no scores to choose the worst by (--worst): they need predictions, and the truth (--truth)")
    return sorted(scored, key=lambda video: (_mean_f1(video), video.name))[:worst]


def _mean_f1(video: CollectedVideo) -> float:
    return sum(row["f1@50"] for row in video.scores.values()) / len(video.scores)


def _scores_of(video: CollectedVideo) -> dict[str, dict[str, float]]:
    """By title, with the headings of tables."""
    return {
        title: {heading: row[name] for name, heading in SCORES.items()}
        for title, row in video.scores.items()
        if title in video.tracks
    }


def _check_rates(tracks: Mapping[str, Mapping[str, Labels]]) -> None:
    every = [labels for of_video in tracks.values() for labels in of_video.values()]
    known, unknown = (
        [labels for labels in every if (labels.fps is None) == is_unknown] for is_unknown in (False, True)
    )
    if known and unknown:
        raise ValueError(
            f"{unknown[0].source} does not say its rate, {known[0].source} says {known[0].fps:g} labels a second: give "
            "the rate of all (--fps)"
        )


def _length_notes(tracks: Mapping[str, Mapping[str, Labels]]) -> list[str]:
    """Where the labels of a video last longer or shorter than those of its first track."""
    notes = []
    for first, *others in (list(of_video.values()) for of_video in tracks.values()):
        for labels in others:
            rates = first.fps or 1.0, labels.fps or 1.0
            # one label more or less is a matter of rounding where the rates differ
            slack = 0.0 if rates[0] == rates[1] else 1.5 / min(rates)
            difference = len(labels) / rates[1] - len(first) / rates[0]
            if abs(difference) > slack:
                more = "more" if difference > 0 else "fewer"
                seconds = f"{abs(difference):.2f} s of labels {more}"
                number = f"{abs(len(labels) - len(first))} labels {more}"
                notes.append(f"{labels.source} has {number if rates[0] == rates[1] else seconds} than {first.source}")
    return notes
