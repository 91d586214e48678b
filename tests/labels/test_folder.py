"""Where the label file, the clip and the mapping of a video lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from segtcn.labels import (
    CLIP_SUFFIXES,
    Labels,
    find_clips,
    find_label_files,
    find_mapping,
    video_name,
    without_ending,
    write_labels,
)


def touch(folder: Path, *names: str, content: str = "take\n") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def names_of(files: dict[str, Path], folder: Path) -> dict[str, str]:
    return {name: path.relative_to(folder).as_posix() for name, path in files.items()}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("S1.Cheese.C1.txt", "S1.Cheese.C1"),
        ("S1.Cheese.C1", "S1.Cheese.C1"),
        ("truth/P01.NPZ", "P01"),
        ("P01.mat", "P01"),
        (r"C:\clips\P01.cam 2.MP4", "P01.cam 2"),
        ("P01.txt.csv", "P01.txt"),
    ],
)
def test_name_of_a_video(path: str, name: str) -> None:
    assert video_name(path) == name
    assert without_ending(f"P03/{name}.csv") == f"P03/{name}"


def test_the_file_that_holds_the_most_counts(tmp_path: Path) -> None:
    touch(tmp_path, "a.npz", "a.csv", "a.txt", "a.npy", "b.csv", "b.txt", "c.npy", "c.txt", "P03/cam.01.txt")
    touch(tmp_path, "d.npy", "d", "e.v2", content="### Frame level recognition: ###\ntake")
    assert names_of(find_label_files(tmp_path), tmp_path) == {
        "P03/cam.01": "P03/cam.01.txt",
        "a": "a.npz",
        "b": "b.csv",
        "c": "c.txt",
        "d": "d",
        "e.v2": "e.v2",
    }


def test_files_of_one_video_that_differ_are_an_error(tmp_path: Path) -> None:
    labels = Labels.from_names(["take", "take", "pour"], fps=5)
    for ending in (".npz", ".csv", ".txt", ".npy"):
        write_labels(tmp_path / f"a{ending}", labels)
        write_labels(tmp_path / f"b{ending}", labels)
    assert names_of(find_label_files(tmp_path), tmp_path) == {"a": "a.npz", "b": "b.npz"}
    write_labels(tmp_path / "a.txt", Labels.from_names(["take", "pour", "pour"]))
    write_labels(tmp_path / "b.npy", Labels.from_names(["take", "pour", "pour"]))
    write_labels(tmp_path / "b.csv", labels[:2])
    with pytest.raises(
        ValueError, match=r"(?s)3 errors.*a\.npz and .*a\.txt are of one.*b\.npz.*b\.csv.*b\.npz.*b\.npy"
    ):
        find_label_files(tmp_path)


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    names = ("mapping.txt", "prediction.json", ".b.txt", ".git/c.txt", "a.mp4", "b.AVI")  # nothing to say of these
    touch(tmp_path, "a.txt", *names, "README.md", "c.mat", "notes")
    with pytest.warns(UserWarning, match=r"passed over README\.md, c\.mat, notes, not label files"):
        assert [*find_label_files(tmp_path)] == ["a"]


def test_the_folder_of_a_run_stands_for_its_predictions(tmp_path: Path) -> None:
    touch(tmp_path, "predictions/a.txt", "report.csv")
    assert names_of(find_label_files(tmp_path), tmp_path) == {"a": "predictions/a.txt"}


def test_clips_by_name_with_and_without_folders(tmp_path: Path) -> None:
    touch(tmp_path, "a.avi", "a.mp4", "P03/cam.01.MOV", "P04/a.mp4", "notes.txt")
    assert names_of(find_clips(tmp_path), tmp_path) == {
        "a": "a.mp4",
        "P03/cam.01": "P03/cam.01.MOV",
        "cam.01": "P03/cam.01.MOV",
        "P04/a": "P04/a.mp4",
    }


@pytest.mark.parametrize(
    ("find", "nowhere", "nothing"),
    [
        (
            find_label_files,
            "no folder .*none: check the path",
            r"no label files in .*: expected one a video, \.npz, \.csv",
        ),
        (find_clips, "no folder of clips .*none: check", f"no clips in .*: expected {', '.join(CLIP_SUFFIXES[:3])}"),
    ],
)
def test_folders_without_labels_or_clips(tmp_path: Path, find: Callable, nowhere: str, nothing: str) -> None:
    touch(tmp_path, "README.md", "mapping.txt")
    for folder, message in ((tmp_path / "none", nowhere), (tmp_path, nothing)):
        with pytest.raises(FileNotFoundError, match=message):
            find(folder)


def test_mapping_beside_the_labels_or_up_to_two_folders_above(tmp_path: Path) -> None:
    touch(tmp_path, "data/truth/P03/a.txt", "runs/predictions/a.txt", "runs/predictions/mapping.txt")
    labels, predictions = tmp_path / "data" / "truth" / "P03" / "a.txt", tmp_path / "runs" / "predictions"
    assert find_mapping([labels]) is None
    assert find_mapping([labels, predictions]) == predictions / "mapping.txt"
    for place in (tmp_path / "data", tmp_path / "data" / "truth" / "P03"):  # the nearest counts
        touch(place, "mapping.txt")
        assert find_mapping([labels, predictions]) == place / "mapping.txt"
