"""Scores of classes, boundaries, broken segments and detection as functions of one video."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import segtcn.metrics.functional as F
from tests.metrics.sequences import IGNORE, videos
from tests.reference import detailed_scores as reference
from tests.reference import protocols, segments

seeded = settings(derandomize=True, deadline=None, max_examples=60)
NAN = math.nan


@seeded
@given(videos())
def test_confusion_of_frames_equals_the_loop(video):
    preds, labels, _, num_classes = video
    assert F.frame_confusion(preds, labels, num_classes).tolist() == reference.confusion(preds, labels, num_classes)


@seeded
@given(videos())
def test_broken_and_merged_segments_equal_the_loops(video):
    preds, labels, background, _ = video
    assert F.over_segmentation(preds, labels, background).item() == pytest.approx(
        reference.broken(preds, labels, background), abs=1e-4
    )
    assert F.under_segmentation(preds, labels, background).item() == pytest.approx(
        reference.broken(preds, labels, background, exchanged=True), abs=1e-4
    )
    expected = np.subtract(*(len(segments.pieces(side, background, labels)) for side in (preds, labels)))
    assert F.segment_count_error(preds, labels, background) == abs(expected)


@seeded
@given(videos(max_frames=40, max_classes=3), st.integers(0, 6))
def test_boundary_f1_pairs_as_many_boundaries_as_possible(video, tolerance):
    preds, labels = video[0][:14], video[1][:14]  # the reference tries all pairings
    assume(set(labels) != {IGNORE})
    computed = F.boundary_f1(preds, labels, tolerance / 10, fps=10)
    assert computed.item() == pytest.approx(reference.boundary_f1(preds, labels, tolerance), abs=1e-4)


@seeded
@given(videos(), st.sampled_from([0.1, 0.5, 0.75]))
def test_segmental_precision_and_recall_equal_the_loop_over_segments(video, threshold):
    preds, labels, background, _ = video
    tp, fp, fn = protocols.counts((preds, labels), threshold, background)
    precision = 100 * tp / (tp + fp) if tp + fp else 0 if fn else 100
    recall = 100 * tp / (tp + fn) if tp + fn else 0 if fp else 100
    assert F.segmental_precision(preds, labels, threshold, background).item() == pytest.approx(precision, abs=1e-4)
    assert F.segmental_recall(preds, labels, threshold, background).item() == pytest.approx(recall, abs=1e-4)


def different_scores(num_classes, num_frames, seed):
    """Scores of which no two are equal, ``(C, T)``."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(num_classes * num_frames, generator=generator)
    return order.reshape(num_classes, num_frames).float() / len(order)


@seeded
@given(videos(), st.integers(0, 9), st.sampled_from([("iou", 0.1), ("iou", 0.5), ("iou", 0.0), ("midpoint", 0.5)]))
def test_segmental_map_equals_the_loops_over_segments(video, seed, how):
    preds, labels, background, num_classes = video
    scores = different_scores(num_classes, len(labels), seed)
    expected = reference.mean_average_precision([(preds, labels, scores.T.tolist())], *how, background)
    computed = F.segmental_map(preds, labels, scores, *how, background=background)
    assert computed.item() == pytest.approx(expected, abs=1e-4)


@seeded
@given(videos())
def test_nothing_is_nan_and_truth_is_perfect(video):
    preds, labels, background, num_classes = video
    scores = different_scores(num_classes, len(labels), 0)
    segments_of = (labels, 1, background)
    shares = [
        lambda p: F.segmental_precision(p, *segments_of),
        lambda p: F.segmental_recall(p, *segments_of),
        lambda p: F.segmental_map(p, labels, scores, background=background),
        lambda p: F.segmental_map(p, labels, scores, "midpoint", background=background),
        lambda p: F.boundary_f1(p, labels, 0, fps=15),
        lambda p: 100 - F.over_segmentation(p, labels, background),
        lambda p: 100 - F.under_segmentation(p, labels, background),
    ]
    for share in shares:
        assert 0 <= share(preds) <= 100
        assert share(labels) == 100
    assert F.segment_count_error(labels, labels, background) == 0


