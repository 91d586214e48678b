"""The generic TCN against the paper and the authors' code: parameter counts, layer equations, initial weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import CausalTCN


def num_parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_it_has_as_many_parameters_as_the_authors_network():
    """Counted in their ``TemporalConvNet`` of these widths with a linear layer after it, as their music model has."""
    assert num_parameters(CausalTCN(128, 11)) == 219_915  # 8 levels of 64, kernel 3
    assert num_parameters(CausalTCN(2048, 11)) == 711_435
    assert num_parameters(CausalTCN(88, 88, 150, num_layers=4, kernel_size=5)) == 882_538  # polyphonic music
    assert num_parameters(CausalTCN(1, 10, 25, num_layers=8, kernel_size=7)) == 66_910  # sequential MNIST
    assert num_parameters(CausalTCN(64, 11, 64, num_layers=3, kernel_size=2)) == 50_635  # no 1x1 shortcut


def test_it_computes_the_equations_of_the_paper():
    net = CausalTCN(6, 4, 5, num_layers=3, kernel_size=3).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    weights = dict(net.named_parameters())

    def conv(x: Tensor, name: str, dilation: int) -> Tensor:
        direction, length = weights[f"{name}.direction"], weights[f"{name}.length"]
        filters = length * direction / direction.flatten(1).norm(dim=1)[:, None, None]
        return F.conv1d(F.pad(x, (2 * dilation, 0)), filters, weights[f"{name}.bias"], dilation=dilation)

    def conv_1x1(x: Tensor, name: str) -> Tensor:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return torch.einsum("oc,bct->bot", weight[..., 0], x) + bias[:, None]

    x = features = torch.randn(2, 6, 30)
    for i in range(3):
        z = F.relu(conv(x, f"blocks.{i}.conv_1", 2**i))
        z = F.relu(conv(z, f"blocks.{i}.conv_2", 2**i))
        x = F.relu(z + (conv_1x1(x, "blocks.0.shortcut") if i == 0 else x))
    torch.testing.assert_close(net(features).logits[0], conv_1x1(x, "head"))


def test_receptive_field_is_that_of_the_paper():
    assert CausalTCN(5, 3).receptive_field == (2 * 2 * 255, 0)  # 2 (k - 1) (2^8 - 1)
    assert CausalTCN(5, 3, causal=False).receptive_field == (510, 510)
    assert CausalTCN(5, 3, num_layers=4, kernel_size=6).receptive_field == (2 * 5 * 15, 0)


def test_dropout_takes_whole_channels():
    block = CausalTCN(4, 3, 2000, num_layers=1, kernel_size=1, dropout=0.3).blocks[0].train()
    with torch.no_grad():
        block.conv_2.bias.fill_(100.0)  # above what the ReLUs cut off and the shortcut adds
    kept = block(torch.randn(1, 4, 10)) > 50
    assert torch.equal(kept.all(dim=-1), kept.any(dim=-1))
    assert 0.66 < kept.float().mean() < 0.74


def test_weights_start_as_in_the_authors_code():
    torch.manual_seed(0)
    block = CausalTCN(128, 11).blocks[0]
    assert 0.99 * (3 * 128) ** -0.5 < block.conv_1.weight.abs().max() < 1.01 * (3 * 128) ** -0.5  # PyTorch's bound
    assert 0.009 < block.shortcut.weight.std() < 0.011


def test_no_layer_is_an_error():
    with pytest.raises(ValueError, match="`num_layers` must be at least 1, got 0"):
        CausalTCN(4, 3, num_layers=0)
