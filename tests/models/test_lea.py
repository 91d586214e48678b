"""ED-TCN and Dilated TCN against the published description: layer equations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import EDTCN, DilatedTCN
from tests.models.equations import conv_same


def normalize(x: Tensor) -> Tensor:
    x = x.clamp_min(0)
    return x / (x.max(dim=1, keepdim=True).values + 1e-5)


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


def test_weights_start_as_glorot_and_bengio_say():
    torch.manual_seed(0)
    for layer in [EDTCN(128, 11).encoder[0].conv, EDTCN(128, 11).head, DilatedTCN(128, 11).blocks[3].conv]:
        (kernel_size,) = layer.kernel_size
        limit = (6 / (kernel_size * (layer.in_channels + layer.out_channels))) ** 0.5
        assert layer.bias.abs().max() == 0
        assert 0.98 * limit < layer.weight.abs().max() <= limit
