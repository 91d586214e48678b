"""Videos with the label tracks of several sources, their clips and their scores: what players and timelines show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from segtcn.evaluation.files import Frames
from segtcn.evaluation.runs import Run, is_run, score_run
from segtcn.evaluation.scoring import parse_background
from segtcn.evaluation.sources import (
    CLIP_SUFFIXES,
    TRUTH,
    Found,
    TrackSource,
    find_clips,
    find_mapping,
    from_files,
    from_run,
    join_equal_titles,
    single_video,
    with_titles,
)
from segtcn.labels.classes import Classes as ClassNames
from segtcn.labels.legacy import LabelTrack
from segtcn.metrics import evaluate_videos
from segtcn.metrics.protocols import get_protocol
from segtcn.visualization.tracks import Classes, Track, common_classes, split_title

_LISTED = 5


class CollectedVideo(NamedTuple):
    """A video with everything that is known of it.

    Args:
        name: of the video; may hold folders, ``P03/cam01``.
        sources: where its tracks come from, the truth first.
        clip: its clip, or None.
        scores: of each titled source, by the names of :data:`~segtcn.metrics.protocols.SCORES`, in percent.
        num_frames: labels of its longest track.
        fps: labels per second of that track, None where it is unknown.
    """

    name: str
    sources: list[TrackSource]
    clip: Path | None
    scores: dict[str, dict[str, float]]
    num_frames: int
    fps: float | None

    def tracks(self) -> list[Track]:
        """Read its tracks, the truth first; one without a rate has that of another with as many labels.

        Raises:
            FileNotFoundError: if a file is gone.
            ValueError: if a file cannot be understood.
        """
        tracks = [source.read() for source in self.sources]
        rates = {len(track.labels.labels): track.labels.fps for track in reversed(tracks) if track.labels.fps}
        return [
            track._replace(labels=track.labels._replace(fps=track.labels.fps or rates.get(len(track.labels.labels))))
            for track in tracks
        ]


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
    sources: Sequence[str | Path],
    truth: Path | None = None,
    clips: Path | None = None,
    mapping: Path | None = None,
    background: str | None = None,
    fps: float | None = None,
    protocol: str | None = None,
    names: Iterable[str] | None = None,
    seed: int | None = None,
    root: Path | None = None,
    progress: bool = False,
) -> Collection:
    """Find the tracks, clips and scores of the videos of some sources.

    A source is a folder of ``segtcn crossval`` or of ``segtcn fit`` after ``segtcn test``, a folder of such folders, a
    folder with one label file a video, a label file, or a clip; ``TITLE=PATH`` gives it a title. Runs know their truth.
    Of a video that has several files in one folder the one with the most counts: scores (``.npz``), segments
    (``.csv``), text. Label files alone belong to one video if a clip or the truth is a file, too; else videos are told
    apart by name.

    Args:
        sources: see above.
        truth: true labels, a file or a folder; it may hold other videos, too.
        clips: a clip, or a folder with one a video; None looks for a folder ``videos`` beside the truth.
        mapping: ``mapping.txt`` with the name of every class; None looks beside and above the label files.
        background: names or indexes of the background classes, with commas; None takes what runs, and else the field's
            names, say.
        fps: labels per second, of all tracks; None leaves it to runs and files.
        protocol: under which to score; None takes that of the first run, or ``lea``.
        names: the videos to show; None shows all.
        seed: of runs with several; None takes the smallest.
        root: the place of the data set of runs, if it is not where their configs say.
        progress: whether to show a progress bar while files are read.

    Raises:
        FileNotFoundError: if a file or folder is missing, or a folder holds nothing that can be shown.
        ValueError: if a file cannot be understood, a label is not in ``mapping``, a video is not there, or nothing is
            left to show.

    Example:
        >>> collection = collect_videos(["runs/ed_tcn", "MS-TCN=predictions"], clips=Path("clips"))  # doctest: +SKIP
        >>> collection.videos[0].scores["MS-TCN"]["f1@50"]  # doctest: +SKIP
        71.4
    """
    named = [split_title(str(source), "") for source in sources]
    _check([*(path for _, path in named), truth, clips, mapping], fps, protocol)
    given_clips = [path for _, path in named if path.is_file() and path.suffix.lower() in CLIP_SUFFIXES]
    named = [(title, path) for title, path in named if path not in given_clips]
    single = single_video(named, truth, clips, given_clips)
    place = mapping or find_mapping([path for _, path in named if not path.is_dir() or not is_run(path)], truth)
    listed = None if place is None else list(ClassNames.read(place).names)

    found: list[Found] = []
    for title, path in with_titles(named, single is not None):
        if path.is_dir() and is_run(path):
            found += from_run(title, path, truth, mapping, background, fps, protocol, seed, root)
        else:
            found.append(Found(title, from_files(title, path, single, fps, listed), {}))
    found = join_equal_titles(found)
    truths = {} if truth is None else from_files(TRUTH, truth, single, fps, listed)
    for each in found:
        truths = {**each.truths, **truths}
    wanted = _selected({name for each in found for name in each.tracks} if found else {*truths}, names)
    by_video = {
        name: [
            *([truths[name]] if name in truths else []),
            *(each.tracks[name] for each in found if name in each.tracks),
        ]
        for name in sorted(wanted)
    }
    scan = _Scan()
    for name, its_sources in tqdm(by_video.items(), "read labels", disable=not progress, delay=1, unit="video"):
        for source in its_sources:
            scan.add(name, source)
    runs = [each.run for each in found if each.run is not None]
    of_runs = [*dict.fromkeys(name for run in runs for name in run.class_names)]
    classes = _classes(scan, (listed if mapping else of_runs or listed), mapping is not None, background, runs)
    choice = protocol or next((run.protocol for run in runs if run.protocol), None) or "lea"
    scores = _score(found, truths, scan, classes, choice, background)

    clip_files = find_clips(clips, truth, given_clips, single)
    videos = []
    for name, its_sources in by_video.items():
        clip = clip_files.get(name) or clip_files.get(name.rpartition("/")[2])
        num_frames, rate = scan.length(name, its_sources)
        videos.append(CollectedVideo(name, its_sources, clip, scores.videos.get(name, {}), num_frames, rate))
    notes = [*scores.notes]
    lacking = {
        "truth": [name for name in by_video if truths and name not in truths],
        "clip": [video.name for video in videos if clip_files and video.clip is None],
    }
    for what, missing in lacking.items():
        if missing:
            notes.append(f"no {what} of {len(missing)} of {len(videos)} videos: {_some(missing)}")
    title = ", ".join(each.title for each in found) or str(truth)
    if len(videos) == 1:
        title = videos[0].name
    return Collection(title, videos, classes, choice if scores.overall else None, scores.overall, notes)


def _check(paths: Iterable[Path | None], fps: float | None, protocol: str | None) -> None:
    if fps is not None and not fps > 0:
        raise ValueError(f"the rate of the labels must be positive, got {fps:g}")
    if protocol is not None:
        get_protocol(protocol)
    for path in paths:
        if path is not None and not path.exists():
            raise FileNotFoundError(f"no file or folder {path}: check the path")


class _Scores(NamedTuple):
    """Scores by title, by video and title, and what to say of them."""

    overall: dict[str, dict[str, float]]
    videos: dict[str, dict[str, dict[str, float]]]
    notes: list[str]


def _score(
    found: Sequence[Found],
    truths: Mapping[str, TrackSource],
    scan: _Scan,
    classes: Classes,
    protocol: str,
    background: str | None,
) -> _Scores:
    left_out = parse_background(background, classes.names) if background is not None else ()
    if background is None and classes.background is not None:
        left_out = (classes.background,)
    scores = _Scores({}, {}, [])
    for each in found:
        if each.run is not None:
            result = score_run(each.run, protocol)
            scores.overall[each.title] = result.scores
            rows = {name: row for split in result.splits for name, row in result.video_scores(split).items()}
        else:
            preds, labels, notes = scan.pairs(each, truths, classes.names)
            scores.notes.extend(notes)
            if not preds:
                continue
            fps = next((rate for (title, _), rate in scan.fps.items() if title == each.title), None)
            evaluation = evaluate_videos(
                preds, labels, protocol, class_names=classes.names, background=left_out, fps=fps
            )
            scores.overall[each.title], rows = evaluation.scores, evaluation.videos
            if evaluation.background and background is None:
                names = ", ".join(classes.names[label] for label in evaluation.background)
                note = f"scores by protocol {protocol} with {names} as background (--background names another)"
                scores.notes.extend([note] if note not in scores.notes else [])
        for name, row in rows.items():
            scores.videos.setdefault(name, {})[each.title] = row
    return scores


class _Scan:
    """What must be known of all tracks at once: their classes, and frames to score."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.frames: dict[tuple[str, str], Frames] = {}
        self.fps: dict[tuple[str, str], float] = {}
        self.first: list[Track] = []

    def add(self, video: str, source: TrackSource) -> None:
        track = source.read()
        fresh = [name for name in dict.fromkeys(track.labels.labels) if name not in self.numbers]
        scores = track.labels.scores
        listed = scores is not None and all(each.labels.scores is None for each in self.first)
        if fresh or listed:
            # one frame of every class stands for the track: all of them together would fill the memory
            shown = None if scores is None else scores._replace(values=scores.values[:, :0])
            self.first.append(track._replace(labels=LabelTrack(fresh, None, None, shown)))
        for name in fresh:
            self.numbers[name] = len(self.numbers)
        labels = track.labels.labels
        self.frames[source.title, video] = np.fromiter((self.numbers[name] for name in labels), np.int64, len(labels))
        if track.labels.fps:
            self.fps[source.title, video] = track.labels.fps

    def length(self, video: str, sources: Iterable[TrackSource]) -> tuple[int, float | None]:
        """Labels of the longest track of a video, and their rate: of any that is as long."""
        keys = [(source.title, video) for source in sources]
        longest = max(len(self.frames[key]) for key in keys)
        rates = (self.fps[key] for key in keys if key in self.fps and len(self.frames[key]) == longest)
        return longest, next(rates, None)

    def pairs(
        self, found: Found, truths: Mapping[str, TrackSource], class_names: Sequence[str]
    ) -> tuple[dict[str, Frames], dict[str, Frames], list[str]]:
        """Predictions and truth of the videos that have both, at equal length; what to say of the others."""
        index = np.array([class_names.index(name) for name in self.numbers])
        both = [name for name in found.tracks if name in truths and (found.title, name) in self.frames]
        preds = {name: index[self.frames[found.title, name]] for name in both}
        labels = {name: index[self.frames[TRUTH, name]] for name in both}
        odd = [name for name in both if len(preds[name]) != len(labels[name])]
        notes = [
            f"{found.title}: no scores of {name}, it has {len(preds[name])} labels and the truth {len(labels[name])}"
            for name in odd[:_LISTED]
        ]
        if len(odd) > _LISTED:
            notes.append(f"{found.title}: no scores of {len(odd) - _LISTED} other videos, for the same reason")
        fit = [name for name in both if name not in odd]
        return {name: preds[name] for name in fit}, {name: labels[name] for name in fit}, notes


def _classes(
    scan: _Scan, listed: Sequence[str] | None, strict: bool, background: str | None, runs: Sequence[Run]
) -> Classes:
    unknown = [] if listed is None or strict else sorted(scan.numbers.keys() - {*listed})
    names = None if listed is None else [*listed, *unknown]
    classes = common_classes(scan.first, names)
    if background is not None:
        left_out = parse_background(background, classes.names)
        return Classes(classes.names, left_out[0] if left_out else None)
    known = next((run.class_names[run.background[0]] for run in runs if run.background), None)
    return classes if known is None else Classes(classes.names, classes.names.index(known))


def _selected(there: set[str], names: Iterable[str] | None) -> set[str]:
    if names is None:
        if not there:
            raise ValueError("nothing to show: give predictions, or the truth (`--truth`)")
        return there
    wanted = {*names}
    if missing := sorted(wanted - there):
        raise ValueError(f"no labels of the video {missing[0]}: there are {_some(sorted(there))}")
    return wanted


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
