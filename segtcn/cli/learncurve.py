"""``segtcn learncurve``: how scores grow with the amount of annotation."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from segtcn.cli.crossval import crossval
from segtcn.cli.crossval.models import Grid, Launch
from segtcn.cli.parser import Configs, Dir, UsageError
from segtcn.text_table import SCORE_HEADINGS, interval_cell, markdown_table

if TYPE_CHECKING:
    from segtcn.evaluation import RunScores


def shares(text: str) -> list[float]:
    """Shares above 0 and up to 1 with commas between them, from the smallest."""
    try:
        values = sorted({float(part) for part in text.split(",")})
    except ValueError:
        values = [0.0]
    if not (values[0] > 0 and values[-1] <= 1):
        raise argparse.ArgumentTypeError(f"expected shares above 0 and up to 1 with commas between them, got {text!r}")
    return values


def learncurve(
    *,
    config: Configs | None = None,
    annotated: Annotated[list[float], "0.1,0.5,1", ("type", shares), ("nargs", None)] | None = None,
    protocol: str | None = None,
    out: Dir | None = None,
    grid: Grid,
    launch: Launch,
    overrides: Annotated[Sequence[str], "--"] = (),
) -> None:
    r"""Train with shares of the annotation, and draw the scores against them: is it worth labelling more?

    For each share there is a cross-validation, in OUT/annotated-SHARE. It keeps whole segments of every training video,
    see `data.annotated`; test videos keep all labels. Intervals have 95 % confidence, by a bootstrap over test videos,
    or the persons that the card names, and seeds. OUT/learncurve.md and .json have the scores, OUT/learncurve.png shows
    them. What is complete is not repeated, and an interrupted run continues: give the same command.

    Args:
        config: config of the network, the data or the trainer; may be repeated.
        annotated: shares of the annotation (default: 0.05,0.1,0.2,0.5,1).
        protocol: evaluation protocol, as --model.protocol (default: lea).
        out: folder (default: runs/learncurve-NAMES-OF-THE-CONFIGS).
        grid: which runs there are for each share.
        launch: how runs are started.
        overrides: options of ``segtcn fit``.

    Examples:
      segtcn learncurve -c ed_tcn -c gtea_lea --data.reader.init_args.root DIR --seeds 0,1,2
      segtcn learncurve -c ed_tcn -c mydata/data.yaml --annotated 0.1,0.2,0.5,1 --jobs 2
    """
    if any(word.partition("=")[0] == "--data.annotated" for word in overrides):
        raise UsageError("--data.annotated is one share: give all by --annotated")
    from segtcn.evaluation import Resampling, known_groups, read_run, score_run
    from segtcn.evaluation.comparison import score_intervals

    out = out or Path("runs") / "-".join(["learncurve", *(path.stem for path in config or [])])
    scores: dict[float, RunScores] = {}
    intervals: dict[float, dict[str, tuple[float, float]]] = {}
    for share in annotated or [0.05, 0.1, 0.2, 0.5, 1.0]:
        folder = out / f"annotated-{share:g}"
        print(f"{100 * share:g} % of the annotation", flush=True)
        of_share = [*overrides, f"--data.annotated={share}"]
        crossval(config=config, protocol=protocol, out=folder, grid=grid, launch=launch, overrides=of_share)
        run = read_run(folder)
        scores[share] = score_run(run)
        groups, note = known_groups([run], scores[share])
        intervals[share] = score_intervals(scores[share], Resampling(groups=groups))
    caption = "Score, and its interval of 95 % confidence." + (f" Note: {note}." if note else "")
    print(_write(out, scores, intervals, caption))


def _write(
    out: Path,
    scores: Mapping[float, RunScores],
    intervals: Mapping[float, Mapping[str, tuple[float, float]]],
    caption: str,
) -> str:
    """Write table, numbers and figure; returns what to print."""
    from segtcn.atomic import write_json, write_text
    from segtcn.visualization.charts import plot_curves
    from segtcn.visualization.figures import save_figures

    rows = [
        [f"{100 * share:g} %", *(interval_cell(run.scores[key], *intervals[share][key]) for key in SCORE_HEADINGS)]
        for share, run in scores.items()
    ]
    table = markdown_table(["annotated", *SCORE_HEADINGS.values()], rows)
    records: dict[str, Any] = {
        f"{share:g}": {key: [run.scores[key], *intervals[share][key]] for key in SCORE_HEADINGS}
        for share, run in scores.items()
    }
    write_json(out / "learncurve.json", {"confidence": 95, "scores": records})
    write_text(out / "learncurve.md", f"{table}\n\n{caption}\n")
    shown = {"F1@50": "f1@50", "Edit": "edit", "Accuracy": "accuracy"}
    lines = {name: [(100 * share, run.scores[key]) for share, run in scores.items()] for name, key in shown.items()}
    panels = {name: {name: points} for name, points in lines.items()}  # intervals that overlap hide each other
    bands = {name: [intervals[share][key] for share in scores] for name, key in shown.items()}
    figure = plot_curves(panels, "annotated share, percent", "score, percent", bands=bands)
    save_figures([figure], out / "learncurve.png", 200)
    return f"\n{table}\n\n{caption}\n\n" + "\n".join(
        str(out / f"learncurve.{ending}") for ending in ("md", "json", "png")
    )
