"""Corrected labels on their way from the page to files: checked, and written only below one folder."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from segtcn.labels.legacy import read_labels, write_labels, write_segments
from segtcn.structures import Segment
from segtcn.visualization.tracks import NO_LABEL, Classes, Track

_LONGEST = 120  # bytes of a part of a file name: file systems allow 255, and backups and editors add to it
_RESERVED = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


class Correction(NamedTuple):
    """The labels that a user wants for a video.

    Args:
        track: title of the track that was corrected.
        segments: in time order without gaps; class :data:`~segtcn.visualization.tracks.NO_LABEL` has none.
        replaces: :func:`saved_version` of the correction that the page knows of; None replaces any.
    """

    track: str
    segments: list[Segment]
    replaces: str | None = None


def parse_correction(body: bytes, token: str, num_classes: int) -> Correction:
    """Check what a page sent; nothing of it is trusted.

    Args:
        body: JSON, ``{"token", "track", "labels": {"starts", "classes", "num_frames"}}``, and perhaps ``"replaces"``.
        token: that the page was given.
        num_classes: classes that there are.

    Raises:
        PermissionError: if the token is another: the page is of an earlier server, or not ours.
        ValueError: if anything is not as described.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("expected a correction as JSON, got something else") from error
    given = content.get("token") if isinstance(content, dict) else None
    if not isinstance(given, str) or not secrets.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        raise PermissionError("the page is of another server: load it again (labels can be downloaded before)")
    track, labels = content.get("track"), content.get("labels")
    if not isinstance(track, str) or not isinstance(labels, dict):
        raise ValueError('expected {"token", "track", "labels": {"starts", "classes", "num_frames"}}')
    starts, classes = _whole_numbers(labels, "starts"), _whole_numbers(labels, "classes")
    (num_frames,) = _whole_numbers({"num_frames": [labels.get("num_frames")]}, "num_frames")
    stops = [*starts[1:], num_frames]
    if (
        not starts
        or len(starts) != len(classes)
        or starts[0] != 0
        or any(a >= b for a, b in zip(starts, stops, strict=True))
    ):
        raise ValueError(
            f"expected segments that start at frame 0 and increase up to {num_frames} frames, each with a class, got "
            f"{len(starts)} starts and {len(classes)} classes"
        )
    if wrong := [label for label in classes if not NO_LABEL <= label < num_classes]:
        raise ValueError(f"expected classes from 0 to {num_classes - 1}, got {wrong[0]}")
    replaces = content.get("replaces")
    segments = [Segment(*segment) for segment in zip(starts, stops, classes, strict=True)]
    return Correction(track, segments, replaces if isinstance(replaces, str) else None)


def save_correction(
    folder: Path, name: str, correction: Correction, tracks: Iterable[Track], classes: Classes, fps: float | None
) -> list[str]:
    """Write corrected labels as text and as a table; see :mod:`segtcn.labels.legacy`.

    An earlier correction of the same video is replaced. The files that the tracks came from never are.

    Args:
        folder: the chosen folder; folders in the name of the video are made in it.
        name: of the video.
        correction: the labels.
        tracks: that the video is shown with.
        classes: that there are.
        fps: labels per second for the table, or None.

    Returns:
        The two files, relative to the folder.

    Raises:
        ValueError: if there is no such track, its number of frames is another, or frames have no label and there is no
            background class.
        PermissionError: if the folder cannot be written to, or a source would be replaced.
        FileExistsError: if another page saved a correction of the video that this one does not know of.
        OSError: if the disk is full.
    """
    tracks = [*tracks]
    track = next((track for track in tracks if track.title == correction.track), None)
    if track is None:
        raise ValueError(f"there is no track {correction.track!r}: load the page again")
    num_frames = correction.segments[-1].stop
    if num_frames != len(track.labels.labels):
        raise ValueError(f"expected labels of {len(track.labels.labels)} frames, got {num_frames}: load the page again")
    segments = _with_background(correction.segments, classes)
    text, table = correction_files(folder, name)
    check_sources(folder, name, [track.source for track in tracks])
    if not text.parent.resolve().is_relative_to(folder.resolve()):
        raise PermissionError(f"cannot write {text}: it leads out of {folder} by a link")
    if correction.replaces not in (None, saved_version(folder, name)):
        raise FileExistsError(
            f"{text} was saved by somebody else meanwhile: load the page again, which keeps your changes, and compare"
        )
    try:
        text.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermissionError(f"cannot write to {text.parent} ({error.strerror}): choose another folder") from error
    try:
        write_labels(text, [classes.names[label] for start, stop, label in segments for _ in range(stop - start)])
        write_segments(table, segments, classes.names, fps)
    except OSError as error:
        if not error.strerror:  # it says already what it is about
            raise
        raise OSError(f"cannot write {text} ({error.strerror.lower()}): make room, or choose another folder") from error
    return [path.relative_to(folder).as_posix() for path in (text, table)]


