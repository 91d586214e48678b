"""Standardisation as part of the first convolution: a pass over all features less."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.segmenter.segmenter import Segmenter


def folded(segmenter: Segmenter) -> Segmenter:
    """A copy whose first 1x1 convolutions standardise; the segmenter itself where something else sees the features.

    With a longer convolution it would be wrong: the zeros around a video are not standardised.

    Args:
        segmenter: in evaluation mode, on the CPU.
    """
    copied = copy.deepcopy(segmenter)
    mean, std = segmenter.standardization.mean, segmenter.standardization.std
    features = torch.randn(1, segmenter.net.in_channels, 9) * std[:, None] + mean[:, None]
    convs: list[TemporalConv1d] = []

    def note(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if (
            arguments[0] is features
            and isinstance(module, TemporalConv1d)
            and {"weight", "bias"} <= {*module._parameters}
        ):
            convs.append(module)

    hooks = [module.register_forward_pre_hook(note) for module in copied.net.modules()]
    with torch.inference_mode():
        copied.net(features)
    for hook in hooks:
        hook.remove()
    copied.standardization = nn.Identity()  # type: ignore[assignment]
    with torch.no_grad():
        for conv in convs:
            conv.weight /= std[:, None]
            conv.bias -= conv.weight.sum(dim=2) @ mean  # type: ignore[operator]
        expected, got = _scores(segmenter, features), _scores(copied, features)
    return copied if torch.allclose(expected, got, atol=1e-6, rtol=0) else segmenter


def _scores(segmenter: Segmenter, features: Tensor) -> Tensor:
    return segmenter(features).logits[-1].softmax(dim=1)
