"""Blocks, residual layers and stages: the papers' equations written once more, padding, reach, streams."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.layers import TemporalConv1d
from segtcn.layers.blocks import TemporalConvBlock
from segtcn.layers.residual import (
    DilatedResidualLayer,
    DualDilatedLayer,
    RefinementStages,
    SingleStageTCN,
    dilated_residual_layers,
)
from segtcn.layers.sequential import TemporalSequential
from tests.models.equations import conv_same


def stage(before: int, after: int | None, activation: nn.Module | None = None, **kwargs) -> SingleStageTCN:
    return SingleStageTCN(before, 5, after, dilated_residual_layers(5, 3, **kwargs), activation)


def refinement(activation: nn.Module, num_stages: int, repeats: int = 1, **kwargs) -> RefinementStages:
    return RefinementStages((stage(4, 4, activation, **kwargs) for _ in range(num_stages)), repeats)


def convolutions(causal: bool = False, dropout: float = 0.0) -> TemporalSequential:
    return TemporalSequential(
        TemporalConv1d(4, 4, 4, causal=causal), nn.Dropout(dropout), TemporalConv1d(4, 4, 3, dilation=2, causal=causal)
    )


MODULES = {
    "TemporalSequential": convolutions,
    "TemporalConvBlock": partial(TemporalConvBlock, 4, 3, 4),
    "DilatedResidualLayer": partial(DilatedResidualLayer, 4, dilation=2),
    "DualDilatedLayer": partial(DualDilatedLayer, 4, dilations=(4, 1)),
    "DualDilatedLayer, even kernel": partial(DualDilatedLayer, 4, 2, dilations=(1, 2)),
    "SingleStageTCN": partial(stage, 4, 3),
    "SingleStageTCN, no last 1x1": partial(stage, 4, None),
    "RefinementStages": partial(refinement, nn.Softmax(dim=1), 2),
    "RefinementStages, shared": partial(refinement, nn.Sigmoid(), 1, 2),
    "RefinementStages, none": partial(refinement, nn.Sigmoid(), 0),
}


@pytest.fixture(params=MODULES)
def make(request):
    torch.manual_seed(0)
    return MODULES[request.param]


def conv(x: Tensor, layer: nn.Conv1d, dilation: int = 1) -> Tensor:
    return conv_same(x, layer.weight, layer.bias, dilation)


def residual(x: Tensor, layer: DilatedResidualLayer, dilation: int) -> Tensor:
    return x + conv(F.relu(conv(x, layer.conv_dilated, dilation)), layer.conv_1x1)


def test_dilated_residual_layer_computes_the_equations_of_the_paper():
    layer, x = DilatedResidualLayer(4, dilation=4).eval(), torch.randn(2, 4, 30)
    torch.testing.assert_close(layer(x), residual(x, layer, 4))


def test_dual_dilated_layer_computes_the_equations_of_the_paper():
    layer, x = DualDilatedLayer(4, dilations=(8, 2)).eval(), torch.randn(2, 4, 30)
    both = torch.cat([conv(x, layer.conv_1, 8), conv(x, layer.conv_2, 2)], dim=1)
    torch.testing.assert_close(layer(x), x + F.relu(conv(both, layer.conv_fusion)))


def test_stage_doubles_the_dilation_from_layer_to_layer():
    net, features = SingleStageTCN(3, 5, 2, dilated_residual_layers(5, 4)).eval(), torch.randn(2, 3, 40)
    x = conv(features, net.conv_in)
    for i, layer in enumerate(net.layers):
        x = residual(x, layer, 2**i)
    torch.testing.assert_close(net(features), conv(x, net.conv_out))


def test_refinement_feeds_each_stage_the_probabilities_of_the_one_before():
    for refine, stages in [
        (refinement(nn.Softmax(dim=1), 3), [0, 1, 2]),
        (refinement(nn.Softmax(dim=1), 1, 3), [0] * 3),
    ]:
        logits = [torch.randn(2, 4, 20)]
        for i in stages:
            _, *layers = refine.eval().stages[i]
            logits.append(nn.Sequential(*layers)(logits[-1].softmax(dim=1)))
        assert torch.equal(refine(logits[0]), torch.stack(logits))


@pytest.mark.parametrize("training", [False, True])
def test_padding_changes_nothing(make, training):
    module = make(dropout=0.0).train(training)
    x = torch.randn(1, 4, 23)
    mask = torch.arange(40)[None] < 23
    padded = module(torch.cat([x, torch.full((1, 4, 17), 1e3)], dim=-1), mask)
    torch.testing.assert_close(padded[..., :23], module(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("causal", [False, True])
def test_reach_is_what_an_output_frame_sees(make, causal):
    module = make(causal=causal).eval()
    x = torch.randn(64, 4, 81, requires_grad=True)
    output = module(x)
    last = output[-1] if output.ndim == 4 else output
    (last[..., 40] * torch.randn_like(last[..., 40])).sum().backward()
    seen = x.grad.abs().amax(dim=(0, 1)).nonzero()[:, 0]
    assert (40 - seen.min(), seen.max() - 40) == module.reach


def test_chunks_equal_the_whole(make):
    module = make(causal=True).eval()
    x, state, outputs = torch.randn(2, 4, 40), module.initial_state(2), []
    for chunk in x.split([1, 7, 2, 1, 16, 13], dim=-1):
        output, state = module.step(chunk, state)
        outputs.append(output)
    torch.testing.assert_close(torch.cat(outputs, dim=-1), module(x), atol=1e-5, rtol=0)


def test_dropout_drops_single_values_of_what_is_added():
    layer, x = DilatedResidualLayer(8, dropout=0.5).train(), torch.randn(1, 8, 1000)
    dropped = layer(x) == x
    assert 0.45 < dropped.float().mean() < 0.55
    assert not dropped.all(dim=-1).any()
