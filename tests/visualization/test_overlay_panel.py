from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE
from segtcn.video_io import ColorTags
from segtcn.visualization import class_color, class_colors
from segtcn.visualization.overlay import OverlayLook
from segtcn.visualization.overlay.canvas import text_width
from segtcn.visualization.overlay.panel import EMPTY, HATCH, MARK, Panel
from segtcn.visualization.overlay.panel_layout import PanelContent, PanelLayout
from segtcn.visualization.overlay.panel_rows import NO_LABEL, NOT_ANNOTATED, PanelRow, make_rows
from tests.clips import write_clip
from tests.visualization.overlays import NAMES, PAD, QUIET, bars, close, overlaid

SCORES = np.tile(np.array([[0.0], [0.5], [0.25], [0.2], [0.05]], np.float32), (1, 100))


def test_truth_stands_above_any_number_of_tracks_in_their_order(tmp_path: Path, clip: Path) -> None:
    tracks = {name: [name] * 100 for name in ("take", "pour", "stir")}
    _, shown = overlaid(tmp_path, clip, tracks, truth=["background"] * 100, classes=NAMES)
    colors = class_colors(5, background=0)
    found = bars(shown[10], colors)
    order = [next(color for color in colors if close(bar[None, 200], color)[0]) for bar in found]
    assert order == [colors[NAMES.index(name)] for name in ("background", "take", "pour", "stir")]


def marked(strip: np.ndarray) -> list[np.ndarray]:
    """Columns of every line that is in the colour of disagreement somewhere, from the top."""
    lines = close(strip, MARK)
    return [line for line in lines if line.mean() > 0.1]


def test_disagreement_is_marked_below_the_timeline_where_it_is(tmp_path: Path, clip: Path) -> None:
    truth = ["take"] * 50 + ["pour"] * 50
    wrong = ["take"] * 70 + ["pour"] * 30
    _, shown = overlaid(tmp_path, clip, wrong, truth=truth, classes=NAMES)
    columns = marked(shown[10])
    assert len(columns) >= 1
    for line in columns:
        share = (np.flatnonzero(line) - PAD) / (320 - 2 * PAD)
        assert share.min() == pytest.approx(0.5, abs=0.02)
        assert share.max() == pytest.approx(0.7, abs=0.02)
    _, shown = overlaid(tmp_path, clip, truth, truth=truth, classes=NAMES)
    assert marked(shown[10]) == []
    # without a truth, predictions are compared with each other; a single one with nothing
    _, shown = overlaid(tmp_path, clip, {"a": truth, "b": wrong}, classes=NAMES)
    assert len(marked(shown[10])) >= 1
    _, shown = overlaid(tmp_path, clip, truth, classes=NAMES)
    assert marked(shown[10]) == []


def test_disagreement_of_one_frame_in_an_hour_is_not_lost() -> None:
    labels = np.zeros(90_000, np.int64)
    times_s = np.arange(90_000) / 25
    wrong = labels != 0
    wrong[43_210] = True
    row = PanelRow(Labels(labels, Classes(("take",))), np.arange(90_000), labels, times_s + 1, wrong)
    content = PanelContent({"a": row}, row.labels.classes, times_s, (0.0, 3600.0), 3600.0, QUIET)
    panel = Panel(content, 320, 240, ColorTags())
    mark = np.array(ColorTags().planes(MARK))[:, None, None]
    at = panel.layout
    below = at.bar_tops[0] + at.bar
    marks = (panel.still.pixels[:, below : below + 2 + at.mark] == mark).all(axis=0)
    assert marks.sum() == at.mark  # one column


