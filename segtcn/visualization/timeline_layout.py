"""What timelines look like and where their parts are placed, in inches: as wide as their text was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE
from segtcn.visualization.figures import FONT_PT, WIDTH_IN, text_in

Scores = Mapping[str, Mapping[str, float]]
"""By title of the track the values by name of the score."""

AxisUnit = Literal["auto", "seconds", "clock", "frames"]
"""What the axis counts; ``clock`` is minutes and seconds."""

NOT_ANNOTATED = "not annotated"
"""What legends call frames that nobody annotated."""

MARGIN_IN = 0.08
GAP_IN = 0.14  # between videos

# Sizes within the legend, in units of the font size. A row is as high as its text, which is rounded to whole pixels,
# with a space of 0.55 below it; 1.75 is what it takes at the fewest pixels.
HANDLE, PAD, SPACING, ROW_SPACING, _ROW = 1.1, 0.5, 1.4, 0.55, 1.75

_CLOCK_FROM_S = 600
_NARROWEST_IN = 1.0  # what labels and scores leave to the bars


@dataclass(frozen=True)
class Look:
    """What timelines look like.

    Args:
        width: of the figure, in inches; its height follows. A page of A4 or letter paper has 7 between its margins.
        bar_height: from one bar to the next, in inches.
        font_size: in points.
        unit: of the axis. ``auto`` is frames where no rate is known; else seconds, or minutes and seconds beyond ten
            minutes.
        legend: whether to explain the colours; only classes that occur are named.
        boundaries: whether thin lines mark where segments of the first track start and stop, through the others.
        disagreement: whether a red strip below each of the other bars marks where it differs from the first track.

    Raises:
        ValueError: if a size is not positive, or there is no such unit.
    """

    width: float = WIDTH_IN
    bar_height: float = 0.34
    font_size: float = FONT_PT
    unit: AxisUnit = "auto"
    legend: bool = True
    boundaries: bool = False
    disagreement: bool = False

    def __post_init__(self) -> None:
        for name in ("width", "bar_height", "font_size"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"`{name}` must be positive, got {value}")
        if self.unit not in get_args(AxisUnit):
            raise ValueError(f"`unit` must be one of {', '.join(get_args(AxisUnit))}, got {self.unit!r}")

    @property
    def row_in(self) -> float:
        """From one bar to the next: a low bar leaves its title the space that it needs."""
        return max(self.bar_height, 1.25 * self.font_size / 72)

    @property
    def heading_in(self) -> float:
        """Height of the name of a video."""
        return 1.9 * (self.font_size + 1) / 72

    @property
    def title_in(self) -> float:
        """Height of a title above all videos."""
        return self.heading_in + 2 / 72

    @property
    def axis_in(self) -> float:
        """Height of the numbers and the name of the axis."""
        return 3.7 * self.font_size / 72

    def video_in(self, name: str, num_tracks: int, headed: bool) -> float:
        """Height of a video with its heading, where it has one, and the gap below it."""
        return self.row_in * num_tracks + self.heading_in * (bool(name) or headed) + GAP_IN

    def legend_grid(self, names: Sequence[str]) -> tuple[float, int, int]:
        """Width of the text in inches, columns and rows of a legend as wide as the figure, rows about equally full."""
        em_in = self.font_size / 72
        around_in = (HANDLE + PAD + SPACING) * em_in
        room_in = self.width - 2 * MARGIN_IN
        # one name of many words must not put all of the others below each other, nor a narrow figure cut common ones
        limit_in = max(room_in / min(len(names), 3) - around_in, min(room_in - around_in, 9 * em_in))
        widest_in = min(max(text_in(name, self.font_size) for name in names), limit_in)
        columns = min(len(names), max(1, int((room_in + SPACING * em_in) / (widest_in + around_in))))
        rows = math.ceil(len(names) / columns)
        return widest_in, math.ceil(len(names) / rows), rows

    def legend_in(self, names: Sequence[str]) -> float:
        """Height of the legend with the space above it."""
        return (_ROW * self.legend_grid(names)[2] + 0.4) * self.font_size / 72 if names else 0.0


@dataclass(frozen=True)
class TimeAxis:
    """The axis that all figures of one call share.

    Args:
        unit: what it counts.
        longest: its end, in seconds or frames.
    """

    unit: Literal["seconds", "clock", "frames"]
    longest: float

    @classmethod
    def of(cls, tracks: Sequence[Labels], unit: AxisUnit) -> TimeAxis:
        """The axis for some tracks.

        Raises:
            ValueError: if it cannot show ``unit``, or tracks of different rates would have to share an axis of frames.
        """
        rates = {labels.fps for labels in tracks}
        timed = None not in rates and unit != "frames"
        if not timed and unit in ("seconds", "clock"):
            raise ValueError(f"the axis cannot show {unit}: every track needs its rate, give `fps`")
        if not timed and len(rates) > 1:
            raise ValueError("tracks of different rates cannot share an axis of frames: every track needs its `fps`")
        longest = max((labels.duration_s if timed else None) or float(len(labels)) for labels in tracks)
        if not timed:
            return cls("frames", longest)
        return cls("clock" if unit == "clock" or (unit == "auto" and longest > _CLOCK_FROM_S) else "seconds", longest)

    def scale(self, labels: Labels) -> float:
        """Frames of a track in one unit of the axis."""
        return 1.0 if self.unit == "frames" else labels.fps or 1.0

    def format(self, value: float, _: object = None) -> str:
        """A number of the axis in words; of seconds only about as wide, as matplotlib chooses the digits."""
        if self.unit == "frames":
            return f"{value:,.0f}"
        if self.unit == "seconds":
            return f"{value:.3g}"
        minutes, second = divmod(round(value), 60)
        hours = self.longest >= 3600
        return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


@dataclass(frozen=True)
class Widths:
    """How a figure is divided from left to right, in inches.

    Args:
        titles_in: text of the titles of tracks.
        left_in: where the bars begin.
        bars_in: length of the bars.
        columns_in: of the scores beside them.
    """

    titles_in: float
    left_in: float
    bars_in: float
    columns_in: list[float]

    @classmethod
    def of(cls, titles: Iterable[str], columns: Sequence[str], axis: TimeAxis, look: Look) -> Widths:
        """Measure titles and scores; the bars have what is left.

        Raises:
            ValueError: if that is too little.
        """
        score_in = text_in("100.0", look.font_size)
        columns_in = [max(text_in(column, look.font_size), score_in) + 0.14 for column in columns]
        # the first and the last number of the axis reach beyond it by half their width
        number_in = text_in(axis.format(axis.longest), look.font_size)
        right_in = MARGIN_IN + max(sum(columns_in), number_in / 2)
        most_in = max(0.35 * look.width, look.width - right_in - 4)
        titles_in = min(max(text_in(title, look.font_size) for title in titles), most_in)
        left_in = MARGIN_IN + max(titles_in + 6 / 72, number_in / 2)
        bars_in = look.width - left_in - right_in
        if bars_in < _NARROWEST_IN:
            raise ValueError(
                f"`width` {look.width:g} leaves {max(bars_in, 0):.1f} inches for the bars beside titles and scores, "
                f"expected at least {_NARROWEST_IN:g}: choose a wider figure, shorter titles or a smaller font"
            )
        return cls(titles_in, left_in, bars_in, columns_in)


def labels_in(videos: Iterable[Mapping[str, Labels]]) -> list[int]:
    """The class indexes that occur, in their order; :data:`~segtcn.structures.IGNORE` last."""
    present = {label for tracks in videos for labels in tracks.values() for label in labels.runs().values.tolist()}
    return sorted(present, key=lambda label: (label == IGNORE, label))


def legend_name(label: int, classes: Classes) -> str:
    """What a legend calls a class index."""
    return NOT_ANNOTATED if label == IGNORE else classes.names[label]
