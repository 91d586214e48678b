from __future__ import annotations

import gc
import sys
import threading
import weakref
from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE
from segtcn.visualization import Look, class_color, plot_timeline, plot_timelines
from segtcn.visualization.timeline_drawing import disagreements
from segtcn.visualization.timeline_layout import TimeAxis

NAMES = ["background", "take", "pour", "gießen", "stir"]


def labels(indexes: list[int], fps: float | None = None) -> Labels:
    return Labels(np.array(indexes), Classes(tuple(NAMES)), fps)


def pixels(figure: Figure) -> np.ndarray:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def color_at(figure: Figure, x: float, row: float, axes: int = 0) -> tuple[int, ...]:
    """Colour on the paper at a time and in the middle of a bar."""
    image = pixels(figure)
    column, up = figure.axes[axes].transData.transform((x, row))
    return tuple(image[image.shape[0] - 1 - int(up), int(column)].tolist())


def legend_names(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_bars_have_the_classes_colours_at_the_right_seconds() -> None:
    truth = torch.tensor([0] * 30 + [1] * 60 + [3] * 30)
    prediction = np.array([0] * 60 + [2] * 60)
    figure = plot_timeline({"truth": truth, "ED-TCN": prediction}, classes=NAMES, fps=30)
    assert figure.axes[0].get_xlim() == (0, 4)
    assert figure.axes[0].get_xlabel() == "time (s)"
    for second, label in [(0.5, 0), (0.98, 0), (1.02, 1), (2.98, 1), (3.02, 3), (3.98, 3)]:
        assert color_at(figure, second, row=0) == class_color(label, background=0), second
    for second, label in [(1.98, 0), (2.02, 2)]:
        assert color_at(figure, second, row=1) == class_color(label, background=0), second


def test_legend_names_only_the_classes_that_occur() -> None:
    tracks = {"truth": [4, 4, 0], "prediction": [3, IGNORE, 0]}
    assert legend_names(plot_timeline(tracks, classes=NAMES)) == ["background", "gießen", "stir", "not annotated"]
    assert legend_names(plot_timeline(tracks, classes=NAMES, look=Look(legend=False))) == []


def test_frames_that_nobody_annotated_are_hatched_and_short_tracks_end_early() -> None:
    figure = plot_timeline({"truth": [1, 1, IGNORE, IGNORE, 1, 1], "prediction": [2, 2, 2]}, classes=NAMES)
    assert color_at(figure, 1, row=0) == class_color(1)
    hatched = {color_at(figure, x, row=0) for x in np.linspace(2.2, 3.8, 12)}
    assert len(hatched) > 1
    assert all(max(color) - min(color) <= 2 and min(color) > 150 for color in hatched)  # light and grey
    assert color_at(figure, 2.5, row=1) == class_color(2)
    assert color_at(figure, 4.5, row=1) == (255, 255, 255)


def test_videos_share_the_time_scale_the_colours_and_one_legend() -> None:
    videos = {"P01": {"truth": [1] * 10, "ED-TCN": [2] * 10}, "P02": {"truth": [2] * 20, "ED-TCN": [0] * 20}}
    (figure,) = plot_timelines(videos, title="GTEA", classes=NAMES, fps=2)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["P01", "P02"]
    tops = [text.get_window_extent().y0 for text in figure.axes[0].get_yticklabels()]
    assert tops[0] > tops[1]  # the truth
    assert color_at(figure, 2, row=1, axes=0) == color_at(figure, 9, row=0, axes=1) == class_color(2)
    assert color_at(figure, 7, row=1, axes=0) == (255, 255, 255)
    assert color_at(figure, 9, row=1, axes=1) == class_color(0, background=0)
    assert legend_names(figure) == ["background", "take", "pour"]


@pytest.mark.parametrize("num_classes", [1, 48, 202])
def test_nothing_lies_outside_the_picture_or_on_something_else(num_classes: int) -> None:
    names = [f"cut and mix ingredient {label}" for label in range(num_classes)]
    labels = torch.arange(num_classes).repeat_interleave(3)
    figure = plot_timeline({"truth": labels, "prediction of a network": labels.flip(0)}, "video", classes=names, fps=3)
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
    figures = [weakref.ref(plot_timeline({"truth": [0, 1, 2]}, classes=NAMES)) for _ in range(10)]
    gc.collect()
    assert [figure() for figure in figures] == [None] * 10
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_drawing_in_a_thread_gives_the_same_picture() -> None:
    tracks = {"truth": [0, 1, 2, 2]}
    drawn = []
    thread = threading.Thread(target=lambda: drawn.append(pixels(plot_timeline(tracks, classes=NAMES))))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(drawn[0], pixels(plot_timeline(tracks, classes=NAMES)))


TRACKS = {"truth": [1] * 40 + [2] * 60, "ED-TCN": [1] * 60 + [2] * 40}


def test_sizes_are_in_inches() -> None:
    figure = plot_timeline(TRACKS, classes=NAMES, look=Look(width=7, bar_height=0.5, font_size=8))
    assert figure.get_size_inches()[0] == 7
    rows = figure.axes[0].transData.transform([(0, 0), (0, 1)])[:, 1] / figure.dpi
    assert abs(rows[1] - rows[0]) == pytest.approx(0.5)
    assert {text.get_fontsize() for text in figure.axes[0].get_yticklabels()} == {8}
    low = plot_timeline(TRACKS, classes=NAMES, look=Look(bar_height=0.05, font_size=8))  # names must not overlap
    rows = low.axes[0].transData.transform([(0, 0), (0, 1)])[:, 1] / low.dpi
    assert abs(rows[1] - rows[0]) == pytest.approx(8 * 1.25 / 72)


def test_boundaries_of_the_truth_go_through_the_predictions() -> None:
    figure = plot_timeline(TRACKS, classes=NAMES, look=Look(boundaries=True, width=20))
    (lines,) = [each for each in figure.axes[0].collections if type(each).__name__ == "LineCollection"]
    assert [segment[:, 0].tolist() for segment in lines.get_segments()] == [[40, 40]]
    assert lines.get_segments()[0][:, 1].tolist() == [0.5, pytest.approx(1.4)]
    without = plot_timeline(TRACKS, classes=NAMES)
    assert all(type(each).__name__ != "LineCollection" for each in without.axes[0].collections)
    dense = {"truth": [1, 2] * 1000, "ED-TCN": [1, 2] * 1000}
    with pytest.warns(UserWarning, match="1,999 boundaries, .* to the inch, would hide the bars: they are left out"):
        plot_timeline(dense, look=Look(boundaries=True))


def test_a_red_strip_marks_where_a_prediction_differs() -> None:
    figure = plot_timeline(TRACKS, classes=NAMES, look=Look(disagreement=True))
    assert legend_names(figure)[-1] == "differs from truth"
    strip = 1 + 0.4 * 0.86  # the lowest part of the second bar
    assert color_at(figure, 50, strip) == (178, 24, 43)
    assert color_at(figure, 20, strip) == color_at(figure, 80, strip) == (255, 255, 255)
    assert color_at(figure, 50, 1) == class_color(1)
    plain = plot_timeline(TRACKS, classes=NAMES)
    assert color_at(plain, 50, strip) == class_color(1)


def test_tracks_of_different_rates_meet_in_time() -> None:
    tracks = {"truth": labels([1] * 40 + [2] * 60, 10), "ED-TCN": labels([1] * 4 + [2] * 6, 1)}
    figure = plot_timeline(tracks, classes=NAMES, look=Look(disagreement=True))
    assert figure.axes[0].get_xlim() == (0, 10)
    assert color_at(figure, 3.9, 1) == class_color(1)
    assert color_at(figure, 4.1, 1) == class_color(2)
    assert not any("178, 24" in str(color_at(figure, second, 1.34)) for second in (1, 3.9, 4.1, 9))


def test_scores_stand_in_columns_beside_the_bars() -> None:
    scores = {"P01": {"ED-TCN": {"acc": 91.26, "F1@50": 80.0}}, "P02": {"ED-TCN": {"acc": float("nan")}}}
    (figure,) = plot_timelines({"P01": TRACKS, "P02": TRACKS}, classes=NAMES, scores=scores)
    assert [text.get_text() for text in figure.axes[0].texts] == ["91.3", "80.0", "acc", "F1@50"]
    assert [text.get_text() for text in figure.axes[1].texts] == []
    pixels(figure)
    right = figure.axes[0].get_window_extent().x1
    width = figure.get_window_extent().x1
    for text in figure.axes[0].texts:
        assert right < text.get_window_extent().x0 < text.get_window_extent().x1 <= width


def test_five_scores_leave_half_of_a_page_to_the_bars() -> None:
    row = {"F1@10": 91.2, "F1@25": 80.0, "F1@50": 70.0, "Edit": 100.0, "Accuracy": 90.0}
    figure = plot_timeline({"truth": [1, 2], "MS-TCN": [1, 1]}, scores={"MS-TCN": row}, look=Look(width=7))
    bars = figure.axes[0].get_window_extent()
    assert bars.width > 0.47 * figure.get_window_extent().width
    shown = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text() in row]
    assert all(left.x1 + 5 < right.x0 for left, right in pairwise(shown))


