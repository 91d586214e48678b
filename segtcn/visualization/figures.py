"""What all figures share: ink, sizes, text in any script, and files that are the same bytes every time."""

from __future__ import annotations

import bisect
import functools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segtcn.atomic import atomic_path
from segtcn.visualization.fonts import font_families_for, warn_of_missing_glyphs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 10.0
FONT_PT = 9.0
INK = "#333333"
PALE_INK = "#999999"

_ENDINGS = (".png", ".svg", ".pdf")
# text stays text in SVG and PDF: it can be searched, and edited in a drawing program
_RC = {"svg.fonttype": "none", "svg.hashsalt": "segtcn", "pdf.fonttype": 42}
_NO_DATES = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def new_figure(width: float, height: float, title: str | None = None, **options: Any) -> Figure:
    """A figure of its own, not known to ``pyplot``: nothing has to be closed, and drawing in a thread is safe.

    Args:
        width: in inches.
        height: in inches.
        title: stands above, where the figure has a layout.
        options: further arguments of :class:`matplotlib.figure.Figure`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, x=0.01, ha="left", **text_style(title, FONT_PT + 3, fontweight="bold"))
    return figure


def dress(axes: Axes, title: str, x: str) -> None:
    """Give a chart its title, the name of its horizontal axis, and pale lines.

    Args:
        axes: of the chart.
        title: stands above it.
        x: what the horizontal axis shows.
    """
    axes.set_title(title, loc="left", fontsize=FONT_PT + 1, fontweight="bold", color=INK)
    axes.set_xlabel(x, fontsize=FONT_PT, color=INK)
    axes.tick_params(labelsize=FONT_PT - 1, labelcolor=INK, color=PALE_INK, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE_INK)


def check_ending(path: str | os.PathLike[str]) -> None:
    """Refuse a file that no figure can be written to, before the figure is drawn.

    Args:
        path: of the file.

    Raises:
        ValueError: if its name does not end in ``.png``, ``.svg`` or ``.pdf``.
    """
    if Path(path).suffix.lower() not in _ENDINGS:
        raise ValueError(f"cannot write {path}: the name must end in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}")


def save_figure(figure: Figure, path: str | os.PathLike[str], dpi: float = 200) -> None:
    """Write a figure as PNG, SVG or PDF; equal figures make equal files.

    Args:
        figure: any.
        path: the ending says the format. The file is complete or not there.
        dpi: pixels per inch of a PNG.

    Raises:
        ValueError: if the ending is another, or ``dpi`` is not positive, or makes a picture that is too large.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in it.
    """
    save_figures([figure], path, dpi)


def save_figures(figures: Sequence[Figure], path: str | os.PathLike[str], dpi: float = 200) -> list[Path]:
    """Write figures as the pages of one PDF, or as numbered files beside each other; see :func:`save_figure`.

    Args:
        figures: any number of them.
        path: ``pages.pdf`` makes one file; ``pages.png`` makes ``pages-1.png``, ``pages-2.png`` if there are several
            figures.
        dpi: pixels per inch of a PNG.

    Returns:
        The files.

    Raises:
        ValueError: if there is no figure, and as :func:`save_figure`.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in it.
    """
    path = Path(path)
    ending = path.suffix.lower()
    check_ending(path)
    if not figures:
        raise ValueError("expected at least one figure to write, got none")
    if not dpi > 0:
        raise ValueError(f"`dpi` must be positive, got {dpi}")
    width, height = (max(figure.get_size_inches()[side] for figure in figures) for side in (0, 1))
    if ending == ".png" and dpi * max(width, height) >= 2**16:
        raise ValueError(
            f"cannot write {path}: {width:.1f} x {height:.1f} inches at {dpi:g} dpi are more than 65,535 pixels on a "
            "side; choose fewer dpi, or a PDF"
        )
    if ending == ".pdf":
        with atomic_path(path) as temporary, drawing():
            from matplotlib.backends.backend_pdf import PdfPages

            with PdfPages(temporary, metadata=_NO_DATES[ending]) as pages:
                for figure in figures:
                    pages.savefig(figure)
        return [path]
    digits = len(str(len(figures)))
    files = [
        path if len(figures) == 1 else path.with_stem(f"{path.stem}-{number:0{digits}d}")
        for number in range(1, len(figures) + 1)
    ]
    for figure, file in zip(figures, files, strict=True):
        with atomic_path(file) as temporary, drawing():
            figure.savefig(temporary, dpi=dpi, metadata=_NO_DATES[ending])
    return files


def text_style(text: str, size: float = FONT_PT, **options: Any) -> dict[str, Any]:
    """How to write names that users chose: with fonts that have their characters, and ``$`` as a dollar sign.

    Args:
        text: all that will be written.
        size: in points.
        options: further properties of :class:`matplotlib.text.Text`.

    Returns:
        Keyword arguments for any method of matplotlib that writes text. A warning names characters that no font has.
    """
    warn_of_missing_glyphs(text)
    return {"fontfamily": font_families_for(text), "fontsize": size, "color": INK, "parse_math": False, **options}


@functools.lru_cache(maxsize=4096)
def text_in(text: str, size: float = FONT_PT, bold: bool = False) -> float:
    """Width of a text, in inches.

    Args:
        text: in one line.
        size: in points.
        bold: whether it is.
    """
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family=font_families_for(text), size=size, weight="bold" if bold else "normal")
    with without_font_warnings():
        # letters are placed on whole pixels: the fewer there are, the more the width depends on them
        return max(
            RendererAgg(1, 1, dpi).get_text_width_height_descent(text, font, ismath=False)[0] / dpi
            for dpi in (100, 200)
        )


def elided(text: str, room_in: float, size: float = FONT_PT, bold: bool = False) -> str:
    """The text, or as much of its start and end as there is room for: names of one kind often differ in their ends.

    Args:
        text: in one line.
        room_in: inches.
        size: in points.
        bold: whether it is.

    Example:
        >>> elided("take the large cup", 5), elided("take the large cup", 0.8)
        ('take the large cup', 'take … cup')
    """
    if text_in(text, size, bold) <= room_in + 1e-6:
        return text
    return start_and_end(text, 0.97 * room_in, lambda part: text_in(part, size, bold))  # may be longer at other dpi


def start_and_end(text: str, room: float, width: Callable[[str], float]) -> str:
    """As much of the start and end of a text as there is room for, at least an ellipsis.

    Args:
        text: in one line.
        room: in the unit of ``width``.
        width: of a text.

    Example:
        >>> start_and_end("take the large cup", 9, len)
        'take… cup'
    """
    shorter = [f"{text[: (length + 1) // 2]}…{text[len(text) - length // 2 :]}" for length in range(len(text))]
    return shorter[max(bisect.bisect_right(shorter, room, key=width) - 1, 0)]


@contextmanager
def drawing() -> Iterator[None]:
    """Draw as all files are drawn, without a second warning of characters that no font has."""
    import matplotlib

    with without_font_warnings(), matplotlib.rc_context(_RC):  # type: ignore[arg-type]  # the keys are its own
        yield


@contextmanager
def without_font_warnings() -> Iterator[None]:
    """Keep quiet of characters that no font has: :func:`text_style` said so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield
