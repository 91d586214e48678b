"""What the readers share: the time axis of stored features."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segtcn.data.readers.reader import time_axis
from segtcn.data.readers.tree import find_layout


@given(num_frames=st.integers(1, 50), dim=st.integers(1, 50), documented=st.sampled_from([0, 1]))
def test_time_axis_of_either_orientation_is_found_where_the_sizes_differ(
    num_frames: int, dim: int, documented: int
) -> None:
    expected = (0, 1) if num_frames != dim else (documented, documented)
    for feature_dim in (None, dim):
        axes = [
            time_axis(shape, num_frames, feature_dim, documented) for shape in ((num_frames, dim), (dim, num_frames))
        ]
        assert tuple(axes) == expected


@pytest.mark.parametrize(
    ("shape", "num_labels", "feature_dim", "documented", "axis"),
    [
        ((8, 100), 9, 8, 0, 1),  # the known width decides where no axis has the length of the labels
        ((100, 8), 9, 8, 1, 0),
        ((100, 8), None, 8, 1, 0),
        ((100, 8), 97, None, 1, 0),  # the nearer axis while the width is unknown
        ((100, 8), None, None, 1, 1),
    ],
)
def test_time_axis_of_a_file_that_no_length_fits(
    shape: tuple[int, int], num_labels: int | None, feature_dim: int | None, documented: int, axis: int
) -> None:
    assert time_axis(shape, num_labels, feature_dim, documented) == axis


@pytest.mark.parametrize("time", [0, 1])
@pytest.mark.parametrize(
    ("lengths", "num_labels"),
    [
        ((11, 12, 7), (None, None, None)),  # without labels the axis that varies is time
        ((11, 12, 7), (9, 12, 7)),  # the labels of the first are nearer to the width
        ((11, 12, 7), (9, 11, 6)),  # no length is exact
        ((8, 12, 7), (8, 12, 7)),  # the first is square
        ((8, 12, 7), (7, 11, 6)),  # square, and no length is exact
        ((13, 5), (12, 5)),  # the first is longer than its labels
    ],
)
def test_other_videos_tell_what_the_first_does_not(lengths: Any, num_labels: Any, time: int) -> None:
    def look(video: int) -> tuple[tuple[int, ...], int | None]:
        if video == 0:
            raise ValueError("the very first is damaged")
        return (lengths[video - 1], 8)[:: -1 if time else 1], num_labels[video - 1]

    assert find_layout(range(len(lengths) + 1), look) == (8, time)
