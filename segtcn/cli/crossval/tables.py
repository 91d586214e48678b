"""What cross-validation writes: the tables of one network and of several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segtcn.atomic import write_json, write_text
from segtcn.text_table import SCORE_HEADINGS, markdown_table, scores_table

MEASURED = {
    "train_frames_per_second": ("Training, frames/s", ",.0f"),
    "inference_frames_per_second": ("Inference, frames/s", ",.0f"),
    "peak_memory_mib": ("Memory, MiB", ",.0f"),
    "train_minutes": ("Training, min", ".1f"),
}
"""What the table of several networks shows of ``measured`` in ``results.json``: heading and format."""

NOTES = """\
Rate k: the network sees every k-th stored frame, and these are the frames that are counted. Training: wall time of all
runs with loading, scores and logging. Inference: forward pass of the trained network, test videos one at a time without
padding, median of the passes within a second. Memory: the most that the process which trained and tested the network
had resident, Python, PyTorch and the data included."""


def write_results(out: Path, stem: str, results: Mapping[str, Any], table: str) -> None:
    """Write STEM.json and STEM.md into a folder, and print the table and where they are."""
    write_json(out / f"{stem}.json", results)
    if table:
        write_text(out / f"{stem}.md", table + "\n")
        print(f"\n{table}\n\n{out / stem}.json\n{out / stem}.md")


def results_table(results: Mapping[str, Any]) -> str:
    """What ``results.md`` holds: every run, then mean and standard deviation, also of each track, and the costs."""
    rows: dict[str, dict[str, Any]] = {f"split {run['split']}, seed {run['seed']}": run for run in results["runs"]}
    tracks = [key.removeprefix("edit/") for key in results["scores"] if key.startswith("edit/")]
    mean = "mean ± std" if len(results["seeds"]) > 1 else "mean"
    for title, ending in {mean: "", **{f"{mean}, {track}": f"/{track}" for track in tracks}}.items():
        rows[title] = {key: _cell(results, f"{key}{ending}") for key in SCORE_HEADINGS}
    return f"{scores_table(rows, 'run')}\n\n{_networks({results['network']: results})}"


def models_table(results: Mapping[str, Any]) -> str:
    """What ``models.md`` holds: the command, one row for each network, and what the columns mean."""
    failed = ", ".join(results["failed"])
    return (
        f"```\n{results['command']}\n```\n\n{_networks(results['models'])} Networks at a time: {results['jobs']}."
        + (f"\n\nFailed, see their log.txt: {failed}." if failed else "")
    )


def _networks(models: Mapping[str, Mapping[str, Any]]) -> str:
    """Protocol, one row for each network with its scores, recipe and costs, and what the columns mean."""
    rows = [
        [
            name,
            *(_cell(result, key) for key in SCORE_HEADINGS),
            *(str(result[key]) for key in ("epochs", "batch_size", "sample_rate")),
            f"{result['parameters']:,}",
            *(format(result["measured"][key], form) for key, (_, form) in MEASURED.items()),
        ]
        for name, result in models.items()
    ]
    costs = [heading for heading, _ in MEASURED.values()]
    header = ["network", *SCORE_HEADINGS.values(), "Epochs", "Batch", "Rate", "Parameters", *costs]
    first = next(iter(models.values()))
    protocols = dict.fromkeys(f"`{result['protocol']}`" for result in models.values())
    measured = [result["measured"] for result in models.values()]
    places = dict.fromkeys(f"{place['device']} (threads: {place['threads']})" for place in measured)
    spread = "std over the seeds of the mean over the splits" if len(first["seeds"]) > 1 else "no standard deviation"
    return (
        f"Protocol {', '.join(protocols)}, percent, test videos, {first['selection']}. Mean over splits "
        f"({len(first['splits'])}), then over seeds ({len(first['seeds'])}): {spread}.\n\n"
        f"{markdown_table(header, rows)}\n\n{NOTES} Measured on {', '.join(places)}."
    )


def _cell(results: Mapping[str, Any], key: str) -> str:
    score = results["scores"][key]
    return f"{score['mean']:.1f} ± {score['std']:.1f}" if len(results["seeds"]) > 1 else f"{score['mean']:.1f}"
