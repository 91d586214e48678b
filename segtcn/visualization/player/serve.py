"""What a player shows: videos with their tracks, clips and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from segtcn.visualization.tracks import Classes, Track


class PlayerVideo(NamedTuple):
    """One video of a player.

    Args:
        name: of the video.
        tracks: its label tracks, the truth first, with different titles; or a function that reads them when they are
            needed: a player of thousands of videos starts at once.
        clip: its clip, or None.
        scores: of each track by its title, by the names of the scores, in percent.
        num_frames: labels of its longest track; None reads the tracks.
        fps: labels per second of that track, None where it is unknown.
    """

    name: str
    tracks: Sequence[Track] | Callable[[], Sequence[Track]]
    clip: Path | None = None
    scores: Mapping[str, Mapping[str, float]] = {}
    num_frames: int | None = None
    fps: float | None = None

    def read(self) -> list[Track]:
        """Its tracks.

        Raises:
            FileNotFoundError: if a label file is gone.
            ValueError: if a label file cannot be understood, there is no track, or two have the same title.
        """
        tracks = [*(self.tracks() if callable(self.tracks) else self.tracks)]
        titles = [track.title for track in tracks]
        if not tracks or len({*titles}) < len(titles):
            raise ValueError(f"{self.name} needs tracks with different titles, got {', '.join(titles) or 'none'}")
        return tracks


class Player(NamedTuple):
    """Everything that a player shows.

    Args:
        title: above the page.
        videos: with different names.
        classes: of all tracks.
        protocol: under which ``scores`` were computed, or None.

    Example:
        >>> from segtcn.labels.legacy import LabelTrack
        >>> truth = Track("truth", LabelTrack(["take", "pour"], fps=15.0), "memory", is_truth=True)
        >>> player = Player("demo", [PlayerVideo("tea", [truth])], Classes(["take", "pour"], None))
        >>> player.videos[0].read()[0].labels.labels
        ['take', 'pour']
    """

    title: str
    videos: Sequence[PlayerVideo]
    classes: Classes
    protocol: str | None = None
