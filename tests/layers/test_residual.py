"""Layers of two dilations and an even kernel, whose window is not symmetric; the papers' networks have odd ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from segtcn.layers.residual import DualDilatedLayer

DILATIONS = [(1, 2), (4, 1)]


def layer(dilations: tuple[int, int], causal: bool = False) -> DualDilatedLayer:
    torch.manual_seed(0)
    return DualDilatedLayer(16, 2, dilations=dilations, causal=causal).double().eval()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dilations", DILATIONS)
def test_an_output_frame_sees_its_reach_and_no_more(dilations: tuple[int, int], causal: bool) -> None:
    net, x = layer(dilations, causal), torch.randn(1, 16, 31, dtype=torch.float64, requires_grad=True)
    net(x)[0, :, 15].abs().sum().backward()
    seen = x.grad.abs().sum(dim=(0, 1)).nonzero().flatten()
    left, right = net.reach
    assert (15 - int(seen.min()), int(seen.max()) - 15) == (left, right)
    assert not (causal and right)


@pytest.mark.parametrize("dilations", DILATIONS)
def test_a_causal_layer_computes_the_equation(dilations: tuple[int, int]) -> None:
    net, x = layer(dilations, causal=True), torch.randn(2, 16, 30, dtype=torch.float64)
    convolved = [
        F.conv1d(F.pad(x, (dilation, 0)), conv.weight, conv.bias, dilation=dilation)
        for conv, dilation in zip((net.conv_1, net.conv_2), dilations, strict=True)
    ]
    expected = x + F.conv1d(torch.cat(convolved, dim=1), net.conv_fusion.weight, net.conv_fusion.bias).relu()
    torch.testing.assert_close(net(x), expected)


@pytest.mark.parametrize("chunk", [1, 3, 7])
@pytest.mark.parametrize("dilations", DILATIONS)
def test_chunks_equal_the_whole(dilations: tuple[int, int], chunk: int) -> None:
    net, x = layer(dilations, causal=True), torch.randn(2, 16, 30, dtype=torch.float64)
    state, outputs = [part.double() for part in net.initial_state(2)], []
    for part in x.split(chunk, dim=-1):
        output, state = net.step(part, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=-1), net(x))
