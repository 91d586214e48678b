"""``segtcn init``: a data set of one's own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segtcn.prepare.project import Project
    from segtcn.prepare.splits import Split

DESCRIPTION = """\
Write what a folder of features and annotations lacks to be trained on: frame labels, classes, splits, a card and a data
config. FOLDER holds features/NAME.npy, (D, T) or (T, D), or videos/NAME.mp4, and annotations/NAME.* or
groundTruth/NAME.txt; NAME may have folders (P01/tea). Annotations: exports of BORIS, ELAN and Audacity, tables and JSON
of segments, one label a line; docs/annotations.md has the rules. Overlaps, gaps and whatever else a rule decided are
reported; files are not replaced.
"""

EXAMPLES = """\
examples:
  segtcn init mydata --fps 25 --dry-run                  # what would be done
  segtcn init mydata --fps 25 --folds 4 --stratify
  segtcn init mydata --group '^(S\\d+)_'                   # S1_tea, S1_soup, S2_tea: leave one S out; rate from videos/
  segtcn init mydata --features i3d --annotations export.tsv --fps 15 --background idle
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn init",
        usage="segtcn init FOLDER [OPTIONS]",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the data set")
    source = parser.add_argument_group("what there is")
    source.add_argument("--features", type=Path, metavar="DIR", help="NAME.npy (default: FOLDER/features); is linked")
    source.add_argument("--videos", type=Path, metavar="DIR", help="clips (default: FOLDER/videos)")
    source.add_argument(
        "--annotations",
        type=Path,
        metavar="PATH",
        help="a folder, or a file with all videos (default: FOLDER/annotations)",
    )
    source.add_argument("--fps", type=float, metavar="RATE", help="features a second (default: from the clips)")
    labels = parser.add_argument_group("labels")
    labels.add_argument("--background", metavar="NAME", help="class of frames without annotation (default: background)")
    labels.add_argument("--annotation-fps", type=float, metavar="RATE", help="frames a second in the annotations")
    labels.add_argument("--unit", choices=("seconds", "frames"), help="of times of which the file does not say it")
    labels.add_argument("--track", metavar="NAME", help="the tier (ELAN) or the subject (BORIS) to take")
    labels.add_argument("--points", action="store_true", help="point events take the frame in which they lie")
    labels.add_argument(
        "--close-gaps",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="gaps up to this take the label before (default: 0)",
    )
    splits = parser.add_argument_group("splits")
    splits.add_argument("--folds", type=int, metavar="K", help="k-fold (default: 5, or one for every group)")
    splits.add_argument("--group", metavar="REGEX", help="what in a name is its group; a group is never torn apart")
    splits.add_argument("--stratify", action="store_true", help="folds balanced by class")
    splits.add_argument("--seed", type=int, default=0, metavar="N", help="of the folds (default: 0)")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.add_argument("--verbose", action="store_true", help="name every gap, overlap and so on, not the first three")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(argv[1:])

    from segtcn.prepare.annotations import LabelRules
    from segtcn.prepare.project import Sources, init_project
    from segtcn.prepare.splits import Folds

    sources = Sources(
        options.features,
        options.videos,
        options.annotations,
        options.fps,
        options.annotation_fps,
        options.unit,
        options.track,
    )
    rules = LabelRules(options.background, options.points, options.close_gaps)
    folds = Folds(options.folds, options.group, options.stratify, options.seed)
    project = init_project(
        options.folder,
        sources,
        rules,
        folds,
        force=options.force,
        dry_run=options.dry_run,
        progress=not options.quiet,
    )
    print(*_report(project, options.dry_run, options.verbose), sep="\n")


def _report(project: Project, dry_run: bool, verbose: bool) -> list[str]:
    from segtcn.prepare.project import summarize

    wide = "features not there yet" if project.feature_dim is None else f"features {project.feature_dim} wide"
    lines = [
        f"{len(project.labels)} labelled videos, {sum(project.num_frames.values())} frames, {project.fps:g} a second",
        f"{wide}; annotations: {', '.join(project.formats)}",
        f"{len(project.class_names)} classes: {', '.join(project.class_names)}",
        f"background: {project.background or 'none'}",
        f"{len(project.splits)} splits, test videos: {', '.join(map(_test, project.splits))}",
        *summarize(project.findings, None if verbose else 3),
        *(f"note: {note}" for note in project.notes),
    ]
    if project.removed:
        lines.append(f"{'would remove' if dry_run else 'removed'} {', '.join(path.name for path in project.removed)}")
    if not project.written:
        return [*lines, f"nothing to write: {project.root} is complete"]
    folders = dict.fromkeys(path.parent if path.parent != project.root else path for path in project.written)
    lines.append(
        f"{'would write' if dry_run else 'wrote'} {len(project.written)} files: {', '.join(map(str, folders))}"
        + (f"; {len(project.unchanged)} were there and are right" if project.unchanged else "")
    )
    if project.feature_dim is None:
        rate = "" if project.fps_is_measured else f" --fps {project.fps:g}"
        if any("/" in name for name in project.labels):
            rate += f" --relative-to {quote(str(project.videos))}"
        paths = f"{quote(str(project.videos))} --out {quote(str(project.root / 'features'))}"
        lines.append(f"first: segtcn extract {paths} --backbone builtin{rate}  # or a better one")
    config = quote(str(project.root / "data.yaml"))
    return [
        *lines,
        f"next: segtcn fit -c configs/model/ed_tcn.yaml -c {config} -c configs/trainer/default.yaml",
    ]


def _test(split: Split) -> str:
    return f"{split.held_out} ({len(split.test)})" if split.held_out else str(len(split.test))
