"""Mixtures of videos, and the loss of a task that trains on them."""

from __future__ import annotations

import pytest
import torch

from segtcn.losses import CrossEntropy, mix_videos
from segtcn.models import FrameClassifier
from segtcn.segmenter import Segmenter
from segtcn.structures import IGNORE, Batch
from segtcn.task import SegmentationTask


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    mask = torch.arange(6) < torch.tensor([6, 4, 5])[:, None]
    features = torch.randn(3, 4, 6) * mask[:, None]
    return Batch(features, torch.randint(3, (3, 6)).masked_fill(~mask, IGNORE), mask, ["a", "b", "c"], [6, 4, 5])


def test_frames_are_mixed_where_both_videos_have_one(batch):
    own, other = mix_videos(batch, 0.75)
    for video, partner in ((0, 1), (1, 2), (2, 0)):
        for frame in range(6):
            both = bool(batch.mask[video, frame] and batch.mask[partner, frame])
            single, second = batch.features[video, :, frame], batch.features[partner, :, frame]
            expected = 0.75 * single + 0.25 * second if both else single
            torch.testing.assert_close(own.features[video, :, frame], expected)
            assert other.labels[video, frame] == batch.labels[partner if both else video, frame]
    assert torch.equal(own.labels, batch.labels)
    assert torch.equal(own.features, other.features)


def test_the_loss_is_the_sum_by_shares_and_only_of_training(batch, monkeypatch):
    monkeypatch.setattr(torch.distributions.Beta, "sample", lambda self: torch.tensor(0.75))
    task = SegmentationTask(Segmenter(FrameClassifier(4, 3), fps=10), mixup=0.3).eval()
    own, other = mix_videos(batch, 0.75)
    loss = CrossEntropy()
    output = task(own.features, batch.mask)
    mixed = 0.75 * loss(output, own) + 0.25 * loss(output, other)
    torch.testing.assert_close(task._step(batch, "train")["loss"], mixed)
    torch.testing.assert_close(task._step(batch, "val")["loss"], loss(task(batch.features, batch.mask), batch))


@pytest.mark.parametrize("share", [-0.1, float("nan"), float("inf")])
def test_a_wrong_parameter_is_refused(share):
    with pytest.raises(ValueError, match="`mixup` must not be negative"):
        SegmentationTask(Segmenter(FrameClassifier(4, 3), fps=10), mixup=share)
