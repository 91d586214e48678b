"""``segtcn compare``: runs side by side, and whether a difference is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from segtcn.cli.json_output import check_json_name, write_json
from segtcn.cli.parser import Dir, File, Json, Names
from segtcn.text_table import SCORES, markdown_table, scores_table

if TYPE_CHECKING:
    from segtcn.evaluation import Difference, RunScores


@dataclass(frozen=True)
class RunScoring:
    """What runs are scored on, and how.

    Args:
        protocol: protocol (default: that of the run, or lea).
        truth: true labels, one file a video, in place of those of the run.
        mapping: mapping.txt with all classes.
        background: classes to leave out (default: those of the run).
        sample_rate: score every Nth stored frame (default: as the network was scored).
        length_policy: where predictions and truth differ in length: error, or trim both to the shorter.
        length_tolerance: frames that trim may cut off.
        incomplete: leave out videos without a prediction or truth, with a note.
    """

    protocol: str | None = None
    truth: Dir | None = None
    mapping: File | None = None
    background: Names | None = None
    sample_rate: int | None = None
    length_policy: Literal["error", "trim"] = "error"
    length_tolerance: int = 10
    incomplete: bool = False


@dataclass(frozen=True)
class Bootstrap:
    """Intervals.

    Args:
        num_resamples: of the videos.
        confidence: of the interval.
        seed: of the resamples.
    """

    num_resamples: int = 10_000
    confidence: Annotated[float, "PERCENT"] = 95.0
    seed: int = 0


def compare(
    runs: Annotated[list[Path], "RUN"],
    *,
    per_video: bool = False,
    json: Json | None = None,
    scoring: RunScoring,
    bootstrap: Bootstrap,
) -> None:
    """Compare runs with the first one, on the same test videos.

    A run is a folder of `segtcn crossval`, one of `segtcn fit` after `segtcn test`, or, with --truth, any folder with
    one prediction file a video. Differences have a confidence interval by a paired bootstrap over the videos; a run is
    called better or worse only where it leaves out zero.

    Args:
        runs: folders; the others are compared with the first.
        per_video: also the scores of every video.
        json: write JSON there, or print it alone.
        scoring: what runs are scored on, and how.
        bootstrap: how intervals are made.

    Examples:
      segtcn compare runs/ed_tcn runs/dilated_tcn
      segtcn compare runs/a runs/b runs/c --protocol mstcn --per-video --json comparison.json
      segtcn compare predictions_a/ predictions_b/ --truth groundTruth/ --background background

    A run keeps its truth, classes and rates beside its predictions: it can be moved, and its data set may be elsewhere.
    """
    check_json_name(json)

    from segtcn.evaluation import Scoring, compare_runs, read_run, score_run, with_common_split

    read = [read_run(folder, Scoring(**vars(scoring))) for folder in runs]
    if len({run.name for run in read}) < len(read):
        read = [replace(run, name=str(folder)) for run, folder in zip(read, runs, strict=True)]
    read = with_common_split(read)
    scores = [score_run(run, scoring.protocol, scoring.sample_rate) for run in read]
    differences = compare_runs(scores, bootstrap.num_resamples, bootstrap.confidence, bootstrap.seed)
    write_json(json, _record(scores, differences, bootstrap))
    if json != "-":
        _show(scores, differences, bootstrap, per_video)
        for note in [note for run in read for note in run.notes_on_truth()]:
            print(f"note: {note}")


def _show(
    scores: Sequence[RunScores], differences: Sequence[Difference], bootstrap: Bootstrap, per_video: bool
) -> None:
    rows: dict[str, dict[str, float]] = {}
    for run in scores:
        rows |= {f"{run.name}, split {split}": run.split_scores(split) for split in run.splits if len(run.splits) > 1}
        rows[run.name] = run.scores
    print(scores_table(rows, "run"))
    if per_video:
        videos = {
            f"{name}, {run.name}": run.video_scores(split)[name]
            for split in scores[0].splits
            for name in scores[0].splits[split][0].videos
            for run in scores
        }
        print(f"\n{scores_table(videos, 'video, run')}")
    for run in scores[1:]:
        header = [f"{run.name} against {scores[0].name}", scores[0].name, run.name, "difference"]
        header += [f"{bootstrap.confidence:g} % interval", "verdict"]
        of_run = {difference.score: difference for difference in differences if difference.run == run.name}
        cells = [[heading, *_difference_cells(of_run[key])] for key, heading in SCORES.items()]
        print(f"\n{markdown_table(header, cells)}")
    print("", *_notes(scores, bootstrap), sep="\n")


def _difference_cells(difference: Difference) -> list[str]:
    return [
        f"{difference.first:.1f}",
        f"{difference.value:.1f}",
        f"{difference.difference:+.1f}",
        f"{difference.low:+.1f} to {difference.high:+.1f}",
        difference.verdict,
    ]


def _notes(scores: Sequence[RunScores], bootstrap: Bootstrap) -> list[str]:
    first = scores[0]
    num_videos = sum(len(seeds[0].videos) for seeds in first.splits.values())
    seeds = ", ".join(f"{run.name} {max(map(len, run.splits.values()))}" for run in scores)
    notes = [
        f"Protocol {first.protocol}, percent, {num_videos} videos, {len(first.splits)} splits. Seeds: {seeds}; every "
        "score is the mean over the seeds, then over the splits.",
        f"Interval: paired bootstrap over the videos of each split, {bootstrap.num_resamples} resamples, "
        f"seed {bootstrap.seed}. It covers the choice of videos, not that of seeds.",
    ]
    if len({run.sample_rate for run in scores}) > 1:
        rates = ", ".join(f"{run.name}: {run.sample_rate}" for run in scores)
        notes.append(f"The runs are scored on every Nth stored frame, N = {rates}; --sample-rate 1 scores all on all.")
    return notes


def _record(scores: Sequence[RunScores], differences: Sequence[Difference], bootstrap: Bootstrap) -> dict[str, Any]:
    return {
        "protocol": scores[0].protocol,
        "resamples": bootstrap.num_resamples,
        "confidence": bootstrap.confidence,
        "seed": bootstrap.seed,
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
