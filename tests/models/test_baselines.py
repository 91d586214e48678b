"""tCNN, TDNN, recurrent networks and frame classifier: equations, first weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from segtcn.models import TCNN, TDNN, FrameClassifier, RecurrentNetwork
from tests.models.equations import conv_same

CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}


def run_cells(net: RecurrentNetwork, features: Tensor) -> Tensor:
    """All layers and directions of one video ``(D, T)``, frame by frame, ``(H or 2 H, T)``."""
    sequence = features.T
    for layer in net.layers:
        directions = []
        for rnn in [layer.ahead] if net.causal else [layer.ahead, layer.back]:
            cell = CELLS[net.init_args["cell"]](rnn.input_size, rnn.hidden_size)
            cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in rnn.state_dict().items()})
            state, outputs = None, []
            for frame in sequence.flip(0) if rnn is layer.back else sequence:
                state = cell(frame, state)
                outputs.append(state[0] if isinstance(state, tuple) else state)
            directions.append(torch.stack(outputs[::-1] if rnn is layer.back else outputs))
        sequence = torch.cat(directions, dim=1)
    return sequence.T


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kernel_size", [7, 8])
def test_tcnn_computes_its_equation(kernel_size, causal):
    net = TCNN(6, 4, 5, kernel_size, causal=causal).eval()
    weights = dict(net.named_parameters())
    features = torch.randn(2, 6, 21)
    x = conv_same(features, weights["block.conv.weight"], weights["block.conv.bias"], causal=causal).clamp_min(0)
    expected = conv_same(x, weights["head.weight"], weights["head.bias"])
    torch.testing.assert_close(net(features).logits[0], expected)


@pytest.mark.parametrize("causal", [False, True])
def test_tdnn_computes_its_equation(causal):
    net = TDNN(6, 4, (5, 7, 6), kernel_size=3, causal=causal).eval()
    weights = dict(net.named_parameters())
    x = features = torch.randn(2, 6, 21)
    for i in range(3):
        x = conv_same(x, weights[f"blocks.{i}.conv.weight"], weights[f"blocks.{i}.conv.bias"], i + 1, causal).tanh()
    expected = conv_same(x, weights["head.weight"], weights["head.bias"])
    torch.testing.assert_close(net(features).logits[0], expected)


def test_tcnn_drops_before_its_relu_what_the_authors_drop_after_it():
    net = TCNN(4, 3, 500, kernel_size=1)
    x = torch.randn(1, 4, 10)
    hidden = net.block.eval()(x)
    dropped = net.block.train()(x)
    kept = (dropped != 0).any(dim=-1, keepdim=True)
    torch.testing.assert_close(dropped, hidden * kept / 0.7)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_recurrent_network_computes_its_cells_in_both_directions(cell, num_layers, causal):
    net = RecurrentNetwork(6, 4, 5, num_layers, cell, causal=causal).eval()
    videos = [torch.randn(6, length) for length in (13, 4, 1)]
    batch = nn.utils.rnn.pad_sequence([video.T for video in videos], batch_first=True).transpose(1, 2)
    mask = torch.arange(13)[None] < torch.tensor([[13], [4], [1]])
    logits = net(batch, mask).logits[0]
    for i, video in enumerate(videos):
        hidden = run_cells(net, video)
        expected = torch.einsum("oc,ct->ot", net.head.weight[..., 0], hidden) + net.head.bias[:, None]
        torch.testing.assert_close(logits[i, :, : video.shape[-1]], expected)


def test_reversing_a_video_and_swapping_the_directions_reverses_the_output():
    """What the authors' code does not do: it leaves the output of the backward direction reversed."""
    net = RecurrentNetwork(6, 4, 5).eval()
    swapped = RecurrentNetwork(6, 4, 5).eval()
    state = net.state_dict()
    for name in net.layers[0].ahead.state_dict():
        ahead, back = f"layers.0.ahead.{name}", f"layers.0.back.{name}"
        state[ahead], state[back] = state[back], state[ahead]
    state["head.weight"] = state["head.weight"].roll(5, dims=1)
    swapped.load_state_dict(state)
    x = torch.randn(1, 6, 12)
    torch.testing.assert_close(swapped(x.flip(-1)).logits.flip(-1), net(x).logits)


def test_recurrent_weights_start_as_in_keras():
    net = RecurrentNetwork(128, 11)
    for rnn in (net.layers[0].ahead, net.layers[0].back):
        of_input, of_state, bias, second_bias = (weight.detach().unflatten(0, (4, 64)) for weight in rnn.parameters())
        limit = (6 / (128 + 64)) ** 0.5
        for gate in range(4):
            assert 0.98 * limit < of_input[gate].abs().max() <= limit
            torch.testing.assert_close(of_state[gate] @ of_state[gate].T, torch.eye(64), atol=1e-5, rtol=0)
        assert bias.mean(dim=1).tolist() == [0, 1, 0, 0]  # input, forget, cell, output
        assert second_bias.abs().max() == 0
    gru = RecurrentNetwork(8, 3, cell="gru").layers[0].ahead
    assert gru.bias_ih_l0.abs().max() == gru.bias_hh_l0.abs().max() == 0


@pytest.mark.parametrize("hidden_channels", [(), (7,)])
def test_frame_classifier_knows_no_order(hidden_channels):
    net = FrameClassifier(6, 4, hidden_channels).eval()
    x, order = torch.randn(2, 6, 30), torch.randperm(30)
    torch.testing.assert_close(net(x[..., order]).logits, net(x).logits[..., order])
