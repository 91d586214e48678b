"""Predictions and truth together, in memory and in files, and their scores from Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.evaluation import evaluate, pair_files, pair_labels, pair_matlab_files, score_splits
from segtcn.labels import Classes, Labels, write_labels
from segtcn.metrics import evaluate_videos

PREDS = {"a": ["rest", "cut", "pour", "pour"], "b": ["rest", "cut"]}
TRUTH = {"a": ["rest", "cut", "cut", "pour"], "b": ["cut", "cut"]}


def labelled(videos: dict[str, list[str]], **arguments: object) -> dict[str, Labels]:
    return {name: Labels.from_names(names, source=name, **arguments) for name, names in videos.items()}


def test_classes_are_those_of_all_videos_in_sorted_order() -> None:
    pairs = pair_labels(labelled(PREDS), labelled(TRUTH))
    assert pairs.classes.names == ("cut", "pour", "rest")
    for side, names in ((pairs.preds, PREDS), (pairs.truth, TRUTH)):
        assert {name: labels.names() for name, labels in side.items()} == names
        assert all(labels.classes == pairs.classes for labels in side.values())


def test_two_spellings_of_a_class_are_refused(tmp_path: Path) -> None:
    truth = {"tea": Labels.from_names(["pour milk", "take"])}
    for name in ("Pour milk", "pour_milk", "pourmilk"):
        with pytest.raises(ValueError, match=f"label '{name}' never occurs in the truth, which has 'pour milk': spell"):
            pair_labels({"tea": Labels.from_names([name, "take"])}, truth)
    classes = Classes(("take", "pour milk", "pour_milk"))
    assert pair_labels({"tea": Labels.from_names(["pour_milk", "take"])}, truth, classes).only_predicted() == [
        "pour_milk"
    ]


def test_numbers_as_names_are_ordered_as_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("2\n10\n0\n0\n")
    np.save(tmp_path / "a.npy", [2, 1, 0, 0])
    pairs = pair_files(tmp_path / "a.npy", tmp_path / "a.txt")
    assert pairs.truth["a"].indexes.tolist() == [2, 10, 0, 0]
    assert pairs.classes == Classes.numbered(11)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preds": {"b": Labels([0], Classes(("cut",)))}}, "no predictions of a: give predictions and truth of the"),
        ({"truth": {}}, "no truth of a"),
        ({"preds": {"a": Labels([0, 1, 1], Classes.numbered(2), source="a.npy")}}, "names of .* and a.npy their ind"),
        ({"classes": Classes(("cut", "pour"))}, "a.txt: 'rest' is not a known class"),
        (
            {"preds": {"a": Labels([0, 0], Classes(("cut",)), source="p")}},
            r"p has 2 frames and a\.txt has 3: bring both",
        ),
        ({"length_policy": "cut"}, "`length_policy` must be 'error' or 'trim', got 'cut'"),
        ({"length_tolerance": -1}, "`length_tolerance` must not be negative, got -1"),
    ],
)
def test_what_does_not_fit_together(changes: dict, message: str) -> None:
    video = {"a": Labels.from_names(["cut", "rest", "rest"], source="a.txt")}
    with pytest.raises(ValueError, match=message):
        pair_labels(**{"preds": video, "truth": video, **changes})


def test_trim_cuts_both_to_the_shorter() -> None:
    truth, preds = Labels.from_names(["cut", "rest", "rest"]), Labels.from_names(["cut", "cut"])
    pairs = pair_labels({"a": preds}, {"a": truth}, length_policy="trim", length_tolerance=1)
    assert (pairs.preds["a"].names(), pairs.truth["a"].names()) == (["cut", "cut"], ["cut", "rest"])


def test_rate_is_known_where_labels_agree() -> None:
    def fps(*rates: float | None) -> float | None:
        sides = ({"a": Labels([0], Classes(("cut",)), rate)} for rate in rates)
        return pair_labels(*sides).fps

    assert fps(None, None) is None
    assert fps(None, 30) == 30
    assert fps(30, 29.99) == 30
    assert fps(30, 15) is None


def test_every_kind_of_input_has_the_same_scores(tmp_path: Path) -> None:
    classes = Classes(("rest", "cut", "pour"), 0)
    preds, truth = labelled(PREDS), labelled(TRUTH)
    indexes = [{name: classes.indexes_of(names, name) for name, names in side.items()} for side in (PREDS, TRUTH)]
    for side, videos in (("preds", preds), ("truth", truth)):
        (tmp_path / side).mkdir()
        for name, labels in videos.items():
            write_labels(tmp_path / side / f"{name}.txt", labels)
    expected = evaluate_videos(*indexes, "mstcn", background=0)
    tensors = {name: torch.from_numpy(frames) for name, frames in indexes[0].items()}
    for inputs in (
        (preds, truth),
        (PREDS, TRUTH),
        (tensors, indexes[1]),
        (tensors, tmp_path / "truth"),
        (str(tmp_path / "preds"), tmp_path / "truth"),
        ({name: tmp_path / "preds" / f"{name}.txt" for name in preds}, truth),
    ):
        evaluation = evaluate(*inputs, protocol="mstcn", classes=classes, background="rest")
        assert evaluation.videos == expected.videos
        assert evaluation.scores == expected.scores
    assert evaluate(preds, truth, "mstcn", ("rest", "cut", "pour"), 0).scores == expected.scores
    assert evaluate(indexes[0], indexes[1], "mstcn", background=[0]).scores == expected.scores


def test_one_video_needs_no_name(tmp_path: Path) -> None:
    preds, truth = PREDS["a"], TRUTH["a"]
    write_labels(tmp_path / "a.txt", Labels.from_names(preds))
    assert evaluate(preds, truth).scores["accuracy"] == 75
    assert evaluate(Labels.from_names(preds), np.array(truth)).videos.keys() == {"video"}
    assert evaluate(tmp_path / "a.txt", truth).videos["a"]["accuracy"] == 75


def test_some_videos_are_scored_of_a_folder_or_a_dict_that_holds_more(tmp_path: Path) -> None:
    truth = {name: Labels.from_names(["cut", "pour"]) for name in "abc"}
    preds = {"a": Labels.from_names(["cut", "cut"]), "b": truth["b"]}
    for side, videos in (("preds", preds), ("truth", truth)):
        (tmp_path / side).mkdir()
        for name, labels in videos.items():
            write_labels(tmp_path / side / f"{name}.txt", labels)
    for inputs in ((preds, truth), (tmp_path / "preds", tmp_path / "truth"), (preds, tmp_path / "truth")):
        with pytest.raises(ValueError, match="no predictions"):
            evaluate(*inputs)
        assert evaluate(*inputs, videos=["a", "b"]).scores["accuracy"] == 75
        assert evaluate(*inputs, videos=["a"]).scores["accuracy"] == 50
        with pytest.raises(ValueError, match=r"no (labels of the video|predictions in .* for) c"):
            evaluate(*inputs, videos=["a", "c"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preds": [[0, 1]]}, r"the prediction: expected the class index of every frame, integers \(T,\)"),
        ({"preds": []}, r"the prediction: .* with T >= 1"),
        ({"preds": {"a": [0, 1]}}, "no predictions of video: give predictions and truth of the same videos"),
        ({"preds": [0]}, "the prediction has 1 frames and the truth has 2"),
        ({"preds": [0, 2], "classes": ["cut", "pour"]}, "class 2 at frame 1 has no name"),
        ({"background": "SIL"}, "no class is named 'SIL': the classes are 0, 1"),
        ({"protocol": "mine"}, "`protocol` must be one of lea, mstcn"),
        ({"fps": 0.0}, "`fps` must be positive"),
    ],
)
def test_wrong_arguments_of_evaluate(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(**{"preds": [0, 1], "labels": [1, 1], "protocol": "asrf", **arguments})


def test_scores_need_a_split(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got no split"):
        score_splits({})
    with pytest.raises(
        FileNotFoundError, match=r"no \.mat file in .*: check the path, or give a folder with the truth"
    ):
        pair_matlab_files([tmp_path])
