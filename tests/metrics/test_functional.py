from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.metrics.functional import (
    background_classes,
    edit_counts,
    edit_score,
    frame_accuracy,
    frame_counts,
    segment_counts,
    segmental_f1,
)
from tests.metrics.sequences import IGNORE, videos
from tests.reference import segmental_scores as reference

THRESHOLDS = [0.1, 0.25, 0.5, 1 / 3, 0.75, 1.0]
seeded = settings(derandomize=True, deadline=None)


@seeded
@given(videos())
def test_frame_accuracy_equals_the_loop_over_frames(video):
    preds, labels, background, _ = video
    assert frame_accuracy(preds, labels, background).item() == pytest.approx(
        reference.frame_accuracy(preds, labels, background), abs=1e-4
    )


@seeded
@given(videos())
def test_edit_score_equals_the_textbook_table(video):
    preds, labels, background, _ = video
    assert edit_score(preds, labels, background).item() == pytest.approx(
        reference.edit_score(preds, labels, background), abs=1e-4
    )


@seeded
@given(videos(), st.sampled_from(THRESHOLDS))
def test_segmental_f1_equals_the_loop_over_segments(video, threshold):
    preds, labels, background, _ = video
    assert segmental_f1(preds, labels, threshold, background).item() == pytest.approx(
        reference.segmental_f1(preds, labels, threshold, background), abs=1e-4
    )


@seeded
@given(videos())
def test_segment_counts_of_every_class_and_threshold_equal_the_loop_over_segments(video):
    preds, labels, background, num_classes = video
    by_class = torch.stack(segment_counts(preds, labels, THRESHOLDS, background, num_classes))
    together = torch.stack(segment_counts(preds, labels, THRESHOLDS, background))
    for k, threshold in enumerate(THRESHOLDS):
        expected = reference.segment_counts(preds, labels, threshold, background)
        assert by_class[:, k].T.tolist() == [expected.get(label, [0, 0, 0]) for label in range(num_classes)]
    assert torch.equal(by_class.sum(-1), together)


@seeded
@given(videos())
def test_frame_counts_by_class_add_up(video):
    preds, labels, background, num_classes = video
    correct, total = frame_counts(preds, labels, background, num_classes)
    assert total.tolist() == [0 if c in background else labels.count(c) for c in range(num_classes)]
    assert (correct.sum(), total.sum()) == tuple(frame_counts(preds, labels, background))


@seeded
@given(videos(), st.randoms(use_true_random=False))
def test_names_of_classes_do_not_matter(video, random):
    preds, labels, background, num_classes = video
    new = dict(enumerate(random.sample(range(1000), num_classes))) | {IGNORE: IGNORE}
    renamed = [new[p] for p in preds], [new[y] for y in labels]
    new_background = [new[b] for b in background]
    assert frame_accuracy(*renamed, new_background) == frame_accuracy(preds, labels, background)
    assert edit_score(*renamed, new_background) == edit_score(preds, labels, background)
    assert segmental_f1(*renamed, 0.25, new_background) == segmental_f1(preds, labels, 0.25, background)


@seeded
@given(videos())
def test_truth_scores_100_and_no_score_leaves_its_range(video):
    preds, labels, background, _ = video
    for score in (frame_accuracy, edit_score, lambda p, y, b: segmental_f1(p, y, 0.5, b)):
        assert score(labels, labels, background) == 100
        assert 0 <= score(preds, labels, background) <= 100
    f1s = [segmental_f1(preds, labels, threshold, background) for threshold in sorted(THRESHOLDS)]
    assert f1s == sorted(f1s, reverse=True)


def test_a_case_worked_out_by_hand():
    #            0  1  2  3  4  5  6  7  8  9
    labels = [0, 1, 1, 1, 1, 0, 2, 2, 3, 3]
    preds = [0, 0, 1, 1, 2, 2, 2, 2, 3, 1]
    # right: frames 0, 2, 3, 6, 7, 8
    assert frame_accuracy(preds, labels) == 60
    # 5 of the 8 frames that are not background by the truth
    assert frame_accuracy(preds, labels, background=0).item() == 62.5
    # segments 1 2 3 1 and 1 2 3: one deletion in four
    assert edit_score(preds, labels, background=0) == 75
    # segments 0 1 2 3 1 and 0 1 0 2 3: insert 0, delete 1
    assert edit_score(preds, labels) == 60
    # IoU of 1: 2/4, of 2: 2/4, of 3: 1/2; the last 1 touches none
    assert segment_counts(preds, labels, [0.5, 0.51], background=0)[0].tolist() == [3, 0]
    assert segmental_f1(preds, labels, 0.5, background=0).item() == pytest.approx(100 * 6 / 7)
    assert segmental_f1(preds, labels, 0.51, background=0) == 0


