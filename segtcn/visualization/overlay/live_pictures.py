"""Pictures of what runs live: a caption on each, and a window through OpenCV where it was built with one."""

from __future__ import annotations

import os
import sys

import cv2

from segtcn.video_io import Image
from segtcn.visualization.overlay.canvas import text_picture

CLOSING_KEYS = (ord("q"), 27)
"""Keys that close the window: q and Escape."""

_LINES = 14
"""Lines of text that a picture is high."""


class Window:
    """A window on the screen; a context manager.

    Args:
        title: of the window.

    Raises:
        ImportError: if OpenCV was installed without windows.
        OSError: if there is no screen.

    Example:
        >>> with Window("kitchen") as window:  # doctest: +SKIP
        ...     window.show(picture)
    """

    def __init__(self, title: str) -> None:
        self.title = title
        if "GUI: NONE" in " ".join(cv2.getBuildInformation().split()):
            raise ImportError(
                "this OpenCV has no windows: pip uninstall opencv-python-headless, then pip install opencv-python"
            )
        if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
            raise OSError("a window needs a screen, and DISPLAY is not set: record the pictures instead")

    def __enter__(self) -> Window:
        cv2.namedWindow(self.title)
        return self

    def __exit__(self, *_: object) -> None:
        cv2.destroyAllWindows()

    def show(self, picture: Image) -> bool:
        """Show a picture; returns whether the window is still open, which Q, Escape and its button end."""
        if cv2.getWindowProperty(self.title, cv2.WND_PROP_VISIBLE) < 1:
            return False
        cv2.imshow(self.title, picture)
        return cv2.waitKey(1) & 0xFF not in CLOSING_KEYS


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
