"""Layers that see the future answer late; chunk by chunk they give the output of the whole sequence."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.residual import DualDilatedLayer, RefinementStages, SingleStageTCN, dilated_residual_layers
from segtcn.layers.sequential import TemporalLayer
from segtcn.models import ASRF, EDTCN, MSTCN, CausalTCN, DilatedTCN
from segtcn.segmenter.chunks import chunked_output


def stage(channels: int, activation: nn.Module | None = None) -> SingleStageTCN:
    return SingleStageTCN(channels, 8, 4, dilated_residual_layers(8, num_layers=3), activation)


LAYERS = {
    "convolution": lambda: TemporalConv1d(4, 4, kernel_size=3, dilation=2),
    "convolution, even kernel": lambda: TemporalConv1d(4, 4, kernel_size=4, dilation=3),
    "two dilations": lambda: DualDilatedLayer(4, dilations=(1, 4)),
    "two dilations, even kernel": lambda: DualDilatedLayer(4, 2, dilations=(4, 1)),
    "stage": lambda: stage(4),
    "refinement": lambda: RefinementStages([stage(4, nn.Softmax(dim=1)) for _ in range(2)]),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("chunks", [(40,), (20, 20), (17, 1, 1, 20, 1), (38, 2)])
def test_chunks_of_a_layer_that_sees_the_future_equal_the_whole(make, chunks):
    torch.manual_seed(0)
    layer: TemporalLayer = make().double().eval()
    x = torch.randn(2, 4, 40, dtype=torch.float64)
    state, outputs = layer.initial_state(2), []
    for number, part in enumerate(x.split(chunks, dim=-1), 1):
        output, state = layer.step(part, state, last=number == len(chunks))
        outputs.append(output)
        if number < len(chunks):
            assert sum(o.shape[-1] for o in outputs) == sum(chunks[:number]) - layer.reach[1], "late by its reach"
    torch.testing.assert_close(torch.cat(outputs, dim=-1), layer(x))


NETS = [
    MSTCN(6, 3, 2, 3, 8),
    CausalTCN(6, 3, 8, 2, causal=False),
    DilatedTCN(6, 3, 8, 1, 3),
    EDTCN(6, 3, (8, 9), kernel_size=5),
    EDTCN(6, 3, (8, 9, 7), kernel_size=2),
]


@pytest.mark.parametrize("net", NETS)
def test_no_frame_of_a_long_video_is_read_twice(net):
    net, x = net.eval(), torch.randn(1, 6, 200)
    reads = []

    def read(start: int, stop: int) -> torch.Tensor:
        reads.append((start, stop))
        return x[..., start:stop]

    with torch.inference_mode():
        output = chunked_output(net, read, 200, chunk=64)
        assert reads == [(0, 64), (64, 128), (128, 192), (192, 200)]
        torch.testing.assert_close(output.logits, net(x).logits[-1:], atol=1e-5, rtol=0)


def test_a_network_that_is_not_a_sequence_of_layers_is_refused():
    with pytest.raises(ValueError, match="ASRF is not a sequence of layers that see a part of the video"):
        next(ASRF(6, 3, 1, 1, 1, 4).score_chunks([torch.zeros(1, 6, 9)]))
