"""LSTM and GRU as the operators that ONNX has for them: PyTorch's exporter writes a loop over the frames."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

ORDER = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
"""PyTorch's gates in the order of ONNX: input, output, forget, cell; update, reset, new."""

M = TypeVar("M", bound=nn.Module)


def with_onnx_cells(module: M) -> M:
    """A copy whose recurrent layers can be exported to ONNX with any number of frames, and do nothing else."""
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
