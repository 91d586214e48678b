"""ASFormer against the published description: equations, windows."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import ASFormer
from tests.models.equations import convolutions_of
from tests.reference.attention import dense_attention


@pytest.mark.parametrize("shared_windows", [False, True])
def test_the_equations_of_the_paper(shared_windows):
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
