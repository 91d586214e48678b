r"""Losses: functions of one stage, and modules that add up the stages of a network.

Every module here is called with the two fields of a network's output, the ground truth and what the network saw:

``loss(logits (S, B, C, T), boundaries (S, B, T) or None, labels (B, T), mask (B, T), features (B, D, T) or None)``

and returns a scalar: the sum over the stages, as the papers of the MS-TCN family have it. The value of one stage is the
mean over the real frames of all videos of the batch (for the smoothing losses over the pairs of neighbouring real
frames, and classes): padding has no weight and gets no gradient, whatever stands on it, and no real frame scores 0.
All sums are at least in single precision, also under autocast. A real frame that is labelled :data:`IGNORE_INDEX` is
not annotated: losses of the labels leave it out, the smoothing losses do not.

Any ``nn.Module`` that is called like this is a loss. One that needs to know the training videos has an attribute
``wants_label_statistics``, true while it does, and a method ``set_label_statistics(frames_per_class (C,) int64,
num_segments)``. Before training, the task calls that method of every such module inside its loss with what
``SegmentationDataModule.label_statistics`` counted, and stores the counts in its checkpoints, so that a run that goes
on, or is scored, has the same weights.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IGNORE_INDEX = -100  # of `torch.nn.functional.cross_entropy`

ClassWeighting = Literal["median_frequency", "inverse_frequency"]


def cross_entropy(
    logits: Tensor, labels: Tensor, mask: Tensor, weight: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    r"""Cross-entropy of the real frames, averaged.

    .. math:: \frac{1}{\sum_{bt} w_{y_{bt}}} \sum_{bt} w_{y_{bt}}
        \Bigl(-(1 - \epsilon) \log p_{bt}(y_{bt}) - \frac{\epsilon}{C} \sum_c \log p_{bt}(c)\Bigr)

    Args:
        logits: ``(B, C, T)``.
        labels: ``(B, T)`` int64; values on padding do not matter.
        mask: True on real frames, ``(B, T)``.
        weight: of each class, ``(C,)``; None weighs all the same. Their scale has no effect, as the mean is weighted.
        label_smoothing: :math:`\epsilon`, the share of the target that is spread over all classes. With ``weight``,
            that of the frame's label weighs the frame as a whole; torch weighs every class of the smoothed target.

    Returns:
        A scalar in nats; 0 if there is no real frame.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> labels = torch.tensor([[0, 3, 3]])
        >>> cross_entropy(torch.zeros(1, 4, 3), labels, mask=labels >= 0)
        tensor(1.3863)
    """
    _check(logits, labels, mask, weight)
    annotated = mask & (labels != IGNORE_INDEX)
    losses = F.cross_entropy(
        _fill_padding(logits, mask),
        labels.masked_fill(~annotated, IGNORE_INDEX),
        ignore_index=IGNORE_INDEX,
        reduction="none",
        label_smoothing=label_smoothing,
    )
    return _weighted_mean(losses, labels, annotated, weight)


def focal(logits: Tensor, labels: Tensor, mask: Tensor, gamma: float = 2.0, weight: Tensor | None = None) -> Tensor:
    r"""Cross-entropy in which well recognised frames count less: :func:`cross_entropy` at ``gamma = 0``.

    .. math:: -\frac{1}{\sum_{bt} w_{y_{bt}}} \sum_{bt} w_{y_{bt}} (1 - p_{bt}(y_{bt}))^\gamma \log p_{bt}(y_{bt})

    Args:
        logits: ``(B, C, T)``.
        labels: ``(B, T)`` int64; values on padding do not matter.
        mask: True on real frames, ``(B, T)``.
        gamma: the larger, the less a frame counts that is already recognised.
        weight: of each class, ``(C,)``; None weighs all the same.

    Returns:
        A scalar in nats; 0 if there is no real frame.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> labels = torch.tensor([[0, 3, 3]])
        >>> focal(torch.zeros(1, 4, 3), labels, mask=labels >= 0)  # 1.3863 * (1 - 1/4)^2
        tensor(0.7798)

    Reference:
        Lin, Goyal, Girshick, He, Dollár: "Focal Loss for Dense Object Detection", ICCV 2017, equation 4. The code of
        ASRF (Ishikawa et al., WACV 2021) applies it to the mean over the frames, here it is applied to every frame.
    """
    _check(logits, labels, mask, weight)
    annotated = mask & (labels != IGNORE_INDEX)
    log_p = _fill_padding(logits, mask).log_softmax(dim=1)
    log_p = log_p.gather(1, labels.masked_fill(~annotated, 0)[:, None])[:, 0]
    missing = (-torch.expm1(log_p)).clamp_min(1e-12)  # 1 - p; at 0 a power below 1 has an infinite slope
    return _weighted_mean(-(missing**gamma) * log_p, labels, annotated, weight)


def truncated_mse(
    logits: Tensor, mask: Tensor, threshold: float = 4.0, weight: Tensor | None = None, detach: bool = True
) -> Tensor:
    r"""Truncated mean squared change of the log-probabilities from frame to frame, which smooths the prediction.

    .. math:: \frac{1}{C\,|\mathcal{P}|} \sum_{(b, t) \in \mathcal{P}} w_{bt} \sum_c
        \min\bigl(|\log p_{bt}(c) - \log p_{b,t-1}(c)|, \tau\bigr)^2

    with :math:`\mathcal{P}` the frames that are real and follow a real one.

    Args:
        logits: ``(B, C, T)``.
        mask: True on real frames, ``(B, T)``.
        threshold: :math:`\tau`, the change from which on a jump costs no more and has no gradient.
        weight: of the change from frame t to t + 1, ``(B, T - 1)``; None weighs all the same. It does not enter the
            number of pairs that is divided by.
        detach: whether only the later frame of a pair gets a gradient.

    Returns:
        A scalar; 0 if no real frame follows another.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> logits = torch.tensor([[[0.0, 9.0, 9.0], [0.0, 9.0, 7.0]]])  # log p moves by 0 and 0, 0.57 and -1.43
        >>> truncated_mse(logits, mask=torch.ones(1, 3, dtype=torch.bool))
        tensor(0.5941)

    Reference:
        Abu Farha, Gall: "MS-TCN", CVPR 2019, section 3.3. The authors' code divides by the padded length, so that
        a video counts less beside a longer one.
    """
    _check(logits, None, mask)
    pairs = (mask[:, 1:] & mask[:, :-1])[:, None]
    log_p = _fill_padding(logits, mask).log_softmax(dim=1)
    before = log_p[..., :-1].detach() if detach else log_p[..., :-1]
    change = (log_p[..., 1:] - before).square().clamp(max=threshold**2)
    weights = pairs if weight is None else weight[:, None].masked_fill(~pairs, 0)
    return (change * weights).sum() / (pairs.sum() * logits.shape[1]).clamp_min(1)


def gaussian_similarity(features: Tensor, sigma: float = 1.0, squared: bool = True) -> Tensor:
    r"""How alike neighbouring frames are.

    .. math:: \exp\Bigl(-\frac{\lVert x_{t+1} - x_t \rVert^2}{2 \sigma^2}\Bigr)

    Args:
        features: ``(B, D, T)``.
        sigma: the distance over which similarity falls to 0.61.
        squared: False leaves out the square, as the code of ASRF does.

    Returns:
        Similarity of frames t and t + 1, ``(B, T - 1)``, from 0 to 1; it carries no gradient.

    Example:
        >>> gaussian_similarity(torch.tensor([[[0.0, 0.0, 3.0], [0.0, 1.0, 1.0]]]))
        tensor([[0.6065, 0.0111]])
    """
    features = _at_least_float32(features.detach())
    distance = torch.linalg.vector_norm(features[..., 1:] - features[..., :-1], dim=1)
    return torch.exp(-(distance.square() if squared else distance) / (2 * sigma**2))


def boundary_targets(labels: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Frames at which a segment starts, the first frame of a video among them.

    Args:
        labels: ``(B, T)`` int64; values on padding do not matter.
        mask: True on real frames, ``(B, T)``.

    Returns:
        Whether a segment starts, ``(B, T)`` bool, and whether that is known, ``(B, T)`` bool: it is not on padding, on
        a frame that is not annotated, and on the frame after one.

    Example:
        >>> labels = torch.tensor([[5, 5, 2, 2, 5]])
        >>> boundary_targets(labels, mask=labels >= 0)[0]
        tensor([[ True, False,  True, False,  True]])
    """
    annotated = mask & (labels != IGNORE_INDEX)
    first = F.pad(~mask[:, :-1], (1, 0), value=True)
    known = annotated & (first | F.pad(annotated[:, :-1], (1, 0)))
    changes = F.pad(labels[:, 1:] != labels[:, :-1], (1, 0))
    return known & (first | changes), known


