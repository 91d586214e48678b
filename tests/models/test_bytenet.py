"""ByteNet against the paper: layer equations, dilations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import ByteNet
from tests.models.equations import conv_same


@pytest.mark.parametrize("causal", [False, True])
def test_it_computes_the_equations_of_the_paper(causal):
    net = ByteNet(6, 4, 5, num_cycles=2, num_layers=3, causal=causal).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    weights = dict(net.named_parameters())

    def conv(x: Tensor, name: str, dilation: int = 1) -> Tensor:
        return conv_same(x, weights[f"{name}.weight"], weights[f"{name}.bias"], dilation, causal)

    def norm_relu(x: Tensor, name: str) -> Tensor:
        x = (x - x.mean(dim=1, keepdim=True)) / (x.var(dim=1, keepdim=True, correction=0) + 1e-5).sqrt()
        return F.relu(x * weights[f"{name}.weight"][:, None] + weights[f"{name}.bias"][:, None])

    features = torch.randn(2, 6, 40)
    x = conv(features, "conv_in")
    for number, dilation in enumerate([1, 2, 4, 1, 2, 4]):
        block = f"blocks.{number}"
        z = conv(norm_relu(x, f"{block}.norm_in"), f"{block}.conv_in")
        z = conv(norm_relu(z, f"{block}.norm"), f"{block}.conv", dilation)
        x = x + conv(norm_relu(z, f"{block}.norm_out"), f"{block}.conv_out")
    torch.testing.assert_close(net(features).logits[0], conv(F.relu(x), "head"))
