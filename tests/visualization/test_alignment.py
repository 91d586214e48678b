from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from segtcn.labels import Labels
from segtcn.video_io import ClipInfo
from segtcn.visualization.overlay.panel_rows import NO_LABEL, label_numbers

INFO = ClipInfo(Fraction(10), 20, 64, 48, 2.0, has_audio=False)
TIMES_S = np.arange(20) / 10


def labels(names: str, fps: float | None = None) -> Labels:
    return Labels.from_names([*names], fps=fps, source="a.txt")


def test_labels_with_a_rate_meet_frames_in_time() -> None:
    assert label_numbers(labels("abcd"), TIMES_S, INFO, "clip.mp4", fps=2).tolist() == [n // 5 for n in range(20)]
    irregular_s = np.array([0.0, 0.49, 0.51, 1.9])
    assert label_numbers(labels("abcd", 2), irregular_s, INFO, "clip.mp4").tolist() == [0, 0, 1, 3]
    # times count from the first frame, and the rate that the labels say is used
    numbers = label_numbers(labels("abcd", 2), TIMES_S + 7, INFO, "clip.mp4", fps=99)
    assert numbers.tolist() == [n // 5 for n in range(20)]


@pytest.mark.parametrize("fps", [None, 3.0])
def test_one_label_for_every_frame_needs_no_rate(fps: float | None) -> None:
    assert label_numbers(labels("a" * 20), TIMES_S, INFO, "clip.mp4", fps).tolist() == list(range(20))


def test_frames_beyond_the_last_label_have_none_and_the_difference_is_told() -> None:
    message = r"a.txt: 2 labels at 2 a second last 1.00 s, but clip.mp4 lasts 2.00 s; .* give the right `fps`"
    with pytest.warns(UserWarning, match=message):
        numbers = label_numbers(labels("ab", 2), TIMES_S, INFO, "clip.mp4")
    assert numbers.tolist() == [0] * 5 + [1] * 5 + [NO_LABEL] * 10


def test_a_few_labels_fewer_than_frames_are_told() -> None:
    info = INFO._replace(num_frames=100, duration_s=10.0)
    with pytest.warns(UserWarning, match="a.txt has 99 labels and clip.mp4 100 frames, a difference of 1.0 %: label n"):
        numbers = label_numbers(labels("a" * 99), np.arange(100) / 10, info, "clip.mp4")
    assert numbers.tolist() == [*range(99), NO_LABEL]


@pytest.mark.parametrize(
    ("num_labels", "message"),
    [(5, "15 more: .* as `fps`, for example 2.5 if they"), (19, "1 more: .* the labels last 1.90 s"), (21, "1 fewer")],
)
def test_labels_that_fit_at_no_known_rate_are_refused_with_one_that_would(num_labels: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"has {num_labels} labels, but clip.mp4 has 20 frames, {message}"):
        label_numbers(labels("a" * num_labels), TIMES_S, INFO, "clip.mp4")


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_not_positive_is_refused(fps: float) -> None:
    with pytest.raises(ValueError, match="`fps` must be positive, got"):
        label_numbers(labels("a"), TIMES_S, INFO, "clip.mp4", fps=fps)
