"""The text of a run's error report, in Markdown; the command draws the pictures that it names."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segtcn.evaluation.errors import ErrorAnalysis
from segtcn.text_table import SCORE_HEADINGS, counted, markdown_table, scores_table

WORST = 10
"""Videos that the report lists, the worst first."""

_TOP = 15
_NEAR_S, _NEAR_FRAMES = (0.5, 1.0, 2.0), (1.0, 5.0, 15.0)


def error_report(analysis: ErrorAnalysis) -> str:
    """The text of the report, in Markdown.

    Args:
        analysis: of the run.
    """
    run = analysis.run
    networks, splits, videos = len(run.parts), len(analysis.scores.splits), len(analysis.videos)
    sample_rate = analysis.scores.sample_rate
    rate = f", one stored frame in {sample_rate}" if sample_rate > 1 else ""
    fps = f" at {analysis.fps:g} frames a second" if analysis.fps else ""
    background = ", ".join(run.classes.names[label] for label in run.background) or "none"
    sections = [
        f"# Errors of {run.name}",
        f"{counted(videos, 'test video')} in {counted(splits, 'split')}, predicted by {counted(networks, 'network')}"
        f"{fps}{rate}; background: {background}. Protocol `{analysis.scores.protocol}`, percent, mean over the seeds, "
        "then over the splits:",
        scores_table({run.name: analysis.scores.scores}, "run"),
        *(["Below, frames and segments are summed over the seeds."] if networks > splits else []),
        *_confusion_section(analysis),
        *_boundary_section(analysis),
        *_segment_section(analysis),
        *_class_section(analysis),
        *_video_section(analysis),
    ]
    return "\n\n".join(sections) + "\n"


def _confusion_section(analysis: ErrorAnalysis) -> list[str]:
    wrong = int(analysis.confusion.sum() - analysis.confusion.diagonal().sum())
    rows = [
        [f"{pair.true} → {pair.predicted}", f"{pair.frames}", f"{pair.share:.1f}", f"{100 * pair.frames / wrong:.1f}"]
        for pair in analysis.confused[:_TOP]
    ]
    table = markdown_table(["true → predicted", "frames", "% of the class", "% of all errors"], rows)
    return [
        "## Confused actions",
        f"{wrong} of {analysis.confusion.sum()} frames are wrong"
        + (f"; the {len(rows)} pairs with most of them:" if rows else "."),
        *([table] if rows else []),
        "![confusion](confusion.png)",
    ]


def _boundary_section(analysis: ErrorAnalysis) -> list[str]:
    fps, unit, limits, text = analysis.fps or 1, "seconds", _NEAR_S, "within {:g} s, %"
    if analysis.fps is None:
        unit, limits, text = "frames (the frame rate is not known)", _NEAR_FRAMES, "within {:g} frames, %"
    kinds = {"start": analysis.start_offsets, "stop": analysis.stop_offsets}
    rows = [_offset_row(kind, frames / fps, limits) for kind, frames in kinds.items()]
    near = map(text.format, limits)
    return [
        "## Boundaries",
        f"{analysis.num_true - analysis.num_missed} of {analysis.num_true} true segments are found by at least one "
        f"frame. How much later (positive) or earlier the predicted segment starts and stops that shares most frames "
        f"with each, in {unit}; bounds of the video itself are left out:",
        markdown_table(["bound", "segments", "median", "middle half", "median of the size", *near], rows),
        "![offsets](offsets.png)",
    ]


def _offset_row(kind: str, offsets: NDArray[np.float64], near: tuple[float, ...]) -> list[str]:
    if not len(offsets):
        return [kind, "0", *["-"] * (3 + len(near))]
    low, median, high = np.percentile(offsets, [25, 50, 75])
    size = np.abs(offsets)
    return [
        kind,
        f"{len(offsets)}",
        f"{median:+.2f}",
        f"{low:+.2f} to {high:+.2f}",
        f"{np.median(size):.2f}",
        *(f"{100 * (size <= limit + 1e-9).mean():.0f}" for limit in near),
    ]


def _segment_section(analysis: ErrorAnalysis) -> list[str]:
    ratio = f"{analysis.num_predicted / analysis.num_true:.2f}" if analysis.num_true else "-"
    rows = [
        ["true segments", f"{analysis.num_true}", ""],
        ["predicted segments", f"{analysis.num_predicted}", _share(analysis, analysis.num_predicted)],
        ["true segments predicted in several pieces", f"{analysis.num_broken}", _share(analysis, analysis.num_broken)],
        ["true segments without a correct frame", f"{analysis.num_missed}", _share(analysis, analysis.num_missed)],
        ["predicted segments that merge several true ones", f"{analysis.num_merged}", ""],
    ]
    return [
        "## Over-segmentation",
        f"{ratio} predicted segments for every true one, background not counted.",
        markdown_table(["", "number", "% of the true"], rows),
    ]


def _share(analysis: ErrorAnalysis, number: int) -> str:
    return f"{100 * number / analysis.num_true:.0f}" if analysis.num_true else "-"


def _class_section(analysis: ErrorAnalysis) -> list[str]:
    mistaken = {pair.true: pair for pair in reversed(analysis.confused)}  # the first of each class stays
    rows = []
    for errors in analysis.classes[:_TOP]:
        pair = mistaken.get(errors.name)
        rows.append(
            [
                errors.name,
                f"{errors.frames}",
                f"{errors.segments}",
                *(_number(score) for score in (errors.recall, errors.precision, errors.f1)),
                f"{pair.predicted} ({pair.share:.0f} %)" if pair else "-",
            ]
        )
    header = ["class", "frames", "segments", "recall", "precision", "F1@50", "mostly mistaken for"]
    shown = (
        f"the {len(rows)} rarest of {len(analysis.classes)}" if len(rows) < len(analysis.classes) else "rarest first"
    )
    return [
        "## Rare classes",
        f"All test videos pooled, {shown}; recall and precision of frames:",
        markdown_table(header, rows),
    ]


def _video_section(analysis: ErrorAnalysis) -> list[str]:
    worst = analysis.videos[:WORST]
    rows = [
        [video.name, video.split or "-", *(f"{video.scores[key]:.1f}" for key in SCORE_HEADINGS)] for video in worst
    ]
    return [
        "## Worst videos",
        f"The {len(worst)} of {len(analysis.videos)} with the lowest F1@50, mean over the seeds:",
        markdown_table(["video", "split", *SCORE_HEADINGS.values()], rows),
        "![timelines](timelines.png)",
    ]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}"
