"""Segmentation timelines: one bar for every track, truth above predictions, one colour for every class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from segtcn.labels import Classes, LabelsLike
from segtcn.visualization.timeline_drawing import draw_timelines
from segtcn.visualization.timeline_layout import MARGIN_IN, Look, Scores, TimeAxis, labels_in, legend_name
from segtcn.visualization.tracks import make_tracks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Look", "plot_timeline", "plot_timelines"]


def plot_timeline(
    tracks: Mapping[str, LabelsLike],
    title: str | None = None,
    *,
    classes: Classes | Sequence[str] | None = None,
    fps: float | None = None,
    scores: Scores | None = None,
    look: Look = Look(),
) -> Figure:
    """Draw the segments of one video, one bar for every track.

    Args:
        tracks: title of each bar, say ``"truth"`` and ``"ED-TCN"``, and its labels: :class:`~segtcn.labels.Labels`, a
            label file, or the class index or name of every frame. ``truth`` is on top, the others follow in the order
            given. Tracks may differ in length and rate. Frames that nobody annotated are hatched.
        title: usually the name of the video.
        classes: of all tracks, in the order of their indexes; None takes those that the tracks bring.
        fps: labels per second of tracks that do not state it. The axis shows time where all rates are known, or else
            frames.
        scores: numbers beside the bars by the titles of tracks, in columns with the names of the scores above them.
        look: sizes and what is shown.

    Returns:
        A figure of its own, not known to ``pyplot``: nothing has to be closed, and drawing in a thread is safe.
        :func:`segtcn.visualization.save_figure` writes it.

    Raises:
        FileNotFoundError: if there is no such label file.
        ValueError: if there is no track or no frame, or a label is not a class. Also if a rate is not positive or does
            not fit the axis, scores name a track that is not there, or the titles leave no room for the bars.

    Example:
        >>> figure = plot_timeline(
        ...     {"truth": [0, 0, 1, 1], "ED-TCN": [0, 1, 1, 1]}, classes=["take", "pour"], fps=1, look=Look(width=7)
        ... )
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['truth', 'ED-TCN']
    """
    name = title or ""
    of_videos = None if scores is None else {name: scores}
    return plot_timelines({name: tracks}, classes=classes, fps=fps, scores=of_videos, look=look)[0]


def plot_timelines(
    videos: Mapping[str, Mapping[str, LabelsLike]],
    title: str | None = None,
    *,
    classes: Classes | Sequence[str] | None = None,
    fps: float | None = None,
    scores: Mapping[str, Scores] | None = None,
    look: Look = Look(),
    page_height: float = math.inf,
) -> list[Figure]:
    """Draw several videos below each other on one time scale, if wanted on pages; see :func:`plot_timeline`.

    Args:
        videos: name of each video and its tracks.
        title: stands above all of them, on the first page.
        classes: of all tracks, in the order of their indexes; None takes those that the tracks bring.
        fps: labels per second of tracks that do not state it.
        scores: by the name of each video the numbers beside its bars.
        look: sizes and what is shown.
        page_height: a page holds the videos that fit in so many inches, one at least; letter paper and A4 have 9.7
            between margins.

    Returns:
        The pages, each with a legend of its own.

    Raises:
        FileNotFoundError: if there is no such label file.
        ValueError: if there is no video or ``page_height`` is not positive, and as :func:`plot_timeline`.
    """
    if not page_height > 0:
        raise ValueError(f"`page_height` must be positive, got {page_height}")
    by_name, common = make_tracks(videos, classes, fps)
    axis = TimeAxis.of([labels for tracks in by_name.values() for labels in tracks.values()], look.unit)
    scores = scores or {}
    for name, rows in scores.items():
        if unknown := [name] if name not in by_name else sorted(rows.keys() - by_name[name].keys()):
            raise ValueError(f"`scores` has {unknown[0]!r}, which is not drawn")
    # of a page that has all classes: at most what any page needs
    entries = [legend_name(label, common) for label in labels_in(by_name.values())] if look.legend else []
    full = page_height - look.axis_in - 2 * MARGIN_IN - look.legend_in(entries)
    room = full - look.title_in * bool(title)
    pages: list[list[str]] = [[]]
    for name, tracks in by_name.items():
        height = look.video_in(name, len(tracks), headed=bool(scores))
        if pages[-1] and height > room:
            pages.append([])
            room = full
        pages[-1].append(name)
        room -= height
    return [
        draw_timelines({name: by_name[name] for name in page}, common, axis, look, scores, None if number else title)
        for number, page in enumerate(pages)
    ]
