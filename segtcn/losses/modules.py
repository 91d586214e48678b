"""Losses as modules: each adds up :mod:`segtcn.losses.functional` over the stages of a network.

Every loss is called as ``loss(output, batch)`` and returns a scalar: the sum over the stages, as the papers of the
MS-TCN family have it. ``batch.features`` are those that the network saw: standardised, if the data module standardises.

To write a loss, derive it from :class:`Loss`. One that depends on the training labels learns them in
:meth:`Loss.fit_statistics` and keeps them as persistent buffers, so that a checkpoint restores them.
"""

from __future__ import annotations

import math
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from segtcn.losses.functional import (
    ClassWeighting,
    boundary_bce,
    check_method,
    class_weights,
    cross_entropy,
    focal,
    gaussian_similarity,
    truncated_mse,
)
from segtcn.structures import Batch, Output


class LabelCounts(Protocol):
    """Data that counts its training labels, such as :class:`segtcn.data.datamodule.SegmentationDataModule`."""

    def label_statistics(self) -> tuple[Tensor, int]:
        """Frames of each class ``(C,)`` int64 and number of segments of the training videos."""
        ...


class Loss(nn.Module):
    """What training minimises: ``loss(output, batch) -> scalar``.

    Shape:
        ``output.logits`` ``(S, B, C, T)``, ``output.boundaries`` ``(S, B, T)`` or None, ``batch.labels`` ``(B, T)``,
        ``batch.mask`` ``(B, T)``, ``batch.features`` ``(B, D, T)`` as the network saw them; returns a scalar.

    Example:
        >>> class MeanLogit(Loss):
        ...     def forward(self, output: Output, batch: Batch) -> Tensor:
        ...         return output.logits[-1].transpose(0, 1)[:, batch.mask].mean()
        >>> batch = Batch(torch.zeros(1, 2, 3), None, torch.tensor([[True, True, False]]))
        >>> MeanLogit()(Output(torch.ones(1, 1, 4, 3)), batch)
        tensor(1.)
    """

    epoch = 0
    """The epoch of training, for losses that change in its course."""

    def set_epoch(self, epoch: int) -> None:
        """Tell this loss and those inside which epoch is trained."""
        for module in self.modules():
            if isinstance(module, Loss):
                module.epoch = epoch

    def fit_statistics(self, data: LabelCounts) -> None:
        """Let the losses inside learn what they need to know of the training labels; most need nothing."""
        for module in self.modules():
            if isinstance(module, Loss) and module is not self:
                module.fit_statistics(data)


class _Weighted(Loss):
    """A loss with a weight: a number, or several, or the method by which the training videos give it.

    Args:
        name: of the weight, in messages and in checkpoints.
        weight: the numbers; None weighs all the same.
        method: that computes them; until then, the weight is empty.
    """

    def __init__(self, name: str, weight: Tensor | None, method: str | None) -> None:
        super().__init__()
        self.method, self._name = method, name
        # numbers are in the config
        self.register_buffer(name, weight if method is None else torch.empty(0), persistent=method is not None)
        self.register_load_state_dict_pre_hook(_restore_size)

    def fit_statistics(self, data: LabelCounts) -> None:
        """Learn the weight from the training videos, where a method is given instead of numbers."""
        if self.method is not None:
            weight = self._learn(*data.label_statistics())
            setattr(self, self._name, weight.to(getattr(self, self._name)))

    def _learn(self, frames_per_class: Tensor, num_segments: int) -> Tensor:
        return class_weights(frames_per_class, self.method)  # type: ignore[arg-type]  # its name was checked

    def _known_weight(self) -> Tensor | None:
        weight: Tensor | None = getattr(self, self._name)
        if weight is not None and not weight.numel():
            raise ValueError(
                f"`{self._name}: {self.method}` comes from the training videos, which are not counted yet: train with "
                "a `SegmentationDataModule`, call `fit_statistics`, or give numbers"
            )
        return weight


def _restore_size(loss: _Weighted, state: dict[str, Any], prefix: str, *args: Any) -> None:
    """Make room for a weight whose size only the training data says."""
    stored, weight = state.get(prefix + loss._name), getattr(loss, loss._name)
    if stored is not None and weight is not None:
        setattr(loss, loss._name, weight.new_empty(stored.shape))


class _ClassWeighted(_Weighted):
    """A loss whose class weights are given as numbers, or learned from the training videos."""

    def __init__(self, weight: list[float] | ClassWeighting | None) -> None:
        if isinstance(weight, str):
            check_method(weight)
            super().__init__("weight", None, weight)
            return
        numbers = None if weight is None else torch.tensor(weight, dtype=torch.float32)
        if numbers is not None and not (numbers.isfinite() & (numbers >= 0)).all():
            raise ValueError(f"`weight` must be finite and not negative, got {weight}")
        super().__init__("weight", numbers, None)


