"""Losses. The value of a batch is the mean over the real frames of its videos: padding has no weight."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IGNORE_INDEX = -100  # of `torch.nn.functional.cross_entropy`


def cross_entropy(logits: Tensor, labels: Tensor, mask: Tensor, weight: Tensor | None = None) -> Tensor:
    r"""Cross-entropy of the real frames, averaged.

    .. math:: -\frac{1}{\sum_{bt} w_{y_{bt}}} \sum_{bt} w_{y_{bt}} \log p_{bt}(y_{bt})

    Args:
        logits: ``(B, C, T)``.
        labels: ``(B, T)`` int64; values on padding do not matter.
        mask: True on real frames, ``(B, T)``.
        weight: of each class, ``(C,)``; None weighs all the same.

    Returns:
        A scalar in nats; 0 if there is no real frame.

    Example:
        >>> labels = torch.tensor([[0, 3, 3]])
        >>> cross_entropy(torch.zeros(1, 4, 3), labels, mask=labels >= 0)
        tensor(1.3863)
    """
    labels = labels.masked_fill(~mask, IGNORE_INDEX)
    total = F.cross_entropy(logits, labels, weight, ignore_index=IGNORE_INDEX, reduction="sum")
    count = mask.sum() if weight is None else weight[labels[mask]].sum()
    return total / count.clamp_min(1e-12)


class CrossEntropy(nn.Module):
    """Sum over the stages of the network of :func:`cross_entropy`.

    Args:
        weight: of each class, ``C`` of them; None weighs all the same.

    Shape:
        logits ``(S, B, C, T)``, boundaries ``(S, B, T)`` or None (not used), labels ``(B, T)``, mask ``(B, T)`` to a
        scalar. The first two are the fields of a network's output.
    """

    def __init__(self, weight: list[float] | None = None) -> None:
        super().__init__()
        self.weight: Tensor | None
        self.register_buffer("weight", None if weight is None else Tensor(weight), persistent=False)

    def forward(self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor) -> Tensor:  # noqa: D102
        losses = [cross_entropy(stage, labels, mask, self.weight) for stage in logits]
        return torch.stack(losses).sum()
