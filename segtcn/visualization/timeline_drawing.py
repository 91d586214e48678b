"""Drawing timelines with matplotlib: bars, strips of disagreement, scores beside them, the axis and a legend."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE
from segtcn.visualization.figures import INK, PALE_INK, elided, new_figure, text_in, text_style
from segtcn.visualization.palette import class_color, hex_color
from segtcn.visualization.timeline_layout import (
    GAP_IN,
    HANDLE,
    MARGIN_IN,
    PAD,
    ROW_SPACING,
    SPACING,
    Look,
    Scores,
    TimeAxis,
    Widths,
    labels_in,
    legend_name,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FILLED = 0.8  # of the height of a bar; the rest is space
_STRIP = 0.14  # of the height of a bar: where a prediction is wrong
_WRONG: dict[str, Any] = {"facecolor": "#B2182B"}
_HATCHED: dict[str, Any] = {"facecolor": "#F7F7F7", "edgecolor": "#B5B5B5", "hatch": "/////"}
_CLOCK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_DENSEST = 40  # boundaries to the inch


class _Sheet(NamedTuple):
    """What is the same for all videos of a figure."""

    classes: Classes
    axis: TimeAxis
    look: Look
    columns: list[str]
    widths: Widths


def draw_timelines(
    videos: Mapping[str, Mapping[str, Labels]],
    classes: Classes,
    axis: TimeAxis,
    look: Look,
    scores: Mapping[str, Scores],
    title: str | None,
) -> Figure:
    """Draw one figure, everything placed from the top down.

    Args:
        videos: name of each video and its tracks, all of them of ``classes``.
        classes: of the tracks.
        axis: what it shows.
        look: sizes and what is shown.
        scores: by the names of videos, those that are not drawn, too.
        title: above all videos.
    """
    columns = list(dict.fromkeys(name for video in videos for row in scores.get(video, {}).values() for name in row))
    widths = Widths.of([name for tracks in videos.values() for name in tracks], columns, axis, look)
    sheet = _Sheet(classes, axis, look, columns, widths)
    entries = _legend_entries(videos, classes, look)
    title_in = look.title_in * bool(title)
    heights_in = [look.video_in(name, len(tracks), headed=bool(columns)) for name, tracks in videos.items()]
    legend_in = look.legend_in([name for name, _ in entries])
    height = 2 * MARGIN_IN + title_in + sum(heights_in) - GAP_IN + look.axis_in + legend_in
    figure = new_figure(look.width, height)
    if title:
        size = look.font_size + 3
        text = elided(title, look.width - 2 * MARGIN_IN, size, bold=True)
        style = text_style(title, size, fontweight="bold", ha="left", va="top")
        figure.text(MARGIN_IN / look.width, 1 - MARGIN_IN / height, text, **style)
    bottom = MARGIN_IN + title_in - GAP_IN
    for (name, tracks), video_in in zip(videos.items(), heights_in, strict=True):
        bottom += video_in
        rows_in = look.row_in * len(tracks)
        place = (widths.left_in / look.width, 1 - bottom / height, widths.bars_in / look.width, rows_in / height)
        first = figure.axes[0] if figure.axes else None
        axes = figure.add_axes(place, sharex=first)
        _draw_video(axes, tracks, scores.get(name, {}), sheet)
        if first is None:
            _head_scores(axes, sheet)
        _write_name(axes, name, sheet, is_first=first is None)
    for axes in figure.axes[:-1]:
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", labelbottom=False, length=0)
    _number(figure.axes[-1], axis, look, widths.bars_in)
    if entries:
        _add_legend(figure, entries, look, height)
    return figure


def disagreements(reference: Labels, labels: Labels, axis: TimeAxis) -> list[tuple[float, float]]:
    """Start and duration, in units of the axis, wherever both tracks have a label, and not the same."""
    sides = [(track.runs(), axis.scale(track)) for track in (reference, labels)]
    stop = min(runs.stops[-1] / scale for runs, scale in sides)
    edges = np.unique(np.concatenate([*(runs.starts / scale for runs, scale in sides), [stop]]))
    edges = edges[edges <= stop]
    reference_values, values = (
        runs.values[np.searchsorted(runs.starts / scale, edges[:-1], side="right") - 1] for runs, scale in sides
    )
    wrong = (reference_values != values) & (reference_values != IGNORE) & (values != IGNORE)
    return list(zip(edges[:-1][wrong], np.diff(edges)[wrong], strict=True))


def _half(look: Look) -> float:
    """Half the height of a bar, in rows."""
    return _FILLED / 2 * look.bar_height / look.row_in


def _draw_video(axes: Axes, tracks: Mapping[str, Labels], scores: Scores, sheet: _Sheet) -> None:
    _draw_tracks(axes, tracks, sheet)
    if sheet.look.boundaries and len(tracks) > 1:
        _draw_boundaries(axes, tracks, sheet)
    _write_titles(axes, [*tracks], sheet)
    _write_scores(axes, [scores.get(title, {}) for title in tracks], sheet)


def _write_name(axes: Axes, name: str, sheet: _Sheet, is_first: bool) -> None:
    """The name of a video; headings of scores stand beside the first."""
    look, widths = sheet.look, sheet.widths
    room_in = widths.bars_in if sheet.columns and is_first else look.width - widths.left_in - MARGIN_IN
    size = look.font_size + 1
    style = text_style(name, size, fontweight="bold")
    axes.set_title(elided(name, room_in, size, bold=True), loc="left", pad=4, **style)


def _draw_tracks(axes: Axes, tracks: Mapping[str, Labels], sheet: _Sheet) -> None:
    classes, axis, look, *_ = sheet
    half = _half(look)
    reference = next(iter(tracks.values()))
    for row, labels in enumerate(tracks.values()):
        has_strip = look.disagreement and row > 0
        runs, scale = labels.runs(), axis.scale(labels)
        spans = np.stack([runs.starts, runs.stops - runs.starts], axis=1) / scale
        place = (row - half, 2 * half * (1 - (_STRIP + 0.06) * has_strip))
        known = runs.values != IGNORE
        colors = [hex_color(class_color(label, classes.background)) for label in runs.values[known].tolist()]
        # an edge would widen short segments; smooth sides would show the paper between neighbours
        plain: dict[str, Any] = {"linewidth": 0, "antialiased": False}
        axes.broken_barh(spans[known].tolist(), place, facecolors=colors, **plain)
        axes.broken_barh(spans[~known].tolist(), place, **_HATCHED, **plain)
        if has_strip:
            strip = (row + half * (1 - 2 * _STRIP), 2 * half * _STRIP)
            axes.broken_barh(disagreements(reference, labels, axis), strip, **_WRONG, **plain)
    axes.set_ylim(len(tracks) - 0.5, -0.5)


def _draw_boundaries(axes: Axes, tracks: Mapping[str, Labels], sheet: _Sheet) -> None:
    """Lines where segments of the first track start, or a warning where they would hide the bars."""
    reference = next(iter(tracks.values()))
    scale = sheet.axis.scale(reference)
    starts = reference.runs().starts / scale
    per_inch = len(starts) / (sheet.widths.bars_in * len(reference) / scale / sheet.axis.longest)
    if per_inch > _DENSEST:
        warnings.warn(
            f"{len(starts) - 1:,} boundaries, {per_inch:.0f} to the inch, would hide the bars: they are left out; "
            "choose a wider figure",
            stacklevel=2,
        )
    else:
        axes.vlines(starts[1:], 0.5, len(tracks) - 1 + _half(sheet.look), color="black", linewidth=0.6)


def _write_titles(axes: Axes, titles: Sequence[str], sheet: _Sheet) -> None:
    look = sheet.look
    shown = [elided(title, sheet.widths.titles_in, look.font_size) for title in titles]
    axes.set_yticks(range(len(titles)), labels=shown, **text_style("".join(titles), look.font_size))
    axes.tick_params(axis="x", color=PALE_INK, labelcolor=INK, labelsize=look.font_size)
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(PALE_INK)


def _write_scores(axes: Axes, rows: Sequence[Mapping[str, float]], sheet: _Sheet) -> None:
    """Numbers right of the bars, flush right in columns."""
    at_the_side = axes.get_yaxis_transform()  # x from 0 to 1 across the axes, y in rows
    for number, column in enumerate(sheet.columns):
        offset = 72 * sum(sheet.widths.columns_in[: number + 1])
        for row, scores in enumerate(rows):
            value = scores.get(column, math.nan)
            if math.isfinite(value):
                style = _beside("", sheet.look, va="center_baseline", xycoords=at_the_side)
                axes.annotate(f"{value:.1f}", (1, row), (offset, 0), **style)


def _head_scores(axes: Axes, sheet: _Sheet) -> None:
    for number, column in enumerate(sheet.columns):
        style = _beside(column, sheet.look, va="baseline", xycoords="axes fraction")
        axes.annotate(column, (1, 1), (72 * sum(sheet.widths.columns_in[: number + 1]), 4), **style)


def _beside(text: str, look: Look, **options: Any) -> dict[str, Any]:
    style = text_style(text, look.font_size, ha="right", **options)
    return {"textcoords": "offset points", "annotation_clip": False, **style}


def _number(axes: Axes, axis: TimeAxis, look: Look, bars_in: float) -> None:
    """Ticks and name of the time axis, which all axes share."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    axes.set_xlim(0, axis.longest)
    most = max(2, int(bars_in / (1.6 * text_in(axis.format(axis.longest), look.font_size))))
    if axis.unit == "clock":
        name = "time (h:mm:ss)" if axis.longest >= 3600 else "time (m:ss)"
        step = next((step for step in _CLOCK_STEPS_S if axis.longest / step <= most), _CLOCK_STEPS_S[-1])
        step *= math.ceil(axis.longest / step / most)
        axes.xaxis.set_major_locator(FixedLocator(np.arange(0, axis.longest + 1e-9, step).tolist()))
    else:
        name = "time (s)" if axis.unit == "seconds" else "frame"
        axes.xaxis.set_major_locator(MaxNLocator(min(most, 12), steps=[1, 2, 5, 10], integer=axis.unit == "frames"))
    if axis.unit != "seconds":
        axes.xaxis.set_major_formatter(FuncFormatter(axis.format))
    axes.set_xlabel(name, labelpad=2, fontsize=look.font_size, color=INK)


