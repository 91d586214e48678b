"""Whether annotations and videos can belong together: units that cannot be, classes that lose all their frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from segtcn.labels.classes import IGNORE_NAME, listed
from segtcn.labels.error_list import ErrorList
from segtcn.labels.labels import Labels
from segtcn.options import LabelRules
from segtcn.prepare.annotations import Annotations, frame_labels
from segtcn.prepare.annotations.frame_labels import frame_of_point

LEAST_ANNOTATED, MOST_ANNOTATED = 0.5, 1.1
"""Share of the videos at which annotations whose unit is guessed may end; outside of it the guess is doubtful."""

MOST_OUTSIDE = 0.5
"""Share of the annotated time of a video that may lie outside of it."""


def check_times(
    annotations: Mapping[str, Annotations], num_frames: Mapping[str, int], fps: float, annotation_fps: float
) -> None:
    """Refuse annotations that do not fit their videos, whether their unit is stated or guessed.

    Args:
        annotations: of every video.
        num_frames: of every video.
        fps: frames per second of the videos.
        annotation_fps: rate at which the annotations count frames.

    Raises:
        ValueError: if the other unit fits better than a guessed one; the message has both readings. Or if most
            annotations of videos lie outside of them; the message has all such videos and the unit that would fit.
    """
    lengths_s = {name: num_frames[name] / fps for name in annotations}
    _check_guess(annotations, lengths_s, annotation_fps)
    _check_extent(annotations, lengths_s, fps, annotation_fps)


def _check_guess(annotations: Mapping[str, Annotations], lengths_s: Mapping[str, float], annotation_fps: float) -> None:
    """Refuse a guessed unit by which annotations and videos do not fit together, where by the other one they do.

    Whole numbers are guessed to be frames. A person who noted whole seconds did not mean that: all annotations would
    lie at the beginning of the videos. Frames that a program wrote as ``150.0`` are guessed to be seconds, and would
    lie far beyond the end.
    """
    guessed = {name: video for name, video in annotations.items() if video.guessed_unit is not None and video.intervals}
    if not guessed:
        return
    first, video = next(iter(guessed.items()))
    rates = {"seconds": 1.0, "frames": annotation_fps}
    rate = rates[video.guessed_unit or "seconds"]
    # in the numbers of the files
    ends = {name: rate * max(interval.stop_s for interval in video.intervals) for name, video in guessed.items()}
    total_s = sum(lengths_s[name] for name in guessed)
    shares = {unit: sum(ends.values()) / rate / total_s for unit, rate in rates.items()}
    if _is_plausible(shares, guessed.values()):
        return
    raise ValueError(
        f"{video.source} does not say the unit of its times, and its numbers do not decide: {first!r} lasts "
        f"{lengths_s[first]:.4g} s and is annotated up to {ends[first]:.4g} s if they are seconds, up to "
        f"{ends[first] / annotation_fps:.4g} s if they are frames, {annotation_fps:g} a second "
        f"({100 * shares['seconds']:.0f} % or {100 * shares['frames']:.0f} % of all videos): say which by `unit`, or "
        "name the columns start_s and stop_s"
    )


def _is_plausible(shares: Mapping[str, float], guessed: Collection[Annotations]) -> bool:
    """Whether the guessed unit fits, or the other one does not fit better.

    Args:
        shares: of the videos that are annotated in either unit.
        guessed: annotations whose unit is guessed.
    """
    unit = next(iter(guessed)).guessed_unit
    share, other_share = (shares["frames"], shares["seconds"])[:: 1 if unit == "frames" else -1]
    too_short, too_long = share < LEAST_ANNOTATED and other_share > share, share > MOST_ANNOTATED
    if other_share > MOST_ANNOTATED or not (too_short or too_long):
        return True
    times = (time for video in guessed for interval in video.intervals for time in interval[:2])
    return unit == "seconds" and not all(float(time).is_integer() for time in times)


def _check_extent(
    annotations: Mapping[str, Annotations], lengths_s: Mapping[str, float], fps: float, annotation_fps: float
) -> None:
    """Refuse annotations most of which lie outside of their video, whatever unit the file states."""
    errors = ErrorList()
    for name, video in annotations.items():
        length_s = lengths_s[name]
        end_s = max((interval.stop_s for interval in video.intervals), default=0.0)
        if video.is_complete and not 0.9 * length_s - 1 <= end_s <= 1.1 * length_s + 1:
            errors.messages.append(
                f"{video.source}: its labels of frames end at {end_s:g} s, the video {name} at {length_s:g} s: another "
                "rate (`annotation_fps`) or video?"
            )
        lasting_s = [stop_s - start_s for start_s, stop_s, _ in video.intervals if stop_s > start_s]
        if sum(each < 0.5 / fps for each in lasting_s) > 0.5 * len(lasting_s):
            errors.messages.append(
                f"{video.source}: most of its annotations are shorter than half a frame of the video {name}: another "
                "unit or rate?"
            )
        total_s = sum(stop_s - start_s for start_s, stop_s, _ in video.intervals)
        inside_s = sum(max(0.0, min(stop_s, length_s) - max(start_s, 0.0)) for start_s, stop_s, _ in video.intervals)
        if total_s - inside_s <= MOST_OUTSIDE * total_s:
            continue
        number = end_s * (annotation_fps if video.guessed_unit == "frames" else 1)
        per_second = {"seconds": 1.0, "frames": annotation_fps, "milliseconds": 1e3, "microseconds": 1e6}
        fitting = [unit for unit, each in per_second.items() if 0.2 < number / each / length_s <= MOST_ANNOTATED]
        remedy = (
            f"another unit? ({' or '.join(fitting)} fit); convert or name it"
            if fitting
            else "another unit, rate or video?"
        )
        errors.messages.append(
            f"{video.source}: its annotations end at {end_s:g} s, the video {name} at {length_s:g} s: {remedy}"
        )
    errors.raise_any()


def check_points(annotations: Mapping[str, Annotations], rules: LabelRules) -> list[str]:
    """Refuse events without length where there is nothing else: they label no frame unless ``points``.

    Args:
        annotations: of every video.
        rules: by which labels are made.

    Returns:
        A note on the videos that have nothing else, where other videos have more.

    Raises:
        ValueError: if no video has.
    """
    bare = [
        name
        for name, video in annotations.items()
        if video.intervals and all(start_s == stop_s for start_s, stop_s, _ in video.intervals)
    ]
    if rules.points or not bare:
        return []
    if len(bare) == len(annotations):
        raise ValueError(
            f"{annotations[bare[0]].source} has point events only, as all files, and these label no frame: `points` "
            "gives each the frame in which it lies; or annotate states, with a start and a stop"
        )
    return [f"videos with point events only, which label no frame unless `points`: {listed(bare)}"]


def check_stamps(annotations: Mapping[str, Annotations], num_frames: Mapping[str, int], fps: float) -> None:
    """Refuse time stamps, which are point events, that do not label a frame of their own.

    Args:
        annotations: of every video.
        num_frames: of every video.
        fps: frames per second.

    Raises:
        ValueError: if one lies outside of its video, or two are in one frame; the message has all.
    """
    errors = ErrorList()
    for name, video in annotations.items():
        frames: dict[int, str] = {}
        for start_s, _, label in (interval for interval in video.intervals if interval.start_s == interval.stop_s):
            frame, stamp = frame_of_point(start_s, fps), f"{video.source}: the time stamp {label!r} at {start_s:g} s"
            if not 0 <= frame < num_frames[name]:
                end_s = num_frames[name] / fps
                errors.messages.append(f"{stamp} lies outside of the video {name}, which has {end_s:g} s: delete it")
            elif frame in frames:
                errors.messages.append(f"{stamp} is in the same frame as {frames[frame]!r}: move one, or delete it")
            frames[frame] = label
    errors.raise_any()


def check_lost_classes(
    annotations: Mapping[str, Annotations], labels: Mapping[str, Labels], fps: float, rules: LabelRules
) -> list[str]:
    """Refuse classes that are annotated and label no frame of any video.

    Args:
        annotations: of every video.
        labels: of every video.
        fps: frames per second.
        rules: by which labels were made; without ``points`` events without length have no frame, which is meant.

    Returns:
        A note on classes that lose all frames to annotations that start later.

    Raises:
        ValueError: if their annotations lie outside of the videos, or between the middles of two frames.
    """
    annotated = {
        interval.label
        for video in annotations.values()
        for interval in video.intervals
        if rules.points or interval.stop_s > interval.start_s
    }
    lost = annotated - {IGNORE_NAME} - {name for track in labels.values() for name in {*track.names()}}
    covered: set[str] = set()
    for name, video in annotations.items():
        alone = [[interval] for interval in video.intervals if interval.label in lost - covered]
        covered |= {
            one[0].label
            for one in alone
            if one[0].label in frame_labels(one, len(labels[name]), fps, rules).labels.names()
        }
    if gone := sorted(lost - covered):
        sources = {interval.label: video.source for video in annotations.values() for interval in video.intervals}
        names = listed(f"{name} ({Path(sources[name]).name})" for name in gone)
        raise ValueError(
            f"classes that label no frame: {names}; their annotations lie outside of the videos or are shorter than a "
            "frame: another unit or rate? If they are meant, delete them"
        )
    return [f"classes without a frame, covered by annotations that start later: {listed(sorted(lost))}"] if lost else []
