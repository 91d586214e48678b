"""MS-TCN against the published description: equations."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from segtcn.models import MSTCN
from tests.models.equations import convolutions_of


def test_the_equations_of_the_paper():
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
