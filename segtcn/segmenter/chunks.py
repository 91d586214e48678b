"""Videos as they are stored, in memory or in a file; chunk by chunk with the context that makes the result exact."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.arrays import open_features
from segtcn.models.base import SegmentationModel
from segtcn.structures import Output

Features: TypeAlias = Tensor | npt.NDArray[Any] | str | os.PathLike[str]
"""Of one video, ``(D, T)``, or the file that holds them."""

CHUNK = 8192
"""Frames of a chunk where a video is too long to be segmented at once."""

WHOLE = 32_768
"""Up to so many frames that the network sees, a video is segmented at once."""


def chunked_output(net: SegmentationModel, read: Callable[[int, int], Tensor], num_frames: int, chunk: int) -> Output:
    """Output of the last stage for a whole video, computed chunk by chunk; equal to that of the video at once.

    A causal network continues from its state, as does a sequence of layers if the chunk is longer than what the network
    sees to the right. Otherwise each chunk is extended by the network's receptive field and begins at a multiple of its
    pooling. Padding therefore stands only where the video itself begins and ends.

    Args:
        net: causal, or with a finite receptive field.
        read: gives the frames ``start .. stop`` that the network sees, standardised, ``(1, D, n)``.
        num_frames: T, of the whole video.
        chunk: frames of a chunk, context apart.

    Returns:
        Logits ``(1, 1, C, T)`` and, where the network has them, boundaries ``(1, 1, T)``, on the CPU.

    Raises:
        ValueError: if the network sees the whole video, or ``chunk`` is smaller than its pooling.
    """
    past, future = net.receptive_field
    if net.causal:
        return _streamed_output(net, read, num_frames, chunk)
    if past is None or future is None:
        raise ValueError(
            f"{type(net).__name__} sees the whole video, so no chunk of it gives the same result: leave `chunk` "
            "out, or set `approximate`"
        )
    if chunk < net.period:
        raise ValueError(f"`chunk` must be at least {net.period} frames, the pooling of the network, got {chunk}")
    if net.is_sequence and chunk > future:
        frames = (read(start, min(start + chunk, num_frames)) for start in range(0, num_frames, chunk))
        return _join([_last_stage(output, 0, output.logits.shape[-1]) for output in net.score_chunks(frames)])
    parts = []
    for start in range(0, num_frames, chunk):
        stop = min(start + chunk, num_frames)
        first = max(0, start - past) // net.period * net.period
        output = net(read(first, min(num_frames, stop + future)))
        parts.append(_last_stage(output, start - first, stop - first))
    return _join(parts)


def blended_output(net: SegmentationModel, read: Callable[[int, int], Tensor], num_frames: int, chunk: int) -> Output:
    """Approximate output of a network that sees the whole video: overlapping windows, cross-faded.

    Neighbouring windows share a quarter of their frames, over which the weight of the log-probabilities moves from one
    to the other.

    Args:
        net: any network without boundaries.
        read: gives the frames ``start .. stop`` that the network sees, standardised, ``(1, D, n)``.
        num_frames: T, of the whole video.
        chunk: frames of a window.

    Returns:
        Log-probabilities ``(1, 1, C, T)`` as logits, on the CPU.
    """
    overlap = max(1, chunk // 4)
    total, weights = torch.zeros(1, 1, net.num_classes, num_frames), torch.zeros(num_frames)
    for start in range(0, max(1, num_frames - overlap), max(1, chunk - overlap)):
        stop = min(start + chunk, num_frames)
        output = net(read(start, stop))
        if output.boundaries is not None:
            raise ValueError(f"{type(net).__name__} predicts boundaries, which cannot be blended: use a shorter video")
        log_probs = output.logits[-1:].log_softmax(dim=2).cpu().float()
        frames = torch.arange(start, stop)
        fade_in = (frames - start + 1) / (overlap + 1) if start else torch.ones(len(frames))
        fade_out = (stop - frames) / (overlap + 1) if stop < num_frames else torch.ones(len(frames))
        weight = torch.minimum(fade_in, fade_out).clamp(max=1)
        total[..., start:stop] += weight * log_probs
        weights[start:stop] += weight
    return Output(total / weights)


def _streamed_output(net: SegmentationModel, read: Callable[[int, int], Tensor], num_frames: int, chunk: int) -> Output:
    """A causal network: its state is the context, so that no frame is computed twice."""
    state, parts = net.initial_state(), []
    for start in range(0, num_frames, chunk):
        stop = min(start + chunk, num_frames)
        output, state = net.step(read(start, stop), state)
        parts.append(_last_stage(output, 0, stop - start))
    return _join(parts)


def _last_stage(output: Output, start: int, stop: int) -> Output:
    boundaries = None if output.boundaries is None else output.boundaries[-1:, :, start:stop].cpu()
    return Output(output.logits[-1:, :, :, start:stop].cpu(), boundaries)


def _join(parts: list[Output]) -> Output:
    boundaries = [part.boundaries for part in parts if part.boundaries is not None]
    return Output(torch.cat([part.logits for part in parts], dim=-1), torch.cat(boundaries, -1) if boundaries else None)


class StoredVideo:
    """The frames of one video that a network sees, every ``rate``-th of those that are stored.

    Args:
        features: of the video.
        rate: 1 for all frames.
        like: a tensor of as many values as a frame has, ``(D,)``, and of the type and device that frames get.

    Raises:
        ValueError: if the features have another shape than ``(D, T)`` with ``T >= 1``.
    """

    def __init__(self, features: Features, rate: int, like: Tensor) -> None:
        self._features, self._rate, self._like = features, rate, like
        shape = tuple(self._open().shape)
        if len(shape) != 2 or shape[0] != len(like) or shape[1] == 0:
            remedy = "; these are stored as (T, D), give their `.T`" if shape[1:] == (len(like),) else ""
            raise ValueError(
                f"`features` must have the shape ({len(like)}, T) with T >= 1, got {shape}: the network was trained "
                f"with features {len(like)} wide{remedy}"
            )
        self.num_stored = shape[1]
        self.num_frames = -(-self.num_stored // rate)

    def _open(self) -> Tensor | npt.NDArray[Any]:
        """The features as they are, or those of a file, mapped: what was read leaves the memory with the map."""
        if isinstance(self._features, str | os.PathLike):
            return open_features(self._features)
        return self._features

    def read(self, start: int, stop: int) -> Tensor:
        """Frames ``start .. stop`` of those that the network sees, ``(D, n)``.

        Raises:
            ValueError: if a value is not finite.
        """
        rate = self._rate
        frames = as_frames(self._open()[:, start * rate : stop * rate : rate], self._like)
        if not frames.isfinite().all():
            frame = (start + int((~frames.isfinite()).any(dim=0).nonzero()[0])) * rate
            raise ValueError(f"`features` must be finite, got NaN or infinity in frame {frame}")
        return frames


def as_frames(features: Tensor | npt.NDArray[Any], like: Tensor) -> Tensor:
    """Features of the type and device of ``like``.

    Raises:
        ValueError: if they are not real numbers.
    """
    if not isinstance(features, Tensor):
        array = np.asarray(features)
        if array.dtype.kind not in "fiu":
            raise ValueError(f"`features` must be real numbers, got {array.dtype}")
        # what PyTorch can read: mapped files cannot be written to, some have the other order of bytes
        kind = np.float64 if array.dtype.itemsize > 4 else np.float32
        features = torch.as_tensor(np.require(array, kind, ("C", "W")))
    if features.is_complex():
        raise ValueError(f"`features` must be real numbers, got {features.dtype}")
    return features.to(like)
