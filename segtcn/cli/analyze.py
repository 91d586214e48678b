"""``segtcn analyze``: what a run gets wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from segtcn.cli.compare import add_run_options, read_run_of

DESCRIPTION = """\
Write an error report of a run as Markdown with pictures: which actions are confused, how early or late segments start
and stop, over-segmentation, the rarest classes, and the timelines of the ten worst videos. A run is a folder of
`segtcn crossval`, one of `segtcn fit` after `segtcn test`, or, with --truth, a folder with one prediction file a video.
"""

EXAMPLES = """\
examples:
  segtcn analyze runs/crossval-ed_tcn-gtea_lea-default
  segtcn analyze runs/20260101-120000 --root DATA --out report
  segtcn analyze predictions/ --truth groundTruth/ --background background --fps 15 --out report
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn analyze",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of the run")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the report (default: RUN/analysis)")
    parser.add_argument("--fps", type=float, metavar="RATE", help="labels per second, goes with --truth")
    add_run_options(parser)
    options = parser.parse_args(argv[1:])

    from segtcn.evaluation import analyze_run
    from segtcn.evaluation.report import report, write_report

    run = read_run_of(options.run, options)
    if options.fps is not None:
        if options.truth is None:
            raise ValueError("--fps goes with --truth: the data set of the run has a frame rate of its own")
        if not options.fps > 0:
            raise ValueError(f"--fps must be positive, got {options.fps:g}")
        run = run._replace(fps=options.fps / run.sample_rate)
    analysis = analyze_run(run, options.protocol)
    files = write_report(analysis, options.out or options.run / "analysis")
    if "wandb" in sys.modules:  # otherwise no run can be open, and importing it takes seconds
        from segtcn.callbacks.wandb import log_report

        log_report(files, "analysis")
    print(report(analysis).split("\n## ")[0].rstrip(), *files, sep="\n")
