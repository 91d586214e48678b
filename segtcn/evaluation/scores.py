"""The field's scores of predictions: of runs with every split, seed and video, of files, and of labels in memory."""

from __future__ import annotations

import os
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segtcn.evaluation.pairs import LabelPairs, pair_files, pair_labels
from segtcn.evaluation.runs import Run, RunPart
from segtcn.labels.classes import Classes, listed
from segtcn.labels.files import read_labels
from segtcn.labels.folder import find_label_files, video_name
from segtcn.labels.labels import Labels
from segtcn.labels.labels_like import as_labels
from segtcn.metrics import Evaluation, evaluate_videos
from segtcn.metrics.protocols import SCORES, get_protocol
from segtcn.text_table import counted


class RunScores(NamedTuple):
    """The scores of a run under one protocol.

    Args:
        name: of the run.
        protocol: name of the protocol.
        splits: for each split the scores with each seed; all seeds have the same videos in the same order.
        sample_rate: one label in this many was scored.
        fps: labels per second that the protocol was given, None where nothing says it.
    """

    name: str
    protocol: str
    splits: dict[str, list[Evaluation]]
    sample_rate: int = 1
    fps: float | None = None

    @property
    def scores(self) -> dict[str, float]:
        """Mean over the splits of the mean over the seeds, in percent."""
        return _mean([self.split_scores(split) for split in self.splits])

    @property
    def videos(self) -> dict[str, dict[str, float]]:
        """Scores of each video, mean over the seeds, in percent; of one in several splits those of the last."""
        return {name: scores for split in self.splits for name, scores in self.video_scores(split).items()}

    def split_scores(self, split: str) -> dict[str, float]:
        """Scores of one split, mean over the seeds, in percent."""
        return _mean([evaluation.scores for evaluation in self.splits[split]])

    def video_scores(self, split: str) -> dict[str, dict[str, float]]:
        """Scores of each video of one split, mean over the seeds, in percent."""
        seeds = [evaluation.videos for evaluation in self.splits[split]]
        return {name: _mean([videos[name] for videos in seeds]) for name in seeds[0]}


def score_run(run: Run, protocol: str | None = None, sample_rate: int | None = None) -> RunScores:
    """Score every trained network of a run on its test videos.

    Args:
        run: the predictions and the truth; videos without truth are passed over.
        protocol: name of the protocol; None takes the run's own, or ``lea``.
        sample_rate: score one label in this many; None leaves it to the protocol.

    Raises:
        ValueError: if the protocol is unknown, ``sample_rate`` is not positive, no video has a truth, or two seeds of a
            split have different videos or another truth of one.
    """
    if sample_rate is not None and sample_rate < 1:
        raise ValueError(f"`sample_rate` must be at least 1 (every frame), got {sample_rate}")
    choice = protocol or run.protocol or "lea"
    rate = sample_rate or (1 if get_protocol(choice).stored_rate else run.sample_rate)
    fps = None if run.fps is None else run.fps / rate
    splits: dict[str, list[Evaluation]] = {}
    _check_one_truth(run)
    for part in run.parts:
        pairs = scored_pairs(part, rate)
        if not pairs:
            continue
        evaluation = evaluate_videos(
            {name: preds for name, (preds, _) in pairs.items()},
            {name: labels for name, (_, labels) in pairs.items()},
            choice,
            class_names=run.classes.names,
            background=run.background,
            fps=fps,
        )
        seeds = splits.setdefault(part.split, [])
        seeds.append(evaluation)
        if [*evaluation.videos] != [*seeds[0].videos]:
            raise ValueError(f"the seeds of split {part.split} in {run.name} have predictions of different videos")
    if not splits:
        raise ValueError(f"no truth of any video of {run.name}: give it (`truth`), or run `segtcn test` again")
    return RunScores(run.name, choice, splits, rate, fps)


