"""The nouns of the library: what a segment, a video, a batch and a network's output are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Rate = TypeVar("Rate", float, float | None)


class Segment(NamedTuple):
    """A maximal run of frames with one label, half-open: ``start <= t < stop``.

    Args:
        start: first frame.
        stop: the frame after the last one.
        label: class index.

    Example:
        >>> Segment(start=3, stop=5, label=2)._replace(stop=6)
        Segment(start=3, stop=6, label=2)
    """

    start: int
    stop: int
    label: int


class Video(NamedTuple):
    """One video as a reader returns it, at the rate of the stored features.

    Args:
        name: the name that splits, predictions and tables use.
        features: ``(D, T)`` float32.
        labels: class index of every frame, ``(T,)`` int64; None where there is no ground truth.
        source: the file the features came from, for error messages.
        targets: what a network learns in place of one label a frame, ``(C, T)`` float32: numbers, or 1 for each class
            that is present and 0 for the others; NaN where unknown. ``labels`` is then None.

    Example:
        >>> import torch
        >>> video = Video("P01_tea", torch.zeros(4, 3), torch.tensor([0, 0, 1]))
        >>> video.name, video.features.shape[1]
        ('P01_tea', 3)
    """

    name: str
    features: Tensor
    labels: Tensor | None = None
    source: str = ""
    targets: Tensor | None = None


class Batch(NamedTuple):
    """Videos padded to the length of the longest.

    Args:
        features: ``(B, D, T)`` float32, zero on padding.
        labels: ``(B, T)`` int64, :data:`IGNORE` on padding; None where a video has no ground truth.
        mask: ``(B, T)`` bool, True on real frames.
        names: name of each video, ``B`` of them.
        num_frames: frames of each video before ``sample_rate`` was applied, ``B`` of them.
        stored_labels: labels of each video before ``sample_rate`` was applied, ``B`` times ``(num_frames,)``, for
            protocols that score at that rate, or its targets, ``(C, num_frames)``; None where a video has no ground
            truth.
        targets: what the network learns in place of labels, ``(B, C, T)`` float32, NaN on padding; None where it
            learns labels.

    Example:
        >>> import torch
        >>> mask = torch.tensor([[True, True, True], [True, True, False]])
        >>> labels = torch.zeros(2, 3).long().masked_fill(~mask, IGNORE)
        >>> batch = Batch(torch.zeros(2, 4, 3), labels, mask, ["tea", "coffee"])
        >>> batch.labels
        tensor([[   0,    0,    0],
                [   0,    0, -100]])
    """

    features: Tensor
    labels: Tensor | None
    mask: Tensor
    names: Sequence[str] = ()
    num_frames: Sequence[int] = ()
    stored_labels: list[Tensor] | None = None
    targets: Tensor | None = None

    @property
    def num_known_frames(self) -> int:
        """Frames with a label, or with a target that is known."""
        if self.targets is not None:
            return int((~self.targets.isnan()).any(dim=1).sum())
        return 0 if self.labels is None else int((self.labels != IGNORE).sum())


class Tokens(NamedTuple):
    """What a stage says of M tokens, each of which stands for a segment or for nothing.

    Args:
        logits: of the class of a token, ``(B, M, C + 1)``; the last one is "no segment".
        reads: attention of the tokens to places of the video before the softmax, ``(B, M, P)``, or None.
        writes: attention of the places to the tokens before the softmax, ``(B, P, M)``, or None.
        places: the place of each frame, ``(B, T)`` int64; None: each frame is one.
        place_logits: of the class of a place that has several frames, ``(B, P, C)``, or None.
    """

    logits: Tensor
    reads: Tensor | None = None
    writes: Tensor | None = None
    places: Tensor | None = None
    place_logits: Tensor | None = None


class Output(NamedTuple):
    """What a network returns.

    Args:
        logits: scores before the softmax of every stage, ``(S, B, C, T)``; stage ``-1`` predicts.
        boundaries: logit of "a segment starts here" of every boundary stage, ``(S, B, T)``, or None.
        tokens: of the stages of a network that predicts a set of segments; ``tokens[s]`` belongs to ``logits[s]``.

    Example:
        >>> import torch
        >>> output = Output(torch.zeros(4, 1, 11, 9))  # 4 stages, 1 video, 11 classes, 9 frames
        >>> output.logits[-1].argmax(dim=1).shape
        torch.Size([1, 9])
    """

    logits: Tensor
    boundaries: Tensor | None = None
    tokens: Sequence[Tokens] | None = None


Target = Literal["single", "multi", "values"]
"""What a network gives for every frame: one class, several classes at a time, or numbers."""

IGNORE = -100
"""Label of frames that nobody annotated, and of padding: no loss of labels and no score counts it.

