"""Mixup: train on weighted sums of two videos, and on the labels of each in proportion."""

from __future__ import annotations

import torch

from segtcn.structures import Batch


def mix_videos(batch: Batch, share: float) -> tuple[Batch, Batch]:
    r"""Mix the features of each video of a batch with those of the next one, frame by frame.

    .. math:: x_b \leftarrow \lambda x_b + (1 - \lambda) x_{b+1}

    A loss of the mixture is :math:`\lambda L(y_b) + (1 - \lambda) L(y_{b+1})`. Frames behind the end of the other video
    stay as they are.

    Args:
        batch: of at least two videos; one alone is mixed with itself, and so stays as it is.
        share: of the video itself, :math:`\lambda`.

    Returns:
        The mixed batch with the labels of each video, and with those of the other one.

    Example:
        >>> features, mask = torch.tensor([[[0.0, 0.0]], [[8.0, 8.0]]]), torch.tensor([[True, True], [True, False]])
        >>> mixture, other = mix_videos(Batch(features, torch.tensor([[0, 0], [1, -100]]), mask), share=0.75)
        >>> mixture.features[:, 0], other.labels
        (tensor([[2., 0.],
                [6., 8.]]), tensor([[   1,    0],
                [   0, -100]]))

    Reference:
        Zhang, Cisse, Dauphin, Lopez-Paz: "mixup: Beyond Empirical Risk Minimization", ICLR 2018, equation 1. Differs
        from the authors' code: each video meets the next of the batch, which is in random order already.
    """
    overlap = batch.mask & batch.mask.roll(-1, 0)
    mixed = share * batch.features + (1 - share) * batch.features.roll(-1, 0)
    mixture = batch._replace(features=torch.where(overlap[:, None], mixed, batch.features))
    labels = None if batch.labels is None else torch.where(overlap, batch.labels.roll(-1, 0), batch.labels)
    targets = None if batch.targets is None else torch.where(overlap[:, None], batch.targets.roll(-1, 0), batch.targets)
    return mixture, mixture._replace(labels=labels, targets=targets)
