"""The networks against their papers: the equations written once more, first weights, dropout."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import EDTCN, MSTCN, ASFormer, ByteNet, CausalTCN, DilatedTCN, LTContext, MSTCNPlusPlus
from tests.models.equations import conv_same, convolutions_of
from tests.reference.attention import dense_attention


def normalize(x: Tensor) -> Tensor:
    x = x.clamp_min(0)
    return x / (x.max(dim=1, keepdim=True).values + 1e-5)


@pytest.mark.parametrize("kernel_size", [25, 18, 3])
def test_ed_tcn_computes_the_equations_of_the_paper(kernel_size):
    torch.manual_seed(0)  # where all channels of a frame are near 0, the normalisation makes much of rounding
    net = EDTCN(6, 4, (5, 7), kernel_size).eval()
    weights = dict(net.named_parameters())

    def block(x: Tensor, name: str) -> Tensor:
        return normalize(conv_same(x, weights[f"{name}.conv.weight"], weights[f"{name}.conv.bias"]))

    x = features = torch.randn(2, 6, 32)
    for i in range(2):
        x = F.max_pool1d(block(x, f"encoder.{i}"), 2)
    for i in range(2):
        x = block(x.repeat_interleave(2, dim=-1), f"decoder.{i}")
    expected = torch.einsum("oc,bct->bot", weights["head.weight"][..., 0], x) + weights["head.bias"][:, None]
    torch.testing.assert_close(net(features).logits[0], expected)


def test_dilated_tcn_computes_the_equations_of_the_paper():
    net = DilatedTCN(6, 4, 5, num_stacks=2, num_layers=3).eval()
    weights = dict(net.named_parameters())

    def conv(x: Tensor, name: str, dilation: int = 1) -> Tensor:
        return conv_same(x, weights[f"{name}.weight"], weights[f"{name}.bias"], dilation)

    features = torch.randn(2, 6, 40)
    x, skips = conv(features, "conv_in"), []
    for number in range(6):
        z = conv(x, f"blocks.{number}.conv", dilation=2 ** (number % 3))
        skips.append(conv(torch.tanh(z) * torch.sigmoid(z), f"blocks.{number}.conv_1x1"))
        x = x + skips[-1]
    expected = conv(F.relu(conv(F.relu(sum(skips)), "conv_out")), "head")
    torch.testing.assert_close(net(features).logits[0], expected)


def test_ed_tcn_drops_whole_channels_at_the_stated_rate():
    net = EDTCN(4, 3, (2000,), kernel_size=1, dropout=0.3, activation="tanh")
    block = net.encoder[0].train()
    out = block(torch.ones(1, 4, 10))
    dropped = (out == 0).all(dim=-1)
    assert torch.equal(dropped, (out == 0).any(dim=-1))
    assert 0.26 < dropped.float().mean() < 0.34


@pytest.mark.parametrize("init", ["glorot", "keras1"])
def test_weights_start_as_glorot_and_bengio_say_or_as_keras_1_drew_them(init):
    torch.manual_seed(0)
    ed_tcn, dilated_tcn = EDTCN(128, 11, init=init), DilatedTCN(128, 11, init=init)
    for layer in [ed_tcn.encoder[0].conv, ed_tcn.head, dilated_tcn.blocks[3].conv]:
        (kernel_size,) = layer.kernel_size
        fans = kernel_size * (layer.in_channels + layer.out_channels)
        if init == "keras1" and layer is not ed_tcn.head:  # which is a dense layer there
            fans = (kernel_size + 1) * layer.in_channels * layer.out_channels
        limit = (6 / fans) ** 0.5
        assert layer.bias.abs().max() == 0
        assert 0.98 * limit < layer.weight.abs().max() <= limit
    with pytest.raises(ValueError, match="`init` must be 'glorot' or 'keras1', got 'he'"):
        EDTCN(128, 11, init="he")


def test_ms_tcn_computes_the_equations_of_the_paper():
    net = MSTCN(6, 4, num_stages=3, num_layers=4, hidden_channels=5).eval()
    conv = convolutions_of(net)  # in the order of the authors' network, so that its weights can be copied over

    features = torch.randn(2, 6, 40)
    x, expected = features, []
    for _ in range(3):
        x = conv(x)
        for i in range(4):
            x = x + conv(F.relu(conv(x, dilation=2**i)))
        expected.append(conv(x))
        x = expected[-1].softmax(dim=1)
    torch.testing.assert_close(net(features).logits, torch.stack(expected))


@pytest.mark.parametrize("shared", [False, True])
def test_ms_tcn_plus_plus_computes_the_equations_of_the_paper(shared):
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


@pytest.mark.parametrize("causal", [False, True])
def test_bytenet_computes_the_equations_of_the_paper(causal):
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


def test_causal_tcn_computes_the_equations_of_the_paper():
    net = CausalTCN(6, 4, 5, num_layers=3, kernel_size=3).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    weights = dict(net.named_parameters())

    def conv(x: Tensor, name: str, dilation: int) -> Tensor:
        direction, length = weights[f"{name}.direction"], weights[f"{name}.length"]
        filters = length * direction / direction.flatten(1).norm(dim=1)[:, None, None]
        return F.conv1d(F.pad(x, (2 * dilation, 0)), filters, weights[f"{name}.bias"], dilation=dilation)

    def conv_1x1(x: Tensor, name: str) -> Tensor:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return torch.einsum("oc,bct->bot", weight[..., 0], x) + bias[:, None]

    x = features = torch.randn(2, 6, 30)
    for i in range(3):
        z = F.relu(conv(x, f"blocks.{i}.conv_1", 2**i))
        z = F.relu(conv(z, f"blocks.{i}.conv_2", 2**i))
        x = F.relu(z + (conv_1x1(x, "blocks.0.shortcut") if i == 0 else x))
    torch.testing.assert_close(net(features).logits[0], conv_1x1(x, "head"))


def test_causal_tcn_drops_whole_channels():
    block = CausalTCN(4, 3, 2000, num_layers=1, kernel_size=1, dropout=0.3).blocks[0].train()
    with torch.no_grad():
        block.conv_2.bias.fill_(100.0)  # above what the ReLUs cut off and the shortcut adds
    kept = block(torch.randn(1, 4, 10)) > 50
    assert torch.equal(kept.all(dim=-1), kept.any(dim=-1))
    assert 0.66 < kept.float().mean() < 0.74


def test_causal_tcn_starts_as_the_authors_code():
    torch.manual_seed(0)
    block = CausalTCN(128, 11).blocks[0]
    assert 0.99 * (3 * 128) ** -0.5 < block.conv_1.weight.abs().max() < 1.01 * (3 * 128) ** -0.5  # PyTorch's bound
    assert 0.009 < block.shortcut.weight.std() < 0.011


@pytest.mark.parametrize("shared_windows", [False, True])
def test_asformer_computes_the_equations_of_the_paper(shared_windows):
    net = ASFormer(6, 4, 8, num_decoders=2, num_layers=4, shared_windows=shared_windows).eval()
    conv = convolutions_of(net)  # in the order of the authors' network, so that its weights can be copied over
    num_frames = 13

    def attention(x: Tensor, values: Tensor, window: int) -> Tensor:
        def sees(t: int, s: int) -> bool:
            block = [t // window * window + i for i in range(window)]
            return any(0 <= s - (u - window // 2) < window for u in (block if shared_windows else [t]))

        query, key, value = (y.mT[:, None] for y in (conv(x), conv(x), conv(values)))
        return conv(dense_attention(query, key, value, [num_frames], sees)[:, 0].mT.float().relu())

    def stage(x: Tensor, values: Tensor | None, attention_weight: float) -> tuple[Tensor, Tensor]:
        x = conv(x)
        for i in range(4):
            z = conv(x, dilation=2**i).relu()
            normalised = F.instance_norm(z)
            z = z + attention_weight * attention(normalised, normalised if values is None else values, window=2**i)
            x = x + conv(z)
        return conv(x), x

    features = torch.randn(1, 6, num_frames)
    logits, x = stage(features, None, 1.0)
    expected = [logits]
    for s in range(2):
        logits, x = stage(logits.softmax(dim=1), x, math.exp(-3 * s))
        expected.append(logits)
    torch.testing.assert_close(net(features).logits, torch.stack(expected), atol=1e-5, rtol=0)


def test_training_drops_whole_features():
    net = ASFormer(4000, 3, 4, num_decoders=0, num_layers=1, channel_dropout=0.5).train()
    dropped = (net.encoder.channel_dropout(torch.ones(1, 4000, 3)) == 0).float().mean(dim=(0, 1))
    assert dropped.min() == dropped.max()
    assert 0.46 < dropped.min() < 0.54


@pytest.mark.parametrize("window", [4, 5])
@pytest.mark.parametrize("instance_norm", [False, True])
def test_ltcontext_computes_the_equations_of_the_paper(window, instance_norm):
    net = LTContext(
        6, 4, 8, num_stages=3, num_layers=2, window=window, stride=3, num_heads=2, instance_norm=instance_norm
    ).eval()
    conv = convolutions_of(net)  # in the order of the authors' network, so that its weights can be copied over
    num_frames = 13

    def near(t: int, s: int) -> bool:
        first = t // window * window - window // 2
        return first <= s < first + 2 * window

    def far(t: int, s: int) -> bool:
        return t % 3 == s % 3

    def attention(x: Tensor, values: Tensor | None, sees) -> Tensor:
        x = F.instance_norm(x) if instance_norm else x
        heads = [conv(y).unflatten(1, (2, -1)).mT for y in (x, x, x if values is None else values)]
        return conv(F.gelu(dense_attention(*heads, [num_frames], sees).float().mT.flatten(1, 2)))

    def stage(x: Tensor, values: Tensor | None) -> tuple[Tensor, Tensor]:
        x = conv(x)
        for i in range(2):
            z = F.gelu(conv(x, dilation=2**i))
            z = z + attention(z, values, near)
            z = z + attention(z, values, far)
            x = x + conv(z)
        return conv(x), x

    features = torch.randn(1, 6, num_frames)
    logits, x = stage(features, None)
    x, expected = conv(x), [logits]
    for _ in range(2):
        logits, x = stage(logits.softmax(dim=1), x)
        expected.append(logits)
    torch.testing.assert_close(net(features).logits, torch.stack(expected), atol=1e-5, rtol=0)