# Cases worked out by hand


def test_classes_by_hand():
    counts = F.class_counts([1, 1, 0], [0, 1, 1], num_classes=3)
    assert [count.tolist() for count in counts] == [[0, 1, 0], [1, 1, 0], [1, 1, 0]]
    assert F.mean_over_classes(torch.tensor([NAN, 50, 100, NAN])) == 75
    assert F.mean_over_classes(torch.tensor([NAN])) == 100


@pytest.mark.parametrize(
    ("preds", "labels", "background", "expected"),
    [
        ([1, 2, 3, 3], [1, 1, 1, 1], None, 0),  # only pieces of the same class break a segment
        ([1, 2, 1, 1], [1, 1, 1, 1], None, 100),
        ([1, 0, 1, 2, 0, 2], [1, 1, 1, 2, 2, 2], 2, 100),
        ([2, 0, 2, 1, 1, 1], [2, 2, 2, 1, 1, 1], 2, 0),
    ],
)
def test_broken_segments_by_hand(preds, labels, background, expected):
    assert F.over_segmentation(preds, labels, background) == F.under_segmentation(labels, preds, background) == expected


@pytest.mark.parametrize(
    ("preds", "labels", "tolerance_s", "fps", "expected"),
    [
        # both ends of the tolerance count
        *(
            ([0] * (4 + late) + [1] * (4 - late), [0] * 4 + [1] * 4, tolerance_s, 10, counts)
            for late, tolerance_s, counts in (
                (0, 0, (1, 0, 0)),
                (1, 0, (0, 1, 1)),
                (1, 0.1, (1, 0, 0)),
                (-2, 0.1, (0, 1, 1)),
                (-2, 0.2, (1, 0, 0)),
            )
        ),
        ([3, 3, 4, 4], [1, 1, 2, 2], 0, 1, (1, 0, 0)),  # classes do not matter
        ([0, 1, 0, 1], [0, 0, 1, 1], 2, 1, (1, 2, 0)),  # each has one partner
        ([0] * 58 + [1] * 11, [0] * 29 + [1] * 40, 0.29, 100, (1, 0, 0)),  # 0.29 * 100 < 29 in floating point
        ([0] * 58 + [1] * 11, [0] * 29 + [1] * 40, 0.28, 100, (0, 1, 1)),
    ],
)
def test_boundaries_by_hand(preds, labels, tolerance_s, fps, expected):
    assert F.boundary_counts(preds, labels, tolerance_s, fps) == expected


EQUAL = torch.full((2, 6), 0.5)


@pytest.mark.parametrize(
    ("preds", "labels", "scores", "how", "expected"),
    [
        # detection wants more than the threshold, where F1 wants no less
        ([1, 1, 0, 0], [1, 1, 1, 1], EQUAL, ("iou", 0.5), 0),
        ([1, 1, 0, 0], [1, 1, 1, 1], EQUAL, ("iou", 0.49), 100),
        # the middle may be the start of a true segment but not its stop: of frames 1 to 4 it is 3.0
        ([0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 0, 0], EQUAL, ("midpoint",), 100),
        ([0, 1, 1, 1, 1, 0], [0, 0, 1, 0, 0, 0], EQUAL, ("midpoint",), 0),
        # of equally sure ones the earlier ranks first
        ([1, 0, 1, 1, 0], [1, 0, 0, 0, 0], EQUAL, ("iou",), 100),
        ([1, 0, 1, 1, 0], [0, 0, 1, 1, 0], EQUAL, ("iou",), 50),
        # class 1, by confidence: found, false, found of 3 true segments; class 2 is predicted only
        (
            [1, 0, 1, 0, 1, 0, 0, 0, 2],
            [1, 0, 1, 0, 0, 0, 1, 0, 0],
            torch.tensor([[0.0] * 9, [0.9, 0, 0.7, 0, 0.8, 0, 0, 0, 0], [0.0] * 8 + [0.99]]),
            ("iou",),
            100 * (1 + 2 / 3) / 3,
        ),
    ],
)
def test_average_precision_by_hand(preds, labels, scores, how, expected):
    computed = F.segmental_map(preds, labels, scores[:, : len(preds)], *how, background=0)
    assert computed.item() == pytest.approx(expected)


