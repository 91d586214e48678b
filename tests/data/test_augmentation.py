"""Augmentation moves features and labels together, stays within its limits, and touches nothing but training videos."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segtcn.data import SegmentationDataset
from segtcn.data.augmentation import (
    Augmentation,
    AugmentedDataset,
    ChannelDropout,
    Crop,
    FrameDropout,
    GaussianNoise,
    SpeedChange,
    TemporalResampling,
)
from segtcn.data.readers import Reader
from segtcn.data.sampling import Draw
from segtcn.structures import IGNORE, Video, frames_to_segments

SEGMENT = 4  # frames of each in the coded video


def coded(num_frames: int, num_classes: int = 10**6) -> Video:
    """A video whose first feature is the time, and whose labels say in which stretch of it a frame lies."""
    time = torch.arange(num_frames)
    noise = torch.randn(5, num_frames, generator=torch.Generator().manual_seed(num_frames))
    return Video("coded", torch.cat([time[None].float(), noise]), time // SEGMENT % num_classes)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


every_augmentation = pytest.mark.parametrize(
    "augmentation",
    [
        SpeedChange(0.3, 3),
        SpeedChange(0.3, 3, "nearest"),
        TemporalResampling(7, 0.3, 3),
        TemporalResampling(7, 0.3, 3, "nearest"),
        Crop(9, context=4),
        FrameDropout(0.5, length=3),
        ChannelDropout(0.5),
        GaussianNoise(0.5),
    ],
    ids=lambda augmentation: f"{type(augmentation).__name__}-{getattr(augmentation, '_interpolation', '')}",
)


class CodedReader(Reader):
    """Videos whose names are their lengths."""

    class_names = tuple("0123456789")
    feature_dim, fps, background, splits = 6, 10.0, None, (1,)

    def videos(self, split: int, subset: str) -> list[str]:
        return ["40", "41", "42"]

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
        return coded(int(name), num_classes=10)._replace(name=name, source=name)


def dataset(*augmentations: Augmentation, seed: int = 0, **arguments: Any) -> AugmentedDataset:
    reader = CodedReader()
    return AugmentedDataset(SegmentationDataset(reader, reader.videos(1, "train"), **arguments), augmentations, seed)


def same(a: Video, b: Video) -> bool:
    return torch.equal(a.features, b.features) and torch.equal(a.labels, b.labels)


@every_augmentation
@given(num_frames=st.integers(1, 60), seed=st.integers(0, 99))
def test_result_is_a_video_within_the_stated_length_and_the_original_stays(
    augmentation: Augmentation, num_frames: int, seed: int
) -> None:
    video, untouched = coded(num_frames), coded(num_frames)
    changed = augmentation(video, rng(seed))
    assert 1 <= changed.features.shape[1] <= augmentation.longest(num_frames)
    assert changed.labels.shape == changed.features.shape[1:]
    assert changed.features.dtype == torch.float32
    assert changed.labels.dtype == torch.int64
    assert changed.features.isfinite().all()
    assert same(video, untouched)
    assert augmentation(video._replace(labels=None), rng(seed)).labels is None
    assert torch.equal(augmentation(video._replace(labels=None), rng(seed)).features, changed.features)


@pytest.mark.parametrize(
    "augmentation",
    [SpeedChange(1, 1), TemporalResampling(7, 1, 1), Crop(60), FrameDropout(0), ChannelDropout(0), GaussianNoise(0)],
    ids=lambda augmentation: type(augmentation).__name__,
)
@given(num_frames=st.integers(1, 60))
def test_parameters_that_change_nothing_change_nothing(augmentation: Augmentation, num_frames: int) -> None:
    assert same(augmentation(coded(num_frames), rng()), coded(num_frames))


@pytest.mark.parametrize("cls", [SpeedChange, TemporalResampling])
@given(num_frames=st.integers(1, 80), seed=st.integers(0, 99))
def test_labels_follow_the_features_in_time(cls: Callable[..., Augmentation], num_frames: int, seed: int) -> None:
    video = coded(num_frames)
    nearest, linear = (cls(slowest=0.4, fastest=2.5, interpolation=how) for how in ("nearest", "linear"))
    taken = nearest(video, rng(seed))
    frames = taken.features[0].long()
    assert torch.equal(taken.features, video.features[:, frames])  # whole frames, all features of one
    assert torch.equal(taken.labels, video.labels[frames])
    assert (frames.diff() >= 0).all()
    blended = linear(video, rng(seed))
    assert torch.equal(blended.labels, taken.labels)  # the same map of time
    assert (blended.features[0] - frames).abs().max() <= 0.5 + 1e-4
    times = blended.features[0].double()
    expected = [np.interp(times, np.arange(num_frames), feature) for feature in video.features.double()]
    np.testing.assert_allclose(blended.features, np.stack(expected), atol=1e-3)


@pytest.mark.parametrize("speed", [0.4, 0.75, 1.6, 2.5])
@pytest.mark.parametrize("piece", [None, 11])
def test_speed_stretches_every_segment_alike(speed: float, piece: int | None) -> None:
    video = coded(400)
    augmentation = SpeedChange(speed, speed) if piece is None else TemporalResampling(piece, speed, speed)
    changed = augmentation(video, rng())
    assert changed.features.shape[1] == round(400 / speed)
    segments = frames_to_segments(changed.labels)
    assert [segment.label for segment in segments] == list(range(100))
    assert all(abs(segment.stop - segment.start - SEGMENT / speed) <= 1 for segment in segments)
    # the same from both ends
    back = augmentation(video._replace(features=video.features.flip(1)), rng()).features.flip(1)
    torch.testing.assert_close(back, changed.features)


def test_speeds_spread_evenly_between_their_limits() -> None:
    video = coded(1000)
    logs = np.log([1000 / SpeedChange(0.5, 2)(video, rng(s)).features.shape[1] for s in range(400)])
    assert np.abs(logs).max() <= np.log(2) + 1e-3
    counts, _ = np.histogram(logs, bins=4, range=(-np.log(2), np.log(2)))
    assert counts.min() > 70  # 100 expected, standard deviation 9


def test_speed_changes_within_the_video_piece_by_piece() -> None:
    changed = TemporalResampling(50, 0.5, 2)(coded(1000), rng(1))
    speeds = changed.features[0].diff()[1:-1]
    assert 0.5 - 0.02 < speeds.min() < 0.8
    assert 1.25 < speeds.max() < 2 + 0.04
    turns = (speeds.diff().abs() > 1e-2).sum()
    assert 15 <= turns <= 2 * 20  # 20 or 21 pieces; a frame that straddles a cut makes two steps


@pytest.mark.parametrize("context", [0, 3])
def test_crop_keeps_a_window_and_hides_the_labels_around_it(context: int) -> None:
    video, starts = coded(20), []
    for seed in range(400):
        crop = Crop(8, context)(video, rng(seed))
        times, labels = crop.features[0].long(), crop.labels
        assert torch.equal(crop.features, video.features[:, times])
        window = times[labels != IGNORE]
        start, stop = int(window[0]), int(window[-1]) + 1
        assert torch.equal(window, torch.arange(start, start + 8))
        assert torch.equal(labels[labels != IGNORE], video.labels[start:stop])
        assert times.tolist() == list(range(max(0, start - context), min(20, stop + context)))
        starts.append(start)
    counts = np.bincount(starts, minlength=13)
    assert len(counts) == 13  # all places 0 .. 12, and no other
    assert counts.min() > 12  # 31 expected, standard deviation 5


def test_frame_dropout_drops_whole_stretches_with_all_their_features() -> None:
    video = coded(4000)._replace(features=torch.rand(3, 4000) + 1)
    for length in (1, 5):
        runs: list[int] = []
        for seed in range(5):
            changed = FrameDropout(0.3, length)(video, rng(seed))
            dropped = (changed.features == 0).all(dim=0)
            assert torch.equal(changed.features[:, ~dropped], video.features[:, ~dropped])
            assert torch.equal(changed.labels, video.labels)
            assert dropped.float().mean() == pytest.approx(0.3, abs=0.08)
            inner = itertools.groupby(dropped.tolist())
            runs += [len(list(run)) for _, run in inner][1:-1]
        assert all(run % length == 0 for run in runs)
    edges = [(FrameDropout(0.5, 5)(video, rng(seed)).features[0] == 0).int().diff().nonzero()[0] for seed in range(50)]
    assert {int(edge) % 5 for edge in edges} == set(range(5))  # no frame is always the first of a stretch
    assert FrameDropout(1)(video, rng()).features.abs().max() == 0


def test_channel_dropout_drops_features_for_the_whole_video() -> None:
    video = coded(7)._replace(features=torch.rand(4000, 7) + 1)
    changed = ChannelDropout(0.3)(video, rng())
    dropped = (changed.features == 0).all(dim=1)
    assert torch.equal(changed.features[~dropped], video.features[~dropped])
    assert dropped.float().mean() == pytest.approx(0.3, abs=0.03)
    assert ChannelDropout(1)(video, rng()).features.abs().max() == 0


def test_noise_is_white_and_relative_to_each_feature() -> None:
    features = torch.randn(3, 20000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[1.0], [50.0], [0.0]])
    noise = GaussianNoise(0.2)(coded(20000)._replace(features=features), rng()).features - features
    assert noise[0].std() == pytest.approx(0.2, rel=0.03)
    assert noise[1].std() == pytest.approx(10, rel=0.03)
    assert noise[2].abs().max() == 0
    correlations = torch.corrcoef(torch.stack([noise[0, 1:], noise[0, :-1], noise[1, 1:]]))
    assert (correlations - torch.eye(3)).abs().max() < 0.03
    assert noise[:2].mean(dim=1).abs().max() < 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpeedChange(0, 1), r"`slowest` and `fastest` must be positive speeds in that order, .* got 0 and 1"),
        (lambda: SpeedChange(1.5, 1.2), r"`slowest` and `fastest` must be .* got 1\.5 and 1\.2"),
        (lambda: TemporalResampling(fastest=float("inf")), r"`slowest` and `fastest` must be"),
        (lambda: SpeedChange(interpolation="cubic"), r"`interpolation` must be 'linear' or 'nearest', got 'cubic'"),
        (lambda: TemporalResampling(piece=0), r"`piece` must be at least 1 frame, got 0"),
        (lambda: Crop(0), r"`num_frames` must be at least 1 and `context` at least 0, got 0 and 0"),
        (lambda: Crop(5, context=-1), r"`context` at least 0, got 5 and -1"),
        (lambda: FrameDropout(1.1), r"`p` must be a share from 0 to 1, got 1\.1"),
        (lambda: FrameDropout(0.1, length=0), r"`length` must be at least 1 frame, got 0"),
        (lambda: ChannelDropout(-0.1), r"`p` must be a share from 0 to 1, got -0\.1"),
        (lambda: GaussianNoise(-1), r"`std` must not be negative, got -1"),
    ],
)
def test_wrong_argument_is_refused(make: Callable[[], Augmentation], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_change_depends_on_seed_epoch_and_name_alone() -> None:
    def one(index: int = 0, epoch: int = 0, seed: int = 0, **arguments: Any) -> Video:
        return dataset(GaussianNoise(), SpeedChange(), seed=seed, **arguments)[Draw(index, epoch)].video

    assert same(one(), one())
    assert same(one(), one(cache_gib=0))
    assert not same(one(), one(epoch=1))
    assert not same(one(), one(seed=1))
    alone = SegmentationDataset(CodedReader(), ["42"])
    assert same(one(index=2), AugmentedDataset(alone, [GaussianNoise(), SpeedChange()])[0].video)
    noise = [dataset(GaussianNoise())[Draw(i, 0)].video.features - dataset()[i].video.features for i in (0, 1)]
    assert not torch.allclose(noise[0], noise[1][:, :40], atol=1e-2)


def test_cache_holds_the_clean_video() -> None:
    videos = dataset(ChannelDropout(1), FrameDropout(1), GaussianNoise(3), Crop(5))
    clean = videos.dataset[1].video
    for epoch in range(3):
        assert videos[Draw(1, epoch)].video.features.abs().max() == 0
    assert videos.dataset[1].video is clean
    assert same(clean, coded(41, num_classes=10))


def test_order_of_the_list_is_the_order_of_the_changes() -> None:
    silenced_last = dataset(GaussianNoise(1), ChannelDropout(1))[0].video.features
    assert silenced_last.abs().max() == 0
    # a crop after slow motion has its own length, one before is stretched
    assert dataset(SpeedChange(0.5, 0.5), Crop(10))[0].video.features.shape[1] == 10
    assert dataset(Crop(10), SpeedChange(0.5, 0.5))[0].video.features.shape[1] == 20
    assert dataset(Crop(10), SpeedChange(0.5, 0.5)).lengths() == [20, 20, 20]


def test_labels_at_the_stored_rate_fit_the_changed_video() -> None:
    clean = dataset(sample_rate=4)[1]
    assert clean.num_frames == 41
    noisy = dataset(GaussianNoise(), FrameDropout(), sample_rate=4)[1]  # frames stay in their places
    assert noisy.num_frames == 41
    assert torch.equal(noisy.stored_labels, coded(41, num_classes=10).labels)
    for augmentation in (SpeedChange(0.5, 0.5), Crop(6, context=1)):
        sample = dataset(augmentation, sample_rate=4)[1]
        length = sample.video.features.shape[1]
        assert sample.num_frames == 4 * length
        assert torch.equal(sample.stored_labels, sample.video.labels.repeat_interleave(4))


def test_something_that_is_no_video_is_refused_by_name() -> None:
    class Halved(Augmentation):
        def __call__(self, video: Video, rng: np.random.Generator) -> Video:
            return video._replace(features=video.features[:, ::2])

    with pytest.raises(ValueError, match=r"Halved must return .* and T labels, got \(6, 20\) and \(40,\) for '40'"):
        dataset(Halved())[0]
