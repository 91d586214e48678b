"""What a clip with its labels looks like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from segtcn.video_io import ClipInfo


@dataclass(frozen=True)
class OverlayLook:
    """Size of the picture, and what is shown below it.

    Args:
        height: of the picture in pixels, instead of ``scale``.
        scale: factor for the size of the picture.
        window_s: seconds around the cursor that the timelines show, with names in the segments and all of the clip in
            small below; None shows all of the clip.
        top: how many of the most probable classes to show, where there are scores of classes; 0 for none.
        scores: values that are printed under the timelines, by the titles of the tracks and their own names.
        progress: whether to show a progress bar.

    Raises:
        ValueError: if a value is not positive, or ``height`` and ``scale`` are both given.
    """

    height: int | None = None
    scale: float | None = None
    window_s: float | None = None
    top: int = 3
    scores: Mapping[str, Mapping[str, float]] | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        for name, least in (("window_s", 0.0), ("scale", 0.0), ("height", 1.0)):
            value = getattr(self, name)
            if value is not None and not (value > 0 and least <= value < math.inf):
                raise ValueError(f"`{name}` must be positive, got {value}")
        if self.top < 0:
            raise ValueError(f"`top` must be 0 or more classes, got {self.top}")
        if self.scale is not None and self.height is not None:
            raise ValueError(f"expected `scale` or `height`, got both, {self.scale} and {self.height}")

    def size(self, info: ClipInfo, max_side: int | None) -> tuple[int, int]:
        """Width and height of the picture: in square pixels, even where it is changed at all.

        Args:
            info: what the clip says about itself.
            max_side: longest side where no size is asked for; None sets no limit.
        """
        width, rows = info.shown_size
        scale = self.scale or (self.height / rows if self.height else None)
        if scale is None:
            scale = 1.0 if max_side is None else min(1.0, max_side / max(width, rows))
        if scale == 1 and info.pixel_aspect == 1:
            return width, rows
        return max(2, 2 * round(scale * width / 2)), max(2, 2 * round(scale * rows / 2))
