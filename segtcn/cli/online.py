"""``segtcn evaluate --online``: how right and how late the labels of a network are while a video runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segtcn.cli.overrides import without_overrides
from segtcn.text_table import SCORES, csv_table, latex_table, markdown_table

if TYPE_CHECKING:
    from segtcn.evaluation.online import OnlineScores

DESCRIPTION = """\
Score trained networks as if the test videos of their runs were running: a label is computed from the frames up to
`look-ahead` seconds after its own. Prints the scores, the delay of the segments that are found at an IoU of 0.5, and
how often a label is still the same at the end of the video. Definitions: docs/protocols.md.
"""

EXAMPLES = """\
examples:
  segtcn evaluate RUN --online
  segtcn evaluate RUN_OF_SPLIT_1 RUN_OF_SPLIT_2 --online --lookahead 0,1,inf    # the mean over the runs
  segtcn evaluate RUN --online --data.reader.init_args.root DIR                 # where the data lie now
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn evaluate",
        usage="segtcn evaluate RUN... --online [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs, such as one a split")
    parser.add_argument("--online", action="store_true", help="score labels while the videos run")
    parser.add_argument("--lookahead", default="0,0.5,1,2,5,inf", metavar="SECONDS", help="default: 0,0.5,1,2,5,inf")
    parser.add_argument("--protocol", metavar="NAME", help="default: that of the run")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print LaTeX")
    form.add_argument("--csv", action="store_true", help="print values with commas between them")
    words, overrides = without_overrides(argv[1:])
    options = parser.parse_args(words)
    try:
        lookaheads_s = [float(word) for word in options.lookahead.split(",")]
    except ValueError:
        parser.error(f"--lookahead takes seconds with commas, such as 0,0.5,inf, got {options.lookahead!r}")

    runs = [_score(run, lookaheads_s, options.protocol, overrides, not options.quiet) for run in options.runs]
    table = latex_table if options.latex else csv_table if options.csv else markdown_table
    header = ["look-ahead / s", *SCORES.values(), "found", "median delay / s", "mean delay / s", "unchanged"]
    print(table(header, [_cells(rows) for rows in zip(*runs, strict=True)]))


def _score(
    run: Path, lookaheads_s: Sequence[float], protocol: str | None, overrides: Sequence[str], progress: bool
) -> list[OnlineScores]:
    from segtcn.cli.data_source import open_data
    from segtcn.data.datamodule import SegmentationDataModule
    from segtcn.evaluation.online import score_online
    from segtcn.progress import progress_bar
    from segtcn.segmenter import load
    from segtcn.segmenter.spoken_labels import spoken_labels

    segmenter = load(run)
    source = open_data(None, [run / "config.yaml"], overrides)
    videos = SegmentationDataModule(source.reader, **{**source.options, "sample_rate": 1}).dataset("test")
    fps = segmenter.network_fps
    if fps is None:
        raise ValueError(f"{run} does not say the rate of its features, and a delay is in seconds: train it again")
    revisions, truth = {}, {}
    for number in progress_bar(range(len(videos)), run.name, unit="video", show=progress, keep=False):
        video = videos[number].video
        revisions[video.name] = spoken_labels(segmenter, video.features)
        truth[video.name] = video.labels[:: segmenter.sample_rate].numpy()
    return score_online(revisions, truth, lookaheads_s, segmenter.classes, fps, protocol or segmenter.protocol)


def _cells(rows: Sequence[OnlineScores]) -> list[str]:
    """The mean over the runs; a delay of a run without a found segment does not enter."""

    def mean(values: Sequence[float], digits: int = 1) -> str:
        known = [value for value in values if not math.isnan(value)]
        return f"{sum(known) / len(known):.{digits}f}" if known else "-"

    wait_s = rows[0].lookahead_s
    return [
        "0 then revised" if wait_s is None else "all" if math.isinf(wait_s) else f"{wait_s:g}",
        *(mean([row.scores[key] for row in rows]) for key in SCORES),
        mean([row.found for row in rows]),
        mean([row.median_delay_s for row in rows], 2),
        mean([row.mean_delay_s for row in rows], 2),
        mean([row.agreement for row in rows]),
    ]
