"""Dropout of single values, an order of magnitude faster on a CPU than PyTorch's."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """:class:`torch.nn.Dropout` with cheaper random numbers on a CPU.

    PyTorch draws a number for every value, one after the other on one core: 40 % of a training step of MS-TCN. Here one
    draw of 64 bits decides on eight values, or on four where ``p`` is no multiple of 1/256: it is then rounded to one
    of 1/65536, and the values are scaled by what it was rounded to, so that their mean stays the same.

    Args:
        p: probability of dropping a value.

    Shape:
        Any to the same.

    Example:
        >>> x = Dropout(0.5)(torch.ones(1000))
        >>> x.unique()
        tensor([0., 2.])
    """

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        dtype, levels = (torch.int8, 2**8) if self.p * 2**8 % 1 == 0 else (torch.int16, 2**16)
        kept_levels = round((1 - self.p) * levels)
        drawn_here = x.device.type == "cpu" and not torch.compiler.is_compiling()
        if not (self.training and drawn_here and 0 < kept_levels < levels):
            return super().forward(x)
        num_draws = -(-x.numel() * dtype.itemsize // 8)
        draws = torch.empty(num_draws, dtype=torch.int64).random_(-(2**63), None)  # any integer: all bits are random
        levels_drawn = draws.view(dtype)[: x.numel()].view(x.shape)
        # 0 or 1 as the type of x: products with booleans are slow
        kept = torch.empty_like(x, memory_format=torch.contiguous_format, requires_grad=False)
        torch.lt(levels_drawn, kept_levels - levels // 2, out=kept)
        return x * kept.mul_(levels / kept_levels)
