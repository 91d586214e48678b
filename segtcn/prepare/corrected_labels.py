"""Corrected labels into a data set: the truth is replaced, splits stay, and everything is checked before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segtcn.atomic import write_text
from segtcn.data.card import read_card
from segtcn.data.readers import MSTCNReader
from segtcn.labels.classes import Classes, listed
from segtcn.labels.files import read_labels, write_labels
from segtcn.labels.folder import find_label_files, read_label_files
from segtcn.labels.labels import Labels
from segtcn.labels.video_lists import VideoLists
from segtcn.prepare.project.project_files import recounted_card
from segtcn.structures import IGNORE

_TABLES = (".csv", ".tsv", ".parquet")


class AddedLabels(NamedTuple):
    """What :func:`add_labels` did, or would do.

    Args:
        changed: number of frames with another label, of every video whose truth is replaced; all of its frames where it
            had no truth.
        unchanged: videos whose truth is the same already.
        new_classes: names that were added to ``mapping.txt``, behind the others.
        tested: the changed videos that each split tests, by its number.
        unlisted: changed videos that no split lists.
        backup: folder with the truth that was replaced; None where nothing was.
    """

    changed: dict[str, int]
    unchanged: list[str]
    new_classes: tuple[str, ...]
    tested: dict[int, list[str]]
    unlisted: list[str]
    backup: Path | None


def add_labels(
    root: str | os.PathLike[str],
    corrected: str | os.PathLike[str],
    new_classes: bool = False,
    dry_run: bool = False,
) -> AddedLabels:
    """Put corrected labels into a data set in the tree of the MS-TCN release.

    Each file replaces ``ROOT/groundTruth/NAME.txt``; what was there is kept in ``ROOT/groundTruth_before_N``. The card
    gets the new counts. Lists of videos are never touched. Everything is read and checked before the first file is
    written.

    Args:
        root: the data set, with ``groundTruth``, ``splits`` and ``mapping.txt``.
        corrected: folder with one label file a video, such as the player saves.
        new_classes: whether classes that ``mapping.txt`` lacks are added to it; their indexes come last, so that the
            others keep theirs.
        dry_run: write nothing.

    Raises:
        FileNotFoundError: if a folder or ``mapping.txt`` is missing, or there is no label file.
        ValueError: if a video is not in the data set, a file is wrong, has no label or another number of them, two
            files of a video differ, or there is a new class without ``new_classes``.
    """
    root, corrected = Path(root).expanduser(), Path(corrected).expanduser()
    truth = root / "groundTruth"
    if not truth.is_dir():
        raise FileNotFoundError(
            f"no folder {truth}: `root` must be a data set with groundTruth/NAME.txt; `segtcn convert` makes one"
        )
    if corrected.resolve() in (truth.resolve(), root.resolve()):
        raise ValueError(f"{corrected} is the data set itself: give the folder with the corrected labels")
    lists = VideoLists(root / "splits", suffixes=(".txt", ".npy", ".npz", *_TABLES))
    files = find_label_files(corrected)
    _check_names(root, files, {*lists.names()})
    known = Classes.read(root / "mapping.txt")
    read = read_label_files(files)
    if empty := sorted(name for name, labels in read.items() if not labels.present()):
        raise ValueError(f"{corrected}: no frame of {listed(empty)} is annotated: annotate some, or remove the file")
    classes = known.extended(labels.classes.names[index] for labels in read.values() for index in labels.present())
    added = classes.names[len(known) :]
    if added and not new_classes:
        raise ValueError(
            f"{root / 'mapping.txt'} lacks {listed(added)}: correct the labels, or let `new_classes` add them"
        )
    read = {name: labels.in_classes(classes) for name, labels in read.items()}
    changed = {name: num for name, labels in read.items() if (num := _num_changed(root, name, labels, classes))}
    tested = {split: [name for name in _test_videos(lists, split) if name in changed] for split in lists.splits}
    backup = None
    if not dry_run and changed:
        backup = _write(root, {name: read[name] for name in changed}, classes if added else None)
        _recount(root, classes)
    unlisted = sorted(changed.keys() - {*lists.names()})
    return AddedLabels(changed, sorted(read.keys() - changed.keys()), added, tested, unlisted, backup)


def _test_videos(lists: VideoLists, split: int) -> list[str]:
    try:
        return lists.videos(split, "test")
    except FileNotFoundError:  # a data set without test videos can be trained on
        return []


def _check_names(root: Path, files: Mapping[str, Path], listed_names: set[str]) -> None:
    features = (path.relative_to(root / "features").with_suffix("") for path in (root / "features").rglob("[!.]*.*"))
    present = {*listed_names, *(path.as_posix() for path in features)}
    if unknown := sorted(files.keys() - present):
        raise ValueError(
            f"{root} has no video {listed(unknown)}: rename the file as the video is named, or make features of the "
            "video first"
        )
    tables = (root / "groundTruth" / f"{name}{suffix}" for name in files for suffix in _TABLES)
    if table := next((path for path in tables if path.is_file()), None):
        raise ValueError(f"{table} is a table, which is not replaced: `segtcn convert` makes a tree with text files")


def _num_changed(root: Path, name: str, labels: Labels, classes: Classes) -> int:
    """Frames whose label is another one than in the data set.

    Raises:
        ValueError: if the number of frames is another.
    """
    path = root / "groundTruth" / f"{name}.txt"
    if path.is_file():
        before = read_labels(path).in_classes(classes).indexes
    else:
        num_frames = MSTCNReader(str(root)).read(name, labels=False).features.shape[1]
        before = np.full(num_frames, IGNORE - 1)  # no label at all
    if len(before) != len(labels):
        raise ValueError(
            f"{labels.source} has {len(labels)} labels, the video {len(before)} frames in {root}: correct the labels "
            "that are shown at that rate, or put a table with seconds into annotations/ and use `segtcn init`"
        )
    return int((before != labels.indexes).sum())


def _write(root: Path, labels: Mapping[str, Labels], classes: Classes | None) -> Path | None:
    """Keep what will be replaced, then write; returns the folder of the backup."""
    backup = next(folder for n in count(1) if not (folder := root / f"groundTruth_before_{n}").exists())
    if classes is not None:
        classes.write(root / "mapping.txt")  # first: labels of an unknown class would be refused
    for name, track in labels.items():
        path, old = root / "groundTruth" / f"{name}.txt", backup / f"{name}.txt"
        if path.is_file():
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, old)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_labels(path, track)
    return backup if backup.exists() else None


def _recount(root: Path, classes: Classes) -> None:
    """State the counts of the new truth in the card; a wrong card or truth is left to `segtcn check`."""
    card, files = root / "README.md", find_label_files(root / "groundTruth")
    with suppress(FileNotFoundError, ValueError):
        read_card(card)
        videos = [labels.in_classes(classes) for labels in read_label_files(files).values()]
        write_text(card, recounted_card(card.read_text(encoding="utf-8"), videos, classes))
