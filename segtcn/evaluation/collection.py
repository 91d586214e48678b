"""Videos with the labels of several sources, their clips and their scores: what players and timelines show."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from segtcn.evaluation.locating import Places, Source, locate
from segtcn.evaluation.runs import Run
from segtcn.evaluation.scores import RunScores, score_run
from segtcn.labels import (
    TRUTH,
    Classes,
    Labels,
    check_names,
    common_classes,
    read_archive_labels,
    read_label_files,
    read_labels,
)
from segtcn.labels.classes import listed
from segtcn.labels.track_classes import named_videos, track_of
from segtcn.options import Selection

_LISTED = 5


class LabelFile(NamedTuple):
    """A file with the labels of one video; it is read when they are needed.

    Args:
        path: of the file.
        classes: the known classes, which give indexes their names.
        fps: labels per second; None leaves it to the file.
        is_truth_of_run: whether the true labels that a run keeps beside its predictions are meant.
    """

    path: Path
    classes: Classes | None = None
    fps: float | None = None
    is_truth_of_run: bool = False

    def read(self) -> Labels:
        """Read the labels.

        Raises:
            FileNotFoundError: if the file is gone.
            ValueError: if the file cannot be understood.
        """
        if not self.is_truth_of_run:
            return read_labels(self.path, self.classes if self.path.suffix == ".npy" else None, self.fps)
        labels = read_archive_labels(self.path)[1]
        if labels is None:
            raise ValueError(f"{self.path} holds no truth any more: start again")
        return labels if self.fps is None else replace(labels, fps=self.fps)


class CollectedVideo(NamedTuple):
    """A video with everything that is known of it.

    Args:
        name: of the video; may hold folders, ``P03/cam01``.
        files: with its labels, by title; the first is the truth, titled :data:`~segtcn.labels.TRUTH`, if there is one.
        classes: of all videos.
        clip: its clip, or None.
        scores: of each titled source, by the names of :data:`~segtcn.metrics.protocols.SCORES`, in percent.
        num_frames: the most labels of a title.
        fps: labels per second of that title, None where it is unknown.
    """

    name: str
    files: dict[str, LabelFile]
    classes: Classes
    clip: Path | None
    scores: dict[str, dict[str, float]]
    num_frames: int
    fps: float | None

    @property
    def track(self) -> str | None:
        """The track of a video that it is, with the name ``VIDEO/TRACK``; None if its files have no tracks."""
        return next((track for file in self.files.values() if (track := track_of(file.path))), None)

    def read(self) -> dict[str, Labels]:
        """Read its labels by title; those without a rate have that of others with as many labels.

        Raises:
            FileNotFoundError: if a file is gone.
            ValueError: if a file cannot be understood.
        """
        tracks = {title: file.read().in_classes(self.classes) for title, file in self.files.items()}
        rates = {len(labels): labels.fps for labels in reversed(tracks.values()) if labels.fps}
        return {
            title: labels if labels.fps else replace(labels, fps=rates.get(len(labels)))
            for title, labels in tracks.items()
        }


class Collection(NamedTuple):
    """Videos that belong together.

    Args:
        title: what they are called together.
        videos: in the order of their names.
        classes: of all tracks.
        protocol: under which they are scored, or None where nothing is.
        scores: of each titled source over all its videos, in percent.
        notes: what the user should know: videos without a clip, without scores, and so on.
    """

    title: str
    videos: list[CollectedVideo]
    classes: Classes
    protocol: str | None
    scores: dict[str, dict[str, float]]
    notes: list[str]


def collect_videos(
    sources: Sequence[Source],
    selection: Selection | None = None,
    clips: Path | None = None,
    progress: bool = False,
) -> Collection:
    """Find the tracks, clips and scores of the videos of some sources.

    A source is a folder of ``segtcn test`` or ``segtcn crossval``, a folder of such folders, a folder with one label
    file a video, a label file, or a clip. Runs know their truth. Label files alone belong to one video if a clip or the
    truth is a file, too; else videos are told apart by name.

    Args:
        sources: title and path of each.
        selection: what is shown of them; None shows everything.
        clips: a clip, or a folder with one a video; None looks for a folder ``videos`` beside the truth.
        progress: whether to show a progress bar while files are read.

    Raises:
        FileNotFoundError: if a file or folder is missing, or a folder holds nothing that can be shown.
        ValueError: if a file cannot be understood, a label is not in the mapping, a video is not there, or nothing is
            left to show.

    Example:
        >>> sources = [(None, Path("runs/ed_tcn")), ("MS-TCN", Path("predictions"))]
        >>> collection = collect_videos(sources, clips=Path("clips"))  # doctest: +SKIP
        >>> collection.videos[0].scores["MS-TCN"]["f1@50"]  # doctest: +SKIP
        71.4
    """
    selection = selection or Selection()
    places = locate(sources, selection, clips)
    names, runs, truths = _read_labels(places, selection, progress)
    classes = _common_classes(runs, truths, places.classes, selection)
    runs = {title: _with_background(run, classes, selection) for title, run in runs.items()}
    protocol = selection.protocol or next((run.protocol for run in runs.values() if run.protocol), None) or "lea"
    scores = {title: score_run(run, protocol) for title, run in runs.items() if _is_annotated(run)}
    rows = {title: result.videos for title, result in scores.items()}
    videos = [
        CollectedVideo(
            name,
            files,
            classes,
            _clip_of(name, files.values(), places.clips),
            {title: scores_of[name] for title, scores_of in rows.items() if name in scores_of},
            *_longest(name, runs, truths),
        )
        for name, files in ((name, _files_of(name, runs, places, selection.fps)) for name in names)
    ]
    knows_truth = selection.truth is not None or any(run.protocol is not None for run in runs.values())
    return Collection(
        title=names[0] if len(names) == 1 else ", ".join(runs) or str(selection.truth),
        videos=videos,
        classes=classes,
        protocol=protocol if scores else None,
        scores={title: result.scores for title, result in scores.items()},
        notes=[*_notes_on_scores(runs, scores, selection), *_notes_on_videos(videos, knows_truth, bool(places.clips))],
    )


def _read_labels(
    places: Places, selection: Selection, progress: bool
) -> tuple[list[str], dict[str, Run], dict[str, Labels]]:
    """Names of the videos to show, what was predicted of them as runs by title, and the given truth."""
    by_title = _read_runs(places.sources, selection, progress)
    predicted = {name for source in by_title.values() for name in _names_of(source)}
    names = sorted(_selected(predicted or {*places.truths}, selection))
    truths = read_label_files(_of_videos(places.truths, names), places.classes, selection.fps, progress)
    runs = {}
    for title, source in by_title.items():
        run = source
        if not isinstance(run, Run):
            run = Run.from_files(title, _of_videos(run, names), places.classes, selection.fps)
        runs[title] = _replace_truth(replace(run, name=title), truths, places.classes)
    return names, runs, truths


def _clip_of(name: str, files: Iterable[LabelFile], clips: Mapping[str, Path]) -> Path | None:
    if any(track_of(file.path) for file in files):
        name = name.rpartition("/")[0]
    return clips.get(name) or clips.get(name.rpartition("/")[2])


def _is_annotated(run: Run) -> bool:
    return any(labels.present() for part in run.parts for labels in part.truths.values())


def _read_runs(
    label_sources: Sequence[tuple[str | None, Path | dict[str, Path]]], selection: Selection, progress: bool
) -> dict[str, Run | dict[str, Path]]:
    """The runs, and the files that are not of a run, by titles of their own."""
    by_title: dict[str, Run | dict[str, Path]] = {}
    for title, source in label_sources:
        if isinstance(source, Path):
            for run in _read_run(title, source, selection, progress):
                by_title[_unique(run.name, by_title)] = run
        else:
            by_title[_unique(str(title), by_title)] = source
    return by_title


def _unique(title: str, others: Mapping[str, object]) -> str:
    titles, unique, number = {*others, TRUTH}, title, 2
    while unique in titles:
        unique, number = f"{title} ({number})", number + 1
    return unique


def _read_run(title: str | None, folder: Path, selection: Selection, progress: bool) -> list[Run]:
    """The networks of one seed of a run; one run for each split where a video was tested in several."""
    if selection.truth is not None and selection.truth.is_file():
        raise ValueError(f"{selection.truth} is the truth of one video and {folder} a run of many: give a folder")
    run = Run.read(folder, incomplete=True, progress=progress)
    seeds = sorted({part.seed for part in run.parts if part.seed is not None})
    if selection.seed is not None and selection.seed not in seeds:
        raise ValueError(f"{folder} has no seed {selection.seed}: choose from {', '.join(map(str, seeds))}")
    seed = seeds[0] if selection.seed is None and seeds else selection.seed
    parts = tuple(part for part in run.parts if part.seed in (seed, None))
    name = (title or run.name) + (f", seed {seed}" if len(seeds) > 1 else "")
    run = replace(run, name=name, parts=parts, fps=selection.fps or run.fps)
    names = [video for part in parts for video in part.files]
    if len({*names}) == len(names):
        return [run]
    return [replace(run, name=f"{name}, split {part.split}", parts=(part,)) for part in parts]


def _names_of(source: Run | Mapping[str, Path]) -> list[str]:
    return [name for part in source.parts for name in part.files] if isinstance(source, Run) else [*source]


def _of_videos(files: Mapping[str, Path], names: Container[str]) -> dict[str, Path]:
    return {name: path for name, path in files.items() if name in names}


def _selected(names: set[str], selection: Selection) -> set[str]:
    if not names:
        raise ValueError("nothing to show: give predictions, or the truth (`truth`)")
    if selection.videos is None:
        return names
    chosen = named_videos(selection.videos, names)
    if missing := sorted(name for name, matches in chosen.items() if not matches):
        raise ValueError(f"no labels of the video {missing[0]}: there are {listed(sorted(names))}")
    return {name for tracks in chosen.values() for name in tracks}


def _replace_truth(run: Run, truths: Mapping[str, Labels], known: Classes | None) -> Run:
    """A run with other true labels, where they are as long as its predictions; its notes say where they are not."""
    lengths = {name: len(labels) for part in run.parts for name, labels in part.preds.items() if name in truths}
    if not lengths:
        return run
    odd = [name for name, length in lengths.items() if length != len(truths[name])]
    tracks = [labels for part in run.parts for labels in part.preds.values()] + [truths[name] for name in lengths]
    check_names(tracks)
    run = run.in_classes(common_classes(tracks, known if run.protocol is None else run.classes))
    parts = []
    for part in run.parts:
        new = {name: truths[name].in_classes(run.classes) for name in part.preds if name in truths}
        true = {**part.truths, **new}
        parts.append(part._replace(truths={name: labels for name, labels in true.items() if name not in odd}))
    notes = [f"no scores of {name}, it has {lengths[name]} labels and the truth {len(truths[name])}" for name in odd]
    if len(odd) > _LISTED:
        notes[_LISTED:] = [f"no scores of {len(odd) - _LISTED} other videos, for the same reason"]
    return replace(run, parts=tuple(parts), notes=(*run.notes, *(f"{run.name}: {note}" for note in notes)))


def _common_classes(
    runs: Mapping[str, Run], truths: Mapping[str, Labels], known: Classes | None, selection: Selection
) -> Classes:
    """The classes of the given mapping; else first those of runs, or of a mapping beside the files."""
    tracks = [labels for run in runs.values() for part in run.parts for labels in part.preds.values()]
    tracks += truths.values()
    if selection.mapping is not None and known is not None:
        for labels in tracks:
            labels.in_classes(known)  # refuses a label that the mapping does not have
        classes = known
    else:
        trained = [run.classes for run in runs.values() if run.protocol is not None]
        classes = common_classes(tracks, trained[0] if trained else known)
    if selection.background is None:
        return classes
    left_out = classes.indexes_named(selection.background)
    return Classes(classes.names, left_out[0] if left_out else None)


def _with_background(run: Run, classes: Classes, selection: Selection) -> Run:
    """A run with the background that was asked for; label files have that of all classes."""
    if selection.background is not None:
        left_out = classes.indexes_named(selection.background)
    elif run.protocol is not None or classes.background is None:
        return run
    else:
        left_out = (classes.background,)
    names = [classes.names[label] for label in left_out]
    return replace(run, background=tuple(run.classes.index[name] for name in names if name in run.classes.index))


def _files_of(name: str, runs: Mapping[str, Run], places: Places, fps: float | None) -> dict[str, LabelFile]:
    """The files with the labels of a video, the truth first."""
    known = places.classes
    truths = [LabelFile(places.truths[name], known, fps)] if name in places.truths else []
    preds = {}
    for title, run in runs.items():
        for part in run.parts:
            if name in part.files:
                preds[title] = LabelFile(part.files[name], known, fps)
                if run.protocol is not None and name in part.truths:
                    truths.append(LabelFile(part.files[name], fps=fps, is_truth_of_run=True))
    return {**({TRUTH: truths[0]} if truths else {}), **preds}


def _longest(name: str, runs: Mapping[str, Run], truths: Mapping[str, Labels]) -> tuple[int, float | None]:
    """The most labels of a video, and their rate: of any that are as many."""
    tracks = [truths[name]] if name in truths else []
    tracks += [part.preds[name] for run in runs.values() for part in run.parts if name in part.preds]
    longest = max(map(len, tracks))
    rates = [labels.fps for labels in tracks if labels.fps and len(labels) == longest]
    return longest, rates[0] if rates else None


def _notes_on_scores(runs: Mapping[str, Run], scores: Mapping[str, RunScores], selection: Selection) -> list[str]:
    notes = [note for run in runs.values() for note in run.notes]
    for title, result in scores.items():
        (evaluation, *_), *_ = result.splits.values()
        if evaluation.background and selection.background is None and runs[title].protocol is None:
            names = ", ".join(runs[title].classes.names[label] for label in evaluation.background)
            notes.append(
                f"scores by protocol {result.protocol} with {names} as background (`background` names another)"
            )
    return [*dict.fromkeys(notes)]


def _notes_on_videos(videos: Sequence[CollectedVideo], has_truth: bool, has_clips: bool) -> list[str]:
    """Which videos lack the truth or a clip, where there should be one."""
    videos_without = {
        "truth": [video.name for video in videos if has_truth and TRUTH not in video.files],
        "clip": [video.name for video in videos if has_clips and video.clip is None],
    }
    return [
        f"no {what} of {len(names)} of {len(videos)} videos: {listed(names)}"
        for what, names in videos_without.items()
        if names
    ]
