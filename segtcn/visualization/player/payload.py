"""What the page of the player reads: ``data/index.js`` and one ``data/video-ID.js`` for each video."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segtcn.labels import Classes, Labels
from segtcn.labels.track_classes import truth_title
from segtcn.structures import IGNORE, Runs
from segtcn.video_io import TIMESTAMP_TOLERANCE_S, frame_times, probe
from segtcn.visualization.palette import RGB, class_color, hex_color, text_color
from segtcn.visualization.player.corrections import saved_correction, saved_version
from segtcn.visualization.player.player_videos import Player, PlayerVideo

VERSION = 1
"""Of the layout of the payloads; the page refuses others."""

MAX_SAMPLES = 2000
"""Class scores of longer tracks are means over so many frames that there are at most this many of them."""

NOMINAL_RATE_TOLERANCE = 0.01
"""Labels that call 29.97 frames a second 30 still belong to frames one by one, if there are as many."""

_SPARE = 64  # colours of classes that the page may make; more of them repeat these

Payload = dict[str, Any]


def video_id(number: int) -> str:
    """Name of the ``number``-th video, from 0, in addresses: nothing of its real name is in them."""
    return f"{number + 1:04d}"


def script(function: str, payload: Payload) -> bytes:
    r"""A script that hands a payload to the page; no text in it can end the script or the line.

    Args:
        function: ``receiveIndex`` or ``receiveVideo``.
        payload: anything that JSON holds; numbers must be finite.

    Example:
        >>> script("receiveIndex", {"title": "</script>"})
        b'segtcn.receiveIndex({"title":"\\u003c/script\\u003e"});\n'
    """
    text = json.dumps(payload, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"segtcn.{function}({text});\n".encode("ascii")


def index_payload(player: Player, clips: Mapping[str, str], token: str | None = None) -> Payload:
    """What the page must know of all videos.

    Args:
        player: what is shown.
        clips: address of each clip relative to the page, by the id of its video.
        token: that corrections must carry; None where they cannot be saved.

    Raises:
        FileNotFoundError: if a label file is gone.
        ValueError: if a label file cannot be understood.
    """
    scores = [row for video in player.videos for row in video.scores.values()]
    return {
        "version": VERSION,
        "title": player.title,
        "classes": _classes(player.classes),
        "spare_colors": [_colors(class_color(len(player.classes) + n)) for n in range(_SPARE)],
        "protocol": player.protocol,
        "score_names": [*dict.fromkeys(name for row in scores for name in row)],
        "runs": [*dict.fromkeys(title for video in player.videos for title in video.scores)],
        "videos": [_entry(video_id(number), video, clips) for number, video in enumerate(player.videos)],
        "save": None if token is None else {"token": token},
    }


def _entry(key: str, video: PlayerVideo, clips: Mapping[str, str]) -> Payload:
    """A video in the list of all."""
    num_frames, fps = video.num_frames, video.fps
    if num_frames is None:
        longest = max(video.read().values(), key=len)
        num_frames, fps = len(longest), longest.fps
    return {
        "id": key,
        "name": video.name,
        "num_frames": num_frames,
        "fps": fps,
        "duration_s": None if fps is None else round(num_frames / fps, 3),
        "clip": clips.get(key),
        "scores": {
            title: {name: round(value, 2) for name, value in row.items() if math.isfinite(value)}
            for title, row in video.scores.items()
        },
    }


def video_payload(
    video_id: str, video: PlayerVideo, classes: Classes, notes: Sequence[str] = (), save: Path | None = None
) -> Payload:
    """What the page shows of one video.

    A clip that cannot be read is left out, and a note says why: the tracks can still be looked at.

    Args:
        video_id: its id.
        video: its tracks and its clip.
        classes: of all tracks.
        notes: for the user, in addition to those on the clip and on differences in length.
        save: folder that corrections are written to; what it holds of this video is taken along.

    Raises:
        FileNotFoundError: if a label file is gone.
        ValueError: if a label file cannot be understood, or a label is not a class.
    """
    tracks = video.read(classes)
    clip, notes = None, [*notes]
    if video.clip is not None:
        try:
            clip = clip_payload(video.clip)
        except (ValueError, OSError) as error:
            notes.append(f"the clip cannot be shown: {error}")
    known = next((labels.fps for labels in tracks.values() if labels.fps), None)
    rows = []
    for title, labels in tracks.items():
        fps = labels.fps
        if clip is None and fps is None and known is not None:
            fps = known
            notes.append(f"the rate of {title} is unknown: it is shown at {known:g} labels a second, like the others")
        row = track_payload(title, labels, fps, by_frame=fps is None or _is_frame_by_frame(labels, clip))
        truth = truth_title(title, tracks)
        rows.append(row | {"truth": title == truth, "reference": [*tracks].index(truth) if truth else None})
    saved, version = None, None
    if save is not None:
        version = saved_version(save, video.name)
        try:
            saved = _saved_payload(save, video.name, [*tracks.values()])
            if saved is not None:
                notes.append(f"corrected before: {saved['file']}; “Correct” continues from there")
        except (ValueError, OSError) as error:
            notes.append(f"the correction saved before cannot be shown: {error}")
    notes += _length_notes(rows, clip)
    return {"id": video_id, "clip": clip, "tracks": rows, "notes": notes, "saved": saved, "saved_version": version}


def clip_payload(path: Path) -> Payload:
    """Size and times of a clip.

    Args:
        path: the clip.

    Returns:
        ``fps``, ``num_frames``, ``width``, ``height``, ``duration_s``, and ``times_ms``, the presentation time of every
        frame, where it differs from ``n / fps``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a complete clip.
    """
    info, times_s = probe(path), frame_times(path)
    fps = float(info.fps)
    is_constant = bool((np.abs(times_s - np.arange(len(times_s)) / fps) <= TIMESTAMP_TOLERANCE_S).all())
    duration_s = len(times_s) / fps if is_constant else max(info.duration_s, float(times_s[-1]) + 0.5 / fps)
    width, height = info.shown_size
    return {
        "fps": fps,
        "num_frames": len(times_s),
        "width": width,
        "height": height,
        "duration_s": round(duration_s, 4),
        "times_ms": None if is_constant else [round(1000 * time_s, 2) for time_s in times_s.tolist()],
    }


def track_payload(title: str, labels: Labels, fps: float | None, by_frame: bool) -> Payload:
    """A track as segments; class -1 stands for frames that nobody annotated.

    Args:
        title: of the track.
        labels: of the classes of the player.
        fps: labels per second, or None.
        by_frame: whether label n belongs to frame n of the clip, whenever that is shown.
    """
    runs = labels.runs()
    confidence = None
    if labels.confidence is not None:
        means = np.add.reduceat(np.nan_to_num(labels.confidence), runs.starts) / (runs.stops - runs.starts)
        confidence = [
            None if label == IGNORE else round(value, 3)
            for value, label in zip(means.tolist(), runs.values.tolist(), strict=True)
        ]
    return {
        "title": title,
        "fps": fps,
        "num_frames": len(labels),
        "by_frame": by_frame,
        **_segments_payload(runs),
        "confidence": confidence,
        "scores": None if labels.scores is None else scores_payload(labels.scores),
    }


def scores_payload(scores: npt.NDArray[np.float32]) -> Payload:
    """Class scores in 8 bits, at most :data:`MAX_SAMPLES` of each class, each the mean over equally many frames.

    Args:
        scores: of the classes of the player, ``(C, T)``; classes that have none anywhere are left out.
    """
    known = np.flatnonzero(scores.any(axis=1))
    num_frames = scores.shape[1]
    step = math.ceil(num_frames / MAX_SAMPLES)
    starts = np.arange(0, num_frames, step)
    sums = np.add.reduceat(scores[known], starts, axis=1, dtype=np.float64)
    means = sums / np.diff(np.r_[starts, num_frames])
    data = np.rint(255 * means).astype(np.uint8)
    return {
        "classes": known.tolist(),
        "num_samples": len(starts),
        "frames_per_sample": step,
        "data": base64.b64encode(data.tobytes()).decode("ascii"),
    }


def _segments_payload(runs: Runs) -> Payload:
    return {"starts": runs.starts.tolist(), "classes": np.where(runs.values == IGNORE, -1, runs.values).tolist()}


def _saved_payload(folder: Path, name: str, tracks: Sequence[Labels]) -> Payload | None:
    """What was corrected before, for the page to continue with."""
    labels = saved_correction(folder, name, tracks)
    if labels is None:
        return None
    file = Path(labels.source).relative_to(folder).as_posix()
    segments = _segments_payload(labels.runs())
    new_classes = labels.classes.names[len(tracks[0].classes) :]
    return {**segments, "num_frames": len(labels), "file": file, "new_classes": new_classes}


def _classes(classes: Classes) -> list[Payload]:
    return [
        {"name": name, **_colors(class_color(label, classes.background)), "background": label == classes.background}
        for label, name in enumerate(classes.names)
    ]


def _colors(color: RGB) -> Payload:
    return {"color": hex_color(color), "text": hex_color(text_color(color))}


def _is_frame_by_frame(labels: Labels, clip: Payload | None) -> bool:
    """Whether a track has a label for each frame although its rate is only about that of the clip."""
    fps = labels.fps
    if clip is None or fps is None or clip["times_ms"] is not None or len(labels) != clip["num_frames"]:
        return False
    return abs(fps / clip["fps"] - 1) <= NOMINAL_RATE_TOLERANCE


def _length_notes(rows: Sequence[Payload], clip: Payload | None) -> list[str]:
    notes = []
    first = rows[0]
    for row in rows:
        title, num_labels, fps = row["title"], row["num_frames"], row["fps"]
        if clip is None:
            if fps == first["fps"] and num_labels != first["num_frames"]:
                notes.append(f"{title} has {_difference(num_labels, first['num_frames'])} {first['title']}")
        elif row["by_frame"] and num_labels != clip["num_frames"]:
            notes.append(
                f"{title} has {_difference(num_labels, clip['num_frames'])} the clip has frames ({num_labels} and "
                f"{clip['num_frames']}): label n is shown with frame n; with their `fps` they are aligned by time"
            )
        elif not row["by_frame"] and abs(num_labels / fps - clip["duration_s"]) > 1.5 / fps:
            seconds = num_labels / fps - clip["duration_s"]
            notes.append(
                f"{title} is {abs(seconds):.2f} s {'longer' if seconds > 0 else 'shorter'} than the clip: "
                f"{num_labels} labels at {fps:g} a second, {clip['duration_s']:.2f} s of clip"
            )
    return notes


def _difference(number: int, other: int) -> str:
    count = abs(number - other)
    return f"{count} label{'' if count == 1 else 's'} {'more' if number > other else 'fewer'} than"
