"""Several labels at a time: tracks of a video side by side, as classes of a network and as files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segtcn.atomic import atomic_path, write_text
from segtcn.labels.classes import Classes, listed
from segtcn.labels.files import file_and_track, save_archive, track_names
from segtcn.labels.frame_table import NOTHING
from segtcn.labels.labels import TRUTH, Labels
from segtcn.labels.segment_tables import segment_table
from segtcn.structures import IGNORE, Track, track_indexes


@dataclass(frozen=True)
class TrackClasses(Classes):
    """What the outputs of a network for several tracks mean; ``names`` has one name for each output.

    Args:
        tracks: in the order of the outputs.

    Raises:
        ValueError: if a track has one class, so that there is nothing to tell apart, or two have the same name.

    Example:
        >>> left = Track("left", ("background", "reach"), 0)
        >>> classes = TrackClasses.of([left, occurrence("groom")])
        >>> classes.names, classes.common.names
        (('left: background', 'left: reach', 'groom'), ('background', 'groom', 'reach'))
        >>> classes.labels_of(np.array([[0.9], [0.1], [0.7]], np.float32))["groom"].names()
        ['groom']
    """

    tracks: tuple[Track, ...] = ()

    @classmethod
    def of(cls, tracks: Iterable[Track]) -> TrackClasses:
        """The outputs of tracks, one after the other."""
        tracks = tuple(tracks)
        names: list[str] = []
        for track in tracks:
            if "/" in track.name or len(track.class_names) < 2:
                raise ValueError(
                    f"track {track.name!r} must have a name without a slash and two classes or more to tell apart, got "
                    f"{listed(track.class_names) or 'none'}: annotate more, or leave the track out"
                )
            occurs = track.threshold is not None
            names += [track.name] if occurs else [f"{track.name}: {name}" for name in track.class_names]
        return cls(tuple(names), None, tracks)

    @property
    def common(self) -> Classes:
        """The classes of all tracks together, for colours and files."""
        return Classes.from_names(name for track in self.tracks for name in track.class_names)

    def labels_of(
        self, probabilities: npt.NDArray[np.float32], fps: float | None = None, source: str = "prediction"
    ) -> dict[str, Labels]:
        """The labels of each track.

        Args:
            probabilities: of all outputs, ``(C, T)``.
            fps: labels per second.
            source: for messages.
        """
        labels, row = {}, 0
        for track, indexes in zip(self.tracks, track_indexes(probabilities, self.tracks), strict=True):
            group = probabilities[row : row + track.num_outputs]
            scores = group if track.threshold is None else np.concatenate([1 - group, group])
            classes = Classes(track.class_names, track.background)
            labels[track.name] = Labels(indexes, classes, fps, scores, f"{source}, track {track.name}")
            row += track.num_outputs
        return labels

    def truth_of(self, targets: npt.NDArray[np.float32]) -> dict[str, Labels]:
        """The labels that :meth:`targets_of` made targets of."""
        columns = zip(self.tracks, track_indexes(targets, self.tracks), strict=True)
        return {track.name: Labels(indexes, Classes(track.class_names, track.background)) for track, indexes in columns}

    def targets_of(self, labels: Mapping[str, Labels]) -> npt.NDArray[np.float32]:
        """What a network learns of the labels of a video: 1 for the class of a frame, 0 for others, NaN if unknown.

        Args:
            labels: of every track, all of one length.

        Returns:
            ``(C, T)``.
        """
        groups = []
        for track in self.tracks:
            indexes = labels[track.name].in_classes(Classes(track.class_names)).indexes
            classes = np.arange(len(track.class_names))[:, None]
            group = np.where(indexes == IGNORE, np.nan, indexes == classes)
            groups.append(group if track.threshold is None else group[1:])
        return np.concatenate(groups).astype(np.float32)


def occurrence(name: str, threshold: float = 0.5) -> Track:
    """A track that occurs or not, whatever else happens.

    Args:
        name: of the track, and of its class.
        threshold: probability from which on it occurs.

    Example:
        >>> occurrence("groom").class_names
        ('background', 'groom')
    """
    return Track(name, (NOTHING, name), 0, threshold)


def write_tracks(
    path: str | os.PathLike[str], tracks: Mapping[str, Labels], truth: Mapping[str, Labels] | None = None
) -> None:
    """Write the labels of the tracks of a video into one file; complete or not at all.

    ``.csv`` is a segment table with a first column ``track``. ``.npz`` has scores and truth, too.

    Args:
        path: the file to make or to replace. :func:`~segtcn.labels.read_labels` reads one track of it, as
            ``PATH/TRACK``.
        tracks: by the names of tracks.
        truth: the true labels of the same tracks; for ``.npz`` only.

    Raises:
        ValueError: if the ending is another.

    Example:
        >>> import tempfile
        >>> from segtcn.labels import read_labels
        >>> path = Path(tempfile.mkdtemp()) / "P01.csv"
        >>> write_tracks(path, {"left": Labels.from_names(["rest", "reach"]), "right": Labels.from_names(["rest"] * 2)})
        >>> print(path.read_text(), end="")
        track,label,start,stop,start_s,stop_s,confidence
        left,rest,0,1,,,
        left,reach,1,2,,,
        right,rest,0,2,,,
        >>> read_labels(path / "left").names()
        ['rest', 'reach']
    """
    if Path(path).suffix not in (".csv", ".npz"):
        raise ValueError(f"cannot write tracks to {path}: the name must end in .csv or .npz")
    if Path(path).suffix == ".csv":
        write_text(path, segment_table(tracks))
        return
    with atomic_path(path) as temporary:
        save_archive(Path(temporary), tracks, truth or {})


def track_files(files: Mapping[str, Path], one_hot: bool = False) -> dict[str, Path]:
    """Label files in which each track is an entry of its own, ``NAME/TRACK`` by its path ``FILE/TRACK``.

    Args:
        files: by name of the video.
        one_hot: whether the columns of one-hot tables are tracks.
    """
    tracks = {name: track_names(path, one_hot) for name, path in files.items()}
    return {
        f"{name}/{track}" if track else name: path / track
        for name, path in files.items()
        for track in tracks[name] or [""]
    }


def track_of(path: str | os.PathLike[str]) -> str | None:
    """The track that a path ``FILE/TRACK`` means; None of other paths."""
    return file_and_track(Path(path))[1] or None


def named_videos(videos: Iterable[str], names: Collection[str]) -> dict[str, list[str]]:
    """What names of videos mean among those of label files: the video, or its tracks ``VIDEO/TRACK``.

    Args:
        videos: names that a user gives.
        names: of all label files.

    Example:
        >>> named_videos(["P01", "P02"], ["P01/left", "P01/right", "P02"])
        {'P01': ['P01/left', 'P01/right'], 'P02': ['P02']}
    """
    return {
        video: [video] if video in names else [name for name in names if name.startswith(f"{video}/")]
        for video in videos
    }


def files_by_track(files: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
    """The label files of each track of a video, by title; those without tracks are of one named "".

    Args:
        files: by title.
    """
    names = {title: track_names(path) for title, path in files.items()}
    return {
        track: {title: path / track for title, path in files.items() if track in (names[title] or [""])}
        for track in dict.fromkeys(track for tracks in names.values() for track in tracks or [""])
    }


def truth_title(title: str, titles: Collection[str]) -> str | None:
    """The title of the truth that a track of a picture is compared with; None if there is none.

    Args:
        title: of the track.
        titles: of all tracks.

    Example:
        >>> truth_title("left: ED-TCN", ["left: truth", "left: ED-TCN", "right: ED-TCN"])
        'left: truth'
    """
    track, colon, _ = title.rpartition(": ")
    return next((truth for truth in (f"{track}{colon}{TRUTH}", TRUTH) if truth in titles), None)
