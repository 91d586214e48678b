"""Label tracks of one video: their titles, their common classes, and which label each frame of a clip has."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels.legacy import LabelTrack, read_labels
from segtcn.video_io import TIMESTAMP_TOLERANCE_S, ClipInfo
from segtcn.visualization.palette import RGB, class_color

LENGTH_TOLERANCE = 0.02
"""Labels without a rate may be this much more or fewer than the clip's frames: extractors drop frames at the end."""

NO_LABEL = -1
"""Frames that no label covers."""

BACKGROUNDS = ("background", "SIL")
"""What data sets call the class of frames in which nothing of interest happens."""


class Track(NamedTuple):
    """The labels of one video from one source.

    Args:
        title: what pictures call it, ``truth`` or the name of a network.
        labels: of every frame, at the rate of the labels.
        source: the file they came from, for messages.
        is_truth: whether they are the truth that others are compared with.
    """

    title: str
    labels: LabelTrack
    source: str
    is_truth: bool = False


class Classes(NamedTuple):
    """The classes of some tracks and how pictures show them.

    Args:
        names: of every class; the index is the class.
        background: index of the background class, or None.
    """

    names: list[str]
    background: int | None

    @property
    def colors(self) -> list[RGB]:
        """Colour of every class."""
        return [class_color(label, self.background) for label in range(len(self.names))]

    def indexes(self, track: Track) -> npt.NDArray[np.int64]:
        """Class index of every label of a track, ``(T,)``."""
        index = {name: label for label, name in enumerate(self.names)}
        return np.fromiter((index[name] for name in track.labels.labels), np.int64, len(track.labels.labels))


class Alignment(NamedTuple):
    """Which label of a track each frame of a clip has.

    Args:
        numbers: for every frame of the clip the number of its label, or :data:`NO_LABEL`, ``(num_frames,)``.
        fps: labels per second; None where label n belongs to frame n, whenever that is shown.
        note: what the user should know of a difference in length, or None.
    """

    numbers: npt.NDArray[np.int64]
    fps: float | None
    note: str | None


def open_track(source: str | os.PathLike[str] | LabelTrack, title: str, is_truth: bool = False) -> Track:
    """Read a label file; see :func:`segtcn.labels.legacy.read_labels`.

    Args:
        source: a label file, or its content.
        title: what pictures call it.
        is_truth: whether it is the truth.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file cannot be understood, or there is no label.
    """
    if isinstance(source, LabelTrack):
        track = Track(title, source, title, is_truth)
    else:
        track = Track(title, read_labels(source), str(source), is_truth)
    if not track.labels.labels:
        raise ValueError(f"{track.source} has no labels: expected at least one")
    return track


def split_title(text: str, default: str) -> tuple[str, Path]:
    """Take ``TITLE=FILE``, as users write it on the command line, apart; an existing file is not taken apart.

    Args:
        text: a file, or a title and a file.
        default: the title of a file alone.

    Example:
        >>> split_title("MS-TCN=predictions/tea.txt", "prediction")
        ('MS-TCN', PosixPath('predictions/tea.txt'))
        >>> split_title("predictions/tea.txt", "prediction")
        ('prediction', PosixPath('predictions/tea.txt'))
    """
    title, separator, path = text.partition("=")
    if not separator or not title or not path or Path(text).exists():
        return default, Path(text)
    return title, Path(path)


