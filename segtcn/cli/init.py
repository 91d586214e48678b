"""``segtcn init``: make a data set from features or clips and annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from segtcn.cli.parser import CommandParser, with_options
from segtcn.options import Folds, LabelRules, Sources
from segtcn.text_table import counted

if TYPE_CHECKING:
    from segtcn.prepare.project import Project
    from segtcn.prepare.splits import Split


@dataclass(frozen=True)
class Show:
    """What is printed.

    Args:
        verbose: name every gap, overlap and so on, not the first three.
        quiet: no progress bar.
    """

    verbose: bool = False
    quiet: bool = False


def init(
    folder: Path,
    *,
    sources: Sources,
    rules: LabelRules,
    splits: Folds,
    dry_run: bool = False,
    force: bool = False,
    show: Show,
) -> None:
    r"""Write what a folder of features and annotations lacks to be trained on.

    That is frame labels, classes, splits, a card and a data config. FOLDER holds features/NAME.npy, (D, T) or (T, D),
    or videos/NAME.mp4, and annotations/NAME.* or groundTruth/NAME.txt; NAME may have folders (P01/tea). Annotations:
    BORIS, ELAN, Praat, Audacity, VIA, Label Studio, ActivityNet, tables and JSON of segments, tables of frames, one
    label a line; docs/annotations.md has the rules. The command reports overlaps, gaps and whatever else a rule
    decided, and replaces no file.

    Args:
        folder: the data set.
        sources: what there is.
        rules: how annotations become labels.
        splits: how videos are divided.
        dry_run: write nothing.
        force: replace files that are there.
        show: what is printed.

    Examples:
      segtcn init mydata --fps 25 --dry-run                  # what would be done
      segtcn init mydata --fps 25 --folds 4 --stratify
      segtcn init mydata --group '^(S\d+)_'                    # S1_tea, S1_soup, S2_tea: leave one S out
      segtcn init mydata --gaps ignore                         # only a part of each video is annotated
      segtcn init mydata --features i3d --annotations export.tsv --fps 15 --background idle
    """
    from segtcn.prepare.project import init_project

    project = init_project(
        folder,
        sources,
        rules,
        splits,
        force=force,
        dry_run=dry_run,
        progress=not show.quiet,
    )
    print(*_report(project, dry_run, show.verbose), sep="\n")


def _report(project: Project, dry_run: bool, verbose: bool) -> list[str]:
    from segtcn.prepare.project import summarize

    parser = CommandParser(init)
    wide = "features not there yet" if project.feature_dim is None else f"features {project.feature_dim} wide"
    lines = [
        f"{counted(len(project.labels), 'labelled video')}, "
        f"{counted(sum(project.num_frames.values()), 'frame')}, {project.fps:g} a second",
        f"{wide}; annotations: {', '.join(project.formats)}",
        f"{len(project.class_names)} classes: {', '.join(project.class_names)}",
        f"background: {project.background or 'none'}",
        f"{counted(len(project.splits), 'split')}, test videos: {', '.join(map(_test, project.splits))}",
        *summarize(project.findings, None if verbose else 3),
        *(f"note: {with_options(note, parser)}" for note in project.notes),
    ]
    if project.removed:
        lines.append(f"{'would remove' if dry_run else 'removed'} {', '.join(path.name for path in project.removed)}")
    if not project.written:
        return [*lines, f"nothing to write: {project.root} is complete"]
    folders = dict.fromkeys(path.parent if path.parent != project.root else path for path in project.written)
    lines.append(
        f"{'would write' if dry_run else 'wrote'} {counted(len(project.written), 'file')}: "
        f"{', '.join(map(str, folders))}"
        + (f"; {len(project.unchanged)} were there and are right" if project.unchanged else "")
    )
    return [*lines, *_next_commands(project)]


def _next_commands(project: Project) -> list[str]:
    videos = quote(str(project.videos))
    commands = [f"next: segtcn fit -c ed_tcn -c {quote(str(project.root / 'data.yaml'))}"]
    if project.feature_dim is None:
        rate = "" if project.fps_is_measured else f" --fps {project.fps:g}"
        folder = f" --relative-to {videos}" if any("/" in name for name in project.labels) else ""
        out = quote(str(project.root / "features"))
        commands.insert(
            0, f"first: segtcn extract {videos} --out {out} --backbone builtin{rate}{folder}  # or a better one"
        )
    return commands


def _test(split: Split) -> str:
    return f"{split.held_out} ({len(split.test)})" if split.held_out else str(len(split.test))
