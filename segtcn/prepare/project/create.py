"""The whole way, and what was found on it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segtcn.labels.classes import Classes, alike_names, listed
from segtcn.labels.labels import Labels
from segtcn.options import Folds, LabelRules, Sources
from segtcn.prepare.annotations import Finding, frame_labels
from segtcn.prepare.project.matching import MatchedAnnotations, find_annotations, match_annotations
from segtcn.prepare.project.media import count_frames, find_media
from segtcn.prepare.project.project_files import Project, amended_texts, project_texts, write_files
from segtcn.prepare.project.units import check_lost_classes, check_points, check_stamps, check_times
from segtcn.prepare.splits import Split, make_splits

LENGTH_TOLERANCE = 10
"""Largest difference in frames between features and existing frame labels; the config lets the data module trim it."""

MOST_BACKGROUND = 0.9
"""Share of the frames above which the background is noted as doubtful."""


def init_project(
    root: str | os.PathLike[str],
    sources: Sources | None = None,
    rules: LabelRules | None = None,
    folds: Folds | None = None,
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
        root: the folder; made if features or clips lie elsewhere.
        sources: where features, clips and annotations lie, and what their files do not say.
        rules: how annotations become labels of frames.
        folds: how the videos are divided.
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
    sources, rules, folds = sources or Sources(), rules or LabelRules(), folds or Folds()
    root = Path(root).expanduser()
    passed_over: list[str] = []
    paths = find_annotations(root, sources.annotations, passed_over)
    media = find_media(root, sources, progress)
    annotation_fps = sources.annotation_fps or media.fps
    matched = match_annotations(paths, media.names, root / "groundTruth", sources, annotation_fps, progress)
    matched.notes[:0] = passed_over
    feature_dim, num_frames = count_frames(media, matched.expected_frames(media.fps))
    check_times(matched.annotations, num_frames, media.fps, annotation_fps)
    points = check_points(matched.annotations, rules)
    if rules.points and rules.gaps == "ignore":
        check_stamps(matched.annotations, num_frames, media.fps)
    labels, findings = _label_frames(root, matched, num_frames, media.fps, rules)
    covered = check_lost_classes(matched.annotations, labels, media.fps, rules)
    classes, notes = _choose_classes(root / "mapping.txt", labels, rules.background, force)
    labels = {name: track.in_classes(classes) for name, track in labels.items()}
    counts = {name: track.frames_per_class() for name, track in labels.items()}
    splits = _divide(root, counts, folds)
    project = Project(
        root=root,
        labels=labels,
        num_frames={name: num_frames[name] for name in labels},
        feature_dim=feature_dim,
        extraction=media.extraction,
        videos=media.videos,
        fps=media.fps,
        fps_is_measured=media.fps_is_measured,
        classes=classes,
        splits=splits,
        groups=folds.group,
        formats=matched.formats,
        findings=findings,
        notes=[
            *matched.notes,
            *points,
            *covered,
            *_other_lengths(labels, num_frames),
            *notes,
            *_mostly_background(counts, classes),
            *_short_gaps(findings),
            *_untrained_classes(splits, counts, classes),
            *_shared_beginnings(labels, folds),
        ],
    )
    texts = project_texts(project, set(matched.labels), LENGTH_TOLERANCE)
    # its numbers hold, however it is written: without a last newline, for instance
    if not force and (root / "mapping.txt").is_file():
        texts[root / "mapping.txt"] = (root / "mapping.txt").read_bytes().decode()
    amended = {} if force else amended_texts(project, texts)
    return write_files(project, texts | amended, set(amended), media.link, force, dry_run)


def _label_frames(
    root: Path, matched: MatchedAnnotations, num_frames: Mapping[str, int], fps: float, rules: LabelRules
) -> tuple[dict[str, Labels], dict[str, list[Finding]]]:
    labels, findings = {}, {}
    for name in sorted({*matched.labels, *matched.annotations}):
        if name in matched.annotations:
            annotations = matched.annotations[name]
            labels[name], findings[name] = frame_labels(
                annotations.intervals, num_frames[name], fps, rules, annotations.source
            )
            continue
        labels[name] = matched.labels[name]
        if abs(len(labels[name]) - num_frames[name]) > LENGTH_TOLERANCE:
            raise ValueError(
                f"{labels[name].source} has {len(labels[name])} labels for {num_frames[name]} frames of features: "
                "expected one a frame; labels at another rate belong into annotations/ (`annotation_fps`)"
            )
    if len(labels) < 2:
        raise ValueError(
            f"{root} has one labelled video, {next(iter(labels))}: expected at least two, one to train on and one to "
            f"test on; {'; '.join(matched.notes) or 'label another'}"
        )
    return labels, findings


def _choose_classes(
    mapping: Path, labels: Mapping[str, Labels], background: str | None, force: bool
) -> tuple[Classes, list[str]]:
    """The classes in the order of an existing mapping, else sorted, and what should be known of them."""
    names = {track.name_of(index) for track in labels.values() for index in track.present()}
    if not names:
        raise ValueError(f"no frame of {listed(labels)} is annotated: annotate some")
    if background is None and "background" in names:
        background = "background"
    if background is not None and background not in names:
        raise ValueError(f"no frame is {background!r}, the background: choose one of {', '.join(sorted(names))}")
    class_names = Classes.from_names(names).names
    if mapping.is_file() and not force:
        class_names = Classes.read(mapping).names
        if missing := sorted(names - {*class_names}):
            raise ValueError(f"{mapping} lacks {', '.join(missing)}: add them, or let `force` replace it")
    notes = []
    if absent := [name for name in class_names if name not in names]:
        notes.append(f"classes without a frame: {', '.join(absent)}")
    if twins := alike_names(class_names):
        notes.append(f"classes that differ in spelling only: {', '.join(twins)}")
    return Classes(class_names, None if background is None else class_names.index(background)), notes


def _divide(root: Path, counts: Mapping[str, npt.NDArray[np.int64]], folds: Folds) -> list[Split]:
    try:
        return make_splits(list(counts), folds.folds, folds.group, counts if folds.stratify else None, folds.seed)
    except ValueError as error:
        raise ValueError(f"the {len(counts)} videos of {root} cannot be divided: {error}") from error


def _other_lengths(labels: Mapping[str, Labels], num_frames: Mapping[str, int]) -> list[str]:
    differences = {name: num_frames[name] - len(track) for name, track in labels.items()}
    odd = [f"{name} ({difference:+d})" for name, difference in differences.items() if difference]
    return [f"frames of features beyond the labels, which data.yaml cuts off at the end: {listed(odd)}"] if odd else []


def _mostly_background(counts: Mapping[str, npt.NDArray[np.int64]], classes: Classes) -> list[str]:
    if classes.background is None:
        return []
    frames = np.sum(list(counts.values()), axis=0)
    share = frames[classes.background] / max(1, frames.sum())
    if share <= MOST_BACKGROUND:
        return []
    return [
        f"{100 * share:.0f} % of the frames are {classes.names[classes.background]}: if more is annotated, the times "
        "have another unit or rate (`unit`, `annotation_fps`, `fps`)"
    ]


def _short_gaps(findings: Mapping[str, Sequence[Finding]]) -> list[str]:
    """Whether the background is nothing but the slips between annotations that cover everything else."""
    gaps = [finding for places in findings.values() for finding in places if finding.kind == "gap"]
    longest_s = max((gap.stop_s - gap.start_s for gap in gaps), default=0)
    if not 0 < longest_s < 1:
        return []
    return [
        f"no gap is longer than {longest_s:.3g} s: to give gaps the label before them, close those up to "
        f"{longest_s + 0.001:.3f} s (`close_gaps_s`)"
    ]


def _untrained_classes(
    splits: Sequence[Split], counts: Mapping[str, npt.NDArray[np.int64]], classes: Classes
) -> list[str]:
    notes = []
    for number, split in enumerate(splits, start=1):
        trained, tested = (np.sum([counts[name] for name in names], axis=0) for names in (split.train, split.test))
        if missing := [name for name, a, b in zip(classes.names, trained, tested, strict=True) if b and not a]:
            notes.append(f"split {number} tests classes that none of its training videos has: {', '.join(missing)}")
    return notes


def _shared_beginnings(names: Collection[str], folds: Folds) -> list[str]:
    """Whether the names look as if several videos showed one person, whose videos no split should divide."""
    beginnings = Counter(match[0] for name in names if (match := re.match(r"[A-Za-z]+[0-9]+(?=[\W_])", name)))
    if folds.group or beginnings.total() < len(names) or not 2 <= len(beginnings) <= len(names) / 2:
        return []
    return [
        f"names begin with {listed(beginnings)}: if each is a person or a recording, keep its videos on one side of a "
        "split (`group`, for instance '^[A-Za-z]+[0-9]+')"
    ]