def boundary_bce(boundaries: Tensor, labels: Tensor, mask: Tensor, pos_weight: Tensor | None = None) -> Tensor:
    r"""Binary cross-entropy of "a segment starts here", averaged over the real frames.

    .. math:: -\frac{1}{|\mathcal{K}|} \sum_{(b, t) \in \mathcal{K}}
        \bigl(w\, s_{bt} \log q_{bt} + (1 - s_{bt}) \log(1 - q_{bt})\bigr)

    with :math:`s` of :func:`boundary_targets`, :math:`\mathcal{K}` the frames where it is known, and :math:`q` the
    sigmoid of ``boundaries``.

    Args:
        boundaries: logits, ``(B, T)``.
        labels: ``(B, T)`` int64; values on padding do not matter.
        mask: True on real frames, ``(B, T)``.
        pos_weight: :math:`w`, how many times a start counts, a scalar; None counts it once.

    Returns:
        A scalar in nats; 0 if there is no real frame.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> labels = torch.tensor([[5, 5, 2, 2, 5]])
        >>> boundary_bce(torch.zeros(1, 5), labels, mask=labels >= 0)
        tensor(0.6931)
    """
    _check(boundaries, labels, mask)
    starts, known = boundary_targets(labels, mask)
    logits = _at_least_float32(boundaries).masked_fill(~known, 0.0)
    losses = F.binary_cross_entropy_with_logits(
        logits, starts.to(logits.dtype), reduction="none", pos_weight=pos_weight
    )
    return (losses * known).sum() / known.sum().clamp_min(1)


