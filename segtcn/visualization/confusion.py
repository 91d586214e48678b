"""Confusion between actions as a picture: one row for every true class, one column for every predicted class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segtcn.visualization.figures import FONT_PT, INK, elided, new_figure, text_in, text_style

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
