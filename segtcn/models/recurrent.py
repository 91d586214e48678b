"""Recurrent baselines: LSTM and GRU, in both directions or causal."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.initialization import init_convolutions, init_recurrent
from segtcn.layers.sequential import Reach, TemporalLayer, TemporalSequential
from segtcn.models.base import SegmentationModel, check_sizes

CELLS: dict[str, type[nn.LSTM | nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentNetwork(SegmentationModel):
    """Bi-LSTM or Bi-GRU; if ``causal``, the forward direction alone.

    ::

        num_layers times: LSTM or GRU, forwards and backwards, concatenated → dropout
        1x1 convolution to the classes

    Args:
        in_channels: feature width D.
        num_classes: C.
        hidden_channels: units of every layer and direction.
        num_layers: recurrent layers.
        cell: ``"lstm"`` or ``"gru"``.
        dropout: probability of dropping a unit of a frame; the authors drop none.
        causal: whether frame t sees only frames up to t.

    Shape:
        features ``(B, D, T)``, mask ``(B, T)`` or None to logits ``(1, B, C, T)``; any ``T >= 1``. Real frames come
        first, as in every batch.

    Raises:
        ValueError: if ``num_layers`` is below 1 or ``cell`` unknown.

    Example:
        >>> RecurrentNetwork(in_channels=128, num_classes=11)(torch.zeros(2, 128, 333)).logits.shape
        torch.Size([1, 2, 11, 333])

    Reference:
        Hochreiter & Schmidhuber: "Long Short-Term Memory", Neural Computation, 1997; Cho et al.: "Learning Phrase
        Representations using RNN Encoder-Decoder for Statistical Machine Translation", EMNLP 2014. The defaults are the
        Bi-LSTM that Lea et al., CVPR 2017, compare with.

        Differs from the authors' code:

        - The output of the backward direction is put back in time order; the code leaves it reversed, so frame t gets
          what belongs to frame T - 1 - t.
        - The backward direction starts at a video's last frame; in the code at the end of the longest video, after
          frames of -1.
        - The gates are sigmoids; the Keras of its time (1.1) took piecewise linear ones.
        - PyTorch's cells add two biases, Keras's have one: ``4 * hidden_channels`` more parameters in an LSTM layer and
          direction, ``3 * hidden_channels`` in a GRU's.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        hidden_channels: int = 64,
        num_layers: int = 1,
        cell: Literal["lstm", "gru"] = "lstm",
        dropout: float = 0.0,
        causal: bool = False,
    ) -> None:
        super().__init__(in_channels, num_classes, causal)
        check_sizes(num_layers=num_layers)
        if cell not in CELLS:
            raise ValueError(f"`cell` must be one of {', '.join(CELLS)}, got {cell!r}")
        width = hidden_channels * (1 if causal else 2)
        self.layers = TemporalSequential(
            *(
                RecurrentLayer(cell, width if i else in_channels, hidden_channels, dropout, causal)
                for i in range(num_layers)
            )
        )
        self.head = TemporalConv1d(width, num_classes, kernel_size=1)
        init_convolutions(self)


class RecurrentLayer(nn.Module, TemporalLayer):
    """An LSTM or GRU and dropout, forwards or in both directions: ``(B, C, T)`` to ``(B, H, T)`` or ``(B, 2 H, T)``.

    The directions are two modules and the backward one gets each video reversed in place. Packed sequences, PyTorch's
    way for videos of different length, give the same but train ten times slower on a CPU and do not export.
    """

    def __init__(self, cell: str, in_channels: int, hidden_channels: int, dropout: float, causal: bool) -> None:
        super().__init__()
        self.ahead = CELLS[cell](in_channels, hidden_channels, batch_first=True)
        self.back = None if causal else CELLS[cell](in_channels, hidden_channels, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        for rnn in (self.ahead, self.back):
            if rnn is not None:
                init_recurrent(rnn)

    @property
    def reach(self) -> Reach:
        """All frames to the left and, unless causal, to the right."""
        return None, 0 if self.back is None else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:  # noqa: D102
        x = x.mT
        outputs = [_run(self.ahead, x)[0]]
        if self.back is not None:
            outputs.append(_reverse(_run(self.back, _reverse(x, mask))[0], mask))
        return self.dropout(torch.cat(outputs, dim=-1)).mT

    def initial_state(self, batch_size: int) -> Any:
        """Hidden state, of an LSTM also the cell's, ``(1, batch_size, H)`` each."""
        zeros = next(self.ahead.parameters()).new_zeros(1, batch_size, self.ahead.hidden_size)
        return (zeros, zeros) if isinstance(self.ahead, nn.LSTM) else zeros

    def step(self, x: Tensor, state: Any, last: bool = False) -> tuple[Tensor, Any]:  # noqa: D102
        x, state = _run(self.ahead, x.mT, state)
        return self.dropout(x).mT, state


def _run(rnn: nn.LSTM | nn.GRU, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    """Output and state; single precision on a CPU, where an LSTM in bfloat16 needs instructions that not all have."""
    if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):
            return rnn(x.float(), state)
    return rnn(x, state)


def _reverse(x: Tensor, mask: Tensor | None) -> Tensor:
    """The real frames of ``(B, T, C)`` in reverse order; padding stays behind them, where it reaches no real frame."""
    if mask is None:
        return x.flip(1)
    frames = torch.arange(x.shape[1], device=x.device)
    source = torch.where(mask, mask.sum(dim=1, keepdim=True) - 1 - frames, frames)
    return x.gather(1, source[..., None].expand_as(x))
