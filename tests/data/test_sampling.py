"""Batches hold every video once, keep their limits in every epoch, and go on after a resume as they would have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler, SequentialSampler

from segtcn.data.sampling import BucketSampler, CappedBatches, Draw, Shuffle

lengths_of_videos = st.lists(st.integers(1, 400), min_size=1, max_size=60)


def indexes(batches: Sequence[Sequence[Draw]]) -> list[list[int]]:
    return [[draw.video for draw in batch] for batch in batches]


def padding(batches: Sequence[Sequence[int]], lengths: Sequence[int]) -> float:
    padded = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
    return 1 - sum(lengths[i] for batch in batches for i in batch) / padded


def uneven(count: int = 200) -> list[int]:
    return np.exp(np.random.default_rng(0).normal(6, 0.8, count)).astype(int).tolist()


@pytest.mark.parametrize(
    "make", [lambda **order: Shuffle(50, **order), lambda **order: BucketSampler(uneven(50), 4, **order)]
)
def test_order_depends_on_seed_and_epoch_alone(make: Callable[..., Shuffle | BucketSampler]) -> None:
    running = make(seed=3)
    orders = [list(running) for _ in range(4)]
    resumed = make(seed=3)
    resumed.set_epoch(2)
    assert [list(resumed), list(resumed)] == orders[2:]
    assert len({str(order) for order in orders}) == 4
    assert list(make(seed=4)) != orders[0]
    draws = orders[2] if isinstance(running, Shuffle) else [draw for batch in orders[2] for draw in batch]
    assert {draw.epoch for draw in draws} == {2}
    assert sorted(draw.video for draw in draws) == list(range(50))


@given(lengths=lengths_of_videos, batch_size=st.integers(1, 9), seed=st.integers(0, 9))
def test_every_video_is_in_one_batch_of_an_epoch(lengths: list[int], batch_size: int, seed: int) -> None:
    sampler = BucketSampler(lengths, batch_size, seed=seed)
    for _ in range(3):
        batches = indexes(list(sampler))
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        assert max(map(len, batches)) <= batch_size
        assert len(batches) == len(sampler) == -(-len(lengths) // batch_size)  # no more than without buckets


@given(
    lengths=lengths_of_videos,
    batch_size=st.integers(1, 9),
    max_frames=st.integers(1, 1500),
    jitter=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 9),
)
def test_limit_of_frames_holds_in_every_epoch_for_the_same_number_of_batches(
    lengths: list[int], batch_size: int, max_frames: int, jitter: float, seed: int
) -> None:
    sampler = BucketSampler(lengths, batch_size, max_frames, jitter, seed=seed)
    for _ in range(5):
        batches = indexes(list(sampler))
        assert len(batches) == len(sampler)
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        for batch in batches:
            assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= max_frames
            assert len(batch) <= batch_size


def test_limit_is_made_use_of() -> None:
    sampler = BucketSampler([100] * 64, batch_size=50, max_frames=800)
    assert [len(batch) for batch in sampler] == [8] * 8
    long = BucketSampler([5000, 100, 100], batch_size=50, max_frames=800)
    assert sorted(map(len, long)) == [1, 2]


def test_buckets_have_little_padding_and_still_mix() -> None:
    lengths = uneven()
    sampler = BucketSampler(lengths, batch_size=8)
    epochs = [indexes(list(sampler)) for _ in range(10)]
    shuffled = [draw.video for draw in Shuffle(len(lengths))]
    assert padding([shuffled[i : i + 8] for i in range(0, 200, 8)], lengths) > 0.5
    assert max(padding(epoch, lengths) for epoch in epochs) < 0.15
    companions = {other for epoch in epochs for batch in epoch if 0 in batch for other in batch}
    assert len(companions) > 12  # 8 if batches were always the same
    means = np.array([[np.mean([lengths[i] for i in batch]) for batch in epoch] for epoch in epochs])
    assert abs(np.corrcoef(means.mean(axis=0), np.arange(25))[0, 1]) < 0.5  # not from long to short


@given(
    lengths=st.lists(st.integers(1, 400), min_size=1, max_size=40),
    batch_size=st.integers(1, 5),
    max_frames=st.none() | st.integers(1, 1500),
    num_replicas=st.integers(1, 5),
)
def test_processes_share_all_videos_in_equally_many_batches(
    lengths: list[int], batch_size: int, max_frames: int | None, num_replicas: int
) -> None:
    alone = BucketSampler(lengths, batch_size, max_frames, seed=1)
    processes = [
        BucketSampler(lengths, batch_size, max_frames, seed=1, num_replicas=num_replicas, rank=rank)
        for rank in range(num_replicas)
    ]
    drawn = [indexes(list(process)) for process in processes]
    assert {len(batches) for batches in drawn} == {len(processes[0])} == {-(-len(alone) // num_replicas)}
    counts = Counter(tuple(batch) for batches in drawn for batch in batches)
    assert set(counts) == {tuple(batch) for batch in indexes(list(alone))}
    assert counts.total() - len(counts) == -len(alone) % num_replicas  # drawn twice: as few as possible


def test_processes_get_batches_of_similar_length_at_the_same_time() -> None:
    lengths = uneven(400)
    first, second = (indexes(list(BucketSampler(lengths, 4, num_replicas=2, rank=rank))) for rank in (0, 1))
    longest = np.array([[max(lengths[i] for i in batch) for batch in batches] for batches in (first, second)])
    assert np.median(longest.max(axis=0) / longest.min(axis=0)) < 1.1


@given(lengths=lengths_of_videos, batch_size=st.integers(1, 9), max_frames=st.integers(1, 1500))
def test_capped_batches_keep_the_order_and_are_as_large_as_the_limits_allow(
    lengths: list[int], batch_size: int, max_frames: int
) -> None:
    order = list(range(len(lengths)))[::-1]
    sampler = CappedBatches(order, batch_size, lengths=lengths, max_frames=max_frames)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    assert [index for batch in batches for index in batch] == order
    for batch, following in zip(batches, [*batches[1:], None], strict=True):
        assert 1 <= len(batch) <= batch_size
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= max_frames
        if following is not None:
            longer = [*batch, following[0]]
            assert len(longer) > batch_size or len(longer) * max(lengths[i] for i in longer) > max_frames


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BucketSampler([3], 0), r"`batch_size` and `max_frames` must be at least 1, got 0 and None"),
        (lambda: BucketSampler([3], 1, 0), r"`batch_size` and `max_frames` must be at least 1, got 1 and 0"),
        (lambda: BucketSampler([3], 1, jitter=-1), r"`jitter` must not be negative, got -1"),
        (lambda: CappedBatches(range(1), 1, lengths=[3], max_frames=0), r"`max_frames` must be at least 1"),
        (lambda: CappedBatches(range(1), 1, True, [3], 9), r"`drop_last` False, got 9 and True"),
    ],
)
def test_wrong_argument_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_lightning_leaves_the_sampler_of_processes_alone() -> None:
    assert isinstance(BucketSampler([3], 1), DistributedSampler)
    assert not isinstance(CappedBatches(SequentialSampler([1]), 1).sampler, DistributedSampler)
