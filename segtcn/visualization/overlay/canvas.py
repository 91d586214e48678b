"""A surface that is drawn on in the numbers that video stores, so that nothing is converted for a frame; its texts."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segtcn.video_io import ColorTags, Planes
from segtcn.visualization.figures import start_and_end, without_font_warnings
from segtcn.visualization.fonts import font_families_for
from segtcn.visualization.palette import RGB

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


_HATCH_STEP, _HATCH_LINE = 8, 3  # pixels from line to line, and of a line


class Canvas:
    """A picture in full resolution of brightness and colours.

    Args:
        height: in pixels.
        width: in pixels.
        tags: what its numbers mean.
        ground: the colour it begins with.
    """

    def __init__(self, height: int, width: int, tags: ColorTags, ground: RGB) -> None:
        self.tags = tags
        self.pixels = np.empty((3, height, width), np.uint8)
        self.pixels[:] = _plane_column(tags, ground)
        self._halves = np.empty((2, (height + 1) // 2, (width + 1) // 2), np.uint8)

    def restore(self, ground: Canvas, top: int, bottom: int) -> None:
        """Take rows from another canvas of the same size."""
        self.pixels[:, top:bottom] = ground.pixels[:, top:bottom]

    def fill(self, left: int, top: int, right: int, bottom: int, color: RGB) -> None:
        """Fill a rectangle, ``right`` and ``bottom`` exclusive; what sticks out is cut off."""
        self.pixels[:, max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = _plane_column(self.tags, color)

    def stripe(self, left: int, top: int, bottom: int, colors: npt.NDArray[np.uint8]) -> None:
        """Fill columns, each with its own colour, ``(width, 3)`` of :meth:`table`."""
        self.pixels[:, top:bottom, left : left + len(colors)] = colors.T[:, None]

    def hatch(self, left: int, top: int, bottom: int, columns: npt.NDArray[np.bool_], color: RGB) -> None:
        """Draw oblique lines over some of the columns from ``left`` on, ``(width,)``."""
        if columns.any():
            rows = np.arange(top, bottom)[:, None]
            lines = ((rows + np.arange(left, left + len(columns))) % _HATCH_STEP < _HATCH_LINE) & columns
            self.pixels[:, top:bottom, left : left + len(columns)][:, lines] = _plane_column(self.tags, color)[:, :, 0]

    def table(self, colors: list[RGB]) -> npt.NDArray[np.uint8]:
        """Colours as the numbers of this canvas, ``(len(colors), 3)``."""
        return np.array([self.tags.planes(color) for color in colors], np.uint8)

    def put(self, text: str, left: int, top: int, line: int, size: int, color: RGB, room: int | None = None) -> None:
        """Draw a text in the middle of a line of a height; what sticks out of the canvas or of ``room`` is cut off."""
        keep, ink = _ink(text, size, color, self.tags)
        top += (line - keep.shape[0]) // 2
        rows, columns = slice(max(0, -top), None), slice(max(0, -left), room)
        keep, ink = keep[rows, columns], ink[:, rows, columns]
        spot = self.pixels[:, max(0, top) :, max(0, left) :][:, : keep.shape[0], : keep.shape[1]]
        blended = spot * keep[: spot.shape[1], : spot.shape[2]]
        blended += ink[:, : spot.shape[1], : spot.shape[2]]
        spot[:] = blended

    def planes(self, top: int = 0, bottom: int | None = None) -> Planes:
        """The canvas with colours at half the resolution: views, which further drawing changes.

        Args:
            top: an even row; what has changed since the last call lies below it,
            bottom: and above this one, None or even.
        """
        import cv2

        for plane, half in zip(self.pixels[1:, top:bottom], self._halves[:, top // 2 :], strict=True):
            rows, columns = plane.shape
            if rows % 2 or columns % 2:
                plane = np.pad(plane, ((0, rows % 2), (0, columns % 2)), mode="edge")  # noqa: PLW2901
            target = half[: (rows + 1) // 2]
            cv2.resize(plane, target.shape[::-1], target, interpolation=cv2.INTER_AREA)
        return Planes(self.pixels[0], *self._halves)


@lru_cache(maxsize=4096)
def _plane_column(tags: ColorTags, color: RGB) -> npt.NDArray[np.uint8]:
    """A colour as the numbers of a clip, ``(3, 1, 1)``."""
    return np.array(tags.planes(color), np.uint8)[:, None, None]


@lru_cache(maxsize=256)  # pictures: of 4K clips they are large
def _ink(text: str, size: int, color: RGB, tags: ColorTags) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """How much of the ground remains, ``(H, W)``, and what a text adds to it, ``(3, H, W)``."""
    cover = text_picture(text, size)
    # 0.5: to the nearest
    return 1 - cover, cover * np.float32(_plane_column(tags, color)) + np.float32(0.5)
