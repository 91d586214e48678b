"""Segmentation timelines: one bar for every track, truth above predictions, one colour for every class."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from segtcn.structures import IGNORE
from segtcn.visualization.bars import Bar, Labels, Rates, disagreements, labels_in, make_bar, rate_of
from segtcn.visualization.figures import FONT_PT, INK, PALE_INK, WIDTH_IN, elided, text_in, text_style
from segtcn.visualization.palette import class_color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Scores = Mapping[str, Mapping[str, float]]
"""By name of the track the values by name of the score."""

Unit = Literal["auto", "seconds", "clock", "frames"]
"""What the axis counts; ``clock`` is minutes and seconds."""

BAR_IN = 0.34
PAGE_IN = 9.7
"""Height of a page: with margins, letter paper and A4 have it."""

_FILLED = 0.8  # of the height of a bar; the rest is space
_STRIP = 0.14  # of the height of a bar: where a prediction is wrong
_WRONG = "#B2182B"
_CLOCK_FROM_S = 600
_CLOCK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_MARGIN_IN = 0.08
_GAP_IN = 0.14  # between videos
_DENSEST = 40  # boundaries to the inch
_NARROWEST_IN = 1.0  # what labels and scores leave to the bars


# Sizes within the legend, in units of the font size. A row is as high as its text, which is rounded to whole pixels,
# with a space of 0.55 below it; 1.75 is what it takes at the fewest pixels.
_HANDLE, _PAD, _SPACING, _ROW_SPACING, _ROW = 1.1, 0.5, 1.4, 0.55, 1.75


class _Look(NamedTuple):
    """What the figures of one call have in common."""

    class_names: Sequence[str]
    background: int | None
    unit: Literal["seconds", "clock", "frames"]
    longest: float
    width: float
    bar_height: float
    font_size: float
    boundaries: bool
    disagreement: bool
    legend: bool

    @property
    def row_in(self) -> float:
        """From one bar to the next: a low bar leaves its name the space that it needs."""
        return max(self.bar_height, 1.25 * self.font_size / 72)

    @property
    def heading_in(self) -> float:
        return 1.9 * (self.font_size + 1) / 72

    @property
    def axis_in(self) -> float:
        return 3.7 * self.font_size / 72

    def video_in(self, name: str, tracks: Mapping[str, object], headed: bool = False) -> float:
        """Height of a video with its heading, where it has one."""
        return self.row_in * len(tracks) + self.heading_in * (bool(name) or headed) + _GAP_IN


def plot_timeline(
    tracks: Mapping[str, Labels],
    class_names: Sequence[str],
    fps: Rates = None,
    background: int | None = None,
    title: str | None = None,
    legend: bool = True,
    *,
    scores: Scores | None = None,
    boundaries: bool = False,
    disagreement: bool = False,
    unit: Unit = "auto",
    width: float = WIDTH_IN,
    bar_height: float = BAR_IN,
    font_size: float = FONT_PT,
) -> Figure:
    """Draw the segments of one video, one bar for every track, the first on top.

    Args:
        tracks: name of each bar, say ``"truth"`` and ``"ED-TCN"``, and the class index of every frame, ``(T,)``. Tracks
            may differ in length. Frames with the label ``IGNORE`` stay white.
        class_names: name of every class.
        fps: frames per second of the labels: the axis shows time; None shows frames. Tracks of different rates meet in
            time: give the rate of each by its name.
        background: index of the background class, drawn in light grey, or None.
        title: usually the name of the video.
        legend: whether to explain the colours; only classes that occur are named.
        scores: numbers beside the bars, in columns with the names of the scores above them.
        boundaries: whether thin lines mark where segments of the first track start and stop, through the others.
        disagreement: whether a red strip below each of the other bars marks where it differs from the first track.
        unit: of the axis. ``auto`` is frames without ``fps``; else seconds, or minutes and seconds beyond ten minutes.
        width: of the figure, in inches; its height follows. A page of A4 or letter paper has 7 between its margins.
        bar_height: from one bar to the next, in inches.
        font_size: in points.

    Returns:
        A figure of its own, not known to ``pyplot``: nothing has to be closed, and drawing in a thread is safe.
        :func:`segtcn.visualization.save_figure` writes it.

    Raises:
        ValueError: if there is no track, no frame, a label without a name, a rate or size that is not positive, scores
            of a track that is not there, or no room for the bars beside their names.

    Example:
        >>> figure = plot_timeline({"truth": [0, 0, 1, 1], "ED-TCN": [0, 1, 1, 1]}, ["take", "pour"], fps=1)
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['truth', 'ED-TCN']
    """
    return plot_timelines(
        {title or "": tracks},
        class_names,
        fps,
        background,
        legend=legend,
        scores=None if scores is None else {title or "": scores},
        boundaries=boundaries,
        disagreement=disagreement,
        unit=unit,
        width=width,
        bar_height=bar_height,
        font_size=font_size,
    )


def plot_timelines(
    videos: Mapping[str, Mapping[str, Labels]],
    class_names: Sequence[str],
    fps: Rates | Mapping[str, Mapping[str, float]] = None,
    background: int | None = None,
    title: str | None = None,
    legend: bool = True,
    *,
    scores: Mapping[str, Scores] | None = None,
    boundaries: bool = False,
    disagreement: bool = False,
    unit: Unit = "auto",
    width: float = WIDTH_IN,
    bar_height: float = BAR_IN,
    font_size: float = FONT_PT,
) -> Figure:
    """Draw several videos below each other on one time scale, with one legend; see :func:`plot_timeline`.

    Args:
        videos: name of each video and its tracks.
        class_names: name of every class.
        fps: frames per second of the labels, of all tracks, of each by its name, or of each by the name of its video
            and its own; None shows frames.
        background: index of the background class, drawn in light grey, or None.
        title: stands above all of them.
        legend: whether to explain the colours; only classes that occur are named.
        scores: for each video numbers beside the bars, as for one.
        boundaries: as for one.
        disagreement: as for one.
        unit: as for one.
        width: of the figure, in inches; its height follows.
        bar_height: from one bar to the next, in inches.
        font_size: in points.

    Returns:
        A figure of its own, not known to ``pyplot``.

    Raises:
        ValueError: if there is no video, and as :func:`plot_timeline`.
    """
    bars, look = _prepare(
        videos, class_names, fps, background, unit, width, bar_height, font_size, boundaries, disagreement, legend
    )
    return _plot(bars, look, _checked_scores(scores, videos), title)


def plot_timeline_pages(
    videos: Mapping[str, Mapping[str, Labels]],
    class_names: Sequence[str],
    fps: Rates | Mapping[str, Mapping[str, float]] = None,
    background: int | None = None,
    title: str | None = None,
    legend: bool = True,
    *,
    scores: Mapping[str, Scores] | None = None,
    boundaries: bool = False,
    disagreement: bool = False,
    unit: Unit = "auto",
    width: float = WIDTH_IN,
    bar_height: float = BAR_IN,
    font_size: float = FONT_PT,
    page_height: float = PAGE_IN,
) -> list[Figure]:
    """Draw many videos on pages, all on one time scale; see :func:`plot_timelines`.

    Args:
        videos: as there.
        class_names: as there.
        fps: as there.
        background: as there.
        title: stands above the first page.
        legend: as there; every page has its own.
        scores: as there.
        boundaries: as there.
        disagreement: as there.
        unit: as there.
        width: as there.
        bar_height: as there.
        font_size: as there.
        page_height: a page holds the videos that fit in so many inches, one at least.

    Returns:
        The pages.

    Raises:
        ValueError: as there, and if ``page_height`` is not positive.
    """
    bars, look = _prepare(
        videos, class_names, fps, background, unit, width, bar_height, font_size, boundaries, disagreement, legend
    )
    if not page_height > 0:
        raise ValueError(f"`page_height` must be positive, got {page_height}")
    checked = _checked_scores(scores, videos)
    entries = [class_names[label] for label in labels_in(bars.values())] if legend else []
    # of a page that has all classes: at most what any page needs
    fixed = look.axis_in + 2 * _MARGIN_IN + _legend_in(entries, look)
    pages: list[list[str]] = []
    room = 0.0
    for name, tracks in bars.items():
        first = not pages
        needed = look.video_in(name, tracks, headed=bool(checked))
        if first or needed > room:
            pages.append([])
            room = page_height - fixed - (look.heading_in + 2 / 72) * bool(title and first)
        pages[-1].append(name)
        room -= needed
    return [
        _plot({name: bars[name] for name in page}, look, checked, title if number == 0 else None)
        for number, page in enumerate(pages)
    ]


def _prepare(
    videos: Mapping[str, Mapping[str, Labels]],
    class_names: Sequence[str],
    fps: Rates | Mapping[str, Mapping[str, float]],
    background: int | None,
    unit: Unit,
    width: float,
    bar_height: float,
    font_size: float,
    boundaries: bool,
    disagreement: bool,
    legend: bool,
) -> tuple[dict[str, dict[str, Bar]], _Look]:
    """Check everything and find the segments."""
    if not videos:
        raise ValueError("expected at least one video to draw, got none")
    for name, value in (("width", width), ("bar_height", bar_height), ("font_size", font_size)):
        if not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be positive, got {value}")
    if unit not in get_args(Unit):
        raise ValueError(f"`unit` must be one of {', '.join(get_args(Unit))}, got {unit!r}")
    rates = {video: {track: rate_of(fps, video, track) for track in tracks} for video, tracks in videos.items()}
    known = {rate is not None for own in rates.values() for rate in own.values()}
    timed = known == {True} and unit != "frames"
    if not timed and unit in ("seconds", "clock"):
        raise ValueError(f"the axis cannot show {unit}: `fps` must tell the rate of every track")
    if not timed and len({rate for own in rates.values() for rate in own.values()}) > 1:
        raise ValueError("tracks of different rates cannot share an axis of frames: give the rate of each, see `fps`")
    bars = {
        video: {
            name: make_bar(labels, class_names, rates[video][name] if timed else None, name, video)
            for name, labels in tracks.items()
        }
        for video, tracks in videos.items()
    }
    for video, tracks in bars.items():
        if not tracks:
            raise ValueError(f"expected at least one track{f' of {video}' if video else ''} to draw, got none")
    longest = max(float(bar.stops[-1]) for tracks in bars.values() for bar in tracks.values())
    chosen: Literal["seconds", "clock", "frames"]
    if not timed:
        chosen = "frames"
    elif unit == "auto":
        chosen = "clock" if longest > _CLOCK_FROM_S else "seconds"
    else:
        chosen = "clock" if unit == "clock" else "seconds"
    look = _Look(
        class_names, background, chosen, longest, width, bar_height, font_size, boundaries, disagreement, legend
    )
    return bars, look


def _plot(
    videos: Mapping[str, Mapping[str, Bar]], look: _Look, scores: Mapping[str, Scores], title: str | None
) -> Figure:
    """Draw one figure. Everything is placed in inches, from the top down, as wide as its text was measured."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = list(dict.fromkeys(name for video in videos for row in scores.get(video, {}).values() for name in row))
    score_in = text_in("100.0", look.font_size)
    columns_in = [max(text_in(column, look.font_size), score_in) + 0.14 for column in columns]
    # the first and the last number of the axis reach beyond it by half their width
    number_in = text_in(_format(look)(look.longest, None), look.font_size)
    right_in = _MARGIN_IN + max(sum(columns_in), number_in / 2)
    label_in = min(
        max(text_in(name, look.font_size) for tracks in videos.values() for name in tracks),
        max(0.35 * look.width, look.width - right_in - 4),
    )
    left_in = _MARGIN_IN + max(label_in + 6 / 72, number_in / 2)
    bars_in = look.width - left_in - right_in
    if bars_in < _NARROWEST_IN:
        raise ValueError(
            f"`width` {look.width:g} leaves {max(bars_in, 0):.1f} inches for the bars beside names and scores, "
            f"expected at least {_NARROWEST_IN:g}: choose a wider figure, shorter names or a smaller font"
        )
    labels = labels_in(videos.values()) if look.legend else []
    shows_wrong = look.disagreement and look.legend and any(len(tracks) > 1 for tracks in videos.values())
    entries: list[tuple[str, Any]] = [(look.class_names[label], _color(label, look.background)) for label in labels]
    if shows_wrong:
        reference = next(iter(next(tracks for tracks in videos.values() if len(tracks) > 1)))
        entries.append((f"differs from {reference}", _WRONG))
    title_in = (look.heading_in + 2 / 72) * bool(title)
    heights = [look.video_in(name, tracks, headed=bool(columns)) for name, tracks in videos.items()]
    legend_in = _legend_in([name for name, _ in entries], look)
    height = 2 * _MARGIN_IN + title_in + sum(heights) - _GAP_IN + look.axis_in + legend_in
    figure = Figure(figsize=(look.width, height))
    FigureCanvasAgg(figure)
    if title:
        size = look.font_size + 3
        figure.text(
            _MARGIN_IN / look.width,
            1 - _MARGIN_IN / height,
            elided(title, look.width - 2 * _MARGIN_IN, size, bold=True),
            **text_style(title, size, fontweight="bold", ha="left", va="top"),
        )
    top = _MARGIN_IN + title_in
    first: Axes | None = None
    for (name, tracks), video_in in zip(videos.items(), heights, strict=True):
        rows_in = look.row_in * len(tracks)
        bottom = top + video_in - _GAP_IN
        place = (left_in / look.width, 1 - bottom / height, bars_in / look.width, rows_in / height)
        axes = figure.add_axes(place, sharex=first)
        _draw(axes, tracks, look, label_in, bars_in)
        _write_scores(axes, tracks, scores.get(name, {}), columns, columns_in, look, headed=first is None)
        size = look.font_size + 1
        room_in = look.width - left_in - _MARGIN_IN if not columns or first is not None else bars_in
        style = text_style(name, size, fontweight="bold")
        axes.set_title(elided(name, room_in, size, bold=True), loc="left", pad=4, **style)
        first = first or axes
        top = bottom + _GAP_IN
    for axes in figure.axes[:-1]:
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", labelbottom=False, length=0)
    _number(figure.axes[-1], look, bars_in)
    if entries:
        _add_legend(figure, entries, look, height)
    return figure