def class_weights(frames_per_class: Tensor, method: ClassWeighting = "median_frequency") -> Tensor:
    r"""Weights that let rare classes count as much as frequent ones.

    :math:`w_c = m / n_c` with :math:`n_c` the frames of class c, and :math:`m` over the classes that occur:

    - ``median_frequency``: their median, the lower one of two. A class of that many frames gets 1.
    - ``inverse_frequency``: their mean. The weights are then 1 on average over the frames.

    The two differ by a factor, which matters only where losses are added: the means of :func:`cross_entropy` and
    :func:`focal` are weighted, so there they are the same.

    Args:
        frames_per_class: ``(C,)``.
        method: one of the two.

    Returns:
        ``(C,)`` float32, finite: a class that does not occur gets 1.

    Raises:
        ValueError: if the method is unknown.

    Example:
        >>> class_weights(torch.tensor([50, 10, 0, 5]))
        tensor([0.2000, 1.0000, 1.0000, 2.0000])

    Reference:
        Eigen, Fergus: "Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale Convolutional
        Architecture", ICCV 2015; so used by ASRF, whose code gives absent classes an infinite weight.
    """
    _check_method(method)
    frames = frames_per_class.to(torch.float32)
    present = frames > 0
    if not present.any():
        return torch.ones_like(frames)
    middle = frames[present].median() if method == "median_frequency" else frames[present].mean()
    return torch.where(present, middle / frames, 1.0)


class _ClassWeighted(nn.Module):
    """A loss whose class weights are given as numbers, or taken from the training videos."""

    weight: Tensor | None

    def __init__(self, weight: list[float] | ClassWeighting | None) -> None:
        super().__init__()
        self.method: ClassWeighting | None = None
        numbers = None
        if isinstance(weight, str):
            _check_method(weight)
            self.method = weight
        elif weight is not None:
            numbers = torch.tensor(weight, dtype=torch.float32)
            if not (numbers.isfinite() & (numbers >= 0)).all():
                raise ValueError(f"`weight` must be finite and not negative, got {weight}")
        self.register_buffer("weight", numbers, persistent=False)

    @property
    def wants_label_statistics(self) -> bool:
        """Whether the weights are those of the training videos."""
        return self.method is not None

    def set_label_statistics(self, frames_per_class: Tensor, num_segments: int) -> None:
        """Take the weights from the training videos: frames of each class ``(C,)``, number of segments."""
        if self.method is not None:
            self.weight = class_weights(frames_per_class, self.method)

    def _known_weight(self) -> Tensor | None:
        if self.method is not None and self.weight is None:
            raise _no_statistics("weight", self.method)
        return self.weight


