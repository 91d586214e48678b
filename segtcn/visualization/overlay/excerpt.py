"""Short moving pictures for pages that show no video: GIF and WebP."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

SUFFIXES = (".gif", ".webp")


class ExcerptLimits(NamedTuple):
    """What keeps an excerpt small where the user asks for nothing else.

    Args:
        max_fps: frames per second at most.
        max_s: seconds of the result at most.
        max_side: longest side of the picture, in pixels.
    """

    max_fps: Fraction = Fraction(25, 2)  # GIF counts hundredths of a second
    max_s: float = 10.0
    max_side: int = 480


def is_excerpt(path: Path) -> bool:
    """Whether the name of an output asks for a moving picture instead of a clip."""
    return path.suffix.lower() in SUFFIXES
