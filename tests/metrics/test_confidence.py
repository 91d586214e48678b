"""Scores that need probabilities, as torchmetrics classes."""

from __future__ import annotations

import itertools
import math
import random

import pytest
import torch

from segtcn.metrics import SegmentalMAP
from segtcn.metrics.functional import segmental_map
from tests.metrics.sequences import NUM_CLASSES, after, random_videos
from tests.reference import detailed_scores as reference


def scored_videos(num_videos=6, levels=None):
    """Predictions, labels and probabilities ``(C, T)`` of videos; ``levels`` makes many confidences equal."""
    generator = torch.Generator().manual_seed(1)
    videos = []
    for preds, labels in random_videos(num_videos):
        scores = torch.rand(NUM_CLASSES, len(labels), generator=generator).clamp(max=0.999)
        videos.append((preds, labels, scores if levels is None else (scores * levels).round() / levels))
    return videos


def make_map():
    return SegmentalMAP(NUM_CLASSES, threshold=0.1, background=0)


@pytest.mark.parametrize("how", [("iou", 0.1), ("iou", 0.5), ("midpoint", 0.5)])
def test_segments_of_all_videos_are_ranked_together(how):
    videos = scored_videos()
    computed = after(SegmentalMAP(NUM_CLASSES, *how, background=0), *videos).compute()
    lists = [(p.tolist(), y.tolist(), s.T.tolist()) for p, y, s in videos]
    assert computed.item() == pytest.approx(reference.mean_average_precision(lists, *how, {0}), abs=1e-4)
    assert computed.item() != pytest.approx(sum(segmental_map(*v, *how, background=0) for v in videos) / len(videos))
    assert after(SegmentalMAP(NUM_CLASSES, *how), videos[-1]).compute() == segmental_map(*videos[-1], *how)


@pytest.mark.parametrize("fill", [0.0, 5.0, math.nan])
def test_padding_has_no_weight(fill):
    videos = scored_videos()
    preds, labels = (torch.nn.utils.rnn.pad_sequence([v[i] for v in videos], True, 0) for i in (0, 1))
    scores = torch.nn.utils.rnn.pad_sequence([v[2].T for v in videos], True, fill).transpose(1, 2)
    mask = torch.arange(labels.shape[1]) < torch.tensor([len(v[1]) for v in videos])[:, None]
    assert after(make_map(), (preds, labels, scores, mask)).compute() == after(make_map(), *videos).compute()


@pytest.mark.parametrize("levels", [None, 4])
def test_any_order_and_any_number_of_processes_give_the_same_bits(levels):
    videos = scored_videos(8, levels)
    expected = after(make_map(), *videos).compute()
    for seed, num_processes in itertools.product(range(3), (1, 2, 3)):
        shuffled = random.Random(seed).sample(videos, len(videos))
        first, *others = (after(make_map(), *shuffled[rank::num_processes]) for rank in range(num_processes))
        for other in others:
            first.merge_state(other)
        assert first.compute() == expected


def test_equally_sure_segments_at_the_same_frame_count_as_found_at_once():
    # one of two is right, in either order of the videos
    right, wrong = torch.tensor([1, 1]), torch.tensor([0, 0])
    sure = torch.full((2, 2), 0.5)
    for videos in ([(right, right, sure), (right, wrong, sure)], [(right, wrong, sure), (right, right, sure)]):
        assert after(SegmentalMAP(2, background=0), *videos).compute() == 50


ONES = torch.ones(2, 3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SegmentalMAP(3, "middle"), r"`criterion` must be one of \('iou', 'midpoint'\), got 'middle'"),
        (
            lambda: SegmentalMAP(3).update(ONES, ONES, torch.zeros(2, 4, 3)),
            r"must have the shape \(C, T\) or \(B, C, T\) with the B and T of `labels`, \(2, 3\), got \(2, 4, 3\)",
        ),
        (
            lambda: SegmentalMAP(3).update(ONES[0], ONES[0], torch.zeros(3)),
            r"B and T of `labels`, .* got \(3,\)",
        ),
        (lambda: SegmentalMAP(4).update(ONES, ONES, torch.zeros(2, 4, 3), ONES), "`mask` must be bool"),
    ],
)
def test_malformed_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
