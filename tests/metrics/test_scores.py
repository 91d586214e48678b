"""The torchmetrics classes: how videos are combined, in any batches, order and number of processes."""

from __future__ import annotations

import itertools
import math
import pickle
import random
from functools import partial

import pytest
import torch

import segtcn.metrics.functional as F
from segtcn import metrics as M
from tests.metrics.sequences import IGNORE, after, pad, random_videos
from tests.metrics.sequences import NUM_CLASSES as C
from tests.reference import protocols

SCORES = {
    "accuracy": (M.FrameAccuracy, F.frame_accuracy),
    "edit": (M.EditScore, F.edit_score),
    "f1": (partial(M.SegmentalF1, 0.25), partial(F.segmental_f1, threshold=0.25)),
    "precision": (partial(M.SegmentalPrecision, 0.25), partial(F.segmental_precision, threshold=0.25)),
    "recall": (partial(M.SegmentalRecall, 0.25), partial(F.segmental_recall, threshold=0.25)),
    "over": (M.OverSegmentation, F.over_segmentation),
    "under": (M.UnderSegmentation, F.under_segmentation),
    "count": (M.SegmentCountError, F.segment_count_error),
    "boundaries": (lambda **_: M.BoundaryF1(0.2, fps=15), lambda p, y, **_: F.boundary_f1(p, y, 0.2, fps=15)),
}
EVERY_METRIC = [
    M.FrameAccuracy,
    lambda: M.FrameAccuracy("pooled", background=0),
    lambda: M.FrameAccuracy("none", num_classes=C),
    lambda: M.EditScore(background=0),
    lambda: M.EditScore("pooled"),
    lambda: M.SegmentalF1(0.1),
    lambda: M.SegmentalF1(0.5, "pooled", background=0),
    lambda: M.SegmentalF1(0.25, "none", num_classes=C, background=[0, 1]),
    lambda: M.SegmentalPrecision(0.25, "macro", num_classes=C),
    lambda: M.SegmentalRecall(0.25, background=0),
    lambda: M.BoundaryF1(0.1, fps=15),
    lambda: M.BoundaryF1(0.1, fps=15, average="pooled"),
    lambda: M.OverSegmentation(background=0),
    lambda: M.UnderSegmentation("pooled"),
    lambda: M.SegmentCountError(background=0),
    lambda: M.SegmentationScores("mstcn_2019", 0),
    lambda: M.SegmentationScores("lea", 0, list("abcde"), by_class=True),
]
every_metric = pytest.mark.parametrize("make", EVERY_METRIC, ids=lambda make: str(EVERY_METRIC.index(make)))


def value_of(metric) -> torch.Tensor:
    """All scores of a metric, without NaN, to be compared bit by bit."""
    score = metric if isinstance(metric, dict | torch.Tensor) else metric.compute()
    return (torch.stack([*score.values()]) if isinstance(score, dict) else score).nan_to_num(-1)


@pytest.mark.parametrize("background", [None, 0, [1, 2]])
@pytest.mark.parametrize("name", SCORES)
def test_video_average_is_the_mean_of_the_scores_of_videos(name, background):
    metric, function = SCORES[name]
    videos = random_videos()
    expected = torch.stack([function(p, y, background=background) for p, y in videos]).double().mean()
    computed = after(metric(background=background), *videos).compute()
    assert (computed.shape, computed.dtype) == ((), torch.float32)
    assert computed.item() == pytest.approx(expected.item(), abs=1e-5)


def test_pooled_averages_divide_sums_of_counts():
    videos = random_videos()
    right, frames = sum((p == y).sum() for p, y in videos), sum((y != IGNORE).sum() for _, y in videos)
    distance, length = (sum(column) for column in zip(*(F.edit_counts(p, y, 0) for p, y in videos), strict=True))
    tp, fp, fn = (sum(column) for column in zip(*(F.segment_counts(p, y, 0.25, 0) for p, y in videos), strict=True))
    split, total = (sum(column) for column in zip(*(F.split_counts(p, y, 0) for p, y in videos), strict=True))
    for metric, expected in (
        (M.OverSegmentation("pooled", 0), 100 * split / total),
        (M.FrameAccuracy("pooled"), 100 * right / frames),
        (M.EditScore("pooled", 0), 100 - 100 * distance / length),
        (M.SegmentalF1(0.25, "pooled", 0), 200 * tp / (2 * tp + fp + fn)),
    ):
        assert after(metric, *videos).compute().item() == pytest.approx(expected.item())


