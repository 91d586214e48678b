"""ByteNet against the paper: parameter counts, layer equations, dilations, bad arguments."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import ByteNet


def num_parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("in_channels", "num_classes", "d", "expected"),
    [(128, 11, 64, 901_131), (2048, 11, 64, 1_146_891), (32, 256, 512, 55_530_752)],  # the last: the paper's width
)
def test_it_has_as_many_parameters_as_the_equations_of_the_paper(in_channels, num_classes, d, expected):
    """A block: 1x1 (2d → d), k taps (d → d), 1x1 (d → 2d), and scale and shift of norms that are 2d, d and d wide.

    A public PyTorch ByteNet with ReLU blocks (Microsoft's for proteins) counts the same at these widths.
    """
    kernel_size = 3
    convolutions = (2 * d + 1) * d + (kernel_size * d + 1) * d + (d + 1) * 2 * d
    norms = 2 * (2 * d + d + d)
    total = (in_channels + 1) * 2 * d + 6 * 5 * (convolutions + norms) + (2 * d + 1) * num_classes
    with torch.device("meta"):
        assert num_parameters(ByteNet(in_channels, num_classes, d)) == total == expected


@pytest.mark.parametrize("causal", [False, True])
def test_it_computes_the_equations_of_the_paper(causal):
    net = ByteNet(6, 4, 5, num_cycles=2, num_layers=3, causal=causal).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    weights = dict(net.named_parameters())

    def conv(x: Tensor, name: str, dilation: int = 1) -> Tensor:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        span = (weight.shape[-1] - 1) * dilation
        x = F.pad(x, (span, 0) if causal else (span // 2, span // 2))
        return F.conv1d(x, weight, bias, dilation=dilation)

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


def test_dilation_doubles_to_16_six_times():
    assert ByteNet(5, 3, 4).receptive_field == (6 * 31, 6 * 31)
    assert ByteNet(5, 3, 4, causal=True).receptive_field == (6 * 2 * 31, 0)
    assert ByteNet(5, 3, 4, num_cycles=2, num_layers=3, kernel_size=5).receptive_field == (2 * 2 * 7, 2 * 2 * 7)


def test_no_block_is_an_error():
    with pytest.raises(ValueError, match="`num_cycles` and `num_layers` must be at least 1, got 6 and 0"):
        ByteNet(4, 3, num_layers=0)
