"""What is known of an exported file: that it was run, on what, and how far it is from the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.segmenter.export.onnx_runtime import first_line
from segtcn.segmenter.export.traced import State, WholeVideos, zero_states
from segtcn.segmenter.segmenter import Segmenter

TOLERANCE = 1e-4
"""Largest difference of a score that an export may have; usual are 1e-7 to 1e-6."""

SIZES = ((1, 1), (2, 7), (3, 64), (1, 331))
"""Videos and frames of every check."""

PT2_SIZES = ((1, 2), *SIZES[1:])
"""``torch.export`` takes one frame for a special case."""

CHUNKS = ((1,), (5, 1, 2, 40), (64,))
"""Frames of the chunks of a stream, again and again."""

Runner = Callable[[Sequence[npt.NDArray[np.float32]]], Sequence[npt.NDArray[np.float32]]]


class Certificate(NamedTuple):
    """The check that an exported file passed before it got its name.

    Args:
        format: ``onnx`` or ``pt2``.
        network: its class.
        streaming: whether states are inputs and outputs.
        opset: version of ONNX's operators; None of pt2.
        runtime: what ran the file, with its version.
        sizes: videos and frames of every check.
        chunks: frames of the chunks of a stream.
        max_difference: largest absolute difference between the file's scores and the network's.
    """

    format: str
    network: str
    streaming: bool
    opset: int | None
    runtime: str
    sizes: tuple[tuple[int, int], ...]
    chunks: tuple[tuple[int, ...], ...]
    max_difference: float

    def __str__(self) -> str:
        sizes = ", ".join(f"{videos} x {frames}" for videos, frames in self.sizes)
        opset = "" if self.opset is None else f", opset {self.opset}"
        chunks = f" in {len(self.chunks)} chunkings" if self.streaming else ""
        return (
            f"{self.network} as {self.format}{opset}: scores of {sizes} videos x frames{chunks} differ by at most "
            f"{self.max_difference:.1e} from the network's, run by {self.runtime}"
        )


def largest_difference(
    segmenter: Segmenter, run: Runner, traced: WholeVideos, sizes: Sequence[tuple[int, int]], path: object
) -> float:
    """Run an exported file on videos of several sizes, a streaming one in several chunkings.

    Args:
        segmenter: what was exported.
        run: the file: from inputs to outputs, states last.
        traced: the module that was exported.
        sizes: videos and frames of every check.
        path: for messages.

    Returns:
        The largest absolute difference of the scores.

    Raises:
        ValueError: if the file cannot be run on one of the sizes, or differs by more than :data:`TOLERANCE`.
    """
    largest = 0.0
    for number, (videos, frames) in enumerate(sizes):
        features = _features(segmenter, videos, frames, seed=number)
        with torch.inference_mode():
            expected = segmenter(features).logits[-1].softmax(dim=1).numpy()
        for chunks in CHUNKS if traced.streaming else ((frames,),):
            try:
                parts = [*_run_chunks(run, traced.states, features, chunks)]
            except Exception as error:  # runtimes have many kinds of their own
                raise ValueError(
                    f"{path} was not written: exported, {type(segmenter.net).__name__} cannot be run on {videos} "
                    f"videos of {frames} frames ({first_line(error)})"
                ) from error
            scores = np.concatenate(parts, axis=-1)
            difference = float(np.abs(scores - expected).max()) if scores.shape == expected.shape else np.inf
            if not difference <= TOLERANCE:
                raise ValueError(
                    f"{path} was not written: exported, {type(segmenter.net).__name__} gives other scores for {videos} "
                    f"videos of {frames} frames: they differ by {difference:.1e}, and {TOLERANCE} is allowed"
                )
            largest = max(largest, difference)
    return largest


def _features(segmenter: Segmenter, videos: int, frames: int, seed: int) -> Tensor:
    """Features with the mean and deviation of those that the network was trained on."""
    noise = torch.randn(videos, segmenter.net.in_channels, frames, generator=torch.Generator().manual_seed(seed))
    return noise * segmenter.standardization.std[:, None] + segmenter.standardization.mean[:, None]


def _run_chunks(
    run: Runner, states: tuple[State, ...], features: Tensor, chunks: Sequence[int]
) -> Iterator[npt.NDArray[np.float32]]:
    """The scores of every chunk."""
    state = [part.numpy() for part in zero_states(states, len(features))]
    start = turn = 0
    while start < features.shape[-1]:
        stop = start + chunks[turn % len(chunks)]
        outputs = run([features[..., start:stop].numpy(), *state])
        yield outputs[0]
        state = list(outputs[len(outputs) - len(state) :])
        start, turn = stop, turn + 1
