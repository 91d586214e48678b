"""The convolution against TensorFlow's definition of "same", the weight-normalised one against PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn.utils.parametrizations import weight_norm

from segtcn.layers import TemporalConv1d
from segtcn.layers.conv import WeightNormConv1d


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


def test_a_convolution_needs_channels():
    with pytest.raises(ValueError, match="at least 1 channel on each side, got 0 and 3: check the feature width"):
        TemporalConv1d(0, 3, kernel_size=1)


def test_the_state_of_a_stream_holds_no_more_than_it_needs():
    conv = TemporalConv1d(2, 3, kernel_size=3, causal=True)
    _, state = conv.step(torch.zeros(1, 2, 1000), conv.initial_state(1))
    assert state.untyped_storage().nbytes() == 2 * 2 * 4


def test_it_starts_as_the_plain_convolution():
    torch.manual_seed(0)
    plain = TemporalConv1d(3, 4, 5, dilation=2, causal=True)
    torch.manual_seed(0)
    conv = WeightNormConv1d(3, 4, 5, dilation=2, causal=True)
    x, mask = torch.randn(2, 3, 20), torch.arange(20) < torch.tensor([[20], [7]])
    torch.testing.assert_close(conv(x, mask), plain(x, mask))
    assert [name for name, _ in conv.named_parameters()] == ["bias", "length", "direction"]


def test_weight_and_gradients_equal_those_of_pytorchs_parametrization():
    conv, theirs = WeightNormConv1d(3, 4, 5), weight_norm(TemporalConv1d(3, 4, 5))
    theirs.load_state_dict(
        {
            "bias": conv.bias,
            "parametrizations.weight.original0": torch.rand(4, 1, 1),
            "parametrizations.weight.original1": torch.randn(4, 3, 5),
        }
    )
    length, direction = theirs.parametrizations.weight.parameters()
    conv.load_state_dict({"bias": theirs.bias, "length": length, "direction": direction})
    x = torch.randn(1, 3, 9)
    for layer in (conv, theirs):
        layer(x).square().sum().backward()
    torch.testing.assert_close(conv.weight, theirs.weight)
    torch.testing.assert_close(conv.length.grad, length.grad)
    torch.testing.assert_close(conv.direction.grad, direction.grad)


def test_only_the_direction_of_a_filter_counts():
    conv = WeightNormConv1d(3, 4, 5)
    before = conv.weight.detach().clone()
    with torch.no_grad():
        conv.direction *= torch.tensor([0.1, 1.0, 7.0, 100.0])[:, None, None]
    torch.testing.assert_close(conv.weight, before)
