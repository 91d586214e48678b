"""``segtcn check``: what a data set holds and what is wrong with it."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segtcn.cli.evaluate import check_json_name, write_json
from segtcn.cli.overrides import without_overrides

if TYPE_CHECKING:
    from segtcn.cli.data_source import DataSource
    from segtcn.prepare.check import DataReport, Fix

DESCRIPTION = """\
Read every video of a data set once and report what it holds and all that is wrong with it: missing, damaged and
duplicated files, NaN, widths, lengths, labels, classes, lists. Errors stop training or void scores; warnings may be
meant. Exit status 1 if there are errors. Options of `segtcn fit` that begin with --data are options here too.
"""

EXAMPLES = """\
examples:
  segtcn check configs/data/gtea_lea.yaml --data.reader.init_args.root DIR
  segtcn check DIR --fps 30 --background SIL # an MS-TCN tree, or a folder of tables
  segtcn check DIR --clips CLIPS             # a folder with data.yaml or an HDF5 file
  segtcn check DIR --json report.json --strict
  segtcn check DIR --fix COPY                # then: segtcn check COPY

--fix writes an MS-TCN tree with a data.yaml: lengths that differ a little cut, each video listed once, features (D, T),
videos that cannot be repaired left out. The original is never changed.
"""

_SHOWN = 10


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "segtcn check",
        usage="segtcn check DATA_CONFIG_OR_FOLDER [-c CONFIG] [--data.OPTION VALUE ...] [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA", help="data config, folder or HDF5 file")
    parser.add_argument(
        "-c", "--config", action="append", default=[], type=Path, help="config, of which `data` counts; may be repeated"
    )
    parser.add_argument("--fps", type=float, metavar="RATE", help="features a second")
    parser.add_argument("--background", metavar="NAME", help="the background class")
    parser.add_argument(
        "--clips",
        type=Path,
        metavar="DIR",
        help="compare durations and rates with the clips NAME.mp4 in there (default: DATA/videos, if there is one)",
    )
    parser.add_argument("--strict", action="store_true", help="warnings are errors")
    parser.add_argument("--fix", type=Path, metavar="OUT", help="write a corrected copy into this new folder")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE.json", help="write JSON there, or print it alone")
    parser.add_argument("--all", action="store_true", help=f"print every problem, not the first {_SHOWN} of a kind")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = _parser()
    words, overrides = without_overrides(argv[1:])
    options = parser.parse_args(words)
    for key in ("fps", "background"):
        if getattr(options, key) is not None:
            overrides.append(f"--data.reader.init_args.{key}={getattr(options, key)}")
    if options.data is None and not options.config:
        parser.error("give a data config, a folder or an HDF5 file")
    check_json_name(options.json)

    from segtcn.cli.data_source import open_data
    from segtcn.prepare.check import ChildProcess, DataReport
    from segtcn.prepare.check.child_process import ProcessEndedError
    from segtcn.prepare.check.fix import check_target
    from segtcn.prepare.check.problems import error
    from segtcn.prepare.check.summary import contents_tables

    name = ", ".join(map(str, [options.data, *options.config] if options.data else options.config))
    fixes: list[Fix] | None = None
    source = None
    try:
        with ChildProcess() as child:  # readers look into files, too
            source = child.call(open_data, options.data, options.config, overrides)
    except (ValueError, OSError) as failure:
        ended = f"{name} is damaged: " if isinstance(failure, ProcessEndedError) else ""
        report = DataReport(problems=[error("data set", name, f"{ended}{failure}")])
    else:
        folders = [*source.paths, *([options.data] if options.data and options.data.is_dir() else [])]
        if options.fix is not None:
            check_target(options.fix.expanduser(), folders)  # before minutes of reading
        clips = options.clips or next((folder / "videos" for folder in folders if (folder / "videos").is_dir()), None)
        report = _check(source, clips, clips_of_all=options.clips is not None, progress=not options.quiet)
        if options.fix is not None:
            fixes = _fix(source, report, options.fix, folders, progress=not options.quiet)
    failed = bool(report.errors) or (options.strict and bool(report.problems))
    record: dict[str, Any] = {"source": name, **report.record(), "ok": not failed}
    if fixes is not None:
        record["fix"] = {"folder": str(options.fix), "changes": [fix._asdict() for fix in fixes]}
    write_json(options.json, record)
    if options.json != "-":
        if report.facts is not None:
            print(*contents_tables(name, report.facts), sep="\n\n", end="\n\n")
        _print_problems(report, options.all)
        if fixes is not None:
            _print_fixes(options.fix, fixes, split_specific=report.facts is not None and report.facts.split_specific)
    if failed:
        sys.exit(1)


def _check(source: DataSource, clips: Path | None, clips_of_all: bool, progress: bool) -> DataReport:
    from segtcn.prepare.check import CheckOptions, check_data
    from segtcn.prepare.check.problems import error, warning

    options = CheckOptions(
        **{key: source.options[key] for key in ("length_policy", "length_tolerance", "standardize", "card")},
        clips=None if clips is None else str(clips),
        clips_of_all=clips_of_all,
        assumed=tuple(source.assumed),
    )
    report = check_data(source.reader, options, progress=progress)
    split = source.options["split"]
    if split not in source.reader.splits:
        splits = ", ".join(map(str, source.reader.splits))
        message = f"`--data.split` {split} does not exist: choose from {splits}"
        report.problems.append(error("split", f"split {split}", message))
    report.problems += [warning("reader", type(source.reader).__name__, note) for note in source.notes]
    return report


def _fix(source: DataSource, report: DataReport, out: Path, folders: list[Path], progress: bool) -> list[Fix] | None:
    """What the corrected copy differs in; None if there is none, which is then one of the errors."""
    from segtcn.prepare.check import Problem, fix_data

    try:
        return fix_data(source.reader, report, out, source.options["length_tolerance"], folders, progress)
    except (ValueError, OSError) as failure:  # the report, which may say why, is yet to be printed
        report.problems.append(Problem("error", "no copy", str(out), str(failure)))
        return None


def _print_problems(report: DataReport, everything: bool) -> None:
    for severity, problems in (("error", report.errors), ("warning", report.warnings)):
        kinds: dict[str, list[str]] = defaultdict(list)
        for problem in problems:
            kinds[problem.kind].append(problem.message)
        for kind, messages in kinds.items():
            shown = messages if everything else messages[:_SHOWN]
            print(*(f"{severity} [{kind}] {message}" for message in shown), sep="\n")
            if len(messages) > len(shown):
                print(
                    f"{severity} [{kind}] and {len(messages) - len(shown)} more: --all prints them, --json holds them"
                )
    if report.problems:
        print()
    print(f"errors: {len(report.errors)}, warnings: {len(report.warnings)}")


def _print_fixes(out: Path, fixes: Sequence[Fix], split_specific: bool) -> None:
    print(f"\ncorrected copy: {out}" + (", a tree for every split" if split_specific else ""))
    for fix in fixes:
        print(f"  {fix.where}: {fix.message}")
    if not fixes:
        print("  nothing had to be corrected")
