"""Segments of frames, and repetition."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segtcn.structures import frames_to_segments, repeat_frames

labels = st.lists(st.integers(0, 3), max_size=60).map(lambda frames: torch.tensor(frames, dtype=torch.int64))


@given(labels)
def test_segments_are_maximal_runs_that_cover_every_frame(frames):
    segments = frames_to_segments(frames)
    assert sum(segment.stop - segment.start for segment in segments) == len(frames)
    for before, after in pairwise(segments):
        assert before.stop == after.start
        assert before.label != after.label
    assert [label for start, stop, label in segments for _ in range(start, stop)] == frames.tolist()


def test_labels_of_a_batch_are_refused():
    with pytest.raises(ValueError, match=r"must have the shape \(T,\), got \(2, 3\)"):
        frames_to_segments(torch.zeros(2, 3))


@given(labels.filter(len), st.integers(1, 7))
def test_repetition_undoes_sub_sampling_up_to_the_rate(frames, sample_rate):
    restored = repeat_frames(frames[::sample_rate], sample_rate, len(frames))
    assert len(restored) == len(frames)
    assert torch.equal(restored[::sample_rate], frames[::sample_rate])
    assert all(restored[t] == frames[t - t % sample_rate] for t in range(len(frames)))


def test_a_length_that_sub_sampling_cannot_give_is_refused():
    with pytest.raises(ValueError, match="every 5th of 11 frames makes 3, got 2"):
        repeat_frames(torch.zeros(2), 5, 11)
