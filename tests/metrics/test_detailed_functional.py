"""Scores of classes, boundaries, broken segments, detection and calibration as functions of one video."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from segtcn.metrics.functional import (
    boundary_counts,
    boundary_f1,
    calibration_error,
    class_counts,
    detections,
    frame_accuracy,
    frame_confusion,
    frame_iou,
    frame_precision,
    frame_recall,
    mean_over_classes,
    over_segmentation,
    segment_confusion,
    segment_count_error,
    segment_counts,
    segmental_f1,
    segmental_map,
    segmental_precision,
    segmental_recall,
    under_segmentation,
)
from tests.metrics.sequences import IGNORE, videos
from tests.reference import detailed_scores as reference
from tests.reference import segmental_scores

seeded = settings(derandomize=True, deadline=None, max_examples=60)
NAN = math.nan


@seeded
@given(videos())
def test_confusion_of_frames_and_segments_equals_the_loops(video):
    preds, labels, _, num_classes = video
    assert frame_confusion(preds, labels, num_classes).tolist() == reference.confusion(preds, labels, num_classes)
    by_segment = segment_confusion(preds, labels, num_classes).tolist()
    assert by_segment == reference.confusion_of_segments(preds, labels, num_classes)


@seeded
@given(videos())
def test_precision_recall_and_iou_of_classes_equal_sets_of_frames(video):
    preds, labels, background, num_classes = video
    expected = [
        None if c in background else reference.precision_recall_iou(preds, labels, c) for c in range(num_classes)
    ]
    for column, score in enumerate((frame_precision, frame_recall, frame_iou)):
        computed = score(preds, labels, num_classes, background, absent_score=-1)
        assert computed.tolist() == pytest.approx([-1 if e is None else e[column] for e in expected], abs=1e-4)


@seeded
@given(videos())
def test_broken_and_merged_segments_equal_the_loops(video):
    preds, labels, background, _ = video
    assert over_segmentation(preds, labels, background).item() == pytest.approx(
        reference.broken(preds, labels, background), abs=1e-4
    )
    assert under_segmentation(preds, labels, background).item() == pytest.approx(
        reference.broken(preds, labels, background, exchanged=True), abs=1e-4
    )
    expected = np.subtract(*(len(segmental_scores.pieces(side, background, labels)) for side in (preds, labels)))
    assert segment_count_error(preds, labels, background) == abs(expected)


@seeded
@given(videos(max_frames=40, max_classes=3), st.integers(0, 6))
def test_boundary_f1_pairs_as_many_boundaries_as_possible(video, tolerance):
    preds, labels = video[0][:14], video[1][:14]  # the reference tries all pairings
    assume(set(labels) != {IGNORE})
    computed = boundary_f1(preds, labels, tolerance / 10, fps=10)
    assert computed.item() == pytest.approx(reference.boundary_f1(preds, labels, tolerance), abs=1e-4)


@seeded
@given(videos(), st.sampled_from([0.1, 0.5, 0.75]))
def test_segmental_precision_and_recall_equal_the_loop_over_segments(video, threshold):
    preds, labels, background, _ = video
    counts = segmental_scores.segment_counts(preds, labels, threshold, background).values()
    tp, fp, fn = (sum(count[i] for count in counts) for i in range(3))
    precision = 100 * tp / (tp + fp) if tp + fp else 0 if fn else 100
    recall = 100 * tp / (tp + fn) if tp + fn else 0 if fp else 100
    assert segmental_precision(preds, labels, threshold, background).item() == pytest.approx(precision, abs=1e-4)
    assert segmental_recall(preds, labels, threshold, background).item() == pytest.approx(recall, abs=1e-4)


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
    computed = segmental_map(preds, labels, scores, *how, background=background)
    assert computed.item() == pytest.approx(expected, abs=1e-4)


@seeded
@given(videos(max_classes=5), st.integers(0, 9), st.integers(1, 20))
def test_calibration_error_equals_the_loop_over_bins(video, seed, num_bins):
    labels, num_classes = video[1], video[3]
    generator = torch.Generator().manual_seed(seed)
    probabilities = (3 * torch.randn(num_classes, len(labels), generator=generator)).softmax(0).double()
    confidence, preds = probabilities.max(0)
    known = torch.tensor(labels) != IGNORE
    right = (preds == torch.tensor(labels))[known].tolist()
    expected = reference.calibration_error(confidence[known].tolist(), right, num_bins)
    assert calibration_error(probabilities, labels, num_bins).item() == pytest.approx(expected, abs=1e-4)


@seeded
@given(videos())
def test_nothing_is_nan_and_truth_is_perfect(video):
    preds, labels, background, num_classes = video
    scores = different_scores(num_classes, len(labels), 0)
    for better_high, score in [
        (True, lambda p: frame_precision(p, labels, num_classes, background).min()),
        (True, lambda p: frame_recall(p, labels, num_classes, background).min()),
        (True, lambda p: frame_iou(p, labels, num_classes, background).min()),
        (True, lambda p: boundary_f1(p, labels, 0, fps=15)),
        (True, lambda p: segmental_precision(p, labels, 1, background)),
        (True, lambda p: segmental_recall(p, labels, 1, background)),
        (True, lambda p: segmental_map(p, labels, scores, background=background)),
        (True, lambda p: segmental_map(p, labels, scores, "midpoint", background=background)),
        (False, lambda p: over_segmentation(p, labels, background)),
        (False, lambda p: under_segmentation(p, labels, background)),
    ]:
        assert 0 <= score(preds) <= 100
        assert score(labels) == (100 if better_high else 0)
    assert segment_count_error(labels, labels, background) == 0


# Cases worked out by hand


def test_recall_of_a_class_is_its_frame_accuracy():
    preds, labels = [0, 1, 1, 3, 1], [0, 1, 2, 1, 1]
    for c in (0, 1, 2):
        others = [label for label in range(4) if label != c]
        assert frame_recall(preds, labels, 4)[c] == frame_accuracy(preds, labels, background=others)


def test_background_gets_no_score_but_its_frames_make_others_false():
    counts = class_counts([1, 1, 0], [0, 1, 1], num_classes=3, background=0)
    assert [count.tolist() for count in counts] == [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert frame_precision([1, 1, 0], [0, 1, 1], 3, background=0, absent_score=-1).tolist() == [-1, 50, -1]


def test_mean_over_classes_leaves_out_those_that_do_not_occur():
    assert mean_over_classes(torch.tensor([NAN, 50, 100, NAN])) == 75
    assert mean_over_classes(torch.tensor([NAN, NAN])) == 100
    assert mean_over_classes(frame_iou([0, 0], [0, 0], 3, background=0, absent_score=NAN)) == 100


def test_a_segment_is_confused_with_the_class_of_most_of_its_frames_the_lower_one_if_equal():
    assert segment_confusion([2, 2, 1, 1, 0], [0, 0, 0, 0, 0], 3).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_only_pieces_of_the_own_class_break_a_segment():
    assert over_segmentation([1, 2, 3, 3], [1, 1, 1, 1]) == 0
    assert over_segmentation([1, 2, 1, 1], [1, 1, 1, 1]) == 100
    assert over_segmentation([1, 0, 1, 2, 0, 2], [1, 1, 1, 2, 2, 2], background=2) == 100
    assert over_segmentation([2, 0, 2, 1, 1, 1], [2, 2, 2, 1, 1, 1], background=2) == 0


def test_boundaries_within_the_tolerance_count_both_ends_included():
    labels = [0, 0, 0, 0, 1, 1, 1, 1]
    for late, tolerance_s, found in [(0, 0, True), (1, 0, False), (1, 0.1, True), (-2, 0.1, False), (-2, 0.2, True)]:
        preds = [0] * (4 + late) + [1] * (4 - late)
        assert boundary_f1(preds, labels, tolerance_s, fps=10) == (100 if found else 0)


def test_classes_of_boundaries_do_not_matter_and_each_has_one_partner():
    assert boundary_f1([3, 3, 4, 4], [1, 1, 2, 2], 0, fps=1) == 100
    tp, fp, fn = boundary_counts([0, 1, 0, 1], [0, 0, 1, 1], 2, fps=1)
    assert (tp, fp, fn) == (1, 2, 0)


def test_a_tolerance_in_seconds_is_not_cut_by_floating_point():
    labels, preds = [0] * 29 + [1] * 40, [0] * 58 + [1] * 11
    assert boundary_f1(preds, labels, 0.29, fps=100) == 100  # 0.29 * 100 < 29 in floating point
    assert boundary_f1(preds, labels, 0.28, fps=100) == 0


def test_detection_wants_more_than_the_threshold_where_f1_wants_no_less():
    preds, labels = [1, 1, 0, 0], [1, 1, 1, 1]
    scores = torch.full((2, 4), 0.5)
    assert segmental_f1(preds, labels, 0.5) == pytest.approx(200 / 3)
    assert segmental_map(preds, labels, scores, threshold=0.5, background=0) == 0
    assert segmental_map(preds, labels, scores, threshold=0.49, background=0) == 100


def test_the_middle_of_a_segment_may_be_its_start_but_not_its_stop():
    scores = torch.full((2, 6), 0.5)
    # the middle of frames 1 to 4 is 3.0
    assert segmental_map([0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 0, 0], scores, "midpoint", background=0) == 100
    assert segmental_map([0, 1, 1, 1, 1, 0], [0, 0, 1, 0, 0, 0], scores, "midpoint", background=0) == 0


def test_true_segments_choose_the_best_free_detection_in_time_order_and_the_surest_of_equals():
    preds = [1, 1, 0, 1, 1]
    scores = torch.tensor([[0.0] * 5, [0.1, 0.2, 0.0, 0.3, 0.1]])
    # both have an IoU of 2/5: the surer second one is taken
    assert detections(preds, [1] * 5, scores, threshold=0.1, background=0).correct.tolist() == [False, True]
    assert detections(preds, [1] * 4 + [0], scores, threshold=0.1, background=0).correct.tolist() == [True, False]
    # by the middles, both true segments could take either; each detection is taken once
    assert detections(preds, [1] * 5, scores, "midpoint", background=0).correct.tolist() == [False, True]


def test_a_segment_is_as_sure_as_its_surest_frame_of_its_own_class():
    scores = torch.tensor([[0.9, 0.9, 0.1], [0.3, 0.7, 0.0]])
    assert detections([1, 1, 0], [1, 1, 0], scores).confidence.tolist() == pytest.approx([0.7, 0.1])


def test_average_precision_by_hand_and_classes_without_truth_are_left_out():
    # class 1, by confidence: found, false, found of 3 true segments; class 2 is predicted only
    labels = [1, 0, 1, 0, 0, 0, 1, 0, 0]
    preds = [1, 0, 1, 0, 1, 0, 0, 0, 2]
    scores = torch.zeros(3, 9)
    scores[1, [0, 2, 4]], scores[2, 8] = torch.tensor([0.9, 0.7, 0.8]), 0.99
    assert segmental_map(preds, labels, scores, background=0).item() == pytest.approx(100 * (1 + 2 / 3) / 3)


def test_of_equally_sure_segments_the_earlier_ranks_first():
    scores = torch.full((2, 5), 0.5)
    assert segmental_map([1, 0, 1, 1, 0], [1, 0, 0, 0, 0], scores, background=0) == 100
    assert segmental_map([1, 0, 1, 1, 0], [0, 0, 1, 1, 0], scores, background=0) == 50


def test_calibration_of_a_sure_and_right_network_is_perfect():
    sure = torch.eye(3)
    assert calibration_error(sure, [0, 1, 2]) == 0
    assert calibration_error(sure, [1, 2, 0]) == 100
    # confidences 0.5 and 0.9 in bins of their own: |1 - 0.5| and |0 - 0.9|
    two = torch.tensor([[0.5, 0.1], [0.5, 0.9]], dtype=torch.float64)
    assert calibration_error(two, [0, 0], num_bins=10).item() == pytest.approx(70)
    # in one bin: |1/2 - 0.7|
    assert calibration_error(two, [0, 0], num_bins=1).item() == pytest.approx(20)


# Empty, one frame, only background


@pytest.mark.parametrize(
    ("preds", "labels", "background", "precision", "recall", "iou", "mean_ap", "boundaries", "over", "under", "count"),
    [
        ([1], [1], None, 100, 100, 100, 100, 100, 0, 0, 0),
        ([1], [2], None, 0, 0, 0, 0, 100, 0, 0, 0),
        ([0, 0], [0, 0], 0, 100, 100, 100, 100, 100, 0, 0, 0),  # only background
        ([0, 1], [0, 0], 0, 0, 0, 0, 0, 0, 0, 0, 1),  # no true segment
        ([0, 0], [0, 1], 0, 0, 0, 0, 0, 0, 0, 0, 1),  # no predicted segment
        ([1, 1, 2], [3, 3, 4], None, 0, 0, 0, 0, 100, 0, 0, 0),  # no match
    ],
)
def test_edges(preds, labels, background, precision, recall, iou, mean_ap, boundaries, over, under, count):
    scores = torch.full((5, len(labels)), 0.2)
    for score, expected in ((frame_precision, precision), (frame_recall, recall), (frame_iou, iou)):
        assert mean_over_classes(score(preds, labels, 5, background, absent_score=NAN)) == expected
    assert segmental_precision(preds, labels, 0.5, background) == precision
    assert segmental_recall(preds, labels, 0.5, background) == recall
    assert segmental_map(preds, labels, scores, background=background) == mean_ap
    assert boundary_f1(preds, labels, 0, fps=15) == boundaries
    assert over_segmentation(preds, labels, background) == over
    assert under_segmentation(preds, labels, background) == under
    assert segment_count_error(preds, labels, background) == count
    assert 0 <= calibration_error(scores, labels) <= 100


def test_classes_that_do_not_occur_score_as_asked():
    assert frame_iou([0], [0], 2).tolist() == [100, 100]
    assert frame_iou([0], [0], 2, absent_score=0).tolist() == [100, 0]
    assert frame_iou([0], [0], 2, absent_score=NAN)[1].isnan()


def test_counts_that_drop_the_last_frame():
    assert segment_counts([1, 1, 2], [1, 1, 2], [1.0], drop_last_frame=True).tp.tolist() == [1]
    assert segment_counts([1, 2, 2], [1, 1, 2], [0.5, 0.51]).tp.tolist() == [2, 0]
    assert segment_counts([1, 2, 2], [1, 1, 2], [0.5, 0.51], drop_last_frame=True).tp.tolist() == [1, 0]


# Malformed input

SCORES_OF_TWO = torch.full((2, 3), 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frame_confusion([0], [5], 3), "`labels` holds class 5, but `num_classes` is 3"),
        (lambda: segment_confusion([0, 0], [0], 3), "`preds` has 2 frames and `labels` has 1"),
        (lambda: boundary_f1([0], [0], -0.1, 15), "`tolerance_s` must be 0 or more seconds, got -0.1"),
        (lambda: boundary_f1([0], [0], NAN, 15), "`tolerance_s` must be 0 or more seconds, got nan"),
        (lambda: boundary_f1([0], [0], 0.1, 0), "`fps` must be positive, got 0"),
        (lambda: segmental_precision([0], [0], 50), r"F1@50 is `threshold=0\.5`"),
        (lambda: segmental_recall([0], [0], 0), "`threshold` is an IoU, 0 < threshold <= 1, got 0"),
        (
            lambda: segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO, "centre"),
            r"`criterion` must be one of \('iou', 'midpoint'\), got 'centre'",
        ),
        (
            lambda: segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO, threshold=1),
            "`threshold` is an IoU that must be exceeded, 0 <= threshold < 1, got 1",
        ),
        (
            lambda: segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO.T),
            r"`scores` must have the shape \(C, 3\), got \(3, 2\)",
        ),
        (lambda: segmental_map([0] * 3, [0] * 3, SCORES_OF_TWO * NAN), "`scores` holds 6 NaN: check the network"),
        (lambda: segmental_map([2] * 3, [0] * 3, SCORES_OF_TWO), "`preds` holds class 2, but `num_classes` is 2"),
        (
            lambda: calibration_error(SCORES_OF_TWO.long(), [0] * 3),
            r"`probabilities` must be floats of the shape \(C, T\), got \(2, 3\) torch.int64",
        ),
        (lambda: calibration_error(SCORES_OF_TWO[0], [0] * 3), r"of the shape \(C, T\), got \(3,\)"),
        (lambda: calibration_error(SCORES_OF_TWO * NAN, [0] * 3), "`probabilities` holds 6 NaN"),
        (lambda: calibration_error(SCORES_OF_TWO * 3, [0] * 3), "must lie from 0 to 1, got 1.5 to 1.5: logits need"),
        (lambda: calibration_error(SCORES_OF_TWO, [0] * 2), "`preds` has 3 frames and `labels` has 2"),
        (lambda: calibration_error(SCORES_OF_TWO, [0] * 3, num_bins=0), "`num_bins` must be at least 1, got 0"),
    ],
)
def test_malformed_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
