"""Runs: what networks predicted for their test videos, together with the truth."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from segtcn.evaluation.pairs import pair_labels
from segtcn.evaluation.run_facts import PREDICTIONS, RUN_FILE, RunFacts
from segtcn.labels import (
    Classes,
    Labels,
    check_names,
    common_classes,
    find_label_files,
    read_archive_labels,
    read_label_files,
)
from segtcn.labels.classes import listed
from segtcn.labels.track_classes import track_files
from segtcn.options import Scoring
from segtcn.progress import progress_bar

_PART = re.compile(r"split(\d+)-seed(\d+)")


class RunPart(NamedTuple):
    """The test videos of one trained network.

    Args:
        split: number of the split, empty where nothing says it.
        seed: seed of the training, None where nothing says it.
        preds: predicted labels of each video at the rate of the files, without scores of classes: those of a data set
            would fill the memory.
        truths: true labels of the videos that have any, at the same rate.
        files: the label file of each video; that of a run holds scores and truth, too.
    """

    split: str
    seed: int | None
    preds: dict[str, Labels]
    truths: dict[str, Labels]
    files: dict[str, Path]


@dataclass(frozen=True)
class Run:
    """All test videos of a run, of one split or several, with one seed or several.

    Args:
        name: that of ``run.json`` or of the folder.
        parts: one for each trained network.
        classes: of all labels.
        background: classes that are left out of scores.
        protocol: under which the run was scored, None where nothing says it.
        fps: labels per second of the files, None where nothing says it.
        sample_rate: the network saw one label in this many.
        notes: what the user should know: videos without a prediction or truth.
        groups: regular expression of the person or recording in the name of a video, None where nothing says it.
    """

    name: str
    parts: tuple[RunPart, ...]
    classes: Classes
    background: tuple[int, ...] = ()
    protocol: str | None = None
    fps: float | None = None
    sample_rate: int = 1
    notes: tuple[str, ...] = ()
    groups: str | None = None

    @classmethod
    def read(cls, folder: Path, incomplete: bool = False, progress: bool = False) -> Run:
        """Read the folder of a run: ``run.json`` and ``predictions/NAME.npz`` are all that it needs.

        Args:
            folder: of ``segtcn test``, or of ``segtcn crossval``, which holds one of ``segtcn test`` for each network.
            incomplete: whether videos without a prediction, and networks that are not tested yet, are left out with a
                note.
            progress: whether to show a progress bar.

        Raises:
            FileNotFoundError: if there is no ``run.json``, or a prediction is missing.
            ValueError: if a file is damaged or written by a newer segtcn, or two networks have the same split and seed.
        """
        if not folder.is_dir():
            raise FileNotFoundError(f"no folder {folder}: give the folder of a run, or of prediction files")
        tested: list[tuple[RunFacts, RunPart]] = []
        place_of: dict[tuple[str, int | None], Path] = {}
        notes: list[str] = []
        for place in _network_folders(folder):
            try:
                facts = RunFacts.read(place)
                part, missing = _read_part(place, facts, tested[0][0].classes if tested else facts.classes, progress)
                if missing and not (incomplete and part.preds):
                    raise FileNotFoundError(missing)
            except FileNotFoundError as error:
                if not incomplete or place == folder:
                    raise
                notes.append(str(error))
                continue
            if (twin := place_of.setdefault((part.split, part.seed), place)) != place:
                raise ValueError(
                    f"{folder} holds split {part.split} with seed {part.seed} twice: {twin.name} and {place.name}"
                )
            tested.append((facts, part))
            notes += [missing] if missing else []
        if not tested:
            raise FileNotFoundError(f"no network in {folder} has been tested: {notes[0]}")
        first, parts = tested[0][0], tuple(part for _, part in tested)
        # the name of a cross-validation is that of its folder: each of its networks has one of its own
        name = first.name if first.name and _network_folders(folder) == [folder] else folder.resolve().name
        return cls(
            name,
            parts,
            first.classes,
            background=() if first.classes.background is None else (first.classes.background,),
            protocol=first.protocol,
            fps=first.fps,
            sample_rate=first.sample_rate,
            notes=tuple(notes),
            groups=first.groups,
        )

    @classmethod
    def from_files(
        cls, name: str, files: Mapping[str, Path], classes: Classes | None = None, fps: float | None = None
    ) -> Run:
        """Make a run of label files, which know neither truth nor protocol.

        Args:
            name: of the run.
            files: one for each video, as :func:`segtcn.labels.find_label_files` finds them.
            classes: the known classes, at least those of class indexes; None takes the names that occur.
            fps: labels per second; None takes what the files say.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if a file cannot be understood.
        """
        preds = read_label_files(files, classes, fps)
        classes = common_classes(preds.values(), classes)
        rate = next((labels.fps for labels in preds.values() if labels.fps), None)
        return cls(name, (RunPart("", None, preds, {}, dict(files)),), classes, fps=rate).in_classes(classes)

    def map_labels(self, change: Callable[[Labels], Labels]) -> Run:
        """The same run with other labels, predicted and true.

        Args:
            change: makes the labels of a video from those that the run has.
        """

        def changed(side: Mapping[str, Labels]) -> dict[str, Labels]:
            return {name: change(labels) for name, labels in side.items()}

        parts = (part._replace(preds=changed(part.preds), truths=changed(part.truths)) for part in self.parts)
        return replace(self, parts=tuple(parts))

    def in_classes(self, classes: Classes) -> Run:
        """The same run with the indexes of another list of classes.

        Raises:
            ValueError: if a class that occurs is not in ``classes``.
        """
        background = [self.classes.names[label] for label in self.background]
        indexes = tuple(classes.index[name] for name in background if name in classes.index)
        run = self.map_labels(lambda labels: labels.in_classes(classes))
        return replace(run, classes=classes, background=indexes)

    def notes_on_truth(self) -> list[str]:
        """The notes of this run, and which of its videos have no truth."""
        truths = {name: labels for part in self.parts for name, labels in part.truths.items() if labels.present()}
        videos = {name: name in truths for part in self.parts for name in part.preds}
        names = sorted(name for name, has_truth in videos.items() if not has_truth)
        text = f"{self.name}: no truth of {len(names)} of {len(videos)} videos: {listed(names)}"
        return [*self.notes, *([text] if names else [])]


def read_run(folder: Path, scoring: Scoring | None = None) -> Run:
    """Read a run, or a folder with one prediction file a video, and the truth.

    Args:
        folder: of ``segtcn test``, of ``segtcn crossval``, or of prediction files, which need ``scoring.truth``.
        scoring: where the truth is, and what to leave out; None takes what the run says.

    Raises:
        FileNotFoundError: if a file or folder is missing.
        ValueError: if a file cannot be understood, a video has no truth, or predictions and truth differ in length.
    """
    scoring = scoring or Scoring()
    known = None if scoring.mapping is None else Classes.read(scoring.mapping)
    if not folder.is_dir() or is_run(folder):
        run = Run.read(folder, scoring.incomplete)
    elif scoring.truth is None:
        if inside := [path.name for path in sorted(folder.iterdir()) if is_run(path)]:
            raise FileNotFoundError(f"{folder} holds several runs, give one of them: {listed(inside)}")
        raise FileNotFoundError(
            f"no {RUN_FILE} in {folder}, so it does not say the truth: give the folder of a run, or the true labels "
            "(`truth`)"
        )
    else:
        run = Run.from_files(folder.resolve().name, find_label_files(folder), known)
    if scoring.truth is not None:
        run = _pair_with_truth(run, scoring, known)
    elif known is not None:
        run = run.in_classes(known)
    if scoring.background is not None:
        run = replace(run, background=run.classes.indexes_named(scoring.background))
    return run


def _pair_with_truth(run: Run, scoring: Scoring, known: Classes | None) -> Run:
    """A run with the true labels of a folder in place of its own."""
    files = find_label_files(Path(str(scoring.truth)))
    names = {name for part in run.parts for name in part.preds}
    truths = read_label_files({name: path for name, path in files.items() if name in names}, known)
    check_names([*truths.values(), *(labels for part in run.parts for labels in part.preds.values())])
    run = run.in_classes(known or common_classes(truths.values(), run.classes))
    parts = []
    for part in run.parts:
        preds = {name: labels for name, labels in part.preds.items() if name in truths or not scoring.incomplete}
        true = {name: truths[name] for name in preds if name in truths}
        pairs = pair_labels(preds, true, run.classes, scoring.length_policy, scoring.length_tolerance)
        parts.append(part._replace(preds={**part.preds, **pairs.preds}, truths=pairs.truth))
    return replace(run, parts=tuple(parts))


def is_run(folder: Path) -> bool:
    """Whether a folder is one of ``segtcn fit``, ``test`` or ``crossval``, not of mere prediction files."""
    if not folder.is_dir():
        return False
    has_file = any((folder / name).is_file() for name in (RUN_FILE, "config.yaml"))
    return has_file or _network_folders(folder) != [folder]


def _network_folders(folder: Path) -> list[Path]:
    """The folder of each trained network of a cross-validation, or the folder itself."""
    matches = {path: match for path in folder.iterdir() if path.is_dir() and (match := _PART.fullmatch(path.name))}
    return sorted(matches, key=lambda path: (int(matches[path][1]), int(matches[path][2]))) or [folder]


def _read_part(folder: Path, facts: RunFacts, classes: Classes, progress: bool) -> tuple[RunPart, str | None]:
    """The test videos of a network, and which of them have no prediction."""
    files = {name: folder / PREDICTIONS / f"{name}.npz" for name in facts.videos}
    missing = [name for name, path in files.items() if not path.is_file()]
    files = track_files({name: files[name] for name in files if name not in missing})
    preds, truths = {}, {}
    for name, path in progress_bar(files.items(), "read labels", unit="video", show=progress, keep=False):
        labels, truth = read_archive_labels(path)
        preds[name] = labels.without_scores().in_classes(classes)
        if truth is not None:
            truths[name] = truth.in_classes(classes)
    text = f"no predictions of {listed(missing)} in {folder}: run `segtcn test` again" if missing else None
    split = "" if facts.split is None else str(facts.split)
    return RunPart(split, facts.seed, preds, truths, files), text
