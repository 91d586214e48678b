"""A causal network on a stream of frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from segtcn.layers.single_frames import Ring, for_single_frames
from segtcn.models.base import SegmentationModel
from segtcn.structures import Output

LONG_CHUNK = 48
"""Frames from which on a chunk goes through the convolutions as such, the conversion of the states included."""


class NetworkStream:
    """A causal network on the frames of a stream, as they come.

    It gives the logits of :meth:`SegmentationModel.forward` on the whole, whatever the chunks. Single frames, and short
    chunks frame by frame, take a fraction of the time of :meth:`SegmentationModel.step`. Memory stays constant.

    The network's weights are read when the stream is made: make a new one after changing them.

    Args:
        net: a causal :class:`segtcn.models.SegmentationModel` in evaluation mode.
        batch_size: streams that run side by side.

    Raises:
        ValueError: if the network is not causal or in training mode.

    Example:
        >>> from segtcn.models import MSTCN, NetworkStream
        >>> net = MSTCN(in_channels=128, num_classes=11, causal=True).eval()
        >>> stream = NetworkStream(net)
        >>> stream.push(torch.zeros(1, 128, 5)).logits.shape
        torch.Size([4, 1, 11, 5])
        >>> saved = stream.state
        >>> stream.reset()
        >>> stream.state = saved  # continues where it was
    """

    def __init__(self, net: SegmentationModel, batch_size: int = 1) -> None:
        if net.training:
            raise ValueError("a stream needs a network in evaluation mode: call `net.eval()` first")
        self._net, self._batch_size = net, batch_size
        self._single = for_single_frames(net)
        self.reset()

    def reset(self) -> None:
        """Start again before the first frame."""
        self._state = self._single.initial_state(self._batch_size)

    @property
    def state(self) -> Any:
        """All that is remembered, as :meth:`SegmentationModel.step` has it: to copy, to save, and to set again.

        Raises:
            ValueError: when set, if it comes from another network or batch size.
        """
        return _map(lambda part: part.past() if isinstance(part, Ring) else part, self._state)

    @state.setter
    def state(self, state: Any) -> None:
        self._state = _map(_in_the_form_of, self._state, state)

    @torch.inference_mode()
    def push(self, features: Tensor) -> Output:
        """Score the next frames.

        Args:
            features: ``(B, D, n)`` with any ``n >= 1``.

        Returns:
            Logits ``(S, B, C, n)``.
        """
        num_frames = features.shape[-1]
        if num_frames == 1:
            # a copy: the ring keeps the frame, and the caller may reuse its memory
            output, self._state = self._single.step(features.clone(), self._state)
        elif num_frames < LONG_CHUNK:
            outputs = [self.push(frame) for frame in features.split(1, dim=-1)]
            output = Output(torch.cat([single.logits for single in outputs], dim=-1))
        else:
            output, self.state = self._net.step(features, self.state)
        return output


def _map(change: Callable[..., Any], state: Any, *others: Any) -> Any:
    """Change every part of a state that lists, tuples and dictionaries hold, beside the same parts of others."""
    if isinstance(state, dict):
        return {key: _map(change, *(part[key] for part in (state, *others))) for key in state}
    if isinstance(state, list | tuple):
        return type(state)(_map(change, *parts) for parts in zip(state, *others, strict=True))
    return change(state, *others)


def _in_the_form_of(part: Any, value: Any) -> Any:
    if not isinstance(part, Ring):
        return value
    expected = part.past().shape
    if value.shape != expected:
        raise ValueError(
            f"the state of a convolution must have the shape {tuple(expected)}, got {tuple(value.shape)}: it comes "
            "from another network or another batch size"
        )
    return Ring(value, len(part.rows))
