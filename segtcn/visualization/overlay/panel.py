"""What stands under the picture: the current labels, timelines with a cursor, scores, a legend."""

from __future__ import annotations

import copy
import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.structures import find_runs
from segtcn.video_io import ColorTags, Planes
from segtcn.visualization.overlay.canvas import Canvas, shortened, text_width
from segtcn.visualization.overlay.panel_layout import PanelContent, PanelLayout, clock, even_up
from segtcn.visualization.overlay.panel_rows import NO_LABEL, NOT_ANNOTATED, PanelRow
from segtcn.visualization.palette import RGB, class_colors, text_color

__all__ = ["Panel", "PanelContent"]

PAPER: RGB = (22, 24, 29)
INK: RGB = (236, 238, 242)
FAINT_INK: RGB = (160, 165, 175)
EMPTY: RGB = (52, 56, 64)
HATCH: RGB = (112, 118, 130)
"""Lines on :data:`EMPTY` where nobody annotated the frames."""
MARK: RGB = (255, 96, 96)
"""Where labels differ; it stands in lines of its own, so that it cannot be taken for a class."""

_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)


class _Columns(NamedTuple):
    """Which frames the columns of a timeline show.

    Args:
        frames: the one on display in the middle of each, ``(width,)``.
        first: the one on display at its left edge.
        stop: the first one after it.
        outside: whether the clip has not begun, or has ended.
    """

    frames: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    outside: npt.NDArray[np.bool_]


