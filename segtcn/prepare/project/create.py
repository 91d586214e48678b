"""The whole way, and what it found."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from segtcn.data.readers.ms_tcn import order_classes, read_mapping
from segtcn.prepare.annotations import Finding, frame_labels
from segtcn.prepare.annotations.intervals import Unit
from segtcn.prepare.project.files import Project, amended_texts, card_text, config_text, write_files
from segtcn.prepare.project.labels import Annotations, check_units, find_annotations, match_annotations
from segtcn.prepare.project.material import Material, count_frames, find_material
from segtcn.prepare.splits import Split, make_splits

LENGTH_TOLERANCE = 10
"""Largest difference in frames between features and existing frame labels; the config lets the data module trim it."""

MOST_BACKGROUND = 0.9
"""Share of the frames above which the background is noted as doubtful."""


def init_project(
    root: str | os.PathLike[str],
    features: str | os.PathLike[str] | None = None,
    videos: str | os.PathLike[str] | None = None,
    annotations: str | os.PathLike[str] | None = None,
    fps: float | None = None,
    annotation_fps: float | None = None,
    unit: Unit | None = None,
    track: str | None = None,
    background: str | None = None,
    points: bool = False,
    close_gaps_s: float = 0.0,
    folds: int | None = None,
    group: str | None = None,
    stratify: bool = False,
    seed: int = 0,
    force: bool = False,
    dry_run: bool = False,
    progress: bool = True,
) -> Project:
    """Write what a folder of features (or clips) and annotations lacks to be trained on.

    ::

        ROOT/features/NAME.npy  or  videos/NAME.mp4        read; NAME may have folders, P01/tea
        ROOT/annotations/...    or  groundTruth/NAME.txt   read, any format of segtcn.prepare.annotations
        ROOT/mapping.txt  groundTruth/NAME.txt  splits/{train,test}.splitK.bundle  README.md  data.yaml    written

    Everything is read and checked before the first file is written. A file that is there with another content is
    never replaced unless ``force``; an existing ``mapping.txt`` keeps its numbers. A card and a config that state what
    was found now stay as they are, whatever else was written into them; of the features, which may come later or be
    made again, the card gets the width.

    Args:
        root: the folder; made if ``features`` or ``videos`` lie elsewhere.
        features: folder of the features; the tree then gets a link to it.
        videos: folder of the clips.
        annotations: a folder, or one file with all videos.
        fps: frames per second of the features; None takes it from the clips.
        annotation_fps: rate at which annotations count frames, if it is another.
        unit: of annotation times of which the files do not say it.
        track: ELAN's tier or BORIS's subject.
        background: name of the background class, which frames without annotation get. None: ``background`` if a class
            has this name or there are such frames, else no class is background.
        points: whether point events take the frame in which they lie.
        close_gaps_s: longest gap that takes the label before it, in seconds.
        folds: see :func:`~segtcn.prepare.splits.make_splits`.
        group: the same.
        stratify: balance the folds by class.
        seed: of the folds.
        force: replace files that are there.
        dry_run: write nothing.
        progress: whether to show a progress bar.

    Returns:
        What was found and done.

    Raises:
        FileNotFoundError: if there are no features and no clips, or no annotations.
        FileExistsError: if a file would be replaced and ``force`` is not set.
        ValueError: if a file is wrong, or features, annotations and arguments do not fit together.
    """
    for option, rate in (("fps", fps), ("annotation_fps", annotation_fps)):
        if rate is not None and not 0 < rate <= 1e6:
            raise ValueError(f"`{option}` must be positive, got {rate:g}")
    root = Path(root).expanduser()
    paths = find_annotations(root, annotations)
    material = find_material(root, features, videos, fps, progress)
    found = match_annotations(
        paths, material.names, root / "groundTruth", annotation_fps or material.fps, unit, track, progress
    )
    feature_dim, num_frames = count_frames(material, _expected_frames(found, material))
    check_units(found.tracks, num_frames, material.fps, annotation_fps or material.fps)
    labels, findings = _frame_labels(
        root, found, material, num_frames, background or "background", points, close_gaps_s
    )
    names = {label for own in labels.values() for label in own}
    if background is None and "background" in names:
        background = "background"
    if background is not None and background not in names:
        raise ValueError(f"no frame is {background!r}, the background: choose one of {', '.join(sorted(names))}")
    if len(labels) < 2:
        raise ValueError(
            f"{root} has one labelled video, {next(iter(labels))}: expected at least two, one to train on and one to "
            f"test on; {'; '.join(found.notes) or 'label another'}"
        )
    class_names, notes = _classes(root / "mapping.txt", names, force)
    counts = {name: [Counter(own)[label] for label in class_names] for name, own in labels.items()}
    try:
        splits = make_splits(list(labels), folds, group, counts if stratify else None, seed)
    except ValueError as error:
        raise ValueError(f"the {len(labels)} videos of {root} cannot be divided: {error}") from error
    project = Project(
        root=root,
        labels=labels,
        num_frames={name: num_frames[name] for name in labels},
        feature_dim=feature_dim,
        videos=material.videos,
        fps=material.fps,
        fps_is_measured=material.fps_is_measured,
        class_names=class_names,
        background=background,
        splits=splits,
        formats=found.formats,
        findings=findings,
        notes=[
            *found.notes,
            *notes,
            *_mostly_background(labels, background),
            *_short_gaps(findings),
            *_untrained_classes(splits, counts, class_names),
        ],
    )
    texts = _texts(project, kept=set(found.kept))
    # its numbers hold, however it is written: without a last newline, for instance
    if not force and (root / "mapping.txt").is_file():
        texts[root / "mapping.txt"] = (root / "mapping.txt").read_bytes().decode()
    amended = {} if force else amended_texts(project, texts)
    return write_files(project, texts | amended, set(amended), material.link, force, dry_run)


def _expected_frames(found: Annotations, material: Material) -> dict[str, int]:
    ends = {
        name: max((interval.stop_s for interval in track.intervals), default=0) for name, track in found.tracks.items()
    }
    return {name: round(end * material.fps) for name, end in ends.items()} | {
        name: len(labels) for name, labels in found.kept.items()
    }


def _frame_labels(
    root: Path,
    found: Annotations,
    material: Material,
    num_frames: Mapping[str, int],
    background: str,
    points: bool,
    close_gaps_s: float,
) -> tuple[dict[str, list[str]], dict[str, list[Finding]]]:
    labels, findings = {}, {}
    for name in sorted({*found.kept, *found.tracks}):
        if name in found.tracks:
            labels[name], findings[name] = frame_labels(
                found.tracks[name].intervals, num_frames[name], material.fps, background, points, close_gaps_s
            )
            continue
        labels[name] = found.kept[name]
        if abs(len(labels[name]) - num_frames[name]) > LENGTH_TOLERANCE:
            raise ValueError(
                f"{root / 'groundTruth' / name}.txt has {len(labels[name])} labels for {num_frames[name]} frames of "
                "features: expected one a frame; labels at another rate belong into annotations/ (`--annotation-fps`)"
            )
    return labels, findings


def _classes(mapping: Path, names: set[str], force: bool) -> tuple[list[str], list[str]]:
    """The classes in the order of an existing mapping, else of `order_classes`, and what should be known of them."""
    class_names, notes = order_classes(names), []
    if mapping.is_file() and not force:
        class_names = read_mapping(mapping)
        if missing := sorted(names - {*class_names}):
            raise ValueError(f"{mapping} lacks {', '.join(missing)}: add them, or let `--force` replace it")
    if absent := [name for name in class_names if name not in names]:
        notes.append(f"classes without a frame: {', '.join(absent)}")
    by_case = Counter(name.casefold() for name in class_names)
    if twins := [name for name in class_names if by_case[name.casefold()] > 1]:
        notes.append(f"classes that differ in case only: {', '.join(twins)}")
    return class_names, notes


def _mostly_background(labels: Mapping[str, Sequence[str]], background: str | None) -> list[str]:
    frames = Counter(label for own in labels.values() for label in own)
    share = frames[background or ""] / frames.total()
    if share <= MOST_BACKGROUND:
        return []
    return [
        f"{100 * share:.0f} % of the frames are {background}: if more is annotated, the times have another unit or "
        "rate (`--unit`, `--annotation-fps`, `--fps`)"
    ]


def _short_gaps(findings: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Whether the background is nothing but the slips between annotations that cover everything else."""
    gaps = [finding for own in findings.values() for finding in own if finding.kind == "gap"]
    longest_s = max((gap.stop_s - gap.start_s for gap in gaps), default=0)
    if not 0 < longest_s < 1:
        return []
    return [
        f"no gap is longer than {longest_s:.3g} s: `--close-gaps {longest_s + 0.001:.3f}` labels them as what is before"
    ]


