"""Checks of features: values, widths, copies, frozen stretches and scales."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segtcn.data.readers import LeaReader
from segtcn.prepare.check import check_data
from tests.conftest import CLASSES, SPLITS, small_videos
from tests.prepare.data_reports import check, facts, of_kind, rewrite, says, the, totals

WriteTree = Callable[..., Path]


def test_features_of_every_split_are_checked(write_lea_tree: WriteTree) -> None:
    from scipy.io import loadmat, savemat

    root = write_lea_tree()
    path = root / "features/GTEA/SpatialCNN/Split_2/P02_tea.mat"
    stored = {key: value for key, value in loadmat(path).items() if not key.startswith("__")}
    stored["A"][3, 1] = np.nan
    savemat(path, stored)
    report = check_data(LeaReader(str(root), class_names=CLASSES))
    assert facts(report).split_specific
    assert len(facts(report).videos) == sum(len(train) + len(test) for train, test in SPLITS.values())
    says(report, "values", "error", str(path), "first is frame 3")


def test_split_features_that_are_copies_are_noticed(write_lea_tree: WriteTree) -> None:
    report = check_data(LeaReader(str(write_lea_tree()), class_names=CLASSES))
    says(report, "same in splits", "warning", "Split_1")
    assert not of_kind(
        check_data(LeaReader(str(write_lea_tree()), features="S", class_names=CLASSES)), "same in splits"
    )


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (np.inf, "infinite"), (-np.inf, "infinite")])
def test_values_that_are_not_finite(write_ms_tcn_tree: WriteTree, value: float, what: str) -> None:
    root = write_ms_tcn_tree()

    def spoil(array: np.ndarray) -> np.ndarray:
        array[2, [5, 7]] = value
        return array

    path = rewrite(root, "P02_tea", spoil)
    report = check(root)
    says(report, "values", "error", what, "2 of 18 frames, the first is frame 5", str(path))
    assert np.isfinite(totals(report)["highest_feature"])


def test_width_of_most_videos_is_expected(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos()
    videos["P01_tea"] = (videos["P01_tea"][0][:, :3], videos["P01_tea"][1])  # the first, by which the reader goes
    report = check(write_ms_tcn_tree(videos=videos))
    says(report, "width", None, "P01_tea: ", "3 wide, but 4 in 3 of 4 videos")
    assert totals(report)["feature_dim"] == 4


def test_equal_features_are_found_and_a_leak_is_an_error(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    videos = small_videos()
    videos["P02_tea"] = videos["P01_tea"]
    report = check(write_ms_tcn_tree(videos=videos))  # training and test of split 1
    says(report, "duplicate", "error", "P01_tea, P02_tea: ", "split 1 trains on one")
    root = write_ms_tcn_tree(
        videos=videos, splits={1: (["P01_tea", "P02_tea"], ["P02_soup"])}, root=tmp_path / "one_subset"
    )
    assert the(check(root), "duplicate").severity == "warning"


def test_equal_extremes_alone_are_no_duplicate(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos()
    features, labels = videos["P01_tea"]
    videos["P02_tea"] = (features[::-1].copy(), labels)
    assert not of_kind(check(write_ms_tcn_tree(videos=videos)), "duplicate")


def test_features_that_never_change(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos()
    for features, _ in videos.values():
        features[:, 3] = 7
    videos["P01_soup"][0][:] = 1
    videos["P01_soup"][0][:, 3] = 7
    problems = of_kind(check(write_ms_tcn_tree(videos=videos)), "constant")
    assert [problem.where for problem in problems] == ["all videos", "P01_soup"]
    assert "1 of 4 features never change" in problems[0].message
    assert "(features 3, counted from 0)" in problems[0].message


def test_features_that_hold_still_in_one_video(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos()
    for features, _ in videos.values():
        features[:, 0] = np.maximum(features[:, 0], 0)
    videos["P01_soup"][0][:, 0] = 0  # usual after a ReLU
    videos["P02_tea"][0][:, 1:3] = 0.5
    says(
        check(write_ms_tcn_tree(videos=videos)),
        "constant",
        None,
        "P02_tea: ",
        "P02_tea.npy: 2 of 4 features never change in this video, such as feature 1",
        "(0.5 all the time, ",
    )


def test_frozen_stretches_are_named_with_start_and_length(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos(frames_per_action=20)  # at 10 frames a second
    videos["P01_soup"][0][7:28] = videos["P01_soup"][0][7]  # 21 frames: longer than two seconds
    videos["P01_soup"][0][50:] = 1  # to the end
    videos["P02_tea"][0][4:24] = 0.5  # 20 frames: not longer
    videos["P02_soup"][0][10:54] = np.repeat(videos["P02_soup"][0][10:54:4], 4, axis=0)  # made at a lower rate
    videos["P01_tea"][0][:, 0] = np.arange(len(videos["P01_tea"][1])) // 50  # one feature alone may hold still
    for features, _ in videos.values():
        features[:, 1] = 7  # a dead feature does not hide it
    report = check(write_ms_tcn_tree(videos=videos))
    says(
        report,
        "frozen",
        "warning",
        "P01_soup: ",
        "P01_soup.npy: no feature changes from frame 7 (0.7 s) for 21 frames (2.1 s), from fr",
    )
    assert facts(report).videos["P01_soup", None].frozen == [(7, 21), (50, len(videos["P01_soup"][1]) - 50)]


def test_odd_scales(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos()
    assert not of_kind(check(write_ms_tcn_tree(videos=videos)), "scale")
    videos["P02_tea"][0][:] *= 255
    problem = the(check(write_ms_tcn_tree(videos=videos)), "scale")
    assert problem.where == "P02_tea"
    videos = small_videos()
    for features, _ in videos.values():
        features[:, 1] *= 1e5
    root = write_ms_tcn_tree(videos=videos)
    assert ["feature 1 of" in problem.message for problem in of_kind(check(root), "scale")] == [True, False]
    assert not of_kind(check(root, standardize=True), "scale")
