"""``segtcn timeline``: segments of one or many videos as bars, for papers and slides."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segtcn.text_table import SCORES

if TYPE_CHECKING:
    from segtcn.evaluation.collection import CollectedVideo, Collection
    from segtcn.visualization.tracks import Track

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
    data.add_argument("--root", type=Path, metavar="DIR", help="data set of the runs, if it is not where they say")
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
    if options.worst is not None and options.worst < 1:
        raise ValueError(f"--worst must be at least 1, got {options.worst}")
    with warnings.catch_warnings():
        said: set[str] = set()
        warnings.showwarning = lambda message, *_: _note(str(message), said)
        _run(options)


def _note(text: str, said: set[str]) -> None:
    if text not in said:
        print(f"note: {text}", file=sys.stderr)
    said.add(text)


def _run(options: argparse.Namespace) -> None:
    from segtcn.evaluation.collection import collect_videos
    from segtcn.visualization.figures import check_ending, save_figures
    from segtcn.visualization.timeline import plot_timeline_pages

    check_ending(options.output)  # before minutes of reading
    collection = collect_videos(
        options.sources,
        truth=options.truth,
        mapping=options.mapping,
        background=options.background,
        fps=options.fps,
        protocol=options.protocol,
        names=options.videos,
        seed=options.seed,
        root=options.root,
        progress=True,
    )
    videos = _chosen(collection, options.videos, options.worst)
    tracks = {video.name: video.tracks() for video in videos}
    for note in [*collection.notes, *_length_notes(tracks)]:
        print(f"note: {note}", file=sys.stderr)
    scores = None
    if options.scores:
        scores = {video.name: _scores_of(video) for video in videos if video.scores}
        if not scores:
            raise ValueError("no scores to show (--scores): they need predictions, and the truth (--truth)")
    pages = plot_timeline_pages(
        {
            name: {track.title: collection.classes.indexes(track).tolist() for track in own}
            for name, own in tracks.items()
        },
        collection.classes.names,
        _rates(tracks),
        collection.classes.background,
        options.title,
        options.legend,
        scores=scores,
        boundaries=options.boundaries,
        disagreement=options.disagreement,
        unit=options.unit,
        width=options.width,
        bar_height=options.bar_height,
        font_size=options.font_size,
        page_height=options.page_height,
    )
    print(*save_figures(pages, options.output, options.dpi), sep="\n")


def _chosen(collection: Collection, names: Sequence[str] | None, worst: int | None) -> list[CollectedVideo]:
    """The videos in the order in which they are drawn."""
    videos = {video.name: video for video in collection.videos}
    chosen = list(videos.values()) if names is None else [videos[name] for name in dict.fromkeys(names)]
    if worst is None:
        return chosen
    scored = [video for video in chosen if video.scores]
    if not scored:
        raise ValueError("no scores to choose the worst by (--worst): they need predictions, and the truth (--truth)")
    return sorted(scored, key=lambda video: (_mean_f1(video), video.name))[:worst]


def _mean_f1(video: CollectedVideo) -> float:
    return sum(row["f1@50"] for row in video.scores.values()) / len(video.scores)


def _scores_of(video: CollectedVideo) -> dict[str, dict[str, float]]:
    """By title, with the headings of tables."""
    titles = {source.title for source in video.sources}
    return {
        title: {heading: row[name] for name, heading in SCORES.items()}
        for title, row in video.scores.items()
        if title in titles
    }


def _rates(tracks: dict[str, list[Track]]) -> dict[str, dict[str, float]] | None:
    """The rate of every track, or None where no file says one.

    Raises:
        ValueError: if some files say it and others do not: they would not meet.
    """
    every = [track for own in tracks.values() for track in own]
    unknown = [track for track in every if track.labels.fps is None]
    if len(unknown) == len(every):
        return None
    if unknown:
        known = next(track for track in every if track.labels.fps is not None)
        raise ValueError(
            f"{unknown[0].source} does not say its rate, {known.source} says {known.labels.fps:g} labels a second: "
            "give the rate of all (--fps)"
        )
    return {name: {track.title: track.labels.fps or 0.0 for track in own} for name, own in tracks.items()}


def _length_notes(tracks: dict[str, list[Track]]) -> list[str]:
    """Where the labels of a video last longer or shorter than those of its first track."""
    notes = []
    for own in tracks.values():
        first = own[0]
        for track in own[1:]:
            numbers = len(first.labels.labels), len(track.labels.labels)
            rates = first.labels.fps or 1.0, track.labels.fps or 1.0
            # one label more or less is a matter of rounding where the rates differ
            slack = 0.0 if rates[0] == rates[1] else 1.5 / min(rates)
            difference = numbers[1] / rates[1] - numbers[0] / rates[0]
            if abs(difference) > slack:
                more = "more" if difference > 0 else "fewer"
                how = (
                    f"{abs(numbers[1] - numbers[0])} labels {more}"
                    if rates[0] == rates[1]
                    else f"{abs(difference):.2f} s of labels {more}"
                )
                notes.append(f"{track.source} has {how} than {first.source}")
    return notes
