"""Videos with rare classes are drawn more often."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import MSTCNReader
from segtcn.data.sampling import SharedShuffle, Shuffle
from segtcn.data.statistics import draw_weights
from tests.conftest import write_tree


@pytest.fixture
def data(tmp_path):
    """Three training videos: two of common frames alone, one of which a half is of a class that no other has."""
    frames = np.zeros((20, 4), np.float32)
    videos = {
        "a": (frames, [0] * 20),
        "b": (frames, [0] * 20),
        "c": (frames, [0] * 10 + [1] * 10),
        "t": (frames, [0] * 20),
    }
    root = write_tree(tmp_path, videos=videos, splits={1: (["a", "b", "c"], ["t"])})

    def make(**options) -> SegmentationDataModule:
        return SegmentationDataModule(MSTCNReader(root, fps=10), batch_size=1, **options)

    return make


def test_weights_are_the_mean_rarity_of_the_frames(data):
    # 50 of 60 frames are of class 0: rarity 1.2, and 6 of the class of the other ten
    rarity = np.array([1.2, 1.2, (1.2 + 6) / 2])
    assert draw_weights(data().dataset("train"), 1) == pytest.approx(rarity / rarity.sum())
    assert draw_weights(data().dataset("train"), 0.5) == pytest.approx(rarity**0.5 / (rarity**0.5).sum())


def test_an_epoch_draws_by_the_weights_and_by_seed_and_epoch_alone(data):
    loader = data(rare_classes=1.0).train_dataloader()
    assert Counter(batch.names[0] for _ in range(300) for batch in loader)["c"] / 900 == pytest.approx(0.6, abs=0.05)
    shuffle = Shuffle(3, seed=1, weights=[0.2, 0.2, 0.6])
    epochs = [[draw.video for draw in shuffle] for _ in range(1000)]
    assert Counter(video for epoch in epochs for video in epoch)[2] / 3000 == pytest.approx(0.6, abs=0.03)
    assert [draw.video for draw in Shuffle(3, seed=1, epoch=7, weights=[0.2, 0.2, 0.6])] == epochs[7]
    shared = [SharedShuffle([20] * 3, 1, 2, rank, 1, [0.2, 0.2, 0.6]) for rank in (0, 1)]
    draws = [draw.video for share in shared for batch in share for draw in batch if draw.counts]
    assert sorted(draws) == sorted(epochs[0])


def test_without_it_each_video_is_drawn_once(data):
    assert sorted(batch.names[0] for batch in data().train_dataloader()) == ["a", "b", "c"]


def test_buckets_are_refused(data):
    with pytest.raises(ValueError, match="`rare_classes` draws videos by their classes"):
        data(rare_classes=1.0, bucket=True)
