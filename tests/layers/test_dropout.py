"""Dropout: rates, means, gradients, and that PyTorch's seed decides on it."""

from __future__ import annotations

import pytest
import torch

from segtcn.layers import Dropout


@pytest.mark.parametrize("p", [0.5, 0.25, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_drops_at_the_rate_and_keeps_the_mean(p, dtype):
    torch.manual_seed(0)
    x = torch.ones(3, 70, 1001, dtype=dtype)
    y = Dropout(p)(x).double()
    deviation = (p * (1 - p) / x.numel()) ** 0.5
    assert abs((y == 0).double().mean() - p) < 5 * deviation
    assert len(y.unique()) == 2
    assert y.max() == pytest.approx(1 / (1 - p), rel=0.01 if dtype == torch.bfloat16 else 1e-3)


def test_values_are_dropped_independently_of_their_neighbours():
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(2**17)) > 0).double() - 0.5
    for distance in (1, 2, 3, 4, 7, 8, 16, 64):
        assert (kept[distance:] * kept[:-distance]).mean().abs() < 5 * 0.25 / 2**8.5


def test_the_gradient_is_dropped_where_the_value_is():
    x = torch.randn(2, 5, 33, requires_grad=True)
    y = Dropout(0.25)(x)
    y.sum().backward()
    assert torch.equal(y, x * x.grad)


def test_the_seed_decides():
    dropout, x = Dropout(0.5), torch.ones(100)
    torch.manual_seed(3)
    first, second = dropout(x), dropout(x)
    torch.manual_seed(3)
    assert torch.equal(dropout(x), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("p", [0, 0.0, 1e-6, 1 - 1e-6, 1.0, 1])
def test_almost_none_and_almost_all(p):
    y = Dropout(p)(torch.ones(1000))
    assert (y == 0).double().mean() == pytest.approx(p, abs=0.01)


def test_evaluation_changes_nothing():
    x = torch.randn(2, 3, 4)
    assert Dropout(0.5).eval()(x) is x


def test_any_shape_and_order_in_memory():
    dropout = Dropout(0.5)
    assert dropout(torch.ones(())).shape == ()
    assert dropout(torch.ones(0, 3)).shape == (0, 3)
    assert dropout(torch.ones(5, 3).T).unique().numel() <= 2


def test_compiles():
    torch.compiler.reset()
    y = torch.compile(Dropout(0.5), backend="aot_eager")(torch.ones(1000))
    assert 0.4 < (y == 0).float().mean() < 0.6
