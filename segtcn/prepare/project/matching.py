"""Which annotations belong to which video."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from segtcn.labels.files import read_labels
from segtcn.labels.labels import Labels
from segtcn.prepare.annotations import Annotations, detect_format, read_annotations
from segtcn.prepare.check.problems import join
from segtcn.prepare.project.media import Sources
from segtcn.progress import progress_bar

ENDINGS = (".txt", ".csv", ".tsv", ".eaf", ".json")
"""Of annotation files in a folder; others lie beside them (ELAN's settings, BORIS's project)."""

LEAST_ANNOTATED, MOST_ANNOTATED = 0.5, 1.1
"""Share of the videos at which annotations whose unit is guessed may end; outside of it the guess is doubtful."""


class MatchedAnnotations(NamedTuple):
    """The annotations of a data set.

    Args:
        annotations: of every video that has some, by its name.
        labels: of every video whose ``groundTruth/NAME.txt`` is there already.
        notes: what should be known.
        formats: the formats with their numbers of files.
    """

    annotations: dict[str, Annotations]
    labels: dict[str, Labels]
    notes: list[str]
    formats: list[str]

    def expected_frames(self, fps: float) -> dict[str, int]:
        """Frames that every video has at least."""
        ends_s = {
            name: max((interval.stop_s for interval in annotations.intervals), default=0)
            for name, annotations in self.annotations.items()
        }
        frames = {name: round(end_s * fps) for name, end_s in ends_s.items()}
        return frames | {name: len(labels) for name, labels in self.labels.items()}


def find_annotations(root: Path, place: str | os.PathLike[str] | None) -> dict[Path, str]:
    """The annotation files: one, or those below a folder: ``place``, or else ``annotations`` or ``groundTruth``.

    Returns:
        Of every file the name that its place says: its path below the folder without ending.

    Raises:
        FileNotFoundError: if there are none.
    """
    if place is not None:
        source = Path(place).expanduser()
        if not source.exists():
            raise FileNotFoundError(f"no annotations {source}: check the path")
        if source.is_file():
            return {source: source.stem}
    else:
        folders = [folder for folder in (root / "annotations", root / "groundTruth") if folder.is_dir()]
        if not folders:
            raise FileNotFoundError(
                f"no folder {root / 'annotations'}: put a file for every video there, or give their place "
                "as `annotations`"
            )
        source = folders[0]
    paths = sorted(path for path in source.rglob("[!.]*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        raise FileNotFoundError(f"no annotation files in {source}: expected {', '.join(ENDINGS)}")
    return {path: path.relative_to(source).with_suffix("").as_posix() for path in paths}


def match_annotations(
    paths: Mapping[Path, str], videos: Sequence[str], truth: Path, sources: Sources, fps: float, progress: bool
) -> MatchedAnnotations:
    """Read annotation files and find the video of each.

    A file may name several videos, and a video in several ways; the first name that is one of ``videos`` counts. Names
    need not repeat the folders of a video where no other video has its last name.

    Args:
        paths: as :func:`find_annotations` returns them.
        videos: names of the videos.
        truth: folder of the frame labels; those in it are taken as they are.
        sources: what the files do not say.
        fps: frames per second of files that count frames.
        progress: whether to show a progress bar.

    Raises:
        ValueError: if a file cannot be understood, none belongs to a video, or two belong to one.
    """
    known = _spellings(videos)
    matched = MatchedAnnotations({}, {}, [], [])
    homeless: list[str] = []
    formats: Counter[str] = Counter()
    for path, place in progress_bar(paths.items(), "read annotations", unit="file", show=progress):
        form = detect_format(path)
        formats[form] += 1
        name = known.get(_normal(place)) or known.get(_normal(path.stem))
        if form == "frames" and name is not None and path.absolute() == (truth / f"{name}.txt").absolute():
            matched.labels[name] = read_labels(path, fps=fps)
            continue
        for video in read_annotations(path, fps, sources.unit, sources.track):
            names = [name for stated in video.names for name in ((place, stated) if stated == path.stem else (stated,))]
            name = next((known[key] for key in map(_normal, names) if key in known), None)
            if name is None:
                homeless.append(video.names[0])
            else:
                _add(matched, name, video)
    if not matched.annotations and not matched.labels:
        raise ValueError(
            f"no annotation belongs to a video: expected names such as {videos[0]!r}, got {join(homeless)}; rename one "
            "or the other"
        )
    _note_units(matched)
    if homeless:
        matched.notes.append(f"annotations of no video, left out: {join(homeless)}")
    if unlabelled := [name for name in videos if name not in matched.annotations and name not in matched.labels]:
        matched.notes.append(f"videos without annotations, left out: {join(unlabelled)}")
    return matched._replace(formats=[f"{form} ({number})" for form, number in sorted(formats.items())])


def _spellings(videos: Sequence[str]) -> dict[str, str]:
    """The video that a name means: its name, or the last part of it where no other video has the same."""
    last = Counter(name.rpartition("/")[2] for name in videos)
    short = {_normal(name.rpartition("/")[2]): name for name in videos if last[name.rpartition("/")[2]] == 1}
    return short | {_normal(name): name for name in videos}


def _add(matched: MatchedAnnotations, name: str, annotations: Annotations) -> None:
    if name in matched.annotations:
        other = matched.annotations[name]
        raise ValueError(
            f"video {name!r} is annotated twice, in {other.source} ({other.names[-1]}) and in {annotations.source} "
            f"({annotations.names[-1]}): keep one"
        )
    matched.annotations[name] = annotations
    matched.notes.extend(f"{annotations.source}: {note}" for note in annotations.notes)


def _note_units(matched: MatchedAnnotations) -> None:
    """Say which unit was guessed; one for all files."""
    files = {
        annotations.guessed_unit: annotations.source
        for annotations in reversed(matched.annotations.values())
        if annotations.guessed_unit is not None
    }
    if len(files) > 1:
        raise ValueError(
            f"by their numbers, times are seconds in {files['seconds']} and frames in {files['frames']}: say which by "
            "`unit`, or name the columns start_s and stop_s"
        )
    for unit in files:
        matched.notes.append(f"times are read as {unit}, by their numbers; `unit` says otherwise")


def check_units(
    annotations: Mapping[str, Annotations], num_frames: Mapping[str, int], fps: float, annotation_fps: float
) -> None:
    """Refuse a guessed unit by which annotations and videos do not fit together, where by the other one they do.

    Whole numbers are guessed to be frames. A person who noted whole seconds did not mean that: all annotations would
    lie at the beginning of the videos. Frames that a program wrote as ``150.0`` are guessed to be seconds, and would
    lie far beyond the end.

    Args:
        annotations: of every video.
        num_frames: of every video.
        fps: frames per second of the videos.
        annotation_fps: rate at which the annotations count frames.

    Raises:
        ValueError: if it is so; the message has both readings.
    """
    guessed = {name: video for name, video in annotations.items() if video.guessed_unit is not None and video.intervals}
    if not guessed:
        return
    first, video = next(iter(guessed.items()))
    rates = {"seconds": 1.0, "frames": annotation_fps}
    rate = rates[video.guessed_unit or "seconds"]
    # in the numbers of the files
    ends = {name: rate * max(interval.stop_s for interval in video.intervals) for name, video in guessed.items()}
    lengths_s = {name: num_frames[name] / fps for name in guessed}
    shares = {unit: sum(ends.values()) / rate / sum(lengths_s.values()) for unit, rate in rates.items()}
    if _is_plausible(shares, guessed.values()):
        return
    raise ValueError(
        f"{video.source} does not say the unit of its times, and its numbers do not decide: {first!r} lasts "
        f"{lengths_s[first]:.4g} s and is annotated up to {ends[first]:.4g} s if they are seconds, up to "
        f"{ends[first] / annotation_fps:.4g} s if they are frames, {annotation_fps:g} a second "
        f"({100 * shares['seconds']:.0f} % or {100 * shares['frames']:.0f} % of all videos): say which by `unit`, or "
        "name the columns start_s and stop_s"
    )


def _is_plausible(shares: Mapping[str, float], guessed: Collection[Annotations]) -> bool:
    """Whether the guessed unit fits, or the other one does not fit better.

    Args:
        shares: of the videos that are annotated in either unit.
        guessed: annotations whose unit is guessed.
    """
    unit = next(iter(guessed)).guessed_unit
    share, other_share = (shares["frames"], shares["seconds"])[:: 1 if unit == "frames" else -1]
    too_short, too_long = share < LEAST_ANNOTATED and other_share > share, share > MOST_ANNOTATED
    if other_share > MOST_ANNOTATED or not (too_short or too_long):
        return True
    times = (time for video in guessed for interval in video.intervals for time in interval[:2])
    return unit == "seconds" and not all(float(time).is_integer() for time in times)


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)  # macOS stores accents apart from their letters