def scored_pairs(part: RunPart, sample_rate: int = 1) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Predicted and true class of the scored frames of each video, ``(T,)``; videos that nobody annotated are left out.

    Args:
        part: the test videos of a network.
        sample_rate: one label in this many is scored.
    """
    return {
        name: (part.preds[name].indexes[::sample_rate], labels.indexes[::sample_rate])
        for name, labels in part.truths.items()
        if labels[::sample_rate].present()
    }


def comparable_runs(runs: Sequence[Run], incomplete: bool = False) -> list[Run]:
    """Runs with the same splits, and with the truth of the same videos: those that one run has none of are left out.

    Folders of mere predictions do not say their split and their background. They get those of the other runs if these
    have one in common.

    Args:
        runs: to be compared.
        incomplete: whether to leave out those that one run has no prediction of, too, and seeds that a split lacks.

    Raises:
        ValueError: if two runs have another truth of a video, or other classes as background, or a run has other seeds
            of one split than of another.
    """
    runs = _of_one_background([_with_whole_seeds(run) for run in runs] if incomplete else runs)
    runs = _of_known_split(runs)
    parts = [part for run in runs for part in run.parts]
    left_out: dict[str, set[str]] = {part.split: set() for part in parts}
    for part in parts:
        truths = {name for name, labels in part.truths.items() if labels.present()}
        names = {name for other in parts if other.split == part.split for name in other.preds}
        left_out[part.split] |= (names if incomplete else part.preds.keys()) - truths
    runs = [replace(run, parts=tuple(_without_truth(part, left_out[part.split]) for part in run.parts)) for run in runs]
    for run in runs:
        _check_same_truth(runs[0], run)
        _check_same_seeds(run, incomplete)
    return runs


def left_out_notes(runs: Sequence[Run], comparable: Sequence[Run]) -> list[str]:
    """Seeds and videos that :func:`comparable_runs` left out of each run, for the foot of a table.

    Args:
        runs: before.
        comparable: after, in the same order.
    """
    notes = []
    for before, after in zip(_of_known_split(runs), comparable, strict=True):
        seeds = {part.seed for part in before.parts} - {part.seed for part in after.parts}
        videos = {video[1] for video in _with_truth(before) - _with_truth(after)}
        missing = {"seed": sorted(map(str, seeds)), "video": sorted(videos)}
        texts = [f"{counted(len(names), what)} ({listed(names)})" for what, names in missing.items() if names]
        if texts:
            notes.append(f"{before.name}: {' and '.join(texts)} left out, since another split or run lacks them")
    return notes


def _with_truth(run: Run) -> set[tuple[str, str]]:
    return {video for video, labels in _truths(run).items() if labels.present()}


def _with_whole_seeds(run: Run) -> Run:
    """A run with the seeds that all of its splits have, if there are any."""
    seeds = {split: {part.seed for part in run.parts if part.split == split} for split in {p.split for p in run.parts}}
    whole = set.intersection(*seeds.values())
    return replace(run, parts=tuple(part for part in run.parts if part.seed in whole)) if whole else run


def _of_known_split(runs: Sequence[Run]) -> list[Run]:
    """Runs in which folders of mere predictions have the split of the others, if these have one in common."""
    known = {part.split for run in runs for part in run.parts} - {""}
    if len(known) != 1:
        return [*runs]
    (split,) = known
    return [replace(run, parts=tuple(part._replace(split=split) for part in run.parts)) for run in runs]


def _of_one_background(runs: Sequence[Run]) -> list[Run]:
    """Runs with the same background; those of mere predictions get that of the others."""
    known = next((run for run in runs if run.protocol is not None), None)
    if known is not None:
        left_out = [known.classes.names[label] for label in known.background]
        runs = [run if run.protocol or run.background else _with_background(run, left_out) for run in runs]
    first, *_ = names_of = [{run.classes.names[label] for label in run.background} for run in runs]
    for run, names in zip(runs, names_of, strict=True):
        # a class that never occurs is not missed
        if names & {*runs[0].classes.names} != first & {*run.classes.names}:
            one, other = (", ".join(sorted(each)) or "nothing" for each in (first, names))
            raise ValueError(
                f"{runs[0].name} leaves out {one} and {run.name} {other} as background: name it for both (`background`)"
            )
    return [*runs]


def _with_background(run: Run, names: Sequence[str]) -> Run:
    return replace(run, background=tuple(run.classes.index[name] for name in names if name in run.classes.index))


def _check_same_truth(first: Run, run: Run) -> None:
    truths, others = _truths(first), _truths(run)
    shared = [video for video in truths if video in others]
    present, of_others = ({name for video in shared for name in _present(of[video])} for of in (truths, others))
    remedy = "score both on one (`truth`)"
    if different := present ^ of_others:
        raise ValueError(
            f"{first.name} and {run.name} differ in their truth: only one has {listed(sorted(different))}; {remedy}"
        )
    for video in shared:
        expected, found = truths[video], others[video]
        if not _is_same_truth(expected, found):
            raise ValueError(f"{first.name} and {run.name} differ in their truth of the video {video[1]}: {remedy}")


def _check_one_truth(run: Run) -> None:
    truths = _truths(run)
    for part in run.parts:
        for name, labels in part.truths.items():
            first = truths[part.split, name]
            is_of_one_rate = None in (first.fps, labels.fps) or first.fps == labels.fps
            if len(first) != len(labels) or not is_of_one_rate or not _is_same_truth(first, labels):
                raise ValueError(
                    f"the seeds of split {part.split} in {run.name} differ in their truth of the video {name}: run "
                    "`segtcn test` again for those before the labels changed, or score all on one (`truth`)"
                )


def _check_same_seeds(run: Run, incomplete: bool) -> None:
    seeds: dict[str, list[int | None]] = {}
    for part in run.parts:
        seeds.setdefault(part.split, []).append(part.seed)
    first, *others = seeds
    if different := [split for split in others if {*seeds[split]} != {*seeds[first]}]:
        one, other = (
            f"{'seeds' if len(seeds[split]) > 1 else 'seed'} {', '.join(map(str, seeds[split]))} of split {split}"
            for split in (first, different[0])
        )
        remedy = "there is no seed of all splits" if incomplete else "or leave out seeds (`incomplete`)"
        raise ValueError(f"{run.name} has {one} and {other}: train the missing, {remedy}")


def _is_same_truth(expected: Labels, labels: Labels) -> bool:
    """Whether two truths of a video agree up to the end of the shorter; truths at other rates are not compared."""
    shorter, longer = sorted((len(expected), len(labels)))
    has_rates = expected.fps is not None and labels.fps is not None
    is_of_one_rate = expected.fps == labels.fps if has_rates else longer < 1.5 * shorter
    if shorter < longer and not is_of_one_rate:
        return True
    return bool((labels.in_classes(expected.classes).indexes[:shorter] == expected.indexes[:shorter]).all())


def _truths(run: Run) -> dict[tuple[str, str], Labels]:
    """The truth of each video of each split."""
    return {(part.split, name): labels for part in run.parts for name, labels in part.truths.items()}


def _present(labels: Labels) -> list[str]:
    return [labels.classes.names[label] for label in labels.present()]


def _without_truth(part: RunPart, names: Container[str]) -> RunPart:
    return part._replace(truths={name: labels for name, labels in part.truths.items() if name not in names})


def _mean(rows: Iterable[Mapping[str, float]]) -> dict[str, float]:
    rows = [*rows]
    return {key: sum(row[key] for row in rows) / len(rows) for key in SCORES}


Videos: TypeAlias = Any
"""Labels of one video, :data:`~segtcn.labels.LabelsLike`, or of several: a dict of those by name, or a folder."""


def evaluate(
    preds: Videos,
    labels: Videos,
    protocol: str = "lea",
    classes: Classes | Sequence[str] | None = None,
    background: str | int | Collection[int] | None = None,
    fps: float | None = None,
    videos: Collection[str] | None = None,
) -> Evaluation:
    """The field's five scores of predictions: of one video or of several, in memory or in files.

    Args:
        preds: predictions: :class:`~segtcn.labels.Labels`, class indexes or names ``(T,)``, or a label file; of several
            videos a dict of those by name, or a folder.
        labels: the truth, in any of these forms. Frames of :data:`~segtcn.structures.IGNORE` do not count.
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        classes: names of the classes, which also say what indexes mean; None takes those of labels and files.
        background: classes to leave out, in addition to those that the protocol knows by name: indexes, or names with
            commas between them.
        fps: labels per second, for protocols that score at a rate of their own; None takes what labels and files state,
            or the frames as they come.
        videos: names of the videos to score, such as those of a split; None takes all, which both sides must hold.

    Returns:
        The scores of all videos and of each, in percent.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if an argument or a file cannot be understood, or predictions and truth do not fit together.

    Example:
        >>> evaluate([0, 1, 1, 1], [0, 0, 1, 1]).scores["accuracy"]
        75.0
        >>> evaluate({"tea": ["rest", "pour"]}, {"tea": ["pour", "pour"]}, background="rest").scores["accuracy"]
        50.0
    """
    if classes is not None and not isinstance(classes, Classes):
        classes = Classes(tuple(classes))
    if _is_path(preds) and _is_path(labels):
        pairs = pair_files(Path(preds), Path(labels), classes, videos)
    else:
        pred_videos, true_videos = (
            _chosen(_by_name(side, classes, kind), videos)
            for side, kind in ((preds, "the prediction"), (labels, "the truth"))
        )
        if not any(isinstance(side, Mapping) or (_is_path(side) and Path(side).is_dir()) for side in (preds, labels)):
            true_videos = dict(zip(pred_videos, true_videos.values(), strict=True))
        pairs = pair_labels(pred_videos, true_videos, classes)
    if background is None or isinstance(background, str):
        background = pairs.classes.indexes_named(background or "")
    return score_pairs(pairs, protocol, (background,) if isinstance(background, int) else background, fps)


def score_pairs(
    pairs: LabelPairs, protocol: str = "lea", background: Collection[int] = (), fps: float | None = None
) -> Evaluation:
    """The field's five scores of videos under one protocol.

    Args:
        pairs: predictions and truth.
        protocol: a name in :data:`~segtcn.metrics.protocols.PROTOCOLS`.
        background: classes to leave out, in addition to those that the protocol itself knows by name.
        fps: labels per second, for protocols that score at a rate of their own; None takes that of ``pairs``, or the
            frames as they come.

    Raises:
        ValueError: if the protocol is unknown, ``fps`` is not positive, or there is no video.
    """
    named = get_protocol(protocol).background(pairs.classes.names, background)
    preds, truth = ({name: labels.indexes for name, labels in side.items()} for side in (pairs.preds, pairs.truth))
    left_out = tuple(sorted({*background, *named}))
    return evaluate_videos(preds, truth, protocol, background=left_out, fps=pairs.fps if fps is None else fps)


def score_splits(
    splits: Mapping[str, LabelPairs], protocol: str = "lea", background: Collection[int] = (), fps: float | None = None
) -> RunScores:
    """Score the videos of each split, of which the scores are the mean.

    Args:
        splits: the videos of each split by its name; all have the same classes.
        protocol: as for :func:`score_pairs`.
        background: as for :func:`score_pairs`.
        fps: as for :func:`score_pairs`.

    Raises:
        ValueError: if there is no split, the protocol is unknown, or ``fps`` is not positive.

    Example:
        >>> preds, truth = (Labels.from_names(names) for names in (["SIL", "pour"], ["pour", "pour"]))
        >>> result = score_splits({"1": pair_labels({"tea": preds}, {"tea": truth})}, "c2f")
        >>> result.scores["accuracy"]  # of the frame that is not SIL
        50.0
    """
    if not splits:
        raise ValueError("expected the videos of one split or more, got no split")
    evaluations = {split: [score_pairs(pairs, protocol, background, fps)] for split, pairs in splits.items()}
    return RunScores("", protocol, evaluations)


def _is_path(side: Videos) -> bool:
    return isinstance(side, str | os.PathLike)


def _chosen(labels: dict[str, Labels], videos: Collection[str] | None) -> dict[str, Labels]:
    if videos is None:
        return labels
    if missing := [name for name in videos if name not in labels]:
        raise ValueError(f"no labels of the video {missing[0]}: there are {listed(labels)}")
    return {name: labels[name] for name in videos}


def _by_name(side: Videos, classes: Classes | None, kind: str) -> dict[str, Labels]:
    if isinstance(side, Mapping):
        return {name: as_labels(video, classes, source=f"{kind} of {name!r}") for name, video in side.items()}
    if _is_path(side) and Path(side).is_dir():
        return {name: read_labels(path, classes) for name, path in find_label_files(Path(side)).items()}
    return {video_name(os.fspath(side)) if _is_path(side) else "video": as_labels(side, classes, source=kind)}