def _draw(axes: Axes, tracks: Mapping[str, Bar], look: _Look, label_in: float, bars_in: float) -> None:
    half = _FILLED / 2 * look.bar_height / look.row_in
    reference = next(iter(tracks.values()))
    for row, bar in enumerate(tracks.values()):
        has_strip = look.disagreement and row > 0
        known = bar.labels != IGNORE
        # an edge would widen short segments; smooth sides would show the paper between neighbours
        axes.broken_barh(
            list(zip(bar.starts[known], (bar.stops - bar.starts)[known], strict=True)),
            (row - half, 2 * half * (1 - (_STRIP + 0.06) * has_strip)),
            facecolors=[_color(label, look.background) for label in bar.labels[known].tolist()],
            linewidth=0,
            antialiased=False,
        )
        if has_strip:
            wrong = disagreements(reference, bar)
            axes.broken_barh(
                wrong, (row + half * (1 - 2 * _STRIP), 2 * half * _STRIP), color=_WRONG, linewidth=0, antialiased=False
            )
    if look.boundaries and len(tracks) > 1 and _has_room(reference, look, bars_in):
        axes.vlines(reference.starts[1:], 0.5, len(tracks) - 1 + half, color="black", linewidth=0.6)
    axes.set_ylim(len(tracks) - 0.5, -0.5)
    axes.set_yticks(
        range(len(tracks)),
        labels=[elided(name, label_in, look.font_size) for name in tracks],
        **text_style("".join(tracks), look.font_size),
    )
    axes.tick_params(axis="x", color=PALE_INK, labelcolor=INK, labelsize=look.font_size)
    axes.tick_params(axis="y", length=0, pad=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(PALE_INK)


def _has_room(reference: Bar, look: _Look, bars_in: float) -> bool:
    """Whether lines at the boundaries would leave the bars to be seen; a warning says if they would not."""
    per_inch = len(reference.starts) / (bars_in * reference.stops[-1] / look.longest)
    if per_inch > _DENSEST:
        warnings.warn(
            f"{len(reference.starts) - 1:,} boundaries, {per_inch:.0f} to the inch, would hide the bars: they are left "
            "out; choose a wider figure",
            stacklevel=2,
        )
    return per_inch <= _DENSEST


def _write_scores(
    axes: Axes,
    tracks: Mapping[str, Bar],
    scores: Scores,
    columns: Sequence[str],
    columns_in: Sequence[float],
    look: _Look,
    headed: bool,
) -> None:
    """Numbers right of the bars, flush right in columns."""
    at_the_side = axes.get_yaxis_transform()  # x from 0 to 1 across the axes, y in rows
    for number, column in enumerate(columns):
        place: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "annotation_clip": False}
        offset = 72 * sum(columns_in[: number + 1])
        if headed:
            style = text_style(column, look.font_size)
            axes.annotate(column, (1, 1), (offset, 4), xycoords="axes fraction", va="baseline", **place, **style)
        for row, track in enumerate(tracks):
            value = scores.get(track, {}).get(column)
            if value is not None and math.isfinite(value):
                text, style = f"{value:.1f}", text_style("", look.font_size)
                axes.annotate(text, (1, row), (offset, 0), xycoords=at_the_side, va="center_baseline", **place, **style)


