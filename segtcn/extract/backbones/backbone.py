"""What every backbone offers: feature vectors of single frames or of windows of frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from segtcn.extract.preprocessing import Preprocessing
from segtcn.extract.windows import OUTSIDE, Indices, thinned
from segtcn.video_io import Image

Pooling = Literal["auto", "cls", "mean"]

DEFAULT_WINDOW = 21
"""Frames in a window where the backbone takes any number: [t - 10, t + 10], the I3D recipe of the field."""


class Backbone(ABC):
    """Something that turns frames into feature vectors.

    Attributes:
        feature_dim: feature width D.
        clip_frames: frames that it takes at once: 1 describes single pictures; None takes any number.
        settings: what the features depend on, for the record beside them; plain JSON values.
        packages: that it runs on; their versions are recorded.
        sequential: whether it must see every frame, in order, also those that no window needs.
        batch_size: windows that it takes at once, where the file allows nothing else; None otherwise.
        notes: what was assumed, for whoever started it.
    """

    feature_dim: int
    clip_frames: int | None
    settings: dict[str, Any]
    packages: tuple[str, ...] = ("torch",)
    sequential: bool = False
    batch_size: int | None = None
    notes: tuple[str, ...] = ()

    def start(self) -> None:  # noqa: B027
        """Forget the clip before; called before the first frame of each."""

    @abstractmethod
    def prepare(self, frame: Image) -> Tensor:
        """Make of a frame what :meth:`describe` takes; called at most once for every frame, in order.

        Args:
            frame: ``(H, W, 3)`` uint8 in the order blue, green, red.
        """

    @abstractmethod
    def describe(self, frames: Sequence[Tensor], windows: Indices) -> Tensor:
        """Feature vectors of windows.

        Args:
            frames: consecutive frames of a clip, prepared.
            windows: positions in ``frames``, ``(N, window)``; zeros are
                :data:`~segtcn.extract.windows.OUTSIDE`.

        Returns:
            ``(N, D)`` float32, on the CPU.
        """

    def checked_window(self, window: int | None) -> int:
        """The window to use: its own where none is asked for.

        Raises:
            ValueError: if the backbone cannot describe such a window.
        """
        if window is None:
            return self.clip_frames or DEFAULT_WINDOW
        if window < 1:
            raise ValueError(f"`window` must be at least 1 frame, got {window}")
        if self.clip_frames == 1 and window > 1:
            raise ValueError(
                f"{self.settings['name']} describes single frames: leave `window` out or take 1, got {window}"
            )
        if self.clip_frames is not None and window < self.clip_frames:
            raise ValueError(
                f"{self.settings['name']} takes {self.clip_frames} frames at once: choose a window of at least so many "
                f"(a longer one is sub-sampled evenly), got {window}"
            )
        return window


class NetworkBackbone(Backbone):
    """A network that takes pictures or clips as numbers: what Hugging Face models and ONNX files have in common.

    Args:
        preprocessing: what is done with every frame.
        device: where the numbers are made.
    """

    def __init__(self, preprocessing: Preprocessing, device: torch.device) -> None:
        self.preprocessing = preprocessing
        self.device = device

    def prepare(self, frame: Image) -> Tensor:  # noqa: D102
        return self.preprocessing.picture(frame)

    def describe(self, frames: Sequence[Tensor], windows: Indices) -> Tensor:  # noqa: D102
        if self.clip_frames is not None:
            windows = windows[:, thinned(windows.shape[1], self.clip_frames)]
        # every frame goes to the device once, as bytes, however many windows it is in
        values = self.values(torch.stack(list(frames)).to(self.device))
        if (windows == OUTSIDE).any():
            values = torch.cat([values, torch.zeros_like(values[:1])])  # the last: -1 picks it
        return self.forward(values[torch.from_numpy(windows).to(self.device)]).float().cpu()

    def values(self, pictures: Tensor) -> Tensor:
        """The numbers that the network takes, of pictures ``(N, 3, h, w)`` uint8."""
        return self.preprocessing.values(pictures)

    @abstractmethod
    def forward(self, clips: Tensor) -> Tensor:
        """Features ``(N, D)`` of clips ``(N, T, 3, h, w)``."""


def pool(output: Tensor, pooling: Pooling) -> Tensor:
    """One vector from what a network says about many places.

    Args:
        output: ``(N, D)``, tokens ``(N, L, D)``, or a map ``(N, D, ...)`` of two or three axes.
        pooling: ``"cls"`` takes the first token, everything else the mean.

    Raises:
        ValueError: if a map should have a first token.

    Returns:
        ``(N, D)``.

    Example:
        >>> pool(torch.ones(2, 5, 8), "mean").shape
        torch.Size([2, 8])
        >>> pool(torch.ones(2, 8, 7, 7), "mean").shape
        torch.Size([2, 8])
    """
    if output.ndim == 2:
        return output
    if output.ndim == 3:
        return output[:, 0] if pooling == "cls" else output.mean(1)
    if pooling == "cls":
        raise ValueError(f"`pooling` cls takes the first of a row of tokens, got an output {tuple(output.shape)}")
    return output.flatten(2).mean(2)


def first_words(error: Exception) -> str:
    """What an error of another library says, on one line and cut off."""
    return " ".join(str(error).split())[:300]
