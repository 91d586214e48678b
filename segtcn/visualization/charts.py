"""Charts of reports: confusion between actions, how early or late segments are, lines, and square matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segtcn.visualization.figures import (
    FONT_PT,
    INK,
    PALE_INK,
    WIDTH_IN,
    dress,
    elided,
    new_figure,
    text_in,
    text_style,
)
from segtcn.visualization.palette import class_color, hex_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


MAX_NUMBERED = 24
"""Most classes whose cells have numbers in them; with more, the numbers would overlap."""

_CELL_IN = 0.36
_MAX_IN = 16.0
_LABEL_IN = 3.0


def plot_confusion(confusion: npt.ArrayLike, class_names: Sequence[str], title: str | None = None) -> Figure:
    """Draw what share of each true class is predicted as what.

    Args:
        confusion: frames, or segments, of every true class (rows) that are predicted as every class (columns),
            ``(C, C)``, none negative. Classes that are neither true nor predicted anywhere are left out.
        class_names: name of every class.
        title: stands above.

    Returns:
        A figure of its own, not known to ``pyplot``. Cells are percent of the row; a row without any true frame stays
        white.

    Raises:
        ValueError: if ``confusion`` is not as described, or holds nothing.

    Example:
        >>> figure = plot_confusion([[3, 1], [0, 4]], ["take", "pour"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['75', '25', '100']
    """
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.shape != (len(class_names), len(class_names)) or not (counts >= 0).all():
        raise ValueError(
            f"`confusion` must have the shape (C, C) for C = {len(class_names)} class names and no negative entry, got "
            f"{counts.shape}"
        )
    present = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    if not len(present):
        raise ValueError("`confusion` holds no frame: there is nothing to draw")
    counts = counts[np.ix_(present, present)]
    names = [elided(class_names[label], _LABEL_IN) for label in present.tolist()]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(100 * counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)

    label_in = max(text_in(name) for name in names)
    size = min(_MAX_IN, max(2.2, len(names) * _CELL_IN))
    height = size + label_in + 0.5 + 0.3 * bool(title)
    figure = new_figure(size + label_in + 1.5, height, title, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, interpolation="none")
    _name_axes(axes, names, min(FONT_PT, 72 * 0.8 * size / len(names)))  # no higher than the row
    if len(names) <= MAX_NUMBERED:
        for row, column in zip(*np.nonzero(np.nan_to_num(shares) >= 0.5), strict=True):  # less rounds to 0
            share = shares[row, column]
            color = "white" if share > 55 else INK
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=FONT_PT - 1.5, color=color)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=24, pad=0.02)
    bar.set_label("percent of the true class", fontsize=FONT_PT, color=INK)
    bar.ax.tick_params(labelsize=FONT_PT - 1, labelcolor=INK, length=0)
    bar.outline.set_visible(False)
    return figure


def _name_axes(axes: Axes, names: Sequence[str], font: float) -> None:
    """Names of classes on both sides, and lines between the cells."""
    ticks = range(len(names))
    style = text_style("".join(names), font)
    axes.set_xticks(ticks, labels=names, rotation=90, **style)
    axes.set_yticks(ticks, labels=names, **style)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted", fontsize=FONT_PT, color=INK)
    axes.set_ylabel("true", fontsize=FONT_PT, color=INK)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=0.8)
    axes.tick_params(which="minor", length=0)


_NUM_BINS = 41  # odd: the middle bin holds those that are right
_BLUE = "#0072B2"
_PALE_BLUE = "#9CC9E3"
_RED = "#B03A2E"


def plot_offsets(offsets: Mapping[str, npt.ArrayLike], step: float, unit: str = "s") -> Figure:
    """Draw the distribution of offsets, one histogram for each kind, on one scale.

    Args:
        offsets: by kind, such as ``"start"`` and ``"stop"``: predicted minus true, so that late is positive; any
            number of them.
        step: the time between two frames, in ``unit``, which bins are made of.
        unit: of ``offsets``.

    Returns:
        A figure of its own, not known to ``pyplot``. The scale holds 95 % of the offsets; the outermost bars, drawn
        pale, hold what lies beyond it, too.

    Raises:
        ValueError: if there is no kind, or ``step`` is not positive.

    Example:
        >>> figure = plot_offsets({"start": [0.2, 0.2, -0.1]}, step=0.1)
        >>> figure.axes[0].get_title(loc="left")
        'start: 3 segments, median +0.20 s'
    """
    if not offsets:
        raise ValueError("expected at least one kind of offsets to draw, got none")
    if not step > 0:
        raise ValueError(f"`step` must be positive, got {step}")
    values = {kind: np.asarray(numbers, dtype=np.float64).ravel() for kind, numbers in offsets.items()}
    edges = _edges(np.abs(np.concatenate([*values.values()])), step)
    figure = new_figure(WIDTH_IN, 2.6, layout="constrained")
    for axes, (kind, numbers) in zip(
        figure.subplots(1, len(values), sharex=True, sharey=True, squeeze=False)[0], values.items(), strict=True
    ):
        _draw_histogram(axes, kind, numbers, edges, unit)
    figure.axes[0].set_ylabel("segments", fontsize=FONT_PT, color=INK)
    return figure


def _edges(sizes: npt.NDArray[np.float64], step: float) -> npt.NDArray[np.float64]:
    reach = max(5 * step, float(np.percentile(sizes, 95))) if len(sizes) else 5 * step
    # whole steps: bins that hold different numbers of possible offsets would look like a comb
    width = step * math.ceil(2 * reach / step / _NUM_BINS)
    half = math.ceil(reach / width - 0.5)
    return np.asarray(width * (np.arange(2 * half + 2) - half - 0.5), np.float64)


def _draw_histogram(
    axes: Axes, kind: str, numbers: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], unit: str
) -> None:
    from matplotlib.ticker import MaxNLocator

    middles = (edges[:-1] + edges[1:]) / 2
    inside = np.clip(numbers, middles[0], middles[-1])
    bars: Any = axes.hist(inside, bins=edges.tolist(), color=_BLUE, edgecolor="white", linewidth=0.5)[2]
    for bar in (bars[0], bars[-1]):
        bar.set_facecolor(_PALE_BLUE)
    axes.axvline(0, color=PALE_INK, linewidth=1)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    heading = f"{kind}: {len(numbers)} segments"
    if len(numbers):
        median = float(np.median(numbers))
        if edges[0] <= median <= edges[-1]:
            axes.axvline(median, color=_RED, linewidth=1.5, linestyle="--")
        heading += f", median {median:+.2f} {unit}"
    dress(axes, heading, f"early  ←  offset ({unit}; pale: and beyond)  →  late")
    axes.set_xlim(edges[0], edges[-1])


Curves = Mapping[str, Sequence[tuple[float, float]]]
_PER_ROW = 4


def plot_curves(
    panels: Mapping[str, Curves],
    x: str,
    y: str,
    log_x: bool = False,
    log_y: bool = False,
    levels: Mapping[str, tuple[str, float]] | None = None,
    bands: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> Figure:
    """Draw lines in panels side by side, which share the vertical axis; a line has the same colour in each.

    Args:
        panels: points of each line, by panel and line.
        x: what the horizontal axis shows.
        y: what the vertical axis shows.
        log_x: whether the horizontal axis is logarithmic.
        log_y: whether the vertical axis is logarithmic, unless no value is positive.
        levels: name and value of a dashed horizontal line, by panel.
        bands: lower and upper end of the interval of each point, by line; drawn as a pale area.

    Returns:
        A figure of its own, not known to ``pyplot``.

    Raises:
        ValueError: if there is no panel.

    Example:
        >>> figure = plot_curves({"T = 9": {"TCN": [(1, 0.5), (2, 0.1)]}}, "steps", "loss")
        >>> figure.axes[0].get_title(loc="left")
        'T = 9'
    """
    if not panels:
        raise ValueError("expected at least one panel to draw, got none")
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    log_y = log_y and any(value > 0 for lines in panels.values() for points in lines.values() for _, value in points)
    figure = new_figure(WIDTH_IN if len(panels) > 1 else WIDTH_IN * 0.7, 3.2, layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (title, lines) in zip(places, panels.items(), strict=True):
        for name, points in lines.items():
            color = hex_color(class_color(names.index(name)))
            axes.plot(*zip(*points, strict=True), label=name, color=color, marker=".", markersize=4, linewidth=1.5)
            if bands and name in bands:
                axes.fill_between(
                    [place for place, _ in points], *zip(*bands[name], strict=True), color=color, alpha=0.2
                )
        if levels and title in levels:
            label, value = levels[title]
            axes.axhline(value, color=PALE_INK, linestyle="--", linewidth=1, label=label)
        if log_x:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:,.0f}")  # 4, 8, 16, not powers
        dress(axes, title, x)
    places[0].set_ylabel(y, fontsize=FONT_PT, color=INK)
    if log_y:
        places[0].set_yscale("log")
        low, high = places[0].get_ylim()
        places[0].yaxis.set_major_formatter("{x:g}")
        places[0].yaxis.set_minor_formatter("{x:g}" if high < 10 * low else "")
    lines_by_name = {line.get_label(): line for axes in places for line in axes.lines}
    entries = {name: lines_by_name[name] for name in dict.fromkeys([*names, *lines_by_name])}
    style: dict[str, Any] = {"fontsize": FONT_PT - 1, "frameon": False, "labelcolor": INK}
    # beside the panels, where it covers no line
    figure.legend(entries.values(), entries.keys(), loc="outside right center", **style)
    return figure


def plot_intervals(panels: Mapping[str, Mapping[str, tuple[float, float, float]]], x: str) -> Figure:
    """Draw values with their intervals, one row each, in panels side by side which share the rows.

    Args:
        panels: value, lower and upper end by panel and row; all panels have the same rows, the first is on top.
        x: what the horizontal axis shows.

    Returns:
        A figure of its own, not known to ``pyplot``.

    Raises:
        ValueError: if there is no panel.

    Example:
        >>> figure = plot_intervals({"F1@50": {"ED-TCN": (56.0, 50.0, 61.0)}}, "percent")
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['ED-TCN']
    """
    if not panels:
        raise ValueError("expected at least one panel to draw, got none")
    names = [*next(iter(panels.values()))]
    figure = new_figure(WIDTH_IN, 0.9 + 0.25 * len(names), layout="constrained")
    places = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (title, rows) in zip(places, panels.items(), strict=True):
        values, low, high = np.array([rows[name] for name in names]).T
        lengths = np.array([values - low, high - values]).tolist()  # of arrays of one value NumPy 2.0 warns
        axes.errorbar(values, range(len(names)), xerr=lengths, fmt="o", color=_BLUE, capsize=3)
        dress(axes, title, "")
    figure.supxlabel(x, fontsize=FONT_PT, color=INK)  # once: a long one would run into those of other panels
    places[0].set_yticks(range(len(names)), labels=names, **text_style("".join(names)))
    places[0].set_ylim(len(names) - 0.5, -0.5)  # the first on top
    return figure


def plot_matrices(matrices: Mapping[str, npt.ArrayLike]) -> Figure:
    """Draw Jacobians from 0 to 1 side by side; exactly 0 is white, the smallest other value is not.

    Args:
        matrices: by title; a row for each output frame, a column for each input frame.

    Returns:
        A figure of its own, not known to ``pyplot``.

    Raises:
        ValueError: if there is no matrix.
    """
    if not matrices:
        raise ValueError("expected at least one matrix to draw, got none")
    num_rows = -(-len(matrices) // _PER_ROW)
    figure = new_figure(WIDTH_IN, 2.9 * num_rows, layout="constrained")
    places = figure.subplots(num_rows, min(_PER_ROW, len(matrices)), squeeze=False).ravel()
    for axes, (title, matrix) in zip(places, matrices.items(), strict=False):
        values = np.asarray(matrix, dtype=np.float64)
        shades = np.ma.masked_equal(values, 0.0)
        axes.imshow(0.25 + 0.75 * shades**0.25, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        dress(axes, title, "input frame")
        axes.set_ylabel("output frame", fontsize=FONT_PT, color=INK)
    for axes in places[len(matrices) :]:
        axes.set_axis_off()
    return figure