``torch.nn.CrossEntropyLoss`` ignores the same value.
"""


class Track(NamedTuple):
    """Labels that run beside others of the same video: of a hand, an animal, or of one behaviour that occurs or not.

    Args:
        name: of the track.
        class_names: of its classes; a frame has one of them.
        background: index of the class in which nothing of interest happens, or None.
        threshold: probability from which on a track that occurs or not occurs. A network has one output for it, and
            ``class_names`` are those of nothing and of the track. None: an output for each class, of which the largest
            counts.

    Example:
        >>> Track("left", ("rest", "reach")).num_outputs, Track("groom", ("background", "groom"), 0, 0.5).num_outputs
        (2, 1)
    """

    name: str
    class_names: tuple[str, ...]
    background: int | None = None
    threshold: float | None = None

    @property
    def num_outputs(self) -> int:
        """Outputs of a network for this track."""
        return len(self.class_names) if self.threshold is None else 1


def track_indexes(values: npt.NDArray[np.float32], tracks: Sequence[Track]) -> list[npt.NDArray[np.int64]]:
    """The class of every frame of every track.

    Args:
        values: probabilities or targets of all outputs, ``(C, T)``; NaN where unknown.
        tracks: whose outputs they are, one after the other.

    Returns:
        For each track ``(T,)``, :data:`IGNORE` where unknown.

    Example:
        >>> tracks = [Track("left", ("rest", "reach")), Track("groom", ("background", "groom"), 0, 0.5)]
        >>> track_indexes(np.array([[0.9, 0.2], [0.1, 0.8], [0.7, np.nan]]), tracks)
        [array([0, 1]), array([   1, -100])]
    """
    indexes, stops = [], np.cumsum([track.num_outputs for track in tracks])
    for track, group in zip(tracks, np.split(values, stops[:-1]), strict=True):
        chosen = group.argmax(axis=0) if track.threshold is None else (group[0] >= track.threshold).astype(np.int64)
        indexes.append(np.where(np.isnan(group).any(axis=0), IGNORE, chosen))
    return indexes


class Runs(NamedTuple):
    """Maximal runs of equal values, in time order and without gaps: the run-length encoding of frame labels.

    Args:
        starts: first frame of each run, ``(N,)`` int64.
        stops: frame after the last of each run, ``(N,)`` int64.
        values: value of each run, ``(N,)``.

    Example:
        >>> runs = find_runs([7, 7, 1])
        >>> runs.starts.tolist(), runs.stops.tolist(), runs.values.tolist()
        ([0, 2], [2, 3], [7, 1])
    """

    starts: npt.NDArray[np.int64]
    stops: npt.NDArray[np.int64]
    values: npt.NDArray[np.int64]


def is_rate(fps: float) -> bool:
    """Whether frames can have a rate: between 1e-9 and 1e9 a second, so that every time is finite.

    Args:
        fps: frames per second.

    Example:
        >>> is_rate(29.97), is_rate(0), is_rate(1e-320)
        (True, False, False)
    """
    return 1e-9 < fps < 1e9


def checked_rate(fps: Rate) -> Rate:
    """Frames per second as they are.

    Args:
        fps: frames per second; None where they are not known.

    Raises:
        ValueError: if frames cannot have that rate.
    """
    if fps is not None and not is_rate(fps):
        raise ValueError(f"`fps` must be positive, got {fps}")
    return fps


def find_runs(labels: npt.ArrayLike | Tensor) -> Runs:
    """Group equal neighbouring values.

    Args:
        labels: a value for every frame, ``(T,)``: an array, a sequence or a tensor on the CPU.

    Returns:
        The runs; none for ``T = 0``.

    Raises:
        ValueError: if ``labels`` is not one-dimensional.

    Example:
        >>> find_runs([0, 0, 2, 2]).stops.tolist()
        [2, 4]
    """
    values = np.asarray(labels)
    if values.ndim != 1:
        raise ValueError(f"`labels` must have the shape (T,), got {values.shape}")
    if not len(values):
        return Runs(np.zeros(0, np.int64), np.zeros(0, np.int64), values)
    starts = np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)
    return Runs(starts, np.append(starts[1:], len(values)), values[starts])


def frames_to_segments(labels: npt.ArrayLike | Tensor) -> list[Segment]:
    """Group equal neighbouring labels into segments.

    Args:
        labels: class index of every frame, ``(T,)``: an array, a sequence or a tensor on the CPU.

    Returns:
        The maximal runs in time order, each with ``start``, ``stop`` (exclusive) and ``label``; empty for ``T = 0``.

    Raises:
        ValueError: if ``labels`` is not one-dimensional.

    Example:
        >>> frames_to_segments([0, 0, 2, 2])
        [Segment(start=0, stop=2, label=0), Segment(start=2, stop=4, label=2)]
    """
    runs = find_runs(labels)
    return [Segment(*run) for run in zip(*(values.tolist() for values in runs), strict=True)]


def repeat_frames(x: Tensor, sample_rate: int, num_frames: int) -> Tensor:
    """Undo sub-sampling by repetition: frame t of the result is frame ``t // sample_rate`` of ``x``.

    Args:
        x: ``(..., ceil(num_frames / sample_rate))``.
        sample_rate: one frame in this many was kept.
        num_frames: length of the result.

    Returns:
        ``(..., num_frames)``.

    Raises:
        ValueError: if ``x`` has another length than sub-sampling gives.

    Example:
        >>> import torch
        >>> repeat_frames(torch.tensor([4, 7]), sample_rate=3, num_frames=5)
        tensor([4, 4, 4, 7, 7])
    """
    if x.shape[-1] != -(-num_frames // sample_rate):
        raise ValueError(
            f"every {sample_rate}th of {num_frames} frames makes {-(-num_frames // sample_rate)}, got {x.shape[-1]}"
        )
    return x.repeat_interleave(sample_rate, dim=-1)[..., :num_frames]
