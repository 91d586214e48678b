"""Dropout of single values, an order of magnitude faster on a CPU than PyTorch's."""

from __future__ import annotations

from torch import Tensor, nn

from segtcn.layers import kernels


class Dropout(nn.Dropout):
    """:class:`torch.nn.Dropout` with cheaper random numbers on a CPU.

    On a CPU ``p`` is rounded to a multiple of 1/65536, see :func:`segtcn.layers.kernels.dropout`.

    Args:
        p: probability of dropping a value.
        inplace: whether the input may be overwritten.

    Shape:
        Any to the same.

    Example:
        >>> import torch
        >>> x = Dropout(0.5)(torch.ones(1000))
        >>> x.unique()
        tensor([0., 2.])
    """

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        if self.training and kernels.dropout_pays(x, self.p):
            return kernels.dropout(x, self.p)
        return super().forward(x)
