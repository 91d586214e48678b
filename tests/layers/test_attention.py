"""Attention against the dense matrix of weights, under padding, and what memory it takes."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from segtcn.layers import attention
from segtcn.layers.attention import TemporalAttention, strided_attention, windowed_attention
from tests.reference.attention import dense_attention

WINDOWS = [(0, 0), (1, 0), (0, 2), (4, 3), (3, 4), (40, 40)]


@pytest.fixture(autouse=True, params=[(3, False), (64, False), (3, True)], ids=["tiles", "one tile", "for exporters"])
def tile(request, monkeypatch):
    """Results must not depend on how many frames share a matrix product, nor on how they are taken."""
    monkeypatch.setattr(attention, "TILE", request.param[0])
    if request.param[1]:
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)


def frames(num_frames: list[int], heads: int = 2) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Queries, keys and values of different widths, with garbage on padding, and the mask."""
    torch.manual_seed(0)
    longest = max(num_frames)
    mask = torch.arange(longest) < torch.tensor(num_frames)[:, None]
    tensors = [torch.randn(len(num_frames), heads, longest, width) for width in (4, 4, 5)]
    return [x.masked_fill(~mask[:, None, :, None], 1e3) for x in tensors], mask


def assert_equals_dense(actual, tensors, mask, num_frames, sees):
    real = mask[:, None, :, None]
    expected = dense_attention(*tensors, num_frames, sees)
    assert actual.isfinite().all()
    torch.testing.assert_close((actual * real).double(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("num_frames", [[1], [8], [13, 9, 3]], ids=str)
@pytest.mark.parametrize(("before", "after"), WINDOWS)
def test_every_frame_attends_to_its_window(num_frames, before, after):
    tensors, mask = frames(num_frames)
    actual = windowed_attention(*tensors, mask, window=(before, after))
    assert_equals_dense(actual, tensors, mask, num_frames, lambda t, s: t - before <= s <= t + after)


@pytest.mark.parametrize("num_frames", [[1], [8], [13, 9, 3]], ids=str)
@pytest.mark.parametrize("block", [1, 4, 5, 40])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 1), (40, 40)])
def test_the_frames_of_a_block_attend_to_one_window(num_frames, block, before, after):
    tensors, mask = frames(num_frames)
    actual = windowed_attention(*tensors, mask, window=(before, after), block=block)

    def sees(t: int, s: int) -> bool:
        first = t // block * block
        return first - before <= s <= first + block - 1 + after

    assert_equals_dense(actual, tensors, mask, num_frames, sees)


@pytest.mark.parametrize("num_frames", [[1], [8], [13, 9, 3]], ids=str)
@pytest.mark.parametrize("stride", [1, 4, 5, 40])
def test_every_frame_attends_to_every_stride_th_frame(num_frames, stride):
    tensors, mask = frames(num_frames)
    actual = strided_attention(*tensors, mask, stride=stride)
    assert_equals_dense(actual, tensors, mask, num_frames, lambda t, s: (t - s) % stride == 0)


def test_a_stride_longer_than_the_video_takes_no_memory():
    """Those of a checkpoint may be forged."""
    if not torch.compiler.is_compiling():
        tensors, mask = frames([13, 9])
        expected = strided_attention(*tensors, mask, stride=13)
        torch.testing.assert_close(strided_attention(*tensors, mask, stride=10**15), expected)


PATTERNS = {
    "windows": partial(windowed_attention, window=(4, 3)),
    "blocks": partial(windowed_attention, window=(2, 2), block=4),
    "strided": partial(strided_attention, stride=4),
}


@pytest.fixture(params=PATTERNS)
def pattern(request):
    return PATTERNS[request.param]


def test_no_mask_means_that_all_frames_are_real(pattern):
    tensors, mask = frames([13, 13])
    torch.testing.assert_close(pattern(*tensors), pattern(*tensors, mask), atol=1e-6, rtol=0)


def test_padding_has_no_gradient_and_spoils_none(pattern):
    tensors, mask = frames([13, 1, 6])
    tensors = [x.requires_grad_() for x in tensors]
    real = mask[:, None, :, None]
    (pattern(*tensors, mask) * real).square().sum().backward()
    for x in tensors:
        assert x.grad.isfinite().all()
        assert not (x.grad * ~real).any()
        assert (x.grad * real).any()


def test_gradients_are_those_of_the_equation(pattern):
    tensors, mask = frames([11])
    tensors = [x.double().requires_grad_() for x in tensors]
    assert torch.autograd.gradcheck(lambda *x: pattern(*x, mask), tensors)


def test_dropout_drops_single_weights(pattern):
    tensors, _ = frames([40])
    value = torch.ones_like(tensors[2])
    sums = pattern(tensors[0] * 0, tensors[1], value, dropout=0.5)  # of the weights that are left, doubled
    assert sums.std() > 0.1
    assert 0.8 < sums.mean() < 1.2
    assert torch.equal(sums[..., 0], sums[..., 1])


def test_memory_grows_linearly_with_the_number_of_frames(monkeypatch):
    monkeypatch.setattr(attention, "TILE", 64)

    def largest(num_frames: int) -> int:
        """Elements of the largest tensor that a forward and backward pass makes."""
        tensors = [torch.randn(1, 1, num_frames, 4, requires_grad=True) for _ in range(3)]
        mask = torch.ones(1, num_frames, dtype=torch.bool)
        with torch.profiler.profile(record_shapes=True, profile_memory=True) as profile:
            windowed_attention(*tensors, mask, window=(32, 31)).sum().backward()
            strided_attention(*tensors, mask, stride=8).sum().backward()
        return max(event.cpu_memory_usage for event in profile.events())

    assert largest(4096) < 5 * largest(1024)


def test_the_layer_projects_attends_and_projects():
    torch.manual_seed(0)
    layer = TemporalAttention(6, 4, partial(strided_attention, stride=1), activation=nn.ReLU(), num_heads=2).eval()
    x, values = torch.randn(2, 1, 6, 9)

    def heads(conv: nn.Conv1d, y: torch.Tensor) -> torch.Tensor:
        projected = torch.einsum("oc,bct->bot", conv.weight[..., 0], y) + conv.bias[:, None]
        return projected.view(1, 2, 2, 9).transpose(2, 3)

    projected = heads(layer.query, x), heads(layer.key, x), heads(layer.value, values)
    attended = dense_attention(*projected, [9], lambda t, s: True).float().transpose(2, 3).reshape(1, 4, 9).relu()
    expected = torch.einsum("oc,bct->bot", layer.out.weight[..., 0], attended) + layer.out.bias[:, None]
    torch.testing.assert_close(layer(x, values), expected, atol=1e-5, rtol=0)


def test_bad_number_of_heads_says_what_was_expected():
    with pytest.raises(ValueError, match="`num_heads` must divide the 4 channels of queries, keys and values, got 3"):
        TemporalAttention(6, 4, strided_attention, activation=nn.ReLU(), num_heads=3)