def test_legend_of_one_column_of_a_page_cuts_no_common_names() -> None:
    names = ["background", "cut tomato", "pour milk", "close the door of the fridge with the left hand"]
    figure = plot_timeline({"truth": [0, 1, 2, 3]}, classes=names, look=Look(width=3.3))
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:3] == names[:3]
    assert "…" in legend[3]
    pixels(figure)
    assert figure.legends[0].get_window_extent().width <= figure.get_window_extent().width


def test_long_videos_have_minutes_and_hours() -> None:
    def ticks(seconds: int, **options: object) -> list[str]:
        figure = plot_timeline({"truth": [1] * seconds}, fps=1, look=Look(**options))  # type: ignore[arg-type]
        pixels(figure)
        return [text.get_text() for text in figure.axes[0].get_xticklabels()]

    assert ticks(600)[:2] == ["0", "50"]
    assert ticks(700)[:2] == ["0:00", "1:00"]
    assert ticks(3 * 3600)[-1] == "3:00:00"
    assert ticks(90, unit="clock")[-1] == "1:30"
    assert ticks(5000, unit="frames")[:3] == ["0", "500", "1,000"]
    assert ticks(700, unit="seconds")[1] in ("50", "100")


def test_one_frame_and_labels_that_look_like_markup_are_drawn() -> None:
    names = ["$\\frac{1$", "_hidden", "<script>", ("a very long name " * 40).strip()]
    figure = plot_timeline({"$x": [0], "y" * 300: [3]}, "$ _ ^ " * 80, classes=names, fps=30)
    pixels(figure)
    assert legend_names(figure)[0] == "$\\frac{1$"
    assert "…" in legend_names(figure)[1]
    width = figure.get_window_extent().x1
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box is not None
        assert (box.x0 >= 0, box.x1 <= width) == (True, True)


