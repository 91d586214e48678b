"""Line charts and square matrices, as reports need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segtcn.visualization.figures import FONT_PT, INK, PALE_INK, WIDTH_IN, dress, new_figure
from segtcn.visualization.palette import class_color, hex_color

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
