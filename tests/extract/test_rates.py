"""The rate of a clip by its time stamps and its header, and its frames at another rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segtcn.extract.rates import clip_rate, num_resampled, resample
from tests.clips import IRREGULAR_S


def test_rounded_time_stamps_are_a_constant_rate():
    times = np.round(np.arange(5000) / 30, 3)
    assert clip_rate(times, 30) == (30, True)


@pytest.mark.parametrize("at", [1, 40, 98])
def test_a_single_dropped_frame_leaves_the_rate_constant(at):
    assert clip_rate(np.delete(np.round(np.arange(100) / 30, 3), at), 30) == (30, True)


def test_declared_rate_counts_where_a_camera_dropped_frames():
    times = np.delete(np.arange(100) / 30, [40, 41])
    assert clip_rate(times, 30) == (30, False)
    assert clip_rate(np.delete(np.arange(100) / 30, [20, 70]), 30) == (30, False)


def test_a_frame_beside_the_grid_is_no_dropped_one():
    times = np.delete(np.arange(100) / 30, 40)
    times[10] += 0.4 / 30
    assert clip_rate(times, 30) == (30, False)


def test_time_stamps_count_where_the_declared_rate_is_wrong():
    assert clip_rate(np.arange(100) / 25, 1000) == (25, True)
    rate = clip_rate(IRREGULAR_S, 1000)
    assert (rate.fps, rate.constant) == (pytest.approx(7 / 1.3), False)


@pytest.mark.parametrize("times", [[], [0.0], [0.0, 0.0]])
def test_clip_without_a_length_has_the_declared_rate(times):
    assert clip_rate(times, 25) == (25, True)


@given(st.integers(1, 200), st.integers(1, 8))
def test_every_kth_frame_comes_out_of_a_kth_of_the_rate(num_frames, factor):
    frames = [(round(i / 30, 3), i) for i in range(num_frames)]
    assert list(resample(frames, 30 / factor, 1 / 30)) == list(range(0, num_frames, factor))


@given(st.lists(st.floats(0.001, 0.3), max_size=40), st.floats(1, 120))
def test_resampled_frames_are_shown_at_their_moment(intervals, fps):
    times = np.cumsum([0.5, *intervals])
    made = list(resample(zip(times.tolist(), range(len(times)), strict=True), fps, last_s=0.04))
    assert len(made) == num_resampled(times[-1] - times[0], fps, 0.04)
    assert made == sorted(made)
    for count, index in enumerate(made):
        moment = times[0] + count / fps
        shown = int(np.searchsorted(times, moment + 1e-9, side="right")) - 1
        assert index == shown or (index == shown + 1 and times[index] - moment <= 0.5 / fps + 1e-9)


def test_long_still_is_held_until_the_next_frame():
    # the nearest frame would show the next picture from the middle of the still on
    assert list(resample([(0.0, "a"), (10.0, "b")], 1, 1)) == ["a"] * 10 + ["b"]
