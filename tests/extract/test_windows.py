"""Windows of frames, in batches that hold no more than they need."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segtcn.extract.windows import OUTSIDE, num_features, thinned, window_batches
from tests.reference.windows import slow_windows


@given(st.integers(1, 40), st.integers(1, 24), st.integers(1, 9), st.integers(1, 7), st.sampled_from(["zero", "edge"]))
def test_windows_in_batches_are_those_of_the_whole_padded_clip(num_frames, window, stride, batch_size, padding):
    made = []
    for frames, windows in window_batches(range(100, 100 + num_frames), window, stride, padding, batch_size):
        assert 1 <= len(windows) <= batch_size
        assert len(frames) <= window + stride * (batch_size - 1)
        made += [[OUTSIDE if i == OUTSIDE else frames[i] for i in row] for row in windows]
    expected = slow_windows(list(range(100, 100 + num_frames)), window, stride, padding)
    assert made == expected
    assert len(made) == num_features(num_frames, stride)


def test_window_of_the_field_reaches_ten_frames_to_either_side():
    (_, windows), *_ = window_batches(range(50), 21, 1, "zero", 50)
    assert windows[25].tolist() == list(range(15, 36))
    assert windows[3].tolist() == [OUTSIDE] * 7 + list(range(14))


def test_only_one_batch_of_frames_is_kept():
    taken: list[int] = []

    def frames():
        for number in range(1000):
            taken.append(number)
            yield number

    for count, (some, _) in enumerate(window_batches(frames(), 21, 1, "zero", 4), start=1):
        assert len(some) <= 24
        assert len(taken) <= 4 * count + 10


@given(st.integers(1, 16), st.integers(0, 60))
def test_thinned_windows_are_even_and_centred(num_frames, more):
    positions = thinned(num_frames + more, num_frames)
    assert len(set(positions.tolist())) == num_frames
    assert abs(positions[0] - (num_frames + more - 1 - positions[-1])) <= 1
    assert np.ptp(np.diff(positions)) <= 1 if num_frames > 1 else True
