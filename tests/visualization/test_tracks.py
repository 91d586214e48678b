from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from segtcn.labels.legacy import ClassScores, LabelTrack, write_labels, write_scores
from segtcn.video_io import ClipInfo
from segtcn.visualization.palette import BACKGROUND, class_color
from segtcn.visualization.tracks import (
    NO_LABEL,
    Classes,
    Track,
    align,
    common_classes,
    fits_frame_by_frame,
    open_track,
    split_title,
)

INFO = ClipInfo(Fraction(10), 20, 64, 48, 2.0, has_audio=False)
TIMES_S = np.arange(20) / 10


def track(*labels: str, fps: float | None = None, title: str = "prediction") -> Track:
    return Track(title, LabelTrack(list(labels), fps), title)


def test_a_file_and_its_content_are_the_same_track_but_for_what_messages_call_them(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.txt", ["cut", "pour"])
    from_file = open_track(tmp_path / "a.txt", "truth", is_truth=True)
    assert from_file == Track("truth", LabelTrack(["cut", "pour"]), str(tmp_path / "a.txt"), is_truth=True)
    assert open_track(LabelTrack(["cut", "pour"]), "truth", is_truth=True).labels == from_file.labels


def test_a_track_without_labels_is_refused_by_its_title() -> None:
    with pytest.raises(ValueError, match="MS-TCN has no labels: expected at least one"):
        open_track(LabelTrack([]), "MS-TCN")


@pytest.mark.parametrize(
    ("text", "title", "path"),
    [
        ("MS-TCN=a.txt", "MS-TCN", "a.txt"),
        ("a.txt", "prediction", "a.txt"),
        ("=a.txt", "prediction", "=a.txt"),
        ("MS-TCN=", "prediction", "MS-TCN="),
        ("lr=0.1=a.txt", "lr", "0.1=a.txt"),
    ],
)
def test_titles_stand_before_the_first_equals_sign(text: str, title: str, path: str) -> None:
    assert split_title(text, "prediction") == (title, Path(path))


def test_the_name_of_an_existing_file_may_hold_an_equals_sign(tmp_path: Path) -> None:
    path = tmp_path / "lr=0.1.txt"
    path.touch()
    assert split_title(str(path), "prediction") == ("prediction", path)


def test_colours_follow_the_list_of_the_data_set_not_what_occurs() -> None:
    names = ["background", "cut", "pour", "stir"]
    for labels in (["stir"], ["cut", "stir"]):
        classes = common_classes([track(*labels)], names)
        assert classes == Classes(names, 0)
        assert classes.colors[3] == class_color(3, 0)


def test_without_a_list_the_names_are_sorted_and_the_background_is_first_and_grey() -> None:
    classes = common_classes([track("stir", "SIL"), track("cut")])
    assert classes == Classes(["SIL", "cut", "stir"], 0)
    assert classes.colors[0] == BACKGROUND
    assert common_classes([track("stir", "idle")], background="idle").names[0] == "idle"
    assert common_classes([track("stir", "SIL")], background="idle").background is None


def test_classes_of_all_files_with_scores_count_though_they_do_not_occur(tmp_path: Path) -> None:
    write_scores(tmp_path / "a.npz", [1, 0], [[0.1, 0.9], [0.9, 0.1]], ["pour", "cut"])
    other = ClassScores(["cut", "fold"], np.full((2, 2), 0.5, np.float32))
    second = Track("b", LabelTrack(["cut", "cut"], scores=other), "b")
    classes = common_classes([open_track(tmp_path / "a.npz", "a"), track("stir"), second])
    assert classes.names == ["pour", "cut", "fold", "stir"]


def test_a_label_that_is_not_in_the_list_is_named_with_its_file() -> None:
    with pytest.raises(
        ValueError,
        match=r"b: label 'stir' is no known class \(1 unknown\): is it the right list\? It has cut, pour",
    ):
        common_classes([track("cut", title="a"), track("stir", title="b")], ["cut", "pour"])


def test_indexes_are_those_of_the_names() -> None:
    assert Classes(["cut", "pour"], None).indexes(track("pour", "cut", "pour")).tolist() == [1, 0, 1]


def test_labels_with_a_rate_meet_frames_in_time() -> None:
    alignment = align(track(*"abcd"), TIMES_S, INFO, "clip.mp4", fps=2)
    assert alignment.numbers.tolist() == [n // 5 for n in range(20)]
    assert (alignment.fps, alignment.note) == (2, None)
    irregular_s = np.array([0.0, 0.49, 0.51, 1.9])
    assert align(track(*"abcd"), irregular_s, INFO, "clip.mp4", fps=2).numbers.tolist() == [0, 0, 1, 3]
    # times count from the first frame, and the rate of the file is used
    assert align(track(*"abcd", fps=2), TIMES_S + 7, INFO, "clip.mp4").numbers.tolist() == [n // 5 for n in range(20)]


def test_one_label_for_every_frame_needs_no_rate() -> None:
    alignment = align(track(*["a"] * 20), TIMES_S, INFO, "clip.mp4")
    assert alignment.numbers.tolist() == list(range(20))
    assert (alignment.fps, alignment.note) == (None, None)


def test_frames_beyond_the_last_label_have_none_and_the_difference_is_told() -> None:
    with pytest.warns(
        UserWarning, match=r"prediction: 2 labels at 2 a second last 1.00 s, but clip.mp4 lasts 2.00 s; .*--fps"
    ):
        alignment = align(track("a", "b"), TIMES_S, INFO, "clip.mp4", fps=2)
    assert alignment.numbers.tolist() == [0] * 5 + [1] * 5 + [NO_LABEL] * 10
    assert alignment.note is not None


def test_a_few_labels_fewer_than_frames_are_told() -> None:
    info = INFO._replace(num_frames=100, duration_s=10.0)
    with pytest.warns(UserWarning, match="prediction has 99 labels and clip.mp4 100 frames, a difference of 1.0 %"):
        alignment = align(track(*["a"] * 99), np.arange(100) / 10, info, "clip.mp4")
    assert alignment.numbers.tolist() == [*range(99), NO_LABEL]


def test_labels_that_fit_at_no_known_rate_are_refused_with_one_that_would() -> None:
    with pytest.raises(
        ValueError, match=r"has 5 labels, but clip.mp4 has 20 frames, 15 more: .* for example --fps 2.5 if they"
    ):
        align(track(*["a"] * 5), TIMES_S, INFO, "clip.mp4")


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_not_positive_is_refused(fps: float) -> None:
    with pytest.raises(ValueError, match="the rate of the labels must be positive, got"):
        align(track("a"), TIMES_S, INFO, "clip.mp4", fps=fps)


def test_only_tracks_without_a_rate_fit_frame_by_frame() -> None:
    assert fits_frame_by_frame(track(*["a"] * 98), 100)
    assert not fits_frame_by_frame(track(*["a"] * 97), 100)
    assert not fits_frame_by_frame(track(*["a"] * 100, fps=25.0), 100)
