"""Groups of arguments that a function of the library and its command share; light, so that help pages are fast."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The labels.

    Args:
        truth: true labels, a file or one a video in a folder, which may hold other videos, too.
        videos: these videos only (default: all): their names, or a file with one name a line; timelines keep their
            order.
        fps: labels per second, in place of what runs and files say.
        mapping: mapping.txt with all classes (default: looked for beside the labels).
        background: background classes, names or indexes with commas (default: what runs say, or else the field's
            names); timelines draw the first in grey.
        protocol: of the scores (default: that of the first run, or lea).
        seed: of runs with several (default: the smallest).
    """

    truth: Path | None = None
    videos: list[str] | None = None
    fps: Annotated[float, "RATE"] | None = None
    mapping: Annotated[Path, "FILE"] | None = None
    background: Annotated[str, "NAMES"] | None = None
    protocol: str | None = None
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What runs are scored on, and how.

    Args:
        protocol: protocol (default: that of the run, or lea).
        truth: true labels, one file a video, in place of those of the run; the folder may hold other videos.
        mapping: mapping.txt with all classes (default: those of the run, or the names that occur).
        background: classes to leave out, names or indexes with commas (default: those of the run).
        sample_rate: score every Nth stored frame (default: as the network was scored).
        length_policy: where predictions and truth differ in length: error, or trim both to the shorter.
        length_tolerance: frames that trim may cut off.
        incomplete: leave out videos without a prediction or truth, with a note.
    """

    protocol: str | None = None
    truth: Annotated[Path, "DIR"] | None = None
    mapping: Annotated[Path, "FILE"] | None = None
    background: Annotated[str, "NAMES"] | None = None
    sample_rate: int | None = None
    length_policy: Literal["error", "trim"] = "error"
    length_tolerance: int = 10
    incomplete: bool = False


@dataclass(frozen=True)
class Resampling:
    """How intervals and p-values are made.

    Args:
        num_resamples: of the bootstrap.
        confidence: of the interval.
        seed: of the resamples.
        groups: regular expression that is searched in the name of each video; its first group, or all that it matches,
            names the person or recording, and these are then drawn, not videos (default: as the data set's card says).
        draw_seeds: without drawn seeds, the interval leaves out the choice of seeds.
        all_pairs: compare all pairs, not only with the first run.
    """

    num_resamples: int = 10_000
    confidence: Annotated[float, "PERCENT"] = 95.0
    seed: int = 0
    groups: Annotated[str, "REGEX"] | None = None
    draw_seeds: bool = True
    all_pairs: bool = False


@dataclass(frozen=True)
class Sources:
    """What there is.

    Args:
        features: folder of NAME.npy (default: `features` in the data set, which gets a link to another folder).
        videos: folder of the clips (default: `videos`).
        annotations: a folder, or a file with all videos (default: `annotations`, or else `groundTruth`).
        fps: features per second (default: from the clips).
        annotation_fps: frames per second in the annotations, if it is another rate.
        unit: of times where the file does not state it.
        track: the tier (ELAN, Praat), subject (BORIS) or attribute (VIA) to take.

    Raises:
        ValueError: if a rate is not positive.
    """

    features: Annotated[Path, "DIR"] | None = None
    videos: Annotated[Path, "DIR"] | None = None
    annotations: Path | None = None
    fps: Annotated[float, "RATE"] | None = None
    annotation_fps: Annotated[float, "RATE"] | None = None
    unit: Literal["seconds", "frames"] | None = None
    track: str | None = None

    def __post_init__(self) -> None:
        for argument, rate in (("fps", self.fps), ("annotation_fps", self.annotation_fps)):
            if rate is not None and not 1e-9 < rate <= 1e6:
                raise ValueError(f"`{argument}` must be positive, got {rate:g}")


@dataclass(frozen=True)
class LabelRules:
    """How annotations become labels.

    Args:
        background: the class that scores leave out (default: background, where a frame is labelled so).
        points: point events take the frame in which they lie.
        close_gaps_s: gaps up to this take the label before.
        gaps: frames without annotation are background, ignore (they do not count) or another class.

    Raises:
        ValueError: if ``close_gaps_s`` is negative, or ``gaps`` is not the name of a class.
    """

    background: str | None = None
    points: bool = False
    close_gaps_s: Annotated[float, "SECONDS"] = 0.0
    gaps: Annotated[str, "background|ignore|CLASS"] = "background"

    def __post_init__(self) -> None:
        from segtcn.labels import Classes

        if not self.close_gaps_s >= 0:
            raise ValueError(f"`close_gaps_s` must not be negative, got {self.close_gaps_s}")
        if self.gaps.casefold() in ("ignore", "ignored") and self.gaps != "ignore":
            raise ValueError(
                f"`gaps` must be background, ignore or the name of a class: is ignore meant by {self.gaps!r}?"
            )
        if self.gaps != "ignore":
            Classes((self.gaps,))

    @property
    def gap_label(self) -> str:
        """What frames without annotation are labelled."""
        from segtcn.labels import IGNORE_NAME

        return {"background": self.background or "background", "ignore": IGNORE_NAME}.get(self.gaps, self.gaps)


@dataclass(frozen=True)
class Folds:
    """How videos are divided.

    Args:
        folds: k-fold (default: one for every group, or without groups 5, or fewer if there are fewer videos).
        group: what in a name is its group; a group is never split.
        stratify: folds balanced by class.
        seed: of the random order.
    """

    folds: Annotated[int, "K"] | None = None
    group: Annotated[str, "REGEX"] | None = None
    stratify: bool = False
    seed: int = 0