def _untrained_classes(
    splits: Sequence[Split], counts: Mapping[str, Sequence[int]], class_names: Sequence[str]
) -> list[str]:
    notes = []
    for number, split in enumerate(splits, start=1):
        trained = np.sum([counts[name] for name in split.train], axis=0)
        tested = np.sum([counts[name] for name in split.test], axis=0)
        if missing := [name for name, a, b in zip(class_names, trained, tested, strict=True) if b and not a]:
            notes.append(f"split {number} tests classes that none of its training videos has: {', '.join(missing)}")
    return notes


def _texts(project: Project, kept: set[str]) -> dict[Path, str]:
    """Content of every file, the config last: where it is, everything is."""
    root = project.root
    texts = {
        root / "groundTruth" / f"{name}.txt": "".join(f"{label}\n" for label in own)
        for name, own in project.labels.items()
        if name not in kept
    }
    for number, split in enumerate(project.splits, start=1):
        for subset, names in (("train", split.train), ("test", split.test)):
            texts[root / "splits" / f"{subset}.split{number}.bundle"] = "".join(f"{name}.txt\n" for name in names)
    texts[root / "mapping.txt"] = "".join(f"{index} {name}\n" for index, name in enumerate(project.class_names))
    texts[root / "README.md"] = card_text(project)
    trims = any(len(own) != project.num_frames[name] for name, own in project.labels.items())
    texts[root / "data.yaml"] = config_text(project, LENGTH_TOLERANCE if trims else 0)
    return texts
