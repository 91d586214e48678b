"""Noise of seed, channel and frame; Gaussian curves against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from segtcn.layers.gaussian_curves import boundary_curve, smooth
from segtcn.layers.noise import frame_noise


def test_noise_is_normal_and_independent_over_seeds_channels_and_frames():
    noise = frame_noise(torch.arange(5), channels=20, num_frames=4000).double()
    moments = [float((noise**power).mean()) for power in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.05)
    rows = torch.corrcoef(noise.flatten(0, 1)).fill_diagonal_(0)
    assert rows.abs().max() < 5 / 4000**0.5  # 4,950 pairs
    for lag in (1, 2, 16):
        assert float((noise[..., lag:] * noise[..., :-lag]).mean()) == pytest.approx(0, abs=0.01)


def test_a_longer_video_begins_with_the_noise_of_a_shorter_one():
    seeds = torch.tensor([7, 2**31])
    longer = frame_noise(seeds, 3, 50)
    assert torch.equal(longer[..., :11], frame_noise(seeds, 3, 11))
    assert torch.equal(longer[1:], frame_noise(seeds[1:], 3, 50))


def test_smoothing_is_that_of_scipy_within_a_video():
    x = np.random.default_rng(0).random((1, 2, 60))
    ours = smooth(torch.from_numpy(x), torch.ones(1, 60, dtype=torch.bool), sigma=1.4)
    np.testing.assert_allclose(ours[..., 6:-6], gaussian_filter1d(x, 1.4)[..., 6:-6], atol=1e-6)
    with pytest.raises(ValueError, match="`sigma` must be positive, got 0"):
        smooth(ours, torch.ones(1, 60, dtype=torch.bool), sigma=0)


def test_a_boundary_has_the_height_1_also_beside_another_and_at_the_end_of_a_video():
    labels = torch.tensor([[0] * 20 + [1] + [2] * 20 + [3]])
    mask = torch.ones_like(labels, dtype=torch.bool)
    curve = boundary_curve(labels, mask, sigma=2)
    assert curve.max() == 1
    assert (curve[0, [19, 20, 21, 40, 41]] == 1).all()
    assert curve[0, [0, 10, 30]].max() < 1e-3
    assert not boundary_curve(labels, mask & (labels == 2), sigma=2).any()  # nobody knows what stands beside them
