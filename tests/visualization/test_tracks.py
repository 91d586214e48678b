from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.labels import Classes, Labels, write_labels
from segtcn.structures import IGNORE
from segtcn.visualization.tracks import make_tracks

CLASSES = Classes(("background", "take", "pour"), 0)


def test_labels_come_as_arrays_tensors_names_and_files(tmp_path: Path) -> None:
    write_labels(tmp_path / "a.txt", Labels([1, 1, IGNORE], CLASSES))
    write_labels(tmp_path / "a.npz", Labels([1, 1, IGNORE], CLASSES, fps=5.0))
    tracks = {
        "sequence": [1, 1, IGNORE],
        "array": np.array([1, 1, IGNORE], np.int32),
        "tensor": torch.tensor([1, 1, IGNORE]).requires_grad_(False),
        "names": ["take", "take", "__ignore__"],
        "text": tmp_path / "a.txt",
        "archive": str(tmp_path / "a.npz"),
        "labels": Labels([0, 0, IGNORE], Classes(("take",))),
    }
    videos, classes = make_tracks({"tea": tracks}, CLASSES.names, fps=3)
    assert classes == CLASSES
    for title, labels in videos["tea"].items():
        assert labels.indexes.tolist() == [1, 1, IGNORE], title
        assert labels.classes == classes, title
        assert labels.fps == (5 if title == "archive" else 3), title


def test_the_truth_is_first_and_the_others_keep_their_order() -> None:
    videos, _ = make_tracks({"tea": {"b": [0], "a": [0], "truth": [0]}})
    assert [*videos["tea"]] == ["truth", "b", "a"]


def test_all_tracks_of_all_videos_get_the_same_classes() -> None:
    _, classes = make_tracks({"tea": {"a": ["cut", "SIL"]}, "soup": {"a": ["stir"]}})
    assert classes == Classes(("SIL", "cut", "stir"), 0)
    _, classes = make_tracks({"tea": {"a": [0, 4], "b": [2]}})
    assert classes.names == ("0", "1", "2", "3", "4")


def test_classes_that_a_run_lists_give_the_colours_of_all() -> None:
    run = Labels([2, 2], Classes(("background", "stir", "pour", "take")))
    videos, classes = make_tracks({"tea": {"truth": ["take", "pour"], "run": run}})
    assert classes == Classes(run.classes.names, 0)
    assert videos["tea"]["truth"].indexes.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("videos", "options", "message"),
    [
        ({}, {}, "at least one video to draw, got none"),
        ({"P01": {}}, {}, "at least one track of P01 to draw, got none"),
        ({"P01": {"truth": []}}, {}, r"track 'truth' of P01: expected the class index of every frame, integers \(T,\)"),
        ({"P01": {"truth": torch.zeros(2, 3)}}, {}, r"with T >= 1, got float32 \(2, 3\)"),
        ({"": {"truth": [0, 5]}}, {"classes": ["take"]}, "track 'truth': class 5 at frame 1 has no name, there are 1"),
        ({"P01": {"truth": [-1, 0]}}, {}, "class -1 at frame 0 has no name"),
        (
            {"P01": {"a": ["fly"]}},
            {"classes": ["take"]},
            "track 'a' of P01: label 'fly' at frame 0 is not a known class",
        ),
        ({"P01": {"truth": [0]}}, {"fps": 0.0}, "`fps` must be positive, got 0"),
    ],
)
def test_wrong_tracks_are_refused(videos: dict, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_tracks(videos, **options)


def test_a_label_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no label file .*absent"):
        make_tracks({"tea": {"a": tmp_path / "absent"}})
