"""MS-TCN++ against the published description: parameter counts, equations, shared weights, bad arguments."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import MSTCN, MSTCNPlusPlus


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_as_many_parameters_as_the_authors_network():
    assert count(MSTCNPlusPlus(2048, 11)) == 994_220  # MS-TCN2 at 11 + 3 x 10 layers x 64
    smaller = MSTCNPlusPlus(128, 19, num_layers=5, num_refinements=1, num_refinement_layers=4, hidden_channels=32)
    assert count(smaller) == 64_102


def test_shared_refinements_have_the_parameters_of_one():
    shared = MSTCNPlusPlus(2048, 11, shared_refinement=True)
    assert count(shared) == count(MSTCNPlusPlus(2048, 11, num_refinements=1)) == 661_014
    assert len(shared(torch.zeros(1, 2048, 4)).logits) == 4


@pytest.mark.parametrize("shared", [False, True])
def test_the_equations_of_the_paper(shared):
    net = MSTCNPlusPlus(6, 4, 4, 2, 3, hidden_channels=5, shared_refinement=shared).eval()

    def conv(x: Tensor, layer: torch.nn.Conv1d, dilation: int = 1) -> Tensor:
        padding = dilation * (layer.weight.shape[-1] // 2)
        return F.conv1d(x, layer.weight, layer.bias, padding=padding, dilation=dilation)

    features = torch.randn(2, 6, 40)
    x = conv(features, net.generate.conv_in)
    for layer, (far, near) in zip(net.generate.layers, [(8, 1), (4, 2), (2, 4), (1, 8)], strict=True):
        both = torch.cat([conv(x, layer.conv_1, far), conv(x, layer.conv_2, near)], dim=1)
        x = x + F.relu(conv(both, layer.conv_fusion))
    expected = [conv(x, net.generate.conv_out)]
    for s in range(2):
        stage = net.refine.stages[0 if shared else s]
        x = conv(expected[-1].softmax(dim=1), stage.conv_in)
        for layer, dilation in zip(stage.layers, (1, 2, 4), strict=True):
            x = x + conv(F.relu(conv(x, layer.conv_dilated, dilation)), layer.conv_1x1)
        expected.append(conv(x, stage.conv_out))
    torch.testing.assert_close(net(features).logits, torch.stack(expected))


def test_receptive_field_of_the_papers_network():
    generation = 2 * (1024 + 512 + 256 + 128 + 64) + 32
    assert MSTCNPlusPlus(8, 3).receptive_field == (generation + 3 * 1023,) * 2
    assert MSTCNPlusPlus(8, 3, causal=True).receptive_field == (2 * (generation + 3 * 1023), 0)


def test_already_the_first_layer_sees_far_and_near():
    assert MSTCNPlusPlus(8, 3).generate.layers[0].reach == (1024, 1024)
    assert MSTCN(8, 3).first.layers[0].reach == (1, 1)


@pytest.mark.parametrize("layers", [(0, 3, 10), (11, -1, 10), (11, 3, 0)])
def test_bad_arguments_say_what_was_expected(layers):
    num_layers, num_refinements, num_refinement_layers = layers
    with pytest.raises(
        ValueError, match=f"at least 0, got {num_layers}, {num_refinement_layers} and {num_refinements}"
    ):
        MSTCNPlusPlus(4, 3, *layers)