# What evaluators of the field do in the same way, and easily go wrong


def test_iou_counts_half_open_segments_without_one_more_frame():
    # 1 of 3 frames; with both ends counted one more it would be 2 of 4
    preds, labels = [1, 1, 0, 0], [0, 1, 1, 0]
    assert segment_counts(preds, labels, [1 / 3, 0.34], background=0).tp.tolist() == [1, 0]


def test_the_last_segment_ends_after_the_last_frame():
    # 1 of 2 frames; a last segment that ended at T - 1 would be found by nobody
    assert segmental_f1([0, 0, 0, 1], [0, 0, 1, 1], threshold=0.5, background=0) == 100


@pytest.mark.parametrize(("threshold", "overlap", "union"), [(0.1, 3, 30), (0.25, 1, 4), (0.5, 1, 2), (0.7, 7, 10)])
def test_an_iou_equal_to_the_threshold_counts(threshold, overlap, union):
    preds = [1] * overlap + [0] * (union - overlap)
    labels = [1] * union
    assert segmental_f1(preds, labels, threshold, background=0) == 100


def counts(preds, labels, threshold):
    """True positives, false positives and misses, class 0 being background."""
    return tuple(count.item() for count in segment_counts(preds, labels, [threshold], background=0))


def test_of_equal_ious_the_first_true_segment_in_time_is_chosen():
    labels = [1, 1, 0, 1, 1, 1, 1, 1, 1]
    preds = [1, 1, 1, 1, 1, 1, 0, 1, 1]
    # The first prediction has an IoU of 2/6 and of 3/9. It takes the first and leaves the other to the next prediction
    assert counts(preds, labels, 1 / 3) == (2, 0, 0)
    # Backwards, the prediction with two equal choices comes second, and its first choice is gone
    assert counts(preds[::-1], labels[::-1], 1 / 3) == (1, 1, 1)