def test_scores_of_classes_equal_the_loop_over_segments():
    videos = random_videos()
    lists = [(p.tolist(), y.tolist()) for p, y in videos]
    expected = [protocols.f1_of(protocols.pooled_counts(lists, 0.25, {*range(C)} - {c})) for c in range(C)]
    computed = after(M.SegmentalF1(0.25, "none", background=1, num_classes=C, absent_score=math.nan), *videos).compute()
    assert computed[1].isnan()
    assert computed[[0, 2, 3, 4]].tolist() == pytest.approx([expected[c] for c in (0, 2, 3, 4)])


def test_the_five_scores_come_with_those_of_classes():
    videos = random_videos()
    scores = after(M.SegmentationScores("lea", 0, list("abcde"), by_class=True), *videos).compute()
    for kind, metric in (
        ("accuracy", M.FrameAccuracy("none", num_classes=C, absent_score=math.nan)),
        ("f1@50", M.SegmentalF1(0.5, "none", 0, C, absent_score=math.nan)),
    ):
        by_class = torch.stack([scores[f"{kind}/{name}"] for name in "abcde"])
        assert torch.equal(value_of(by_class), value_of(after(metric, *videos)))
    five = after(M.SegmentationScores("lea", 0), *videos).compute()
    assert five == {name: scores[name] for name in five}


# Preds 1 only predicted, 2 only true, 3 found, 4 nowhere, 0 left out
PREDS, LABELS = torch.tensor([0, 0, 1, 3]), torch.tensor([0, 0, 2, 3])
NAN = math.nan


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (M.FrameAccuracy("none", 4, C, absent_score=NAN), [100, NAN, 0, 100, NAN]),
        (M.FrameAccuracy("macro", 0, C), 50),  # of the true classes 2 and 3
        (M.SegmentalF1(0.5, "none", 0, C, absent_score=NAN), [NAN, 0, 0, 100, NAN]),
        (M.SegmentalF1(0.5, "macro", 0, C), 100 / 3),
        (M.SegmentalPrecision(0.5, "none", 0, C, absent_score=-1), [-1, 0, 0, 100, -1]),
    ],
)
def test_a_class_is_absent_only_where_it_does_not_occur(metric, expected):
    assert metric(PREDS, LABELS).tolist() == pytest.approx(expected, nan_ok=True)


@every_metric
def test_padding_has_no_weight(make):
    videos = random_videos()
    for fill in (-100, 0, 3):
        assert torch.equal(value_of(after(make(), pad(videos, fill))), value_of(after(make(), *videos)))


@every_metric
def test_any_order_and_any_number_of_processes_give_the_same_bits(make):
    videos = random_videos(9, seed=1)
    whole = value_of(after(make(), *videos))
    for seed, num_processes in itertools.product(range(3), (1, 2, 4)):
        shuffled = random.Random(seed).sample(videos, len(videos))
        metric, *others = (after(make(), *shuffled[rank::num_processes]) for rank in range(num_processes))
        for other in others:
            metric.merge_state(other)
        assert torch.equal(value_of(metric), whole)
        assert metric.num_videos == 9


def test_the_mean_over_many_videos_is_rounded_once():
    generator = torch.Generator().manual_seed(0)
    labels = torch.ones(1, 997, dtype=torch.int64)
    videos = [
        ((torch.rand(1, 997, generator=generator) < share).long(), labels) for share in torch.logspace(-3, 0, 300)
    ]
    scores = {after(M.FrameAccuracy(), *random.Random(seed).sample(videos, 300)).compute().item() for seed in range(20)}
    assert len(scores) == 1


@every_metric
def test_forward_returns_the_score_of_the_batch_and_adds_it(make):
    videos = random_videos()
    metric = after(make(), *videos[:3])
    assert torch.equal(value_of(metric(*pad(videos[3:]))), value_of(after(make(), *videos[3:])))
    assert torch.equal(value_of(metric), value_of(after(make(), *videos)))
    metric.reset()
    assert metric.num_videos == 0


@pytest.mark.parametrize("make", [*EVERY_METRIC, lambda: M.SegmentalMAP(3)])
def test_before_the_first_video_the_score_is_nan_and_torchmetrics_warns(make):
    metric = make()
    with pytest.warns(UserWarning, match="was called before the ``update`` method"):
        score = value_of(metric)
    assert (score == -1).all()


@pytest.mark.parametrize(
    "make", [M.SegmentationScores, M.FrameAccuracy, lambda: M.SegmentalF1(0.5), M.OverSegmentation]
)
def test_a_copy_and_a_pickle_score_as_the_metric(make):
    metric = after(make(), *random_videos())
    for copy in (metric.clone(), pickle.loads(pickle.dumps(metric))):
        assert torch.equal(value_of(copy), value_of(metric))
        copy.reset()
        assert (copy.num_videos, metric.num_videos) == (0, 7)


