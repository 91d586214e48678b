"""MS-TCN against the published description: parameter counts, equations, receptive field, bad arguments."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import MSTCN


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_as_many_parameters_as_the_authors_network():
    assert count(MSTCN(2048, 11)) == 796_780  # ms-tcn at 4 stages x 10 layers x 64
    assert count(MSTCN(128, 19, num_stages=2, num_layers=5, hidden_channels=32)) == 47_622


def test_the_equations_of_the_paper():
    net = MSTCN(6, 4, num_stages=3, num_layers=4, hidden_channels=5).eval()
    weights = iter(net.parameters())  # in the order of the authors' network, so that its weights can be copied over

    def conv(x: Tensor, dilation: int = 1) -> Tensor:
        weight, bias = next(weights), next(weights)
        return F.conv1d(x, weight, bias, padding=dilation * (weight.shape[-1] // 2), dilation=dilation)

    features = torch.randn(2, 6, 40)
    x, expected = features, []
    for _ in range(3):
        x = conv(x)
        for i in range(4):
            x = x + conv(F.relu(conv(x, dilation=2**i)))
        expected.append(conv(x))
        x = expected[-1].softmax(dim=1)
    torch.testing.assert_close(net(features).logits, torch.stack(expected))


def test_receptive_field_of_the_papers_network():
    assert MSTCN(8, 3).receptive_field == (4 * 1023, 4 * 1023)
    assert MSTCN(8, 3, causal=True).receptive_field == (4 * 2046, 0)


@pytest.mark.parametrize(("num_stages", "num_layers"), [(0, 10), (4, 0)])
def test_bad_arguments_say_what_was_expected(num_stages, num_layers):
    message = f"`num_stages` and `num_layers` must be at least 1, got {num_stages} and {num_layers}"
    with pytest.raises(ValueError, match=message):
        MSTCN(4, 3, num_stages, num_layers)