def test_an_already_found_true_segment_makes_a_false_positive():
    labels = [1] * 10
    preds = [1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    assert counts(preds, labels, 0.25) == (1, 1, 0)
    # The first, 3 of 10 frames, is not good enough to take it from the second, 6 of 10
    assert counts(preds, labels, 0.5) == (1, 1, 0)


def test_there_is_no_second_choice_where_the_best_true_segment_is_taken():
    labels = [1] * 10 + [0, 1]
    preds = [1] * 4 + [0] + [1] * 7
    # The last prediction has an IoU of 5/12 with the taken one and of 1/7 with the free one
    assert counts(preds, labels, 0.1) == (1, 1, 1)


def test_background_is_dropped_after_segments_are_formed():
    labels = [1, 1, 0, 1, 1]
    preds = [1, 1, 1, 1, 1]
    assert edit_counts(preds, labels, background=0) == (1, 2)
    assert counts(preds, labels, 0.1) == (1, 0, 1)


def test_accuracy_leaves_out_background_by_the_truth_not_by_the_prediction():
    assert frame_accuracy([1, 0, 1, 1], [0, 1, 1, 1], background=0).item() == pytest.approx(200 / 3)


def test_several_background_classes():
    preds, labels = [5, 1, 1, 6, 2], [6, 1, 1, 5, 5]
    assert edit_score(preds, labels, background=[5, 6]) == 50
    assert segmental_f1(preds, labels, 0.5, background={5, 6}).item() == pytest.approx(200 / 3)
    assert frame_accuracy(preds, labels, background=(5, 6)) == 100


# What is undefined in the field's evaluators


@pytest.mark.parametrize(
    ("preds", "labels", "background", "accuracy", "edit", "f1"),
    [
        ([1], [1], None, 100, 100, 100),
        ([1], [2], None, 0, 0, 0),
        ([0], [0], 0, 100, 100, 100),
        ([0, 0], [0, 0], 0, 100, 100, 100),  # only background: nothing to find, nothing found
        ([0, 1], [0, 0], 0, 100, 0, 0),  # something found where nothing is
        ([0, 0], [0, 1], 0, 0, 0, 0),  # nothing found
        ([1, 1], [1, 1], None, 100, 100, 100),
        ([1, 1, 2], [3, 3, 4], None, 0, 0, 0),  # no match
        ([2, 1], [1, 2], None, 0, 0, 0),  # the right classes at the wrong time
    ],
)
def test_edges(preds, labels, background, accuracy, edit, f1):
    assert frame_accuracy(preds, labels, background) == accuracy
    assert edit_score(preds, labels, background) == edit
    assert segmental_f1(preds, labels, 0.1, background) == f1


@pytest.mark.parametrize(
    "as_labels",
    [
        list,
        tuple,
        np.array,
        lambda x: np.array(x, dtype=np.uint8),
        lambda x: np.array([x, x]).T[:, 0],
        lambda x: np.flip(np.flip(np.array(x)).copy()),
        torch.tensor,
        lambda x: torch.tensor(x, dtype=torch.int32),
        lambda x: torch.tensor([x, x]).T[:, 0],
    ],
)
def test_kinds_of_labels(as_labels):
    preds, labels = as_labels([1, 1, 1, 2]), as_labels([1, 1, 2, 2])
    scores = frame_accuracy(preds, labels), edit_score(preds, labels), segmental_f1(preds, labels, 0.6)
    assert torch.equal(torch.stack(scores), torch.tensor([75.0, 100.0, 50.0]))
    assert all(score.shape == () and score.dtype == torch.float32 for score in scores)


def test_a_read_only_array_is_accepted_and_no_input_is_changed():
    labels = np.array([1, 1, 0, 2])
    labels.flags.writeable = False
    preds = torch.tensor([1, 0, 0, 2])
    assert frame_accuracy(preds, labels) == 75
    assert edit_score(preds, labels, 0) == segmental_f1(preds, labels, 0.5, 0) == 100
    assert preds.tolist() == [1, 0, 0, 2]


SCORES = [frame_accuracy, edit_score, lambda preds, labels: segmental_f1(preds, labels, 0.5)]


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("preds", "labels", "message"),
    [
        ([0, 1, 1], [0, 1], "`preds` has 3 frames and `labels` has 2: bring both to the same frame rate"),
        ([], [0], "`preds` has no frames: a score needs at least one"),
        ([0], torch.zeros(0, dtype=torch.int64), "`labels` has no frames"),
        ([[0, 1]], [0, 1], r"`preds` must have the shape \(T,\), got \(1, 2\)"),
        ([0], torch.tensor(0), r"`labels` must have the shape \(T,\), got \(\)"),
        ([0.0, 1.0], [0, 1], r"`preds` must be class indexes \(integers\), got float64: logits need `.argmax`"),
        ([0], torch.zeros(1, dtype=torch.bfloat16), "`labels` must be class indexes .* got bfloat16"),
        ([0], torch.ones(1, dtype=torch.bool), "`labels` must be class indexes .* got bool"),
        (["cut"], [0], "`preds` must be class indexes .* got <U3"),
        (
            [0, 1],
            [0, -1],
            "`labels` holds -1, but class indexes start at 0: frames that nobody labelled are -100 in `labels`",
        ),
    ],
)
def test_malformed_labels_are_refused(score, preds, labels, message):
    with pytest.raises(ValueError, match=message):
        score(preds, labels)


def test_a_label_that_is_not_below_num_classes_is_refused():
    with pytest.raises(ValueError, match="`labels` holds class 3, but `num_classes` is 3"):
        frame_counts([0, 1], [0, 3], num_classes=3)
    with pytest.raises(ValueError, match="`preds` holds class 4, but `num_classes` is 3"):
        segment_counts([0, 4], [0, 1], [0.5], num_classes=3)


@pytest.mark.parametrize("threshold", [0, -0.1, math.nan, 1000])
def test_a_threshold_outside_its_range_is_refused(threshold):
    with pytest.raises(ValueError, match="`threshold` is an IoU, 0 < threshold <= 1, got"):
        segmental_f1([0], [0], threshold)


def test_a_threshold_in_percent_is_refused_with_the_right_one():
    with pytest.raises(ValueError, match=r"got 10: F1@10 is `threshold=0.1`"):
        segmental_f1([0], [0], threshold=10)
    with pytest.raises(ValueError, match=r"got 25: F1@25 is `threshold=0.25`"):
        segment_counts([0], [0], [0.1, 25])


@pytest.mark.parametrize("background", ["SIL", ["SIL"], 0.5])
def test_a_background_that_is_no_class_index_is_refused(background):
    with pytest.raises(ValueError, match="`background` must be None, a class index or a collection of them, got"):
        edit_score([0], [0], background)


@pytest.mark.parametrize("background", [np.int64(3), [3], {3}, (np.int32(3),), torch.tensor([3])])
def test_kinds_of_background(background):
    assert background_classes(background) == (3,)