def saved_correction(folder: Path, name: str, tracks: Iterable[Track], classes: Classes) -> dict[str, Any] | None:
    """The labels that :func:`save_correction` wrote before, for the page to go on with.

    Args:
        folder: the chosen folder.
        name: of the video.
        tracks: that the video is shown with.
        classes: that there are.

    Returns:
        ``starts``, ``classes``, ``num_frames`` and ``file``; None if there are none.

    Raises:
        ValueError: if the file cannot be understood, or fits no track.
        OSError: if the file cannot be read.
    """
    text, _ = correction_files(folder, name)
    if not text.exists():
        return None
    labels = read_labels(text).labels
    if len(labels) not in (lengths := {len(track.labels.labels) for track in tracks}):
        expected = " or ".join(map(str, sorted(lengths)))
        raise ValueError(f"{text} has {len(labels)} labels, expected {expected}: it was saved for other tracks")
    if unknown := sorted({*labels} - {*classes.names}):
        raise ValueError(f"{text}: label {unknown[0]!r} is no class; there are {', '.join(classes.names[:20])}")
    starts = [frame for frame in range(len(labels)) if frame == 0 or labels[frame] != labels[frame - 1]]
    indexes = [classes.names.index(labels[frame]) for frame in starts]
    return {
        "starts": starts,
        "classes": indexes,
        "num_frames": len(labels),
        "file": text.relative_to(folder).as_posix(),
    }


def saved_version(folder: Path, name: str) -> str:
    """What tells the saved corrections of a video apart; empty where there is none."""
    try:
        return hashlib.sha256(correction_files(folder, name)[0].read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def correction_files(folder: Path, name: str) -> tuple[Path, Path]:
    """The text file and the table that hold the corrections of a video, below the folder whatever its name is.

    Args:
        folder: the chosen folder.
        name: of the video; ``/`` makes folders. Parts that are no good file names are changed, and get a check sum of
            the name so that two videos never share a file.

    Example:
        >>> correction_files(Path("corrected"), "P03/cam01")[0].as_posix()
        'corrected/P03/cam01.txt'
        >>> correction_files(Path("corrected"), "../secret")[1].as_posix()
        'corrected/_/secret.a6b09678.csv'
    """
    parts = [_safe(part) for part in name.split("/")]
    if "/".join(parts) != name:
        parts[-1] += f".{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
    path = folder.joinpath(*parts)
    return path.with_name(f"{path.name}.txt"), path.with_name(f"{path.name}.csv")


def check_sources(folder: Path, name: str, sources: Iterable[str]) -> None:
    """Refuse a folder in which the corrections of a video would replace the files that it is shown from.

    Args:
        folder: the chosen folder.
        name: of the video.
        sources: the files of its tracks; what is no file does not matter.

    Raises:
        PermissionError: if one of them would be replaced.
    """
    targets = {path.resolve() for path in correction_files(folder, name)}
    for source in sources:
        if "\0" not in source and Path(source).resolve() in targets:
            raise PermissionError(
                f"corrections would replace {source}, which is shown: give another folder (--save), which may be new"
            )


def _with_background(segments: list[Segment], classes: Classes) -> list[Segment]:
    if all(segment.label != NO_LABEL for segment in segments):
        return segments
    if classes.background is None:
        start = next(segment.start for segment in segments if segment.label == NO_LABEL)
        raise ValueError(
            f"the frames from {start} have no label and there is no background class: give them a label first"
        )
    filled: list[Segment] = []
    for start, stop, label in segments:
        own = classes.background if label == NO_LABEL else label
        if filled and filled[-1].label == own:
            filled[-1] = filled[-1]._replace(stop=stop)
        else:
            filled.append(Segment(start, stop, own))
    return filled


def _whole_numbers(labels: dict[str, Any], key: str) -> list[int]:
    values = labels.get(key)
    if not isinstance(values, list) or not all(type(value) is int and abs(value) < 2**31 for value in values):
        raise ValueError(f"expected whole numbers as `{key}`")
    return values


def _safe(part: str) -> str:
    part = _RESERVED.sub("_", part)
    part = part.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")
    # a dot in front hides a file, and Windows drops dots and spaces at the end
    part = part.strip(" .")
    return part or "_"