class CrossEntropy(_ClassWeighted):
    """Sum over the stages of the network of :func:`~segtcn.losses.cross_entropy`.

    Args:
        weight: of each class, ``C`` of them, or a method of :func:`~segtcn.losses.class_weights`, which computes them
            from the training videos; None weighs all the same.
        label_smoothing: share of the target that is spread over all classes, from 0 to below 1.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), labels, mask)
        >>> CrossEntropy()(Output(torch.zeros(2, 1, 4, 3)), batch)
        tensor(2.7726)
    """

    def __init__(self, weight: list[float] | ClassWeighting | None = None, label_smoothing: float = 0.0) -> None:
        super().__init__(weight)
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"`label_smoothing` must be from 0 to below 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        weight, labels = self._known_weight(), _labels_of(batch)
        stages = [cross_entropy(logits, labels, batch.mask, weight, self.label_smoothing) for logits in output.logits]
        return _sum(stages)


class Focal(_ClassWeighted):
    """Sum over the stages of the network of :func:`~segtcn.losses.focal`.

    Args:
        gamma: not negative; the larger, the less a frame counts that is already recognised.
        weight: as of :class:`CrossEntropy`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), labels, mask)
        >>> Focal(gamma=2)(Output(torch.zeros(2, 1, 4, 3)), batch)
        tensor(1.5596)
    """

    def __init__(self, gamma: float = 2.0, weight: list[float] | ClassWeighting | None = None) -> None:
        super().__init__(weight)
        if gamma < 0:
            raise ValueError(f"`gamma` must not be negative, got {gamma}")
        self.gamma = gamma

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        weight, labels = self._known_weight(), _labels_of(batch)
        return _sum([focal(logits, labels, batch.mask, self.gamma, weight) for logits in output.logits])


class TruncatedMSE(Loss):
    """Sum over the stages of :func:`~segtcn.losses.truncated_mse`; MS-TCN adds 0.15 times it to the cross-entropy.

    Args:
        threshold: largest change of a log-probability between neighbouring frames; larger changes cost the same.

    Raises:
        ValueError: if the threshold is not positive.

    Example:
        >>> labels, mask = torch.tensor([[0, 1, 1]]), torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), labels, mask)
        >>> TruncatedMSE()(Output(torch.tensor([[[[0.0, 9.0, 9.0], [0.0, 9.0, 7.0]]]])), batch)
        tensor(0.5941)
    """

    def __init__(self, threshold: float = 4.0) -> None:
        super().__init__()
        self.threshold = _positive(threshold, "threshold")

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        return _sum([truncated_mse(logits, batch.mask, self.threshold) for logits in output.logits])


class GaussianSimilarityTMSE(Loss):
    """:class:`TruncatedMSE` that smooths only where the features change little (ASRF).

    Every pair of frames is weighted by the :func:`~segtcn.losses.gaussian_similarity` of the features as the network
    sees them. Their distance grows with the square root of their width, so ``sigma`` has to fit the features: where it
    is far too small, all weights are 0 and nothing is smoothed.

    Args:
        threshold: largest change of a log-probability between neighbouring frames; larger changes cost the same.
        sigma: distance of neighbouring features over which the weight falls to 0.61.
        squared: False leaves the square out of the similarity.

    Raises:
        ValueError: if ``threshold`` or ``sigma`` is not positive.

    Example:
        >>> features = torch.tensor([[[0.0, 0.0, 1.0]]])
        >>> labels, mask = torch.tensor([[0, 1, 1]]), torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(features, labels, mask)
        >>> GaussianSimilarityTMSE()(Output(torch.tensor([[[[0.0, 9.0, 9.0], [0.0, 9.0, 7.0]]]])), batch)
        tensor(0.3603)

    Reference:
        Ishikawa, Kasai, Aoki, Kataoka: "Alleviating Over-Segmentation Errors by Detecting Action Boundaries", WACV
        2021.

        Differs from the authors' code:

        - The distance is squared, as the similarity is Gaussian; the code leaves the square out, and its published
          scores come from that: ``squared=False``. On wide features the two differ by orders of magnitude.
        - The log-probabilities are those of the classes of a frame; the code normalises every class over the frames of
          the video, so it smooths the logits themselves.
        - The stages are added up; the code takes their mean: divide the weights in :class:`LossSum` by their number.

        As in that code, and unlike in MS-TCN, both frames of a pair get a gradient.
    """

    def __init__(self, threshold: float = 4.0, sigma: float = 1.0, squared: bool = True) -> None:
        super().__init__()
        self.threshold, self.sigma = _positive(threshold, "threshold"), _positive(sigma, "sigma")
        self.squared = squared

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        weight = gaussian_similarity(batch.features, self.sigma, self.squared)
        stages = [truncated_mse(x, batch.mask, self.threshold, weight, detach=False) for x in output.logits]
        return _sum(stages)


