"""Weight normalisation: against PyTorch's, at the start, and scaled."""

from __future__ import annotations

import torch
from torch.nn.utils.parametrizations import weight_norm

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.weight_norm import WeightNormConv1d


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
