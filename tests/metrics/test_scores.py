from __future__ import annotations

import itertools
import math
import random

import pytest
import torch

from segtcn.metrics import (
    BoundaryF1,
    Confusion,
    EditScore,
    FrameAccuracy,
    FrameIoU,
    FramePrecision,
    FrameRecall,
    OverSegmentation,
    SegmentalF1,
    SegmentalPrecision,
    SegmentalRecall,
    SegmentCountError,
    UnderSegmentation,
)
from segtcn.metrics.counting import weigh_equally
from segtcn.metrics.functional import (
    boundary_f1,
    edit_counts,
    edit_score,
    frame_accuracy,
    over_segmentation,
    segment_count_error,
    segment_counts,
    segmental_f1,
    segmental_precision,
    segmental_recall,
    under_segmentation,
)
from tests.metrics.sequences import NUM_CLASSES as C
from tests.metrics.sequences import after, pad, random_videos
from tests.reference import segmental_scores as reference

SCORES = {
    "accuracy": (FrameAccuracy, frame_accuracy),
    "edit": (EditScore, edit_score),
    "f1": (lambda **kwargs: SegmentalF1(0.25, **kwargs), lambda p, y, b: segmental_f1(p, y, 0.25, b)),
    "precision": (
        lambda **kwargs: SegmentalPrecision(0.25, **kwargs),
        lambda p, y, b: segmental_precision(p, y, 0.25, b),
    ),
    "recall": (lambda **kwargs: SegmentalRecall(0.25, **kwargs), lambda p, y, b: segmental_recall(p, y, 0.25, b)),
    "over": (OverSegmentation, over_segmentation),
    "under": (UnderSegmentation, under_segmentation),
    "count": (SegmentCountError, segment_count_error),
    "boundaries": (lambda **_: BoundaryF1(0.2, fps=15), lambda p, y, _: boundary_f1(p, y, 0.2, fps=15)),
}
EVERY_METRIC = [
    FrameAccuracy,
    lambda: FrameAccuracy("pooled", background=0),
    lambda: FrameAccuracy("none", num_classes=C),
    lambda: EditScore(background=0),
    lambda: EditScore("pooled"),
    lambda: SegmentalF1(0.1),
    lambda: SegmentalF1(0.5, "pooled", background=0),
    lambda: SegmentalF1(0.25, "none", num_classes=C, background=[0, 1]),
    lambda: SegmentalPrecision(0.25, "macro", num_classes=C),
    lambda: SegmentalRecall(0.25, background=0),
    lambda: FramePrecision(C, background=0),
    lambda: FrameRecall(C, "none"),
    lambda: FrameIoU(C),
    lambda: BoundaryF1(0.1, fps=15),
    lambda: BoundaryF1(0.1, fps=15, average="pooled"),
    lambda: OverSegmentation(background=0),
    lambda: UnderSegmentation("pooled"),
    lambda: SegmentCountError(background=0),
    lambda: Confusion(C),
    lambda: Confusion(C, by="segment"),
]
every_metric = pytest.mark.parametrize("make", EVERY_METRIC, ids=lambda make: str(EVERY_METRIC.index(make)))


@pytest.mark.parametrize("background", [None, 0, [1, 2]])
@pytest.mark.parametrize("name", SCORES)
def test_video_average_is_the_mean_of_the_scores_of_videos(name, background):
    metric, function = SCORES[name]
    videos = random_videos()
    expected = torch.stack([function(p, y, background) for p, y in videos]).double().mean()
    computed = after(metric(background=background), *videos).compute()
    assert computed.shape == ()
    assert computed.dtype == torch.float32
    assert computed.item() == pytest.approx(expected.item(), abs=1e-5)


