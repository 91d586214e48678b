from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from segtcn.video_io import ClipInfo, Excerpt
from segtcn.visualization.overlay.schedule import make_schedule

NTSC = Fraction(30000, 1001)


def clip(num_frames: int, fps: Fraction = Fraction(10)) -> tuple[np.ndarray, ClipInfo]:
    info = ClipInfo(fps, num_frames, 64, 48, float(num_frames / fps), has_audio=False)
    return np.arange(num_frames) / float(fps), info


def test_a_whole_clip_keeps_all_frames_times_and_the_exact_rate() -> None:
    times_s, info = clip(50, NTSC)
    schedule = make_schedule(times_s + 1.5, info, Excerpt())
    assert schedule.numbers.tolist() == list(range(50))
    np.testing.assert_allclose(schedule.times_s, times_s + 1.5)  # a picture that begins after the sound
    assert schedule.fps == NTSC


def test_an_excerpt_begins_at_zero_and_stops_before_its_end() -> None:
    times_s, info = clip(50)
    schedule = make_schedule(times_s + 1.5, info, Excerpt(1.0, 2.0))
    assert schedule.numbers.tolist() == list(range(10, 20))
    assert schedule.times_s == pytest.approx(np.arange(10) / 10)
    assert (schedule.start_s, schedule.stop_s) == (pytest.approx(1.0), 2.0)
    assert make_schedule(times_s, info, Excerpt(0.95)).numbers[0] == 10
    assert make_schedule(times_s, info, Excerpt(stop_s=99.0)).stop_s == 5.0


@pytest.mark.parametrize(("speed", "step", "rate"), [(2, 2, 1), (0.5, 1, 0.5)])
def test_faster_keeps_the_rate_and_slower_keeps_all_frames(speed: float, step: int, rate: float) -> None:
    times_s, info = clip(50, NTSC)
    schedule = make_schedule(times_s, info, Excerpt(speed=speed))
    assert schedule.numbers.tolist() == list(range(0, 50, step))
    assert schedule.times_s == pytest.approx(times_s[::step] / speed)
    assert schedule.fps == NTSC * Fraction(rate)


def test_moving_pictures_show_what_the_clip_shows_at_each_moment_for_ten_seconds() -> None:
    times_s, info = clip(500, Fraction(30))
    schedule = make_schedule(times_s, info, Excerpt(), animated=True)
    assert schedule.numbers[:5].tolist() == [0, 2, 4, 7, 9]
    assert (len(schedule.numbers), schedule.fps, schedule.stop_s) == (125, Fraction(25, 2), 10)
    assert make_schedule(times_s, info, Excerpt(1.0, 16.0), animated=True).stop_s == 16
    assert make_schedule(*clip(100), Excerpt(), animated=True).fps == 10


def test_a_frame_that_is_shown_for_long_is_stored_once() -> None:
    info = ClipInfo(Fraction(10), 4, 64, 48, 4.0, has_audio=False)
    schedule = make_schedule(np.array([0.0, 0.1, 3.0, 3.1]), info, Excerpt(speed=2))
    assert schedule.numbers.tolist() == [0, 1, 2, 3]
    assert schedule.times_s == pytest.approx([0.0, 0.1, 1.5, 1.6])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"start_s": 3.0, "stop_s": 2.0},
            r"no frame lies between the start at 3 s and the stop at 2 s: the clip lasts",
        ),
        ({"start_s": 9.0}, "no frame lies between the start at 9 s and the stop at 5 s: the clip lasts 5.00 s"),
        ({"start_s": -1.0}, "no frame lies between the start at -1 s"),
        ({"stop_s": 0.0}, "no frame lies between the start at 0 s and the stop at 0 s"),
        ({"speed": 0.0}, "`speed` must be 0.001 to 1000, such as 2 for twice as fast, got 0"),
        ({"speed": float("inf")}, "`speed` must be 0.001 to 1000, .*, got inf"),
        ({"speed": 1e-320}, "`speed` must be 0.001 to 1000, .*, got 9.99989e-321"),
    ],
)
def test_impossible_excerpts_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_schedule(*clip(50), Excerpt(**arguments))
