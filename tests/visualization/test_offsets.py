from __future__ import annotations

import numpy as np
import pytest

from segtcn.visualization.charts import plot_offsets


def heights(axes) -> dict[float, float]:
    """Height of every bar that is not empty, by its middle."""
    bars = {round(bar.get_x() + bar.get_width() / 2, 6): bar.get_height() for bar in axes.patches}
    return {middle: height for middle, height in bars.items() if height}


def test_bars_hold_whole_steps_and_the_middle_one_what_is_right():
    figure = plot_offsets({"start": [0, 0, 0.1, -0.3], "stop": [0.2]}, step=0.1)
    first, second = figure.axes
    assert heights(first) == {0.0: 2, 0.1: 1, -0.3: 1}
    assert heights(second) == {0.2: 1}
    assert first.get_xlim() == second.get_xlim()
    assert first.get_title(loc="left") == "start: 4 segments, median +0.00 s"


def test_nothing_is_lost_beyond_the_scale():
    offsets = np.concatenate([np.arange(-20, 21), np.full(2, 5000)])
    (axes,) = plot_offsets({"start": offsets}, step=1, unit="frames").axes
    assert sum(heights(axes).values()) == len(offsets)
    assert axes.get_xlim()[1] < 100
    pale = {bar.get_facecolor() for bar in (axes.patches[0], axes.patches[-1])}
    assert len(pale) == 1
    assert axes.patches[1].get_facecolor() not in pale
    assert "frames" in axes.get_xlabel()


def test_segments_are_counted_in_whole_numbers():
    (axes,) = plot_offsets({"start": [0.2, 0.2]}, step=0.1).axes
    assert all(tick == round(tick) for tick in axes.get_yticks())


def test_no_offset_at_all_is_an_empty_picture():
    (axes,) = plot_offsets({"start": []}, step=0.1).axes
    assert heights(axes) == {}
    assert axes.get_title(loc="left") == "start: 0 segments"


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="at least one kind of offsets to draw, got none"):
        plot_offsets({}, step=1)
    with pytest.raises(ValueError, match="`step` must be positive, got 0"):
        plot_offsets({"start": [1]}, step=0)
