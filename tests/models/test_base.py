"""What the base class does for every network: a stored constructor call, also of networks inside networks."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from segtcn.models import EDTCN, SegmentationModel
from segtcn.models.base import build_network
from segtcn.structures import Output


class Wrapper(SegmentationModel):
    """A network around another."""

    def __init__(self, in_channels: int, num_classes: int, inner: Callable[[int, int], SegmentationModel]) -> None:
        super().__init__()
        self.in_channels, self.num_classes, self.causal = in_channels, num_classes, False
        self.inner = inner(in_channels, num_classes)

    @property
    def receptive_field(self) -> tuple[int | None, int | None]:
        return self.inner.receptive_field

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:
        return self.inner(features, mask)


class Unbounded(Wrapper):
    @property
    def receptive_field(self) -> tuple[None, None]:
        return (None, None)


def test_the_call_of_a_network_inside_a_network_is_stored_and_rebuilt():
    net = Wrapper(5, 3, partial(EDTCN, hidden_channels=(6,), kernel_size=3)).eval()
    file = io.BytesIO()
    torch.save(net.spec, file)
    file.seek(0)
    rebuilt = build_network(torch.load(file, weights_only=True)).eval()
    assert rebuilt.spec == net.spec
    rebuilt.load_state_dict(net.state_dict())
    x = torch.randn(1, 5, 20)
    for twin in (rebuilt, copy.deepcopy(rebuilt), pickle.loads(pickle.dumps(rebuilt))):
        assert torch.equal(twin(x).logits, net(x).logits)


def test_labels_are_those_of_the_last_stage():
    logits = torch.zeros(2, 1, 3, 4)
    logits[0, 0, 0], logits[1, 0, 2] = 5, 1
    net = Wrapper(5, 3, partial(EDTCN, hidden_channels=(6,)))
    assert net.decode(Output(logits)).tolist() == [[2, 2, 2, 2]]


def test_a_network_without_a_causal_variant_does_not_offer_one():
    net = Unbounded(5, 3, EDTCN)
    with pytest.raises(ValueError, match="needs all future frames and has no causal variant"):
        net.initial_state()
