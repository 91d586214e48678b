"""DiffAct: what the decoder sees in training, and how a prediction depends on seed and steps."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from segtcn.models import DiffAct, diffact
from segtcn.structures import IGNORE, Batch


def small(**arguments) -> DiffAct:
    torch.manual_seed(0)
    sizes = {"condition_layers": [1], "num_decoder_layers": 2, "time_channels": 8, "num_steps": 4}
    return DiffAct(5, 3, 8, 2, **sizes, **arguments).eval()


def visible(masking: str, labels: torch.Tensor, **arguments) -> torch.Tensor:
    return small(masking=[masking], boundary_sigma=0.5, **arguments)._visible(labels, labels != IGNORE)


def test_each_masking_hides_what_its_name_says():
    labels = torch.tensor([[0, 0, 0, 0, 2, 2, 2, 2, IGNORE, IGNORE]])
    assert visible("none", labels).all()
    assert not visible("all", labels).any()
    assert visible("boundary", labels).tolist() == [[True] * 3 + [False] * 2 + [True] * 5]
    drawn = {tuple(visible_frames) for _ in range(20) for visible_frames in hidden_by_relation(labels)}
    assert drawn == {(4, 5, 6, 7, 8, 9), (0, 1, 2, 3, 8, 9)}  # one class that is there, all of its frames
    assert visible("relation", labels, masked_classes=30).sum() == 2  # some time each class was drawn


def hidden_by_relation(labels: torch.Tensor) -> list[list[int]]:
    net = small(masking=["relation"])
    torch.seed()
    return [net._visible(labels, labels != IGNORE)[0].nonzero()[:, 0].tolist()]


def test_maskings_are_drawn_as_often_as_they_are_named():
    net = small(masking=["none", "all", "all", "all"])
    labels = torch.zeros(4000, 2, dtype=torch.int64)
    assert net._visible(labels, labels == 0)[:, 0].float().mean() == pytest.approx(0.25, abs=0.03)


def test_the_seed_and_the_number_of_steps_decide_a_prediction():
    net, features = small(), torch.randn(1, 5, 40)
    state = torch.get_rng_state()
    expected = net(features).logits
    assert torch.equal(torch.get_rng_state(), state)  # the random numbers of training do not move
    assert torch.equal(net.sample(features, num_steps=4, seed=0).logits, expected)
    for other in (net.sample(features, seed=1), net.sample(features, num_steps=2)):
        assert torch.equal(other.logits[0], expected[0])  # of the encoder
        assert not torch.allclose(other.logits[1], expected[1], atol=1e-3)
    with pytest.raises(ValueError, match="`num_steps` must be a whole number from 1 to the 1000"):
        net.sample(features, num_steps=0)
    with pytest.raises(ValueError, match="`seed` must be a whole number of at most"):
        net.sample(features, seed=10**13)


def test_noise_grows_over_the_steps_by_the_cosine_of_nichol_and_dhariwal():
    gammas = diffact._cosine_schedule(1000)
    assert gammas[0] == pytest.approx(1, abs=1e-4)
    assert gammas[499] == pytest.approx(0.4938, abs=1e-3)  # f(0.5) / f(0)
    assert 0 < gammas[-1] < 1e-4
    assert all(after < before for before, after in pairwise(gammas))
    assert small()._times(4) == [999, 749, 499, 249, -1]


def test_training_shows_the_decoder_the_labels_and_evaluation_does_not():
    net, features, mask = small(masking=["all"]), torch.randn(1, 5, 40), torch.ones(1, 40, dtype=torch.bool)
    outputs = []
    for label in (0, 1):
        torch.manual_seed(3)  # the same step, early enough to see something of the labels
        batch = Batch(features, torch.full((1, 40), label), mask)
        outputs.append((net.training_output(batch).logits, net(batch.features, mask).logits))
    (first, sampled), (second, sampled_again) = outputs
    assert torch.equal(sampled, sampled_again)
    assert torch.equal(first[0], second[0])
    assert not torch.allclose(first[1], second[1])
    with pytest.raises(ValueError, match="DiffAct learns from one label a frame, and tea has none"):
        net.training_output(Batch(features, None, mask, ["tea"]))
