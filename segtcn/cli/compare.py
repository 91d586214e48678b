"""``segtcn compare``: runs side by side, and whether a difference is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from segtcn.cli.evaluate import background_note
from segtcn.cli.parser import Json, UsageError, output_record, split_title
from segtcn.options import Resampling, Scoring
from segtcn.text_table import SCORE_HEADINGS, TABLES, scores_table

if TYPE_CHECKING:
    from segtcn.evaluation import Difference, RunScores


def compare(
    runs: Annotated[list[str], "[TITLE=]RUN"],
    *,
    per_video: bool = False,
    latex: bool = False,
    json: Json | None = None,
    scoring: Scoring,
    bootstrap: Resampling,
) -> None:
    r"""Compare runs with the first one, on the same test videos.

    A run is a folder of `segtcn crossval`, one of `segtcn fit` after `segtcn test`, or, with --truth, any folder with
    one prediction file a video. Differences have a confidence interval by a paired bootstrap and a p-value by a paired
    permutation test. A run is called better or worse only where both agree, or, where units are too few for any small
    p-value, by its interval, and the verdict says so. Where several videos show one person or recording, name these by
    --groups: such videos are not independent.

    Args:
        runs: folders; the others are compared with the first. TITLE=RUN names a run in the tables.
        per_video: also the scores of every video.
        latex: print LaTeX.
        json: write JSON there, or print it alone.
        scoring: what runs are scored on, and how.
        bootstrap: how intervals are made.

    Examples:
      segtcn compare runs/ed_tcn runs/dilated_tcn
      segtcn compare plain=runs/a smoothed=runs/b
      segtcn compare runs/a runs/b runs/c --protocol mstcn --per-video --json comparison.json
      segtcn compare runs/a runs/b runs/c --all-pairs --groups '^S\d+'
      segtcn compare predictions_a/ predictions_b/ --truth groundTruth/ --background background

    A run keeps its truth, classes and rates beside its predictions: it can be moved, and its data set may be elsewhere.
    """
    if latex and json == "-":
        raise UsageError("choose one form: --latex, or --json without a file")

    from segtcn.evaluation import (
        comparable_runs,
        compare_runs,
        interval_notes,
        known_groups,
        left_out_notes,
        read_run,
        score_notes,
        score_run,
    )

    titles, folders = zip(*map(split_title, runs), strict=True)
    read = [read_run(folder, scoring) for folder in folders]
    names = [title or run.name for title, run in zip(titles, read, strict=True)]
    if len({*names}) < len(names):
        names = [title or str(folder) for title, folder in zip(titles, folders, strict=True)]
    if twice := [title for title in titles if title and names.count(title) > 1]:
        raise UsageError(f"two runs are called {twice[0]!r}: name one of them, TITLE=RUN")
    if len(names) > 2 and (twice := [name for name in names if names.count(name) > 1]):
        raise UsageError(f"{twice[0]} is given twice")
    read = [replace(run, name=name) for name, run in zip(names, read, strict=True)]
    comparable = comparable_runs(read, scoring.incomplete)
    scores = [score_run(run, scoring.protocol, scoring.sample_rate) for run in comparable]
    on_groups = ""
    if bootstrap.groups is None:
        groups, on_groups = known_groups(read, scores[0])
        bootstrap = replace(bootstrap, groups=groups)
    differences = compare_runs(scores, bootstrap)
    notes = [*score_notes(scores), *interval_notes(scores, differences, bootstrap)]
    notes += [f"Note: {on_groups}."] if on_groups else []
    places: dict[Path, list[str]] = {}
    for name, folder in zip(names, folders, strict=True):
        places.setdefault(folder.resolve(), []).append(name)
    notes += [f"Note: {' and '.join(twins)} are the same folder." for twins in places.values() if len(twins) > 1]
    output_record(json, {**_record(scores, differences, bootstrap), "notes": notes})
    if json != "-":
        table, comment = (TABLES["latex"], "% ") if latex else (TABLES["markdown"], "")
        _show(scores, differences, bootstrap, per_video, table)
        print()
        left_out, remedy = background_note(scores[0], read[0].classes)
        for line in [*notes, f"Background: {left_out}.{remedy}"]:
            print(f"{comment}{line}")
        on_runs = [note for run in read for note in run.notes_on_truth()]
        for note in [*on_runs, *(left_out_notes(read, comparable) if scoring.incomplete else [])]:
            print(f"{comment}note: {note}")


def _show(
    scores: Sequence[RunScores],
    differences: Sequence[Difference],
    bootstrap: Resampling,
    per_video: bool,
    table: Callable[[Sequence[str], Sequence[Sequence[str]]], str],
) -> None:
    rows: dict[str, dict[str, float]] = {}
    for run in scores:
        rows |= {f"{run.name}, split {split}": run.split_scores(split) for split in run.splits if len(run.splits) > 1}
        rows[run.name] = run.scores
    print(scores_table(rows, "run", table))
    if per_video:
        videos = {
            f"{name}, {run.name}": run.video_scores(split)[name]
            for split in scores[0].splits
            for name in scores[0].splits[split][0].videos
            for run in scores
        }
        print(f"\n{scores_table(videos, 'video, run', table)}")
    for pair in dict.fromkeys((difference.against, difference.run) for difference in differences):
        against, name = pair
        header = [f"{name} against {against}", against, name, "difference"]
        header += [f"{bootstrap.confidence:g} % interval", "p", "verdict"]
        of_pair = {each.score: each for each in differences if (each.against, each.run) == pair}
        cells = [[heading, *_difference_cells(of_pair[key])] for key, heading in SCORE_HEADINGS.items()]
        print(f"\n{table(header, cells)}")


def _difference_cells(difference: Difference) -> list[str]:
    return [
        f"{difference.first:.1f}",
        f"{difference.value:.1f}",
        f"{difference.difference:+.1f}",
        f"{difference.low:+.1f} to {difference.high:+.1f}",
        f"{difference.p_value:.3f}" if difference.p_value >= 0.001 else "< 0.001",
        difference.verdict,
    ]


def _record(scores: Sequence[RunScores], differences: Sequence[Difference], bootstrap: Resampling) -> dict[str, Any]:
    return {
        "protocol": scores[0].protocol,
        "resamples": bootstrap.num_resamples,
        "confidence": bootstrap.confidence,
        "seed": bootstrap.seed,
        "groups": bootstrap.groups,
        "runs": [
            {
                "run": run.name,
                **run.scores,
                "splits": {
                    split: {**run.split_scores(split), "videos": run.video_scores(split)} for split in run.splits
                },
            }
            for run in scores
        ],
        "differences": [{**difference._asdict(), "verdict": difference.verdict} for difference in differences],
    }
