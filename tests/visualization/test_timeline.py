from __future__ import annotations

import gc
import sys
import threading
import weakref

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from segtcn.structures import IGNORE
from segtcn.visualization import class_color, plot_timeline, plot_timelines

NAMES = ["background", "take", "pour", "gießen", "stir"]


def pixels(figure: Figure) -> np.ndarray:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def color_at(figure: Figure, x: float, row: int, axes: int = 0) -> tuple[int, ...]:
    """Colour on the paper at a time and in the middle of a bar."""
    image = pixels(figure)
    column, up = figure.axes[axes].transData.transform((x, row))
    return tuple(image[image.shape[0] - 1 - int(up), int(column)].tolist())


def legend_names(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_bars_have_the_classes_colours_at_the_right_seconds() -> None:
    truth = torch.tensor([0] * 30 + [1] * 60 + [3] * 30)
    prediction = np.array([0] * 60 + [2] * 60)
    figure = plot_timeline({"truth": truth, "ED-TCN": prediction}, NAMES, fps=30, background=0)
    assert figure.axes[0].get_xlim() == (0, 4)
    assert figure.axes[0].get_xlabel() == "time (s)"
    for second, label in [(0.5, 0), (0.98, 0), (1.02, 1), (2.98, 1), (3.02, 3), (3.98, 3)]:
        assert color_at(figure, second, row=0) == class_color(label, background=0), second
    for second, label in [(1.98, 0), (2.02, 2)]:
        assert color_at(figure, second, row=1) == class_color(label, background=0), second


def test_truth_stands_above_the_predictions_in_the_order_given() -> None:
    figure = plot_timeline({"truth": [0, 1], "ED-TCN": [1, 1], "Dilated TCN": [0, 0]}, NAMES)
    figure.canvas.draw_idle()
    pixels(figure)
    labels = sorted(figure.axes[0].get_yticklabels(), key=lambda text: -text.get_window_extent().y0)
    assert [text.get_text() for text in labels] == ["truth", "ED-TCN", "Dilated TCN"]


def test_axis_counts_frames_without_a_rate() -> None:
    figure = plot_timeline({"truth": [0] * 50}, NAMES)
    assert figure.axes[0].get_xlabel() == "frame"
    assert figure.axes[0].get_xlim() == (0, 50)


def test_legend_names_only_the_classes_that_occur() -> None:
    tracks = {"truth": [4, 4, 0], "prediction": [3, IGNORE, 0]}
    assert legend_names(plot_timeline(tracks, NAMES)) == ["background", "gießen", "stir"]
    assert legend_names(plot_timeline(tracks, NAMES, legend=False)) == []


def test_ignored_frames_stay_white_and_short_tracks_end_early() -> None:
    figure = plot_timeline({"truth": [1, 1, IGNORE, IGNORE, 1, 1], "prediction": [2, 2, 2]}, NAMES)
    assert color_at(figure, 1, row=0) == class_color(1)
    assert color_at(figure, 3, row=0) == (255, 255, 255)
    assert color_at(figure, 2.5, row=1) == class_color(2)
    assert color_at(figure, 4.5, row=1) == (255, 255, 255)


def test_videos_share_the_time_scale_the_colours_and_one_legend() -> None:
    videos = {"P01": {"truth": [1] * 10, "ED-TCN": [2] * 10}, "P02": {"truth": [2] * 20, "ED-TCN": [0] * 20}}
    figure = plot_timelines(videos, NAMES, fps=2, background=0, title="GTEA")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["P01", "P02"]
    assert color_at(figure, 2, row=1, axes=0) == color_at(figure, 9, row=0, axes=1) == class_color(2)
    assert color_at(figure, 7, row=1, axes=0) == (255, 255, 255)
    assert legend_names(figure) == ["background", "take", "pour"]


@pytest.mark.parametrize("num_classes", [1, 48, 202])
def test_nothing_lies_outside_the_picture_or_on_something_else(num_classes: int) -> None:
    names = [f"cut and mix ingredient {label}" for label in range(num_classes)]
    labels = torch.arange(num_classes).repeat_interleave(3)
    figure = plot_timeline({"truth": labels, "prediction of a network": labels.flip(0)}, names, fps=3, title="video")
    pixels(figure)
    width, height = figure.canvas.get_width_height()
    legend = figure.legends[0].get_window_extent()
    axes = figure.axes[0].get_tightbbox()
    assert axes is not None
    for box in (legend, axes):
        assert (box.x0 >= -1, box.y0 >= -1, box.x1 <= width + 1, box.y1 <= height + 1) == (True,) * 4
    assert legend.y1 <= axes.y0 + 1
    bar_px = np.diff(figure.axes[0].transData.transform([(0, 0), (0, 1)])[:, 1])[0]
    assert abs(bar_px) > 20


def test_figures_are_unknown_to_pyplot_and_vanish() -> None:
    figures = [weakref.ref(plot_timeline({"truth": [0, 1, 2]}, NAMES)) for _ in range(10)]
    gc.collect()
    assert [figure() for figure in figures] == [None] * 10
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_drawing_in_a_thread_gives_the_same_picture() -> None:
    tracks = {"truth": [0, 1, 2, 2]}
    drawn = []
    thread = threading.Thread(target=lambda: drawn.append(pixels(plot_timeline(tracks, NAMES))))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(drawn[0], pixels(plot_timeline(tracks, NAMES)))


@pytest.mark.parametrize(
    ("tracks", "fps", "message"),
    [
        ({}, None, "at least one track of P01 to draw, got none"),
        ({"truth": []}, None, r"track 'truth' of P01 must have the shape \(T,\) with T >= 1, got \(0,\)"),
        ({"truth": torch.zeros(2, 3)}, None, r"must have the shape \(T,\) with T >= 1, got \(2, 3\)"),
        ({"truth": [0, 5]}, None, "has labels from 0 to 5, but `class_names` names the classes 0 to 4"),
        ({"truth": [-1, 0]}, None, "has labels from -1 to 0"),
        ({"truth": [0]}, 0.0, "`fps` must be positive, got 0"),
    ],
)
def test_wrong_input_is_refused(tracks: dict, fps: float | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_timeline(tracks, NAMES, fps=fps, title="P01")


def test_no_video_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one video to draw, got none"):
        plot_timelines({}, NAMES)
