"""Colours of classes: the same in every figure, and distinct for colour-blind readers, too."""

from __future__ import annotations

RGB = tuple[int, int, int]
"""Red, green, blue, 0 to 255 each. matplotlib wants them divided by 255, OpenCV in the opposite order."""

BACKGROUND: RGB = (217, 217, 217)
"""Light grey: nothing of interest happens."""

# The first seven are Okabe and Ito's. Each of the others is the colour, of moderate lightness and chroma, that lies
# farthest in CIELAB from those before it, from the background and from white, in the worst of four cases: normal
# vision and Machado et al.'s protanopia, deuteranopia and tritanopia.
_COLORS: tuple[RGB, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
    (120, 45, 15),
    (150, 210, 120),
    (105, 60, 105),
    (0, 60, 150),
    (180, 105, 60),
    (0, 75, 60),
    (135, 150, 255),
    (120, 225, 255),
    (240, 180, 165),
    (240, 135, 75),
    (150, 90, 120),
    (75, 105, 75),
    (150, 75, 0),
    (120, 180, 120),
    (105, 105, 150),
    (135, 195, 210),
    (195, 225, 105),
)

# Classes beyond the table repeat it, mixed with white (positive) or with black (negative).
_MIX = (0.0, 0.4, -0.35, 0.6, -0.55, 0.2, -0.18, 0.72, -0.7)


def class_color(label: int, background: int | None = None) -> RGB:
    """Colour of a class; it depends on the index only, not on how many classes there are.

    Colour-blind readers tell the first 7 apart easily, the first 24 side by side. Colours repeat after 216 classes.

    Args:
        label: class index.
        background: index of the background class, which is light grey, or None.

    Returns:
        Red, green, blue, 0 to 255.

    Raises:
        ValueError: if ``label`` is negative.

    Example:
        >>> class_color(0), class_color(0, background=0)
        ((0, 114, 178), (217, 217, 217))

    Reference:
        Okabe and Ito, "Color Universal Design", 2002 (the first seven). Machado, Oliveira and Fernandes, "A
        Physiologically-based Model for Simulation of Color Vision Deficiency", TVCG 2009 (the choice of the others).
    """
    if label < 0:
        raise ValueError(f"a class index must be at least 0, got {label}")
    if label == background:
        return BACKGROUND
    red, green, blue = _COLORS[label % len(_COLORS)]
    share = _MIX[label // len(_COLORS) % len(_MIX)]
    target = 255 if share > 0 else 0
    return (_mix(red, target, share), _mix(green, target, share), _mix(blue, target, share))


def class_colors(num_classes: int, background: int | None = None) -> list[RGB]:
    """Colours of the classes ``0 .. num_classes - 1``.

    Args:
        num_classes: how many.
        background: see :func:`class_color`.
    """
    return [class_color(label, background) for label in range(num_classes)]


def hex_color(color: RGB) -> str:
    """A colour as CSS and matplotlib write it.

    Args:
        color: red, green, blue.

    Example:
        >>> hex_color((240, 228, 66))
        '#f0e442'
    """
    return "#{:02x}{:02x}{:02x}".format(*color)


def text_color(color: RGB) -> RGB:
    """Black or white, whichever is easier to read on ``color`` (contrast ratio of WCAG 2).

    Args:
        color: the ground that the text stands on.

    Example:
        >>> text_color((240, 228, 66)), text_color((0, 60, 150))
        ((0, 0, 0), (255, 255, 255))
    """
    red, green, blue = (_linear(value / 255) for value in color)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # the contrast of L with white, 1.05 : (L + 0.05), exceeds that with black, (L + 0.05) : 0.05
    return (255, 255, 255) if (luminance + 0.05) ** 2 < 1.05 * 0.05 else (0, 0, 0)


def _mix(value: int, target: int, share: float) -> int:
    return round(value + abs(share) * (target - value))


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
