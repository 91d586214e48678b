"""Checkpoints for other data: what differs is said, what fits is taken."""

from __future__ import annotations

import pytest
import torch

from segtcn.models import EDTCN, DilatedTCN
from segtcn.segmenter import Segmenter
from segtcn.segmenter.transfer import check_same, take_weights

NAMES = ["rest", "cut", "pour"]


def segmenter(names=NAMES, features=4, width=6, network=EDTCN, **facts) -> Segmenter:
    sizes = {"kernel_size": 3, "hidden_channels": [width] if network is EDTCN else width}
    return Segmenter(network(features, len(names), **sizes), names, **{"fps": 10, **facts})


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(0)
    segmenter().save(tmp_path / "net.ckpt")
    return tmp_path / "net.ckpt"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"network": DilatedTCN}, "it is of EDTCN, this is DilatedTCN"),
        ({"features": 5}, "its `in_channels` is 4, here 5"),
        ({"width": 8}, r"its `hidden_channels` is \[6\], here \[8\]"),
        ({"names": ["rest", "pour", "cut"]}, "its classes have another order: number 1 is 'cut', here 'pour'"),
        ({"names": ["rest", "cut", "stir"]}, "only it has the classes pour; it lacks the classes stir"),
        ({"names": [*NAMES, "stir"]}, "its `num_classes` is 3, here 4; it lacks the classes stir"),
        ({"target": "multi"}, "its target is single, here multi"),
    ],
)
def test_what_differs_is_said(path, other, message):
    with pytest.raises(ValueError, match=message):
        check_same(path, segmenter(**other))


def test_another_rate_is_a_warning_and_the_same_is_silent(path):
    check_same(path, segmenter())
    check_same(path, segmenter(fps=None))
    with pytest.warns(UserWarning, match="trained on features of `fps` 10, these have 15"):
        check_same(path, segmenter(fps=15))


def test_all_but_the_head_is_taken(path):
    other = segmenter([*NAMES, "stir"])
    before = other.net.state_dict()["head.weight"].clone()
    number, new = take_weights(path, other)
    assert new == ["head.weight", "head.bias"]
    stored, now = Segmenter.load(path).net.state_dict(), other.net.state_dict()
    assert number == len(now) - 2
    assert all(torch.equal(stored[name], now[name]) for name in now if name not in new)
    assert torch.equal(now["head.weight"], before)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"width": 8}, r"net\.ckpt do not fit: its `hidden_channels` is \[6\], here \[8\]"),
        ({"network": DilatedTCN}, "do not fit: it is of EDTCN, this is DilatedTCN"),
    ],
)
def test_weights_of_another_network_are_refused(path, other, message):
    with pytest.raises(ValueError, match=message):
        take_weights(path, segmenter(**other))


def test_a_record_of_features_that_is_none_is_refused():
    with pytest.raises(ValueError, match="`extraction` must be a record of `segtcn extract` or None, got 1e\\+300"):
        segmenter(extraction=1e300)
