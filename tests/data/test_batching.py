"""A batch holds every video's frames unchanged, and nothing else."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from segtcn.data import Sample, collate
from segtcn.structures import IGNORE, Video


def sample(name: str, num_frames: int, seed: int, labelled: bool = True) -> Sample:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 5, (num_frames,), generator=generator) if labelled else None
    return Sample(Video(name, torch.randn(3, num_frames, generator=generator), labels), num_frames=5 * num_frames)


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_padding_is_all_that_is_added(lengths: list[int]) -> None:
    samples = [sample(f"v{i}", length, seed=i) for i, length in enumerate(lengths)]
    batch = collate(samples)
    assert batch.features.shape == (len(lengths), 3, max(lengths))
    assert (batch.features.dtype, batch.labels.dtype, batch.mask.dtype) == (torch.float32, torch.int64, torch.bool)
    assert batch.features.is_contiguous()
    assert batch.names == [f"v{i}" for i in range(len(lengths))]
    assert batch.num_frames == [5 * length for length in lengths]
    for i, (video, *_) in enumerate(samples):
        length = lengths[i]
        assert batch.mask[i].tolist() == [True] * length + [False] * (max(lengths) - length)
        assert torch.equal(batch.features[i, :, :length], video.features)
        assert torch.equal(batch.labels[i, :length], video.labels)
        assert (batch.features[i, :, length:] == 0).all()
        assert (batch.labels[i, length:] == IGNORE).all()


def test_batch_of_one_video_is_copied_only_where_the_cache_holds_it() -> None:
    one = sample("a", 4, 0)
    assert collate([one]).features.data_ptr() == one.video.features.data_ptr()
    kept = collate([one._replace(is_cached=True)]).features
    assert torch.equal(kept[0], one.video.features)
    kept.zero_()
    assert one.video.features.abs().min() > 0
    part = one._replace(video=one.video._replace(features=one.video.features[:, 1:3]))
    assert collate([part]).features.is_contiguous()


def test_batch_has_labels_only_if_every_video_has() -> None:
    assert collate([sample("a", 4, 0), sample("b", 2, 1, labelled=False)]).labels is None
    assert collate([sample("a", 4, 0), sample("b", 2, 1)]).labels is not None


def test_labels_before_sub_sampling_stay_whole_or_are_none() -> None:
    video = Video("a", torch.zeros(3, 2), torch.tensor([0, 2]))
    whole = Sample(video, num_frames=4, stored_labels=torch.tensor([0, 1, 2, 2]))
    batch = collate([whole, whole])
    assert [labels.tolist() for labels in batch.stored_labels] == [[0, 1, 2, 2]] * 2
    assert collate([whole, Sample(video, num_frames=4)]).stored_labels is None