def test_pages_hold_what_fits_and_share_one_scale() -> None:
    videos = {f"P{number:02d}": {"truth": [1] * (10 + number), "ED-TCN": [2] * 9} for number in range(30)}
    pages = plot_timelines(videos, "all", classes=NAMES, page_height=6)
    assert [axes.get_title(loc="left") for page in pages for axes in page.axes] == [*videos]
    assert len(pages) > 2
    assert all(page.get_size_inches()[1] <= 6 for page in pages)
    assert {page.axes[0].get_xlim() for page in pages} == {(0, 39)}
    assert len(plot_timelines(videos, classes=NAMES, page_height=0.1)) == 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"look": {"width": 0}}, "`width` must be positive, got 0"),
        ({"look": {"bar_height": float("nan")}}, "`bar_height` must be positive, got nan"),
        ({"look": {"font_size": -1}}, "`font_size` must be positive, got -1"),
        ({"look": {"width": 1.2}}, "`width` 1.2 leaves .* for the bars beside titles and scores, expected at least 1"),
        ({"look": {"unit": "hours"}}, "`unit` must be one of auto, seconds, clock, frames, got 'hours'"),
        ({"look": {"unit": "clock"}}, "the axis cannot show clock: every track needs its rate, give `fps`"),
        ({"tracks": TRACKS | {"truth": labels([1], 3)}}, "tracks of different rates cannot share an axis of frames"),
        ({"scores": {"MS-TCN": {}}}, "`scores` has 'MS-TCN', which is not drawn"),
        ({"tracks": {}}, "at least one track of P01 to draw, got none"),
        ({"page_height": 0}, "`page_height` must be positive, got 0"),
    ],
)
def test_wrong_options_are_refused(options: dict, message: str) -> None:
    call = {"scores": {"P01": options["scores"]}} if "scores" in options else {}
    call |= {"page_height": options["page_height"]} if "page_height" in options else {}
    with pytest.raises(ValueError, match=message):
        plot_timelines({"P01": options.get("tracks", TRACKS)}, look=Look(**options.get("look", {})), **call)


def test_disagreement_counts_neither_frames_that_nobody_annotated_nor_what_is_beyond_the_end() -> None:
    axis = TimeAxis("frames", 6)
    truth, other = labels([1, IGNORE, 2, 2, 2, 2]), labels([2, 2, IGNORE, 1])
    assert disagreements(truth, other, axis) == disagreements(other, truth, axis) == [(0, 1), (3, 1)]
