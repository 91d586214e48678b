"""Training from time stamps: one labelled frame a segment, the others get labels from the network's own output."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from segtcn.losses.functional import _check, _fill_padding
from segtcn.losses.modules import CrossEntropy, LabelCounts, Loss, LossSum, TruncatedMSE, _labels_of
from segtcn.structures import IGNORE, Batch, Output


def labels_between_stamps(features: Tensor, stamps: Tensor) -> Tensor:
    r"""Label the frames between time stamps: the action changes where that costs the least energy.

    .. math:: b_i = \arg\min_b \sum_{t = b_{i-1}}^{b - 1} \lVert h_t - c_i \rVert
        + \sum_{t = b}^{s_{i+1}} \lVert h_t - c_{i+1} \rVert

    with :math:`s_i < b \le s_{i+1}` and :math:`c` the mean of the features of each sum. This is done from the first
    stamp to the last, and from the last to the first; the change is in the middle between the two results. Frames
    before the first stamp have its label, those after the last that of the last.

    Args:
        features: :math:`h`, ``(D, T)``, such as the output of a network.
        stamps: class index of the frames that are labelled, :data:`~segtcn.structures.IGNORE` in all others, ``(T,)``.
            Each segment has at least one labelled frame.

    Returns:
        A class index of every frame, ``(T,)``; labelled frames keep theirs. All are ignored if no frame is labelled.

    Example:
        >>> stamps = torch.tensor([IGNORE, 2, IGNORE, IGNORE, IGNORE, 5])
        >>> labels_between_stamps(torch.tensor([[0.0, 0.0, 0.0, 9.0, 9.0, 9.0]]), stamps)
        tensor([2, 2, 2, 5, 5, 5])

    Reference:
        Li, Abu Farha, Gall: "Temporal Action Segmentation from Timestamp Supervision", CVPR 2021, section 3.

        Differs from the authors' code: frames before the earlier stamp count in the energy, as in the paper's equation;
        in the code they only enter the mean.
    """
    frames = (stamps != IGNORE).nonzero()[:, 0]
    if not len(frames):
        return stamps
    known = stamps[frames]
    changes = (known[1:] != known[:-1]).nonzero()[:, 0]
    places = [(int(frames[change]), int(frames[change + 1])) for change in changes]
    values, last = features.T.double().cpu(), len(stamps) - 1
    forward = _changes(values, places)
    backward = _changes(values.flip(0), [(last - after, last - before) for before, after in reversed(places)])
    starts = [(one + last + 1 - other) // 2 for one, other in zip(forward, reversed(backward), strict=True)]
    bounds = [0, *starts, len(stamps)]
    lengths = torch.tensor([stop - start for start, stop in pairwise(bounds)], device=stamps.device)
    return known[torch.cat([changes, changes.new_tensor([len(known) - 1])])].repeat_interleave(lengths)


def _changes(features: Tensor, places: list[tuple[int, int]]) -> list[int]:
    """The first frame after each change, each of which lies between two labelled frames, from the first to the last.

    Args:
        features: ``(T, D)``.
        places: last frame before, and first frame after each change that are labelled.
    """
    starts = [0]
    for before, after in places:
        window = features[starts[-1] : after + 1]
        sizes = torch.arange(before + 1, after + 1) - starts[-1]  # frames of the first part
        sums = window.cumsum(0)
        first = sums[sizes - 1]
        to_first = torch.cdist(window, first / sizes[:, None])
        to_second = torch.cdist(window, (sums[-1] - first) / (len(window) - sizes)[:, None])
        energy = torch.where(torch.arange(len(window))[:, None] < sizes, to_first, to_second).sum(dim=0)
        starts.append(starts[-1] + int(sizes[energy.argmin()]))
    return starts[1:]


def confidence_loss(logits: Tensor, stamps: Tensor, mask: Tensor) -> Tensor:
    r"""How much the probability of a time stamp's class rises with the distance from the stamp.

    .. math:: \frac{1}{2 (s_N - s_1)} \sum_i \Bigl(
        \sum_{t = s_{i-1}}^{s_i - 1} \max(0, \log p_t(a_i) - \log p_{t+1}(a_i)) +
        \sum_{t = s_i}^{s_{i+1} - 1} \max(0, \log p_{t+1}(a_i) - \log p_t(a_i)) \Bigr)

    with the stamps of a video at :math:`s_1 < \dots < s_N`, of classes :math:`a`, averaged over the pairs of frames
    between the stamps of all videos.

    Args:
        logits: ``(B, C, T)``.
        stamps: class index of labelled frames, :data:`~segtcn.structures.IGNORE` in all others, ``(B, T)`` int64.
        mask: True on real frames, ``(B, T)``.

    Returns:
        A scalar; 0 if no video has two stamps.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> logits = torch.tensor([[[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]]])
        >>> stamps = torch.tensor([[0, IGNORE, IGNORE, 1]])
        >>> confidence_loss(logits, stamps, torch.ones(1, 4, dtype=torch.bool))  # falls from each stamp on
        tensor(0.)

    Reference:
        Li, Abu Farha, Gall: "Temporal Action Segmentation from Timestamp Supervision", CVPR 2021, section 3.
    """
    _check(logits, stamps, mask)
    known = mask & (stamps != IGNORE)
    rises = _fill_padding(logits, mask).log_softmax(dim=1).diff(dim=-1)  # (B, C, T - 1)
    num_frames = stamps.shape[-1]
    frames = torch.arange(num_frames, device=stamps.device)
    last = torch.where(known, frames, -1).cummax(1).values[:, :-1]  # the stamp at or before the first of a pair
    following = torch.where(known, frames, num_frames).flip(1).cummin(1).values.flip(1)[:, 1:]
    pairs = (last >= 0) & (following < num_frames)

    def rise(places: Tensor) -> Tensor:
        classes = stamps.gather(1, places.clamp(0, num_frames - 1)).masked_fill(~pairs, 0)
        return rises.gather(1, classes[:, None])[:, 0]

    risen = (rise(last).clamp_min(0) + (-rise(following)).clamp_min(0)) * pairs
    return risen.sum() / (2 * pairs.sum()).clamp_min(1)


class Timestamps(Loss):
    """Learn from one labelled frame a segment: :func:`labels_between_stamps`, and :func:`confidence_loss`.

    Labels come from the logits of the last stage, anew in every step. Until then only the time stamps count. A video
    that is labelled in full keeps its labels.

    Args:
        loss: of the labels; None is that of MS-TCN, cross-entropy and 0.15 times :class:`TruncatedMSE`.
        confidence: weight of the confidence loss of every stage.
        warm_up: epochs in which only the time stamps are labels.

    Raises:
        ValueError: if an argument is negative; in training, if a class has no time stamp.

    Example:
        >>> batch = Batch(torch.zeros(1, 2, 3), torch.tensor([[0, IGNORE, 3]]), torch.ones(1, 3, dtype=torch.bool))
        >>> Timestamps(warm_up=0)(Output(torch.zeros(2, 1, 4, 3)), batch)
        tensor(2.7726)

    Reference:
        Li, Abu Farha, Gall: "Temporal Action Segmentation from Timestamp Supervision", CVPR 2021. They train 50 epochs,
        the first 30 with the time stamps only.

        Differs from the authors' code: the energy is that of the logits, which every network has, not of the features
        before them.
    """

    def __init__(self, loss: Loss | None = None, confidence: float = 0.075, warm_up: int = 30) -> None:
        super().__init__()
        if not confidence >= 0 or warm_up < 0:
            raise ValueError(f"`confidence` and `warm_up` must not be negative, got {confidence} and {warm_up}")
        self.loss = loss or LossSum([CrossEntropy(), TruncatedMSE()], [1.0, 0.15])
        self.confidence, self.warm_up = confidence, warm_up

    def fit_statistics(self, data: LabelCounts) -> None:
        """Refuse training labels in which a class has no time stamp."""
        frames_per_class = data.label_statistics()[0]
        if not frames_per_class.all():
            absent = (frames_per_class == 0).nonzero()[:, 0].tolist()
            raise ValueError(
                f"no training video has a time stamp of {len(absent)} classes, with the indexes {absent}: the network "
                "would not learn them; label a frame of each, or take them out of the list of classes"
            )
        super().fit_statistics(data)

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        stamps = _labels_of(batch)
        if self.epoch >= self.warm_up:
            labels = stamps.clone()
            for video, mask in enumerate(batch.mask):
                labels[video, mask] = labels_between_stamps(
                    output.logits[-1, video, :, mask].detach(), stamps[video, mask]
                )
            batch = batch._replace(labels=labels)
        confidence = torch.stack([confidence_loss(logits, stamps, batch.mask) for logits in output.logits]).sum()
        return self.loss(output, batch) + self.confidence * confidence