@pytest.mark.parametrize("size", [(96, 64), (270, 480), (320, 240), (768, 432), (1281, 720)])
def test_nothing_in_the_legend_or_in_the_first_line_overlaps(size: tuple[int, int]) -> None:
    times_s = np.arange(200) / 25
    names = [f"class {label}" + label % 7 * " of many words" for label in range(60)]
    for num_classes in (1, 3, 10, 25, 33, 34, 35, 60):
        classes, shown = Classes(tuple(names[:num_classes]), 0), np.arange(200) % num_classes
        row = PanelRow(Labels(shown, classes), np.arange(200), shown, times_s + 1, shown == 2)
        at = PanelLayout(PanelContent({"prediction": row}, classes, times_s, (0.0, 8.0), 8.0, QUIET), *size)
        ends: dict[int, int] = {}
        for text, _, is_rest, x, line in at.legend:
            assert x >= ends.get(line, at.left)
            chip = 0 if is_rest else round(0.8 * at.small) + at.pad // 2
            ends[line] = x + chip + text_width(text, at.small)
            assert ends[line] <= at.right
        left_out = [int(entry.text[1:]) for entry in at.legend if entry.is_rest]
        num_shown = len(at.legend) - len(left_out)
        assert not at.legend or num_shown + sum(left_out) == num_classes + 1  # and the mark of differences
        title_end, clock = at.left + at.title_width, text_width("0:00.0", at.small)
        assert not at.has_clock or at.clock_left - clock - 4 * at.size > title_end


@pytest.mark.parametrize("window_s", [None, 3.0])
@pytest.mark.parametrize("size", [(97, 61), (320, 240), (1281, 720)])
def test_panel_does_not_depend_on_what_it_showed_before(size: tuple[int, int], window_s: float | None) -> None:
    rng = np.random.default_rng(0)
    times_s = np.arange(200) / 25
    classes = Classes(tuple(NAMES), 0)
    rows = {}
    for title in ("truth", "a", "b"):
        shown = np.repeat(rng.integers(NOT_ANNOTATED, 4, 20), 10)
        scores = None if title == "b" else rng.dirichlet(np.ones(5), 200).T.astype(np.float32)
        differs = None if title == "truth" else rng.random(200) < 0.3
        labels = Labels(np.where(shown < 0, IGNORE, shown), classes, scores=scores)
        rows[title] = PanelRow(
            labels, np.where(shown == NO_LABEL, NO_LABEL, np.arange(200)), shown, times_s + 1, differs
        )
    look = OverlayLook(window_s=window_s, scores={"a": {"Acc": 50.0}})
    content = PanelContent(rows, classes, times_s, (1.0, 6.0), 8.0, look)
    used = Panel(content, *size, ColorTags())
    for number in (30, 31, 32, 33, 140, 0, 199, 30):
        expected = Panel(content, *size, ColorTags()).draw(number)
        assert all((before == new).all() for before, new in zip(used.draw(number), expected, strict=True))


def test_window_shows_what_is_around_the_cursor_and_all_of_the_clip_below(tmp_path: Path) -> None:
    names = [NAMES[1 + second % 4] for second in range(20) for _ in range(5)]  # a second each
    clip = write_clip(tmp_path / "clip.mp4", 100, 5, (320, 240))
    _, shown = overlaid(tmp_path, clip, names, classes=NAMES, window_s=4.0)
    colors = [class_color(label) for label in range(1, 5)]
    for number in (30, 47, 66):
        bar = max(bars(shown[number][24:], colors), key=lambda line: close(line[None], colors[0]).sum())
        now_s = number / 5
        for offset_s in (-1.6, -0.7, 0.7, 1.6):
            x = round(160 + offset_s / 4 * (320 - 2 * PAD))
            second = int(now_s + offset_s)
            columns = bar[None, x - 1 : x + 2]
            near_edge = abs(now_s + offset_s - round(now_s + offset_s)) < 0.1
            in_text = not any(close(columns, color).any() for color in colors)
            assert near_edge or in_text or close(columns, class_color(1 + second % 4)).any(), (number, offset_s)


