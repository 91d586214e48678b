"""A small feature extractor without learned weights: colour, edges and motion on a coarse grid."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.extract.backbones.backbone import Backbone
from segtcn.extract.windows import Indices
from segtcn.video_io import Image, read_frames

COLUMNS, ROWS = 6, 4
"""The grid of cells over which the features are averaged."""

ORIENTATIONS, HUES, LIGHTNESSES = 4, 8, 4
"""Bins of edge direction (0 to 180 degrees), of hue and of lightness."""

WORKING_SIZE = (160, 120)
"""Width and height in pixels that every frame is shrunk to; motion is measured in these pixels per frame."""

CELLS = COLUMNS * ROWS
LAYOUT = {
    "colour": 3 * CELLS,
    "histogram": HUES + LIGHTNESSES,
    "edges": ORIENTATIONS * CELLS,
    "flow": 3 * CELLS,
    "camera": 2,
    "difference": CELLS,
}
"""Kinds of features and how many values each has, in the order in which they stand in a feature vector."""

FEATURE_DIM = sum(LAYOUT.values())
"""Feature width D."""


class FrameDescriptor:
    """Turns the frames of one clip into feature vectors, one by one, in order.

    A vector depends on its frame and, for motion, on the frame before it; the first frame has no motion. It holds,
    in the order of :data:`LAYOUT`:

    - *colour*: mean L*a*b* of every cell (24 cells x 3);
    - *histogram*: shares of the pixels by hue, weighted by saturation, and by lightness, of the whole frame;
    - *edges*: gradient magnitude by direction in every cell (24 x 4), as in HOG, with square roots of shares;
    - *flow*: mean horizontal and vertical motion and mean speed in every cell, relative to the camera's motion;
    - *camera*: median horizontal and vertical motion of the frame;
    - *difference*: mean absolute change of brightness in every cell.

    Example:
        >>> describe = FrameDescriptor()
        >>> describe(np.zeros((48, 64, 3), dtype=np.uint8)).shape
        (278,)

    Reference:
        Gradient histograms: Dalal & Triggs, *Histograms of Oriented Gradients for Human Detection*, CVPR 2005.
        Optical flow: Kroeger et al., *Fast Optical Flow using Dense Inverse Search*, ECCV 2016, OpenCV's version.
    """

    def __init__(self) -> None:
        import cv2

        self._cv2: Any = cv2
        self._flow = self._cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._before: npt.NDArray[np.uint8] | None = None

    def __call__(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Describe the next frame.

        Args:
            frame: a picture of any size, ``(H, W, 3)`` uint8, in the order blue, green, red.

        Returns:
            Its feature vector, ``(D,)`` float32.

        Raises:
            ValueError: if the frame has another shape or type.
        """
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or frame.size == 0:
            raise ValueError(f"`frame` must be a picture (H, W, 3) of uint8, got {frame.shape} of {frame.dtype}")
        cv2 = self._cv2
        small = cv2.resize(frame, WORKING_SIZE, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        before = grey if self._before is None else self._before
        self._before = grey
        colour = self._cells(cv2.cvtColor(small, cv2.COLOR_BGR2LAB)) / 255
        return np.concatenate(
            [colour, self._histogram(small), self._edges(grey), self._motion(before, grey)], dtype=np.float32
        )

    def _cells(self, image: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Mean of every cell and channel, flat; shrinking by area is exactly that."""
        image = image.astype(np.float32, copy=False)
        return self._cv2.resize(image, (COLUMNS, ROWS), interpolation=self._cv2.INTER_AREA).ravel()

    def _histogram(self, small: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        cv2 = self._cv2
        hue, saturation, value = cv2.split(cv2.cvtColor(small, cv2.COLOR_BGR2HSV))
        # OpenCV's hue of 8-bit pictures counts in steps of two degrees, 0 .. 179
        hues = np.bincount(hue.ravel() // np.uint8(-(-180 // HUES)), saturation.ravel() / 255, minlength=HUES)
        lightnesses = np.bincount(value.ravel() // np.uint8(256 // LIGHTNESSES), minlength=LIGHTNESSES)
        return np.concatenate([hues, lightnesses], dtype=np.float32) / np.float32(hue.size)

    def _edges(self, grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        cv2 = self._cv2
        x, y = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)
        # a direction and its opposite are the same edge; a half-plane test for every bin's border instead of an angle:
        # OpenCV's angles and magnitudes depend, in their last digit, on where the memory of a picture begins
        upwards = np.where((y > 0) | ((y == 0) & (x >= 0)), np.float32(1), np.float32(-1))
        borders = [math.pi * index / ORIENTATIONS for index in range(1, ORIENTATIONS)]
        beyond = [upwards * (y * math.cos(border) - x * math.sin(border)) >= 0 for border in borders]
        bins = np.sum(beyond, axis=0)
        layers = (bins[..., None] == np.arange(ORIENTATIONS)) * np.sqrt(x * x + y * y)[..., None]
        histogram = self._cells(layers)
        return np.sqrt(histogram / (histogram.sum() + np.float32(1)))

    def _motion(self, before: npt.NDArray[np.uint8], grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        flow = self._flow.calc(before, grey, None)
        camera = np.median(flow.reshape(-1, 2)[::7], axis=0)  # every seventh pixel is enough for a median
        flow -= camera
        speed = np.sqrt((flow * flow).sum(axis=-1))
        cells = self._cells(np.dstack([flow, speed]))
        difference = self._cells(self._cv2.absdiff(before, grey)) / 255
        return np.concatenate([cells, camera, difference], dtype=np.float32)


def extract_features(path: str | os.PathLike[str]) -> Tensor:
    """Describe every frame of a clip by colour, edges and motion; see :class:`FrameDescriptor`.

    One frame is in memory at a time. Nothing but the decoded pixels is read, so a clip gets the same features
    whatever it is called and however it is labelled.

    Args:
        path: a video file.

    Returns:
        ``(D, T)`` float32, one column for each of the T decoded frames, D = :data:`FEATURE_DIM`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the clip cannot be decoded, has no frame, or is truncated.

    Example:
        >>> features = extract_features("clip.mp4")  # doctest: +SKIP
        >>> np.save("clip.npy", features.numpy())  # doctest: +SKIP
    """
    describe = FrameDescriptor()
    return torch.from_numpy(np.stack([describe(frame) for _, frame in read_frames(path)], axis=1))


class BuiltinBackbone(Backbone):
    """:class:`FrameDescriptor` as a backbone; it needs no file and no network connection.

    Motion is from the frame before, whatever the stride.
    """

    packages = ("opencv-python-headless",)
    sequential = True

    def __init__(self) -> None:
        self.feature_dim = FEATURE_DIM
        self.clip_frames = 1
        self.settings = {"name": "builtin", "width": FEATURE_DIM}
        self._describe = FrameDescriptor()

    def start(self) -> None:  # noqa: D102
        self._describe = FrameDescriptor()

    def prepare(self, frame: Image) -> Tensor:  # noqa: D102
        return torch.from_numpy(self._describe(frame))

    def describe(self, frames: Sequence[Tensor], windows: Indices) -> Tensor:  # noqa: D102
        return torch.stack(list(frames))[torch.from_numpy(np.ascontiguousarray(windows[:, 0]))]
