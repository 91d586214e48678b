"""Losses of data with several labels a frame, or with numbers in place of classes."""

from __future__ import annotations

import torch
from torch import Tensor

from segtcn.losses.functional import mean_squared_error, multi_label_bce, track_cross_entropy
from segtcn.losses.modules import CrossEntropy, Loss
from segtcn.structures import Batch, Output, Target


class MultiLabelBCE(Loss):
    """Sum over the stages of the network of :func:`~segtcn.losses.multi_label_bce`, for several labels at a time.

    Example:
        >>> mask = torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), None, mask, targets=torch.zeros(1, 4, 3))
        >>> MultiLabelBCE()(Output(torch.zeros(1, 1, 4, 3)), batch)
        tensor(2.7726)
    """

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        return torch.stack([multi_label_bce(logits, _targets_of(batch), batch.mask) for logits in output.logits]).sum()


class TrackCrossEntropy(Loss):
    """Sum over the stages of the network of :func:`~segtcn.losses.track_cross_entropy`.

    Args:
        sizes: number of outputs of each track.

    Example:
        >>> mask = torch.ones(1, 3, dtype=torch.bool)
        >>> targets = torch.tensor([1.0, 0.0, 1.0, 0.0])[:, None].expand(1, 4, 3)
        >>> batch = Batch(torch.zeros(1, 2, 3), None, mask, targets=targets)
        >>> TrackCrossEntropy([2, 2])(Output(torch.zeros(1, 1, 4, 3)), batch)
        tensor(1.3863)
    """

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.sizes = sizes

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        targets, mask = _targets_of(batch), batch.mask
        return torch.stack([track_cross_entropy(logits, targets, mask, self.sizes) for logits in output.logits]).sum()


class MeanSquaredError(Loss):
    """Sum over the stages of the network of :func:`~segtcn.losses.mean_squared_error`, for numbers in place of classes.

    Example:
        >>> mask = torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), None, mask, targets=torch.full((1, 1, 3), 2.0))
        >>> MeanSquaredError()(Output(torch.zeros(1, 1, 1, 3)), batch)
        tensor(4.)
    """

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        return torch.stack(
            [mean_squared_error(logits, _targets_of(batch), batch.mask) for logits in output.logits]
        ).sum()


DEFAULTS: dict[Target, type[Loss]] = {"single": CrossEntropy, "multi": MultiLabelBCE, "values": MeanSquaredError}
"""The loss for what a network gives, where nothing else is chosen."""


def _targets_of(batch: Batch) -> Tensor:
    if batch.targets is None:
        raise ValueError(
            f"no targets for {', '.join(batch.names)}: this loss needs several labels a frame, or numbers; for one "
            "label a frame take `CrossEntropy`"
        )
    return batch.targets