def common_classes(
    tracks: Iterable[Track], class_names: Sequence[str] | None = None, background: str | None = None
) -> Classes:
    """The classes of all tracks together.

    Colours depend on the place of a class in this list only. With ``class_names`` (a data set's ``mapping.txt``) they
    are the same in all pictures of the data set. Files with scores name all classes, too. Otherwise the names that
    occur count, in alphabetical order.

    Args:
        tracks: of one video or of several.
        class_names: name of every class, in the order of their indices.
        background: name of the background class; None takes the first of :data:`BACKGROUNDS` that is a class.

    Raises:
        ValueError: if a label is not in ``class_names``; the message names its file.
    """
    tracks = list(tracks)
    listed = next((list(track.labels.scores.class_names) for track in tracks if track.labels.scores is not None), None)
    present = {name: track for track in reversed(tracks) for name in track.labels.labels}
    present |= {name: t for t in tracks if t.labels.scores is not None for name in t.labels.scores.class_names}
    if class_names is not None:
        names = list(class_names)
        if unknown := sorted(present.keys() - set(names)):
            raise ValueError(
                f"{present[unknown[0]].source}: label {unknown[0]!r} is no known class ({len(unknown)} unknown): is it "
                f"the right list? It has {', '.join(names[:20])}{' ...' if len(names) > 20 else ''}"
            )
    elif listed is not None:
        names = [*listed, *sorted(present.keys() - set(listed))]
    else:
        names = sorted(present)
    if background is None:
        found = next((name for name in BACKGROUNDS if name in names), None)
    else:
        found = background if background in names else None
    if class_names is None and listed is None and found is not None:
        names = [found, *(name for name in names if name != found)]
    return Classes(names, None if found is None else names.index(found))


def align(
    track: Track, times_s: npt.NDArray[np.float64], info: ClipInfo, clip: str, fps: float | None = None
) -> Alignment:
    """Find the label of every frame of a clip.

    Labels and frames meet in time: with a rate, the frame shown t seconds after the first has label
    ``floor(t * rate)``. The rate is the one given; else the one that a segment table tells; else there must be one
    label for every frame (up to 2 % more or fewer, with a warning). Frames beyond the last label have none.

    Args:
        track: the labels.
        times_s: presentation time of every frame of the clip, ``(num_frames,)``, increasing.
        info: what the clip says about itself.
        clip: its name, for messages.
        fps: labels per second; None as above.

    Raises:
        ValueError: if ``fps`` is not positive, or the number of labels fits the clip at no known rate.
    """
    if fps is not None and not fps > 0:
        raise ValueError(f"the rate of the labels must be positive, got {fps}")
    fps = fps or track.labels.fps
    num_labels, num_frames = len(track.labels.labels), len(times_s)
    note = None
    if fps is not None:
        seconds = num_labels / fps
        # one label more or less is a matter of rounding
        if abs(seconds - info.duration_s) > max(LENGTH_TOLERANCE * info.duration_s, 1.5 / fps):
            note = (
                f"{track.source}: {num_labels} labels at {fps:g} a second last {seconds:.2f} s, but {clip} lasts "
                f"{info.duration_s:.2f} s; if the rate is not {fps:g}, give the right one (--fps)"
            )
        index = np.floor((times_s - times_s[0] + TIMESTAMP_TOLERANCE_S) * fps).astype(np.int64)
    elif abs(num_labels - num_frames) > LENGTH_TOLERANCE * num_frames:
        difference = f"{abs(num_labels - num_frames)} {'fewer' if num_frames < num_labels else 'more'}"
        raise ValueError(
            f"{track.source} has {num_labels} labels, but {clip} has {num_frames} frames, {difference}: at the clip's "
            f"{float(info.fps):g} fps the labels last {num_labels / float(info.fps):.2f} s and the clip "
            f"{info.duration_s:.2f} s; give the rate of the labels (--fps), for example --fps "
            f"{num_labels / info.duration_s:.3g} if they cover the whole clip"
        )
    else:
        if num_labels != num_frames:
            share = 100 * abs(num_labels - num_frames) / num_frames
            note = (
                f"{track.source} has {num_labels} labels and {clip} {num_frames} frames, a difference of {share:.1f} "
                "%: label number n is taken for frame number n"
            )
        index = np.arange(num_frames)
    if note is not None:
        warnings.warn(note, stacklevel=2)
    return Alignment(np.where(index < num_labels, index, NO_LABEL), fps, note)


def fits_frame_by_frame(track: Track, num_frames: int) -> bool:
    """Whether a track without a rate has about one label for every frame of a clip."""
    difference = abs(len(track.labels.labels) - num_frames)
    return track.labels.fps is None and difference <= LENGTH_TOLERANCE * num_frames
