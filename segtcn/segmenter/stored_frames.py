"""Frames of features as they are stored: in memory, or in a file of which one chunk at a time is read."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.arrays import open_array


def open_features(features: Tensor | npt.NDArray[Any] | str | os.PathLike[str]) -> Tensor | npt.NDArray[Any]:
    """Features as they are, or those of a file, mapped: what was read leaves the memory with the map."""
    if isinstance(features, str | os.PathLike):
        return open_array(features, ndim=2, kinds="fiu", content="features, numbers (D, T)")
    return features


def check_shape(shape: tuple[int, ...], width: int) -> None:
    """Refuse features of another shape than ``(width, T)``.

    Raises:
        ValueError: if they have another.
    """
    if len(shape) != 2 or shape[0] != width or shape[1] == 0:
        raise ValueError(
            f"`features` must have the shape ({width}, T) with T >= 1, got {shape}; features stored as (T, D) need `.T`"
        )


def sampled(stored: Tensor | npt.NDArray[Any], start: int, stop: int, rate: int, like: Tensor) -> Tensor:
    """Frames ``start .. stop`` of those that a network sees, every ``rate``-th, ``(D, n)``, of the type of ``like``.

    Raises:
        ValueError: if one is not finite.
    """
    part = stored[:, start * rate : stop * rate : rate]
    if not isinstance(part, Tensor):
        # what PyTorch can read: mapped files cannot be written to, some have the other order of bytes
        kind = np.float64 if part.dtype.itemsize > 4 else np.float32
        part = torch.as_tensor(np.require(part, kind, ("C", "W")))
    frames = part.to(like)
    if not frames.isfinite().all():
        frame = (start + int((~frames.isfinite()).any(dim=0).nonzero()[0])) * rate
        raise ValueError(f"`features` must be finite, got NaN or infinity in frame {frame}")
    return frames
