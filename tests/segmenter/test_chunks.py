"""Long videos in chunks: equal to the video at once, or approximate by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.models import SegmentationModel
from segtcn.segmenter import Segmenter
from tests.models.networks import IN_CHANNELS, NETWORKS

FINITE = {name: make for name, make in NETWORKS.items() if make().causal or None not in make().receptive_field}
WHOLE = {name: make for name, make in NETWORKS.items() if None in make().receptive_field and not make().causal}


def segmenter_of(net: SegmentationModel, sample_rate: int = 1) -> Segmenter:
    torch.manual_seed(0)
    segmenter = Segmenter(net, fps=30, sample_rate=sample_rate).eval()
    segmenter.standardization.set(torch.randn(IN_CHANNELS), torch.rand(IN_CHANNELS) + 0.5)
    return segmenter


@pytest.mark.parametrize("make", FINITE.values(), ids=FINITE)
@pytest.mark.parametrize("sample_rate", [1, 3])
def test_chunks_equal_the_whole_video(make, sample_rate):
    segmenter = segmenter_of(make(), sample_rate)
    features = torch.randn(IN_CHANNELS, 101)
    whole = segmenter.predict(features)
    for chunk in (segmenter.net.period, 16, 50, 101):
        labels = segmenter.predict(features, chunk=max(chunk, segmenter.net.period))
        np.testing.assert_allclose(labels.scores, whole.scores, atol=1e-5)
        assert labels.indexes.tolist() == whole.indexes.tolist()


@settings(max_examples=30, deadline=None)
@given(num_frames=st.integers(1, 90), chunk=st.integers(4, 60), name=st.sampled_from(sorted(FINITE)))
def test_chunks_of_any_size_equal_the_whole_video(num_frames, chunk, name):
    segmenter = segmenter_of(FINITE[name]())
    features = torch.randn(IN_CHANNELS, num_frames)
    chunk = max(chunk, segmenter.net.period)
    np.testing.assert_allclose(
        segmenter.predict(features, chunk=chunk).scores, segmenter.predict(features).scores, atol=1e-5
    )


@pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)
def test_a_network_that_sees_the_whole_video_is_only_approximated(make):
    segmenter = segmenter_of(make())
    features = torch.randn(IN_CHANNELS, 200)
    with pytest.raises(ValueError, match=r"sees the whole video, so no chunk of it gives the same .*approximate"):
        segmenter.predict(features, chunk=50)
    labels = segmenter.predict(features, chunk=50, approximate=True)
    np.testing.assert_allclose(labels.scores.sum(axis=0), 1, atol=1e-5)
    same = segmenter.predict(features, chunk=200, approximate=True)
    np.testing.assert_allclose(same.scores, segmenter.predict(features).scores, atol=1e-6)


def test_blending_is_exact_where_context_does_not_matter():
    segmenter = segmenter_of(NETWORKS["FrameClassifier"]())
    features = torch.randn(IN_CHANNELS, 97)
    np.testing.assert_allclose(
        segmenter.predict(features, chunk=20, approximate=True).scores, segmenter.predict(features).scores, atol=1e-5
    )


def test_long_videos_are_cut_by_themselves_and_read_from_their_file(tmp_path, monkeypatch):
    monkeypatch.setattr("segtcn.segmenter.segmenter.WHOLE", 60)
    monkeypatch.setattr("segtcn.segmenter.segmenter.CHUNK", 40)
    name = next(iter(FINITE))
    segmenter = segmenter_of(FINITE[name](), sample_rate=2)
    lengths: list[int] = []
    segmenter.standardization.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[-1]))
    features = np.random.default_rng(0).standard_normal((IN_CHANNELS, 401)).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    labels = segmenter.predict(tmp_path / "features.npy")
    assert max(lengths) < 201
    assert len(labels) == 401
    lengths.clear()
    segmenter.predict(features, chunk=201)
    assert lengths == [201]


def test_a_chunk_below_the_pooling_and_a_bad_frame_far_back_are_named():
    pooling = next(make() for make in FINITE.values() if make().period > 1)
    segmenter = segmenter_of(pooling, sample_rate=2)
    features = torch.randn(IN_CHANNELS, 100)
    with pytest.raises(ValueError, match=f"`chunk` must be at least {pooling.period} frames, the pooling"):
        segmenter.predict(features, chunk=1)
    for approximate in (False, True):
        with pytest.raises(ValueError, match="`chunk` must be at least 1, got 0"):
            segmenter.predict(features, chunk=0, approximate=approximate)
    features[0, 90] = torch.inf
    with pytest.raises(ValueError, match="got NaN or infinity in frame 90"):
        segmenter.predict(features, chunk=16)
