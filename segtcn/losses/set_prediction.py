"""Losses of tokens that each stand for a segment: the segment of each token, its class, and what it attends to."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.losses.functional import truncated_mse
from segtcn.losses.modules import Loss, _labels_of, _positive
from segtcn.structures import IGNORE, Batch, Output, Tokens, find_runs


class TrueSegments(NamedTuple):
    """The segments of one video.

    Args:
        frames: 1 on the frames of each segment, ``(T, S)``.
        classes: of each segment, ``(S,)`` int64.
    """

    frames: Tensor
    classes: Tensor

    @classmethod
    def from_labels(cls, labels: Tensor) -> TrueSegments:
        """Runs of equal labels ``(T,)``, without those that are not annotated."""
        runs = find_runs(labels.cpu())
        spans = [run for run in zip(*runs, strict=True) if run[2] != IGNORE]
        starts, stops, classes = (
            torch.tensor([span[i] for span in spans], dtype=torch.int64, device=labels.device) for i in range(3)
        )
        frames = torch.arange(len(labels), device=labels.device)[:, None]
        return cls(((frames >= starts) & (frames < stops)).float(), classes)


def match_tokens(
    class_logits: Tensor, attention: Tensor, truth: TrueSegments, class_weight: float = 0.2, overlap_weight: float = 1.0
) -> tuple[Tensor, Tensor]:
    r"""Assign each segment to another token, so that class and place fit best over all (Hungarian algorithm).

    The cost of token m for segment s is

    .. math:: -w_c\, p_m(c_s) - w_o \frac{\sum_{t \in s} a_{tm}}{|s| + \sum_{t \notin s} a_{tm}}

    Args:
        class_logits: ``(M, C + 1)``.
        attention: a, of each frame to the tokens, from 0 to 1, ``(T, M)``.
        truth: the segments.
        class_weight: :math:`w_c`.
        overlap_weight: :math:`w_o`.

    Returns:
        Tokens and their segments, ``(min(M, S),)`` int64 each, in the order of the tokens.

    Example:
        >>> truth = TrueSegments.from_labels(torch.tensor([5, 5, 2]))
        >>> attention = torch.tensor([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
        >>> match_tokens(torch.zeros(2, 9), attention, truth)
        (tensor([0, 1]), tensor([1, 0]))
    """
    from scipy.optimize import linear_sum_assignment

    with torch.no_grad():
        attention = attention.float()
        overlap = attention.mT @ truth.frames
        union = truth.frames.sum(dim=0) + attention.sum(dim=0)[:, None] - overlap
        probabilities = class_logits.float().softmax(dim=-1)[:, truth.classes]
        cost = -class_weight * probabilities - overlap_weight * overlap / union.clamp_min(1e-12)
    tokens, segments = linear_sum_assignment(cost.cpu().numpy())
    return torch.from_numpy(tokens).to(attention.device), torch.from_numpy(segments).to(attention.device)


class SetPrediction(Loss):
    r"""The loss of FACT: frames, the classes of tokens, and what tokens and frames attend to.

    The tokens of the last stage are matched with the segments. For each stage then, with :math:`m(s)` the token of
    segment s:

    - cross-entropy of the frames; where tokens saw runs of frames, the mean of it and of that of the runs;
    - cross-entropy of the tokens, with "no segment" for those without one;
    - a token attends to the frames of its segment, and a frame to the token of its segment:
      :math:`-\frac{1}{T} \sum_s \sum_{t \in s} \log a_{t, m(s)}`, once with a softmax over frames, once over tokens;
    - ``smoothing`` times :func:`~segtcn.losses.truncated_mse` of frames and attentions.

    The value is the mean over stages, and over videos.

    Args:
        none_weight: weight of "no segment". The authors' code has ``M / (C (M - S))`` for the mean number S of segments
            of a video, 0.2 for GTEA.
        class_weight: of the class in :func:`match_tokens`.
        overlap_weight: of the place in :func:`match_tokens`.
        smoothing: see above.

    Raises:
        ValueError: if ``none_weight`` is not positive, another weight is negative, or the network predicts no set, or
            not what frames attend to in its last stage.

    Reference:
        Lu, Elhamifar: "FACT", CVPR 2024, section 3.4.

        Differs from the authors' code: frames without a label belong to no segment. A video with more segments than
        tokens leaves segments out, with a warning; the code fails.
    """

    def __init__(
        self,
        none_weight: float = 0.2,
        class_weight: float = 0.2,
        overlap_weight: float = 1.0,
        smoothing: float = 5.0,
    ) -> None:
        super().__init__()
        self.none_weight = _positive(none_weight, "none_weight")
        weights = {"class_weight": class_weight, "overlap_weight": overlap_weight, "smoothing": smoothing}
        for name, weight in weights.items():
            if not 0 <= weight < math.inf:
                raise ValueError(f"`{name}` must be 0 or more, got {weight}")
        self.class_weight, self.overlap_weight, self.smoothing = class_weight, overlap_weight, smoothing

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        if output.tokens is None:
            raise ValueError(
                "`SetPrediction` needs a network that predicts a set of segments, such as `segtcn.models.FACT`, but "
                "this one returns no tokens: choose that network or another loss; inside `LastStage` it has no tokens"
            )
        if output.tokens[-1].writes is None:
            raise ValueError("`SetPrediction` needs what frames attend to: `writes` of the last tokens, here None")
        labels, lengths = _labels_of(batch), batch.mask.sum(dim=1).tolist()
        truths = {i: TrueSegments.from_labels(labels[i, :length]) for i, length in enumerate(lengths) if length}
        for i, truth in truths.items():
            _warn_of_left_out(batch.names[i] if batch.names else "a video", truth, output.tokens[-1])
        losses = [self._of_video(output, truth, i) for i, truth in truths.items()]
        return torch.stack(losses).mean() if losses else output.logits.sum() * 0

    def _of_video(self, output: Output, truth: TrueSegments, number: int) -> Tensor:
        num_frames = len(truth.frames)
        stages = [_video_tokens(tokens, number, num_frames) for tokens in output.tokens or ()]
        logits = [stage[number, :, :num_frames].mT.float() for stage in output.logits[: len(stages)]]
        if not len(truth.classes):
            return output.logits.sum() * 0
        last = stages[-1]
        writes = last.writes if last.places is None else last.writes[last.places]  # type: ignore[index]
        weights = self.class_weight, self.overlap_weight
        matched = match_tokens(last.logits, writes.softmax(dim=-1), truth, *weights)  # type: ignore[union-attr]
        losses = [self._of_stage(x, tokens, truth, matched) for x, tokens in zip(logits, stages, strict=True)]
        return torch.stack(losses).mean()

    def _of_stage(self, logits: Tensor, tokens: Tokens, truth: TrueSegments, matched: tuple[Tensor, Tensor]) -> Tensor:
        """Of frame logits ``(T, C)`` and the tokens of one video."""
        class_of_frame = truth.frames @ F.one_hot(truth.classes, logits.shape[1]).to(logits)
        loss = _soft_cross_entropy(logits, class_of_frame)
        if tokens.place_logits is not None:
            loss = (loss + _soft_cross_entropy(tokens.place_logits, _by_place(class_of_frame, tokens.places))) / 2
        loss = loss + token_cross_entropy(tokens.logits, truth.classes, matched, self.none_weight)
        smooth = [logits]
        if tokens.reads is not None and tokens.writes is not None:
            target = _by_place(truth.frames, tokens.places)
            loss = loss + attention_loss(tokens.reads.mT, target, matched, dim=0)
            loss = loss + attention_loss(tokens.writes, target, matched, dim=1)
            if tokens.places is None:
                smooth += [tokens.reads.mT, tokens.writes]
        for x in smooth:
            real = torch.ones(1, len(x), dtype=torch.bool, device=x.device)
            loss = loss + self.smoothing * truncated_mse(x.mT[None], real, detach=False)
        return loss


def _warn_of_left_out(video: str, truth: TrueSegments, tokens: Tokens) -> None:
    num_segments, num_tokens = len(truth.classes), tokens.logits.shape[1]
    if num_segments > num_tokens:
        warnings.warn(
            f"{video} has {num_segments} segments and the network {num_tokens} tokens: segments without a token are "
            "not learned as such, set `num_tokens` above the segments of any video",
            stacklevel=2,
        )


def token_cross_entropy(logits: Tensor, classes: Tensor, matched: tuple[Tensor, Tensor], none_weight: float) -> Tensor:
    """Weighted mean of the cross-entropy of tokens; those without a segment are to say "no segment".

    Args:
        logits: ``(M, C + 1)``.
        classes: of the segments, ``(S,)``.
        matched: of :func:`match_tokens`.
        none_weight: weight of "no segment"; a class weighs 1.

    Example:
        >>> token_cross_entropy(torch.zeros(3, 5), torch.tensor([2]), (torch.tensor([1]), torch.tensor([0])), 0.2)
        tensor(1.6094)
    """
    tokens, segments = matched
    none = logits.shape[-1] - 1
    target = torch.full((len(logits),), none, device=logits.device)
    target[tokens] = classes[segments]
    weight = torch.ones(none + 1, device=logits.device)
    weight[none] = none_weight
    return F.cross_entropy(logits.float(), target, weight)


def attention_loss(attention: Tensor, target: Tensor, matched: tuple[Tensor, Tensor], dim: int) -> Tensor:
    """Cross-entropy of attention between places and tokens.

    Args:
        attention: before the softmax, ``(P, M)``.
        target: share of each place that belongs to a segment, ``(P, S)``.
        matched: of :func:`match_tokens`; other tokens take no part.
        dim: 0 for a softmax over places, 1 for one over tokens.

    Example:
        >>> target, matched = torch.eye(2), (torch.tensor([0, 1]), torch.tensor([1, 0]))
        >>> attention_loss(torch.zeros(2, 3), target, matched, dim=1)
        tensor(0.6931)
    """
    tokens, segments = matched
    log_p = attention[:, tokens].float().log_softmax(dim=dim)
    return -(log_p * target[:, segments]).sum() / target.sum().clamp_min(1e-12)


def _soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return -(logits.float().log_softmax(dim=-1) * target).sum() / target.sum().clamp_min(1e-12)


def _by_place(target: Tensor, places: Tensor | None) -> Tensor:
    """Means of ``(T, S)`` over the frames of each place, ``(P, S)``."""
    if places is None:
        return target
    sums = target.new_zeros(int(places[-1]) + 1, target.shape[1]).index_add(0, places, target)
    return sums / places.bincount()[:, None]


def _video_tokens(tokens: Tokens, number: int, num_frames: int) -> Tokens:
    """Those of one video, without padding and without its first axis."""
    logits, reads, writes, places, place_logits = (None if field is None else field[number] for field in tokens)
    places = None if places is None else places[:num_frames]
    num_places = num_frames if places is None else int(places[-1]) + 1
    return Tokens(
        logits,  # type: ignore[arg-type]  # there always is one
        None if reads is None else reads[:, :num_places].float(),
        None if writes is None else writes[:num_places].float(),
        places,
        None if place_logits is None else place_logits[:num_places],
    )
