"""``segtcn check``: what a data set holds and what is wrong with it."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from segtcn.cli.data_source import Facts, open_data
from segtcn.cli.json_output import check_json_name, write_json
from segtcn.cli.parser import Dir, Json, UsageError
from segtcn.text_table import markdown_table

if TYPE_CHECKING:
    from segtcn.cli.data_source import DataSource
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
    config: Annotated[list[Path], "CONFIG", ("action", "append"), ("nargs", None)] | None = None,
    clips: Dir | None = None,
    facts: Facts,
    outcome: Outcome,
    overrides: Sequence[str] = (),
) -> None:
    """Read every video of a data set once and report what it holds and all that is wrong with it.

    It looks for missing, damaged and duplicated files, NaN, wrong widths, lengths, labels, classes and lists. Errors
    stop training or void scores; warnings may be meant. Exit status 1 if there are errors. Options of `segtcn fit` that
    begin with --data are options here too.

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

    --fix writes an MS-TCN tree with a data.yaml: lengths that differ a little cut, each video listed once, features
    (D, T), videos that cannot be repaired left out. The original is never changed.
    """
    from segtcn.prepare.check import DataReport

    configs = config or []
    if data is None and not configs:
        raise UsageError("give a data config, a folder or an HDF5 file")
    check_json_name(outcome.json)
    name = ", ".join(map(str, [data, *configs] if data else configs))
    source, report = None, DataReport()
    fixes: list[Fix] | None = None
    try:
        source = open_data(data, configs, [*overrides, *facts.options()])
    except (ValueError, OSError) as error:
        report.add("error", "data set", name, str(error))
    else:
        report, fixes = _check(source, data, clips, outcome)
    failed = bool(report.errors) or (outcome.strict and bool(report.problems))
    record: dict[str, Any] = {"source": name, **report.record(), "ok": not failed}
    if fixes is not None:
        record["fix"] = {"folder": str(outcome.fix), "changes": [fix._asdict() for fix in fixes]}
    write_json(outcome.json, record)
    if outcome.json != "-":
        if source is not None:
            _print_contents(name, report)
        _print_problems(report, outcome.all)
        if outcome.fix is not None and fixes is not None:
            _print_fixes(outcome.fix, fixes, report.split_specific)
    if failed:
        sys.exit(1)


def _check(
    source: DataSource, data: Path | None, clips: Path | None, outcome: Outcome
) -> tuple[DataReport, list[Fix] | None]:
    """The report, and what a corrected copy differs in if one was made."""
    from segtcn.prepare.check import check_data, fix_data
    from segtcn.prepare.check.fix import check_target

    folders = [*source.paths, *([data] if data and data.is_dir() else [])]
    if outcome.fix is not None:
        check_target(outcome.fix.expanduser(), folders)  # before minutes of reading
    keys = ("length_policy", "length_tolerance", "standardize", "card")
    report = check_data(
        source.reader,
        **{key: source.options[key] for key in keys},
        clips=clips or next((folder / "videos" for folder in folders if (folder / "videos").is_dir()), None),
        clips_of_all=clips is not None,
        progress=not outcome.quiet,
        assumed=source.assumed,
    )
    split = source.options["split"]
    if split not in source.reader.splits:
        splits = ", ".join(map(str, source.reader.splits))
        report.add("error", "split", f"split {split}", f"`--data.split` {split} does not exist: choose from {splits}")
    for note in source.notes:
        report.add("warning", "reader", report.reader, note)
    if outcome.fix is None:
        return report, None
    tolerance = source.options["length_tolerance"]
    try:
        return report, fix_data(source.reader, report, outcome.fix, tolerance, folders, not outcome.quiet)
    except (ValueError, OSError) as error:  # the report, which may say why, is yet to be printed
        report.add("error", "no copy", str(outcome.fix), str(error))
        return report, None


def _print_contents(name: str, report: DataReport) -> None:
    from segtcn.prepare.check.report import counted

    facts = report.facts
    fps = facts["fps"]
    assumed = {key: ", assumed" if key in facts["assumed"] else "" for key in ("fps", "background")}
    widths = ", ".join(f"{width} ({counted(number, 'video')})" for width, number in facts.get("widths", {}).items())
    several = len(facts.get("widths", {})) > 1
    rows = [
        ["videos", f"{facts['videos']:,}"],
        ["frames", f"{facts['frames']:,} ({facts['seconds'] / 60:,.1f} min at {fps:g} a second{assumed['fps']})"],
        *(
            [f"{which} video", f"{counted(facts[f'{which}_video'], 'frame')} ({facts[f'{which}_video'] / fps:,.1f} s)"]
            for which in ("shortest", "longest")
        ),
        ["segments", f"{facts['all_segments']:,}, {facts['segments']:,} without background"],
        ["classes", f"{facts['num_classes']}, background: {facts['background'] or 'none'}{assumed['background']}"],
        ["feature width", widths if several else str(facts["feature_dim"])],
    ]
    if "feature_columns" in facts:
        named, more = facts["feature_columns"][:_SHOWN], len(facts["feature_columns"]) - _SHOWN
        rows.append(["features", ", ".join(named) + (f" and {more} more" if more > 0 else "")])
    if "lowest_feature" in facts:
        rows.append(["feature values", f"{facts['lowest_feature']:.4g} to {facts['highest_feature']:.4g}"])
    if "clips" in facts:
        rate = f", median {facts['fps_of_clips']:.3g} features a second" if "fps_of_clips" in facts else ""
        rows.append(["clips", f"{facts['clips']}{rate}"])
    own = ", features of every split" if report.split_specific else ""
    size = f"{report.bytes_read / 2**20:,.0f} MiB in {report.seconds:,.1f} s"
    rows.append(["read", f"{counted(len(report.videos), 'video')}{own}, {size}"])
    print(markdown_table([f"{name}: {report.reader}", ""], rows), end="\n\n")
    header = ["split", "train videos", "frames", "test videos", "frames"]
    print(markdown_table(header, [[f"{value:,}" for value in count] for count in report.splits]), end="\n\n")
    total = max(1, sum(count.frames for count in report.classes))
    class_rows = [
        [
            count.name,
            f"{count.frames:,}",
            f"{100 * count.frames / total:.1f}",
            f"{count.segments:,}",
            f"{count.frames / count.segments / fps:.1f}" if count.segments else "-",
            f"{count.videos:,}",
        ]
        for count in report.classes
    ]
    print(markdown_table(["class", "frames", "%", "segments", "mean s", "videos"], class_rows), end="\n\n")
    if set(report.length_differences) - {0}:
        differences = [
            [f"{frames:+d}" if frames else "0", f"{number:,}"] for frames, number in report.length_differences.items()
        ]
        print(markdown_table(["frames of features more than labels", "videos"], differences), end="\n\n")


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
