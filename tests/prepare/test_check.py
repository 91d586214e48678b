"""Checks of whole data sets: every fault is found, named with its file, and nothing stops at the first."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segtcn.data.readers import LeaReader, MSTCNReader, Reader
from segtcn.prepare.check import CheckOptions, DataReport, Facts, Problem, check_data, fix_data
from segtcn.prepare.check.checking import contents_tables
from segtcn.structures import Video, frames_to_segments
from tests.clips import write_clip
from tests.conftest import CLASSES, SPLITS, small_videos

WriteTree = Callable[..., Path]


def check(root: Path, **options: Any) -> DataReport:
    return check_data(MSTCNReader(str(root), fps=10, background="background"), CheckOptions(**options))


def check_clips(root: Path, fps: float, clips: Path, **options: Any) -> DataReport:
    return check_data(MSTCNReader(str(root), fps=fps), CheckOptions(clips=str(clips), **options))


def totals(report: DataReport) -> dict[str, Any]:
    return facts(report).totals


def facts(report: DataReport) -> Facts:
    return report.facts


def of_kind(report: DataReport, kind: str) -> list[Problem]:
    return [problem for problem in report.problems if problem.kind == kind]


def the(report: DataReport, kind: str) -> Problem:
    (problem,) = of_kind(report, kind)
    return problem


def says(report: DataReport, kind: str, severity: str | None, *words: str) -> None:
    """There is one problem of the kind, of that severity, and it has the words."""
    problem = the(report, kind)
    assert severity in (None, problem.severity)
    assert all(word in f"{problem.where}: {problem.message}" for word in words), problem


def rewrite(root: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    path = root / "features" / f"{name}.npy"
    np.save(path, change(np.load(path)))
    return path


def content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# ------------------------------------------------------------------------------------------------- what there is


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


# ------------------------------------------------------------------------------------------ what is wrong, one by one


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


def test_width_of_most_videos_is_expected(write_ms_tcn_tree: WriteTree) -> None:
    videos = small_videos()
    videos["P01_tea"] = (videos["P01_tea"][0][:, :3], videos["P01_tea"][1])  # the first, by which the reader goes
    report = check(write_ms_tcn_tree(videos=videos))
    says(report, "width", None, "P01_tea: ", "3 wide, but 4 in 3 of 4 videos")
    assert totals(report)["feature_dim"] == 4


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


def test_clips_reveal_a_wrong_rate(
    write_ms_tcn_tree: WriteTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = {name: (np.repeat(f, 5, axis=0), np.repeat(y, 5).tolist()) for name, (f, y) in small_videos().items()}
    root = write_ms_tcn_tree(videos=videos)
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("P01_tea", "P01_soup"):
        write_clip(clips / f"{name}.mp4", len(videos[name][1]), fps=25)
    (clips / "P02_tea.mkv").write_bytes(b"no clip")
    report = check_clips(root, 25, clips)
    assert not of_kind(report, "duration")
    assert "P02_soup" in the(report, "no clip").message
    assert str(clips / "P02_tea.mkv") in the(report, "clip").message
    assert totals(report)["fps_of_clips"] == pytest.approx(25, rel=0.02)
    wrong = of_kind(check_clips(root, 15, clips), "duration")
    assert [problem.where for problem in wrong] == ["P01_tea", "P01_soup"]
    assert "these two make 25" in wrong[0].message
    report = check_clips(root, 25, clips, clips_of_all=False)
    assert (of_kind(report, "no clip"), totals(report)["clips"]) == ([], 3)
    monkeypatch.setattr(MSTCNReader, "read", None)  # before anything is read
    with pytest.raises(FileNotFoundError, match="no folder of clips"):
        check_clips(root, 25, tmp_path / "nowhere")


def test_one_clip_of_another_length_says_nothing_of_the_rate(write_ms_tcn_tree: WriteTree, tmp_path: Path) -> None:
    videos = {name: (np.repeat(f, 5, axis=0), np.repeat(y, 5).tolist()) for name, (f, y) in small_videos().items()}
    root = write_ms_tcn_tree(videos=videos)
    for name, (_, labels) in videos.items():
        write_clip(tmp_path / f"{name}.mp4", len(labels) // (4 if name == "P01_tea" else 1), fps=25)
    report = check_clips(root, 25, tmp_path)
    assert (the(report, "duration").where, of_kind(report, "rate")) == ("P01_tea", [])


@pytest.mark.parametrize("fps", [24, 30])
def test_short_clips_reveal_a_near_rate(write_ms_tcn_tree: WriteTree, tmp_path: Path, fps: float) -> None:
    lengths = {"a": 50, "b": 75, "c": 61}  # two to three seconds: no second is lacking
    videos = {name: (np.arange(length, dtype="f4")[:, None], [0] * length) for name, length in lengths.items()}
    root = write_ms_tcn_tree(videos=videos, splits={1: (["a", "b"], ["c"])})
    (tmp_path / "clips").mkdir()
    for name, length in lengths.items():
        write_clip(tmp_path / "clips" / f"{name}.mp4", length + (name == "b"), fps=25)  # one frame may lack
    assert not of_kind(check_clips(root, 25, tmp_path / "clips"), "rate")
    report = check_clips(root, fps, tmp_path / "clips")
    assert not of_kind(report, "duration")
    says(
        report,
        "rate",
        "warning",
        f"one feature for every frame of 3 of 3 clips, such as {tmp_path / 'clips' / 'a.mp4'}",
        f"(50 frames at 25 a second), but `fps` is {fps}: it should be 25, too",
    )


@pytest.mark.parametrize(
    ("lengths", "fps", "made"),
    [
        ((20, 40, 60), 10, ""),
        ((20, 40, 60), 12, "make 10 a second"),
        ((20, 40, 60), 9, "make 10 a second"),
        ((14, 34, 54), 10, ""),  # an extractor that needs 0.6 s around each frame
        ((14, 34, 54), 12, "make 8.5 a second"),
    ],
)
def test_short_clips_reveal_a_rate_together(
    write_ms_tcn_tree: WriteTree, tmp_path: Path, lengths: tuple[int, ...], fps: float, made: str
) -> None:
    videos = {name: (np.arange(t, dtype="f4")[:, None], [0] * t) for name, t in zip("abc", lengths, strict=True)}
    root = write_ms_tcn_tree(videos=videos, splits={1: (["a", "b"], ["c"])})
    (tmp_path / "clips").mkdir()
    for name, num_frames in zip("abc", (50, 100, 150), strict=True):
        write_clip(tmp_path / "clips" / f"{name}.mp4", num_frames, fps=25)
    problems = of_kind(check_clips(root, fps, tmp_path / "clips"), "rate")
    assert [made in problem.message for problem in problems] == [True] * bool(made)


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


# ------------------------------------------------------------------------------------------------- a corrected copy


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
