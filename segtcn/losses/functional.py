"""Losses as pure functions of one stage of a network; :mod:`segtcn.losses.modules` adds up the stages.

The value is the mean over the real frames of all videos of the batch (for the smoothing losses over the pairs of
neighbouring real frames, and classes). Padding has no weight and gets no gradient, whatever stands on it. Without a
real frame the value is 0. All sums are at least in single precision, also under autocast. A real frame labelled
:data:`~segtcn.structures.IGNORE` is not annotated: losses of the labels leave it out, the smoothing losses do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.structures import IGNORE

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
    annotated = mask & (labels != IGNORE)
    losses = F.cross_entropy(
        _fill_padding(logits, mask),
        labels.masked_fill(~annotated, IGNORE),
        ignore_index=IGNORE,
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
    annotated = mask & (labels != IGNORE)
    log_p = _fill_padding(logits, mask).log_softmax(dim=1)
    log_p = log_p.gather(1, labels.masked_fill(~annotated, 0)[:, None])[:, 0]
    missing = (-torch.expm1(log_p)).clamp_min(1e-12)  # 1 - p; at 0 a power below 1 has an infinite slope
    return _weighted_mean(-(missing**gamma) * log_p, labels, annotated, weight)


def multi_label_bce(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    r"""Binary cross-entropy of several labels at a time: summed over the classes of a frame, averaged over frames.

    .. math:: -\frac{1}{|\mathcal{F}|} \sum_{(b, t) \in \mathcal{F}} \sum_c
        y_{bct} \log \sigma(z_{bct}) + (1 - y_{bct}) \log (1 - \sigma(z_{bct}))

    with :math:`\mathcal{F}` the real frames in which a target is known. For polyphonic music this is the negative
    log-likelihood of the papers.

    Args:
        logits: ``(B, C, T)``.
        targets: from 0 to 1, ``(B, C, T)``; NaN where unknown, which costs nothing.
        mask: True on real frames, ``(B, T)``.

    Returns:
        A scalar in nats; 0 if nothing is known.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> targets = torch.tensor([[[1.0, 0.0], [0.0, torch.nan]]])
        >>> multi_label_bce(torch.zeros(1, 2, 2), targets, torch.ones(1, 2, dtype=torch.bool))  # (2 + 1) log(2) / 2
        tensor(1.0397)
    """
    known, filled, values = _known(logits, targets, mask)
    losses = F.binary_cross_entropy_with_logits(filled, values, reduction="none") * known
    return losses.sum() / known.any(dim=1).sum().clamp_min(1)


def track_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor, sizes: Sequence[int]) -> Tensor:
    """Cross-entropy of tracks that are labelled side by side: summed over tracks, averaged over the frames of each.

    A track of one output occurs or not: its loss is binary cross-entropy. Of several outputs one is right.

    Args:
        logits: of all tracks, one after the other, ``(B, C, T)``.
        targets: from 0 to 1, ``(B, C, T)``; NaN where unknown, which costs nothing.
        mask: True on real frames, ``(B, T)``.
        sizes: number of outputs of each track, C in all.

    Returns:
        A scalar in nats; 0 if nothing is known.

    Raises:
        ValueError: if a type or a shape is wrong, or ``sizes`` does not add up to C.

    Example:
        >>> targets = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [1.0, torch.nan]]])
        >>> mask = torch.ones(1, 2, dtype=torch.bool)
        >>> track_cross_entropy(torch.zeros(1, 3, 2), targets, mask, sizes=[2, 1])  # log(2) + log(2)
        tensor(1.3863)
    """
    if sum(sizes) != logits.shape[1] or min(sizes) < 1:
        raise ValueError(f"`sizes` must be positive and add up to {logits.shape[1]} outputs, got {list(sizes)}")
    known, filled, values = _known(logits, targets, mask)
    total = logits.new_zeros(())
    for is_known, x, y in zip(*(part.split([*sizes], dim=1) for part in (known, filled, values)), strict=True):
        frames = is_known.all(dim=1)
        if x.shape[1] == 1:
            costs = F.binary_cross_entropy_with_logits(x, y, reduction="none")[:, 0]
        else:
            costs = -(y * x.log_softmax(dim=1)).sum(dim=1)
        total = total + (costs * frames).sum() / frames.sum().clamp_min(1)
    return total


def mean_squared_error(outputs: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference over all known targets of real frames.

    Args:
        outputs: of the network, ``(B, C, T)``.
        targets: ``(B, C, T)``; NaN where unknown, which costs nothing.
        mask: True on real frames, ``(B, T)``.

    Returns:
        A scalar; 0 if nothing is known.

    Raises:
        ValueError: if a type or a shape is wrong.

    Example:
        >>> targets = torch.tensor([[[torch.nan, 3.0]]])
        >>> mean_squared_error(torch.ones(1, 1, 2), targets, torch.ones(1, 2, dtype=torch.bool))
        tensor(4.)
    """
    known, filled, values = _known(outputs, targets, mask)
    return ((filled - values).square() * known).sum() / known.sum().clamp_min(1)


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
    annotated = mask & (labels != IGNORE)
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
        pos_weight: w in the formula, how many times a start counts, a scalar; None counts it once.

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
    check_method(method)
    frames = frames_per_class.to(torch.float32)
    present = frames > 0
    if not present.any():
        return torch.ones_like(frames)
    middle = frames[present].median() if method == "median_frequency" else frames[present].mean()
    return torch.where(present, middle / frames, 1.0)


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


def _known(logits: Tensor, targets: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where targets are known, the logits with zeros on padding, and the targets with zeros where they are unknown."""
    _check(logits, None, mask)
    if targets.shape != logits.shape:
        raise ValueError(
            f"`targets` must have the shape {tuple(logits.shape)} of the logits, got {tuple(targets.shape)}"
        )
    known = mask[:, None] & ~targets.isnan()
    return known, _fill_padding(logits, mask), targets.nan_to_num(0.0)


def _check(logits: Tensor, labels: Tensor | None, mask: Tensor, weight: Tensor | None = None) -> None:
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


def check_method(method: str) -> None:
    """Refuse an unknown way to weigh classes."""
    if method not in get_args(ClassWeighting):
        raise ValueError(f"class weights are {' or '.join(map(repr, get_args(ClassWeighting)))}, got {method!r}")
