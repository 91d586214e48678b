"""Cross-entropy: by hand, and padding has no weight."""

from __future__ import annotations

import math

import pytest
import torch

from segtcn.losses import CrossEntropy, cross_entropy


def test_by_hand():
    logits = torch.log(torch.tensor([[[0.5, 0.1], [0.25, 0.2], [0.25, 0.7]]]))
    labels = torch.tensor([[1, 2]])
    expected = -(math.log(0.25) + math.log(0.7)) / 2
    assert cross_entropy(logits, labels, labels >= 0).item() == pytest.approx(expected)


def test_class_weights_make_a_weighted_mean():
    logits = torch.log(torch.tensor([[[0.5, 0.1], [0.25, 0.2], [0.25, 0.7]]]))
    labels = torch.tensor([[1, 2]])
    expected = -(4 * math.log(0.25) + 1 * math.log(0.7)) / 5
    weight = torch.tensor([1.0, 4.0, 1.0])
    assert cross_entropy(logits, labels, labels >= 0, weight).item() == pytest.approx(expected)


def test_a_batch_is_the_mean_over_the_real_frames_of_its_videos():
    lengths = [3, 8, 1]
    logits, labels = torch.randn(3, 4, 8), torch.randint(4, (3, 8))
    mask = torch.arange(8) < torch.tensor(lengths)[:, None]
    alone = [
        cross_entropy(logits[i : i + 1, :, :n], labels[i : i + 1, :n], mask[i : i + 1, :n])
        for i, n in enumerate(lengths)
    ]
    expected = sum(n * loss for n, loss in zip(lengths, alone, strict=True)) / sum(lengths)
    logits[0, :, 3:], labels[0, 3:] = 1e4, -100  # whatever stands on padding
    torch.testing.assert_close(cross_entropy(logits, labels, mask), expected)


def test_padding_has_no_gradient():
    logits = torch.randn(1, 4, 6, requires_grad=True)
    cross_entropy(logits, torch.zeros(1, 6, dtype=torch.int64), torch.arange(6)[None] < 4).backward()
    assert logits.grad[..., 4:].abs().max() == 0
    assert logits.grad[..., :4].abs().min() > 0


def test_no_real_frame_scores_zero():
    mask = torch.zeros(1, 3, dtype=torch.bool)
    assert cross_entropy(torch.randn(1, 4, 3), torch.zeros(1, 3, dtype=torch.int64), mask) == 0


def test_stages_add_up():
    logits, labels = torch.randn(3, 2, 4, 5), torch.randint(4, (2, 5))
    mask = torch.ones(2, 5, dtype=torch.bool)
    weight = [1.0, 2.0, 3.0, 4.0]
    expected = sum(cross_entropy(stage, labels, mask, torch.tensor(weight)) for stage in logits)
    torch.testing.assert_close(CrossEntropy(weight)(logits, None, labels, mask), expected)
