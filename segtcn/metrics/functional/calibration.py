"""Expected calibration error: whether a network is right as often as it is sure."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from segtcn.metrics.functional.sequences import FrameLabels, check_labels, is_foreground


def calibration_error(probabilities: Tensor, labels: FrameLabels, num_bins: int = 15) -> Tensor:
    """Expected calibration error: how far confidence and accuracy are apart.

    ``100 * sum_k n_k / T * |accuracy_k - confidence_k|`` over K equally wide bins of the predicted class's probability;
    bin k holds the n_k frames with ``k / K <= probability < (k + 1) / K``, the last one also those of 1.

    Args:
        probabilities: of every class and frame, ``(C, T)``, from 0 to 1.
        labels: true class of every frame, ``(T,)``.
        num_bins: K.

    Returns:
        Percent, ``()`` float32, the lower the better.

    Raises:
        ValueError: if ``probabilities`` is not ``(C, T)``, not from 0 to 1 or not finite, a label is malformed or not
            below C, or ``num_bins`` is not positive.

    Example:
        Two frames at a confidence of 0.75, of which one is right.

        >>> calibration_error(torch.tensor([[0.75, 0.25], [0.25, 0.75]]), [0, 0])
        tensor(25.)

    Reference:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    return expected_error(*calibration_counts(probabilities, labels, num_bins))


def calibration_counts(probabilities: Tensor, labels: FrameLabels, num_bins: int = 15) -> tuple[Tensor, ...]:
    """Sum right predictions, confidences and frames in bins of confidence.

    Args:
        probabilities: of every class and frame, ``(C, T)``, from 0 to 1.
        labels: true class of every frame, ``(T,)``.
        num_bins: K.

    Returns:
        Right predictions, confidences and frames of each bin, ``(K,)``: int64, float64 and int64.

    Raises:
        ValueError: as :func:`calibration_error`.

    Example:
        >>> calibration_counts(torch.tensor([[0.8, 0.2], [0.2, 0.8]]), [0, 0], num_bins=2)[0]
        tensor([0, 1])
    """
    if num_bins < 1:
        raise ValueError(f"`num_bins` must be at least 1, got {num_bins}")
    if probabilities.ndim != 2 or not probabilities.is_floating_point():
        raise ValueError(
            "`probabilities` must be floats of the shape (C, T), got "
            f"{tuple(probabilities.shape)} {probabilities.dtype}"
        )
    confidence, preds = probabilities.detach().cpu().double().max(dim=0)
    pred_frames, true_frames = check_labels(preds, labels, len(probabilities))
    scored = is_foreground(true_frames, None)
    check_probabilities(probabilities[:, torch.from_numpy(scored)])
    right, sure = (pred_frames == true_frames)[scored], confidence.numpy()[scored]
    bins = np.minimum((sure * num_bins).astype(np.int64), num_bins - 1)
    correct, total = (np.bincount(frames, minlength=num_bins) for frames in (bins[right], bins))
    sums = (correct, np.bincount(bins, weights=sure, minlength=num_bins), total)
    return tuple(map(torch.from_numpy, sums))


def expected_error(correct: Tensor, confidence: Tensor, total: Tensor) -> Tensor:
    """The expected calibration error from the sums of :func:`calibration_counts`.

    Args:
        correct: ``(K,)``.
        confidence: ``(K,)``.
        total: ``(K,)``.

    Returns:
        Percent, ``()`` float32; 0 without a frame.

    Example:
        >>> expected_error(torch.tensor([1]), torch.tensor([2.0]), torch.tensor([2]))
        tensor(50.)
    """
    gap = (correct.double() - confidence.double()).abs()
    return (100.0 * gap.sum() / total.sum().clamp(min=1)).float()


def check_probabilities(probabilities: Tensor) -> None:
    """Refuse values that are not probabilities.

    Args:
        probabilities: of any shape.

    Raises:
        ValueError: if a value is NaN or not from 0 to 1.

    Example:
        >>> check_probabilities(torch.tensor([[2.5], [-1.0]]))
        Traceback (most recent call last):
        ValueError: `probabilities` must lie from 0 to 1, got -1 to 2.5: logits need `.softmax` first
    """
    if probabilities.isnan().any():
        raise ValueError(f"`probabilities` holds {int(probabilities.isnan().sum())} NaN: check the network's output")
    if probabilities.numel() and not 0 <= probabilities.min() <= probabilities.max() <= 1:
        low, high = probabilities.min().item(), probabilities.max().item()
        raise ValueError(f"`probabilities` must lie from 0 to 1, got {low:g} to {high:g}: logits need `.softmax` first")
