"""ED-TCN and Dilated TCN against the published description: parameter counts, layer equations, bad arguments."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import EDTCN, DilatedTCN


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def conv_same(x: Tensor, weight: Tensor, bias: Tensor, dilation: int = 1) -> Tensor:
    """TensorFlow's "same" convolution of ``(B, C, T)``, written once more."""
    total = (weight.shape[-1] - 1) * dilation
    return F.conv1d(F.pad(x, (total // 2, total - total // 2)), weight, bias, dilation=dilation)


def normalize(x: Tensor) -> Tensor:
    x = x.clamp_min(0)
    return x / (x.max(dim=1, keepdim=True).values + 1e-5)


@pytest.mark.parametrize(("hidden_channels", "kernel_size"), [((64, 96), 25), ((128, 160), 25), ((64, 96), 18)])
def test_ed_tcn_has_as_many_parameters_as_the_authors_network(hidden_channels, kernel_size):
    """Keras counts ``(kernel * in + 1) * out`` a convolution and ``(in + 1) * out`` for the dense layer."""
    first, second = hidden_channels
    expected = sum(
        (kernel_size * before + 1) * after
        for before, after in [(128, first), (first, second), (second, second), (second, first)]
    )
    expected += (first + 1) * 11
    net = EDTCN(128, 11, hidden_channels, kernel_size)
    assert count(net) == expected
    if (hidden_channels, kernel_size) == ((64, 96), 25):
        assert count(net) == 743_435


def test_dilated_tcn_has_as_many_parameters_as_the_authors_network():
    """Input convolution, then a 3-tap and a 1x1 convolution a block, then two 1x1 convolutions."""
    blocks = 2 * 6
    expected = (3 * 128 + 1) * 64 + blocks * ((3 * 64 + 1) * 64 + (64 + 1) * 64) + (64 + 1) * 64 + (64 + 1) * 11
    assert count(DilatedTCN(128, 11)) == expected == 227_659


@pytest.mark.parametrize("kernel_size", [25, 18, 3])
def test_ed_tcn_computes_the_equations_of_the_paper(kernel_size):
    net = EDTCN(6, 4, (5, 7), kernel_size).eval()
    weights = dict(net.named_parameters())

    def block(x: Tensor, name: str) -> Tensor:
        return normalize(conv_same(x, weights[f"{name}.conv.weight"], weights[f"{name}.conv.bias"]))

    x = features = torch.randn(2, 6, 32)
    for i in range(2):
        x = F.max_pool1d(block(x, f"encoder.{i}"), 2)
    for i in range(2):
        x = block(x.repeat_interleave(2, dim=-1), f"decoder.{i}")
    expected = torch.einsum("oc,bct->bot", weights["head.weight"][..., 0], x) + weights["head.bias"][:, None]
    torch.testing.assert_close(net(features).logits[0], expected)


def test_dilated_tcn_computes_the_equations_of_the_paper():
    net = DilatedTCN(6, 4, 5, num_stacks=2, num_layers=3).eval()
    weights = dict(net.named_parameters())

    def conv(x: Tensor, name: str, dilation: int = 1) -> Tensor:
        return conv_same(x, weights[f"{name}.weight"], weights[f"{name}.bias"], dilation)

    features = torch.randn(2, 6, 40)
    x, skips = conv(features, "conv_in"), []
    for number in range(6):
        z = conv(x, f"blocks.{number}.conv", dilation=2 ** (number % 3))
        skips.append(conv(torch.tanh(z) * torch.sigmoid(z), f"blocks.{number}.conv_1x1"))
        x = x + skips[-1]
    expected = conv(F.relu(conv(F.relu(sum(skips)), "conv_out")), "head")
    torch.testing.assert_close(net(features).logits[0], expected)


def test_spatial_dropout_drops_whole_channels_at_the_stated_rate():
    net = EDTCN(4, 3, (2000,), kernel_size=1, dropout=0.3, activation="tanh")
    block = net.encoder[0].train()
    out = block(torch.ones(1, 4, 10))
    dropped = (out == 0).all(dim=-1)
    assert torch.equal(dropped, (out == 0).any(dim=-1))
    assert 0.26 < dropped.float().mean() < 0.34


def test_receptive_fields_of_the_papers_networks():
    assert DilatedTCN(128, 11).receptive_field == (127, 127)  # 1 + 2 stacks x (1 + 2 + 4 + 8 + 16 + 32)
    assert DilatedTCN(128, 11, causal=True).receptive_field == (127, 0)
    left, right = EDTCN(128, 11).receptive_field
    # kernel 25 sees 12 to each side: at full and half rate on the way down, at half and full on the way up; pooling 3
    assert left == right == 12 * (1 + 2 + 2 + 1) + 3


def test_weights_start_as_glorot_and_bengio_say():
    torch.manual_seed(0)
    for layer in [EDTCN(128, 11).encoder[0].conv, EDTCN(128, 11).head, DilatedTCN(128, 11).blocks[3].conv]:
        (kernel_size,) = layer.kernel_size
        limit = (6 / (kernel_size * (layer.in_channels + layer.out_channels))) ** 0.5
        assert layer.bias.abs().max() == 0
        assert 0.98 * limit < layer.weight.abs().max() <= limit


def test_bad_arguments_say_what_was_expected():
    with pytest.raises(ValueError, match="`hidden_channels` must hold the width of at least one encoder layer"):
        EDTCN(4, 3, ())
    with pytest.raises(ValueError, match="`num_stacks` and `num_layers` must be at least 1, got 0 and 6"):
        DilatedTCN(4, 3, num_stacks=0)
    with pytest.raises(ValueError, match=r"`activation` must be one of .*, got 'gelu'"):
        DilatedTCN(4, 3, activation="gelu")
