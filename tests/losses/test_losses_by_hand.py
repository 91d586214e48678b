"""Losses, their targets and their weights, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from segtcn.losses import (
    boundary_bce,
    boundary_targets,
    class_weights,
    cross_entropy,
    focal,
    gaussian_similarity,
    truncated_mse,
)

P = torch.tensor([[[0.5, 0.1], [0.25, 0.2], [0.25, 0.7]]])
CHANGE = torch.tensor([[[0.5, 0.8, 1e-6], [0.5, 0.2, 1 - 1e-6]]], dtype=torch.float64)
FEATURES = torch.tensor([[[0.0, 3.0], [0.0, 4.0]]])


def nll(p: float) -> float:
    return -math.log(p)


@pytest.mark.parametrize(
    ("loss", "labels", "expected"),
    [
        (lambda *y: cross_entropy(P.log(), *y), [1, 2], (nll(0.25) + nll(0.7)) / 2),
        *(
            (
                lambda *y, w=w: cross_entropy(P.log(), *y, w * torch.tensor([1.0, 4, 1])),
                [1, 2],
                (4 * nll(0.25) + nll(0.7)) / 5,
            )
            for w in (1, 9)
        ),
        (
            lambda *y: cross_entropy(P[..., :1].log(), *y, label_smoothing=0.3),
            [0],
            0.7 * nll(0.5) + 0.1 * (nll(0.5) + 2 * nll(0.25)),
        ),
        (lambda *y: focal(P.log(), *y, gamma=2), [1, 2], (0.75**2 * nll(0.25) + 0.3**2 * nll(0.7)) / 2),
        # the change of log 0.8 to log 1e-6 is 13.6, cut at 4
        (
            lambda _, mask: truncated_mse(CHANGE.log(), mask),
            [0, 0, 0],
            (nll(1.6) ** 2 + nll(0.4) ** 2 + 16 + nll((1 - 1e-6) / 0.2) ** 2) / 4,
        ),
        (lambda *_: gaussian_similarity(FEATURES, sigma=5.0), [0], math.exp(-25 / 50)),
        (lambda *_: gaussian_similarity(FEATURES, sigma=5.0, squared=False), [0], math.exp(-5 / 50)),
        (
            lambda *y: boundary_bce(torch.tensor([[0.9, 0.2, 0.6]]).logit(), *y, pos_weight=torch.tensor(5.0)),
            [3, 3, 1],
            (5 * nll(0.9) + nll(0.8) + 5 * nll(0.6)) / 3,
        ),
    ],
)
def test_losses_by_hand(loss, labels, expected):
    labels = torch.tensor([labels])
    assert loss(labels, labels >= 0).item() == pytest.approx(expected, rel=1e-5)


def test_weights_and_smoothing_leave_a_batch_of_unweighted_classes_at_zero():
    labels = torch.zeros(1, 3, dtype=torch.int64)
    weight = torch.tensor([0.0, 1.0])
    assert cross_entropy(torch.randn(1, 2, 3), labels, labels == 0, weight, label_smoothing=0.1) == 0


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_of_a_certain_frame_has_a_finite_gradient(gamma):
    logits = torch.tensor([[[200.0], [0.0]]], requires_grad=True)
    loss = focal(logits, torch.tensor([[0]]), torch.ones(1, 1, dtype=torch.bool), gamma)
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


def test_only_the_later_frame_of_a_pair_follows_ms_tcns_smoothing():
    logits = torch.randn(1, 3, 5, requires_grad=True)
    mask = torch.ones(1, 5, dtype=torch.bool)
    (gradient,) = torch.autograd.grad(truncated_mse(logits, mask), logits)
    assert (gradient[..., 0] == 0).all()
    assert (gradient[..., 1:].abs().sum(dim=1) > 0).all()
    (gradient,) = torch.autograd.grad(truncated_mse(logits, mask, detach=False), logits)
    assert gradient[..., 0].abs().sum() > 0


def test_boundary_targets_by_hand():
    labels = torch.tensor([[2, 2, 1, -100, 1, 1, 0], [0, 0, 0, 1, -100, -100, -100]])
    mask = torch.arange(7) < torch.tensor([[7], [4]])
    starts, known = boundary_targets(labels, mask)
    # not known: a frame without annotation, and whether a segment starts right after it
    assert known.int().tolist() == [[1, 1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 0, 0]]
    assert starts.int().tolist() == [[1, 0, 1, 0, 0, 0, 1], [1, 0, 0, 1, 0, 0, 0]]


def test_class_weights_by_hand():
    frames = torch.tensor([60, 0, 10, 20])
    assert class_weights(frames).tolist() == pytest.approx([20 / 60, 1, 2, 1])
    assert class_weights(frames, "inverse_frequency").tolist() == pytest.approx([0.5, 1, 3, 1.5])
    assert class_weights(torch.zeros(3)).tolist() == [1, 1, 1]
    assert class_weights(torch.tensor([1, 8, 2, 4])).tolist() == pytest.approx([2, 0.25, 1, 0.5])  # the lower median
    with pytest.raises(ValueError, match="class weights are 'median_frequency' or 'inverse_frequency', got 'mean'"):
        class_weights(frames, "mean")
