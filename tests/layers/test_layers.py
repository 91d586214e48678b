"""Layers: against TensorFlow's definition of "same", hand-worked cases, bad arguments."""

from __future__ import annotations

import pytest
import torch

from segtcn.layers import (
    NormalizedReLU,
    TemporalConv1d,
    TemporalMaxPool1d,
    WaveNetActivation,
    make_activation,
    upsample,
)
from segtcn.layers.receptive_field import convolution, pooling, receptive_field, upsampling
from segtcn.segmenter.standardization import Standardization


@pytest.mark.parametrize("dilation", [1, 2, 4])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, 5, 18])
@pytest.mark.parametrize("causal", [False, True])
def test_convolution_equals_a_sum_over_taps(kernel_size, dilation, causal):
    conv = TemporalConv1d(2, 3, kernel_size, dilation=dilation, causal=causal)
    x = torch.randn(1, 2, 11)
    span = (kernel_size - 1) * dilation
    left = span if causal else span // 2  # TensorFlow's "same": of an odd total the larger part goes to the right
    for t in range(11):
        expected = conv.bias.clone()
        for k in range(kernel_size):
            frame = t - left + k * dilation
            if 0 <= frame < 11:
                expected = expected + conv.weight[:, :, k] @ x[0, :, frame]
        torch.testing.assert_close(conv(x)[0, :, t], expected)


def test_convolution_does_not_see_padding():
    conv = TemporalConv1d(1, 1, 3)
    x = torch.tensor([[[1.0, 2.0, 9.0]]])
    assert torch.equal(conv(x, torch.tensor([[True, True, False]]))[..., :2], conv(x[..., :2]))


def test_normalized_relu_divides_by_the_largest_channel_of_each_frame():
    x = torch.tensor([[[4.0, -1.0], [2.0, -3.0]]])
    expected = torch.tensor([[[1.0, 0.0], [0.5, 0.0]]])
    torch.testing.assert_close(NormalizedReLU()(x), expected, atol=1e-5, rtol=0)


def test_wavenet_activation_gates_the_input_by_itself():
    x = torch.tensor([[[0.5, -2.0]]])
    assert torch.equal(WaveNetActivation()(x), torch.tanh(x) * torch.sigmoid(x))


def test_unknown_activation_lists_the_known_ones():
    with pytest.raises(ValueError, match="must be one of norm_relu, wavenet, relu, tanh, got 'gelu'"):
        make_activation("gelu")


@pytest.mark.parametrize(
    ("causal", "frames", "expected"),
    [
        (False, [1, 5, 2, 3], [5, 3]),
        (False, [1, 5, 2], [5, 2]),
        (False, [-4], [-4]),
        (True, [1, 5, 2, 3], [1, 5]),
        (True, [1, 5, 2], [1, 5]),
        (True, [-4, -5, -6], [-4, -5]),
    ],
)
def test_pooling_takes_the_maximum_of_real_pairs(causal, frames, expected):
    pooled, _ = TemporalMaxPool1d(causal)(torch.tensor([[frames]], dtype=torch.float32))
    assert pooled.flatten().tolist() == expected


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("real", [1, 2, 3, 4])
def test_pooling_ignores_padding_also_of_negative_values(causal, real):
    x = -torch.rand(1, 2, 6) - 1
    mask = torch.arange(6)[None] < real
    pooled, pooled_mask = TemporalMaxPool1d(causal)(x.masked_fill(~mask[:, None], 99.0), mask)
    alone, _ = TemporalMaxPool1d(causal)(x[..., :real])
    assert pooled_mask.sum() == alone.shape[-1]
    assert torch.equal(pooled[..., : alone.shape[-1]], alone)
    assert pooled[..., alone.shape[-1] :].abs().sum() == 0


def test_upsampling_repeats_and_cuts():
    assert upsample(torch.tensor([[[1, 2]]]), 4).flatten().tolist() == [1, 1, 2, 2]
    assert upsample(torch.tensor([[[1, 2]]]), 3).flatten().tolist() == [1, 1, 2]


def test_receptive_field_by_hand():
    assert receptive_field([convolution(1, 1), convolution(2, 2), convolution(4, 0)]) == (7, 3)
    # pool and repeat alone: a frame sees its pair
    assert receptive_field([pooling(causal=False), upsampling()], period=2) == (1, 1)
    # causal: frame 2j sees 2j - 1 and 2j, frame 2j + 1 the same two
    assert receptive_field([pooling(causal=True), upsampling()], period=2) == (2, 0)


def test_standardization_uses_the_given_statistics():
    layer = Standardization(2)
    x = torch.tensor([[[1.0, 3.0], [10.0, 30.0]]])
    assert torch.equal(layer(x), x)
    layer.set(torch.tensor([2.0, 20.0]), torch.tensor([1.0, 10.0]))
    assert torch.equal(layer(x), torch.tensor([[[-1.0, 1.0], [-1.0, 1.0]]]))
    assert set(layer.state_dict()) == {"mean", "std"}


def test_standardization_refuses_wrong_statistics():
    layer = Standardization(2)
    with pytest.raises(ValueError, match=r"must have the shape \(2,\), got \(3,\) and \(2,\)"):
        layer.set(torch.zeros(3), torch.ones(2))
    with pytest.raises(ValueError, match="std must be positive"):
        layer.set(torch.zeros(2), torch.tensor([1.0, 0.0]))


def test_a_convolution_needs_channels():
    with pytest.raises(ValueError, match="at least 1 channel on each side, got 0 and 3: check the feature width"):
        TemporalConv1d(0, 3, kernel_size=1)


def test_the_state_of_a_stream_holds_no_more_than_it_needs():
    conv = TemporalConv1d(2, 3, kernel_size=3, causal=True)
    _, state = conv.step(torch.zeros(1, 2, 1000), conv.initial_state(1))
    assert state.untyped_storage().nbytes() == 2 * 2 * 4
