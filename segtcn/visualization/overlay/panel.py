"""What stands under the picture: the current labels, timelines with a cursor, scores, a legend."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.video_io import ColorTags, Planes
from segtcn.visualization.overlay.canvas import Canvas
from segtcn.visualization.overlay.lanes import Lane
from segtcn.visualization.overlay.text import shortened, text_width
from segtcn.visualization.palette import RGB, text_color
from segtcn.visualization.tracks import NO_LABEL, Classes

PAPER: RGB = (22, 24, 29)
INK: RGB = (236, 238, 242)
FAINT_INK: RGB = (160, 165, 175)
EMPTY: RGB = (52, 56, 64)
MARK: RGB = (255, 96, 96)
"""Where labels differ; it stands in lines of its own, so that it cannot be taken for a class."""

_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_LARGEST_SHARE = 0.65  # of the picture's height that the legend may make the panel


class PanelContent(NamedTuple):
    """What a panel shows.

    Args:
        lanes: the tracks, from the top.
        classes: of all tracks.
        times_s: of every frame of the clip, from the first, ``(num_frames,)``.
        start_s: beginning of the part that the timelines show.
        stop_s: its end.
        duration_s: of the whole clip.
        window_s: how much the timelines show around the cursor, with all of it in small below; None shows all.
        top: how many of the most probable classes to show, where there are scores.
        notes: texts of tracks by their titles, such as their scores.
    """

    lanes: Sequence[Lane]
    classes: Classes
    times_s: npt.NDArray[np.float64]
    start_s: float
    stop_s: float
    duration_s: float
    window_s: float | None
    top: int
    notes: Mapping[str, str]


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


class _Label(NamedTuple):
    """What stands beside the title of a track at some moment.

    Args:
        label: class index, or :data:`NO_LABEL`.
        after: texts that follow its name, with the widest text of their kind and their colour.
    """

    label: int
    after: list[tuple[str, str, RGB]]


class Panel:
    """The strip under the picture. What does not move is drawn once, the rest only when it changes.

    Args:
        content: what it shows.
        width: of the picture in pixels.
        picture_height: its height, which decides about the size of the text.
        tags: what the numbers of the picture mean.
    """

    def __init__(self, content: PanelContent, width: int, picture_height: int, tags: ColorTags) -> None:
        self.content = content
        self.width = width
        # legible on a small picture, not bulky on a large one
        self.size = max(11, round(min(width / 36, picture_height / 27)))
        self.small = max(10, round(0.8 * self.size))
        self.pad = min(max(4, self.size // 2), width // 8)
        self.line = round(1.5 * self.size)
        self.small_line = round(1.4 * self.small)
        self.bar = max(8, _even((0.95 if content.window_s is None else 1.35) * self.size))
        self.mini = max(4, round(0.35 * self.size))
        self.mark = _even(self.bar / 5)
        self.reach = _even(self.bar / 6)  # of the cursor, above and below a bar
        self.left, self.right = self.pad, width - self.pad
        self.columns = min(content.top, max(1, (self.right - self.left) // (7 * self.size)))
        self.best_width = (self.right - self.left - 2 * self.pad * (self.columns - 1)) // max(1, self.columns)
        self.height = self._lay_out()
        # of narrow pictures the label is worth more than the clock
        room = self.right - self.left - self.title_width - 2 * self.pad - 4 * self.size
        widest = _clock(content.duration_s)
        self.has_clock = text_width(widest, self.small) <= room
        self.clock = f" / {widest}" if text_width(f"{widest} / {widest}", self.small) <= room else ""
        self.clock_left = self.right - (text_width(self.clock, self.small) if self.clock else 0)
        self.legend, rows = self._legend(picture_height)
        notes_top = self.height + (self.pad // 2 if content.notes else 0)
        self.height = notes_top + len(content.notes) * self.small_line
        legend_top = self.height
        self.height = _even_up(legend_top + rows * self.small_line + self.pad // 2)  # 4:2:0

        self.still = Canvas(self.height, width, tags, PAPER)
        self.colors = content.classes.colors
        self.table = self.still.table([*self.colors, EMPTY])  # -1, NO_LABEL, finds the last
        self.backdrop = self.still.table([PAPER, MARK])
        # how many frames differ before each frame
        self.differing = [
            None if lane.differs is None else np.append(0, np.cumsum(lane.differs)) for lane in content.lanes
        ]
        self._draw_still(notes_top, legend_top)

        self.shown = self.still.copy()
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
        # whole seconds and tenths apart: the same few pictures again and again
        clock = _clock(now_s)[:-2], _clock(now_s)[-2:]
        # tabular: digits of DejaVu are equally wide, so the clock does not jump
        tenths_left = self.clock_left - text_width(clock[1], self.small)
        clock_left = tenths_left - text_width(clock[0], self.small) if self.has_clock else self.right
        for place, lane in enumerate(self.content.lanes):
            label, top = self._label(lane, number, now_s), self.line_tops[place]
            if self._begin(top, top + self.line, (label.label, *label.after, "" if place else clock)):
                if place == 0 and self.has_clock:
                    self.shown.put(clock[0], clock_left, top, self.line, self.small, FAINT_INK)
                    self.shown.put(clock[1], tenths_left, top, self.line, self.small, FAINT_INK)
                self._draw_label(label, top, (self.right if place else clock_left) - self.pad)
            best_top = self.best_tops[place]
            if best_top is not None:
                best = lane.best(number, self.columns)
                lengths = [(label, round(100 * share), round(share * self.best_width)) for label, share in best]
                if self._begin(best_top, best_top + self.small_line + self.mini, tuple(lengths)):
                    self._draw_best(lengths, best_top)
        if self.content.window_s is None:
            self._move_cursor(self._x(now_s))
        else:
            self._draw_window(now_s, self.content.window_s)
        for band in self._changed:
            self.planes = self.shown.planes(*band)
        return self.planes

    def _begin(self, top: int, bottom: int, state: Hashable) -> bool:
        """Whether a band of rows, from an even one, has to be drawn to show a state; if so, it is cleared."""
        band = top, _even_up(bottom)
        if self._states.get(band) == state:
            return False
        self._states[band] = state
        self._changed.append(band)
        self.shown.restore(self.still, *band)
        return True

    def _lay_out(self) -> int:
        """Place all lines of the tracks, each from an even row; returns where they end."""
        self.line_tops: list[int] = []
        self.best_tops: list[int | None] = []
        self.bar_tops: list[int] = []
        top = _even_up(self.pad)
        for lane in self.content.lanes:
            self.line_tops.append(top)
            top = _even_up(top + self.line) + max(self.reach, _even(self.pad / 3))
            self.best_tops.append(top if lane.scores is not None and self.columns else None)
            if self.best_tops[-1] is not None:
                top = _even_up(top + self.small_line + self.mini) + max(self.reach, 4, _even(self.pad / 2 + 2))
            self.bar_tops.append(top)
            top = _even_up(top + self.bar + max(self.reach, (0 if lane.differs is None else 2 + self.mark) + self.pad))
        self.ticks_top = top - self.pad // 2
        self.mini_tops: list[int] = []
        if self.content.window_s is not None:
            top = self.ticks_top + self.small_line + self.pad // 2
            for _ in self.content.lanes:
                self.mini_tops.append(top)
                top += self.mini + 1
            top += self.pad
        self.title_width = max(text_width(self._title(lane), self.small) for lane in self.content.lanes)
        return top

    def _title(self, lane: Lane) -> str:
        return shortened(lane.title, self.small, (self.right - self.left) // 3)

    def _draw_still(self, notes_top: int, legend_top: int) -> None:
        content, still = self.content, self.still
        still.put(self.clock, self.clock_left, self.line_tops[0], self.line, self.small, FAINT_INK)
        columns = self._columns(content.start_s, content.stop_s)
        for place, lane in enumerate(content.lanes):
            still.put(self._title(lane), self.left, self.line_tops[place], self.line, self.small, FAINT_INK)
            if content.window_s is None:
                self._draw_bar(still, place, self.bar_tops[place], self.bar, columns)
            else:
                self._draw_bar(still, place, self.mini_tops[place], self.mini, columns)
        for place, (title, note) in enumerate(content.notes.items()):
            top = notes_top + place * self.small_line
            title = shortened(title, self.small, (self.right - self.left) // 3)  # noqa: PLW2901
            still.put(title, self.left, top, self.small_line, self.small, FAINT_INK)
            x = self.left + max(self.title_width, text_width(title, self.small)) + self.pad
            still.put(shortened(note, self.small, self.right - x), x, top, self.small_line, self.small, INK)
        side = round(0.8 * self.small)
        for text, color, x, line in self.legend:
            top = legend_top + line * self.small_line
            if color is None:
                still.put(text, x, top, self.small_line, self.small, FAINT_INK)
                continue
            height = self.mark if color == MARK else side
            chip_top = top + (self.small_line - height) // 2
            still.fill(x, chip_top, x + side, chip_top + height, color)
            still.put(text, x + side + self.pad // 2, top, self.small_line, self.small, INK)

    def _label(self, lane: Lane, number: int, now_s: float) -> _Label:
        """The label of a moment; after it how sure, how long, and whether wrong."""
        after: list[tuple[str, str, RGB]] = []
        if lane.confidence is not None and not math.isnan(lane.confidence[number]):
            after.append((f"{100 * lane.confidence[number]:.0f} %", "100 %", INK))
        left_s = max(0.0, float(lane.until_s[number]) - now_s)
        after.append((f"{_short(left_s)} left", f"{_short(left_s)} left", FAINT_INK))
        if lane.differs is not None and lane.differs[number]:
            among = "≠ truth" if any(other.is_truth for other in self.content.lanes) else "≠"
            after.append((among, among, MARK))
        return _Label(int(lane.labels[number]), after)

    def _draw_label(self, shown: _Label, top: int, until: int) -> None:
        """A label in its colour, and what follows it as far as there is room."""
        x = self.left + self.title_width + self.pad
        name = "no label" if shown.label == NO_LABEL else self.content.classes.names[shown.label]
        color = EMPTY if shown.label == NO_LABEL else self.colors[shown.label]
        after = shown.after
        widths = [text_width(widest, self.small) + self.pad for _, widest, _ in after]
        # the name first: what follows is left out from the end while less than half of it would remain
        wanted = text_width(name, self.size) + self.pad
        while after and until - x - sum(widths) < min(wanted, 4 * self.size):
            drop = 1 if len(after) > 1 and after[1][0].endswith("left") else -1
            after.pop(drop)
            widths.pop(drop)
        name = shortened(name, self.size, max(0, until - x - sum(widths) - self.pad))
        right = x + text_width(name, self.size) + self.pad
        self.shown.fill(x, top, right, top + self.line, color)
        self.shown.put(name, x + self.pad // 2, top, self.line, self.size, text_color(color))
        for (text, _, ink), width in zip(after, widths, strict=True):
            self.shown.put(text, right + self.pad, top, self.line, self.small, ink)
            right += width

    def _draw_best(self, best: Sequence[tuple[int, int, int]], top: int) -> None:
        """The most probable classes (class, percent, width of its bar) side by side: name, share, and a bar below."""
        canvas, width = self.shown, self.best_width
        share_width = text_width("100 %", self.small)
        for place, (label, share, length) in enumerate(best):
            left = self.left + place * (width + 2 * self.pad)
            name = shortened(self.content.classes.names[label], self.small, width - share_width - self.pad)
            canvas.put(name, left, top, self.small_line, self.small, INK)
            percent = f"{share} %"
            percent_left = left + width - text_width(percent, self.small)
            canvas.put(percent, percent_left, top, self.small_line, self.small, FAINT_INK)
            bar_top = top + self.small_line
            canvas.fill(left, bar_top, left + width, bar_top + self.mini, EMPTY)
            canvas.fill(left, bar_top, left + length, bar_top + self.mini, self.colors[label])

    def _columns(self, start_s: float, stop_s: float) -> _Columns:
        times_s, width = self.content.times_s, self.right - self.left
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
        labels = np.where(columns.outside, NO_LABEL, self.content.lanes[place].labels[columns.frames])
        canvas.stripe(self.left, top, top + height, self.table[labels])
        before = self.differing[place]
        if before is not None and height == self.bar:
            # any frame of a column: what is shorter than a pixel counts
            wrong = (before[columns.stop] > before[columns.first]) & ~columns.outside
            marks = self.backdrop[wrong.astype(np.int64)]
            # from an even row: colours are stored for two rows together
            mark_top = (top + height + 2) // 2 * 2
            canvas.stripe(self.left, mark_top, mark_top + self.mark, marks)
        return labels

    def _move_cursor(self, x: int) -> None:
        for top in self.bar_tops:
            low, high = top - self.reach, top + self.bar + self.reach
            if self._begin(low, high, x):
                self._draw_cursor(x, low, high)

    def _draw_window(self, now_s: float, window_s: float) -> None:
        start_s, stop_s = now_s - window_s / 2, now_s + window_s / 2
        columns = self._columns(start_s, stop_s)
        bottom = 0
        for place, top in enumerate(self.bar_tops):
            low, high = top - self.reach, top + self.bar + self.reach
            bottom = _even_up(max(high, top + self.bar + 2 + self.mark))
            self._begin(low, bottom, now_s)
            labels = self._draw_bar(self.shown, place, top, self.bar, columns)
            self._name_segments(labels, top)
            self._draw_cursor((self.left + self.right) // 2, low, high)
        # a bracket around what the window shows of all
        low, high = self.mini_tops[0] - 3, self.mini_tops[-1] + self.mini + 3
        self._begin(bottom, high, now_s)
        self._draw_ticks(start_s, stop_s, bottom)
        edges_s = (min(max(at_s, self.content.start_s), self.content.stop_s) for at_s in (start_s, stop_s))
        left, right = (self._x(at_s) for at_s in edges_s)
        for y in (low, high - 1):
            self.shown.fill(left, y, right + 1, y + 1, INK)
        for x in (left, right):
            self.shown.fill(x, low, x + 1, high, INK)
        self._draw_cursor(self._x(now_s), low, high)

    def _name_segments(self, labels: npt.NDArray[np.int64], top: int) -> None:
        """Write names into the segments that have room for them."""
        edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
        for start, stop in pairwise(edges):
            label = int(labels[start])
            room = stop - start - self.pad
            if label == NO_LABEL or room < 2 * self.small:
                continue
            name = shortened(self.content.classes.names[label], self.small, room)
            ink = text_color(self.colors[label])
            self.shown.put(name, self.left + start + self.pad // 2, top, self.bar, self.small, ink, room)

    def _draw_ticks(self, start_s: float, stop_s: float, low: int) -> None:
        pixels = (self.right - self.left) / (stop_s - start_s)
        step_s = next((step for step in _STEPS_S if step * pixels >= 5 * self.small), _STEPS_S[-1])
        first = max(0, math.ceil(start_s / step_s))
        last = math.floor(min(stop_s, self.content.duration_s) / step_s + 1e-9)
        for tick in range(first, last + 1):
            x = self.left + round((tick * step_s - start_s) * pixels)
            text = _tick(tick * step_s, step_s)
            left = x - text_width(text, self.small) // 2
            top = max(low, self.ticks_top - self.pad // 4)
            self.shown.fill(x, top, x + 1, self.ticks_top + self.pad // 4, FAINT_INK)
            if left >= 0 and left + text_width(text, self.small) <= self.width:
                self.shown.put(text, left, self.ticks_top + self.pad // 4, self.small_line, self.small, FAINT_INK)

    def _draw_cursor(self, x: int, low: int, high: int) -> None:
        thick = max(1, self.size // 9)
        self.shown.fill(x - 2 * thick, low, x + 2 * thick + 1, high, PAPER)
        self.shown.fill(x - thick, low, x + thick + 1, high, INK)

    def _x(self, time_s: float) -> int:
        share = (time_s - self.content.start_s) / max(1e-9, self.content.stop_s - self.content.start_s)
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left - 1))

    def _legend(self, picture_height: int) -> tuple[list[tuple[str, RGB | None, int, int]], int]:
        """Place (text, colour, x, line) in lines, as words of a text; what has no room is counted."""
        classes = self.content.classes
        first, last = np.searchsorted(self.content.times_s, [self.content.start_s, self.content.stop_s])
        present: set[int] = set()
        for lane in self.content.lanes:
            present |= set(np.unique(lane.labels[first : max(last, first + 1)]).tolist())
        entries = [(classes.names[label], classes.colors[label]) for label in sorted(present - {NO_LABEL})]
        if any(lane.differs is not None for lane in self.content.lanes):
            has_truth = any(lane.is_truth for lane in self.content.lanes)
            entries.insert(0, ("differs from truth" if has_truth else "predictions differ", MARK))
        room = _LARGEST_SHARE * picture_height - self.height - len(self.content.notes) * self.small_line
        lines = int(room // self.small_line)
        if lines < 1:
            return [], 0
        chip = round(0.8 * self.small) + self.pad // 2
        placed: list[tuple[str, RGB | None, int, int]] = []
        x, line = self.left, 0
        # one name of many words must not take the line of several
        widest = min(self.right - self.left, max((self.right - self.left) // 2 - self.pad, 14 * self.small)) - chip
        for number, (name, color) in enumerate(entries):
            text = shortened(name, self.small, widest)
            width = chip + text_width(text, self.small)
            more = len(entries) - number - 1
            rest = text_width(f"+ {more}", self.small) + 2 * self.pad if more else 0
            if x > self.left and x + width + (rest if line + 1 == lines else 0) > self.right and line + 1 < lines:
                x, line = self.left, line + 1
            if x + width + (rest if line + 1 == lines else 0) > self.right:
                placed.append((f"+ {more + 1}", None, x, line))
                break
            placed.append((text, color, x, line))
            x += width + 2 * self.pad
        return placed, max((line for _, _, _, line in placed), default=-1) + 1


def _even(size: float) -> int:
    return 2 * max(1, round(size / 2))


def _even_up(row: int) -> int:
    return row + row % 2


def _clock(seconds: float) -> str:
    tenths = math.floor(10 * seconds + 0.01)  # 0.3 s is stored as a little less
    minutes, tenths = divmod(tenths, 600)
    hours, rest = divmod(minutes, 60)
    clock = f"{rest:02d}" if hours else f"{rest}"
    return f"{f'{hours}:' if hours else ''}{clock}:{tenths // 10:02d}.{tenths % 10}"


def _tick(seconds: float, step_s: float) -> str:
    clock = _clock(seconds)
    return clock if step_s < 1 else clock[:-2]


def _short(seconds: float) -> str:
    """A duration as people say it: 2.3 s, 75 s, 12 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
