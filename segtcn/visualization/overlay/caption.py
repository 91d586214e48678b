"""One line of text on a picture, for recordings of what runs live."""

from __future__ import annotations

from segtcn.video_io import Image
from segtcn.visualization.overlay.lettering import text_picture

_LINES = 14
"""Lines of text that a picture is high."""


def captioned(picture: Image, text: str) -> Image:
    """A copy of a picture with white text on a dark band at its lower edge.

    Args:
        picture: ``(H, W, 3)`` uint8.
        text: one line in any script; what does not fit is cut off.

    Example:
        >>> import numpy as np
        >>> captioned(np.full((120, 160, 3), 200, np.uint8), "pour")[-1, 0].tolist()
        [60, 60, 60]
    """
    cover = text_picture(text, max(10, picture.shape[0] // _LINES))[: picture.shape[0], : picture.shape[1]]
    shown = picture.copy()
    band = shown[-cover.shape[0] :]
    band[:] = band * 0.3
    letters = band[:, : cover.shape[1]]
    letters[:] = letters + cover[..., None] * (255.0 - letters)
    return shown
