"""Accuracy, edit score and segmental F1 as functions of one video."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segtcn.metrics.functional import (
    background_classes,
    boundary_counts,
    class_counts,
    edit_counts,
    edit_score,
    frame_accuracy,
    frame_confusion,
    frame_counts,
    segment_counts,
    segmental_f1,
    split_counts,
)
from tests.metrics.sequences import IGNORE, videos
from tests.reference import protocols as reference

THRESHOLDS = [0.1, 0.25, 0.5, 1 / 3, 0.75, 1.0]
SCORES = [frame_accuracy, edit_score, lambda preds, labels, b=None: segmental_f1(preds, labels, 0.5, b)]
seeded = settings(derandomize=True, deadline=None)


@seeded
@given(videos(), st.sampled_from(THRESHOLDS))
def test_scores_equal_the_loops_over_frames_and_segments(video, threshold):
    preds, labels, background, _ = video
    for computed, expected in (
        (frame_accuracy(preds, labels, background), reference.accuracy([(preds, labels)], background)),
        (edit_score(preds, labels, background), reference.edit((preds, labels), background)),
        (
            segmental_f1(preds, labels, threshold, background),
            reference.f1_of(reference.counts((preds, labels), threshold, background)),
        ),
    ):
        assert computed.item() == pytest.approx(expected, abs=1e-4)


@seeded
@given(videos())
def test_counts_of_every_class_and_threshold_equal_the_loops_and_add_up(video):
    preds, labels, background, num_classes = video
    for threshold in THRESHOLDS:
        by_class = torch.stack(segment_counts(preds, labels, threshold, background, num_classes))
        for c in range(num_classes):
            others = {*range(num_classes), *background} - ({c} - {*background})
            assert tuple(by_class[:, c]) == reference.counts((preds, labels), threshold, others)
        assert torch.equal(by_class.sum(-1), torch.stack(segment_counts(preds, labels, threshold, background)))
    correct, total = frame_counts(preds, labels, background, num_classes)
    assert total.tolist() == [0 if c in background else labels.count(c) for c in range(num_classes)]
    assert (correct.sum(), total.sum()) == tuple(frame_counts(preds, labels, background))


@seeded
@given(videos(), st.randoms(use_true_random=False))
def test_names_of_classes_do_not_matter(video, random):
    preds, labels, background, num_classes = video
    new = dict(enumerate(random.sample(range(1000), num_classes))) | {IGNORE: IGNORE}
    renamed = [new[p] for p in preds], [new[y] for y in labels], [new[b] for b in background]
    for score in SCORES:
        assert score(*renamed) == score(preds, labels, background)


@seeded
@given(videos())
def test_truth_is_perfect_and_no_score_leaves_its_range(video):
    preds, labels, background, _ = video
    for score in SCORES:
        assert score(labels, labels, background) == 100
        assert 0 <= score(preds, labels, background) <= 100
    f1s = [segmental_f1(preds, labels, threshold, background) for threshold in sorted(THRESHOLDS)]
    assert f1s == sorted(f1s, reverse=True)


def counts(preds, labels, threshold, background=0):
    """True positives, false positives and misses."""
    return tuple(count.item() for count in segment_counts(preds, labels, threshold, background))


def test_a_case_worked_out_by_hand():
    #            0  1  2  3  4  5  6  7  8  9
    labels = [0, 1, 1, 1, 1, 0, 2, 2, 3, 3]
    preds = [0, 0, 1, 1, 2, 2, 2, 2, 3, 1]
    # right: frames 0, 2, 3, 6, 7, 8
    assert frame_accuracy(preds, labels) == 60
    # 5 of the 8 frames that are not background by the truth
    assert frame_accuracy(preds, labels, background=0) == 62.5
    # segments 1 2 3 1 and 1 2 3: one deletion in four
    assert edit_score(preds, labels, background=0) == 75
    # segments 0 1 2 3 1 and 0 1 0 2 3: insert 0, delete 1
    assert edit_score(preds, labels) == 60
    # IoU of 1: 2/4, of 2: 2/4, of 3: 1/2; the last 1 touches none
    assert (counts(preds, labels, 0.5), counts(preds, labels, 0.51)) == ((3, 1, 0), (0, 4, 3))


def test_ignored_frames_by_hand():
    # the case of docs/protocols.md: nobody labelled frames 4 to 6
    labels = [1, 1, 1, 1, *[IGNORE] * 3, 1, 1, 2]
    preds = [1, 1, 1, 1, 2, 2, 1, 1, 2, 2]
    assert frame_accuracy(preds, labels).item() == pytest.approx(600 / 7)
    # segments 1 | 1 2 on both sides: the stretch ends the first, whatever is predicted there
    assert edit_counts(preds, labels) == (0, 3)
    # IoU of 1: 4/4, of 1: 1/2, of 2: 1/2
    assert (counts(preds, labels, 0.5), counts(preds, labels, 0.51)) == ((3, 0, 0), (1, 2, 2))
    # the boundary between 1 and 2 is a frame early; where the stretch starts and stops is none
    assert boundary_counts(preds, labels, 0, fps=1) == (0, 1, 1)
    assert boundary_counts(preds, labels, 1, fps=1) == (1, 0, 0)
    assert frame_confusion(preds, labels, 3).tolist() == [[0, 0, 0], [0, 5, 1], [0, 0, 1]]
    assert [count.tolist() for count in class_counts(preds, labels, 3)] == [[0, 5, 1], [0, 0, 1], [0, 1, 0]]
    assert split_counts(preds, labels) == (0, 3)


@pytest.mark.parametrize(
    ("preds", "labels", "threshold", "expected"),
    [
        # half-open segments, no frame added: 1 of 3 frames; with both ends counted one more it would be 2 of 4
        ([1, 1, 0, 0], [0, 1, 1, 0], 1 / 3, (1, 0, 0)),
        ([1, 1, 0, 0], [0, 1, 1, 0], 0.34, (0, 1, 1)),
        # the last segment ends after the last frame: 1 of 2 frames
        ([0, 0, 0, 1], [0, 0, 1, 1], 0.5, (1, 0, 0)),
        # an IoU equal to the threshold counts
        ([1] * 3 + [0] * 27, [1] * 30, 0.1, (1, 0, 0)),
        ([1] * 1 + [0] * 3, [1] * 4, 0.25, (1, 0, 0)),
        ([1] * 7 + [0] * 3, [1] * 10, 0.7, (1, 0, 0)),
        # of equal IoUs the first in time is chosen: 2/6 and 3/9, and the other is left to the next prediction
        ([1, 1, 1, 1, 1, 1, 0, 1, 1], [1, 1, 0, 1, 1, 1, 1, 1, 1], 1 / 3, (2, 0, 0)),
        # backwards, the prediction with two equal choices comes second, and its first choice is gone
        ([1, 1, 0, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 0, 1, 1], 1 / 3, (1, 1, 1)),
        # what is found already makes a false positive
        ([1, 1, 1, 0, 1, 1, 1, 1, 1, 1], [1] * 10, 0.25, (1, 1, 0)),
        # the first, 3 of 10 frames, is not good enough to take it from the second, 6 of 10
        ([1, 1, 1, 0, 1, 1, 1, 1, 1, 1], [1] * 10, 0.5, (1, 1, 0)),
        # no second choice where the best is taken: 5/12 with the taken one and 1/7 with the free one
        ([1] * 4 + [0] + [1] * 7, [1] * 10 + [0, 1], 0.1, (1, 1, 1)),
        # background is dropped after segments are formed
        ([1, 1, 1, 1, 1], [1, 1, 0, 1, 1], 0.1, (1, 0, 1)),
    ],
)
def test_what_evaluators_do_alike_and_easily_goes_wrong(preds, labels, threshold, expected):
    assert counts(preds, labels, threshold) == expected


def test_background_is_one_class_or_several_by_the_truth():
    assert edit_counts([1, 1, 1, 1, 1], [1, 1, 0, 1, 1], background=0) == (1, 2)
    assert frame_accuracy([1, 0, 1, 1], [0, 1, 1, 1], background=0).item() == pytest.approx(200 / 3)
    preds, labels = [5, 1, 1, 6, 2], [6, 1, 1, 5, 5]
    assert edit_score(preds, labels, background=[5, 6]) == 50
    assert segmental_f1(preds, labels, 0.5, background={5, 6}).item() == pytest.approx(200 / 3)
    assert frame_accuracy(preds, labels, background=(5, 6)) == 100
    for background in (np.int64(3), [3], {3}, (np.int32(3),), torch.tensor([3])):
        assert background_classes(background) == (3,)


@pytest.mark.parametrize(
    ("preds", "labels", "background", "accuracy", "edit", "f1"),
    [
        ([1], [1], None, 100, 100, 100),
        ([1], [2], None, 0, 0, 0),
        ([0, 0], [0, 0], 0, 100, 100, 100),  # only background: nothing to find, nothing found
        ([0, 1], [0, 0], 0, 100, 0, 0),  # something found where nothing is
        ([0, 0], [0, 1], 0, 0, 0, 0),  # nothing found
        ([1, 1, 2], [3, 3, 4], None, 0, 0, 0),  # no match
        ([2, 1], [1, 2], None, 0, 0, 0),  # the right classes at the wrong time
        ([0, 1], [0, IGNORE], 0, 100, 100, 100),  # something predicted where nobody knows
    ],
)
def test_what_is_undefined_in_the_fields_evaluators(preds, labels, background, accuracy, edit, f1):
    assert [score(preds, labels, background) for score in SCORES] == [accuracy, edit, f1]


@pytest.mark.parametrize(
    "as_labels",
    [
        list,
        tuple,
        np.array,
        lambda x: np.array(x, dtype=np.uint8),
        lambda x: np.flip(np.flip(np.array(x)).copy()),
        torch.tensor,
        lambda x: torch.tensor(x, dtype=torch.int32),
        lambda x: torch.tensor([x, x]).T[:, 0],
    ],
)
def test_kinds_of_labels(as_labels):
    preds, labels = as_labels([1, 1, 1, 2]), as_labels([1, 1, 2, 2])
    scores = torch.stack([score(preds, labels) for score in SCORES])
    assert torch.equal(scores, torch.tensor([75.0, 100.0, 100.0]))


def test_a_read_only_array_is_accepted_and_no_input_is_changed():
    labels = np.array([1, 1, 0, IGNORE])
    labels.flags.writeable = False
    preds = torch.tensor([1, 0, 0, 2])
    assert [score(preds, labels, 0) for score in SCORES] == [50, 100, 100]
    assert preds.tolist() == [1, 0, 0, 2]


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
        ([0, 1], [0, -1], "`labels` holds -1, but .* start at 0: frames that nobody labelled are -100 in `labels`"),
        ([0, IGNORE], [0, 1], "`preds` holds -100, but class indexes start at 0"),
        ([0, 1], [IGNORE, IGNORE], r"`labels` are -100 \(ignored\) in every frame: leave such a video out"),
    ],
)
def test_malformed_labels_are_refused(score, preds, labels, message):
    with pytest.raises(ValueError, match=message):
        score(preds, labels)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frame_counts([0, 1], [0, 3], num_classes=3), "`labels` holds class 3, but `num_classes` is 3"),
        (lambda: segment_counts([0, 4], [0, 1], 0.5, num_classes=3), "`preds` holds class 4, but `num_classes` is 3"),
        *(
            (lambda threshold=threshold: segmental_f1([0], [0], threshold), "`threshold` is an IoU, 0 < .* <= 1, got")
            for threshold in (0, -0.1, math.nan, 1000)
        ),
        (lambda: segmental_f1([0], [0], threshold=10), r"got 10: F1@10 is `threshold=0.1`"),
        (lambda: segment_counts([0], [0], 25), r"got 25: F1@25 is `threshold=0.25`"),
        *(
            (lambda name=name: edit_score([0], [0], name), "`background` must be None, a class index or a collection")
            for name in ("SIL", ["SIL"], 0.5)
        ),
    ],
)
def test_malformed_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