class BoundaryBCE(_Weighted):
    """Sum over the boundary stages of the network of :func:`~segtcn.losses.boundary_bce`; ASRF adds 0.1 times it.

    Args:
        pos_weight: how many times a frame at which a segment starts counts; ``"balanced"``: frames over segments of the
            training videos, as ASRF has it; None counts it once.

    Raises:
        ValueError: if ``pos_weight`` is not positive, or the network has no boundary branch.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), labels, mask)
        >>> BoundaryBCE()(Output(torch.zeros(1, 1, 4, 3), torch.zeros(2, 1, 3)), batch)
        tensor(1.3863)
    """

    def __init__(self, pos_weight: float | Literal["balanced"] | None = None) -> None:
        method, number = None, None
        if pos_weight == "balanced":
            method = pos_weight
        elif isinstance(pos_weight, str):
            raise ValueError(f"`pos_weight` must be a number, 'balanced' or None, got {pos_weight!r}")
        elif pos_weight is not None:
            number = torch.tensor(_positive(pos_weight, "pos_weight"), dtype=torch.float32)
        super().__init__("pos_weight", number, method)

    def _learn(self, frames_per_class: Tensor, num_segments: int) -> Tensor:
        return frames_per_class.sum().to(torch.float32) / max(num_segments, 1)

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        if output.boundaries is None:
            raise ValueError(
                "`BoundaryBCE` needs a network with a boundary branch, such as `segtcn.models.ASRF`, but this one "
                "returns no boundaries: choose that network or leave the loss out"
            )
        weight, labels = self._known_weight(), _labels_of(batch)
        return _sum([boundary_bce(stage, labels, batch.mask, weight) for stage in output.boundaries])


class LossSum(Loss):
    """Weighted sum of losses.

    In a config::

        loss:
          class_path: segtcn.losses.LossSum
          init_args:
            losses:
              - class_path: segtcn.losses.CrossEntropy
              - class_path: segtcn.losses.TruncatedMSE
            weights: [1.0, 0.15]

    Args:
        losses: to add up.
        weights: factor of each; None adds them as they are.

    Raises:
        ValueError: if there is no loss, or not one finite weight for each.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), labels, mask)
        >>> LossSum([CrossEntropy(), TruncatedMSE()], weights=[1, 0.15])(Output(torch.zeros(2, 1, 4, 3)), batch)
        tensor(2.7726)
    """

    def __init__(self, losses: list[Loss], weights: list[float] | None = None) -> None:
        super().__init__()
        weights = [1.0] * len(losses) if weights is None else list(weights)
        if not losses or len(weights) != len(losses) or not all(map(math.isfinite, weights)):
            raise ValueError(
                f"`weights` must be one finite number for each loss, and there must be one, got {weights} for "
                f"{len(losses)} losses"
            )
        self.losses, self.weights = nn.ModuleList(losses), weights

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        terms = [loss(output, batch) for loss in self.losses]
        return _sum([weight * term for weight, term in zip(self.weights, terms, strict=True)])


class LastStage(Loss):
    """A loss of the last stage alone, the one that predicts; the others learn through it.

    Args:
        loss: of that stage.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> batch = Batch(torch.zeros(1, 2, 3), labels, mask)
        >>> LastStage(CrossEntropy())(Output(torch.zeros(2, 1, 4, 3)), batch)
        tensor(1.3863)
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, output: Output, batch: Batch) -> Tensor:  # noqa: D102
        last = Output(output.logits[-1:], None if output.boundaries is None else output.boundaries[-1:])
        return self.loss(last, batch)


def _sum(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum()


def _labels_of(batch: Batch) -> Tensor:
    if batch.labels is None:
        remedy = "" if batch.targets is None else "; for `targets`, take `MultiLabelBCE` or `MeanSquaredError`"
        raise ValueError(f"no ground truth for {', '.join(batch.names)}: a loss of labels needs it{remedy}")
    return batch.labels


def _positive(value: float, name: str) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"`{name}` must be positive, got {value}")
    return value
