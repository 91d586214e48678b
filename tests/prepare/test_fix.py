"""A corrected copy of a data set: sound, complete or not there at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.data.readers import LeaReader, MSTCNReader
from segtcn.prepare.check import CheckOptions, check_data, fix_data
from tests.conftest import CLASSES, small_videos
from tests.prepare.data_reports import check, facts, rewrite

WriteTree = Callable[..., Path]


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_copy_is_sound_and_the_original_untouched(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    videos = small_videos()
    videos["P01_soup"] = (videos["P01_soup"][0], videos["P01_soup"][1][:-2])
    videos["bad"] = videos["twin"] = videos["P02_tea"]
    videos["odd"] = videos["P02_soup"]
    splits = {1: (["P01_tea", "P01_soup", "P02_soup", "P02_tea", "bad", "twin", "odd", "gone"], ["P02_tea"])}
    root = write_ms_tcn_tree(videos=videos, splits=splits)
    rewrite(root, "bad", lambda array: array * np.nan)
    rewrite(root, "P02_tea", lambda array: array.T)
    (root / "groundTruth" / "odd.txt").write_text("stir\n" * 13)
    path = root / "splits" / "train.split1.bundle"
    path.write_text((path.read_text() + "P01_tea.txt").replace("P02_soup.txt", "P02_soup"))
    before = content(root)
    reader = MSTCNReader(str(root), fps=10, background="background")
    uncut = fix_data(reader, check_data(reader), tmp_path / "uncut", source=[root])
    assert any(fix.where == "P01_soup" and "`length_policy: trim` cuts both there" in fix.message for fix in uncut)
    report = check_data(reader, CheckOptions(length_policy="trim"))
    fixes = fix_data(reader, report, tmp_path / "copy", source=[root])
    assert content(root) == before
    said = {(fix.where, fix.message.split(":")[0]) for fix in fixes}
    assert said == {
        ("P01_soup", "cut 2 frames of features off the end"),
        ("bad", "left out"),
        ("gone", "left out"),
        ("odd", "left out"),
        ("twin", "left out"),
        ("P02_tea", "taken out of the training list of split 1"),
        ("split 1", "each video is listed once"),
    }
    copy = tmp_path / "copy"
    report = check(copy)
    assert {path.stem for path in (copy / "features").iterdir()} == {"P01_tea", "P01_soup", "P02_soup", "P02_tea"}
    assert [problem.kind for problem in report.errors] == []
    assert facts(report).lists == {1: {"train": ["P01_tea", "P01_soup", "P02_soup"], "test": ["P02_tea"]}}
    for name in ("P01_tea", "P01_soup", "P02_soup", "P02_tea"):
        length = len(videos[name][1])
        stored = np.load(copy / "features" / f"{name}.npy")
        assert np.array_equal(stored, videos[name][0][:length].T)
        assert (copy / "groundTruth" / f"{name}.txt").read_text().count("\n") == length
    assert (copy / "splits" / "train.split1.bundle").read_bytes() == b"P01_tea.txt\nP01_soup.txt\nP02_soup.txt\n"
    assert sorted(tmp_path.iterdir()) == [copy, root, tmp_path / "uncut"]  # nothing temporary is left


def test_equal_features_with_other_labels_are_no_copy(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    videos = small_videos()
    features, labels = videos["P02_tea"]
    videos["twin"] = (features, labels[::-1])
    videos["again"] = (features, labels)
    videos["still"] = (np.ones_like(features), labels)
    splits = {1: (["P01_tea", "twin", "again", "still"], ["P02_tea"]), 2: (["P02_tea", "P01_tea"], ["twin"])}
    reader = MSTCNReader(str(write_ms_tcn_tree(videos=videos, splits=splits)))
    fixes = fix_data(reader, check_data(reader), tmp_path / "copy")
    said = {fix.where: fix.message for fix in fixes}
    assert re.fullmatch(r"left out: .*still\.npy: the features are the same in all \d+ frames", said["still"])
    assert said["again"] == "left out: it has the features and the labels of P02_tea"
    assert said["twin"] == "taken out of the training list of split 1: it has the features of the test video P02_tea"
    copy = MSTCNReader(str(tmp_path / "copy"))
    assert [copy.videos(split, "train") for split in (1, 2)] == [["P01_tea"], ["P01_tea"]]


def test_a_full_disk_leaves_nothing_and_is_named(
    write_ms_tcn_tree: WriteTree, tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    root = write_ms_tcn_tree(videos=small_videos(frames_per_action=100))
    reader = MSTCNReader(str(root))
    report = check_data(reader)
    with small_files(4096), pytest.raises(OSError, match=r"cannot write .*copy.*file too large.*make room"):
        fix_data(reader, report, tmp_path / "copy", source=[root])
    assert list(tmp_path.iterdir()) == [root]


def test_features_of_every_split_are_copied(write_lea_tree: WriteTree, tmp_path: Path) -> None:
    reader = LeaReader(str(write_lea_tree()), features="S", class_names=CLASSES)
    fix_data(reader, check_data(reader), tmp_path / "copy")
    for split in (1, 2):
        copy = MSTCNReader(str(tmp_path / "copy" / f"split{split}"))
        assert copy.splits == [split]
        for subset in ("train", "test"):
            assert copy.videos(split, subset) == reader.videos(split, subset)
            for name in reader.videos(split, subset):
                one, other = copy.read(name), reader.read(name, split)
                assert torch.equal(one.features, other.features)
                assert torch.equal(one.labels, other.labels)


def test_the_copy_never_lands_in_the_data_set(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    root = write_ms_tcn_tree()
    reader = MSTCNReader(str(root))
    report = check_data(reader)
    before = content(tmp_path)
    (tmp_path / "link").symlink_to(root)
    for out in (root, root / "copy", root / "features" / ".." / "copy", tmp_path / "link" / "copy", tmp_path / "link"):
        with pytest.raises(ValueError, match="lies in the data set"):
            fix_data(reader, report, out, source=[root])
    with pytest.raises(ValueError, match="it exists"):
        fix_data(reader, report, tmp_path, source=[root])
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        fix_data(reader, report, tmp_path / "no" / "copy", source=[root])
    (tmp_path / "link").unlink()
    assert content(tmp_path) == before


def test_a_copy_that_fails_leaves_nothing(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    root = write_ms_tcn_tree()
    (root / "features" / "P02_tea.npy").unlink()  # the only test video of split 1
    reader = MSTCNReader(str(root))
    with pytest.raises(ValueError, match="of the 1 test video of split 1 none can be used"):
        fix_data(reader, check_data(reader), tmp_path / "copy", source=[root])
    assert list(tmp_path.iterdir()) == [root]
