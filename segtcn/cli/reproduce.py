"""``segtcn reproduce``: a row that a paper published, trained here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from segtcn.atomic import write_text
from segtcn.cli.bench_networks import QUIET, check_counts, data_option
from segtcn.cli.crossval.models import Grid, Launch, crossval_parallel
from segtcn.cli.parser import Dir, UsageError, option_of
from segtcn.cli.parser_errors import nearest
from segtcn.config_names import config_folder, find_config, read_config
from segtcn.text_table import SCORE_HEADINGS, counted, markdown_table

PUBLISHED = "published.yaml"
"""The rows of papers, in the folder of the configs."""

OF_CROSSVAL = {"--models", *(option_of(field.name) for group in (Grid, Launch) for field in fields(group))}
"""Options that the processes of the runs would take for theirs."""


def reproduce(
    name: str | None = None,
    *,
    root: Annotated[Path, "DIR"] | None = None,
    seeds: int = 3,
    jobs: int = 1,
    out: Dir | None = None,
    overrides: Annotated[Sequence[str], "--"] = (),
) -> None:
    """Train a network as its paper did, and compare the scores with the published ones.

    The rows are in configs/published.yaml, each with its source, recipe, protocol and tolerance. OUT/reproduce.md says
    which scores are within the tolerance. The same command continues where it stopped. All options of `segtcn fit` are
    options here too, and make it another experiment.

    Args:
        name: of the row (default: list all rows).
        root: folder of the data set, as its card describes it.
        seeds: trainings on each split.
        jobs: trainings at the same time.
        out: folder (default: runs/reproduce_NAME).
        overrides: options of ``segtcn fit``.

    Examples:
      segtcn reproduce
      segtcn reproduce ed_tcn_gtea --root DIR --seeds 5
      segtcn reproduce ms_tcn_50salads_i3d --root data/50salads --jobs 2
      segtcn reproduce asformer_breakfast --root data/breakfast --trainer.precision=bf16-mixed
    """
    rows = read_config(config_folder() / PUBLISHED)
    if name is None:
        if root is not None or out is not None or overrides:
            raise UsageError("the name of a row is missing: `segtcn reproduce` alone lists all")
        print(_list(rows))
        return
    if name not in rows:
        raise UsageError(f"no published row {name!r}: `segtcn reproduce` alone lists all{nearest(name, rows)}")
    check_counts(seeds=seeds, jobs=jobs)
    for option in (word.partition("=")[0] for word in overrides if word.startswith("--")):
        if meant := [known for known in OF_CROSSVAL if known.startswith(option)]:  # parsers take beginnings, too
            own = "; did you mean --seeds?" if "--seeds" in meant else ""
            raise UsageError(
                f"{option} is not an option of `segtcn fit`: the row says what is trained on which splits{own}"
            )
    row, out = rows[name], out or Path(f"runs/reproduce_{name}")
    configs = ["trainer/default", f"data/{row['data']}", *row["model"].split("+")]
    options = [data_option(row["data"], root), *QUIET, f"--model.protocol={row['protocol']}", *row.get("options", [])]
    fit_args = [*(f"-c={find_config(config)}" for config in configs), *options, *overrides]
    crossval_parallel(fit_args, Grid(range(seeds), row["splits"]), out, Launch(jobs=jobs))
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    changed = f" The recipe of the paper was changed: {' '.join(overrides)}." if overrides else ""
    verdict = _other_data(row, results, out) or _verdict(row, results["scores"])
    text = f"{_table(row, results)}\n\n{verdict}{changed}"
    write_text(out / "reproduce.md", f"# {row['network']}, {row['data']}\n\n{text}\n")
    print(f"\n{text}\n\n{out / 'reproduce.md'}")


def _list(rows: Mapping[str, Mapping[str, Any]]) -> str:
    cells = [
        [name, row["network"], row["data"], ", ".join(map(str, row["splits"])), f"{row['scores']['f1@50']:.1f}"]
        for name, row in rows.items()
    ]
    return markdown_table(["name", "network", "data", "splits", "F1@50"], cells)


def _table(row: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    ours, published = results["scores"], row["scores"]
    cells = {
        "published": {key: f"{score:.1f}" for key, score in published.items()},
        "here": {
            key: f"{score['mean']:.1f}" + (f" ± {score['std']:.1f}" if len(results["seeds"]) > 1 else "")
            for key, score in ours.items()
        },
        "difference": {key: f"{ours[key]['mean'] - score:+.1f}" for key, score in published.items()},
    }
    rows = [[line, *(of_line.get(key, "") for key in SCORE_HEADINGS)] for line, of_line in cells.items()]
    splits = f"split{'s' if len(results['splits']) > 1 else ''} {', '.join(map(str, results['splits']))}"
    number = len(results["seeds"])
    seeds = f"mean ± standard deviation over {number} seeds" if number > 1 else "one seed"
    return (
        f"{markdown_table([row['network'], *SCORE_HEADINGS.values()], rows)}\n\nPublished: {row['source']}. Here: "
        f"{counted(results['epochs'], 'epoch')}, {results['selection']}, {splits}, {seeds}. Protocol "
        f"`{results['protocol']}`, percent."
    )


def _other_data(row: Mapping[str, Any], results: Mapping[str, Any], out: Path) -> str:
    """What to say where the test videos are fewer or more than those of the data set's card."""
    from segtcn.data.card import read_card

    card = read_card(read_config(Path(find_config(f"data/{row['data']}")))["data"]["card"])
    expected = card["test_videos"] * len(row["splits"]) if "test_videos" in card else card["videos"]
    runs = [out / f"split{split}-seed{results['seeds'][0]}" / "run.json" for split in row["splits"]]
    number = sum(len(json.loads(path.read_text(encoding="utf-8"))["videos"]) for path in runs)
    if number == expected:
        return ""
    return f"Not comparable: {number} test videos, and the published scores are of {expected}."


def _verdict(row: Mapping[str, Any], scores: Mapping[str, Mapping[str, float]]) -> str:
    """Whether all scores are as published."""
    far = [
        f"{SCORE_HEADINGS[key]} differs by {scores[key]['mean'] - score:+.1f}"
        for key, score in row["scores"].items()
        if not abs(scores[key]["mean"] - score) <= row["tolerance"]  # NaN is not within it
    ]
    if far:
        return f"Not reproduced: {', '.join(far)}, the tolerance is {row['tolerance']}."
    return f"Reproduced: all scores are within {row['tolerance']} points."
