"""``segtcn init``: make a data set of features or clips and annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal

from segtcn.cli.parser import CommandParser, Dir, Rate, with_options

if TYPE_CHECKING:
    from segtcn.prepare.project import Project
    from segtcn.prepare.splits import Split


@dataclass(frozen=True)
class SourceOptions:
    """What there is.

    Args:
        features: NAME.npy (default: FOLDER/features); is linked.
        videos: clips (default: FOLDER/videos).
        annotations: a folder, or a file with all videos (default: FOLDER/annotations).
        fps: features per second (default: from the clips).
        annotation_fps: frames per second in the annotations.
        unit: of times where the file does not state it.
        track: the tier (ELAN, Praat), subject (BORIS) or attribute (VIA) to take.
    """

    features: Dir | None = None
    videos: Dir | None = None
    annotations: Path | None = None
    fps: Rate | None = None
    annotation_fps: Rate | None = None
    unit: Literal["seconds", "frames"] | None = None
    track: str | None = None


@dataclass(frozen=True)
class LabelOptions:
    """Labels.

    Args:
        background: the class that scores leave out (default: background).
        points: point events take the frame in which they lie.
        close_gaps_s: gaps up to this take the label before.
        gaps: frames without annotation are background, ignore (they do not count) or another class.
    """

    background: str | None = None
    points: bool = False
    close_gaps_s: Annotated[float, "SECONDS"] = 0.0
    gaps: Annotated[str, "background|ignore|CLASS"] = "background"


@dataclass(frozen=True)
class FoldOptions:
    """Splits.

    Args:
        folds: k-fold (default: 5, or one for every group).
        group: what in a name is its group; a group is never split.
        stratify: folds balanced by class.
        seed: of the folds.
    """

    folds: Annotated[int, "K"] | None = None
    group: Annotated[str, "REGEX"] | None = None
    stratify: bool = False
    seed: int = 0


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
    sources: SourceOptions,
    rules: LabelOptions,
    splits: FoldOptions,
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
    from segtcn.prepare.annotations import LabelRules
    from segtcn.prepare.project import Sources, init_project
    from segtcn.prepare.splits import Folds

    project = init_project(
        folder,
        Sources(**vars(sources)),
        LabelRules(**vars(rules)),
        Folds(splits.folds, splits.group, splits.stratify, splits.seed),
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
        f"{len(project.labels)} labelled videos, {sum(project.num_frames.values())} frames, {project.fps:g} a second",
        f"{wide}; annotations: {', '.join(project.formats)}",
        f"{len(project.class_names)} classes: {', '.join(project.class_names)}",
        f"background: {project.background or 'none'}",
        f"{len(project.splits)} splits, test videos: {', '.join(map(_test, project.splits))}",
        *summarize(project.findings, None if verbose else 3),
        *(f"note: {with_options(note, parser)}" for note in project.notes),
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
