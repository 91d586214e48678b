"""Which annotations belong to which video."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from segtcn.labels.legacy import read_labels
from segtcn.prepare.annotations import Track, detect_format, read_annotations
from segtcn.prepare.annotations.intervals import Unit
from segtcn.progress import progress_bar

ENDINGS = (".txt", ".csv", ".tsv", ".eaf", ".json")
"""Of annotation files in a folder; others lie beside them (ELAN's settings, BORIS's project)."""

LEAST_ANNOTATED, MOST_ANNOTATED = 0.5, 1.1
"""Share of the videos at which annotations whose unit is guessed may end; outside of it the guess is doubtful."""


class Annotations(NamedTuple):
    """The annotations of a data set.

    Args:
        tracks: of every video that has some, by its name.
        kept: labels of every video whose ``groundTruth/NAME.txt`` is there already, one a frame.
        notes: what should be known.
        formats: the formats with their numbers of files.
    """

    tracks: dict[str, Track]
    kept: dict[str, list[str]]
    notes: list[str]
    formats: list[str]


def find_annotations(root: Path, given: str | os.PathLike[str] | None) -> dict[Path, str]:
    """The annotation files: a given one, or those below a given folder, ``annotations`` or ``groundTruth``.

    Returns:
        Of every file the name that its place says: its path below the folder without ending.

    Raises:
        FileNotFoundError: if there are none.
    """
    if given is not None:
        source = Path(given).expanduser()
        if not source.exists():
            raise FileNotFoundError(f"no annotations {source}: check the path")
        if source.is_file():
            return {source: source.stem}
    else:
        folders = [folder for folder in (root / "annotations", root / "groundTruth") if folder.is_dir()]
        if not folders:
            raise FileNotFoundError(
                f"no folder {root / 'annotations'}: put a file for every video there, or give their place "
                "(`--annotations PATH`)"
            )
        source = folders[0]
    paths = sorted(path for path in source.rglob("[!.]*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        raise FileNotFoundError(f"no annotation files in {source}: expected {', '.join(ENDINGS)}")
    return {path: path.relative_to(source).with_suffix("").as_posix() for path in paths}


def match_annotations(
    paths: Mapping[Path, str],
    videos: Sequence[str],
    truth: Path,
    fps: float,
    unit: Unit | None,
    track: str | None,
    progress: bool,
) -> Annotations:
    """Read annotation files and find the video of each.

    Args:
        paths: the files, with the names that their places say.
        videos: names of the videos; those in folders match also by their last part, if only one video has it.
        truth: folder of the frame labels; one that is there and belongs to a video is kept as it is.
        fps: rate at which the files count frames.
        unit: of times of which the files do not say it.
        track: ELAN's tier or BORIS's subject.
        progress: whether to show a progress bar.

    Raises:
        ValueError: if a file cannot be understood, none belongs to a video, or two belong to one.
    """
    last = Counter(name.rpartition("/")[2] for name in videos)
    known = {_normal(name.rpartition("/")[2]): name for name in videos if last[name.rpartition("/")[2]] == 1}
    known |= {_normal(name): name for name in videos}
    result = Annotations({}, {}, [], [])
    homeless: list[str] = []
    units: dict[str, str] = {}
    formats: Counter[str] = Counter()
    for path, place in progress_bar(paths.items(), "read annotations", unit="file", show=progress):
        form = detect_format(path)
        formats[form] += 1
        name = known.get(_normal(place)) or known.get(_normal(path.stem))
        if form == "frames" and name is not None and path.absolute() == (truth / f"{name}.txt").absolute():
            result.kept[name] = read_labels(path).labels
            continue
        for one in read_annotations(path, fps, unit, track):
            names = [each for own in one.names for each in ((place, own) if own == path.stem else (own,))]
            name = next((known[key] for key in map(_normal, names) if key in known), None)
            if name is None:
                homeless.append(one.names[0])
                continue
            if name in result.tracks:
                other = result.tracks[name]
                raise ValueError(
                    f"video {name!r} is annotated twice, in {other.source} ({other.names[-1]}) and in {path} "
                    f"({one.names[-1]}): keep one"
                )
            result.tracks[name] = one
            result.notes.extend(f"{path}: {note}" for note in one.notes)
            if one.guessed_unit is not None:
                units.setdefault(one.guessed_unit, one.source)
    if len(units) > 1:
        raise ValueError(
            f"by their numbers, times are seconds in {units['seconds']} and frames in {units['frames']}: say which "
            "(`--unit`), or name the columns start_s and stop_s"
        )
    if not result.tracks and not result.kept:
        raise ValueError(
            f"no annotation belongs to a video: expected names such as {videos[0]!r}, got {_listed(homeless)}; rename "
            "one or the other"
        )
    if units:
        result.notes.append(f"times are read as {next(iter(units))}, by their numbers; `--unit` says otherwise")
    if homeless:
        result.notes.append(f"annotations of no video, left out: {_listed(homeless)}")
    if unlabelled := [name for name in videos if name not in result.tracks and name not in result.kept]:
        result.notes.append(f"videos without annotations, left out: {_listed(unlabelled)}")
    return result._replace(formats=[f"{form} ({number})" for form, number in sorted(formats.items())])


def check_units(tracks: Mapping[str, Track], num_frames: Mapping[str, int], fps: float, annotation_fps: float) -> None:
    """Refuse a guessed unit by which annotations and videos do not fit together, where by the other one they do.

    Whole numbers are guessed to be frames. A person who noted whole seconds did not mean that: all annotations would
    lie at the beginning of the videos. Frames that a program wrote as ``150.0`` are guessed to be seconds, and would
    lie far beyond the end.

    Args:
        tracks: of every video.
        num_frames: of every video.
        fps: frames per second of the videos.
        annotation_fps: rate at which the annotations count frames.

    Raises:
        ValueError: if it is so; the message has both readings.
    """
    guessed = {name: track for name, track in tracks.items() if track.guessed_unit is not None and track.intervals}
    if not guessed:
        return
    first, track = next(iter(guessed.items()))
    unit = track.guessed_unit
    rates = {"seconds": 1.0, "frames": annotation_fps}
    ends = {  # in the numbers of the files
        name: max(interval.stop_s for interval in track.intervals) * rates[unit or "seconds"]
        for name, track in guessed.items()
    }
    lengths_s = {name: num_frames[name] / fps for name in guessed}
    shares = {each: sum(ends.values()) / rate / sum(lengths_s.values()) for each, rate in rates.items()}
    own, other = (shares["frames"], shares["seconds"])[:: 1 if unit == "frames" else -1]
    too_short, too_long = own < LEAST_ANNOTATED and other > own, own > MOST_ANNOTATED
    if other > MOST_ANNOTATED or not (too_short or too_long):
        return
    if unit == "seconds" and not all(float(time).is_integer() for one in guessed.values() for time in _times(one)):
        return
    raise ValueError(
        f"{track.source} does not say the unit of its times, and its numbers do not decide: {first!r} lasts "
        f"{lengths_s[first]:.4g} s and is annotated up to {ends[first]:.4g} s if they are seconds, up to "
        f"{ends[first] / annotation_fps:.4g} s if they are frames, {annotation_fps:g} a second "
        f"({100 * shares['seconds']:.0f} % or {100 * shares['frames']:.0f} % of all videos): say which by "
        "`--unit seconds` or `--unit frames`, or name the columns start_s and stop_s"
    )


def _times(track: Track) -> Iterator[float]:
    for interval in track.intervals:
        yield from interval[:2]


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)  # macOS stores accents apart from their letters


def _listed(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
