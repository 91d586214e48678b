"""Labels while a video is running: any number of frames at a time, standardised and sub-sampled as in training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segtcn.labels import Labels
from segtcn.models import NetworkStream
from segtcn.models.base import SegmentationModel, check_sizes
from segtcn.segmenter.chunks import as_frames
from segtcn.structures import Output

if TYPE_CHECKING:
    from segtcn.segmenter.segmenter import Segmenter


class Stream:
    """A segmenter that reads a video frame by frame; its labels, put together, are those of ``predict``.

    A causal network answers for every frame at once. Another network with a finite receptive field answers
    :attr:`lookahead` frames later, and computes a window of context at every push: push many frames at a time.

    Args:
        segmenter: in evaluation mode.
        batch_size: videos that run in parallel, B.
        on_nan: what to do about a frame with NaN or infinity: ``error``, or ``hold`` the frame before it.

    Raises:
        ValueError: if the network sees the whole video, or decodes it as a whole, or ``batch_size`` is below 1.

    Example:
        >>> from segtcn.models import CausalTCN
        >>> from segtcn.segmenter import Segmenter
        >>> stream = Stream(Segmenter(CausalTCN(in_channels=8, num_classes=2), ["rest", "work"], fps=15).eval())
        >>> [len(stream.push(np.zeros((8, n), np.float32))) for n in (1, 5, 2)]
        [1, 5, 2]
    """

    def __init__(self, segmenter: Segmenter, batch_size: int = 1, on_nan: Literal["error", "hold"] = "error") -> None:
        if on_nan not in ("error", "hold"):
            raise ValueError(f"`on_nan` must be 'error' or 'hold', got {on_nan!r}")
        check_sizes(batch_size=batch_size)
        segmenter.require_labels()
        past, future = segmenter.net.receptive_field
        if not segmenter.net.causal and (past is None or future is None):
            raise ValueError(
                f"{type(segmenter.net).__name__} sees the whole video and cannot stream: train a causal network"
            )
        if not segmenter.net.decodes_frames:
            raise ValueError(f"{type(segmenter.net).__name__} refines labels of a whole video and cannot stream")
        self.segmenter, self.batch_size, self.on_nan = segmenter, batch_size, on_nan
        self._causal = NetworkStream(segmenter.net, batch_size) if segmenter.net.causal else None
        self.reset()

    def reset(self) -> None:
        """Begin anew: the next frame is the first of a video."""
        net = self.segmenter.net
        self._num_pushed = self._num_seen = self._num_scored = self._num_answered = 0
        if self._causal is not None:
            self._causal.reset()
        device = self.segmenter.standardization.mean.device
        self._context = torch.zeros(self.batch_size, net.in_channels, 0, device=device)
        self._scores = torch.zeros(self.batch_size, net.num_classes, 0)  # of frames that are not all answered
        self._last: Tensor | None = None

    @property
    def lookahead(self) -> int:
        """Stored frames that must follow a frame before its label is known; 0 for a causal network."""
        future = 0 if self.segmenter.net.causal else self.segmenter.net.receptive_field[1] or 0
        return future * self.segmenter.sample_rate

    def push(self, features: Tensor | npt.NDArray[Any]) -> Labels | None:
        """Read the next frames of one video.

        Args:
            features: stored frames, ``(D, n)`` with any ``n >= 1``.

        Returns:
            Labels of the frames that are decided by now and were not answered before: of a causal network, n frames.
            None if no frame is decided.

        Raises:
            ValueError: if the shape does not fit, the values are not real numbers, or one is not finite and
                ``on_nan`` is ``error``.
        """
        return _only(self.push_batch(as_frames(features, self.segmenter.standardization.mean)[None]))

    @torch.inference_mode()
    def push_batch(self, features: Tensor | npt.NDArray[Any]) -> list[Labels]:
        """Read the next frames of B videos, ``(B, D, n)``; returns the labels of each, or none, as :meth:`push`."""
        frames = self._checked(as_frames(features, self.segmenter.standardization.mean))
        rate = self.segmenter.sample_rate
        sampled = frames[..., -self._num_pushed % rate :: rate]
        self._num_pushed += frames.shape[-1]
        if sampled.shape[-1]:
            self._score(self.segmenter.standardization(sampled), is_last=False)
        return self._answer()

    def finish(self) -> Labels | None:
        """End the video: labels of the frames that waited for others; None of a causal network.

        The next frame is the first of another video.
        """
        return _only(self.finish_batch())

    @torch.inference_mode()
    def finish_batch(self) -> list[Labels]:
        """End B videos, as :meth:`finish`."""
        if self._num_scored < self._num_seen:
            self._score(self._context[..., :0], is_last=True)
        answers = self._answer()
        self.reset()
        return answers

    def state(self) -> dict[str, Any]:
        """All that the stream remembers, as plain values that ``torch.load(weights_only=True)`` reads."""
        counts = [self._num_pushed, self._num_seen, self._num_scored, self._num_answered]
        net = None if self._causal is None else self._causal.state
        tensors = {"net": net, "context": self._context, "scores": self._scores, "last": self._last}
        return {"segmenter": self._identity, "counts": counts, **tensors}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state` of a stream of the same segmenter and batch size.

        Raises:
            ValueError: if the state is of another network or batch size, or not of a stream.
        """
        if not isinstance(state, dict) or "segmenter" not in state:
            raise ValueError(f"expected what `state()` of a stream gave, got {state!r:.80}")
        if state["segmenter"] != self._identity or state["scores"].shape[:2] != self._scores.shape[:2]:
            raise ValueError("the state belongs to a stream of another network or batch size")
        self.reset()
        if self._causal is not None:
            self._causal.state = state["net"]
        self._num_pushed, self._num_seen, self._num_scored, self._num_answered = state["counts"]
        self._context, self._scores, self._last = (state[name] for name in ("context", "scores", "last"))

    @property
    def _identity(self) -> str:
        """Of the segmenter: the state of another one often has the same shape."""
        net, rate = self.segmenter.net, self.segmenter.sample_rate
        return json.dumps([type(net).__name__, net.spec, rate, self.segmenter.digest()])  # lists for tuples

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.reset()

    def _checked(self, frames: Tensor) -> Tensor:
        net = self.segmenter.net
        if frames.ndim != 3 or frames.shape[:2] != (self.batch_size, net.in_channels) or not frames.shape[2]:
            raise ValueError(
                f"`features` must have the shape ({self.batch_size}, {net.in_channels}, n) with n >= 1, "
                f"got {tuple(frames.shape)}"
            )
        finite = frames.isfinite().all(dim=1)
        if not finite.all():
            number = self._num_pushed + int((~finite).any(dim=0).nonzero()[0])
            if self.on_nan == "error":
                raise ValueError(f"`features` must be finite, got NaN or infinity in frame {number}")
            frames = self._hold(frames, finite)
        self._last = frames[..., -1:] if self.on_nan == "hold" else None
        return frames

    def _hold(self, frames: Tensor, finite: Tensor) -> Tensor:
        """Frames that are not finite replaced by the one before them, the first of all by zeros."""
        before = torch.zeros_like(frames[..., :1]) if self._last is None else self._last
        known = torch.cat([before, frames], dim=-1)
        place = torch.arange(1, known.shape[-1], device=frames.device).expand_as(finite)
        source = torch.where(finite, place, 0).cummax(dim=-1).values
        return known.gather(2, source[:, None].expand_as(frames))

    def _score(self, frames: Tensor, is_last: bool) -> None:
        """Scores of all network frames that the given ones decide."""
        net = self.segmenter.net
        self._num_seen += frames.shape[-1]
        if self._causal is not None:
            self._add(self._causal.push(frames), 0, frames.shape[-1])
            return
        past, future = net.receptive_field
        self._context = torch.cat([self._context, frames], dim=-1)
        first = self._num_seen - self._context.shape[-1]
        stop = self._num_seen if is_last else self._num_seen - (future or 0)
        if stop > self._num_scored:
            output = net(self._context)
            self._add(output, self._num_scored - first, stop - first)
        keep = max(first, (max(0, self._num_scored - (past or 0))) // net.period * net.period)
        self._context = self._context[..., keep - first :]

    def _add(self, output: Output, start: int, stop: int) -> None:
        scores = output.logits[-1, ..., start:stop].softmax(dim=1).cpu()
        self._scores = torch.cat([self._scores, scores], dim=-1)
        self._num_scored += stop - start

    def _answer(self) -> list[Labels]:
        rate = self.segmenter.sample_rate
        stop = min(self._num_pushed, self._num_scored * rate)
        if stop == self._num_answered:
            return []
        first = self._num_scored - self._scores.shape[-1]
        numbers = torch.arange(self._num_answered, stop) // rate - first
        scores = self._scores[..., numbers]
        self._num_answered = stop
        self._scores = self._scores[..., stop // rate - first :]
        indexes = scores.argmax(dim=1)
        classes, fps = self.segmenter.classes, self.segmenter.fps
        return [
            Labels(index.numpy(), classes, fps, np.asarray(score), "stream")
            for index, score in zip(indexes, scores, strict=True)
        ]


def _only(answers: list[Labels]) -> Labels | None:
    return answers[0] if answers else None


@torch.inference_mode()
def spoken_labels(segmenter: Segmenter, features: Tensor) -> npt.NDArray[np.int64]:
    """The label of every frame that the network sees, when 0, 1, ... F frames after it are known.

    For every moment n, the network is run on the frames up to n, cut on the left where its receptive field ends: exact,
    at the price of one run for each frame. F is the network's look-ahead, or T - 1 if it sees all frames. Beyond the
    end of the video nothing changes any more.

    Args:
        segmenter: in evaluation mode.
        features: a whole video, as stored, ``(D, T)``.

    Returns:
        Class indexes, ``(T', F + 1)`` with ``T' = ceil(T / sample_rate)``. The last column is the label that
        ``predict`` gives.

    Example:
        >>> from segtcn.models import CausalTCN
        >>> from segtcn.segmenter import Segmenter
        >>> segmenter = Segmenter(CausalTCN(in_channels=8, num_classes=2), fps=15, sample_rate=3).eval()
        >>> spoken_labels(segmenter, torch.zeros(8, 10)).shape
        (4, 1)
    """
    net = segmenter.net
    sampled = features[:, :: segmenter.sample_rate].to(segmenter.standardization.mean)
    frames = segmenter.standardization(sampled[None])
    num_frames = frames.shape[-1]
    past, future = net.receptive_field
    if net.causal:
        return net.decode(net(frames))[0, :, None].cpu().numpy()
    if type(net).decode is not SegmentationModel.decode:  # it looks at all frames
        past = future = None
    future = num_frames - 1 if future is None else min(future, num_frames - 1)
    answers = np.zeros((num_frames, future + 1), np.int64)
    for now in range(num_frames):
        first = 0 if past is None else max(0, now - future - past) // net.period * net.period
        labels = net.decode(net(frames[..., first : now + 1]))[0].cpu().numpy()
        oldest = max(0, now - future)
        # frame t is `now - t` frames old
        answers[np.arange(oldest, now + 1), now - np.arange(oldest, now + 1)] = labels[oldest - first :]
    for t in range(num_frames - future, num_frames):
        answers[t, num_frames - t :] = answers[t, num_frames - 1 - t]
    return answers