def test_window_names_segments_and_is_empty_before_the_clip(tmp_path: Path, clip: Path) -> None:
    _, shown = overlaid(tmp_path, clip, ["take"] * 100, classes=NAMES, window_s=4.0)
    take = class_color(1)
    rows = np.flatnonzero(close(shown[0][:, 170:310], take).mean(axis=1) > 0.4)[:12]  # without the small one below
    assert close(shown[0][rows, 10:150], take).mean() == 0
    assert close(shown[50][rows][:, 10:150], take).mean() > 0.6  # but for the name
    assert np.abs(shown[50][rows, 10:60].astype(int) - take[::-1]).max() > 100


def test_most_probable_classes_have_bars_of_their_shares(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (640, 480))
    track = Labels([1] * 100, Classes(tuple(NAMES), 0), scores=SCORES)
    _, shown = overlaid(tmp_path, clip, track, classes=NAMES)
    strip = shown[50]
    lines = [row for row in range(strip.shape[0]) if close(strip[row : row + 1], EMPTY).mean() > 0.3]
    assert lines, "there are no bars"
    for place, (label, share) in enumerate([(1, 0.5), (2, 0.25), (3, 0.2)]):
        left, right = place * 640 // 3, (place + 1) * 640 // 3
        filled = close(strip[lines[1], left:right][None], class_color(label)).sum()
        rest = close(strip[lines[1], left:right][None], EMPTY).sum()
        assert filled / (filled + rest) == pytest.approx(share, abs=0.05)
    _, without = overlaid(tmp_path, clip, track, classes=NAMES, top=0)
    assert without[0].shape[0] < strip.shape[0]


def test_scores_take_a_line_each(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25, (320, 240))
    track = ["take"] * 10
    _, without = overlaid(tmp_path, clip, {"a": track, "b": track})
    _, shown = overlaid(tmp_path, clip, {"a": track, "b": track}, scores={"a": {"Acc": 87.25}, "b": {"Acc": 1.0}})
    assert shown[0].shape[0] >= without[0].shape[0] + 20


def test_time_left_is_that_of_the_segment() -> None:
    tracks = {"a": Labels.from_names(["take"] * 10 + ["pour"] * 5)}
    numbers = {"a": np.array([*range(15), *[NO_LABEL] * 5])}
    row = make_rows(tracks, numbers, np.arange(20) / 10, 2.0)["a"]
    assert row.until_s.tolist() == [1.0] * 10 + [1.5] * 5 + [2.0] * 5


def test_frames_that_nobody_annotated_differ_from_nothing() -> None:
    classes, numbers = Classes(("take", "pour")), np.arange(4)
    first, second = Labels([0, 0, IGNORE, 1], classes), Labels([0, 1, 1, IGNORE], classes)
    for title in ("truth", "b"):  # without a truth, predictions are compared with each other
        rows = make_rows({title: first, "a": second}, {title: numbers, "a": numbers}, numbers / 10, 0.4)
        assert rows[title].differs is None
        assert rows["a"].differs is not None
        assert rows["a"].differs.tolist() == [False, True, False, False]


@pytest.mark.parametrize("window_s", [None, 4.0])
def test_frames_that_nobody_annotated_are_hatched_and_explained(
    tmp_path: Path, clip: Path, window_s: float | None
) -> None:
    _, shown = overlaid(tmp_path, clip, [1] * 50 + [IGNORE] * 50, classes=NAMES, window_s=window_s)
    (bar,) = [row for row in range(24, len(shown[40])) if close(shown[40][row, 20:100], class_color(1)).mean() > 0.6][
        4:5
    ]
    part = shown[40][bar : bar + 6, 240:300]
    assert 0.2 < close(part, EMPTY).mean() < 0.9  # between the lines
    assert np.abs(part.astype(int) - HATCH[::-1]).max(axis=-1).min() < 30
    assert not any(close(part, class_color(label)).any() for label in range(1, 5))
    _, without = overlaid(tmp_path, clip, [1] * 100, classes=NAMES, window_s=window_s)
    assert np.abs(shown[40].astype(int) - without[40])[-14:, 60:160].max() > 100  # the legend says what it is
