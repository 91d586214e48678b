"""What is changed in a network before it is exported: standardisation folded in, recurrent cells as ONNX has them."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

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
        names = {name for name, _ in module.named_parameters(recurse=False)}
        if arguments[0] is features and isinstance(module, TemporalConv1d) and {"weight", "bias"} <= names:
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


ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
"""PyTorch's gates in the order of ONNX: input, output, forget, cell; update, reset, new."""

M = TypeVar("M", bound=nn.Module)


def with_onnx_cells(module: M) -> M:
    """A copy whose recurrent layers can be exported to ONNX with any number of frames, and do nothing else.

    They become the operators that ONNX has for them: PyTorch's exporter writes a loop over the frames.
    """
    module = copy.deepcopy(module)
    for parent in [*module.modules()]:
        for name, child in parent.named_children():
            if isinstance(child, nn.LSTM | nn.GRU):
                setattr(parent, name, _OnnxCells(child))
    return module


class _OnnxCells(nn.Module):
    """One layer, one direction, called as :class:`torch.nn.LSTM` with ``batch_first``."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias: Tensor

    def __init__(self, rnn: nn.LSTM | nn.GRU) -> None:
        super().__init__()
        self.kind, self.hidden_size = type(rnn).__name__, rnn.hidden_size
        self.register_buffer("weight_ih", self._in_order(rnn.get_parameter("weight_ih_l0")))
        self.register_buffer("weight_hh", self._in_order(rnn.get_parameter("weight_hh_l0")))
        self.register_buffer(
            "bias",
            torch.cat(
                [self._in_order(rnn.get_parameter("bias_ih_l0")), self._in_order(rnn.get_parameter("bias_hh_l0"))], 1
            ),
        )

    def _in_order(self, weights: Tensor) -> Tensor:
        gates = weights.detach().chunk(len(ORDER[self.kind]))
        return torch.cat([gates[i] for i in ORDER[self.kind]])[None]

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        num_videos, num_frames, _ = x.shape
        shape = (1, num_videos, self.hidden_size)
        num_states = 2 if self.kind == "LSTM" else 1
        states = (state if num_states == 2 else [state]) if state is not None else [x.new_zeros(shape)] * num_states
        attributes: dict[str, Any] = {"hidden_size": self.hidden_size}
        y, *after = torch.onnx.ops.symbolic_multi_out(
            self.kind,
            [x.transpose(0, 1), self.weight_ih, self.weight_hh, self.bias, None, *states],
            attributes if num_states == 2 else attributes | {"linear_before_reset": 1},
            dtypes=[x.dtype] * (1 + num_states),
            shapes=[(num_frames, *shape), *[shape] * num_states],
        )
        return y.squeeze(1).transpose(0, 1), tuple(after) if num_states == 2 else after[0]
