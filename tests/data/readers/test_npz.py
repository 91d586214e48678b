"""One archive a video: both kinds of labels, both orientations, and every way a file can be wrong."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.data.readers import MSTCNReader, NpzReader
from tests.conftest import CLASSES, small_videos


@pytest.fixture
def root(write_ms_tcn_tree: Any) -> Path:
    tree: Path = write_ms_tcn_tree()
    for number, (name, (features, labels)) in enumerate(small_videos().items()):
        (tree / "features" / f"{name}.npy").unlink()
        names = np.array([CLASSES[label] for label in labels])
        truth = [np.array(labels, dtype=np.uint8), names, np.char.encode(names, "utf-8"), np.array(labels)][number]
        save = np.savez if number % 2 else np.savez_compressed
        save(tree / "features" / f"{name}.npz", features=features.T if number < 2 else features, labels=truth)
    return tree


def save(root: Path, **arrays: Any) -> Path:
    path = root / "features" / "P01_soup.npz"
    np.savez(path, **arrays)
    return path


def test_archives_read_as_the_ms_tcn_tree(root: Path, write_ms_tcn_tree: Any, tmp_path: Path) -> None:
    reader = NpzReader(str(root), fps=25, background="background")
    other = MSTCNReader(str(write_ms_tcn_tree(root=tmp_path / "other")), fps=25, background="background")
    for attribute in ("class_names", "feature_dim", "fps", "background", "splits"):
        assert getattr(reader, attribute) == getattr(other, attribute)
    for split in reader.splits:
        for subset in ("train", "test"):
            assert reader.videos(split, subset) == other.videos(split, subset)
    for name in small_videos():
        video, expected = reader.read(name), other.read(name)
        assert torch.equal(video.features, expected.features)
        assert torch.equal(video.labels, expected.labels)
        assert video.features.is_contiguous()


def test_video_without_labels_can_be_predicted_only(root: Path) -> None:
    (root / "groundTruth" / "P01_soup.txt").unlink()
    save(root, features=np.zeros((4, 9)))
    reader = NpzReader(str(root))
    assert reader.read("P01_soup", labels=False).labels is None
    with pytest.raises(
        FileNotFoundError,
        match=r"P01_soup\.npz holds no `labels` \(only 'features'\), and there is no .*P01_soup\.txt: name .* save",
    ):
        reader.read("P01_soup")
    with pytest.raises(FileNotFoundError, match=r"no features of video 'P09': expected .*P09\.npz"):
        reader.read("P09")


@pytest.mark.parametrize("stored", ["(D, T)", "(T, D)"])
def test_labels_are_those_of_the_ground_truth_where_the_archive_has_none(
    root: Path, write_ms_tcn_tree: Any, tmp_path: Path, stored: str
) -> None:
    for name, (features, _) in small_videos().items():
        np.savez(root / "features" / f"{name}.npz", features=features if stored == "(T, D)" else features.T)
    (root / "mapping.txt").unlink()
    with pytest.warns(
        UserWarning, match=r"no .*mapping\.txt: its 3 classes are .*\(0 background, 1 cut, 2 pour m"
    ) as seen:
        reader = NpzReader(str(root))
    assert seen[0].filename == __file__
    other = MSTCNReader(str(write_ms_tcn_tree(root=tmp_path / "other")))
    assert (reader.class_names, reader.feature_dim) == (other.class_names, other.feature_dim)
    for name in small_videos():
        assert torch.equal(reader.read(name).labels, other.read(name).labels)
        assert torch.equal(reader.read(name).features, other.read(name).features)
    (root / "groundTruth" / "P02_tea.txt").write_text("stir\n" * 18)
    with pytest.raises(
        ValueError,
        match=r"P02_tea\.txt: label 'stir' in line 1 is not a known class .*the classes are those of .*mapping\.txt",
    ):
        NpzReader.read(reader, "P02_tea")


def test_arrays_of_other_names_are_read(root: Path) -> None:
    for name, (features, labels) in small_videos().items():
        np.savez(root / "features" / f"{name}.npz", x=features, y=np.array(labels), labels=np.zeros(1))
        (root / "groundTruth" / f"{name}.txt").unlink(missing_ok=True)
    reader = NpzReader(str(root), features="x", labels="y")
    for features, labels in (("x", "x"), ("", "y")):
        with pytest.raises(ValueError, match=f"`features` and `labels` must name two arrays, got '{features}' and '"):
            NpzReader(str(root), features=features, labels=labels)
    video = reader.read("P01_tea")
    assert torch.equal(video.features, torch.from_numpy(small_videos()["P01_tea"][0].T.copy()))
    assert video.labels.tolist() == small_videos()["P01_tea"][1]
    with pytest.raises(
        FileNotFoundError, match=r"holds no `z` \(only 'x', 'y', 'labels'\), and there is no .*tea\.txt"
    ):
        NpzReader(str(root), features="x", labels="z").read("P01_tea")
    (root / "mapping.txt").unlink()
    with pytest.warns(UserWarning, match=r"its 3 classes"):
        assert NpzReader(str(root), features="x", labels="y").class_names == ["0", "1", "2"]


def test_missing_mapping_is_built_from_labels_of_one_kind(root: Path) -> None:
    (root / "mapping.txt").unlink()
    with pytest.raises(ValueError, match=r"`labels` in .*P01_tea\.npz are indexes, those of other videos names: write"):
        NpzReader(str(root))
    for name, (features, labels) in small_videos().items():
        np.savez(root / "features" / f"{name}.npz", features=features, labels=np.array(labels))
    with pytest.warns(UserWarning, match=r"its 3 classes .*\(0 0, 1 1, 2 2\)"):
        assert NpzReader(str(root)).read("P01_tea").labels.tolist() == small_videos()["P01_tea"][1]
    for name, (features, labels) in small_videos().items():
        names = np.array([["rest", "cut", "add"][label] for label in labels])
        np.savez(root / "features" / f"{name}.npz", features=features, labels=names)
    (root / "features" / "P01_soup.npz").write_bytes(b"PK damaged")
    with pytest.warns(UserWarning, match=r"its 3 classes .*\(0 add, 1 cut, 2 rest\)"):
        reader = NpzReader(str(root))
    assert reader.read("P02_tea").labels.tolist() == [2 - label for label in small_videos()["P02_tea"][1]]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((4, 3)), "y": np.zeros(3)}, r"holds no `features` \(it holds 'x', 'y'\): name the array by"),
        ({"features": np.zeros(3)}, r"must be a real matrix \(D, T\), got float64 \(3,\)"),
        ({"features": np.zeros((4, 3), dtype=complex)}, r"must be a real matrix \(D, T\), got complex128"),
        ({"features": np.zeros((4, 3)), "labels": np.zeros((3, 1), int)}, r"class names \(T,\), got int64 \(3, 1\)"),
        ({"features": np.zeros((4, 3)), "labels": np.zeros(3)}, r"class names \(T,\), got float64"),
        ({"features": np.zeros((4, 3)), "labels": np.array([0, 3, 1])}, r"unknown label 3 at frame 1, expected 0 .. 2"),
        (
            {"features": np.zeros((4, 3)), "labels": np.array([0, -1, 1])},
            r"unknown label -1 at frame 1, expected 0 .. 2",
        ),
        (
            {"features": np.zeros((4, 2)), "labels": np.array(["cut", "stir"])},
            r"label 'stir' at frame 1 is not a known class",
        ),
        ({"features": np.zeros((4, 1)), "labels": np.array([2**63], dtype="u8")}, r"unknown label 9\.22337e\+18"),
        ({"features": np.array([[{}]])}, r"is damaged .*it holds pickled objects, which could run code"),
        (
            {"features": np.zeros((4, 2)), "labels": np.array(["cut", "cut"], dtype=object)},
            r"it holds pickled objects, which could run code.*type `str`",
        ),
    ],
)
def test_wrong_archive_is_named(root: Path, arrays: dict[str, Any], message: str) -> None:
    reader = NpzReader(str(root))
    path = save(root, **arrays)
    with pytest.raises(ValueError, match=message) as caught:
        reader.read("P01_soup")
    assert str(path) in str(caught.value)


def test_pickle_is_not_run(root: Path, tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "attacked",)

    reader = NpzReader(str(root))
    path = root / "features" / "P01_soup.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (4, 2)})
    pickled = pickle.dumps(Attack())
    for content in (None, pickled, header.getvalue() + pickled):
        path.write_bytes(pickled)
        if content is not None:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("features.npy", content)
        with pytest.raises(ValueError, match=r"P01_soup\.npz (is damaged|must be a real matrix)"):
            reader.read("P01_soup")
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize("shape", [(2**40, 2**20), (4, 10**9), (4, -1)])
def test_declared_size_takes_no_memory(root: Path, shape: tuple[int, int]) -> None:
    reader = NpzReader(str(root))
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(root / "features" / "P01_soup.npz", "w") as archive:
        archive.writestr("features.npy", header.getvalue() + bytes(64))
    with pytest.raises(ValueError, match=r"P01_soup\.npz is damaged or not an archive"):
        reader.read("P01_soup")
