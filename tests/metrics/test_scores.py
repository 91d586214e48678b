from __future__ import annotations

import itertools
import math
import random

import pytest
import torch
from torchmetrics import Metric

from segtcn.metrics import EditScore, FrameAccuracy, SegmentalF1, SegmentalPrecision, SegmentalRecall
from segtcn.metrics.functional import edit_counts, edit_score, frame_accuracy, segment_counts, segmental_f1
from tests.reference import segmental_scores as reference

C = 5
SCORES = {
    "accuracy": (FrameAccuracy, frame_accuracy),
    "edit": (EditScore, edit_score),
    "f1": (lambda **kwargs: SegmentalF1(0.25, **kwargs), lambda p, y, b: segmental_f1(p, y, 0.25, b)),
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
]
every_metric = pytest.mark.parametrize("make", EVERY_METRIC, ids=lambda make: str(EVERY_METRIC.index(make)))


def random_videos(num_videos: int = 7, seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Labels of 1 to about 80 frames in runs, and predictions that are right about half the time."""
    generator = torch.Generator().manual_seed(seed)
    videos = []
    for number in range(num_videos):
        runs = torch.randint(C, (1 + 3 * number,), generator=generator)
        lengths = torch.randint(1, 8, runs.shape, generator=generator)
        labels = runs.repeat_interleave(lengths)
        other = torch.randint(C, runs.shape, generator=generator).repeat_interleave(lengths)
        videos.append((torch.where(torch.rand(labels.shape, generator=generator) < 0.5, labels, other), labels))
    return videos


def pad(videos, fill: int = -100):
    """A batch ``(B, T)`` with something on padding, and its mask."""
    preds, labels = (torch.nn.utils.rnn.pad_sequence(list(v), True, fill) for v in zip(*videos, strict=True))
    lengths = torch.tensor([len(y) for _, y in videos])
    return preds, labels, torch.arange(labels.shape[1]) < lengths[:, None]


def after(metric: Metric, *updates) -> Metric:
    for update in updates:
        metric.update(*update)
    return metric


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
        assert make().compute().isnan().all()


@pytest.mark.parametrize("average", ["video", "pooled"])
def test_a_video_of_background_only_scores_100(average):
    zeros = torch.zeros(1, 4, dtype=torch.int64)
    for metric in (FrameAccuracy(average, 0), EditScore(average, 0), SegmentalF1(0.5, average, 0)):
        assert metric(zeros, zeros) == 100


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


def test_malformed_arguments_are_refused():
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
