"""Tokens that look at each other and at a sequence: the parts of set prediction."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TokenLayer(nn.Module):
    """Self-attention of tokens, attention to a sequence if there is one, MLP; each with a residual, then a norm.

    Args:
        channels: of a token.
        memory_channels: of the sequence; None: the tokens see each other alone.
        num_heads: of each attention.
        feedforward: hidden channels of the MLP.
        dropout: probability of dropping a value or an attention weight.

    Shape:
        tokens ``(B, M, channels)``, their positions ``(M, channels)``, a sequence ``(B, T, memory_channels)`` and its
        mask ``(B, T)``, or None, to ``(B, M, channels)``.

    Reference:
        Carion et al.: "End-to-End Object Detection with Transformers", ECCV 2020, section 3.2.
    """

    def __init__(
        self, channels: int, memory_channels: int | None, num_heads: int, feedforward: int, dropout: float
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"dropout": dropout, "batch_first": True}
        self.attention = nn.MultiheadAttention(channels, num_heads, **options)
        if memory_channels is not None:
            options |= {"kdim": memory_channels, "vdim": memory_channels}
            self.cross_attention = nn.MultiheadAttention(channels, num_heads, **options)
        self.mlp = nn.Sequential(
            nn.Linear(channels, feedforward), nn.ReLU(), nn.Dropout(dropout), nn.Linear(feedforward, channels)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2 if memory_channels is None else 3))
        self.dropout = nn.Dropout(dropout)

    def forward(  # noqa: D102
        self, tokens: Tensor, positions: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        asking = tokens + positions
        attended = self.attention(asking, asking, tokens, need_weights=False)[0]
        tokens = self.norms[0](tokens + self.dropout(attended))
        if memory is not None:
            hidden = None if mask is None else ~mask
            asking = tokens + positions
            attended = self.cross_attention(asking, memory, memory, key_padding_mask=hidden, need_weights=False)[0]
            tokens = self.norms[1](tokens + self.dropout(attended))
        out: Tensor = self.norms[-1](tokens + self.dropout(self.mlp(tokens)))
        return out


class CrossAttention(nn.Module):
    """One head of attention from one sequence to another, whose weights are an output, too.

    Args:
        channels: of both sequences, of queries, keys and values.
        out_channels: of the output.
        dropout: probability of dropping a value of query and answer.

    Shape:
        queries ``(B, Q, channels)`` and keys ``(B, K, channels)``, a mask of the keys ``(B, K)`` or None, and what is
        added to queries and keys before they are compared, ``(Q, p)`` and ``(K, p)`` for the first p channels, to
        ``(B, Q, out_channels)`` and the attention before the softmax, ``(B, Q, K)``.
    """

    def __init__(self, channels: int, out_channels: int, dropout: float) -> None:
        super().__init__()
        self.key, self.value = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.query = nn.Linear(channels, channels)
        self.out = nn.Linear(2 * channels, out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(  # noqa: D102
        self,
        queries: Tensor,
        keys: Tensor,
        mask: Tensor | None = None,
        query_positions: Tensor | None = None,
        key_positions: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        query, key = self.query(_add(queries, query_positions)), self.key(_add(keys, key_positions))
        scores = query @ key.mT / key.shape[-1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None], torch.finfo(scores.dtype).min)
        answer = scores.softmax(dim=-1) @ self.value(keys)
        return self.out(self.dropout(torch.cat([queries, answer], dim=-1))), scores


def _add(x: Tensor, positions: Tensor | None) -> Tensor:
    return x if positions is None else x + F.pad(positions, (0, x.shape[-1] - positions.shape[-1]))
