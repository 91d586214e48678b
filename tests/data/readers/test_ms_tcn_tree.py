"""The MS-TCN tree: every form in which it circulates, and every way a file of it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.data.readers import MSTCNReader
from segtcn.labels.classes import IGNORE_NAME
from segtcn.structures import IGNORE
from tests.conftest import CLASSES, small_videos

WriteTree = Callable[..., Path]


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
    assert video.labels is not None
    names = [reader.class_names[int(label)] for label in video.labels]
    assert names == (root / "groundTruth" / "P02_tea.txt").read_text().splitlines()
    assert video.source == str(root / "features" / "P02_tea.npy")
    assert reader.num_frames("P02_tea") == video.features.shape[1]


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


def test_labels_keep_spaces_names_keep_dots_and_no_line_is_lost(write_ms_tcn_tree: WriteTree) -> None:
    videos = {"a.b.c": (np.zeros((3, 4)), [0, 2, 2]), "a": (np.ones((2, 4)), [0, 1])}
    root = write_ms_tcn_tree(videos=videos, splits={1: (["a.b.c"], ["a"])})
    (root / "groundTruth" / "a.b.c.txt").write_bytes(b"background\r\npour milk\r\npour milk")  # no final newline
    (root / "splits" / "train.split1.bundle").write_bytes(b"a.b.c\r\n")  # a bare name
    reader = MSTCNReader(str(root))
    assert reader.videos(1, "train") == ["a.b.c"]
    labels = reader.read("a.b.c").labels
    assert labels is not None
    assert labels.tolist() == [0, 2, 2]


@pytest.mark.parametrize("transposed", [False, True])
def test_without_any_labels_the_axis_that_varies_is_time(write_ms_tcn_tree: WriteTree, transposed: bool) -> None:
    root = write_ms_tcn_tree()
    (root / "features" / "P01_tea.npy").write_bytes(b"")  # the first; damaged
    for path in (root / "groundTruth").iterdir():
        path.unlink()
    for name in ("P01_soup", "P02_tea", "P02_soup"):
        path = root / "features" / f"{name}.npy"
        np.save(path, np.load(path).T if transposed else np.load(path))
    reader = MSTCNReader(str(root))
    assert reader.feature_dim == 4
    expected = torch.from_numpy(small_videos()["P02_soup"][0].T.copy())
    assert torch.equal(reader.read("P02_soup", labels=False).features, expected)


def test_mapping_may_be_in_any_order(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "mapping.txt").write_text("2 pour milk\n0 background\n1\tcut")
    assert MSTCNReader(str(root)).class_names == ["background", "cut", "pour milk"]


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
    assert labels is not None
    assert labels.tolist() == np.repeat([2, 0, 0, 1, 2], 4).tolist()
    with pytest.warns(UserWarning, match=warning):  # nothing but the labels decides on their numbers
        assert MSTCNReader(str(root), background="take").class_names == reader.class_names


def test_labels_that_are_numbers_are_the_indexes(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree(classes=["2", "0", "10"])
    (root / "mapping.txt").unlink()
    with pytest.warns(UserWarning, match=r"11 classes .*\(0 0, 1 1, 2 2, \.\.\.\)"):
        reader = MSTCNReader(str(root))
    labels = reader.read("P02_soup").labels
    assert labels is not None
    assert labels.unique().tolist() == [0, 2, 10]


def test_mapping_cannot_be_built_without_truth_or_from_a_truth_with_gaps(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "mapping.txt").unlink()
    (root / "groundTruth" / "P01_soup.txt").write_text("cut\n\ncut\n")
    with pytest.raises(ValueError, match=r"P01_soup\.txt, line 2 is empty: expected one label a line"):
        MSTCNReader(str(root))
    for path in (root / "groundTruth").iterdir():
        path.unlink()
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


def test_tree_without_any_ground_truth_is_readable(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "groundTruth").rename(root / "elsewhere")
    reader = MSTCNReader(str(root))
    assert reader.feature_dim == 4  # (D, T), as documented
    assert reader.read("P01_tea", labels=False).features.shape == (4, 20)


def test_width_is_found_in_a_first_video_that_is_longer_than_its_labels(write_ms_tcn_tree: WriteTree) -> None:
    videos = {"a": (np.zeros((9, 4)), [0] * 8), "b": (np.ones((5, 4)), [0] * 5)}
    root = write_ms_tcn_tree(videos=videos, splits={1: (["a"], ["b"])})
    np.save(root / "features" / "a.npy", videos["a"][0])  # (T, D)
    reader = MSTCNReader(str(root))
    assert reader.feature_dim == 4
    assert reader.read("a").features.shape == (4, 9)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("lengths", "num_labels"),
    [((11, 12, 7), (9, 12, 7)), ((11, 12, 7), (9, 11, 6)), ((8, 12, 7), (8, 12, 7)), ((8, 12, 7), (7, 11, 6))],
    ids=["nearer to the width", "no length is exact", "the first is square", "square, and no length is exact"],
)
def test_other_videos_tell_what_the_first_does_not(
    write_ms_tcn_tree: WriteTree, lengths: tuple[int, ...], num_labels: tuple[int, ...], transposed: bool
) -> None:
    rng = np.random.default_rng(0)
    videos = {
        name: (rng.standard_normal((length, 8)).astype(np.float32), [0] * number)
        for name, length, number in zip("abc", lengths, num_labels, strict=True)
    }
    root = write_ms_tcn_tree(videos=videos, splits={1: (["a", "b"], ["c"])})
    for name, (features, _) in videos.items():
        np.save(root / "features" / f"{name}.npy", features if transposed else features.T)
    reader = MSTCNReader(str(root))
    assert reader.feature_dim == 8
    for name, (features, _) in videos.items():
        assert torch.equal(reader.read(name).features, torch.from_numpy(features.T.copy()))
        assert reader.num_frames(name) == len(features)


@pytest.mark.parametrize("part", ["features", "splits", "."])
def test_missing_part_is_named_by_the_constructor(write_ms_tcn_tree: WriteTree, tmp_path: Path, part: str) -> None:
    root = write_ms_tcn_tree()
    (root / part).rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=rf"no (folder )?{root / part}: (write|put|`root` must hold)"):
        MSTCNReader(str(root))


def test_tree_without_lists_or_features_is_named_by_the_constructor(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    for path in (root / "features").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no video that .*splits lists has features: expected .*NAME\.npy"):
        MSTCNReader(str(root))
    for path in (root / "splits").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no list of videos in .*splits: write train\.split1\.bundle"):
        MSTCNReader(str(root))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 a\n2 b\n", r"number the classes 0 to C-1 without a gap, got 0, 2"),
        ("1 a\n2 b\n", r"without a gap, got 1, 2"),
        ("", r"without a gap, got $"),
        ("0 a\n0 b\n", r"line 2 of .*mapping\.txt repeats the id 0: '0 b'"),
        ("0 a\n1 a\n", r"mapping\.txt: two classes are named 'a'"),
        ("a\nb\n", r"line 1 of .*mapping\.txt must be `ID NAME`, .* got 'a'"),
    ],
)
def test_wrong_mapping_is_refused(write_ms_tcn_tree: WriteTree, text: str, message: str) -> None:
    root = write_ms_tcn_tree()
    (root / "mapping.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
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


def test_listed_video_without_file_is_named(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "features" / "P01_soup.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"no features of video 'P01_soup': expected .*P01_soup\.npy; add"):
        MSTCNReader(str(root)).read("P01_soup")


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "a/../../secret"])
def test_name_that_leads_out_of_the_tree_is_refused(write_ms_tcn_tree: WriteTree, name: str) -> None:
    root = write_ms_tcn_tree()
    np.save(root / "secret.npy", np.zeros((4, 9)))
    reader = MSTCNReader(str(root))
    with pytest.raises(ValueError, match=rf"'{name}': a name must not lead out of the data set's folder"):
        reader.read(name, labels=False)
    (root / "splits" / "train.split1.bundle").write_text(f"P01_tea\n{name}.txt\n")
    with pytest.raises(ValueError, match=rf"train\.split1\.bundle lists '{name}': a name must not lead out"):
        MSTCNReader(str(root))


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


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stir", r"P01_tea\.txt: label 'stir' at frame 1 is not a known class .* which has background, cut, pour milk"),
        ("pour", r"P01_tea\.txt: label 'pour' at frame 1 is not a known class"),
        ("", r"P01_tea\.txt, line 2 is empty: expected one label a line"),
    ],
)
def test_unknown_label_is_named_with_file_and_frame(write_ms_tcn_tree: WriteTree, line: str, message: str) -> None:
    root = write_ms_tcn_tree()
    (root / "groundTruth" / "P01_tea.txt").write_text(f"cut\n{line}\ncut\n")
    with pytest.raises(ValueError, match=rf"{message}.*; the classes are those of .*mapping\.txt"):
        MSTCNReader(str(root)).read("P01_tea")


def test_frames_that_nobody_annotated_are_ignored(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    labels = small_videos()["P01_tea"][1]
    lines = [IGNORE_NAME, *(CLASSES[label] for label in labels[1:])]
    (root / "groundTruth" / "P01_tea.txt").write_text("".join(f"{line}\n" for line in lines))
    (root / "mapping.txt").unlink()
    with pytest.warns(UserWarning, match="its 3 classes"):
        reader = MSTCNReader(str(root))
    assert reader.read("P01_tea").labels.tolist() == [IGNORE, *labels[1:]]  # type: ignore[union-attr]


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "pickled"])
def test_damaged_array_is_named(write_ms_tcn_tree: WriteTree, damage: str) -> None:
    root = write_ms_tcn_tree()
    reader = MSTCNReader(str(root))
    path = root / "features" / "P01_soup.npy"
    if damage == "pickled":
        np.save(path, np.array([{"a": 1}]), allow_pickle=True)
    else:
        path.write_bytes({"empty": b"", "text": b"1 2 3\n", "truncated": path.read_bytes()[:-8]}[damage])
    with pytest.raises(ValueError, match=rf"{path} is damaged or not a NumPy array .*save it again with `numpy\.save`"):
        reader.read("P01_soup")


def test_no_byte_of_the_header_lets_another_error_through(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    reader = MSTCNReader(str(root))
    path = root / "features" / "P01_soup.npy"
    intact = path.read_bytes()
    rng = np.random.default_rng(0)
    messages = []
    for _ in range(300):
        damaged = bytearray(intact)
        for position in rng.integers(0, 128, size=2):
            damaged[position] = rng.choice(bytearray(b"0123456789(){}[]',: \x00\xffTFabc<>f"))
        path.write_bytes(damaged)
        try:
            reader.read("P01_soup", labels=False)
        except ValueError as error:
            messages.append(str(error))
    assert len(messages) > 200
    assert all(str(path) in message for message in messages)


@pytest.mark.parametrize("array", [np.zeros(9), np.zeros((4, 9, 1)), np.zeros((4, 9), dtype=complex)])
def test_array_that_is_no_matrix_is_named(write_ms_tcn_tree: WriteTree, array: Any) -> None:
    root = write_ms_tcn_tree()
    reader = MSTCNReader(str(root))
    np.save(root / "features" / "P01_soup.npy", array)
    with pytest.raises(ValueError, match=r"P01_soup\.npy must hold a real matrix \(D, T\), got (float|complex)"):
        reader.read("P01_soup")
    with (root / "features" / "P01_soup.npy").open("wb") as file:
        np.savez(file, a=array, b=array)
    with pytest.raises(ValueError, match=r"P01_soup\.npy must hold a real matrix \(D, T\), got an archive of arrays"):
        reader.read("P01_soup")
