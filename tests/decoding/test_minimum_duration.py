"""Short segments go to the neighbour that the scores speak for, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segtcn.decoding import without_short_segments
from segtcn.labels import Classes, Labels
from segtcn.structures import IGNORE

CLASSES = Classes(("rest", "cut", "pour"))


def labels_of(indexes: list[int], scores: np.ndarray | None = None, fps: float | None = 2) -> Labels:
    return Labels(np.array(indexes, np.int64), CLASSES, fps, scores)


def test_a_case_worked_by_hand():
    """At 2 frames a second and 1 s, two frames are enough: 1 and then 0 are too short; the scores prefer 2, then 0."""
    scores = np.full((3, 8), 0.2, np.float32)
    scores[2, 3], scores[0, 3] = 0.7, 0.1  # frame 3 (class 1) goes to class 2 behind it
    scores[0, 6], scores[2, 6] = 0.5, 0.4  # frame 6 (class 1) lies between 2 and 0: to 0
    labels = without_short_segments(labels_of([0, 0, 0, 1, 2, 2, 1, 0], scores), 1)
    assert labels.indexes.tolist() == [0, 0, 0, 2, 2, 2, 0, 0]
    assert labels.confidence[3] == pytest.approx(0.7)
    assert labels.fps == 2


def test_without_scores_the_longer_neighbour_takes_the_frames_and_the_shortest_segment_is_first():
    # 1 goes to the longer 0, the last 0 to 2, which has then the 3 frames that it needs
    assert without_short_segments(labels_of([0, 0, 0, 0, 1, 2, 2, 0]), 1.5).indexes.tolist() == [0] * 5 + [2] * 3


def test_ignored_frames_neither_give_nor_take():
    indexes = [IGNORE, 1, IGNORE, IGNORE, 0, 2, 2, 2]
    assert without_short_segments(labels_of(indexes), 1).indexes.tolist() == [IGNORE, 1, IGNORE, IGNORE, 2, 2, 2, 2]


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=40),
    st.floats(0, 6),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_promises(indexes, seconds, with_scores, seed):
    scores = np.random.default_rng(seed).random((3, len(indexes))).astype(np.float32) if with_scores else None
    before = labels_of(indexes, scores)
    after = without_short_segments(before, seconds)
    assert len(after) == len(before)
    assert set(after.present()) <= set(before.present())
    rows = after.rows()
    assert len(rows) == 1 or all(row.stop_s - row.start_s >= seconds - 1e-6 for row in rows)
    assert without_short_segments(after, seconds).indexes.tolist() == after.indexes.tolist()
    if all(row.stop_s - row.start_s >= seconds for row in before.rows()):
        assert after.indexes.tolist() == before.indexes.tolist()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_duration_that_is_not_a_time_is_refused(seconds):
    with pytest.raises(ValueError, match="`min_duration_s` must be a number of seconds, 0 or more, got"):
        without_short_segments(labels_of([0, 1]), seconds)


def test_labels_without_a_rate_have_no_seconds():
    with pytest.raises(ValueError, match="`min_duration_s` counts seconds, but the rate of the labels is not known"):
        without_short_segments(labels_of([0, 1], fps=None), 1)
