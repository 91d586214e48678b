"""The ratios of counts that scores are, in percent."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Share(NamedTuple):
    """What a ratio is made of, int64, of one shape.

    Args:
        hits: right frames or broken segments, for example.
        out_of: all of them.
    """

    hits: Tensor
    out_of: Tensor


class Matches(NamedTuple):
    """Pairs of what was predicted and what is true, and those without a partner; int64, all of one shape.

    Args:
        tp: true ones that were found: frames, segments or boundaries.
        fp: predicted ones that are false.
        fn: true ones that were missed.
    """

    tp: Tensor
    fp: Tensor
    fn: Tensor


def percent(hits: Tensor, out_of: Tensor, empty_score: float = 100.0) -> Tensor:
    """The ratio of two counts, as nearly every score here is one.

    Args:
        hits: int64, any shape.
        out_of: int64, the same shape.
        empty_score: the result where both are zero.

    Returns:
        ``100 * hits / out_of`` in float32.

    Example:
        >>> percent(torch.tensor([1, 0, 0]), torch.tensor([4, 2, 0]))
        tensor([ 25.,   0., 100.])
    """
    return torch.where(out_of > 0, 100.0 * hits.double() / out_of.double(), empty_score).float()


def f1_ratio(tp: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of F1, ``2 tp / (2 tp + fp + fn)``.

    Args:
        tp: true positives, int64, any shape.
        fp: false positives, the same shape.
        fn: misses, the same shape.

    Example:
        >>> f1_ratio(torch.tensor(3), torch.tensor(1), torch.tensor(0))
        (tensor(6), tensor(7))
    """
    return 2 * tp, 2 * tp + fp + fn


def precision_ratio(tp: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of a precision, ``tp / (tp + fp)``.

    Args:
        tp: true positives, int64, any shape.
        fp: false positives, the same shape.
        fn: misses, the same shape.

    Returns:
        ``tp`` and ``tp + fp``. Where nothing was predicted, 0 of the misses: a score of 0 if there are any, and by
        :func:`percent` of 100 if there was nothing to find either.

    Example:
        >>> precision_ratio(torch.tensor([3, 0, 0]), torch.tensor([1, 0, 0]), torch.tensor([9, 9, 0]))
        (tensor([3, 0, 0]), tensor([4, 9, 0]))
    """
    return tp, torch.where(tp + fp > 0, tp + fp, fn)


def recall_ratio(tp: Tensor, fp: Tensor, fn: Tensor) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of a recall: :func:`precision_ratio` with ``fp`` and ``fn`` exchanged.

    Args:
        tp: true positives, int64, any shape.
        fp: false positives, the same shape.
        fn: misses, the same shape.

    Example:
        >>> recall_ratio(torch.tensor(3), torch.tensor(1), torch.tensor(9))
        (tensor(3), tensor(12))
    """
    return precision_ratio(tp, fn, fp)


def mean_over_classes(scores: Tensor) -> Tensor:
    """Mean over the classes that occur.

    Args:
        scores: percent, ``(C,)``, NaN for classes that do not occur: computed with ``absent_score=nan``.

    Returns:
        Percent, ``()`` float32; 100 if no class occurs.

    Example:
        >>> mean_over_classes(torch.tensor([50.0, float("nan"), 100.0]))
        tensor(75.)
    """
    occurring = scores[~scores.isnan()]
    return occurring.double().mean().float() if len(occurring) else torch.tensor(100.0)
