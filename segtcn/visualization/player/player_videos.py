"""What a player shows: videos with their tracks, clips and scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE
from segtcn.video_io import TIMESTAMP_TOLERANCE_S, frame_times, probe


class PlayerVideo(NamedTuple):
    """One video of a player.

    Args:
        name: of the video.
        tracks: its labels by their titles, the true ones, titled ``truth``, first; or a function that reads them when
            they are needed: a player of thousands of videos starts at once.
        clip: its clip, or None.
        scores: of each track by its title, by the names of the scores, in percent.
        num_frames: labels of its longest track; None reads the tracks.
        fps: labels per second of that track, None where it is unknown.
    """

    name: str
    tracks: Mapping[str, Labels] | Callable[[], Mapping[str, Labels]]
    clip: Path | None = None
    scores: Mapping[str, Mapping[str, float]] = {}
    num_frames: int | None = None
    fps: float | None = None

    def read(self, classes: Classes | None = None) -> dict[str, Labels]:
        """Its tracks by their titles.

        Args:
            classes: what the indexes shall mean; None leaves each track its own.

        Raises:
            FileNotFoundError: if a label file is gone.
            ValueError: if a label file cannot be understood, a label is not among ``classes``, or there is no track.
        """
        tracks = dict(self.tracks() if callable(self.tracks) else self.tracks)
        if not tracks:
            raise ValueError(f"{self.name} needs at least one track, got none")
        if classes is None:
            return tracks
        # large arrays of scores are checked again where classes change
        return {
            title: labels if labels.classes == classes else labels.in_classes(classes)
            for title, labels in tracks.items()
        }


class Player(NamedTuple):
    """Everything that a player shows.

    Args:
        title: above the page.
        videos: with different names.
        classes: of all tracks.
        protocol: under which ``scores`` were computed, or None.

    Example:
        >>> truth = Labels.from_names(["take", "pour"], fps=15)
        >>> player = Player("demo", [PlayerVideo("tea", {"truth": truth})], truth.classes)
        >>> player.videos[0].read()["truth"].names()
        ['take', 'pour']
    """

    title: str
    videos: Sequence[PlayerVideo]
    classes: Classes
    protocol: str | None = None


def blank_player(
    title: str, clips: Mapping[str, Path], classes: Classes | None = None, fps: float | None = None
) -> Player:
    """A player of clips without labels: each is one segment that nobody annotated, to be split and named on the page.

    Args:
        title: above the page.
        clips: by name of the video.
        classes: to choose from; the page can make more. None: no class.
        fps: labels per second, such as the rate of the features; None: a label for every frame of the clip.
    """
    classes = Classes(()) if classes is None else classes
    videos = [PlayerVideo(name, partial(_blank, clip, classes, fps), clip) for name, clip in clips.items()]
    return Player(title, videos, classes)


def _blank(clip: Path, classes: Classes, fps: float | None) -> dict[str, Labels]:
    if fps is None:
        num_frames = len(frame_times(clip))
    else:  # as many as features of that rate have
        num_frames = max(1, math.ceil((probe(clip).duration_s - TIMESTAMP_TOLERANCE_S) * fps))
    return {"labels": Labels(np.full(num_frames, IGNORE), classes, fps, source=f"no labels of {clip}")}
