"""Line charts and Jacobians: every value is drawn, the same line in the same colour, exact zeros white."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.image import imread

from segtcn.visualization.charts import plot_curves, plot_matrices
from segtcn.visualization.figures import save_figure


def test_curves_have_all_points_and_one_colour_a_line():
    panels = {"a": {"TCN": [(1, 2.0), (4, 0.5)], "GRU": [(1, 3.0)]}, "b": {"GRU": [(2, 1.0)]}}
    figure = plot_curves(panels, "steps", "loss", log_x=True, log_y=True, levels={"b": ("chance", 0.3)})
    first, second = figure.axes
    assert [line.get_xydata().tolist() for line in first.lines] == [[[1, 2], [4, 0.5]], [[1, 3]]]
    assert first.lines[1].get_color() == second.lines[0].get_color() != first.lines[0].get_color()
    assert (first.get_xscale(), first.get_yscale(), first.get_ylabel()) == ("log", "log", "loss")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["TCN", "GRU", "chance"]


def test_legend_covers_no_line_and_panels_share_their_axis(tmp_path):
    levels = {"a": {"high": [(1, 200.0), (2, 210.0)], "low": [(1, 10.0), (2, 9.0)]}, "b": {"low": [(1, 9.0)]}}
    figure = plot_curves(levels, "frames", "time", log_y=True)
    save_figure(figure, tmp_path / "time.png", dpi=50)  # which places the legend
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(axes.get_window_extent()) for axes in figure.axes)
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


@pytest.mark.parametrize("values", [(0.21, 0.2275), (0.04, 0.1), (0.0001, 0.2), (8.0, 210.0)])
def test_logarithmic_axis_shows_plain_numbers(values, tmp_path):
    figure = plot_curves({"a": {"TCN": list(enumerate(values))}}, "steps", "loss", log_y=True)
    save_figure(figure, tmp_path / "loss.png", dpi=50)
    axis = figure.axes[0].yaxis
    texts = [text.get_text() for text in [*axis.get_ticklabels(), *axis.get_ticklabels(minor=True)]]
    assert sum(text.replace(".", "").isdecimal() for text in texts) >= 2
    assert not any("$" in text for text in texts)


def test_an_axis_without_a_positive_value_is_linear(tmp_path):
    figure = plot_curves({"memory": {"TCN": [(1, 0.0), (2, 0.0)]}}, "frames", "MiB", log_x=True, log_y=True)
    assert figure.axes[0].get_yscale() == "linear"
    save_figure(figure, tmp_path / "memory.png", dpi=50)


def test_zero_is_white_and_the_smallest_value_is_not(tmp_path):
    figure = plot_matrices({"net": np.array([[1.0, 0.0], [1e-5, 1.0]])})
    axes = figure.axes[0]
    save_figure(figure, tmp_path / "net.png", dpi=figure.dpi)  # which places the axes, too
    pixels = (255 * imread(tmp_path / "net.png")[..., :3]).round().astype(int)
    colours = []
    for row, column in ((0, 1), (1, 0)):
        x, y = axes.transData.transform((column, row))
        colours.append(pixels[round(pixels.shape[0] - y), round(x)].tolist())
    assert colours[0] == [255, 255, 255]
    assert max(colours[1]) < 250 or min(colours[1]) < 240


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match="at least one panel"):
        plot_curves({}, "x", "y")
    with pytest.raises(ValueError, match="at least one matrix"):
        plot_matrices({})
