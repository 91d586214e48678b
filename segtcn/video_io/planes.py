"""Pictures as video stores them: brightness and colour apart, and what their numbers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import av


class Planes(NamedTuple):
    """A picture as video stores it, 8 bits a sample, 4:2:0: brightness of every pixel, colour of every four.

    Args:
        y: brightness from 16, black, to 235, white, ``(H, W)`` uint8.
        u: blue against brightness, ``(ceil(H / 2), ceil(W / 2))`` uint8.
        v: red against brightness, of the same shape.
    """

    y: npt.NDArray[np.uint8]
    u: npt.NDArray[np.uint8]
    v: npt.NDArray[np.uint8]


class ColorTags(NamedTuple):
    """What the numbers of :class:`Planes` mean, in the codes of ITU-T H.273.

    Args:
        matrix: how brightness and colour come from red, green and blue: 1 for BT.709, 5 or 6 for BT.601.
        primaries: which red, green and blue.
        transfer: how light becomes numbers.
    """

    matrix: int = 1
    primaries: int = 1
    transfer: int = 1

    def planes(self, color: tuple[int, int, int]) -> tuple[int, int, int]:
        """Brightness and colour of red, green and blue, 0 to 255 each.

        Example:
            >>> ColorTags().planes((255, 255, 255)), ColorTags().planes((0, 0, 0))
            ((235, 128, 128), (16, 128, 128))
        """
        of_red, of_blue = _LUMA.get(self.matrix, _LUMA[1])
        red, green, blue = (value / 255 for value in color)
        luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
        chroma = ((blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red))
        u, v = (round(128 + 224 * value) for value in chroma)
        return round(16 + 219 * luma), u, v


_LUMA = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
_LUMA |= {9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Shares of red and of blue in the brightness, of every matrix."""


def plane_array(plane: Any) -> npt.NDArray[np.uint8]:
    """The samples of a plane of PyAV as an array ``(H, W)``, a view that keeps the picture alive."""
    rows = np.frombuffer(plane, np.uint8)[: plane.height * plane.line_size].reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def as_yuv420(frame: av.VideoFrame, size: tuple[int, int] | None) -> av.VideoFrame:
    """The frame in 4:2:0 with brightness from 16 to 235; itself, if it is stored so.

    Args:
        frame: any.
        size: width and height that it is brought to; None leaves it.
    """
    # brightness up to 255: some players take it for 235, and show black and white as grey
    full_range = frame.color_range == 2 or frame.format.name.startswith("yuvj")
    if frame.format.name == "yuv420p" and not full_range and size in (None, (frame.width, frame.height)):
        return frame
    width, height = size or (frame.width, frame.height)
    how: dict[str, Any] = {"format": "yuv420p", "interpolation": "AREA"}
    if not _has_matrix(frame):
        how |= {"dst_colorspace": "ITU709", "dst_color_range": "MPEG"}
    elif full_range:
        how |= {"src_color_range": "JPEG", "dst_color_range": "MPEG"}
    return frame.reformat(width, height, **how)


def _has_matrix(frame: av.VideoFrame) -> bool:
    return not frame.format.is_rgb and frame.format.name != "pal8"


def color_tags(context: Any, frame: av.VideoFrame) -> ColorTags:
    """The tags of a clip; where it has none, what players assume for its size.

    Args:
        context: of its decoder.
        frame: its first frame.
    """
    if not _has_matrix(frame):
        return ColorTags()
    usual = 1 if frame.height > 576 or frame.width >= 1280 else 6
    matrix = context.colorspace if context.colorspace in _LUMA else usual
    primaries, transfer = (
        usual if tag in (0, 2) else tag for tag in (int(context.color_primaries), int(context.color_trc))
    )
    return ColorTags(matrix, primaries, transfer)