class CrossEntropy(_ClassWeighted):
    """Sum over the stages of the network of :func:`cross_entropy`.

    Args:
        weight: of each class, ``C`` of them, or a method of :func:`class_weights`, which takes them from the training
            videos; None weighs all the same.
        label_smoothing: share of the target that is spread over all classes, from 0 to below 1.

    Shape:
        logits ``(S, B, C, T)``, labels ``(B, T)`` and mask ``(B, T)`` to a scalar; boundaries, features: unused.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> CrossEntropy()(torch.zeros(2, 1, 4, 3), None, labels, mask)
        tensor(2.7726)
    """

    def __init__(self, weight: list[float] | ClassWeighting | None = None, label_smoothing: float = 0.0) -> None:
        super().__init__(weight)
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"`label_smoothing` must be from 0 to below 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(  # noqa: D102
        self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor, features: Tensor | None = None
    ) -> Tensor:
        weight = self._known_weight()
        return _sum([cross_entropy(stage, labels, mask, weight, self.label_smoothing) for stage in logits])


class Focal(_ClassWeighted):
    """Sum over the stages of the network of :func:`focal`.

    Args:
        gamma: not negative; the larger, the less a frame counts that is already recognised.
        weight: of each class, ``C`` of them, or a method of :func:`class_weights`, which takes them from the training
            videos; None weighs all the same.

    Shape:
        logits ``(S, B, C, T)``, labels ``(B, T)`` and mask ``(B, T)`` to a scalar; boundaries, features: unused.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> Focal(gamma=2)(torch.zeros(2, 1, 4, 3), None, labels, mask)
        tensor(1.5596)
    """

    def __init__(self, gamma: float = 2.0, weight: list[float] | ClassWeighting | None = None) -> None:
        super().__init__(weight)
        if gamma < 0:
            raise ValueError(f"`gamma` must not be negative, got {gamma}")
        self.gamma = gamma

    def forward(  # noqa: D102
        self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor, features: Tensor | None = None
    ) -> Tensor:
        weight = self._known_weight()
        return _sum([focal(stage, labels, mask, self.gamma, weight) for stage in logits])


class TruncatedMSE(nn.Module):
    """Sum over the stages of the network of :func:`truncated_mse`; MS-TCN adds 0.15 times it to the cross-entropy.

    Args:
        threshold: change of a log-probability from one frame to the next from which on it costs no more.

    Shape:
        logits ``(S, B, C, T)`` and mask ``(B, T)`` to a scalar; boundaries, labels, features: unused.

    Raises:
        ValueError: if the threshold is not positive.

    Example:
        >>> labels, mask = torch.tensor([[0, 1, 1]]), torch.ones(1, 3, dtype=torch.bool)
        >>> TruncatedMSE()(torch.tensor([[[[0.0, 9.0, 9.0], [0.0, 9.0, 7.0]]]]), None, labels, mask)
        tensor(0.5941)
    """

    def __init__(self, threshold: float = 4.0) -> None:
        super().__init__()
        self.threshold = _positive(threshold, "threshold")

    def forward(  # noqa: D102
        self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor, features: Tensor | None = None
    ) -> Tensor:
        return _sum([truncated_mse(stage, mask, self.threshold) for stage in logits])


