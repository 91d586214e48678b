"""Delays: against a slow version, by hand, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segtcn.metrics.functional import detection_delays, segment_counts, settled_frames
from tests.reference.delays import slow_delays, slow_settled

FRAME = st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 2, 2, -100]), st.integers(0, 20))


@given(
    frames=st.lists(FRAME, min_size=1, max_size=30).filter(lambda frames: any(true >= 0 for _, true, _ in frames)),
    threshold=st.sampled_from([0.1, 0.5, 1.0]),
    background=st.sampled_from([(), (0,), (0, 1)]),
)
def test_delays_equal_the_slow_version(frames, threshold, background):
    preds, labels, spoken = map(list, zip(*frames, strict=True))
    found = detection_delays(preds, labels, spoken, threshold, background)
    rows = zip(found.starts.tolist(), found.delays.tolist(), strict=True)
    assert [*rows] == slow_delays(preds, labels, spoken, threshold, background)
    # the segments that count as true positives of F1, and no others
    counts = segment_counts(preds, labels, threshold, background)
    assert len(found.delays) == int(counts.tp)
    assert found.num_true == int(counts.tp + counts.fn)


@given(
    st.integers(1, 5).flatmap(
        lambda waits: st.lists(st.lists(st.integers(0, 2), min_size=waits, max_size=waits), min_size=1, max_size=12)
    )
)
def test_settled_frames_equal_the_slow_version(revisions):
    assert settled_frames(revisions).tolist() == slow_settled(revisions)


def test_a_case_by_hand():
    #        0  1  2  3  4  5  6  7  8  9
    truth = [0, 0, 1, 1, 1, 1, 0, 2, 2, 2]
    preds = [0, 0, 0, 1, 1, 1, 0, 0, 2, 2]  # class 1 one frame late, class 2 one frame late
    spoken = [min(t + 2, 9) for t in range(10)]  # each label two frames after its frame
    found = detection_delays(preds, truth, spoken, 0.5, background=0)
    assert found.starts.tolist() == [2, 7]
    assert found.delays.tolist() == [3, 2]  # frame 3 at 5, 3 after 2; frame 8 at 9, the last, 2 after 7
    assert found.num_true == 2
    assert detection_delays(preds, truth, spoken, 0.7, background=0).starts.tolist() == [2]


def test_a_label_that_comes_and_goes_counts_from_when_it_stays():
    # said of frame 1 with 0, 1, 2, 3 later frames: right, wrong, right, right
    assert settled_frames([[0, 0, 0, 0], [1, 0, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]]).tolist() == [
        0,
        3,
        2,
        3,
        4,
    ]


def test_early_is_negative_and_nothing_found_is_nothing():
    assert detection_delays([1, 1, 1, 1], [0, 1, 1, 1], [0, 1, 2, 3], background=0).delays.tolist() == [-1]
    for preds, labels in ([[0, 0], [0, 0]], [[0, 0], [1, 1]], [[1, 1], [0, 0]]):
        found = detection_delays(preds, labels, [0, 1], background=0)
        assert len(found.delays) == len(found.starts) == 0
        assert found.num_true == sum(labels) // 2
    assert detection_delays([3], [3], [0]).delays.tolist() == [0]


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"`moments` must have the shape \(2,\), got \(3,\)"):
        detection_delays([0, 1], [0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="threshold"):
        detection_delays([0, 1], [0, 1], [0, 1], threshold=0)
    with pytest.raises(ValueError, match=r"`revisions` must have the shape \(T, F \+ 1\)"):
        settled_frames(np.zeros(3, np.int64))
