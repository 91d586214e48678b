r"""Networks of several calls of `segtcn bench` in one table (docs/results/gtea_models.md).

    python -m benchmarks.bench_table keep runs/bench_gtea/runs/* --to docs/results/gtea_counts.csv
    python -m benchmarks.bench_table table docs/results/gtea_counts.csv --groups '^(S\d)_'

`keep` writes what the scores of each test video are made of under protocol `lea`, eight whole numbers: the table, with
intervals and verdicts, can be made again without the predictions, and networks that are trained later join it. A
network that the file already holds is replaced.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

import torch

from segtcn.atomic import write_text
from segtcn.cli.bench_networks import network_rows
from segtcn.evaluation import Difference, Resampling, RunScores, compare_runs, read_run, score_run
from segtcn.metrics import SCORES, Evaluation, VideoCounts, combine_videos
from segtcn.metrics.counts import score_videos
from segtcn.text_table import SCORE_HEADINGS, TABLES

PROTOCOL = "lea"
NUMBERS = ("correct", "frames", "predicted", "true", "hits@10", "hits@25", "hits@50", "distance")
COLUMNS = ("network", "split", "seed", "video", *NUMBERS)


def keep(folders: list[Path], path: Path) -> None:
    """Add networks to the file."""
    lines: list[list[str]] = []
    if path.is_file():
        with path.open() as file:
            lines = [*csv.reader(file)][1:]
    names = {folder.name for folder in folders}
    lines = [line for line in lines if line[0] not in names]
    for folder in folders:
        run = read_run(folder)
        for split, evaluations in score_run(run, PROTOCOL).splits.items():
            seeds = [part.seed for part in run.parts if part.split == split]
            for seed, evaluation in zip(seeds, evaluations, strict=True):
                counts = evaluation.counts
                sums = [counts.correct.sum(1), counts.frames.sum(1), counts.predicted.sum(1), counts.true.sum(1)]
                table = torch.stack([*sums, *counts.hits.sum(2).T, counts.distance], dim=1)
                videos = zip(evaluation.videos, table.tolist(), strict=True)
                lines += [[folder.name, split, str(seed), name, *map(str, row)] for name, row in videos]
    write_text(path, TABLES["csv"](COLUMNS, sorted(lines, key=lambda line: (*line[:2], int(line[2])))) + "\n")


def read_scores(path: Path) -> list[RunScores]:
    """The networks of the file."""
    found: dict[str, dict[str, dict[str, dict[str, list[int]]]]] = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            seeds = found.setdefault(row["network"], {}).setdefault(row["split"], {})
            seeds.setdefault(row["seed"], {})[row["video"]] = [int(row[name]) for name in NUMBERS]
    return [
        RunScores(
            name,
            PROTOCOL,
            {split: [evaluation(videos) for videos in seeds.values()] for split, seeds in splits.items()},
        )
        for name, splits in found.items()
    ]


def evaluation(videos: dict[str, list[int]]) -> Evaluation:
    """The scores of the test videos of one split and seed."""
    counts = VideoCounts.from_rows(torch.tensor([*videos.values()]))
    each = [dict(zip(SCORES, scores, strict=True)) for scores in score_videos(counts, PROTOCOL).tolist()]
    return Evaluation(PROTOCOL, (), combine_videos(counts, PROTOCOL), dict(zip(videos, each, strict=True)), counts)


def table(runs: Iterable[RunScores], groups: str | None) -> str:
    """Each score with its interval and its mark against the best network, which comes first."""
    scores = sorted(runs, key=lambda run: -run.scores["f1@50"])
    how = Resampling(groups=groups, all_pairs=True)
    rows = network_rows(scores, compare_runs(scores, how), how)
    cells = [
        [name, str(max(map(len, run.splits.values()))), *(score.cell for score in row.values())]
        for (name, row), run in zip(rows.items(), scores, strict=True)
    ]
    return TABLES["markdown"](["network", "Seeds", *SCORE_HEADINGS.values()], cells)


def difference_cell(difference: Difference) -> str:
    """A difference with its interval, in bold where it has a verdict."""
    text = f"{difference.difference:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})"
    return text if difference.verdict == "no difference shown" else f"**{text}**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    keeping = commands.add_parser("keep")
    keeping.add_argument("folders", type=Path, nargs="+", help="cross-validations")
    keeping.add_argument("--to", type=Path, required=True, metavar="FILE.csv")
    showing = commands.add_parser("table")
    showing.add_argument("file", type=Path)
    showing.add_argument("--groups", help="regular expression of the person in the name of a video")
    options = parser.parse_args()
    if options.command == "keep":
        if missing := [str(folder) for folder in options.folders if not folder.exists()]:
            parser.error(f"no {missing[0]}")
        keep([folder for folder in options.folders if folder.is_dir()], options.to)
        return
    try:
        print(table(read_scores(options.file), options.groups))
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
