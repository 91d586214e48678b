"""Texts of any script as pictures, drawn by matplotlib: it joins and orders letters as their script wants it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segtcn.visualization.figures import start_and_end, without_font_warnings
from segtcn.visualization.fonts import font_families_for

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

_ASCENT, _DESCENT = 0.95, 0.25  # of the size: DejaVu's, with a little room for the marks of other scripts
_DPI = 72  # a point is a pixel


@lru_cache(maxsize=256)  # pictures: of 4K clips they are large
def text_picture(text: str, size: int) -> npt.NDArray[np.float32]:
    """Draw a text; all texts of a size are equally high.

    Args:
        text: one line in any script.
        size: of the font, in pixels.

    Returns:
        How much of each pixel the text covers, from 0 to 1, ``(H, W)``.
    """
    from matplotlib.backends.backend_agg import RendererAgg

    ascent = math.ceil(_ASCENT * size)
    renderer = RendererAgg(text_width(text, size), ascent + math.ceil(_DESCENT * size), _DPI)
    with without_font_warnings():
        renderer.draw_text(renderer.new_gc(), 0, ascent, text, _font(text, size), 0)
    return np.asarray(renderer.buffer_rgba(), np.float32)[..., 3] / np.float32(255)


@lru_cache(maxsize=4096)
def text_width(text: str, size: int) -> int:
    """Width of a text in pixels."""
    from matplotlib.backends.backend_agg import RendererAgg

    with without_font_warnings():
        width, _, _ = RendererAgg(1, 1, _DPI).get_text_width_height_descent(text, _font(text, size), ismath=False)
    return max(1, math.ceil(width))


@lru_cache(maxsize=4096)
def shortened(text: str, size: int, room: int) -> str:
    """The text, or as much of its start and end as fit into ``room`` pixels."""
    if text_width(text, size) <= room:
        return text
    return start_and_end(text, room, lambda part: text_width(part, size))


def _font(text: str, size: int) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=font_families_for(text), size=size)
