"""The MS-TCN tree: every form in which it circulates, and every way a file of it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.data.readers import MSTCNReader
from segtcn.labels.classes import IGNORE_NAME
from segtcn.structures import IGNORE
from tests.conftest import CLASSES, small_videos

WriteTree = Callable[..., Path]


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def test_tree_is_read(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    reader = MSTCNReader(str(root), fps=25, background="background")
    assert reader.class_names == ["background", "cut", "pour milk"]
    assert (reader.background, reader.fps, reader.feature_dim, reader.splits) == (0, 25, 4, [1, 2])
    assert reader.videos(1, "train") == ["P01_tea", "P01_soup", "P02_soup"]
    assert reader.videos(2, "test") == ["P01_soup", "P01_tea"]
    video = reader.read("P02_tea", split=1)
    stored = np.load(root / "features" / "P02_tea.npy")
    assert video.features.dtype == torch.float32
    assert torch.equal(video.features, torch.from_numpy(stored))
    names = [reader.class_names[int(label)] for label in video.labels]
    assert names == (root / "groundTruth" / "P02_tea.txt").read_text().splitlines()
    assert video.source == str(root / "features" / "P02_tea.npy")


def test_orientation_and_number_type_do_not_matter(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    names = ["P01_tea", "P01_soup", "P02_tea"]
    before = [MSTCNReader(str(root)).read(name).features for name in names]
    for name in names:
        path = root / "features" / f"{name}.npy"
        np.save(path, np.load(path).T.astype(np.float64))
    reader = MSTCNReader(str(root))
    assert all(torch.equal(reader.read(name).features, old) for name, old in zip(names, before, strict=True))
    assert all(torch.equal(reader.read(n, labels=False).features, old) for n, old in zip(names, before, strict=True))
    assert reader.read(names[0]).features.is_contiguous()


def test_missing_mapping_is_built_from_the_listed_truth_in_alphabetical_order(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree(classes=["take", "background", "cut"])
    (root / "mapping.txt").unlink()
    (root / "groundTruth" / "notes.txt").write_text("of no listed video\n")
    (root / "groundTruth" / "P02_soup.txt").unlink()
    warning = rf"no {root}/mapping\.txt: its 3 classes .* alphabetical order \(0 background, 1 cut, 2 take\); write"
    with pytest.warns(UserWarning, match=warning):
        reader = MSTCNReader(str(root), background="background")
    assert (reader.class_names, reader.background) == (["background", "cut", "take"], 0)
    labels = reader.read("P01_tea").labels
    assert labels.tolist() == np.repeat([2, 0, 0, 1, 2], 4).tolist()
    with pytest.warns(UserWarning, match=warning):  # nothing but the labels decides on their numbers
        assert MSTCNReader(str(root), background="take").class_names == reader.class_names


def test_mapping_cannot_be_built_without_truth_or_from_a_truth_with_gaps(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "mapping.txt").unlink()
    (root / "groundTruth" / "P01_soup.txt").write_text("cut\n\ncut\n")
    with pytest.raises(ValueError, match=r"P01_soup\.txt, line 2 is empty: expected one label a line"):
        MSTCNReader(str(root))
    empty(root / "groundTruth")
    with pytest.raises(FileNotFoundError, match=rf"no {root}/mapping\.txt: write one line for every class"):
        MSTCNReader(str(root))


def test_background_is_given_by_name(write_ms_tcn_tree: WriteTree) -> None:
    root = str(write_ms_tcn_tree())
    assert MSTCNReader(root).background is None
    assert MSTCNReader(root, background="pour milk").background == 2
    with pytest.raises(
        ValueError, match=r"`background` 'SIL' is not a class .* choose from background, cut, pour milk"
    ):
        MSTCNReader(root, background="SIL")


def test_video_without_ground_truth_can_be_predicted_only(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "groundTruth" / "P02_tea.txt").unlink()
    reader = MSTCNReader(str(root))
    video = reader.read("P02_tea", labels=False)
    assert video.labels is None
    assert video.features.shape == (4, 18)
    with pytest.raises(FileNotFoundError, match=r"no ground truth of video 'P02_tea': expected .*P02_tea\.txt"):
        reader.read("P02_tea")


@pytest.mark.parametrize("part", ["features", "splits", "."])
def test_missing_part_is_named_by_the_constructor(write_ms_tcn_tree: WriteTree, tmp_path: Path, part: str) -> None:
    root = write_ms_tcn_tree()
    (root / part).rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=rf"no (folder )?{root / part}: (write|put|`root` must hold)"):
        MSTCNReader(str(root))


def test_tree_without_lists_or_features_is_named_by_the_constructor(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    empty(root / "features")
    with pytest.raises(FileNotFoundError, match=r"no video that .*splits lists has features: expected .*NAME\.npy"):
        MSTCNReader(str(root))
    empty(root / "splits")
    with pytest.raises(FileNotFoundError, match=r"no list of videos in .*splits: write train\.split1\.bundle"):
        MSTCNReader(str(root))


def test_split_and_lists_are_checked(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    reader = MSTCNReader(str(root))
    with pytest.raises(ValueError, match=r"split 3 does not exist in .*splits: choose from 1, 2"):
        reader.videos(3, "train")
    (root / "splits" / "test.split1.bundle").write_text("\n")
    with pytest.raises(ValueError, match=r"test\.split1\.bundle lists no video"):
        reader.videos(1, "test")
    (root / "splits" / "test.split1.bundle").unlink()
    with pytest.raises(FileNotFoundError, match=r"no .*test\.split1\.bundle: write the names of the test videos"):
        reader.videos(1, "test")
    with pytest.raises(ValueError, match=r"`fps` must be positive, got -1"):
        MSTCNReader(str(root), fps=-1)


def test_links_in_a_circle_and_impossible_names_are_missing_files(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    reader = MSTCNReader(str(root))
    for path in (root / "features" / "P01_tea.npy", root / "groundTruth" / "P01_soup.txt"):
        path.unlink()
        path.symlink_to(path)
    with pytest.raises(FileNotFoundError, match=r"no features of video 'P01_tea': expected"):
        reader.read("P01_tea")
    with pytest.raises(FileNotFoundError, match=r"no ground truth of video 'P01_soup': expected"):
        reader.read("P01_soup")
    with pytest.raises(FileNotFoundError, match=r"no features of video 'nnn"):
        reader.read("n" * 300)
    bundle = root / "splits" / "train.split2.bundle"
    bundle.unlink()
    bundle.symlink_to(bundle)
    with pytest.raises(FileNotFoundError, match=r"no .*train\.split2\.bundle: write the names"):
        MSTCNReader(str(root)).videos(2, "train")


def test_frames_that_nobody_annotated_are_ignored(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    labels = small_videos()["P01_tea"][1]
    lines = [IGNORE_NAME, *(CLASSES[label] for label in labels[1:])]
    (root / "groundTruth" / "P01_tea.txt").write_text("".join(f"{line}\n" for line in lines))
    (root / "mapping.txt").unlink()
    with pytest.warns(UserWarning, match="its 3 classes"):
        reader = MSTCNReader(str(root))
    assert reader.read("P01_tea").labels.tolist() == [IGNORE, *labels[1:]]
