"""Pooling over windows, repeating and interpolating: slow versions, torch's own, and padding."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.pooling import HalfRate, interpolate, max_pool, upsample


@pytest.fixture(autouse=True, params=[False, True], ids=["", "for exporters"])
def compiling(request, monkeypatch):
    """Results must not depend on how frames are taken."""
    if request.param:
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)


@pytest.mark.parametrize("num_frames", [1, 2, 5, 12, 13])
@pytest.mark.parametrize(("window", "shift"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (5, 4)])
def test_max_pool_equals_a_loop_over_windows(num_frames, window, shift):
    x = -torch.rand(1, 2, num_frames)
    pooled, _ = max_pool(x, window=window, shift=shift)
    expected = [
        x[..., max(0, start) : start + window].amax(dim=-1) for start in range(-shift, num_frames - shift, window)
    ]
    assert torch.equal(pooled, torch.stack(expected, dim=-1))


@pytest.mark.parametrize(("window", "shift"), [(1, 0), (2, 0), (2, 1), (3, 0), (5, 4)])
@pytest.mark.parametrize("real", [1, 4, 7])
def test_max_pool_ignores_padding_also_of_negative_values(window, shift, real):
    x = -torch.rand(1, 2, 11) - 1
    mask = torch.arange(11)[None] < real
    pooled, pooled_mask = max_pool(x.masked_fill(~mask[:, None], 99.0), mask, window, shift)
    alone, _ = max_pool(x[..., :real], None, window, shift)
    assert int(pooled_mask.sum()) == alone.shape[-1]
    assert torch.equal(pooled[..., : alone.shape[-1]], alone)
    assert pooled[..., alone.shape[-1] :].abs().sum() == 0


def test_repeating_by_any_factor_undoes_the_rate_of_a_window():
    assert upsample(torch.tensor([[[1, 2, 3]]]), 8, factor=3).flatten().tolist() == [1, 1, 1, 2, 2, 2, 3, 3]
    assert upsample(torch.tensor([4, 5]), 2, factor=1).tolist() == [4, 5]
    assert upsample(torch.tensor([[[1, 2]]]), 3).flatten().tolist() == [1, 1, 2]


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 1), (4, 7), (4, 8), (9, 300), (30, 7), (6, 6)])
def test_interpolation_without_padding_is_that_of_torch(before, after):
    x = torch.randn(2, 3, before, dtype=torch.float64)
    expected = F.interpolate(x, size=after, mode="linear", align_corners=True)
    torch.testing.assert_close(interpolate(x, after), expected, atol=1e-6, rtol=0)  # weights are single precision


def test_interpolation_goes_by_the_length_of_each_video():
    lengths, new_lengths = torch.tensor([1, 6, 4, 9]), torch.tensor([2, 11, 8, 18])
    mask = torch.arange(9) < lengths[:, None]
    new_mask = torch.arange(18) < new_lengths[:, None]
    x = torch.randn(4, 2, 9)
    stretched = interpolate(x.masked_fill(~mask[:, None], torch.nan), 18, mask, new_mask)
    for video, old, new, out in zip(x, lengths, new_lengths, stretched, strict=True):
        torch.testing.assert_close(out[:, :new], interpolate(video[None, :, :old], int(new))[0], atol=0, rtol=0)


def test_interpolation_to_the_same_length_is_the_identity():
    x = torch.randn(1, 2, 1000)
    assert torch.equal(interpolate(x, 1000), x)


def test_interpolation_of_a_long_video_does_not_drift():
    frames = torch.arange(200_000, dtype=torch.float64)[None, None]
    stretched = interpolate(frames, 399_999)[0, 0]
    torch.testing.assert_close(stretched, torch.arange(399_999, dtype=torch.float64) / 2, atol=1e-6, rtol=0)


def test_a_video_without_frames_is_no_error():
    mask, new_mask = torch.tensor([[False, False], [True, True]]), torch.tensor([[False] * 4, [True] * 4])
    assert interpolate(torch.ones(2, 1, 2), 4, mask, new_mask)[1].eq(1).all()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("chunks", [(41,), (20, 21), (9, 8, 24), (10, 12, 10, 9), (39, 1), (40, 1), (11, 9, 20, 1)])
def test_chunks_at_half_the_rate_equal_the_whole_for_odd_and_even_lengths(chunks, causal):
    conv = TemporalConv1d(3, 4, kernel_size=3, causal=causal).double()
    layer, x = HalfRate([HalfRate([], causal), conv], causal), torch.randn(2, 3, sum(chunks), dtype=torch.float64)
    state, outputs = layer.initial_state(2), []
    for number, part in enumerate(x.split(chunks, dim=-1), 1):
        output, state = layer.step(part, state, last=number == len(chunks))
        outputs.append(output)
        assert not causal or output.shape[-1] == part.shape[-1]
    torch.testing.assert_close(torch.cat(outputs, dim=-1), layer(x))
