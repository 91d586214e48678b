"""What the tests of the papers' equations share: a convolution written once more, and weights in the authors' order."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def num_parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def conv_same(x: Tensor, weight: Tensor, bias: Tensor, dilation: int = 1, causal: bool = False) -> Tensor:
    """TensorFlow's "same" convolution of ``(B, C, T)``, or that of past frames alone, tap by tap."""
    num_frames, taps = x.shape[-1], weight.shape[-1]
    span = (taps - 1) * dilation
    left = span if causal else span // 2
    x = F.pad(x, (left, span - left))
    shifted = [x[..., k * dilation : k * dilation + num_frames] for k in range(taps)]
    return sum(torch.einsum("oc,bct->bot", weight[..., k], shifted[k]) for k in range(taps)) + bias[:, None]


def convolutions_of(net: nn.Module) -> Callable[..., Tensor]:
    """Each call is the next convolution of the network, in the order of its parameters."""
    weights = iter(net.parameters())
    return lambda x, dilation=1: conv_same(x, next(weights), next(weights), dilation)
