"""Segmentation timelines: one bar for every track, truth above predictions, one colour for every class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from segtcn.structures import IGNORE, frames_to_segments
from segtcn.visualization.palette import class_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Labels = Tensor | Sequence[int]
"""Class index of every frame, ``(T,)``; a NumPy array will do."""

WIDTH_IN = 10.0
BAR_IN = 0.34
FONT_PT = 9.0
INK = "#333333"


def plot_timeline(
    tracks: Mapping[str, Labels],
    class_names: Sequence[str],
    fps: float | None = None,
    background: int | None = None,
    title: str | None = None,
    legend: bool = True,
) -> Figure:
    """Draw the segments of one video, one bar for every track, the first on top.

    Args:
        tracks: name of each bar, say ``"truth"`` and ``"ED-TCN"``, and the class index of every frame, ``(T,)``. Tracks
            may differ in length. Frames with the label ``IGNORE`` stay white.
        class_names: name of every class.
        fps: frames per second of the labels: the axis shows seconds; None shows frames.
        background: index of the background class, drawn in light grey, or None.
        title: usually the name of the video.
        legend: whether to explain the colours; only classes that occur are named.

    Returns:
        A figure of its own, not known to ``pyplot``: nothing has to be closed, and drawing in a thread is safe.
        ``figure.savefig("timeline.png", dpi=200)`` writes it.

    Raises:
        ValueError: if there is no track, no frame, a label without a name, or ``fps`` is not positive.

    Example:
        >>> figure = plot_timeline({"truth": [0, 0, 1, 1], "ED-TCN": [0, 1, 1, 1]}, ["take", "pour"], fps=1)
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['truth', 'ED-TCN']
    """
    return plot_timelines({title or "": tracks}, class_names, fps, background, legend=legend)


def plot_timelines(
    videos: Mapping[str, Mapping[str, Labels]],
    class_names: Sequence[str],
    fps: float | None = None,
    background: int | None = None,
    title: str | None = None,
    legend: bool = True,
) -> Figure:
    """Draw several videos below each other on one time scale, with one legend; see :func:`plot_timeline`.

    Args:
        videos: name of each video and its tracks.
        class_names: name of every class.
        fps: frames per second of the labels: the axis shows seconds; None shows frames.
        background: index of the background class, drawn in light grey, or None.
        title: stands above all of them.
        legend: whether to explain the colours; only classes that occur are named.

    Returns:
        A figure of its own, not known to ``pyplot``.

    Raises:
        ValueError: if there is no video, no track, no frame, a label without a name, or ``fps`` is not positive.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    if fps is not None and not fps > 0:
        raise ValueError(f"`fps` must be positive, got {fps}")
    if not videos:
        raise ValueError("expected at least one video to draw, got none")
    labels = {video: _checked(video, tracks, class_names) for video, tracks in videos.items()}
    present = torch.cat([torch.unique(track) for tracks in labels.values() for track in tracks.values()])
    classes = [label for label in torch.unique(present).tolist() if label != IGNORE] if legend else []

    columns, rows = _legend_grid([class_names[label] for label in classes])
    heights = [BAR_IN * len(tracks) + 0.28 * bool(video) + 0.1 for video, tracks in labels.items()]
    height = sum(heights) + 0.5 + 0.21 * rows + 0.15 * bool(rows) + 0.3 * bool(title)
    figure = Figure(figsize=(WIDTH_IN, height), layout="constrained")
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(len(labels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (video, tracks) in zip(all_axes, labels.items(), strict=True):
        _draw(axes, tracks, fps, background)
        axes.set_title(video, loc="left", fontsize=FONT_PT + 1, fontweight="bold", color=INK, pad=4)
    last = all_axes[-1]
    for axes in all_axes[:-1]:
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", labelbottom=False, length=0)
    last.set_xlabel("time (s)" if fps else "frame", fontsize=FONT_PT, color=INK)
    last.set_xlim(0, max(len(track) for tracks in labels.values() for track in tracks.values()) / (fps or 1))
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=FONT_PT + 3, fontweight="bold", color=INK)
    if classes:
        figure.legend(
            handles=[Patch(color=_color(label, background), label=class_names[label]) for label in classes],
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            fontsize=FONT_PT,
            labelcolor=INK,
            handlelength=1.1,
            handleheight=1.1,
            handletextpad=0.5,
            columnspacing=1.4,
        )
    return figure


def _draw(axes: Axes, tracks: Mapping[str, Tensor], fps: float | None, background: int | None) -> None:
    scale = 1 / (fps or 1)
    for row, track in enumerate(tracks.values()):
        segments = [segment for segment in frames_to_segments(track) if segment.label != IGNORE]
        axes.broken_barh(
            [(start * scale, (stop - start) * scale) for start, stop, _ in segments],
            (row - 0.4, 0.8),
            facecolors=[_color(label, background) for _, _, label in segments],
            linewidth=0,  # an edge would widen short segments
            antialiased=False,  # neighbours would show the paper between them
        )
    axes.set_ylim(len(tracks) - 0.5, -0.5)
    axes.set_yticks(range(len(tracks)), labels=list(tracks))
    axes.tick_params(axis="both", labelsize=FONT_PT, labelcolor=INK, color="#999999")
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#999999")


def _checked(video: str, tracks: Mapping[str, Labels], class_names: Sequence[str]) -> dict[str, Tensor]:
    named = f" of {video}" if video else ""
    if not tracks:
        raise ValueError(f"expected at least one track{named} to draw, got none")
    checked = {}
    for name, values in tracks.items():
        labels = torch.as_tensor(values).detach().cpu()
        if labels.ndim != 1 or len(labels) == 0:
            raise ValueError(f"track {name!r}{named} must have the shape (T,) with T >= 1, got {tuple(labels.shape)}")
        known = labels[labels != IGNORE]
        if len(known) and not 0 <= int(known.min()) <= int(known.max()) < len(class_names):
            raise ValueError(
                f"track {name!r}{named} has labels from {int(known.min())} to {int(known.max())}, "
                f"but `class_names` names the classes 0 to {len(class_names) - 1}"
            )
        checked[name] = labels
    return checked


def _legend_grid(names: Sequence[str]) -> tuple[int, int]:
    """Columns and rows of a legend that is as wide as the figure at most, its rows about equally full."""
    if not names:
        return 1, 0
    entry_in = max(len(name) for name in names) * 0.6 * FONT_PT / 72 + 0.45
    columns = min(len(names), max(1, int(WIDTH_IN / entry_in)))
    rows = math.ceil(len(names) / columns)
    return math.ceil(len(names) / rows), rows


def _color(label: int, background: int | None) -> Any:
    red, green, blue = class_color(label, background)
    return (red / 255, green / 255, blue / 255)
