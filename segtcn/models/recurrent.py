"""Recurrent baselines: LSTM and GRU, in both directions or causal."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from segtcn.layers.conv import TemporalConv1d
from segtcn.layers.init import init_glorot, init_recurrent
from segtcn.models.base import SegmentationModel
from segtcn.structures import Output

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
        >>> import torch
        >>> net = RecurrentNetwork(in_channels=128, num_classes=11)
        >>> net(torch.zeros(2, 128, 333)).logits.shape
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
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"`num_layers` must be at least 1, got {num_layers}")
        if cell not in CELLS:
            raise ValueError(f"`cell` must be one of {', '.join(CELLS)}, got {cell!r}")
        self.in_channels, self.num_classes, self.causal = in_channels, num_classes, causal
        self.rnn = CELLS[cell](
            in_channels,
            hidden_channels,
            num_layers,
            batch_first=True,
            dropout=dropout
            if num_layers > 1
            else 0.0,  # PyTorch's is between layers, and warns where there is no between
            bidirectional=not causal,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = TemporalConv1d(hidden_channels * (1 if causal else 2), num_classes, kernel_size=1)
        init_recurrent(self.rnn)
        init_glorot(self)

    @property
    def receptive_field(self) -> tuple[None, int | None]:
        """All frames to the left and, unless causal, to the right."""
        return None, 0 if self.causal else None

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        x = features.transpose(1, 2)
        if mask is None or self.causal:  # what comes after the last real frame reaches only the backward direction
            x, _ = self.rnn(x)
        else:
            num_frames = mask.sum(dim=1).cpu()
            packed, _ = self.rnn(pack_padded_sequence(x, num_frames, batch_first=True, enforce_sorted=False))
            x, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
        return self._classify(x)

    def initial_state(self, batch_size: int = 1) -> Any:
        """State before the first frame of a stream: zeros, hidden and, of an LSTM, cell state ``(L, B, H)``.

        Raises:
            ValueError: if the network is not causal.
        """
        if not self.causal:
            raise self._not_streamable()
        zeros = self.head.weight.new_zeros(self.rnn.num_layers, batch_size, self.rnn.hidden_size)
        return (zeros, zeros) if isinstance(self.rnn, nn.LSTM) else zeros

    def step(self, features: Tensor, state: Any) -> tuple[Output, Any]:
        """Score the next frames of a stream, see :meth:`SegmentationModel.step`."""
        if not self.causal:
            raise self._not_streamable()
        x, state = self.rnn(features.transpose(1, 2), state)
        return self._classify(x), state

    def _classify(self, x: Tensor) -> Output:
        return Output(self.head(self.dropout(x).transpose(1, 2))[None])