def _number(axes: Axes, look: _Look, bars_in: float) -> None:
    """Ticks and name of the time axis, which all axes share."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    axes.set_xlim(0, look.longest)
    number = _format(look)
    most = max(2, int(bars_in / (1.6 * text_in(number(look.longest, None), look.font_size))))
    if look.unit == "clock":
        name = "time (h:mm:ss)" if look.longest >= 3600 else "time (m:ss)"
        step = next((step for step in _CLOCK_STEPS_S if look.longest / step <= most), _CLOCK_STEPS_S[-1])
        step *= math.ceil(look.longest / step / most)
        axes.xaxis.set_major_locator(FixedLocator(np.arange(0, look.longest + 1e-9, step).tolist()))
    else:
        name = "time (s)" if look.unit == "seconds" else "frame"
        axes.xaxis.set_major_locator(MaxNLocator(min(most, 12), steps=[1, 2, 5, 10], integer=look.unit == "frames"))
    if look.unit != "seconds":
        axes.xaxis.set_major_formatter(FuncFormatter(number))
    axes.set_xlabel(name, labelpad=2, fontsize=look.font_size, color=INK)


def _format(look: _Look) -> Callable[[float, Any], str]:
    """How a number of the axis is written; of seconds only about as wide, as matplotlib chooses the digits."""
    if look.unit == "clock":
        return functools.partial(_clock, hours=look.longest >= 3600)
    return lambda value, _: f"{value:,.0f}" if look.unit == "frames" else f"{value:.3g}"


def _clock(seconds: float, _: Any, hours: bool) -> str:
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


def _add_legend(figure: Figure, entries: Sequence[tuple[str, Any]], look: _Look, height: float) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.patches import Patch

    names = [name for name, _ in entries]
    widest_in, columns, _ = _legend_grid(names, look)
    style = text_style("".join(names), look.font_size)
    legend = figure.legend(
        handles=[Patch(color=color) for _, color in entries],
        labels=[elided(name, widest_in, look.font_size) for name in names],
        loc="upper center",
        bbox_to_anchor=(0.5, (_MARGIN_IN + _legend_in(names, look) - 0.4 * look.font_size / 72) / height),
        borderpad=0,
        borderaxespad=0,
        ncols=columns,
        frameon=False,
        prop=FontProperties(family=style["fontfamily"], size=look.font_size),
        labelcolor=INK,
        handlelength=_HANDLE,
        handleheight=_HANDLE,
        handletextpad=_PAD,
        columnspacing=_SPACING,
        labelspacing=_ROW_SPACING,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _legend_grid(names: Sequence[str], look: _Look) -> tuple[float, int, int]:
    """Width of the text in inches, columns and rows of a legend as wide as the figure, its rows about equally full."""
    em_in = look.font_size / 72
    around_in = (_HANDLE + _PAD + _SPACING) * em_in
    room_in = look.width - 2 * _MARGIN_IN
    # one name of many words must not put all of the others below each other, nor a narrow figure cut common ones
    limit_in = max(room_in / min(len(names), 3) - around_in, min(room_in - around_in, 9 * em_in))
    widest_in = min(max(text_in(name, look.font_size) for name in names), limit_in)
    columns = min(len(names), max(1, int((room_in + _SPACING * em_in) / (widest_in + around_in))))
    rows = math.ceil(len(names) / columns)
    return widest_in, math.ceil(len(names) / rows), rows


def _legend_in(names: Sequence[str], look: _Look) -> float:
    """Height of the legend with the space above it."""
    if not names:
        return 0.0
    return (_ROW * _legend_grid(names, look)[2] + 0.4) * look.font_size / 72


def _checked_scores(
    scores: Mapping[str, Scores] | None, videos: Mapping[str, Mapping[str, Labels]]
) -> Mapping[str, Scores]:
    for video, tracks in (scores or {}).items():
        if unknown := [video] if video not in videos else sorted(tracks.keys() - videos[video].keys()):
            raise ValueError(f"`scores` has {unknown[0]!r}, which is not drawn")
    return scores or {}


def _color(label: int, background: int | None) -> tuple[float, float, float]:
    red, green, blue = class_color(label, background)
    return (red / 255, green / 255, blue / 255)
