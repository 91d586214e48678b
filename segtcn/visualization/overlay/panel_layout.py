"""Where everything stands in the panel under the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segtcn.labels import Classes
from segtcn.labels.track_classes import truth_title
from segtcn.visualization.overlay.canvas import shortened, text_width
from segtcn.visualization.overlay.look import OverlayLook
from segtcn.visualization.overlay.panel_rows import NOT_ANNOTATED, PanelRow

_LARGEST_SHARE = 0.65  # of the picture's height that the legend may make the panel


class PanelContent(NamedTuple):
    """What a panel shows.

    Args:
        rows: the tracks by their titles, from the top.
        classes: of all tracks.
        times_s: of every frame of the clip, from the first, ``(num_frames,)``.
        part_s: beginning and end of the part that the timelines show.
        duration_s: of the whole clip.
        look: what is shown.
    """

    rows: Mapping[str, PanelRow]
    classes: Classes
    times_s: npt.NDArray[np.float64]
    part_s: tuple[float, float]
    duration_s: float
    look: OverlayLook

    @property
    def has_truth(self) -> bool:
        """Whether tracks are compared with the truth, not with each other."""
        return any(truth_title(title, self.rows) for title in self.rows)

    @property
    def notes(self) -> dict[str, str]:
        """Texts under the timelines by the titles of tracks: their scores."""
        return {
            title: "  ".join(f"{name} {value:.1f}" for name, value in scores.items())
            for title, scores in (self.look.scores or {}).items()
        }


class Entry(NamedTuple):
    """An entry of the legend.

    Args:
        text: as much of it as there is room for.
        label: class index, :data:`~segtcn.visualization.overlay.panel_rows.NOT_ANNOTATED`, or None for the mark where
            labels differ, or for the number of entries that have no room.
        is_rest: whether it is that number.
        x: its left end.
        line: number of its line.
    """

    text: str
    label: int | None
    is_rest: bool
    x: int
    line: int


class PanelLayout:
    """Sizes and places in pixels; lines begin at even rows, as video stores colours for two rows together.

    Args:
        content: what the panel shows.
        width: of the picture.
        picture_height: its height, which decides about the size of the text.
    """

    def __init__(self, content: PanelContent, width: int, picture_height: int) -> None:
        self.content = content
        self.width = width
        window_s = content.look.window_s
        # legible on a small picture, not bulky on a large one
        self.size = max(11, round(min(width / 36, picture_height / 27)))
        self.small = max(10, round(0.8 * self.size))
        self.pad = min(max(4, self.size // 2), width // 8)
        self.line = round(1.5 * self.size)
        self.small_line = round(1.4 * self.small)
        self.bar = max(8, _even((0.95 if window_s is None else 1.35) * self.size))
        self.mini = max(4, round(0.35 * self.size))
        self.mark = _even(self.bar / 5)
        self.reach = _even(self.bar / 6)  # of the cursor, above and below a bar
        self.left, self.right = self.pad, width - self.pad
        self.columns = min(content.look.top, max(1, (self.right - self.left) // (7 * self.size)))
        self.best_width = (self.right - self.left - 2 * self.pad * (self.columns - 1)) // max(1, self.columns)
        self.titles = {title: self._title(title) for title in (*content.rows, *content.notes)}
        self.title_width = max(text_width(self.titles[title], self.small) for title in content.rows)
        self._place_clock()
        bottom = self._place_rows()
        num_notes = len(content.notes)
        legend_in = _LARGEST_SHARE * picture_height - bottom - num_notes * self.small_line
        self.legend = self._place_legend(int(legend_in // self.small_line))
        self.notes_top = bottom + (self.pad // 2 if num_notes else 0)
        self.legend_top = self.notes_top + num_notes * self.small_line
        num_lines = self.legend[-1].line + 1 if self.legend else 0
        self.height = even_up(self.legend_top + num_lines * self.small_line + self.pad // 2)

    def x(self, time_s: float) -> int:
        """Column of a moment in a timeline of the whole part."""
        start_s, stop_s = self.content.part_s
        share = (time_s - start_s) / max(1e-9, stop_s - start_s)
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left - 1))

    def _title(self, title: str) -> str:
        return shortened(title, self.small, (self.right - self.left) // 3)

    def _place_clock(self) -> None:
        # of narrow pictures the label is worth more than the clock
        room = self.right - self.left - self.title_width - 2 * self.pad - 4 * self.size
        widest = clock(self.content.duration_s)
        self.has_clock = text_width(widest, self.small) <= room
        self.clock = f" / {widest}" if text_width(f"{widest} / {widest}", self.small) <= room else ""
        self.clock_left = self.right - (text_width(self.clock, self.small) if self.clock else 0)

    def _place_rows(self) -> int:
        """Place all lines of the tracks; returns where they end."""
        self.line_tops: list[int] = []
        self.best_tops: list[int | None] = []
        self.bar_tops: list[int] = []
        top = even_up(self.pad)
        for row in self.content.rows.values():
            self.line_tops.append(top)
            top = even_up(top + self.line) + max(self.reach, _even(self.pad / 3))
            self.best_tops.append(top if row.labels.scores is not None and self.columns else None)
            if self.best_tops[-1] is not None:
                top = even_up(top + self.small_line + self.mini) + max(self.reach, 4, _even(self.pad / 2 + 2))
            self.bar_tops.append(top)
            top = even_up(top + self.bar + max(self.reach, (0 if row.differs is None else 2 + self.mark) + self.pad))
        self.ticks_top = top - self.pad // 2
        self.mini_tops: list[int] = []
        if self.content.look.window_s is not None:
            top = self.ticks_top + self.small_line + self.pad // 2
            for _ in self.content.rows:
                self.mini_tops.append(top)
                top += self.mini + 1
            top += self.pad
        return top

    def _place_legend(self, num_lines: int) -> list[Entry]:
        """Place entries in lines, as words of a text; what has no room is counted."""
        entries = self._legend_entries() if num_lines >= 1 else []
        chip = round(0.8 * self.small) + self.pad // 2
        placed: list[Entry] = []
        x, line = self.left, 0
        # one name of many words must not take the line of several
        widest = min(self.right - self.left, max((self.right - self.left) // 2 - self.pad, 14 * self.small)) - chip
        for number, (name, label) in enumerate(entries):
            text = shortened(name, self.small, widest)
            width = chip + text_width(text, self.small)
            more = len(entries) - number - 1
            rest = text_width(f"+ {more}", self.small) + 2 * self.pad if more else 0
            is_last_line = line + 1 == num_lines
            if x > self.left and x + width > self.right and not is_last_line:
                x, line = self.left, line + 1
                is_last_line = line + 1 == num_lines
            if x + width + rest * is_last_line > self.right:
                return [*placed, Entry(f"+ {more + 1}", None, True, x, line)]
            placed.append(Entry(text, label, False, x, line))
            x += width + 2 * self.pad
        return placed

    def _legend_entries(self) -> list[tuple[str, int | None]]:
        """Names and class indexes of the part that is shown."""
        content = self.content
        first, last = np.searchsorted(content.times_s, content.part_s)
        present: set[int] = set()
        for row in content.rows.values():
            present |= set(np.unique(row.shown[first : max(last, first + 1)]).tolist())
        entries: list[tuple[str, int | None]] = []
        if any(row.differs is not None for row in content.rows.values()):
            entries.append(("differs from truth" if content.has_truth else "predictions differ", None))
        entries += [(content.classes.names[label], label) for label in sorted(label for label in present if label >= 0)]
        return [*entries, *([("not annotated", NOT_ANNOTATED)] if NOT_ANNOTATED in present else [])]


def even_up(row: int) -> int:
    """The row, or the next one, so that it is even."""
    return row + row % 2


def clock(seconds: float) -> str:
    """A time in hours, minutes and seconds with tenths: 0:07.3, 1:02:03.0."""
    tenths = math.floor(10 * seconds + 0.01)  # 0.3 s is stored as a little less
    minutes, tenths = divmod(tenths, 600)
    hours, rest = divmod(minutes, 60)
    minute = f"{rest:02d}" if hours else f"{rest}"
    return f"{f'{hours}:' if hours else ''}{minute}:{tenths // 10:02d}.{tenths % 10}"


def _even(size: float) -> int:
    return 2 * max(1, round(size / 2))
