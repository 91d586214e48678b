"""Several labels at a time: the features of any reader with the labels of tracks."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from segtcn.data.readers.reader import Reader
from segtcn.labels.classes import Classes, alike_names, listed
from segtcn.labels.files import read_labels
from segtcn.labels.folder import find_label_files
from segtcn.labels.frame_table import NOTHING
from segtcn.labels.labels import Labels
from segtcn.labels.track_classes import TrackClasses, occurrence, track_files, track_of
from segtcn.labels.video_lists import Subset
from segtcn.structures import Target, Track, Video


class TrackReader(Reader):
    """Features, splits and rate of another reader, with several labels a frame: two hands, several animals, behaviours.

    Every track has one label for every frame. A track whose only class beside ``background`` has the name of the track
    occurs or not: it is independent of all others. Of other tracks, one class a frame is right.

    Args:
        reader: of features, splits and rate; its own labels are not read.
        tracks: a folder with one label file a video that has all tracks: a segment table with a first column ``track``,
            or a table of frames with a column of 0 and 1 for every behaviour. Or the folder of each track by its name,
            with label files in any format, such as those of `segtcn init`.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if a file has no tracks or cannot be understood, videos have different tracks, or a track has one
            class only.
    """

    target: Target = "multi"

    def __init__(self, reader: Reader, tracks: str | dict[str, str]) -> None:
        self._reader = reader
        self.feature_dim, self.fps, self.splits = reader.feature_dim, reader.fps, reader.splits
        if isinstance(tracks, str):
            paths = track_files(find_label_files(Path(tracks)), one_hot=True)
        else:
            folders = {track: find_label_files(Path(folder)) for track, folder in tracks.items()}
            paths = {f"{video}/{track}": path for track, files in folders.items() for video, path in files.items()}
        self._files: dict[str, dict[str, Path]] = {}
        for name, path in paths.items():
            video, _, track = name.rpartition("/")
            if isinstance(tracks, str) and track_of(path) is None:
                raise ValueError(
                    f"{path} has no tracks: expected a column `track`, or a column of 0 and 1 for every behaviour; or "
                    "give a folder for each track"
                )
            self._files.setdefault(video, {})[track] = path
        self._source = str(tracks) if isinstance(tracks, str) else listed(tracks.values())
        self._classes = self._find_classes()
        self.class_names, self.background = list(self._classes.names), None

    @property
    def classes(self) -> TrackClasses:
        """What the outputs of a network mean."""
        return self._classes

    def videos(self, split: int, subset: Subset) -> list[str]:  # noqa: D102
        return self._reader.videos(split, subset)

    def stored(self) -> list[str]:  # noqa: D102
        return self._reader.stored()

    def files(self, name: str, split: int | None = None) -> list[Path]:  # noqa: D102
        return self._reader.files(name, split)

    def clip_names(self, name: str) -> list[str]:  # noqa: D102
        return self._reader.clip_names(name)

    @property
    def extraction(self) -> dict[str, Any] | None:
        """How the features were made, as the other reader says it."""
        return self._reader.extraction

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:  # noqa: D102
        video = self._reader.read(name, split, labels=False)
        if not labels:
            return video
        return video._replace(targets=torch.from_numpy(self._classes.targets_of(self._labels_of(name))))

    def _labels_of(self, name: str) -> dict[str, Labels]:
        if name not in self._files:
            raise FileNotFoundError(
                f"no labels of the tracks of video {name!r} in {self._source}: add them, or take the name out of the "
                "split's list"
            )
        labels = {track: read_labels(path) for track, path in self._files[name].items()}
        lengths = {track: len(of_track) for track, of_track in labels.items()}
        if len({*lengths.values()}) > 1:
            raise ValueError(f"the tracks of {name} differ in length, {lengths} frames: label every frame of each")
        return labels

    def _find_classes(self) -> TrackClasses:
        names = [*self._files]
        first = [*self._files[names[0]]]
        for name in names:
            if odd := {*first} ^ {*self._files[name]}:
                raise ValueError(
                    f"the tracks of videos differ: {names[0]} has {listed(first)}, {name} has "
                    f"{listed(self._files[name])}; label {listed(sorted(odd))} in both, or in none"
                )
        present: dict[str, set[str]] = {track: set() for track in first}
        for name in names:
            for track, labels in self._labels_of(name).items():
                present[track] |= {labels.name_of(index) for index in labels.present()}
        if empty := [track for track, classes in present.items() if not classes]:
            raise ValueError(f"no frame of the track {empty[0]!r} is annotated in any video: label it, or leave it out")
        for track, classes in present.items():
            names = sorted(classes - {NOTHING})
            if alike_names(names) or 0 < sum(map(str.isdecimal, names)) < len(names):
                warnings.warn(
                    f"the track {track!r} has the classes {listed(names)}: if two of them mean the same, write one of "
                    "them in all videos",
                    stacklevel=4,
                )
        return TrackClasses.of(_track(track, present[track]) for track in first)


def _track(name: str, present: set[str]) -> Track:
    if present <= {NOTHING, name}:
        return occurrence(name)
    classes = Classes.from_names(present)
    return Track(name, classes.names, classes.background)
