"""Standardisation as a layer."""

from __future__ import annotations

import pytest
import torch

from segtcn.segmenter.standardization import Standardization


def test_standardization_uses_the_given_statistics():
    layer = Standardization(2)
    x = torch.tensor([[[1.0, 3.0], [10.0, 30.0]]])
    assert torch.equal(layer(x), x)
    layer.set(torch.tensor([2.0, 20.0]), torch.tensor([1.0, 10.0]))
    assert torch.equal(layer(x), torch.tensor([[[-1.0, 1.0], [-1.0, 1.0]]]))
    assert set(layer.state_dict()) == {"mean", "std"}


def test_standardization_refuses_wrong_statistics():
    layer = Standardization(2)
    with pytest.raises(ValueError, match=r"must have the shape \(2,\), got \(3,\) and \(2,\)"):
        layer.set(torch.zeros(3), torch.ones(2))
    with pytest.raises(ValueError, match="std must be positive"):
        layer.set(torch.zeros(2), torch.tensor([1.0, 0.0]))
