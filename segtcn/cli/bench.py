"""``segtcn bench``: measure what is claimed, and write a report."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from segtcn.atomic import write_text
from segtcn.cli.parser import Dir, UsageError

if TYPE_CHECKING:
    from segtcn.sequences.sequence_report import Section


def bench(
    name: Literal["sequences"],
    *,
    out: Dir = Path("runs/bench_sequences"),
    music: Dir | None = None,
    claims: Annotated[list[str], "CLAIM"] | None = None,
    jobs: int = 2,
    quick: bool = False,
) -> None:
    """Compare causal convolutional networks with LSTM and GRU, and write a report with tables and figures.

    Each measurement is a file in OUT/rows. The command continues where it stopped, and measures again what has other
    settings. On two cores of its own all of it takes about 30 minutes.

    Args:
        name: of the report.
        out: folder of the report.
        music: folder with JSB_Chorales.mat and Nottingham.mat (default: without the claim about music).
        claims: only these: copy, adding, music, costs, field, jacobian, masked, depth (default: all).
        jobs: measurements at the same time, with one thread each; timings run alone.
        quick: small sizes in minutes, to see that all works; the numbers mean nothing.

    Examples:
      segtcn bench sequences --out report --music DATA/sequences
      segtcn bench sequences --out report --claims copy field
    """
    from segtcn.sequences.rows import all_rows, run_rows
    from segtcn.sequences.sequence_report import CLAIMS, report_text, sections

    if unknown := [claim for claim in claims or [] if claim not in CLAIMS]:
        raise UsageError(f"`claims` must be among {', '.join(CLAIMS)}, got {unknown[0]}")
    if claims and "music" in claims and music is None:
        raise UsageError("the claim about music needs `music`, the folder with its files")
    start_s = time.monotonic()
    rows = [row for row in all_rows(music, quick) if not claims or row.claim in claims]
    results = run_rows(rows, out / "rows", jobs)
    parts = sections(rows, results)
    files = _draw(out, parts)
    write_text(out / "sequences.md", report_text(parts, _note(results, quick)))
    print(out / "sequences.md", *files, f"Done in {time.monotonic() - start_s:.0f} s.", sep="\n")


def _note(results: dict[str, dict[str, Any]], quick: bool) -> str:
    machines = ", ".join(sorted({result["machine"] for result in results.values()}))
    minutes = sum(result.get("cpu_s", 0.0) for result in results.values()) / 60
    text = (
        f"Measured on {machines}, {os.cpu_count()} cores. Each training has one thread; all of them took {minutes:.0f} "
        "minutes of processor time. Numbers after ± are standard deviations over seeds."
    )
    return f"**Quick settings: these numbers only show that everything works.**\n\n{text}" if quick else text


def _draw(out: Path, parts: dict[str, Section]) -> list[Path]:
    from segtcn.visualization.charts import plot_curves, plot_matrices
    from segtcn.visualization.figures import save_figure

    files = []
    for claim, part in parts.items():
        if part.figure:
            plot = plot_curves if "panels" in part.figure else plot_matrices
            files.append(out / f"sequences-{claim}.png")
            save_figure(plot(**part.figure), files[-1], dpi=110)
    return files