def test_pooled_averages_divide_sums_of_counts():
    videos = random_videos()
    right, frames = sum((p == y).sum() for p, y in videos), sum(len(y) for _, y in videos)
    assert after(FrameAccuracy("pooled"), *videos).compute() == 100 * right / frames
    distance, length = (sum(column) for column in zip(*(edit_counts(p, y, 0) for p, y in videos), strict=True))
    assert after(EditScore("pooled", 0), *videos).compute().item() == pytest.approx(
        (100 - 100 * distance / length).item()
    )
    tp, fp, fn = (sum(column) for column in zip(*(segment_counts(p, y, [0.25], 0) for p, y in videos), strict=True))
    f1 = after(SegmentalF1(0.25, "pooled", 0), *videos).compute().item()
    assert f1 == pytest.approx((200 * tp / (2 * tp + fp + fn)).item())


def test_scores_of_classes_equal_the_loop_over_segments():
    videos = random_videos()
    counts = [reference.segment_counts(p.tolist(), y.tolist(), 0.25, [1]) for p, y in videos]
    expected = [reference.f1_of([count[c] for count in counts if c in count]) for c in range(C)]
    computed = after(SegmentalF1(0.25, "none", background=1, num_classes=C, absent_score=math.nan), *videos).compute()
    assert computed[1].isnan()
    assert computed[[0, 2, 3, 4]].tolist() == pytest.approx([expected[c] for c in (0, 2, 3, 4)])


def test_accuracy_of_classes_is_their_recall():
    preds, labels = torch.tensor([0, 1, 1, 3, 4]), torch.tensor([0, 0, 1, 1, 4])
    accuracy = after(FrameAccuracy("none", 4, C, absent_score=math.nan), (preds, labels)).compute()
    # no frame is truly 2 or 3, and 4 is left out
    assert accuracy.nan_to_num(-1).tolist() == [50, 50, -1, -1, -1]


def test_f1_of_a_class_is_nan_only_if_it_does_not_occur():
    preds, labels = torch.tensor([0, 0, 1, 3]), torch.tensor([0, 0, 2, 3])
    f1 = after(SegmentalF1(0.5, "none", 0, C, absent_score=math.nan), (preds, labels)).compute()
    # 1 only predicted, 2 only true, 3 found, 4 nowhere, 0 left out
    assert f1.nan_to_num(-1).tolist() == [-1, 0, 0, 100, -1]


@every_metric
def test_padding_has_no_weight(make):
    videos = random_videos()
    alone = after(make(), *videos).compute()
    for fill in (-100, 0, 3):
        assert torch.equal(after(make(), pad(videos, fill)).compute().nan_to_num(-1), alone.nan_to_num(-1))


def test_a_mask_may_have_holes_and_any_side():
    mask = torch.tensor([False, True, True, False, True])
    preds, labels = torch.tensor([9, 1, 2, 9, 2]), torch.tensor([-100, 1, 2, -100, 2])
    assert after(FrameAccuracy(), (preds, labels, mask)).compute() == 100
    assert after(SegmentalF1(0.9, "pooled"), (preds, labels, mask)).tp == 2


@every_metric
def test_any_order_and_any_number_of_processes_give_the_same_bits(make):
    videos = random_videos(9, seed=1)
    whole = after(make(), *videos)
    for seed, num_processes in itertools.product(range(3), (1, 2, 4)):
        shuffled = random.Random(seed).sample(videos, len(videos))
        metric, *others = (after(make(), *shuffled[rank::num_processes]) for rank in range(num_processes))
        for other in others:
            metric.merge_state(other)
        assert torch.equal(metric.compute().nan_to_num(-1), whole.compute().nan_to_num(-1))
        assert metric.num_videos == 9


@every_metric
def test_synchronised_processes_compute_what_one_process_computes(make):
    videos = random_videos()
    whole, second = after(make(), *videos), after(make(), *videos[3:])

    def gather(state, group):  # what two processes would receive from each other
        name = next(n for n in first._reductions if getattr(first, n) is state)
        return [state, getattr(second, name)]

    first = after(make(), *videos[:3])
    first.dist_sync_fn, first.distributed_available_fn = gather, lambda: True
    assert torch.equal(first.compute().nan_to_num(-1), whole.compute().nan_to_num(-1))
    assert first.num_videos == 3  # its own again


