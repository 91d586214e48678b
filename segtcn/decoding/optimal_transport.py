"""Labels as a transport plan between frames and classes that is smooth in time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segtcn.decoding.smoothing import scores_of, with_indexes
from segtcn.labels import Labels

_TINY = 1e-12
_ENTROPY, _BALANCE = 0.07, 0.05  # weights of the entropy and of equal shares of the classes, as in the paper's code
_ITERATIONS = 25


def optimal_transport(labels: Labels, structure: float = 0.3, radius: float = 0.04) -> Labels:
    r"""Segment by the unbalanced, fused Gromov-Wasserstein transport of ASOT.

    The plan :math:`\mathbf{T}` (T, K) minimises :math:`\alpha` times a structure term plus :math:`1 - \alpha` times the
    cost :math:`1 - p`, plus a weak penalty on unequal shares of classes, less entropy. The structure term is high where
    frames within a radius get different classes. The plan is found by mirror descent; each step costs O(T K). Only
    classes that are most probable somewhere are used.

    Args:
        labels: with scores, ``(T,)``.
        structure: weight :math:`\alpha` of the structure term, 0 up to, but without, 1.
        radius: how far frames reach, as a share of the video.

    Raises:
        ValueError: if there are no scores, or an argument is out of range.

    Example:
        >>> from segtcn.labels import Classes
        >>> scores = np.full((2, 100), 0.1, np.float32)
        >>> scores[0, :50] = scores[1, 50:] = 0.9
        >>> scores[:, 20] = 0.1, 0.9
        >>> labels = Labels(scores.argmax(0), Classes(("take", "pour")), scores=scores)
        >>> [segment.start for segment in optimal_transport(labels, structure=0.5).segments()]
        [0, 50]

    Reference:
        Xu & Gould, "Temporally Consistent Unbalanced Optimal Transport for Unsupervised Action Segmentation",
        CVPR 2024, section 3 and algorithm 1.

        Differs from the authors' code: costs are those of a trained network, without a prior of the order of classes;
        the radius is at least one frame; the number of steps is fixed at 25, as in their experiments.
    """
    if not 0 <= structure < 1:
        raise ValueError(f"`structure` must be a weight, 0 up to 1, got {structure}")
    if not 0 < radius <= 1:
        raise ValueError(f"`radius` must be a share of the video, above 0 up to 1, got {radius}")
    scores = scores_of(labels, "optimal transport")
    top = scores.argmax(0)
    used = np.unique(top)
    if len(used) == 1:
        return with_indexes(labels, top)
    plan = _plan(1 - scores[used].T.astype(np.float64), structure, radius)
    return with_indexes(labels, used[plan.argmax(1)])


def _plan(cost: npt.NDArray[np.float64], structure: float, radius: float) -> npt.NDArray[np.float64]:
    """The transport plan ``(T, K)``; rows sum to 1 / T."""
    num_frames, num_classes = cost.shape
    reach = max(1, int(num_frames * radius))
    plan = np.full(cost.shape, 1 / cost.size)
    step = 0.0
    for _ in range(_ITERATIONS):
        others = plan.sum(1, keepdims=True) - plan
        gradient = structure * (_window_sums(others, reach) - others) / radius + (1 - structure) * cost
        gradient += _ENTROPY * np.log(plan + _TINY)
        gradient += _BALANCE * (np.log(plan.sum(0) * num_classes + _TINY) + 1)
        step = step or 4 / gradient.max()
        gradient -= gradient.min(1, keepdims=True)  # changes nothing after the rows are scaled, but keeps exp in range
        plan *= np.exp(-step * gradient)
        plan /= plan.sum(1, keepdims=True) * num_frames
    return plan


def _window_sums(values: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float64]:
    """Sum over the frames within ``reach`` of each frame, ``(T, K)``."""
    num_frames = len(values)
    sums = np.zeros((num_frames + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    frames = np.arange(num_frames)
    return sums[np.minimum(frames + reach + 1, num_frames)] - sums[np.maximum(frames - reach, 0)]
