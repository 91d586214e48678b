"""Losses whose targets are labels smoothed over time, as DiffAct has them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.layers.gaussian_curves import boundary_curve, smooth
from segtcn.losses.functional import _check, _fill_padding
from segtcn.losses.modules import Loss, _labels_of, _positive, _sum
from segtcn.structures import IGNORE, Batch, Output


def soft_cross_entropy(logits: Tensor, labels: Tensor, mask: Tensor, sigma: float) -> Tensor:
    r"""Cross-entropy with labels that change gradually: one-hot labels, smoothed by a Gaussian over time.

    .. math:: -\frac{1}{|\mathcal{F}|} \sum_{(b, t) \in \mathcal{F}} \sum_c \tilde y_{bct} \log p_{bt}(c)

    Args:
        logits: ``(B, C, T)``.
        labels: ``(B, T)`` int64; frames that are not annotated count for nothing.
        mask: True on real frames, ``(B, T)``.
        sigma: of the Gaussian, in frames.

    Returns:
        A scalar in nats; 0 if there is no annotated frame.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> labels = torch.tensor([[0, 0, 1, 1]])
        >>> logits = torch.tensor([[[2.0, 2.0, 0.0, 0.0], [0.0, 0.0, 2.0, 2.0]]])
        >>> soft_cross_entropy(logits, labels, labels >= 0, sigma=1.0).round(decimals=4)
        tensor(0.5264)
    """
    _check(logits, labels, mask)
    annotated = mask & (labels != IGNORE)
    log_p = _fill_padding(logits, mask).log_softmax(dim=1)
    one_hot = F.one_hot(labels.masked_fill(~annotated, 0), logits.shape[1]).mT.to(log_p)
    losses = -(smooth(one_hot, annotated, sigma) * log_p).sum(dim=1)
    return (losses * annotated).sum() / annotated.sum().clamp_min(1)


def boundary_alignment(logits: Tensor, labels: Tensor, mask: Tensor, sigma: float) -> Tensor:
    r"""Binary cross-entropy between "two neighbouring frames differ" and a hill at each boundary.

    .. math:: -\frac{1}{|\mathcal{P}|} \sum_{(b, t) \in \mathcal{P}} h_{bt} \log d_{bt} +
        (1 - h_{bt}) \log (1 - d_{bt}), \quad d_{bt} = 1 - \sum_c p_{bt}(c)\, p_{b,t-1}(c)

    with :math:`\mathcal{P}` the annotated frames that follow one, and :math:`h` of
    :func:`~segtcn.layers.gaussian_curves.boundary_curve`. Only the later frame of a pair gets a gradient.

    Args:
        logits: ``(B, C, T)``.
        labels: ``(B, T)`` int64.
        mask: True on real frames, ``(B, T)``.
        sigma: width of a hill, in frames.

    Returns:
        A scalar in nats; 0 if there is no pair.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> labels = torch.tensor([[0, 0, 1, 1]])
        >>> boundary_alignment(torch.zeros(1, 2, 4), labels, labels >= 0, sigma=1.0)  # d = 1/2 everywhere: log(2)
        tensor(0.6931)

    Reference:
        Liu et al.: "Diffusion Action Segmentation", ICCV 2023, equation 7.

        Differs from the authors' code: the logarithm of 1 - d comes from the logits, and that of d is at least
        log(1e-12), so that gradients stay finite where frames agree; the code cuts both at -100.
    """
    _check(logits, labels, mask)
    annotated = mask & (labels != IGNORE)
    pairs = annotated[:, 1:] & annotated[:, :-1]
    hill = boundary_curve(labels, annotated, sigma)[:, 1:]
    log_p = _fill_padding(logits, mask).log_softmax(dim=1)
    same = (log_p[..., 1:] + log_p[..., :-1].detach()).logsumexp(dim=1)
    differ = (-torch.expm1(same)).clamp_min(1e-12).log()
    return -((hill * differ + (1 - hill) * same) * pairs).sum() / pairs.sum().clamp_min(1)


class SoftCrossEntropy(Loss):
    """Sum over the stages of the network of :func:`soft_cross_entropy`.

    Args:
        sigma: of the Gaussian that smooths the labels, in frames.

    Raises:
        ValueError: if ``sigma`` is not positive.
    """

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = _positive(sigma, "sigma")

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        labels = _labels_of(batch)
        return _sum([soft_cross_entropy(logits, labels, batch.mask, self.sigma) for logits in output.logits])


class BoundaryAlignment(Loss):
    """:func:`boundary_alignment` of the last stage; DiffAct adds 0.1 times it.

    Args:
        sigma: width of a boundary, in frames.

    Raises:
        ValueError: if ``sigma`` is not positive.
    """

    def __init__(self, sigma: float = 1.0) -> None:
        super().__init__()
        self.sigma = _positive(sigma, "sigma")

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        return boundary_alignment(output.logits[-1], _labels_of(batch), batch.mask, self.sigma)
