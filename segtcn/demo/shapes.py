"""Drawing with OpenCV: colours, places on the picture, and anti-aliased shapes.

Points are complex numbers ``x + iy`` in pixels of the visible picture, so that ``shape * turn + position`` places a
shape.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]
"""Blue, green, red, 0 to 255: the order of OpenCV."""
Points = Sequence[complex] | npt.NDArray[np.complex128]

WIDTH, HEIGHT = 320, 240
MARGIN = 8
"""Pixels drawn around the visible picture, so that a shaking camera never sees an edge."""


def rgb(code: str) -> Colour:
    """The colour of ``#RRGGBB``.

    Example:
        >>> rgb("#0080FF")
        (255.0, 128.0, 0.0)
    """
    return (float(int(code[5:7], 16)), float(int(code[3:5], 16)), float(int(code[1:3], 16)))


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """A colour between two; ``share`` is that of ``b``."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


BLACK, WHITE = rgb("#20242B"), rgb("#FFFFFF")
STEEL, HANDLE, WOOD = rgb("#D5DBE0"), rgb("#3A3F47"), rgb("#B07E4C")


def dark(colour: Colour, share: float = 0.2) -> Colour:
    """A darker colour."""
    return mix(colour, BLACK, share)


def light(colour: Colour, share: float = 0.3) -> Colour:
    """A lighter colour."""
    return mix(colour, WHITE, share)


def turn(degrees: float) -> complex:
    """The factor that turns a shape around its origin, clockwise."""
    return cmath.exp(1j * math.radians(degrees))


class Drawing:
    """A picture to draw on, anti-aliased and at fractions of a pixel.

    Args:
        image: is drawn on, ``(HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3)``.
        origin: where shapes are placed.
        rotation: the factor that turns shapes, see :func:`turn`.
    """

    SHIFT = 4  # binary digits after the point in OpenCV's coordinates

    def __init__(self, image: Image, origin: complex = 0, rotation: complex = 1) -> None:
        import cv2

        self.cv2: Any = cv2
        self.image, self.origin, self.rotation = image, origin, rotation

    def at(self, origin: complex, degrees: float = 0.0) -> Drawing:
        """The same picture with shapes placed at a point and turned."""
        return Drawing(self.image, origin, turn(degrees))

    def _fixed(self, points: Points) -> npt.NDArray[np.int32]:
        placed = self.origin + self.rotation * np.asarray(points, dtype=np.complex128)
        scaled = (placed + (MARGIN + MARGIN * 1j)) * (1 << self.SHIFT)
        return np.rint(scaled.view(np.float64)).astype(np.int32).reshape(-1, 2)

    def fill(self, points: Points, colour: Colour, rounding: int = 0) -> None:
        """A polygon; ``rounding`` pixels of outline in the same colour make its corners round."""
        fixed = self._fixed(points)
        self.cv2.fillPoly(self.image, [fixed], colour, self.cv2.LINE_AA, self.SHIFT)
        if rounding:
            self.cv2.polylines(self.image, [fixed], True, colour, rounding, self.cv2.LINE_AA, self.SHIFT)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        """A line through points."""
        fixed = self._fixed(points)
        self.cv2.polylines(self.image, [fixed], False, colour, max(1, round(width)), self.cv2.LINE_AA, self.SHIFT)

    def ellipse(self, centre: complex, axes: complex, colour: Colour, degrees: float = 0.0, width: int = -1) -> None:
        """Half axes ``a + ib``; filled unless ``width`` is given. Only its centre is placed and turned."""
        x, y = self._fixed([centre])[0].tolist()
        half = (round(axes.real * (1 << self.SHIFT)), round(axes.imag * (1 << self.SHIFT)))
        self.cv2.ellipse(
            self.image, (x, y), half, degrees, 0, 360, colour, width, lineType=self.cv2.LINE_AA, shift=self.SHIFT
        )

    def shadow(self, centre: complex, axes: complex, strength: float = 0.25) -> None:
        """Darken an ellipse of whatever lies there; never placed or turned."""
        left, top = int(centre.real - axes.real) + MARGIN - 2, int(centre.imag - axes.imag) + MARGIN - 2
        right, bottom = int(centre.real + axes.real) + MARGIN + 3, int(centre.imag + axes.imag) + MARGIN + 3
        rows, columns = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        before = self.image[rows, columns].copy()
        Drawing(self.image).ellipse(centre, axes, BLACK)
        after = self.image[rows, columns]
        if after.size:
            after[:] = self.cv2.addWeighted(after, strength, before, 1 - strength, 0)