def test_true_segments_choose_the_best_free_detection_in_time_order_and_the_surest_of_equals():
    preds = [1, 1, 0, 1, 1]
    scores = torch.tensor([[0.0] * 5, [0.1, 0.2, 0.0, 0.3, 0.1]])
    # both have an IoU of 2/5: the surer second one is taken
    assert F.detections(preds, [1] * 5, scores, threshold=0.1, background=0).correct.tolist() == [False, True]
    assert F.detections(preds, [1] * 4 + [0], scores, threshold=0.1, background=0).correct.tolist() == [True, False]
    # by the middles, both true segments could take either; each detection is taken once
    assert F.detections(preds, [1] * 5, scores, "midpoint", background=0).correct.tolist() == [False, True]
    # a segment is as sure as its surest frame of its class
    assert F.detections(preds, preds, scores).confidence.tolist() == pytest.approx([0.2, 0, 0.3])


# Empty, one frame, only background


@pytest.mark.parametrize(
    ("preds", "labels", "background", "precision", "recall", "mean_ap", "boundaries", "over", "under", "count"),
    [
        ([1], [1], None, 100, 100, 100, 100, 0, 0, 0),
        ([1], [2], None, 0, 0, 0, 100, 0, 0, 0),
        ([0, 0], [0, 0], 0, 100, 100, 100, 100, 0, 0, 0),  # only background
        ([0, 1], [0, 0], 0, 0, 0, 0, 0, 0, 0, 1),  # no true segment
        ([0, 0], [0, 1], 0, 0, 0, 0, 0, 0, 0, 1),  # no predicted segment
        ([1, 1, 2], [3, 3, 4], None, 0, 0, 0, 100, 0, 0, 0),  # no match
    ],
)
def test_edges(preds, labels, background, precision, recall, mean_ap, boundaries, over, under, count):
    scores = torch.full((5, len(labels)), 0.2)
    assert F.segmental_precision(preds, labels, 0.5, background) == precision
    assert F.segmental_recall(preds, labels, 0.5, background) == recall
    assert F.segmental_map(preds, labels, scores, background=background) == mean_ap
    assert F.boundary_f1(preds, labels, 0, fps=15) == boundaries
    assert F.over_segmentation(preds, labels, background) == over
    assert F.under_segmentation(preds, labels, background) == under
    assert F.segment_count_error(preds, labels, background) == count


# Malformed input

SCORES_OF_TWO = torch.full((2, 3), 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.frame_confusion([0], [5], 3), "`labels` holds class 5, but `num_classes` is 3"),
        (lambda: F.boundary_f1([0], [0], -0.1, 15), "`tolerance_s` must be 0 or more seconds, got -0.1"),
        (lambda: F.boundary_f1([0], [0], NAN, 15), "`tolerance_s` must be 0 or more seconds, got nan"),
        (lambda: F.boundary_f1([0], [0], 0.1, 0), "`fps` must be positive, got 0"),
        (lambda: F.segmental_precision([0], [0], 50), r"F1@50 is `threshold=0\.5`"),
        (lambda: F.segmental_recall([0], [0], 0), "`threshold` is an IoU, 0 < threshold <= 1, got 0"),
        (
            lambda: F.segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO, "centre"),
            r"one of \('iou', 'midpoint'\), got 'centre'",
        ),
        (lambda: F.segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO, threshold=1), "0 <= threshold < 1, got 1"),
        (
            lambda: F.segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO.T),
            r"`scores` must have the shape \(C, 3\), got \(3, 2",
        ),
        (lambda: F.segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO * NAN), "`scores` holds 6 NaN: check the network"),
        (lambda: F.segmental_map([2] * 3, [0] * 3, SCORES_OF_TWO), "`preds` holds class 2, but `num_classes` is 2"),
    ],
)
def test_malformed_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
