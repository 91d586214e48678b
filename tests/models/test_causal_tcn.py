"""The generic TCN against the paper and the authors' code: layer equations, initial weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import CausalTCN


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
