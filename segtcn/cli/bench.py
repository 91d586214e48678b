"""``segtcn bench``: measure what is claimed, and write a report."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from segtcn.atomic import write_text
from segtcn.cli.bench_networks import Study, bench_networks
from segtcn.cli.parser import Dir, UsageError

if TYPE_CHECKING:
    from segtcn.sequences.sequence_report import Section


@dataclass(frozen=True)
class Claims:
    """Causal convolutional networks against LSTM and GRU (sequences).

    Args:
        music: folder with JSB_Chorales.mat and Nottingham.mat (default: without the claim about music).
        claims: only these: copy, adding, music, costs, field, jacobian, masked, depth (default: all).
    """

    music: Dir | None = None
    claims: Annotated[list[str], "CLAIM"] | None = None


def bench(
    name: Literal["sequences", "gtea", "50salads_mid", "50salads_eval"],
    *,
    out: Dir | None = None,
    jobs: int = 2,
    quick: bool = False,
    study: Study,
    sequences: Claims,
) -> None:
    """Measure, and write a report with tables and figures.

    `gtea`, `50salads_mid` and `50salads_eval` cross-validate networks with the features of Lea et al. Each score has an
    interval over persons and seeds and a verdict against the best network, under every protocol, in OUT/NAME.md, .tex,
    .csv and .png. `sequences` compares causal convolutional networks with LSTM and GRU; on two cores of its own it
    takes about 40 minutes. The same command continues where it stopped.

    Args:
        name: of the report.
        out: folder (default: runs/bench_NAME, with --quick runs/bench_NAME_quick).
        jobs: networks or measurements at the same time, which share the cores.
        quick: one epoch or small sizes, to see that all works; the numbers mean nothing.
        study: networks on a data set.
        sequences: claims about networks.

    Examples:
      segtcn bench gtea --root DIR --seeds 10
      segtcn bench 50salads_mid --root DIR --seeds 5 --models ed_tcn asformer --splits 1
      segtcn bench sequences --out report --music DATA/sequences
      segtcn bench sequences --out report --claims copy field
    """
    ignored, given = ("a data set", study != Study()) if name == "sequences" else ("`sequences`", sequences != Claims())
    if given:
        raise UsageError(f"`{name}` does not take the options of {ignored}")
    out = out or Path(f"runs/bench_{name}_quick" if quick else f"runs/bench_{name}")
    start_s = time.monotonic()
    if name == "sequences":
        files = _bench_sequences(sequences.music, sequences.claims, out, jobs, quick)
    else:
        files = bench_networks(name, study, out, jobs, quick)
    print(*files, f"Done in {time.monotonic() - start_s:.0f} s.", sep="\n")


def _bench_sequences(music: Path | None, claims: list[str] | None, out: Path, jobs: int, quick: bool) -> list[Path]:
    """Measure the claims about sequences; each measurement is a file in OUT/rows."""
    from segtcn.sequences.rows import all_rows, run_rows
    from segtcn.sequences.sequence_report import CLAIMS, report_text, sections

    if unknown := [claim for claim in claims or [] if claim not in CLAIMS]:
        raise UsageError(f"`claims` must be among {', '.join(CLAIMS)}, got {unknown[0]}")
    if claims and "music" in claims and music is None:
        raise UsageError("the claim about music needs `music`, the folder with its files")
    rows = [row for row in all_rows(music, quick) if not claims or row.claim in claims]
    results = run_rows(rows, out / "rows", jobs)
    parts = sections(rows, results)
    files = _draw(out, parts)
    write_text(out / "sequences.md", report_text(parts, _note(results, quick)))
    return [out / "sequences.md", *files]


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