@every_metric
def test_forward_returns_the_score_of_the_batch_and_adds_it(make):
    videos = random_videos()
    metric = after(make(), *videos[:3])
    batch = metric(*pad(videos[3:]))
    assert torch.equal(batch.nan_to_num(-1), after(make(), *videos[3:]).compute().nan_to_num(-1))
    assert torch.equal(metric.compute().nan_to_num(-1), after(make(), *videos).compute().nan_to_num(-1))
    metric.reset()
    assert metric.num_videos == 0


@every_metric
def test_before_the_first_video_the_score_is_nan_and_torchmetrics_warns(make):
    with pytest.warns(UserWarning, match="was called before the ``update`` method"):
        score = make().compute()
    assert not score.any() if isinstance(make(), Confusion) else score.isnan().all()


@pytest.mark.parametrize("average", ["video", "pooled"])
def test_a_video_of_background_only_scores_100(average):
    zeros = torch.zeros(1, 4, dtype=torch.int64)
    for metric in (FrameAccuracy(average, 0), EditScore(average, 0), SegmentalF1(0.5, average, 0)):
        assert metric(zeros, zeros) == 100


def test_a_video_weighs_its_score_to_the_nearest_step():
    steps = weigh_equally(torch.tensor([1, 2, 3, 0]), torch.tensor([3, 3, 3, 0]))
    assert steps.tolist() == [round(2**32 / 3), round(2 * 2**32 / 3), 2**32, 2**32]
    assert weigh_equally(torch.tensor([0]), torch.tensor([0]), empty_score=0) == 0


def test_long_videos_and_a_thousand_million_of_them_do_not_overflow():
    metric = FrameAccuracy()
    day = torch.arange(24 * 3600 * 30) % 7 == 0
    metric.update(day.long(), torch.zeros(len(day), dtype=torch.int64))
    metric.video_scores, metric.num_videos = metric.video_scores * 2**30, metric.num_videos * 2**30
    assert metric.compute().item() == pytest.approx(600 / 7, abs=1e-4)


def test_a_refused_batch_leaves_the_metric_as_it_was():
    metric = after(EditScore(), *random_videos())
    before = metric.compute()
    bad = torch.tensor([[1, 2], [1, -100]])
    with pytest.raises(ValueError, match="`preds` holds -100"):
        metric.update(bad, bad)
    assert metric.num_videos == 7
    assert metric.compute() == before


ONES = torch.ones(2, 3, dtype=torch.int64)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (ONES, ONES[:, :2]),
            r"`preds` and `labels` must both have the shape \(T,\) or \(B, T\), got \(2, 3\) and \(2, 2\)",
        ),
        ((ONES[None], ONES[None]), r"must both have the shape .* got \(1, 2, 3\) and \(1, 2, 3\)"),
        (
            (ONES, ONES, torch.ones(2, 3)),
            r"`mask` must be bool and of the shape of `preds`, \(2, 3\), got .* torch.float32",
        ),
        ((ONES, ONES, torch.ones(2, dtype=torch.bool)), r"`mask` must be bool .* got \(2,\) torch.bool"),
        ((ONES, ONES, torch.zeros(2, 3, dtype=torch.bool)), "`preds` has no frames: a score needs at least one"),
        ((ONES[:0], ONES[:0]), r"`preds` holds no frames, its shape is \(0, 3\)"),
        ((ONES[:, :0], ONES[:, :0]), "`preds` has no frames"),
        ((ONES.float(), ONES), "`preds` must be class indexes .* got float32"),
    ],
)
@every_metric
def test_malformed_batches_are_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make().update(*arguments)


