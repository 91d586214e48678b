"""The features of the demo: colour, edges and motion, without learned weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from segtcn.extract.backbones.backbone import Backbone
from segtcn.extract.descriptor import FEATURE_DIM, FrameDescriptor
from segtcn.extract.windows import Indices
from segtcn.video_io import Image


class BuiltinBackbone(Backbone):
    """:class:`~segtcn.extract.descriptor.FrameDescriptor` as a backbone; it needs no file and no network connection.

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