def _legend_entries(
    videos: Mapping[str, Mapping[str, Labels]], classes: Classes, look: Look
) -> list[tuple[str, dict[str, Any]]]:
    """Names with the style of their patches."""
    if not look.legend:
        return []
    entries: list[tuple[str, dict[str, Any]]] = []
    for label in labels_in(videos.values()):
        style = _HATCHED if label == IGNORE else {"facecolor": hex_color(class_color(label, classes.background))}
        entries.append((legend_name(label, classes), style))
    compared = next((tracks for tracks in videos.values() if len(tracks) > 1), None)
    if look.disagreement and compared is not None:
        entries.append((f"differs from {next(iter(compared))}", _WRONG))
    return entries


def _add_legend(figure: Figure, entries: Sequence[tuple[str, dict[str, Any]]], look: Look, height: float) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import Patch

    names = [name for name, _ in entries]
    widest_in, columns, _ = look.legend_grid(names)
    style = text_style("".join(names), look.font_size)
    legend = figure.legend(
        handles=[Patch(linewidth=0, **patch) for _, patch in entries],
        labels=[elided(name, widest_in, look.font_size) for name in names],
        loc="upper center",
        bbox_to_anchor=(0.5, (MARGIN_IN + look.legend_in(names) - 0.4 * look.font_size / 72) / height),
        borderpad=0,
        borderaxespad=0,
        ncols=columns,
        frameon=False,
        prop=FontProperties(family=style["fontfamily"], size=look.font_size),
        labelcolor=INK,
        handlelength=HANDLE,
        handleheight=HANDLE,
        handletextpad=PAD,
        columnspacing=SPACING,
        labelspacing=ROW_SPACING,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
