"""Set prediction: matching against all permutations, losses by hand, and what padding and missing labels do."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
import torch

from segtcn.losses import SetPrediction
from segtcn.losses.set_prediction import TrueSegments, attention_loss, match_tokens, token_cross_entropy
from segtcn.models import FACT, FrameClassifier
from segtcn.structures import IGNORE, Batch, Output, Tokens


def small(num_tokens: int = 6) -> FACT:
    torch.manual_seed(0)
    return FACT(5, 3, 16, 12, 8, num_tokens, num_layers=1, num_token_layers=1, num_heads=2, feedforward=9).eval()


def batch_of(labels: list[list[int]], padding: int = 0) -> Batch:
    num_frames = max(map(len, labels)) + padding
    rows = torch.tensor([video + [IGNORE] * (num_frames - len(video)) for video in labels])
    mask = torch.arange(num_frames) < torch.tensor([[len(video)] for video in labels])
    features = 3 * torch.randn(len(labels), 5, 60, generator=torch.Generator().manual_seed(1))[..., :num_frames]
    return Batch(features.masked_fill(~mask[:, None], 9.0), rows, mask)


def test_segments_are_the_annotated_runs():
    truth = TrueSegments.from_labels(torch.tensor([4, 4, IGNORE, 4, 1]))
    assert truth.classes.tolist() == [4, 4, 1]
    assert truth.frames.T.tolist() == [[1, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]


@pytest.mark.parametrize("seed", range(5))
def test_the_matching_is_the_cheapest_of_all(seed):
    torch.manual_seed(seed)
    logits, attention = torch.randn(5, 4), (3 * torch.randn(9, 5)).softmax(dim=1)
    truth = TrueSegments.from_labels(torch.tensor([0, 0, 2, 2, 2, 2, 1, 1, 1]))

    def cost(token: int, segment: int) -> float:
        inside = truth.frames[:, segment] == 1
        a = attention[:, token]
        overlap = a[inside].sum() / torch.where(inside, 1.0, a).sum()
        return float(-0.7 * logits[token].softmax(0)[truth.classes[segment]] - 1.5 * overlap)

    best = min(permutations(range(5), 3), key=lambda tokens: sum(cost(m, s) for s, m in enumerate(tokens)))
    tokens, segments = match_tokens(logits, attention, truth, class_weight=0.7, overlap_weight=1.5)
    assert {*zip(segments.tolist(), tokens.tolist(), strict=True)} == {*enumerate(best)}


def test_losses_by_hand():
    matched = torch.tensor([2, 0]), torch.tensor([0, 1])  # token 2 is segment 0, token 0 segment 1
    logits = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 5.0], [2.0, 0.0, 0.0]])
    of_tokens = -logits.log_softmax(dim=1)[[0, 1, 2], [1, 2, 0]]
    expected = (of_tokens[0] + 0.3 * of_tokens[1] + of_tokens[2]) / 2.3
    torch.testing.assert_close(token_cross_entropy(logits, torch.tensor([0, 1]), matched, 0.3), expected)
    attention, target = torch.randn(4, 3), torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 0]])
    for dim in (0, 1):
        log_p = attention[:, [2, 0]].log_softmax(dim=dim)
        expected = -(log_p[0, 0] + log_p[1, 0] + log_p[2, 1]) / 3
        torch.testing.assert_close(attention_loss(attention, target, matched, dim), expected)


def test_a_batch_is_the_mean_of_its_videos_and_padding_changes_nothing():
    net, labels = small(), [[0] * 9 + [2] * 8 + [1] * 7, [1] * 5 + [IGNORE] * 3 + [0] * 6]
    losses = []
    for padding in (0, 5):
        batch = batch_of(labels, padding)
        losses.append(SetPrediction()(net(batch.features, batch.mask), batch))
    alone = []
    for i, video in enumerate(labels):
        features = batch.features[[i], :, : len(video)]
        alone.append(
            SetPrediction()(net(features), Batch(features, torch.tensor([video]), batch.mask[[i], : len(video)]))
        )
    torch.testing.assert_close(losses[1], losses[0])
    torch.testing.assert_close(losses[0], torch.stack(alone).mean())


def test_more_segments_than_tokens_leave_segments_out_and_no_label_costs_nothing():
    net, batch = small(num_tokens=2), batch_of([[0, 1, 2, 0, 1, 2, 0] * 3, [0, 0, 1]])._replace(names=("long", "short"))
    with pytest.warns(UserWarning, match=r"^long has 19 segments and the network 2 tokens") as told:
        loss = SetPrediction()(net(batch.features, batch.mask), batch)
    assert len(told) == 1
    loss.backward()
    assert loss > 0
    unknown = batch._replace(labels=torch.full_like(batch.labels, IGNORE))
    assert SetPrediction()(net(batch.features, batch.mask), unknown) == 0


def test_a_network_without_tokens_and_a_weight_of_zero_are_refused():
    batch = batch_of([[0, 1]])
    with pytest.raises(ValueError, match=r"needs a network that predicts a set of segments, such as .*FACT"):
        SetPrediction()(FrameClassifier(5, 3)(batch.features), batch)
    with pytest.raises(ValueError, match="`none_weight` must be positive, got 0"):
        SetPrediction(none_weight=0)
    for name in ("class_weight", "overlap_weight", "smoothing"):
        with pytest.raises(ValueError, match=f"`{name}` must be 0 or more, got nan"):
            SetPrediction(**{name: math.nan})
    logits = torch.zeros(1, 1, 3, 2)
    with pytest.raises(ValueError, match="needs what frames attend to: `writes`"):
        SetPrediction()(Output(logits, tokens=[Tokens(torch.zeros(1, 4, 4))]), batch)
