"""``segtcn check``: what a data set holds and what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from segtcn.cli.notes import quieten
from segtcn.cli.parser import Configs, Dir, Json, UsageError, output_record
from segtcn.data_source import ReaderFacts, open_data

if TYPE_CHECKING:
    from segtcn.data_source import DataSource
    from segtcn.prepare.check import DataReport, Fix

_SHOWN = 10


@dataclass(frozen=True)
class Outcome:
    """What is made of it.

    Args:
        strict: warnings are errors.
        fix: write a corrected copy into this new folder.
        json: write JSON there, or print it alone.
        all: print every problem, not the first 10 of a kind.
        quiet: no progress bar.
    """

    strict: bool = False
    fix: Annotated[Path, "OUT"] | None = None
    json: Json | None = None
    all: bool = False
    quiet: bool = False


def check(
    data: Path | None = None,
    *,
    config: Configs | None = None,
    clips: Dir | None = None,
    facts: ReaderFacts,
    outcome: Outcome,
    overrides: Annotated[Sequence[str], "--data."] = (),
) -> None:
    """Read every video of a data set once and report what it holds and all that is wrong with it.

    It looks for missing, damaged and duplicated files, NaN, wrong widths, lengths, labels, classes and lists. Errors
    stop training or void scores; warnings may be intended. Exit status 1 if there are errors. Options of `segtcn fit`
    that begin with --data are options here too.

    Args:
        data: data config, folder or HDF5 file.
        config: config, of which `data` counts; may be repeated.
        clips: compare durations and rates with the clips NAME.mp4 in there (default: DATA/videos, if there is one).
        facts: what the data set does not say.
        outcome: what is made of it.
        overrides: options of ``segtcn fit``.

    Examples:
      segtcn check gtea_lea --data.reader.init_args.root DIR
      segtcn check DIR --fps 30 --background SIL # an MS-TCN tree, or a folder of tables
      segtcn check DIR --clips CLIPS             # a folder with data.yaml or an HDF5 file
      segtcn check DIR --json report.json --strict
      segtcn check DIR --fix COPY                # then: segtcn check COPY

    --fix writes an MS-TCN tree with a data.yaml: each video listed once, features (D, T), videos that cannot be
    repaired left out. With --data.length_policy trim, lengths that differ a little are cut at the end. The original is
    never changed.
    """
    from segtcn.prepare.check import ChildProcess, DataReport
    from segtcn.prepare.check.child_process import ProcessEndedError
    from segtcn.prepare.check.problems import error

    quieten()
    configs = config or []
    if data is None and not configs:
        raise UsageError("give a data config, a folder or an HDF5 file")
    name = ", ".join(map(str, [data, *configs] if data else configs))
    fixes: list[Fix] | None = None
    try:
        with ChildProcess() as child:  # readers look into files, too
            source = child.call(open_data, data, configs, [*overrides, *facts.options()])
    except (ValueError, OSError) as failure:
        ended = f"{name} is damaged: " if isinstance(failure, ProcessEndedError) else ""
        report = DataReport(problems=[error("data set", name, f"{ended}{failure}")])
    else:
        report, fixes = _check(source, data, clips, outcome)
    failed = bool(report.errors) or (outcome.strict and bool(report.problems))
    record: dict[str, Any] = {"source": name, **report.record(), "ok": not failed}
    if fixes is not None:
        record["fix"] = {"folder": str(outcome.fix), "changes": [fix._asdict() for fix in fixes]}
    output_record(outcome.json, record)
    if outcome.json != "-":
        _print(name, report, fixes, outcome)
    if failed:
        sys.exit(1)


def _check(
    source: DataSource, data: Path | None, clips: Path | None, outcome: Outcome
) -> tuple[DataReport, list[Fix] | None]:
    """The report, and what a corrected copy differs in if one was made."""
    from segtcn.prepare.check import CheckOptions, check_data, fix_data
    from segtcn.prepare.check.fix import check_target
    from segtcn.prepare.check.problems import error, warning

    folders = [*source.paths, *([data] if data and data.is_dir() else [])]
    if outcome.fix is not None:
        source.reader.require_labels("a corrected copy")
        check_target(outcome.fix.expanduser(), folders)  # before minutes of reading
    clip_folder = clips or next((folder / "videos" for folder in folders if (folder / "videos").is_dir()), None)
    options = CheckOptions(
        **{key: source.options[key] for key in ("length_policy", "length_tolerance", "standardize", "card")},
        clips=None if clip_folder is None else str(clip_folder),
        clips_of_all=clips is not None,
        assumed=tuple(source.assumed),
    )
    if source.reader.target != "single":
        source.notes.append(f"{type(source.reader).__name__} gives no single label a frame: labels are not counted")
    report = check_data(source.reader, options, progress=not outcome.quiet)
    split, splits = source.options["split"], source.reader.splits
    if split not in splits:
        message = f"`--data.split` {split} does not exist: choose from {', '.join(map(str, splits))}"
        report.problems.append(error("split", f"split {split}", message))
    report.problems += [warning("reader", type(source.reader).__name__, note) for note in source.notes]
    if outcome.fix is None:
        return report, None
    tolerance = source.options["length_tolerance"]
    try:
        return report, fix_data(source.reader, report, outcome.fix, tolerance, folders, not outcome.quiet)
    except (ValueError, OSError) as failure:  # the report, which may say why, is yet to be printed
        report.problems.append(error("no copy", str(outcome.fix), str(failure)))
        return report, None


def _print(name: str, report: DataReport, fixes: Sequence[Fix] | None, outcome: Outcome) -> None:
    """What the data set holds, what is wrong with it, and what the copy differs in if one was made."""
    from segtcn.prepare.check.checking import contents_tables

    if report.facts is not None:
        print(*contents_tables(name, report.facts), sep="\n\n", end="\n\n")
    for severity, problems in (("error", report.errors), ("warning", report.warnings)):
        for kind in dict.fromkeys(problem.kind for problem in problems):
            lines = [f"{severity} [{kind}] {problem.message}" for problem in problems if problem.kind == kind]
            if len(lines) > _SHOWN and not outcome.all:
                more = f"{len(lines) - _SHOWN} more: --all prints them, --json holds them"
                lines[_SHOWN:] = [f"{severity} [{kind}] and {more}"]
            print(*lines, sep="\n")
    if report.problems:
        print()
    print(f"errors: {len(report.errors)}, warnings: {len(report.warnings)}")
    if fixes is not None:
        trees = ", a tree for every split" if report.facts is not None and report.facts.split_specific else ""
        changes = [f"{fix.where}: {fix.message}" for fix in fixes] or ["nothing had to be corrected"]
        print(f"\ncorrected copy: {outcome.fix}{trees}", *changes, sep="\n  ")
