"""ASFormer against the published description: parameter counts, equations, windows, bad arguments."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import ASFormer
from tests.reference.attention import dense_attention


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_as_many_parameters_as_the_authors_network():
    assert count(ASFormer(2048, 11)) == 1_130_860  # theirs at 10 layers x 64, 3 decoders, r1 = r2 = 2
    assert count(ASFormer(2048, 19)) == 1_134_476


@pytest.mark.parametrize("shared_windows", [False, True])
def test_the_equations_of_the_paper(shared_windows):
    net = ASFormer(6, 4, 8, num_decoders=2, num_layers=4, shared_windows=shared_windows).eval()
    weights = iter(net.parameters())  # in the order of the authors' network, so that its weights can be copied over
    num_frames = 13

    def conv(x: Tensor, dilation: int = 1) -> Tensor:
        weight, bias = next(weights), next(weights)
        return F.conv1d(x, weight, bias, padding=dilation * (weight.shape[-1] // 2), dilation=dilation)

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


@pytest.mark.parametrize(("num_decoders", "num_layers"), [(-1, 10), (3, 0)])
def test_bad_arguments_say_what_was_expected(num_decoders, num_layers):
    message = f"`num_decoders` must be at least 0 and `num_layers` at least 1, got {num_decoders} and {num_layers}"
    with pytest.raises(ValueError, match=message):
        ASFormer(4, 3, num_decoders=num_decoders, num_layers=num_layers)
