"""Which annotations belong to which video."""

from __future__ import annotations

import os
import unicodedata
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from segtcn.labels.classes import listed
from segtcn.labels.detection import ForeignFileError
from segtcn.labels.error_list import ErrorList
from segtcn.labels.files import read_labels
from segtcn.labels.folder import counted_alike
from segtcn.labels.labels import Labels
from segtcn.options import Sources
from segtcn.prepare.annotations import FRAME_LISTS, Annotations, detect_format, read_annotations
from segtcn.prepare.annotations.intervals import Unit
from segtcn.progress import progress_bar

ENDINGS = (".txt", ".csv", ".tsv", ".eaf", ".json", ".textgrid", ".boris")
"""Of annotation files in a folder; others that lie beside them, such as ELAN's settings, are listed."""


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


def find_annotations(root: Path, place: str | os.PathLike[str] | None, notes: list[str]) -> dict[Path, str]:
    """The annotation files: one, or those below a folder: ``place``, or else ``annotations`` or ``groundTruth``.

    Args:
        root: of the data set.
        place: a file or folder.
        notes: gets the files that are passed over.

    Returns:
        Of every file the name that its place says: its path below the folder without ending.

    Raises:
        FileNotFoundError: if there are none.
        ValueError: if there are files of another program only.
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
    files = sorted(path for path in source.rglob("[!.]*") if path.is_file())
    paths = [path for path in files if path.suffix.lower() in ENDINGS]
    if not paths:
        for path in files:
            detect_format(path)  # names the program of a file that is not read
        raise FileNotFoundError(f"no annotation files in {source}: expected {', '.join(ENDINGS)}")
    if others := [path for path in files if path not in paths]:
        names = listed(path.relative_to(source).as_posix() for path in others)
        notes.append(f"passed over in {source}, not annotations by their ending: {names}")
        notes += _foreign([path for path in others if path.with_suffix("") not in {p.with_suffix("") for p in paths}])
    return {path: path.relative_to(source).with_suffix("").as_posix() for path in paths}


def _foreign(paths: Sequence[Path]) -> list[str]:
    """Which programs made files, once for each, with the way out."""
    files: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        try:
            detect_format(path)
        except ForeignFileError as error:
            files.setdefault((error.program, error.remedy), []).append(path.name)
        except ValueError:  # nothing that is known
            continue
    return [
        f"{listed(names, most=3)}: {program}, which is not read: {remedy}" for (program, remedy), names in files.items()
    ]


def match_annotations(
    paths: Mapping[Path, str], videos: Sequence[str], truth: Path, sources: Sources, fps: float, progress: bool
) -> MatchedAnnotations:
    """Read annotation files and find the video of each.

    A file may name several videos, and a video in several ways; the first name that is one of ``videos`` counts. Names
    are compared whole, with their folders; one of the two may have more folders before it, where that is one video.

    Args:
        paths: as :func:`find_annotations` returns them.
        videos: names of the videos.
        truth: folder of the frame labels; those in it are taken as they are.
        sources: what the files do not say.
        fps: frames per second of files that count frames.
        progress: whether to show a progress bar.

    Raises:
        ValueError: if files cannot be understood (all of them are named), none belongs to a video, or two belong to
            one.
    """
    known = _Names(videos)
    matched = MatchedAnnotations({}, {}, [], [])
    files: dict[Path, list[Annotations]] = {}
    formats: Counter[str] = Counter()
    errors = ErrorList()
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        with errors.collect(), counted_alike(paths):
            for path, place in progress_bar(paths.items(), "read annotations", unit="file", show=progress):
                with errors.collect():
                    form = detect_format(path)
                    formats[form] += 1
                    name = known.find(place)
                    if form in FRAME_LISTS and name and path.absolute() == (truth / f"{name}{path.suffix}").absolute():
                        matched.labels[name] = read_labels(path, fps=fps)
                    else:
                        files[path] = read_annotations(path, fps, sources.unit, sources.track)
    errors.raise_any()
    matched.notes.extend(dict.fromkeys(str(note.message) for note in notes))
    _guess_once(files, matched, fps, sources.track)
    _say_how_frames_count(files, matched)
    homeless = [name for path, of_file in files.items() for name in _assign(matched, known, paths[path], path, of_file)]
    if not matched.annotations and not matched.labels:
        raise ValueError(
            f"no annotation belongs to a video: expected names such as {videos[0]!r}, got {listed(homeless)}; rename "
            "one or the other"
        )
    if homeless:
        matched.notes.append(f"annotations of no video, left out: {listed(homeless)}")
    if unlabelled := [name for name in videos if name not in matched.annotations and name not in matched.labels]:
        matched.notes.append(f"videos without annotations, left out: {listed(unlabelled)}")
    words = {"names": "one label a line"}
    return matched._replace(formats=[f"{words.get(form, form)} ({number})" for form, number in sorted(formats.items())])


class _Names:
    """Finds the video that a name means: whole, with folders; one of the two may have more folders before it."""

    def __init__(self, videos: Sequence[str]) -> None:
        self._whole = {_normal(name): name for name in videos}
        if len(self._whole) < len(videos):
            twice = [name for name in videos if self._whole[_normal(name)] != name]
            raise ValueError(
                f"two videos have one name but for the way accents are stored: {listed(twice)}; rename one"
            )
        tails = Counter(tail for name in self._whole for tail in _tails(name))
        self._tails = {tail: video for name, video in self._whole.items() for tail in _tails(name) if tails[tail] == 1}

    def find(self, stated: str) -> str | None:
        """The video, or None."""
        stated = _normal(stated)
        if stated in self._whole or stated in self._tails:
            return self._whole.get(stated) or self._tails[stated]
        return next((self._whole[tail] for tail in _tails(stated) if tail in self._whole), None)


def _tails(name: str) -> list[str]:
    """A name with fewer and fewer of its folders."""
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(1, len(parts))]


def _guess_once(
    files: dict[Path, list[Annotations]], matched: MatchedAnnotations, fps: float, track: str | None
) -> None:
    """Whole numbers without a unit are frames, unless times in other files of the set show that all are seconds."""
    guesses = {video.guessed_unit: path for path, videos in files.items() for video in videos if video.guessed_unit}
    if not guesses:
        return
    unit: Unit = "seconds" if "seconds" in guesses else "frames"
    errors = ErrorList()
    for path in [path for path, videos in files.items() if any(video.guessed_unit == "frames" for video in videos)]:
        with errors.collect():
            files[path] = [video._replace(guessed_unit=unit) for video in read_annotations(path, fps, unit, track)]
    errors.raise_any()
    matched.notes.append(
        f"times are read as {unit}, by their numbers; `unit` says otherwise"
        if len(guesses) == 1
        else f"times are read as seconds in all files: in some, such as {guesses['seconds']}, they have decimals"
    )


def _say_how_frames_count(files: Mapping[Path, Sequence[Annotations]], matched: MatchedAnnotations) -> None:
    firsts = {video.first_frame for videos in files.values() for video in videos} - {None}
    if firsts:
        start = "; all videos begin at frame 1: subtract 1 if that is the first one" if firsts == {1} else ""
        matched.notes.append(f"frames count from 0, and the stop is not part of a segment{start}")


def _assign(
    matched: MatchedAnnotations, known: _Names, place: str, path: Path, videos: Sequence[Annotations]
) -> list[str]:
    """Give annotations of a file to their videos; returns the names of those that have none."""
    homeless = []
    for video in videos:
        parts = video.of_clips()
        names = [place if stated == path.stem else stated for stated in video.names]
        whole = next((found for stated in names if (found := known.find(stated))), None)
        clips = [known.find(part.names[0]) for part in parts]
        if whole is not None and any(clips):
            raise ValueError(
                f"{video.source}: the observation {video.names[0]!r} and its clips are videos: keep the features "
                "of one or of the others"
            )
        if whole is None and parts:
            for part, clip in zip(parts, clips, strict=True):
                if clip is None:
                    homeless.append(part.names[0])
                else:
                    _add(matched, clip, part)
        elif whole is None:
            homeless.append(names[0])
        else:
            _add(matched, whole, video._replace(clips=()))
    return homeless


def _add(matched: MatchedAnnotations, name: str, annotations: Annotations) -> None:
    if name in matched.annotations:
        other = matched.annotations[name]
        raise ValueError(
            f"video {name!r} is annotated twice, in {other.source} ({other.names[-1]}) and in {annotations.source} "
            f"({annotations.names[-1]}): keep one"
        )
    matched.annotations[name] = annotations
    matched.notes.extend(f"{annotations.source}: {note}" for note in annotations.notes)


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)  # macOS stores accents apart from their letters
