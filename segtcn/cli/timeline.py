"""``segtcn timeline``: segments of one or many videos as bars, for papers and slides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Literal

from segtcn.cli.notes import warnings_as_notes
from segtcn.cli.parser import File, Inches, split_title
from segtcn.options import Selection
from segtcn.text_table import SCORE_HEADINGS

if TYPE_CHECKING:
    from segtcn.evaluation import CollectedVideo, Collection
    from segtcn.labels import Labels


@dataclass(frozen=True)
class TimelineLook:
    """The picture.

    Args:
        scores: scores of every video beside its bars.
        boundaries: lines at the true boundaries, through the predictions.
        disagreement: a red strip where a prediction is wrong.
        title: stands above the first page.
        legend: do not explain the colours.
        unit: of the axis.
        width: of the picture; a page has 7.
        bar_height: from bar to bar.
        page_height: of a page; one video is one page at least.
        font_size: of the text.
        dpi: pixels per inch of a PNG.
    """

    scores: bool = False
    boundaries: bool = False
    disagreement: bool = False
    title: Annotated[str, "TITLE"] | None = None
    legend: bool = True
    unit: Literal["auto", "seconds", "clock", "frames"] = "auto"
    width: Inches = 10.0
    bar_height: Inches = 0.34
    page_height: Inches = 9.7
    font_size: Annotated[float, "POINTS"] = 9.0
    dpi: Annotated[float, "DPI"] = 200.0


def timeline(
    sources: Annotated[Sequence[str], "[TITLE=]SOURCE"] = (),
    *,
    output: File,
    worst: int | None = None,
    labels: Selection,
    look: TimelineLook,
) -> None:
    """Draw the segments of videos as bars, truth above predictions, one colour for every class.

    A source is a folder of `segtcn crossval`, one of `segtcn fit` after `segtcn test`, a folder with one label file a
    video, or a label file; TITLE=SOURCE names its bars. Runs know their truth and their scores.

    Args:
        sources: label files, folders of them, or runs.
        output: what to write: .png, .svg or .pdf.
        worst: the N videos with the lowest F1@50, the worst first.
        labels: which labels, and what is known about them.
        look: what is drawn, and how large.

    Examples:
      segtcn timeline predictions.txt --truth labels.txt -o video.pdf
      segtcn timeline MS-TCN=a.txt ED-TCN=b.txt --truth labels.txt --fps 15 --boundaries --width 7 -o video.pdf
      segtcn timeline runs/ed_tcn runs/ms_tcn --worst 5 --scores -o worst.png
      segtcn timeline runs/ed_tcn --videos S1_Cheese_C1 S2_Tea_C1 --disagreement -o two.svg

    Many videos become the pages of a PDF, or numbered files: out-1.png, out-2.png. SVG and PDF keep text as text.
    Without a mapping.txt (--mapping, or beside the labels) the colours belong to the names that occur, in alphabetical
    order; with one they are those of all other pictures of the data set.
    """
    if worst is not None and worst < 1:
        raise ValueError(f"--worst must be at least 1, got {worst}")

    from segtcn.evaluation import chosen_videos, collect_videos
    from segtcn.visualization.figures import check_ending, save_figures
    from segtcn.visualization.timeline import Look, plot_timelines

    check_ending(output)  # before minutes of reading
    if labels.videos is not None:
        labels = replace(labels, videos=chosen_videos(labels.videos))
    with warnings_as_notes() as print_note:
        collection = collect_videos([split_title(source) for source in sources], labels, progress=True)
        videos = _in_order(collection, labels.videos, worst)
        tracks = {video.name: video.read() for video in videos}
        _check_rates(tracks)
        for note in [*collection.notes, *_length_notes(tracks)]:
            print_note(note)
        rows = {video.name: _scores_of(video) for video in videos if video.scores} if look.scores else None
        if look.scores and not rows:
            raise ValueError("no scores to show (--scores): they need predictions, and the truth (--truth)")
        sizes = Look(**{field.name: getattr(look, field.name) for field in fields(Look)})
        figures = plot_timelines(
            tracks, look.title, classes=collection.classes, scores=rows, look=sizes, page_height=look.page_height
        )
        print(*save_figures(figures, output, look.dpi), sep="\n")


def _in_order(collection: Collection, names: Sequence[str] | None, worst: int | None) -> list[CollectedVideo]:
    """The videos in the order in which they are drawn."""
    from segtcn.labels.track_classes import named_videos

    videos = {video.name: video for video in collection.videos}
    if names is not None:
        videos = {name: videos[name] for of_video in named_videos(names, videos).values() for name in of_video}
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
        title: {heading: row[name] for name, heading in SCORE_HEADINGS.items()} for title, row in video.scores.items()
    }


def _check_rates(tracks: Mapping[str, Mapping[str, Labels]]) -> None:
    """Refuse labels of which some have a rate and others have none: they would not meet."""
    every = [labels for of_video in tracks.values() for labels in of_video.values()]
    examples = {labels.fps is None: labels for labels in every}
    if len(examples) == 2:
        unknown, known = examples[True], examples[False]
        raise ValueError(
            f"{unknown.source} does not state its rate, {known.source} says {known.fps:g} labels a second: give the "
            "rate of all (--fps)"
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