def test_means_over_classes_are_of_those_that_occur():
    preds, labels = torch.tensor([0, 0, 1, 3]), torch.tensor([0, 0, 2, 3])
    # 1 only predicted, 2 only true, 3 found, 4 nowhere, 0 left out
    assert SegmentalF1(0.5, "macro", 0, C)(preds, labels) == pytest.approx(100 / 3)
    assert SegmentalPrecision(0.5, "none", 0, C, absent_score=-1)(preds, labels).tolist() == [-1, 0, 0, 100, -1]
    assert FrameAccuracy("macro", 0, C)(preds, labels) == 50  # of the true classes 2 and 3
    assert FrameRecall(C, "macro", 0)(preds, labels) == pytest.approx(100 / 3)
    for metric in (SegmentalF1(0.5, "macro", 0, C), FrameAccuracy("macro", 0, C), FrameIoU(C, background=0)):
        assert metric(torch.zeros(3).long(), torch.zeros(3).long()) == 100  # none occurs


def test_classes_that_do_not_occur_score_100_unless_asked_otherwise():
    ones = torch.ones(4, dtype=torch.int64)
    for make in (lambda **kw: SegmentalF1(0.5, "none", num_classes=2, **kw), lambda **kw: FrameIoU(2, "none", **kw)):
        assert make()(ones, ones).tolist() == [100, 100]
        assert make(absent_score=0)(ones, ones).tolist() == [0, 100]
        assert make(absent_score=math.nan)(ones, ones)[0].isnan()


def test_over_and_under_segmentation_are_shares_that_are_low_for_the_truth():
    preds, labels = torch.tensor([1, 2, 1, 1, 3, 3]), torch.tensor([1, 1, 1, 1, 3, 2])
    assert after(OverSegmentation(), (preds, labels), (labels, labels)).compute().item() == pytest.approx(100 / 3 / 2)
    assert after(OverSegmentation("pooled"), (preds, labels), (labels, labels)).compute().item() == pytest.approx(
        100 / 6
    )
    assert after(UnderSegmentation(), (labels, preds)).compute().item() == pytest.approx(100 / 3)
    zeros = torch.zeros(3, dtype=torch.int64)
    assert OverSegmentation(background=0)(zeros, zeros) == UnderSegmentation("pooled", 0)(zeros, zeros) == 0


def test_confusion_adds_up_frames_and_segments():
    videos = random_videos()
    by_frame, by_segment = after(Confusion(C), *videos).compute(), after(Confusion(C, by="segment"), *videos).compute()
    assert by_frame.sum() == sum(len(labels) for _, labels in videos)
    assert by_frame.diagonal().sum() == sum((preds == labels).sum() for preds, labels in videos)
    assert by_segment.sum() == sum(len(reference.pieces(labels.tolist())) for _, labels in videos)
    assert by_frame.dtype == by_segment.dtype == torch.int64


def test_malformed_arguments_are_refused():
    with pytest.raises(ValueError, match="`average` of a score of classes must be 'macro' or 'none', got 'video'"):
        FrameIoU(3, "video")
    with pytest.raises(ValueError, match="`average` must be 'video' or 'pooled', got 'none'"):
        OverSegmentation("none")
    with pytest.raises(ValueError, match="`average` must be 'video' or 'pooled', got 'macro'"):
        BoundaryF1(0.1, 15, "macro")
    with pytest.raises(ValueError, match="`tolerance_s` must be 0 or more seconds, got -1"):
        BoundaryF1(-1, 15)
    with pytest.raises(ValueError, match="`by` must be 'frame' or 'segment', got 'video'"):
        Confusion(3, by="video")
    with pytest.raises(
        ValueError, match=r"`average` must be one of \('video', 'pooled', 'macro', 'none'\), got 'classes'"
    ):
        FrameAccuracy(average="classes")
    with pytest.raises(ValueError, match="`average` of an edit score must be 'video' or 'pooled', got 'none'"):
        EditScore(average="none")
    with pytest.raises(ValueError, match='`average="none"` scores every class: pass `num_classes`'):
        SegmentalF1(0.5, average="none")
    with pytest.raises(ValueError, match="`background` is 10, but `num_classes` is 10"):
        SegmentalF1(0.5, background=10, num_classes=10)
    with pytest.raises(ValueError, match=r"F1@50 is `threshold=0\.5`"):
        SegmentalF1(50)
    with pytest.raises(ValueError, match="`background` must be None, a class index or a collection"):
        FrameAccuracy(background="background")
