"""tCNN, TDNN, recurrent networks and frame classifier: parameter counts, equations, first weights, bad arguments."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segtcn.models import TCNN, TDNN, FrameClassifier, RecurrentNetwork

CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def conv(x: Tensor, weight: Tensor, bias: Tensor, left: int, dilation: int = 1) -> Tensor:
    """Convolution of ``(B, C, T)`` that sees ``left`` frames before its own, tap by tap."""
    num_frames, taps = x.shape[-1], weight.shape[-1]
    x = F.pad(x, (left, (taps - 1) * dilation - left))
    shifted = [x[..., k * dilation : k * dilation + num_frames] for k in range(taps)]
    return sum(torch.einsum("oc,bct->bot", weight[..., k], shifted[k]) for k in range(taps)) + bias[:, None]


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


def test_tcnn_has_as_many_parameters_as_the_authors_network():
    """Keras counts ``(kernel * in + 1) * out`` a convolution and ``(in + 1) * out`` for the dense layer."""
    assert count(TCNN(128, 11)) == (30 * 128 + 1) * 64 + (64 + 1) * 11 == 246_539  # GTEA
    assert count(TCNN(128, 18, kernel_size=36)) == (36 * 128 + 1) * 64 + (64 + 1) * 18 == 296_146  # 50Salads mid


def test_tdnn_has_as_many_parameters_as_the_authors_network():
    assert count(TDNN(128, 11)) == (25 * 128 + 1) * 64 + (25 * 64 + 1) * 96 + (96 + 1) * 11 == 359_627


def test_recurrent_network_has_as_many_parameters_as_the_authors_network_and_a_second_bias():
    """Keras counts ``4 * (in + units + 1) * units`` an LSTM, one bias a gate; PyTorch adds ``4 * units``."""
    keras = 2 * 4 * (128 + 64 + 1) * 64 + (2 * 64 + 1) * 11
    assert keras == 100_235
    assert count(RecurrentNetwork(128, 11)) == keras + 2 * 4 * 64 == 100_747
    keras = 4 * (128 + 64 + 1) * 64 + (64 + 1) * 11
    assert keras == 50_123
    assert count(RecurrentNetwork(128, 11, causal=True)) == keras + 4 * 64 == 50_379


def test_frame_classifier_has_as_many_parameters_as_a_linear_classifier_and_an_mlp():
    assert count(FrameClassifier(128, 11)) == (128 + 1) * 11 == 1_419
    assert count(FrameClassifier(128, 11, (64,))) == (128 + 1) * 64 + (64 + 1) * 11 == 8_971


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kernel_size", [7, 8])
def test_tcnn_computes_its_equation(kernel_size, causal):
    net = TCNN(6, 4, 5, kernel_size, causal=causal).eval()
    weights = dict(net.named_parameters())
    features = torch.randn(2, 6, 21)
    left = kernel_size - 1 if causal else (kernel_size - 1) // 2  # TensorFlow's "same"
    x = conv(features, weights["block.conv.weight"], weights["block.conv.bias"], left).clamp_min(0)
    expected = conv(x, weights["head.weight"], weights["head.bias"], left=0)
    torch.testing.assert_close(net(features).logits[0], expected)


@pytest.mark.parametrize("causal", [False, True])
def test_tdnn_computes_its_equation(causal):
    net = TDNN(6, 4, (5, 7, 6), kernel_size=3, causal=causal).eval()
    weights = dict(net.named_parameters())
    x = features = torch.randn(2, 6, 21)
    for i in range(3):
        dilation = i + 1
        left = 2 * dilation if causal else dilation
        x = conv(x, weights[f"blocks.{i}.conv.weight"], weights[f"blocks.{i}.conv.bias"], left, dilation).tanh()
    expected = conv(x, weights["head.weight"], weights["head.bias"], left=0)
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


@pytest.mark.parametrize("num_layers", [1, 2])
def test_recurrent_dropout_acts_in_training_only(num_layers):
    net = RecurrentNetwork(6, 4, 5, num_layers, dropout=0.5)
    x = torch.randn(1, 6, 12)
    assert not torch.equal(net(x).logits, net(x).logits)
    assert torch.equal(net.eval()(x).logits, net(x).logits)


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


def test_receptive_fields_of_the_published_sizes():
    assert TCNN(128, 11).receptive_field == (14, 15)
    assert TCNN(128, 11, causal=True).receptive_field == (29, 0)
    assert TDNN(128, 11).receptive_field == (36, 36)  # 12 x (1 + 2)
    assert TDNN(128, 11, causal=True).receptive_field == (72, 0)


def test_bad_arguments_say_what_was_expected():
    with pytest.raises(ValueError, match="`hidden_channels` must hold the width of at least one layer, got none"):
        TDNN(4, 3, ())
    with pytest.raises(ValueError, match=r"`activation` must be one of .*, got 'sigmoid'"):
        TDNN(4, 3, activation="sigmoid")
    with pytest.raises(ValueError, match="`num_layers` must be at least 1, got 0"):
        RecurrentNetwork(4, 3, num_layers=0)
    with pytest.raises(ValueError, match="`cell` must be one of lstm, gru, got 'rnn'"):
        RecurrentNetwork(4, 3, cell="rnn")
