"""``segtcn compare``: runs side by side, and whether a difference is more than chance."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segtcn.cli.evaluate import add_length_options, check_json_name, write_json
from segtcn.text_table import SCORES, markdown_table

if TYPE_CHECKING:
    from segtcn.evaluation import Difference, RunScores, Scoring

DESCRIPTION = """\
Compare runs with the first one, on the same test videos. A run is a folder of `segtcn crossval`, one of `segtcn fit`
after `segtcn test`, or, with --truth, any folder with one prediction file a video. Differences have a confidence
interval by a paired bootstrap over the videos; a run is called better or worse only where it leaves out zero.
"""

EXAMPLES = """\
examples:
  segtcn compare runs/crossval-ed_tcn-gtea_lea-default runs/crossval-dilated_tcn-gtea_lea-default
  segtcn compare runs/a runs/b runs/c --protocol mstcn --per-video --json comparison.json
  segtcn compare predictions_a/ predictions_b/ --truth groundTruth/ --background background

A run keeps its truth, classes and rates beside its predictions: it can be moved, and its data set may be elsewhere.
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn compare",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="folders; the first is what others are held to"
    )
    add_scoring_options(parser)
    parser.add_argument("--resamples", type=int, default=10_000, metavar="N", help="of the videos (default: 10000)")
    parser.add_argument(
        "--confidence", type=float, default=95.0, metavar="PERCENT", help="of the interval (default: 95)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the resamples (default: 0)")
    parser.add_argument("--per-video", action="store_true", help="also the scores of every video")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE.json", help="write JSON there, or print it alone")
    options = parser.parse_args(argv[1:])
    check_json_name(options.json)
    compare(
        options.runs,
        scoring_of(options),
        Bootstrap(options.resamples, options.confidence, options.seed),
        options.per_video,
        options.json,
    )


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Args:
        num_resamples: resamples of the videos.
        confidence: of the interval, in percent.
        seed: of the resamples.
    """

    num_resamples: int = 10_000
    confidence: float = 95.0
    seed: int = 0


def compare(
    folders: Sequence[Path],
    scoring: Scoring,
    bootstrap: Bootstrap = Bootstrap(),
    per_video: bool = False,
    json: str | None = None,
) -> None:
    """Compare runs with the first one, and print or write the comparison.

    Args:
        folders: of the runs; the first is what others are held to.
        scoring: where their truth is, and how they are scored.
        bootstrap: how intervals are made.
        per_video: also the scores of every video.
        json: file for JSON; ``-`` prints it alone.
    """
    from segtcn.evaluation import compare_runs, read_run, score_run, with_common_split

    runs = [read_run(folder, scoring) for folder in folders]
    if len({run.name for run in runs}) < len(runs):
        runs = [replace(run, name=str(folder)) for run, folder in zip(runs, folders, strict=True)]
    runs = with_common_split(runs)
    scores = [score_run(run, scoring.protocol, scoring.sample_rate) for run in runs]
    differences = compare_runs(scores, bootstrap.num_resamples, bootstrap.confidence, bootstrap.seed)
    write_json(json, _record(scores, differences, bootstrap))
    if json != "-":
        _show(scores, differences, bootstrap, per_video)
        for note in [note for run in runs for note in run.notes_on_truth()]:
            print(f"note: {note}")


def add_scoring_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what a run is scored on, and how."""
    parser.add_argument("--protocol", metavar="NAME", help="protocol (default: that of the run, or lea)")
    parser.add_argument(
        "--truth", type=Path, metavar="DIR", help="true labels, one file a video, in place of those of the run"
    )
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="mapping.txt with all classes")
    parser.add_argument("--background", metavar="NAMES", help="classes to leave out (default: those of the run)")
    parser.add_argument(
        "--sample-rate", type=int, metavar="N", help="score every Nth stored frame (default: as the network was scored)"
    )
    parser.add_argument(
        "--incomplete", action="store_true", help="leave out videos without a prediction or truth, with a note"
    )
    add_length_options(parser)


def scoring_of(options: argparse.Namespace) -> Scoring:
    """What the options of :func:`add_scoring_options` say."""
    from segtcn.evaluation import Scoring

    return Scoring(**{field.name: getattr(options, field.name) for field in fields(Scoring)})


def _show(
    scores: Sequence[RunScores], differences: Sequence[Difference], bootstrap: Bootstrap, per_video: bool
) -> None:
    rows = []
    for run in scores:
        rows += [
            [f"{run.name}, split {split}", *_cells(run.split_scores(split))]
            for split in run.splits
            if len(run.splits) > 1
        ]
        rows.append([run.name, *_cells(run.scores)])
    print(markdown_table(["run", *SCORES.values()], rows))
    if per_video:
        videos = [
            [f"{name}, {run.name}", *_cells(run.video_scores(split)[name])]
            for split in scores[0].splits
            for name in scores[0].splits[split][0].videos
            for run in scores
        ]
        print(f"\n{markdown_table(['video, run', *SCORES.values()], videos)}")
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


def _cells(scores: dict[str, float]) -> list[str]:
    return [f"{scores[key]:.1f}" for key in SCORES]
