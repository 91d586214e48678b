"""``segtcn analyze``: what a run gets wrong."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segtcn.atomic import write_text
from segtcn.cli.parser import Dir, Rate
from segtcn.options import Scoring

if TYPE_CHECKING:
    from segtcn.evaluation import ErrorAnalysis


def analyze(run: Path, *, out: Dir | None = None, fps: Rate | None = None, scoring: Scoring) -> None:
    """Write an error report of a run as Markdown with pictures.

    It shows which actions are confused, how early or late segments start and stop, over-segmentation, the rarest
    classes, and the timelines of the ten worst videos. A run is a folder of `segtcn crossval`, one of `segtcn fit`
    after `segtcn test`, or, with --truth, a folder with one prediction file a video.

    Args:
        run: the folder of the run.
        out: folder of the report (default: RUN/analysis).
        fps: labels per second (default: those of the run).
        scoring: what runs are scored on, and how.

    Examples:
      segtcn analyze runs/ed_tcn
      segtcn analyze runs/20260101-120000 --protocol mstcn --out report
      segtcn analyze predictions/ --truth groundTruth/ --background background --fps 15 --out report
    """
    from segtcn.evaluation import analyze_run, error_report, read_run

    if fps is not None and not fps > 0:
        raise ValueError(f"the rate of the labels (`fps`) must be positive, got {fps:g}")
    read = read_run(run, scoring)
    read = read if fps is None else replace(read, fps=fps)
    analysis = analyze_run(read, scoring.protocol, scoring.sample_rate)
    files = write_report(analysis, out or run / "analysis")
    if "wandb" in sys.modules:  # otherwise no run can be open, and importing it takes seconds
        from segtcn.callbacks.wandb import log_report

        log_report(files, "analysis")
    print(error_report(analysis).split("\n## ")[0].rstrip(), *files, sep="\n")
    for note in read.notes_on_truth():
        print(f"note: {note}")


def write_report(analysis: ErrorAnalysis, folder: Path) -> list[Path]:
    """Write the error report of a run: ``analysis.md``, ``confusion.png``, ``offsets.png`` and ``timelines.png``.

    Everything is computed and drawn before anything is written, and each file is complete or not there; the text comes
    last.

    Args:
        analysis: of the run.
        folder: made if it does not exist; files of an earlier report in it are replaced.

    Returns:
        The files, the text first.

    Raises:
        OSError: if the folder cannot be made or written to.
    """
    from segtcn.evaluation import error_report
    from segtcn.visualization.figures import save_figure

    figures = _figures(analysis)
    text = error_report(analysis)
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        save_figure(figure, folder / name, dpi=150)
    write_text(folder / "analysis.md", text)
    return [folder / "analysis.md", *(folder / name for name in figures)]


def _figures(analysis: ErrorAnalysis) -> dict[str, Any]:
    """The pictures, Matplotlib figures, by name of their file."""
    from segtcn.evaluation.report import WORST
    from segtcn.visualization.charts import plot_confusion, plot_offsets
    from segtcn.visualization.timeline import plot_timelines

    classes, fps = analysis.run.classes, analysis.fps
    step, unit = (1 / fps, "s") if fps else (1.0, "frames")
    offsets = {"start": analysis.start_offsets * step, "stop": analysis.stop_offsets * step}
    worst = {f"{video.name}, F1@50 {video.scores['f1@50']:.0f}": video.tracks for video in analysis.videos[:WORST]}
    return {
        "confusion.png": plot_confusion(analysis.confusion, classes.names),
        "offsets.png": plot_offsets(offsets, step, unit),
        "timelines.png": plot_timelines(worst, classes=classes, fps=fps)[0],
    }
