"""What every annotation format becomes, and the checks that all of them share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from segtcn.labels.folder import without_ending

Unit = Literal["seconds", "frames"]

MAX_SECONDS = 1e9
"""Times beyond are not seconds from the start of a video: 32 years."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)  # one way to match: no slow text


class Interval(NamedTuple):
    """One annotation, half-open: ``start_s <= t < stop_s``. A point event starts where it stops.

    Args:
        start_s: in seconds from the start of the video.
        stop_s: in seconds.
        label: name of the class, one line.
    """

    start_s: float
    stop_s: float
    label: str


class ClipOfAnnotations(NamedTuple):
    """One of several clips through which annotations count their time.

    Args:
        name: of the clip.
        start_s: where it begins in that time.
        stop_s: where it ends; infinite for the last.
    """

    name: str
    start_s: float
    stop_s: float


class Annotations(NamedTuple):
    """The annotations of one video; :func:`~segtcn.prepare.annotations.frame_labels` makes labels of frames from them.

    Args:
        names: what the file calls the video, the most reliable name first, without the clip's ending.
        intervals: in the order of the file; they may overlap and leave gaps.
        source: the file, for messages.
        guessed_unit: ``frames`` or ``seconds`` where the file does not say and the numbers decided; else None.
        notes: what was left out or should be known.
        clips: the clips through which the times count, where they are several whose durations are known.
        is_complete: whether the file has a label for every frame.
        first_frame: the smallest frame of a table or list that counts frames; None where times are seconds.
    """

    names: tuple[str, ...]
    intervals: list[Interval]
    source: str
    guessed_unit: Unit | None = None
    notes: tuple[str, ...] = ()
    clips: tuple[ClipOfAnnotations, ...] = ()
    is_complete: bool = False
    first_frame: float | None = None

    def of_clips(self) -> list[Annotations]:
        """Annotations of each of the ``clips`` that has some, in its own time; what crosses an end is cut there."""
        parts: list[Annotations] = []
        for clip in self.clips:
            intervals = [
                Interval(max(start_s, clip.start_s) - clip.start_s, min(stop_s, clip.stop_s) - clip.start_s, label)
                for start_s, stop_s, label in self.intervals
                if (start_s < clip.stop_s and stop_s > clip.start_s)
                or (start_s == stop_s and clip.start_s <= start_s < clip.stop_s)
            ]
            if intervals:
                notes = () if parts else self.notes
                parts.append(self._replace(names=(clip.name,), intervals=intervals, clips=(), notes=notes))
        return parts


def number(value: str | float, where: str) -> float:
    """A time or a frame, in whatever way a file writes it.

    Args:
        value: text, or a number of a JSON file.
        where: file and line, for the message.

    Raises:
        ValueError: if it is not a decimal number, with what to do about commas and clock times.

    Example:
        >>> number("12.5", "a.csv, line 2")
        12.5
    """
    text = value if isinstance(value, str) else repr(value)
    if not isinstance(value, bool) and _NUMBER.fullmatch(text) and abs(float(text)) <= MAX_SECONDS:
        return float(text)
    remedy = "check the column"
    if _NUMBER.fullmatch(text):
        remedy = "no video is as long: another unit?"
    elif re.fullmatch(r"[+-]?\d*,\d+", text):
        remedy = "the comma must be a point: export with decimal points"
    elif ":" in text:
        remedy = "clock times are not read: export seconds"
    raise ValueError(f"{where}: expected a number of seconds or frames, got {text[:80]!r}; {remedy}")


def make_interval(start_s: float, stop_s: float, label: str, where: str) -> Interval:
    """An annotation whose label is one line: white space within it becomes single blanks.

    Raises:
        ValueError: if it stops before it starts, or has no label.

    Example:
        >>> make_interval(0, 1.5, " pour  milk", "a.csv, line 2")
        Interval(start_s=0, stop_s=1.5, label='pour milk')
    """
    if not isinstance(label, str):
        raise ValueError(f"{where}: the label must be text, got {label!r}")
    label = " ".join(label.split())
    if not label:
        raise ValueError(f"{where}: the annotation at {start_s:g} s has no label; give it one or delete it")
    if stop_s < start_s:
        raise ValueError(f"{where}: {label!r} stops at {stop_s:g} s, before it starts at {start_s:g} s; correct it")
    return Interval(start_s, stop_s, label)


def stated_name(place: str) -> str:
    r"""The name that a file gives its video: whole, with its folders, without the clip's ending.

    Example:
        >>> stated_name(r"C:\clips\P01.cam 2.MP4"), stated_name("a/P01.mp4")
        ('C:/clips/P01.cam 2', 'a/P01')
    """
    return without_ending(place.strip().replace("\\", "/"))


def choose_track(path: object, tracks: Collection[str], track: str | None, what: str) -> str:
    """The tier, subject or attribute to take.

    Args:
        path: the file, for messages.
        tracks: names of those that the file has.
        track: the one that is asked for; None takes the only one.
        what: what they are, in the plural.

    Raises:
        ValueError: if there are several and none is asked for, or it is not there.
    """
    if track is None and len(tracks) == 1:
        return next(iter(tracks))
    if track is None or track not in tracks:
        problem = f"several {what}" if track is None else f"no {track!r} among its {what}"
        raise ValueError(f"{path} has {problem}: choose one of {', '.join(tracks)} (`track`)")
    return track


@contextmanager
def well_formed(where: object, kind: str) -> Iterator[None]:
    """Say in words that JSON has another structure than that of a program.

    Raises:
        ValueError: if a key or a list is missing, or something else is in its place.
    """
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"{where} is not {kind} ({reason}): export it again") from error