class GaussianSimilarityTMSE(nn.Module):
    """:class:`TruncatedMSE` that smooths only where the features change little (ASRF).

    Every pair of frames is weighted by the :func:`gaussian_similarity` of the features as the network sees them, which
    means standardised if the data module standardises. Their distance grows with the square root of their width, so
    ``sigma`` has to fit the features: where it is far too small, all weights are 0 and nothing is smoothed.

    Args:
        threshold: change of a log-probability from one frame to the next from which on it costs no more.
        sigma: distance of neighbouring features over which the weight falls to 0.61.
        squared: False leaves the square out of the similarity.

    Shape:
        logits ``(S, B, C, T)``, mask ``(B, T)`` and features ``(B, D, T)`` to a scalar; boundaries, labels: unused.

    Raises:
        ValueError: if ``threshold`` or ``sigma`` is not positive, or features are missing.

    Example:
        >>> logits = torch.tensor([[[[0.0, 9.0, 9.0], [0.0, 9.0, 7.0]]]])
        >>> labels, mask = torch.tensor([[0, 1, 1]]), torch.ones(1, 3, dtype=torch.bool)
        >>> GaussianSimilarityTMSE()(logits, None, labels, mask, features=torch.tensor([[[0.0, 0.0, 1.0]]]))
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

        As there, and unlike in MS-TCN, both frames of a pair get a gradient.
    """

    def __init__(self, threshold: float = 4.0, sigma: float = 1.0, squared: bool = True) -> None:
        super().__init__()
        self.threshold, self.sigma = _positive(threshold, "threshold"), _positive(sigma, "sigma")
        self.squared = squared

    def forward(  # noqa: D102
        self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor, features: Tensor | None = None
    ) -> Tensor:
        if features is None:
            raise ValueError(
                "`GaussianSimilarityTMSE` needs the features that the network saw, (B, D, T): pass them as `features`, "
                "or use `TruncatedMSE`, which needs none"
            )
        weight = gaussian_similarity(features, self.sigma, self.squared)
        return _sum([truncated_mse(stage, mask, self.threshold, weight, detach=False) for stage in logits])


class BoundaryBCE(nn.Module):
    """Sum over the boundary stages of the network of :func:`boundary_bce`; ASRF adds 0.1 times it.

    Args:
        pos_weight: how many times a frame at which a segment starts counts; ``"balanced"``: frames over segments of the
            training videos, as ASRF has it; None counts it once.

    Shape:
        boundaries ``(S, B, T)``, labels ``(B, T)`` and mask ``(B, T)`` to a scalar; logits, features: unused.

    Raises:
        ValueError: if ``pos_weight`` is not positive, or the network has no boundary branch.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> BoundaryBCE()(torch.zeros(1, 1, 4, 3), torch.zeros(2, 1, 3), labels, mask)
        tensor(1.3863)
    """

    pos_weight: Tensor | None

    def __init__(self, pos_weight: float | Literal["balanced"] | None = None) -> None:
        super().__init__()
        self.wants_label_statistics = isinstance(pos_weight, str)
        number = None
        if isinstance(pos_weight, str):
            if pos_weight != "balanced":
                raise ValueError(f"`pos_weight` must be a number, 'balanced' or None, got {pos_weight!r}")
        elif pos_weight is not None:
            number = torch.tensor(_positive(pos_weight, "pos_weight"), dtype=torch.float32)
        self.register_buffer("pos_weight", number, persistent=False)

    def set_label_statistics(self, frames_per_class: Tensor, num_segments: int) -> None:
        """Take the weight from the training videos: frames of each class ``(C,)``, number of segments."""
        if self.wants_label_statistics:
            self.pos_weight = frames_per_class.sum().to(torch.float32) / max(num_segments, 1)

    def forward(  # noqa: D102
        self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor, features: Tensor | None = None
    ) -> Tensor:
        if boundaries is None:
            raise ValueError(
                "`BoundaryBCE` needs a network with a boundary branch, such as `segtcn.models.ASRF`, but this one "
                "returns no boundaries: choose that network or leave the loss out"
            )
        if self.wants_label_statistics and self.pos_weight is None:
            raise _no_statistics("pos_weight", "balanced")
        return _sum([boundary_bce(stage, labels, mask, self.pos_weight) for stage in boundaries])


