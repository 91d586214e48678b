"""Lea et al.'s layout: arrays of either orientation, names of either form, and every way a file can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike
from scipy.io import loadmat, savemat

from segtcn.data.readers import LeaReader

CLASS_NAMES = ["background", "cut", "pour"]
WriteTree = Callable[..., Path]


def features_folder(root: Path, split: int = 1) -> Path:
    return root / "features" / "GTEA" / "SpatialCNN" / f"Split_{split}"


def change(path: Path, **arrays: ArrayLike | None) -> None:
    """Write some arrays of a file anew; None removes one."""
    held: dict[str, Any] = {key: value for key, value in loadmat(path).items() if not key.startswith("__")}
    held.update(arrays)
    savemat(path, {key: value for key, value in held.items() if value is not None})


def test_subsets_come_in_the_order_of_the_lists(write_lea_tree: WriteTree) -> None:
    reader = LeaReader(str(write_lea_tree()), class_names=CLASS_NAMES)
    assert reader.splits == [1, 2]
    assert reader.videos(1, "train") == ["P01_tea", "P01_soup", "P02_soup"]
    assert reader.videos(2, "test") == ["P01_soup", "P01_tea"]


def test_video_holds_what_the_file_holds(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    reader = LeaReader(str(root), class_names=CLASS_NAMES)
    stored = loadmat(features_folder(root) / "P02_tea.mat")
    video = reader.read("P02_tea")
    assert video.features.dtype == torch.float32
    assert torch.equal(video.features, torch.from_numpy(stored["A"].T.copy()))
    assert video.labels.dtype == torch.int64
    assert video.labels.tolist() == stored["Y"].ravel().tolist()
    assert video.source == str(features_folder(root) / "P02_tea.mat")


def test_arrays_are_joined_in_the_given_order(write_lea_tree: WriteTree) -> None:
    root = str(write_lea_tree())
    parts = {v: LeaReader(root, features=v).read("P01_tea").features for v in "AXS"}
    assert [part.shape[0] for part in parts.values()] == [4, 3, 30]
    for order in (["A", "S"], ["S", "X", "A"]):
        reader = LeaReader(root, features=order)
        joined = torch.cat([parts[variable] for variable in order])
        assert torch.equal(reader.read("P01_tea").features, joined)
        assert reader.feature_dim == joined.shape[0]


def test_orientation_of_every_array_does_not_matter(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    before = LeaReader(str(root), features=["A", "X", "S"]).read("P01_soup", split=1)
    path = features_folder(root) / "P01_soup.mat"
    stored = loadmat(path)
    change(path, **{variable: stored[variable].T for variable in "AXS"}, Y=stored["Y"].T.astype(float))
    after = LeaReader(str(root), features=["A", "X", "S"]).read("P01_soup", split=1)
    assert torch.equal(before.features, after.features)
    assert torch.equal(before.labels, after.labels)


def test_square_arrays_are_taken_as_documented(write_lea_tree: WriteTree) -> None:
    rng = np.random.default_rng(0)
    square = rng.standard_normal((30, 30)).astype(np.float32)
    videos = {"a": (square, [0] * 30), "b": (square, [1] * 30)}
    root = write_lea_tree(videos=videos, splits={1: (["a"], ["b"])})
    change(features_folder(root) / "a.mat", S=square)
    assert torch.equal(LeaReader(str(root), features="A").read("a").features, torch.from_numpy(square.T.copy()))
    assert torch.equal(LeaReader(str(root), features="S").read("a").features, torch.from_numpy(square))


@pytest.mark.parametrize("listed", ["{}", "rgb-{}.avi", "rgb-{}", "{}.avi", "{}.mat", "rgb-{}.avi.mat"])
@pytest.mark.parametrize("stored", ["{}", "rgb-{}.avi", "rgb-{}", "{}.avi"])
def test_names_match_with_and_without_rgb_and_avi(write_lea_tree: WriteTree, listed: str, stored: str) -> None:
    features = np.arange(8, dtype=np.float32).reshape(2, 4)
    videos = {stored.format(name): (features + i, [0, 1]) for i, name in enumerate(["06-1", "06.1.b"])}
    root = write_lea_tree(videos=videos, splits={1: ([listed.format("06-1")], [listed.format("06.1.b")])})
    reader = LeaReader(str(root))
    names = reader.videos(1, "train") + reader.videos(1, "test")
    assert names == ["06-1", "06.1.b"]
    assert [reader.read(name).name for name in names] == names
    assert [reader.read(name).features[0, 0].item() for name in names] == [0, 1]


def test_features_of_the_split_are_read(write_lea_tree: WriteTree) -> None:
    reader = LeaReader(str(write_lea_tree()), features="S")
    firsts = [reader.read("P01_tea", split).features[0, 0].item() for split in (1, 2, None)]
    assert firsts == [1, 2, 1]


def test_features_that_do_not_depend_on_the_split_lie_in_the_folder_itself(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    for path in features_folder(root, 1).iterdir():
        path.rename(features_folder(root).parent / path.name)
    for split in (1, 2):
        for path in features_folder(root, split).iterdir():
            path.unlink()
        features_folder(root, split).rmdir()
    reader = LeaReader(str(root), features="S")
    assert reader.splits == [1, 2]
    assert [reader.read("P01_tea", split).features[0, 0].item() for split in (1, 2, None)] == [1, 1, 1]


def test_splits_without_features_are_not_offered(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    features_folder(root, 2).rename(root / "elsewhere")
    reader = LeaReader(str(root))
    assert reader.splits == [1]
    with pytest.raises(ValueError, match=r"split 2 does not exist in .*GTEA: choose from 1"):
        reader.videos(2, "train")
    with pytest.raises(ValueError, match=r"split 7 does not exist"):
        reader.read("P01_tea", split=7)


def test_classes_are_numbered_when_no_names_are_given(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    assert LeaReader(str(root)).class_names == ["0", "1", "2"]
    for path in features_folder(root).iterdir():
        change(path, X=None)
    with pytest.raises(ValueError, match=r"\.mat holds no class scores X to count the classes by: give `class_names`"):
        LeaReader(str(root))


def test_video_without_labels_can_be_predicted_only(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    reader = LeaReader(str(root), class_names=CLASS_NAMES)
    with_labels = reader.read("P01_tea")
    change(features_folder(root) / "P01_tea.mat", Y=None)
    without = reader.read("P01_tea", labels=False)
    assert without.labels is None
    assert torch.equal(without.features, with_labels.features)
    with pytest.raises(FileNotFoundError, match=r"P01_tea\.mat holds no labels Y.*it can only be predicted"):
        reader.read("P01_tea")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": "B"}, r"`features` must be one or a list of 'A', 'X' and 'S', got 'B'"),
        ({"features": []}, r"`features` must be one or a list"),
        ({"fps": 0.0}, r"`fps` must be positive, got 0\.0"),
        ({"background": 3}, r"`background` must be an index of the 3 classes, got 3"),
        ({"class_names": ["a", "a", "b"]}, r"two classes are named 'a'"),
    ],
)
def test_wrong_argument_is_refused(write_lea_tree: WriteTree, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LeaReader(str(write_lea_tree()), **arguments)


@pytest.mark.parametrize("missing", [".", "features/GTEA/SpatialCNN", "splits/GTEA"])
def test_missing_folder_is_named_by_the_constructor(write_lea_tree: WriteTree, tmp_path: Path, missing: str) -> None:
    root = write_lea_tree()
    (root / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(
        FileNotFoundError, match=rf"no folder {root}.*by `root`, `dataset` and `feature_folder`"
    ) as error:
        LeaReader(str(root))
    assert "SpatialCNN" in str(error.value) or "splits" in str(error.value)


def test_folders_without_content_are_named_by_the_constructor(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    for split in (1, 2):
        for path in features_folder(root, split).iterdir():
            path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no \.mat file in .*SpatialCNN"):
        LeaReader(str(root))
    for split in (1, 2):
        features_folder(root, split).rename(features_folder(root, split + 4))
    with pytest.raises(FileNotFoundError, match=r"no split has both .*found splits 1, 2\).*found splits 5, 6\)"):
        LeaReader(str(root))


def test_missing_list_or_file_is_named(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    reader = LeaReader(str(root))
    with pytest.raises(FileNotFoundError, match=r"no features of video 'P09'.*rgb-P09\.avi\.mat.*add the file"):
        reader.read("P09")
    (root / "splits/GTEA/Split_1/test.txt").write_text("\n\n")
    with pytest.raises(ValueError, match=r"Split_1/test\.txt lists no video"):
        reader.videos(1, "test")
    (root / "splits/GTEA/Split_1/test.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"Split_1/test\.txt: write the names"):
        reader.videos(1, "test")


def test_two_files_of_one_video_are_refused(write_lea_tree: WriteTree) -> None:
    root = write_lea_tree()
    path = features_folder(root) / "P01_tea.mat"
    (path.parent / "rgb-P01_tea.avi.mat").write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"P01_tea\.mat and .*rgb-P01_tea\.avi\.mat are files of the same video"):
        LeaReader(str(root))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({"Y": np.where(np.isin(np.arange(20), (5, 7)), k, 0)}, rf"unknown label {k} at frame 5, expected 0 \.\. 2")
            for k in (3, -1, 300)
        ),
        ({"Y": np.full((20, 1), 0.5)}, r"^Y in .*P01_tea\.mat must hold whole class numbers, got float64"),
        ({"A": np.array([["text"]], dtype=object)}, r"^A in .* must be a real matrix \(T, D\), got object"),
        ({"A": None}, r"holds no A \(only S, X, Y\): choose other `features`"),
        ({"S": np.zeros((30, 18))}, r"different length \(A: 20, S: 18 frames\)"),
    ],
)
def test_wrong_array_is_named_with_its_file(
    write_lea_tree: WriteTree, changes: dict[str, ArrayLike | None], message: str
) -> None:
    root = write_lea_tree()
    path = features_folder(root) / "P01_tea.mat"
    reader = LeaReader(str(root), features=["A", "S"], class_names=CLASS_NAMES)
    change(path, **changes)
    with pytest.raises(ValueError, match=message) as error:
        reader.read("P01_tea", split=1)
    assert str(path) in str(error.value)
