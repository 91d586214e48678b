"""``segtcn compare``: runs side by side, and whether a difference is more than chance."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segtcn.cli.json_output import check_json_name, write_json
from segtcn.text_table import SCORES, markdown_table

if TYPE_CHECKING:
    from segtcn.evaluation import Difference, Run, RunScores

DESCRIPTION = """\
Compare runs with the first one, on the same test videos. A run is a folder of `segtcn crossval`, one of `segtcn fit`
after `segtcn test`, or, with --truth, any folder with one prediction file a video. Differences have a confidence
interval by a paired bootstrap over the videos; a run is called better or worse only where it leaves out zero.
"""

EXAMPLES = """\
examples:
  segtcn compare runs/crossval-ed_tcn-gtea_lea-default runs/crossval-dilated_tcn-gtea_lea-default
  segtcn compare runs/a runs/b runs/c --protocol mstcn --root DATA --per-video --json comparison.json
  segtcn compare predictions_a/ predictions_b/ --truth groundTruth/ --background background

The truth comes from the data set that a run's config.yaml names, at the rate at which the run was scored.
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
    add_run_options(parser)
    parser.add_argument("--resamples", type=int, default=10_000, metavar="N", help="of the videos (default: 10000)")
    parser.add_argument(
        "--confidence", type=float, default=95.0, metavar="PERCENT", help="of the interval (default: 95)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the resamples (default: 0)")
    parser.add_argument("--per-video", action="store_true", help="also the scores of every video")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE.json", help="write JSON there, or print it alone")
    options = parser.parse_args(argv[1:])
    check_json_name(options.json)

    from segtcn.evaluation import compare_runs, score_run, with_common_split

    runs = [read_run_of(folder, options) for folder in options.runs]
    if len({run.name for run in runs}) < len(runs):
        runs = [run._replace(name=str(folder)) for run, folder in zip(runs, options.runs, strict=True)]
    runs = with_common_split(runs)
    scores = [score_run(run, options.protocol) for run in runs]
    differences = compare_runs(scores, options.resamples, options.confidence, options.seed)
    write_json(options.json, _record(scores, differences, options))
    if options.json != "-":
        _show(runs, scores, differences, options)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what a run is scored on, and how."""
    parser.add_argument("--protocol", metavar="NAME", help="protocol (default: that of the run, or lea)")
    parser.add_argument("--root", type=Path, metavar="DIR", help="data set, if it is not where the config says")
    parser.add_argument(
        "--truth", type=Path, metavar="DIR", help="true labels, one file a video, instead of a data set"
    )
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="mapping.txt that goes with --truth")
    parser.add_argument("--background", metavar="NAMES", help="classes to leave out, goes with --truth")
    parser.add_argument(
        "--sample-rate", type=int, metavar="N", help="score every Nth stored frame (default: as the network was scored)"
    )
    parser.add_argument(
        "--length-policy",
        choices=("error", "trim"),
        default="error",
        help="where predictions and truth differ in length: error (default), or trim both to the shorter",
    )
    parser.add_argument(
        "--length-tolerance", type=int, default=10, metavar="N", help="frames that trim may cut off (default: 10)"
    )


def read_run_of(folder: Path, options: argparse.Namespace) -> Run:
    """Read a run with the options of :func:`add_run_options`.

    Raises:
        FileNotFoundError: as :func:`segtcn.evaluation.read_run`.
        ValueError: the same, and if an option that goes with ``--truth`` is given without it.
    """
    from segtcn.evaluation import read_run

    for name in ("mapping", "background"):
        if options.truth is None and getattr(options, name) is not None:
            raise ValueError(
                f"--{name} goes with --truth: the data set of the run has classes and background of its own"
            )
    return read_run(
        folder,
        options.root,
        options.truth,
        options.mapping,
        options.background,
        options.sample_rate,
        options.protocol,
        options.length_policy,
        options.length_tolerance,
    )


def _show(
    runs: Sequence[Run], scores: Sequence[RunScores], differences: Sequence[Difference], options: argparse.Namespace
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
    if options.per_video:
        videos = [
            [f"{name}, {run.name}", *_cells(run.video_scores(split)[name])]
            for split in scores[0].splits
            for name in scores[0].splits[split][0].videos
            for run in scores
        ]
        print(f"\n{markdown_table(['video, run', *SCORES.values()], videos)}")
    by_run: dict[str, dict[str, Difference]] = {}
    for difference in differences:
        by_run.setdefault(difference.run, {})[difference.score] = difference
    interval = f"{options.confidence:g} % interval"
    for name, found in by_run.items():
        cells = [
            [
                heading,
                f"{found[key].first:.1f}",
                f"{found[key].value:.1f}",
                f"{found[key].difference:+.1f}",
                f"{found[key].low:+.1f} to {found[key].high:+.1f}",
                found[key].verdict,
            ]
            for key, heading in SCORES.items()
        ]
        header = [f"{name} against {scores[0].name}", scores[0].name, name, "difference", interval, "verdict"]
        print(f"\n{markdown_table(header, cells)}")
    print("", *_notes(runs, scores, options), sep="\n")


def _notes(runs: Sequence[Run], scores: Sequence[RunScores], options: argparse.Namespace) -> list[str]:
    first = scores[0]
    num_videos = sum(len(seeds[0].videos) for seeds in first.splits.values())
    seeds = ", ".join(f"{run.name} {max(map(len, run.splits.values()))}" for run in scores)
    notes = [
        f"Protocol {first.protocol}, percent, {num_videos} videos, {len(first.splits)} splits. Seeds: {seeds}; every "
        "score is the mean over the seeds, then over the splits.",
        f"Interval: paired bootstrap over the videos of each split, {options.resamples} resamples, "
        f"seed {options.seed}. "
        "It covers the choice of videos, not that of seeds.",
    ]
    if len({run.sample_rate for run in runs}) > 1:
        rates = ", ".join(f"{run.name}: {run.sample_rate}" for run in runs)
        notes.append(f"The runs are scored on every Nth stored frame, N = {rates}; --sample-rate 1 scores all on all.")
    return notes


def _record(
    scores: Sequence[RunScores], differences: Sequence[Difference], options: argparse.Namespace
) -> dict[str, Any]:
    return {
        "protocol": scores[0].protocol,
        "resamples": options.resamples,
        "confidence": options.confidence,
        "seed": options.seed,
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
        "differences": [{**each._asdict(), "verdict": each.verdict} for each in differences],
    }


def _cells(scores: dict[str, float]) -> list[str]:
    return [f"{scores[key]:.1f}" for key in SCORES]
