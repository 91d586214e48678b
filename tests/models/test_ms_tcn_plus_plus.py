"""MS-TCN++ against the published description: equations, shared weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import MSTCN, MSTCNPlusPlus
from tests.models.equations import conv_same


@pytest.mark.parametrize("shared", [False, True])
def test_the_equations_of_the_paper(shared):
    net = MSTCNPlusPlus(6, 4, 4, 2, 3, hidden_channels=5, shared_refinement=shared).eval()

    def conv(x: Tensor, layer: torch.nn.Conv1d, dilation: int = 1) -> Tensor:
        return conv_same(x, layer.weight, layer.bias, dilation)

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


def test_already_the_first_layer_sees_far_and_near():
    assert MSTCNPlusPlus(8, 3).generate.layers[0].reach == (1024, 1024)
    assert MSTCN(8, 3).first.layers[0].reach == (1, 1)
