"""Checks of whole data sets: every fault is found, named with its file, and nothing stops at the first."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.data.readers import LeaReader, MSTCNReader, Reader
from segtcn.prepare.check import check_data
from segtcn.prepare.check.checking import contents_tables
from segtcn.structures import Video, frames_to_segments
from tests.conftest import CLASSES, SPLITS, small_videos
from tests.prepare.data_reports import check, facts, of_kind, says, the, totals

WriteTree = Callable[..., Path]


def test_a_sound_data_set_has_no_problems_and_right_counts(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos(frames_per_action=5)
    report = check(write_ms_tcn_tree(videos=videos))
    assert report.problems == []
    labels = [torch.tensor(labels) for _, labels in videos.values()]
    segments = [segment for each in labels for segment in frames_to_segments(each)]
    everything = torch.cat(labels)
    assert totals(report)["videos"] == 4
    assert totals(report)["frames"] == len(everything)
    assert totals(report)["seconds"] == pytest.approx(len(everything) / 10)
    assert totals(report)["shortest_video"] == min(map(len, labels))
    assert totals(report)["longest_video"] == max(map(len, labels))
    assert totals(report)["all_segments"] == len(segments)
    assert totals(report)["segments"] == sum(segment.label != 0 for segment in segments)
    for index, count in enumerate(facts(report).classes):
        assert count.name == CLASSES[index]
        assert count.frames == int((everything == index).sum())
        assert count.segments == sum(segment.label == index for segment in segments)
        assert count.videos == sum(index in each for each in labels)
    train = sum(len(videos[name][1]) for name in SPLITS[1][0])
    assert facts(report).splits[0] == (1, 3, train, 1, len(videos["P02_tea"][1]))
    values = np.concatenate([features for features, _ in videos.values()])
    assert totals(report)["lowest_feature"] == pytest.approx(values.min())
    assert totals(report)["highest_feature"] == pytest.approx(values.max())


def test_videos_are_read_once(write_ms_tcn_tree: WriteTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = MSTCNReader(str(write_ms_tcn_tree()))
    log = tmp_path / "reads"
    read = reader.read

    def logged(name: str, *args: Any, **options: Any) -> Video:
        with log.open("a") as file:  # in another process
            file.write(f"{name}\n")
        return read(name, *args, **options)

    monkeypatch.setattr(reader, "read", logged)
    check_data(reader)
    assert sorted(log.read_text().split()) == sorted(small_videos())


def test_missing_damaged_and_foreign_files_are_all_reported(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "features" / "P01_soup.npy").unlink()
    (root / "features" / "P02_soup.npy").write_bytes(b"\x93NUMPY but not really")
    (root / "groundTruth" / "P02_tea.txt").write_text("stir\n" * 18)
    report = check(root)
    assert str(root / "features" / "P01_soup.npy") in the(report, "missing").message
    assert str(root / "features" / "P02_soup.npy") in the(report, "unreadable").message
    assert "label 'stir' in line 1" in the(report, "labels").message
    assert {problem.severity for kind in ("missing", "unreadable", "labels") for problem in of_kind(report, kind)} == {
        "error"
    }
    assert set(facts(report).broken) == {("P01_soup", None), ("P02_soup", None), ("P02_tea", None)}
    assert ("P02_tea", None) in facts(report).videos  # its features were read all the same
    assert not of_kind(report, "unlisted")  # P02_soup.npy is listed, though it cannot be read


def test_the_first_video_may_be_the_damaged_one(write_ms_tcn_tree: WriteTree, write_lea_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    (root / "features" / "P01_tea.npy").write_bytes(b"")
    assert the(check(root), "unreadable").where == "P01_tea"
    root = write_lea_tree()
    for split in (1, 2):
        (root / f"features/GTEA/SpatialCNN/Split_{split}/P01_soup.mat").write_bytes(b"")  # first in the folder
    report = check_data(LeaReader(str(root), class_names=CLASSES))
    assert [problem.where for problem in of_kind(report, "unreadable")] == ["P01_soup", "P01_soup"]


def test_truth_may_lack_in_test_only(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree(splits={1: (["P01_tea", "P01_soup"], ["P02_tea"])})
    (root / "groundTruth" / "P02_tea.txt").unlink()
    assert the(check(root), "no truth").severity == "warning"
    (root / "groundTruth" / "P01_soup.txt").unlink()
    severities = {problem.where: problem.severity for problem in of_kind(check(root), "no truth")}
    assert severities == {"P02_tea": "warning", "P01_soup": "error"}


def test_length_differences_are_counted_and_judged_by_the_policy(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos()
    for name, difference in (("P01_soup", 2), ("P02_tea", -1), ("P02_soup", 8)):
        features, labels = videos[name]
        labels = labels[:-difference] if difference > 0 else labels + [0] * -difference
        videos[name] = (features, labels)
    root = write_ms_tcn_tree(videos=videos)
    report = check(root, length_tolerance=5)
    assert facts(report).length_differences == {-1: 1, 0: 1, 2: 1, 8: 1}
    assert [problem.severity for problem in of_kind(report, "length")] == ["error"] * 3
    assert set(facts(report).broken) == {("P02_soup", None)}
    report = check(root, length_policy="trim", length_tolerance=5)
    severities = {problem.where: problem.severity for problem in of_kind(report, "length")}
    assert severities == {"P01_soup": "warning", "P02_tea": "warning", "P02_soup": "error"}
    assert all(str(root / "features") in problem.message for problem in of_kind(report, "length"))


def test_videos_for_training_and_test_and_for_neither(write_ms_tcn_tree: WriteTree) -> None:
    splits = {1: (["P01_tea", "P01_soup", "P02_soup"], ["P02_tea", "P01_soup"]), 2: (["P01_tea"], ["P02_tea"])}
    report = check(write_ms_tcn_tree(splits=splits))
    assert the(report, "two subsets")[:3] == ("error", "two subsets", "split 1")
    assert "P01_soup" in the(report, "two subsets").message
    assert the(report, "no subset")[:3] == ("warning", "no subset", "split 2")
    assert "P01_soup, P02_soup" in the(report, "no subset").message


def test_a_wrong_list_does_not_hide_its_videos(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree()
    path = root / "splits" / "train.split1.bundle"
    path.write_text(path.read_text() + "P01_tea.txt\n")
    report = check(root)
    assert the(report, "list").severity == "error"
    assert str(path) in the(report, "list").message
    assert facts(report).lists[1]["train"] == SPLITS[1][0]
    (root / "splits" / "test.split1.bundle").unlink()
    assert the(check(root), "no list").severity == "warning"


def test_files_that_no_list_names(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree(splits={1: (["P01_tea", "P01_soup"], ["P02_tea"])})
    (root / "features" / "._P01_tea.npy").write_bytes(b"hidden, of macOS: no data")
    says(check(root), "unlisted", "warning", "P02_soup", str(root / "features"))


def test_classes_that_lack(write_ms_tcn_tree: WriteTree) -> None:
    root = write_ms_tcn_tree(
        classes=[*CLASSES, "fly"], splits={1: (["P01_tea"], ["P02_tea"]), 2: (["P02_tea"], ["P01_tea"])}
    )
    labels = (root / "groundTruth" / "P01_tea.txt").read_text()
    (root / "groundTruth" / "P01_tea.txt").write_text(labels.replace("cut", "background"))
    found = [(p.where, p.message.split(":")[0]) for p in of_kind(check(root), "absent class")]
    assert found[0][0] == "all videos"
    assert "fly" in found[0][1]
    assert found[1:] == [
        ("split 1", "split 1 trains on no frame of cut"),
        ("split 2", "split 2 tests on no frame of cut"),
    ]


def test_frames_that_nobody_annotated_are_counted_and_a_subset_needs_annotated_ones(
    write_ms_tcn_tree: WriteTree,
) -> None:
    root = write_ms_tcn_tree(splits={1: (["P01_tea", "P01_soup"], ["P02_tea"])})
    path = root / "groundTruth" / "P01_tea.txt"
    num_labels = len(path.read_text().splitlines())
    path.write_text("__ignore__\n" * num_labels)
    report = check(root)
    assert totals(report)["ignored_frames"] == num_labels
    says(report, "not annotated", "error", "no frame of P01_tea is annotated", "take it out of the lists")
    rows = contents_tables("d", facts(report))[0]
    assert f"{num_labels} frames ({100 * num_labels / totals(report)['frames']:.1f} %)" in rows
    with (root / "mapping.txt").open("a") as file:
        file.write("3 fly\n")
    says(check(root), "absent class", "error", "no annotated frame is labelled fly", "annotate some")
    path.with_stem("P01_soup").write_text("__ignore__\n" * len(path.with_stem("P01_soup").read_text().splitlines()))
    errors = [problem.message for problem in check(root).errors]
    assert any("split 1 trains on videos of which no frame is annotated" in message for message in errors)


def test_segments_of_one_frame_are_counted(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos(frames_per_action=5)
    videos["P01_tea"][1][:5] = [1, 0, 0, 2, 0]
    root = write_ms_tcn_tree(videos=videos)
    says(check(root), "one frame", "warning", "3 of 18 segments last one frame, in 1 of 4 videos", "P01_tea.npy")


def test_card_is_compared_with_the_measurement(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    root = write_ms_tcn_tree()
    card = tmp_path / "README.md"
    right = totals(check(root))
    card.write_text(
        f"---\nvideos: 4\nframes: {right['frames']}\nsegments: {right['segments']}\n"
        "classes: [background, cut, pour milk]\nfps: 10\nsplits: 2\n"
        "background: background\nfeature_dim: 4\ntrain_videos: 3\nsource: elsewhere\n---\n"
    )
    assert not of_kind(check(root, card=str(card)), "card")
    card.write_text("---\nvideos: 5\nclasses: [background, pour milk, cut]\nfps: 15\nfeature_dim: 4\n---\n")
    problems = of_kind(check(root, card=str(card)), "card")
    assert [problem.where for problem in problems] == ["videos", "classes", "fps"]
    assert all(problem.severity == "warning" and str(card) in problem.message for problem in problems)
    assert "`videos`: 5, the data has 4" in problems[0].message
    card.write_text("---\nvideos: 4\nfps: null\nbackground: null\n---\n")  # not known; none
    assert [problem.where for problem in of_kind(check(root, card=str(card)), "card")] == ["background"]
    assert "no data set card" in the(check(root, card=str(tmp_path / "no.md")), "card").message


class Memory(Reader):
    """A reader of somebody else's, with videos in memory."""

    def __init__(self, videos: dict[str, Video], splits: dict[int, tuple[list[str], list[str]]]) -> None:
        self.class_names, self.feature_dim, self.fps, self.background = ["a", "b"], 2, 10.0, None
        self.splits = list(splits)
        self._videos, self._lists = videos, splits

    def videos(self, split: int, subset: str) -> list[str]:
        return self._lists[split][subset == "test"]

    def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
        return self._videos[name]


def test_any_reader_will_do_and_empty_videos_are_found() -> None:
    x = torch.tensor([[0.0, 1, 2], [1, 0, 5]])
    videos = {"v": Video("v", x, torch.tensor([0, 1, 1])), "w": Video("w", torch.zeros(2, 0), torch.zeros(0).long())}
    report = check_data(Memory(videos, {1: (["v"], ["w"])}))
    assert "no frames" in the(report, "empty").message
    assert totals(report)["videos"] == 2


def test_features_are_let_go_before_the_next_are_read() -> None:
    held: list[weakref.ref[torch.Tensor]] = []

    class Fleeting(Memory):
        def read(self, name: str, split: int | None = None, labels: bool = True) -> Video:
            assert all(features() is None for features in held)
            features = torch.rand(2, 9)
            held.append(weakref.ref(features))
            return Video(name, features, torch.arange(9) % 2)

    names = [f"v{number}" for number in range(4)]
    assert not check_data(Fleeting({}, {1: (names[:2], names[2:])})).errors
