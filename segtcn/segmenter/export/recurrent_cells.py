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

    def __init__(self, rnn: nn.LSTM | nn.GRU) -> None:
        super().__init__()
        self.kind, self.hidden_size = type(rnn).__name__, rnn.hidden_size
        for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
            gates = getattr(rnn, name).detach().chunk(len(ORDER[self.kind]))
            self.register_buffer(name, torch.cat([gates[i] for i in ORDER[self.kind]])[None])

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        num_videos, num_frames, _ = x.shape
        shape = (1, num_videos, self.hidden_size)
        num_states = 2 if self.kind == "LSTM" else 1
        states = (state if num_states == 2 else [state]) if state is not None else [x.new_zeros(shape)] * num_states
        bias = torch.cat([self.bias_ih_l0, self.bias_hh_l0], dim=1)
        y, *after = torch.onnx.ops.symbolic_multi_out(
            self.kind,
            [x.transpose(0, 1), self.weight_ih_l0, self.weight_hh_l0, bias, None, *states],
            {"hidden_size": self.hidden_size} | ({} if num_states == 2 else {"linear_before_reset": 1}),
            dtypes=[x.dtype] * (1 + num_states),
            shapes=[(num_frames, *shape), *[shape] * num_states],
        )
        return y.squeeze(1).transpose(0, 1), tuple(after) if num_states == 2 else after[0]
