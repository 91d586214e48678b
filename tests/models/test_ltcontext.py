"""LTContext against the published description: equations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from segtcn.models import LTContext
from tests.models.equations import convolutions_of
from tests.reference.attention import dense_attention


@pytest.mark.parametrize("window", [4, 5])
@pytest.mark.parametrize("instance_norm", [False, True])
def test_the_equations_of_the_paper(window, instance_norm):
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
