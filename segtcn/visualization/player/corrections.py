"""Corrected labels on their way from the page to files: checked, and written only below one folder."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels import Classes, Labels, read_labels, write_labels
from segtcn.structures import IGNORE

_LONGEST = 120  # bytes of a part of a file name: file systems allow 255, and backups and editors add to it
_LONGEST_NAME = 1000
_RESERVED = re.compile(r'[<>:"\\|?*\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


class Correction(NamedTuple):
    """The labels that a user wants for a video.

    Args:
        track: title of the track that was corrected.
        indexes: class index of every frame, or :data:`~segtcn.structures.IGNORE`, ``(T,)``.
        replaces: :func:`saved_version` of the correction that the page knows of; None replaces any.
        new_classes: names of the classes that the page made; their indexes follow those of the player.
    """

    track: str
    indexes: npt.NDArray[np.int64]
    replaces: str | None = None
    new_classes: tuple[str, ...] = ()


def parse_correction(body: bytes, token: str) -> Correction:
    """Check what a page sent; nothing of it is trusted.

    Args:
        body: JSON, ``{"token", "track", "labels": {"starts", "classes", "num_frames"}}``, and perhaps ``"replaces"``
            and ``"new_classes"``, a list of names. Class -1 stands for frames that nobody annotated.
        token: that the page was given.

    Raises:
        PermissionError: if the token is another one: the page belongs to an earlier server, or is not ours.
        ValueError: if anything is not as described.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("expected a correction as JSON, got something else") from error
    claim = content.get("token") if isinstance(content, dict) else None
    if not isinstance(claim, str) or not secrets.compare_digest(claim.encode("utf-8", "replace"), token.encode()):
        raise PermissionError(
            "the page belongs to another server: download labels that are not saved, and load the page again"
        )
    track, labels = content.get("track"), content.get("labels")
    if not isinstance(track, str) or not isinstance(labels, dict):
        raise ValueError('expected {"token", "track", "labels": {"starts", "classes", "num_frames"}}')
    starts, classes = _whole_numbers(labels, "starts"), _whole_numbers(labels, "classes")
    (num_frames,) = _whole_numbers({"num_frames": [labels.get("num_frames")]}, "num_frames")
    edges = [*starts, num_frames]
    if not starts or len(starts) != len(classes) or starts[0] != 0 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(
            f"expected segments that start at frame 0 and increase up to {num_frames} frames, each with a class, got "
            f"{len(starts)} starts and {len(classes)} classes"
        )
    replaces, names = content.get("replaces"), content.get("new_classes", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and len(name) <= _LONGEST_NAME for name in names):
        raise ValueError(f"expected names of at most {_LONGEST_NAME} characters as `new_classes`")
    values = [IGNORE if label == -1 else label for label in classes]
    indexes = np.repeat(np.array(values, np.int64), np.diff(edges))
    return Correction(track, indexes, replaces if isinstance(replaces, str) else None, tuple(names))


def save_correction(
    folder: Path, name: str, correction: Correction, tracks: Mapping[str, Labels], fps: float | None
) -> list[str]:
    """Write corrected labels as text and as a table; see :mod:`segtcn.labels.files`.

    An earlier correction of the same video is replaced. The files that the tracks came from never are.

    Args:
        folder: the chosen folder; folders in the name of the video are made in it.
        name: of the video.
        correction: the labels.
        tracks: that the video is shown with, of the classes of the player.
        fps: labels per second for the table, or None.

    Returns:
        The two files, relative to the folder.

    Raises:
        ValueError: if there is no such track, its number of frames is another, a class is neither among its own nor
            new, or a new class has no name that a file can hold.
        PermissionError: if the folder cannot be written to, or a source would be replaced.
        FileExistsError: if another page saved a correction of the video that this one does not know of.
        OSError: if the disk is full.
    """
    track = tracks.get(correction.track)
    if track is None:
        raise ValueError(f"there is no track {correction.track!r}: load the page again")
    if len(correction.indexes) != len(track):
        raise ValueError(f"expected labels of {len(track)} frames, got {len(correction.indexes)}: load the page again")
    classes = Classes((*track.classes.names, *correction.new_classes), track.classes.background)
    labels = Labels(correction.indexes, classes, fps)
    files = correction_files(folder, name)
    text = files[0]
    check_sources(folder, name, [labels.source for labels in tracks.values()])
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
        for file in files:
            write_labels(file, labels)
    except OSError as error:
        if not error.strerror:  # it says already what it is about
            raise
        raise OSError(f"cannot write {text} ({error.strerror.lower()}): make room, or choose another folder") from error
    return [path.relative_to(folder).as_posix() for path in files]


def saved_correction(folder: Path, name: str, tracks: Iterable[Labels]) -> Labels | None:
    """The labels that :func:`save_correction` wrote before; None if there are none.

    Args:
        folder: the chosen folder.
        name: of the video.
        tracks: that the video is shown with, of the classes of the player; classes that they lack come after them.

    Raises:
        ValueError: if the file cannot be understood, or fits no track.
        OSError: if the file cannot be read.
    """
    text, _ = correction_files(folder, name)
    if not text.exists():
        return None
    tracks = [*tracks]
    labels = read_labels(text)
    names = (labels.classes.names[index] for index in labels.present())
    labels = labels.in_classes(tracks[0].classes.extended(names))
    if len(labels) not in (lengths := {len(track) for track in tracks}):
        expected = " or ".join(map(str, sorted(lengths)))
        raise ValueError(f"{text} has {len(labels)} labels, expected {expected}: it was saved for other tracks")
    return labels


def saved_version(folder: Path, name: str) -> str:
    """A digest of the saved correction of a video; empty where there is none."""
    try:
        return hashlib.sha256(correction_files(folder, name)[0].read_bytes()).hexdigest()[:16]
    except OSError:
        return ""


def correction_files(folder: Path, name: str) -> tuple[Path, Path]:
    """The text file and the table that hold the corrections of a video, below the folder whatever its name is.

    Args:
        folder: the chosen folder.
        name: of the video; ``/`` makes folders. Parts that cannot be file names are changed, and get a check sum of
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
        sources: the files of its tracks; what is not a file does not matter.

    Raises:
        PermissionError: if one of them would be replaced.
    """
    targets = {path.resolve() for path in correction_files(folder, name)}
    for source in sources:
        if "\0" not in source and Path(source).resolve() in targets:
            raise PermissionError(f"corrections would replace {source}, which is shown: choose another folder")


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