class LossSum(nn.Module):
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
        losses: modules of this file, or any that is called like them.
        weights: factor of each; None adds them as they are.

    Shape:
        logits ``(S, B, C, T)``, boundaries ``(S, B, T)`` or None, labels ``(B, T)``, mask ``(B, T)``, features
        ``(B, D, T)`` or None to a scalar.

    Raises:
        ValueError: if there is no loss, or not one finite weight for each.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> LossSum([CrossEntropy(), TruncatedMSE()], weights=[1, 0.15])(torch.zeros(2, 1, 4, 3), None, labels, mask)
        tensor(2.7726)
    """

    def __init__(self, losses: list[nn.Module], weights: list[float] | None = None) -> None:
        super().__init__()
        weights = [1.0] * len(losses) if weights is None else list(weights)
        if not losses or len(weights) != len(losses) or not all(map(math.isfinite, weights)):
            raise ValueError(
                f"`weights` must be one finite number for each loss, and there must be one, got {weights} for "
                f"{len(losses)} losses"
            )
        self.losses, self.weights = nn.ModuleList(losses), weights

    def forward(  # noqa: D102
        self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor, features: Tensor | None = None
    ) -> Tensor:
        terms = [loss(logits, boundaries, labels, mask, features) for loss in self.losses]
        return _sum([weight * term for weight, term in zip(self.weights, terms, strict=True)])


class LastStage(nn.Module):
    """A loss of the last stage alone, the one that predicts; the others learn through it.

    Args:
        loss: a module of this file, or any that is called like them.

    Shape:
        logits ``(S, B, C, T)``, boundaries ``(S, B, T)`` or None, labels ``(B, T)``, mask ``(B, T)``, features
        ``(B, D, T)`` or None to a scalar.

    Example:
        >>> labels, mask = torch.tensor([[0, 3, 3]]), torch.ones(1, 3, dtype=torch.bool)
        >>> LastStage(CrossEntropy())(torch.zeros(2, 1, 4, 3), None, labels, mask)
        tensor(1.3863)
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(  # noqa: D102
        self, logits: Tensor, boundaries: Tensor | None, labels: Tensor, mask: Tensor, features: Tensor | None = None
    ) -> Tensor:
        return self.loss(logits[-1:], None if boundaries is None else boundaries[-1:], labels, mask, features)


def _sum(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum()


def _weighted_mean(losses: Tensor, labels: Tensor, annotated: Tensor, weight: Tensor | None) -> Tensor:
    """Mean over the annotated frames, each weighted as its class is."""
    weights = annotated.to(losses.dtype)
    if weight is not None:
        weights = weights * weight.to(losses.dtype)[labels.masked_fill(~annotated, 0)]
    # the classes of a batch may all weigh 0
    return (losses * weights).sum() / weights.sum().clamp_min(1e-12)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _fill_padding(logits: Tensor, mask: Tensor) -> Tensor:
    """Logits with zeros on padding: NaN would otherwise reach the gradient of every frame, even times 0."""
    return _at_least_float32(logits).masked_fill(~mask[:, None], 0.0)


def _check(logits: Tensor, labels: Tensor | None, mask: Tensor, weight: Tensor | None = None) -> None:
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, got {logits.dtype}")
    if labels is not None and labels.dtype != torch.int64:
        raise ValueError(
            f"`labels` must be class indices of type int64, got {labels.dtype}: convert them with `.long()`"
        )
    if mask.dtype != torch.bool:
        raise ValueError(f"`mask` must be bool, True on real frames, got {mask.dtype}: convert it with `.bool()`")
    frames = (logits.shape[0], logits.shape[-1])
    for name, tensor in (("labels", labels), ("mask", mask)):
        if tensor is not None and tensor.shape != frames:
            raise ValueError(f"`{name}` must have the shape {frames} of the logits' frames, got {tuple(tensor.shape)}")
    if weight is not None and weight.shape != logits.shape[1:2]:
        raise ValueError(f"`weight` must have one number for each of {logits.shape[1]} classes, got {len(weight)}")


def _check_method(method: str) -> None:
    if method not in get_args(ClassWeighting):
        raise ValueError(f"class weights are {' or '.join(map(repr, get_args(ClassWeighting)))}, got {method!r}")


def _positive(value: float, name: str) -> float:
    if not 0 < value < math.inf:
        raise ValueError(f"`{name}` must be positive, got {value}")
    return value


def _no_statistics(argument: str, method: str) -> ValueError:
    return ValueError(
        f"`{argument}: {method}` is taken from the training videos, which nobody has counted: train with a "
        "`SegmentationDataModule`, call `set_label_statistics`, or give numbers"
    )
