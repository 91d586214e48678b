"""How early or late segments start and stop, as histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segtcn.visualization.figures import FONT_PT, INK, PALE_INK, WIDTH_IN, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
    middles = (edges[:-1] + edges[1:]) / 2
    inside = np.clip(numbers, middles[0], middles[-1])
    bars: Any = axes.hist(inside, bins=edges.tolist(), color=_BLUE, edgecolor="white", linewidth=0.5)[2]
    for bar in (bars[0], bars[-1]):
        bar.set_facecolor(_PALE_BLUE)
    axes.axvline(0, color=PALE_INK, linewidth=1)
    heading = f"{kind}: {len(numbers)} segments"
    if len(numbers):
        median = float(np.median(numbers))
        if edges[0] <= median <= edges[-1]:
            axes.axvline(median, color=_RED, linewidth=1.5, linestyle="--")
        heading += f", median {median:+.2f} {unit}"
    dress(axes, heading, f"early  ←  offset ({unit}; pale: and beyond)  →  late")
    axes.set_xlim(edges[0], edges[-1])
