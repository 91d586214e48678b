"""MS-TCN as one writes it with ``torch.nn`` alone: what ``benchmarks.networks`` compares the library with.

The equations, the order of the parameters and the multiplications by the mask are those of Abu Farha & Gall, CVPR 2019;
one more multiplication keeps the bias of a stage's first convolution off the padding, as it would reach real frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Layer(nn.Module):
    """``(x + dropout(W relu(dilated convolution of x))) * mask``."""

    def __init__(self, dilation: int, channels: int) -> None:
        super().__init__()
        self.conv_dilated = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.conv_1x1 = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # noqa: D102
        out = F.relu(self.conv_dilated(x))
        return (x + self.dropout(self.conv_1x1(out))) * mask


class Stage(nn.Module):
    """1x1, ten layers, 1x1."""

    def __init__(self, in_channels: int, channels: int, num_classes: int, num_layers: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv1d(in_channels, channels, 1)
        self.layers = nn.ModuleList(Layer(2**i, channels) for i in range(num_layers))
        self.conv_out = nn.Conv1d(channels, num_classes, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # noqa: D102
        x = self.conv_in(x) * mask
        for layer in self.layers:
            x = layer(x, mask)
        return self.conv_out(x) * mask


class PlainMSTCN(nn.Module):
    """Logits of all stages, ``(S, B, C, T)``."""

    def __init__(
        self, in_channels: int, num_classes: int, num_stages: int = 4, num_layers: int = 10, channels: int = 64
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            Stage(num_classes if i else in_channels, channels, num_classes, num_layers) for i in range(num_stages)
        )

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:  # noqa: D102
        mask = mask[:, None].to(features.dtype)
        outputs: list[Tensor] = []
        for stage in self.stages:
            x = F.softmax(outputs[-1], dim=1) * mask if outputs else features
            outputs.append(stage(x, mask))
        return torch.stack(outputs)


def plain_loss(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy and 0.15 times the truncated mean square of the change from frame to frame, over real frames."""
    labels = labels.masked_fill(~mask, -100)
    pairs = mask[:, None, 1:].to(logits.dtype)
    loss = logits.new_zeros(())
    for stage in logits:
        log_p = F.log_softmax(stage, dim=1)
        change = (log_p[..., 1:] - log_p[..., :-1].detach()).square().clamp(max=16) * pairs
        loss = loss + F.cross_entropy(stage, labels) + 0.15 * change.sum() / (pairs.sum() * logits.shape[2])
    return loss