@pytest.mark.parametrize("average", ["video", "pooled"])
def test_a_video_of_background_only_is_perfect(average):
    zeros = torch.zeros(1, 4, dtype=torch.int64)
    for metric in (M.FrameAccuracy(average, 0), M.EditScore(average, 0), M.SegmentalF1(0.5, average, 0)):
        assert metric(zeros, zeros) == 100
    for metric in (M.SegmentalF1(0.5, "macro", 0, C), M.FrameAccuracy("macro", 0, C)):
        assert metric(zeros, zeros) == 100  # no class occurs
    assert M.OverSegmentation(average, 0)(zeros, zeros) == M.UnderSegmentation(average, 0)(zeros, zeros) == 0


@every_metric
def test_a_video_that_nobody_labelled_adds_nothing(make):
    videos = random_videos()
    unlabelled = (torch.ones(6, dtype=torch.int64), torch.full((6,), IGNORE))
    metric = after(make(), pad([*videos, unlabelled]), unlabelled)
    assert metric.num_videos == 7
    assert torch.equal(value_of(metric), value_of(after(make(), *videos)))


def test_frames_outside_of_the_mask_are_ignored_whatever_they_hold():
    mask = torch.tensor([False, True, True, False, True])
    preds, labels = torch.tensor([9, 1, 2, 9, 2]), torch.tensor([-1, 1, 2, 7, 2])
    assert after(M.FrameAccuracy(), (preds, labels, mask)).compute() == 100
    # the hole cuts the second segment
    assert after(M.SegmentalF1(0.9), (preds, labels, mask)).counts.tolist() == [[3, 0, 0]]


def test_a_refused_batch_leaves_the_metric_as_it_was():
    metric = after(M.EditScore(), *random_videos())
    before = metric.compute()
    bad = torch.tensor([[1, 2], [1, -1]])
    with pytest.raises(ValueError, match="`preds` holds -1"):
        metric.update(bad, bad)
    assert metric.num_videos == 7
    assert metric.compute() == before


ONES = torch.ones(2, 3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ONES, ONES[:, :2]), r"must both have the shape \(T,\) or \(B, T\), got \(2, 3\) and \(2, 2\)"),
        ((ONES[None], ONES[None]), r"must both have the shape .* got \(1, 2, 3\) and \(1, 2, 3\)"),
        ((ONES, ONES, torch.ones(2, 3)), r"`mask` must be bool and of the shape of `preds`, \(2, 3\), got .*float32"),
        ((ONES, ONES, torch.ones(2, dtype=torch.bool)), r"`mask` must be bool .* got \(2,\) torch.bool"),
        ((ONES, ONES, torch.zeros(2, 3, dtype=torch.bool)), "`mask` leaves a video without any"),
        ((ONES[:0], ONES[:0]), r"`preds` has no frames, .* got \(0, 3\)"),
        ((ONES[:, :0], ONES[:, :0]), "`preds` has no frames"),
        ((ONES.float(), ONES), "`preds` must be class indexes .* got float32"),
    ],
)
@every_metric
def test_malformed_batches_are_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make().update(*arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: M.OverSegmentation("none"), r"`average` must be one of \('video', 'pooled'\), got 'none'"),
        (lambda: M.EditScore(average="none"), r"`average` must be one of \('video', 'pooled'\), got 'none'"),
        (lambda: M.BoundaryF1(0.1, 15, "macro"), r"`average` must be one of \('video', 'pooled'\), got 'macro'"),
        (lambda: M.FrameAccuracy(average="classes"), r"one of \('video', 'pooled', 'macro', 'none'\), got 'classes'"),
        (lambda: M.BoundaryF1(-1, 15), "`tolerance_s` must be 0 or more seconds, got -1"),
        (lambda: M.SegmentalF1(0.5, "none"), '`average="none"` scores every class: pass `num_classes`'),
        (lambda: M.SegmentalF1(0.5, background=10, num_classes=10), "`background` is 10, but `num_classes` is 10"),
        (lambda: M.SegmentalF1(50), r"F1@50 is `threshold=0\.5`"),
        (lambda: M.FrameAccuracy(background="background"), "`background` must be None, a class index or a collection"),
        (lambda: M.SegmentationScores(by_class=True), "`by_class` gives scores the names of classes: pass `class_na"),
    ],
)
def test_malformed_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