class Panel:
    """The strip under the picture. What does not move is drawn once, the rest only when it changes.

    Args:
        content: what it shows.
        width: of the picture in pixels.
        picture_height: its height.
        tags: what the numbers of the picture mean.
    """

    def __init__(self, content: PanelContent, width: int, picture_height: int, tags: ColorTags) -> None:
        self.content = content
        self.rows = list(content.rows.values())
        self.layout = PanelLayout(content, width, picture_height)
        self.height = self.layout.height
        self.still = Canvas(self.height, width, tags, PAPER)
        # NO_LABEL, -1, finds the last, NOT_ANNOTATED, -2, the one before
        self.colors = [*class_colors(len(content.classes), content.classes.background), EMPTY, EMPTY]
        self.table = self.still.table(self.colors)
        self.backdrop = self.still.table([PAPER, MARK])
        # how many frames differ before each frame
        self.differing = [None if row.differs is None else np.append(0, np.cumsum(row.differs)) for row in self.rows]
        self._draw_still()
        self.shown = copy.deepcopy(self.still)
        self.planes = self.shown.planes()
        # what bands of rows, which do not overlap, show at the moment
        self._states: dict[tuple[int, int], Hashable] = {}
        self._changed: list[tuple[int, int]] = []

    def draw(self, number: int) -> Planes:
        """The panel of a frame; it is valid until the next one is drawn.

        Args:
            number: of the frame in the clip.
        """
        self._changed.clear()
        now_s = float(self.content.times_s[number])
        self._draw_labels(number, now_s)
        for row, top in zip(self.rows, self.layout.best_tops, strict=True):
            if top is not None:
                self._draw_best(row.best(number, self.layout.columns), top)
        if self.content.look.window_s is None:
            self._move_cursor(self.layout.x(now_s))
        else:
            self._draw_window(now_s, self.content.look.window_s)
        for band in self._changed:
            self.planes = self.shown.planes(*band)
        return self.planes

    def _begin(self, top: int, bottom: int, state: Hashable) -> bool:
        """Whether a band of rows, from an even one, has to be drawn to show a state; if so, it is cleared."""
        band = top, even_up(bottom)
        if self._states.get(band) == state:
            return False
        self._states[band] = state
        self._changed.append(band)
        self.shown.restore(self.still, *band)
        return True

    def _draw_still(self) -> None:
        content, still, at = self.content, self.still, self.layout
        still.put(at.clock, at.clock_left, at.line_tops[0], at.line, at.small, FAINT_INK)
        columns = self._columns(*content.part_s)
        for place, title in enumerate(content.rows):
            still.put(at.titles[title], at.left, at.line_tops[place], at.line, at.small, FAINT_INK)
            if content.look.window_s is None:
                self._draw_bar(still, place, at.bar_tops[place], at.bar, columns)
            else:
                self._draw_bar(still, place, at.mini_tops[place], at.mini, columns)
        for place, (title, note) in enumerate(content.notes.items()):
            top = at.notes_top + place * at.small_line
            still.put(at.titles[title], at.left, top, at.small_line, at.small, FAINT_INK)
            x = at.left + max(at.title_width, text_width(at.titles[title], at.small)) + at.pad
            still.put(shortened(note, at.small, at.right - x), x, top, at.small_line, at.small, INK)
        self._draw_legend()

    def _draw_legend(self) -> None:
        at = self.layout
        side = round(0.8 * at.small)
        for text, label, is_rest, x, line in at.legend:
            top = at.legend_top + line * at.small_line
            if is_rest:
                self.still.put(text, x, top, at.small_line, at.small, FAINT_INK)
                continue
            height = at.mark if label is None else side
            chip_top = top + (at.small_line - height) // 2
            self.still.fill(x, chip_top, x + side, chip_top + height, MARK if label is None else self.colors[label])
            if label == NOT_ANNOTATED:
                self.still.hatch(x, chip_top, chip_top + height, np.ones(side, np.bool_), HATCH)
            self.still.put(text, x + side + at.pad // 2, top, at.small_line, at.small, INK)

    def _draw_labels(self, number: int, now_s: float) -> None:
        """The labels of a moment, and the clock beside the first."""
        at = self.layout
        # whole seconds and tenths apart: the same few pictures again and again
        seconds, tenths = clock(now_s)[:-2], clock(now_s)[-2:]
        # tabular: digits of DejaVu are equally wide, so the clock does not jump
        tenths_left = at.clock_left - text_width(tenths, at.small)
        clock_left = tenths_left - text_width(seconds, at.small) if at.has_clock else at.right
        for place, (row, top) in enumerate(zip(self.rows, at.line_tops, strict=True)):
            label, after = int(row.shown[number]), self._after(row, number, now_s)
            if self._begin(top, top + at.line, (label, *after, "" if place else (seconds, tenths))):
                if place == 0 and at.has_clock:
                    self.shown.put(seconds, clock_left, top, at.line, at.small, FAINT_INK)
                    self.shown.put(tenths, tenths_left, top, at.line, at.small, FAINT_INK)
                self._draw_label(label, after, top, (at.right if place else clock_left) - at.pad)

    def _after(self, row: PanelRow, number: int, now_s: float) -> list[tuple[str, str, RGB]]:
        """How sure, how long and whether wrong: texts after a label, the widest of their kind, and their colours."""
        after: list[tuple[str, str, RGB]] = []
        confidence = row.confidence(number)
        if not math.isnan(confidence):
            after.append((f"{100 * confidence:.0f} %", "100 %", INK))
        left = f"{_short(max(0.0, float(row.until_s[number]) - now_s))} left"
        after.append((left, left, FAINT_INK))
        if row.differs is not None and row.differs[number]:
            among = "≠ truth" if self.content.has_truth else "≠"
            after.append((among, among, MARK))
        return after

    def _name(self, label: int) -> str:
        if label == NO_LABEL:
            return "no label"
        return "not annotated" if label == NOT_ANNOTATED else self.content.classes.names[label]

    def _draw_label(self, label: int, after: list[tuple[str, str, RGB]], top: int, until: int) -> None:
        """A label in its colour, and what follows it as far as there is room."""
        at = self.layout
        x = at.left + at.title_width + at.pad
        name = self._name(label)
        widths = [text_width(widest, at.small) + at.pad for _, widest, _ in after]
        # the name first: what follows is left out from the end while less than half of it would remain
        needed = text_width(name, at.size) + at.pad
        while after and until - x - sum(widths) < min(needed, 4 * at.size):
            drop = 1 if len(after) > 1 and after[1][0].endswith("left") else -1
            after.pop(drop)
            widths.pop(drop)
        name = shortened(name, at.size, max(0, until - x - sum(widths) - at.pad))
        right = x + text_width(name, at.size) + at.pad
        self.shown.fill(x, top, right, top + at.line, self.colors[label])
        self.shown.put(name, x + at.pad // 2, top, at.line, at.size, text_color(self.colors[label]))
        for (text, _, ink), width in zip(after, widths, strict=True):
            self.shown.put(text, right + at.pad, top, at.line, at.small, ink)
            right += width

    def _draw_best(self, best: Sequence[tuple[int, float]], top: int) -> None:
        """The most probable classes side by side: name, share, and below them a bar as long as the share."""
        at, canvas, width = self.layout, self.shown, self.layout.best_width
        lengths = tuple((label, round(100 * share), round(share * width)) for label, share in best)
        if not self._begin(top, top + at.small_line + at.mini, lengths):
            return
        share_width = text_width("100 %", at.small)
        for place, (label, share, length) in enumerate(lengths):
            left = at.left + place * (width + 2 * at.pad)
            name = shortened(self._name(label), at.small, width - share_width - at.pad)
            canvas.put(name, left, top, at.small_line, at.small, INK)
            percent = f"{share} %"
            percent_left = left + width - text_width(percent, at.small)
            canvas.put(percent, percent_left, top, at.small_line, at.small, FAINT_INK)
            bar_top = top + at.small_line
            canvas.fill(left, bar_top, left + width, bar_top + at.mini, EMPTY)
            canvas.fill(left, bar_top, left + length, bar_top + at.mini, self.colors[label])

    def _columns(self, start_s: float, stop_s: float) -> _Columns:
        times_s, width = self.content.times_s, self.layout.right - self.layout.left
        edges_s = start_s + np.arange(width + 1) / width * (stop_s - start_s)
        middle_s = (edges_s[:-1] + edges_s[1:]) / 2
        on_display = np.searchsorted(times_s, edges_s, side="right") - 1
        stop = np.clip(np.searchsorted(times_s, edges_s[1:], side="left"), 1, None)
        return _Columns(
            np.searchsorted(times_s, middle_s, side="right") - 1,
            np.clip(on_display[:-1], 0, stop - 1),
            stop,
            (middle_s < 0) | (middle_s >= self.content.duration_s),
        )

    def _draw_bar(self, canvas: Canvas, place: int, top: int, height: int, columns: _Columns) -> npt.NDArray[np.int64]:
        """A timeline, and below it where it differs; returns the label of each column."""
        at = self.layout
        labels = np.where(columns.outside, NO_LABEL, self.rows[place].shown[columns.frames])
        canvas.stripe(at.left, top, top + height, self.table[labels])
        canvas.hatch(at.left, top, top + height, labels == NOT_ANNOTATED, HATCH)
        before = self.differing[place]
        if before is not None and height == at.bar:
            # any frame of a column: what is shorter than a pixel counts
            wrong = (before[columns.stop] > before[columns.first]) & ~columns.outside
            marks = self.backdrop[wrong.astype(np.int64)]
            # from an even row: colours are stored for two rows together
            mark_top = (top + height + 2) // 2 * 2
            canvas.stripe(at.left, mark_top, mark_top + at.mark, marks)
        return labels

    def _move_cursor(self, x: int) -> None:
        at = self.layout
        for top in at.bar_tops:
            low, high = top - at.reach, top + at.bar + at.reach
            if self._begin(low, high, x):
                self._draw_cursor(x, low, high)

    def _draw_window(self, now_s: float, window_s: float) -> None:
        at, (first_s, last_s) = self.layout, self.content.part_s
        start_s, stop_s = now_s - window_s / 2, now_s + window_s / 2
        columns = self._columns(start_s, stop_s)
        bottom = 0
        for place, top in enumerate(at.bar_tops):
            low, high = top - at.reach, top + at.bar + at.reach
            bottom = even_up(max(high, top + at.bar + 2 + at.mark))
            self._begin(low, bottom, now_s)
            labels = self._draw_bar(self.shown, place, top, at.bar, columns)
            self._name_segments(labels, top)
            self._draw_cursor((at.left + at.right) // 2, low, high)
        # a bracket around what the window shows of all
        low, high = at.mini_tops[0] - 3, at.mini_tops[-1] + at.mini + 3
        self._begin(bottom, high, now_s)
        self._draw_ticks(start_s, stop_s, bottom)
        left, right = (at.x(min(max(time_s, first_s), last_s)) for time_s in (start_s, stop_s))
        for y in (low, high - 1):
            self.shown.fill(left, y, right + 1, y + 1, INK)
        for x in (left, right):
            self.shown.fill(x, low, x + 1, high, INK)
        self._draw_cursor(at.x(now_s), low, high)

    def _name_segments(self, labels: npt.NDArray[np.int64], top: int) -> None:
        """Write names into the segments that have room for them."""
        at = self.layout
        for start, stop, label in zip(*find_runs(labels), strict=True):
            room = int(stop - start) - at.pad
            if label < 0 or room < 2 * at.small:
                continue
            name = shortened(self._name(label), at.small, room)
            ink = text_color(self.colors[label])
            self.shown.put(name, int(at.left + start + at.pad // 2), top, at.bar, at.small, ink, room)

    def _draw_ticks(self, start_s: float, stop_s: float, low: int) -> None:
        at = self.layout
        pixels = (at.right - at.left) / (stop_s - start_s)
        step_s = next((step for step in _STEPS_S if step * pixels >= 5 * at.small), _STEPS_S[-1])
        first = max(0, math.ceil(start_s / step_s))
        last = math.floor(min(stop_s, self.content.duration_s) / step_s + 1e-9)
        for tick in range(first, last + 1):
            x = at.left + round((tick * step_s - start_s) * pixels)
            text = clock(tick * step_s)
            text = text if step_s < 1 else text[:-2]
            left = x - text_width(text, at.small) // 2
            top = max(low, at.ticks_top - at.pad // 4)
            self.shown.fill(x, top, x + 1, at.ticks_top + at.pad // 4, FAINT_INK)
            if left >= 0 and left + text_width(text, at.small) <= at.width:
                self.shown.put(text, left, at.ticks_top + at.pad // 4, at.small_line, at.small, FAINT_INK)

    def _draw_cursor(self, x: int, low: int, high: int) -> None:
        thick = max(1, self.layout.size // 9)
        self.shown.fill(x - 2 * thick, low, x + 2 * thick + 1, high, PAPER)
        self.shown.fill(x - thick, low, x + thick + 1, high, INK)


def _short(seconds: float) -> str:
    """A duration as people say it: 2.3 s, 75 s, 12 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
