"""Videos with tracks of several sources: what belongs together, which file counts, scores, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segtcn.evaluation import collect_videos, read_run, score_run
from segtcn.labels.legacy import write_labels, write_scores, write_segments
from segtcn.structures import Segment
from tests.conftest import SPLITS
from tests.run_folders import write_crossval, write_network

TEST_VIDEOS = {split: names for split, (_, names) in SPLITS.items()}
TRUTH = ["background"] * 4 + ["cut"] * 6
WRONG = ["background"] * 6 + ["cut"] * 4


@pytest.fixture
def root(write_ms_tcn_tree) -> Path:
    return write_ms_tcn_tree()


def write(path: Path, labels: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(path, labels)
    return path


def test_a_cross_validation_has_every_video_once_with_the_scores_of_compare(root, tmp_path):
    folder = write_crossval(tmp_path / "ed_tcn", root, TEST_VIDEOS, 0.7)
    collection = collect_videos([folder])
    assert [video.name for video in collection.videos] == sorted({*TEST_VIDEOS[1], *TEST_VIDEOS[2]})
    assert collection.classes.names == ["background", "cut", "pour milk"]
    assert (collection.classes.background, collection.protocol) == (0, "lea")
    expected = score_run(read_run(folder))
    assert collection.scores == {"ed_tcn": expected.scores}
    for video in collection.videos:
        truth, prediction = video.tracks()
        assert (truth.title, truth.is_truth, truth.labels.fps) == ("truth", True, 10)
        assert (prediction.title, prediction.is_truth, prediction.labels.fps) == ("ed_tcn", False, 10)
        assert truth.labels.labels == (root / "groundTruth" / f"{video.name}.txt").read_text().splitlines()
        split = "1" if video.name in TEST_VIDEOS[1] else "2"
        assert video.scores == {"ed_tcn": expected.video_scores(split)[video.name]}
        assert (video.num_frames, video.fps) == (len(truth.labels.labels), 10)


def test_the_first_seed_counts_or_the_one_that_is_asked_for_and_the_title_says_which(root, tmp_path):
    folder = write_crossval(tmp_path / "run", root, TEST_VIDEOS, 0.7, seeds=(3, 5))
    assert [*collect_videos([folder]).scores] == ["run, seed 3"]
    assert [*collect_videos([f"mine={folder}"], seed=5).scores] == ["mine, seed 5"]
    with pytest.raises(ValueError, match=r"has no seed 4: choose from 3, 5"):
        collect_videos([folder], seed=4)


def test_a_video_that_is_tested_in_two_splits_has_a_track_of_each(root, tmp_path):
    bundle = root / "splits" / "test.split2.bundle"
    bundle.write_text(bundle.read_text() + "P02_tea.txt\n")
    folder = write_crossval(tmp_path / "run", root, {1: ["P02_tea"], 2: ["P01_soup", "P01_tea", "P02_tea"]}, 0.7)
    collection = collect_videos([folder])
    titles = {video.name: [track.title for track in video.tracks()] for video in collection.videos}
    assert titles["P02_tea"] == ["truth", "run, split 1", "run, split 2"]
    assert titles["P01_tea"] == ["truth", "run, split 2"]


def test_truth_and_labels_of_a_sampled_run_are_at_the_stored_rate_its_scores_are_not(root, tmp_path):
    names = TEST_VIDEOS[2]
    preds = {name: (root / "groundTruth" / f"{name}.txt").read_text().splitlines() for name in names}
    preds[names[0]][1] = "pour milk"  # a frame between those that are scored
    folder = write_network(tmp_path / "run", root, preds, split=2, sample_rate=2)
    collection = collect_videos([folder])
    for video in collection.videos:
        truth, prediction = video.tracks()
        assert len(truth.labels.labels) == len(prediction.labels.labels) == len(preds[video.name])
        assert truth.labels.fps == prediction.labels.fps == 10
    assert collection.scores["run"]["accuracy"] == 100
    assert collect_videos([folder], protocol="mstcn").scores["run"]["accuracy"] < 100


def test_a_folder_of_runs_is_all_of_them(root, tmp_path):
    for name, quality in (("ed_tcn", 0.5), ("ms_tcn", 1.0)):
        write_crossval(tmp_path / "gtea" / name, root, TEST_VIDEOS, quality)
    collection = collect_videos([tmp_path / "gtea"])
    assert [track.title for track in collection.videos[0].tracks()] == ["truth", "ed_tcn", "ms_tcn"]
    assert collection.scores["ms_tcn"]["accuracy"] == 100


def test_of_several_files_of_a_video_the_one_with_the_most_counts(tmp_path):
    folder = tmp_path / "net" / "predictions"
    write(folder / "a.txt", TRUTH)
    write(folder / "b.txt", TRUTH)
    write(folder / "c.txt", TRUTH)
    for name in "bc":
        write_segments(folder / f"{name}.csv", [Segment(0, 10, 1)], ["background", "cut"], 5, np.full(10, 0.5))
    write_scores(folder / "c.npz", [1] * 10, np.tile([[0.25], [0.75], [0.0]], 10), ["background", "cut", "pour"], 5)
    (folder / "mapping.txt").write_text("0 background\n1 cut\n2 pour\n")
    a, b, c = (video.tracks()[0].labels for video in collect_videos([folder]).videos)
    assert (a.confidence, a.scores) == (None, None)
    assert (b.confidence, b.scores) == ([0.5] * 10, None)
    assert c.scores is not None
    assert c.scores.values.shape == (3, 10)
    assert collect_videos([folder]).title == "net"


def test_files_alone_are_one_video_if_the_truth_or_the_clip_is_a_file(tmp_path):
    truth = write(tmp_path / "labels.txt", TRUTH)
    one, two = write(tmp_path / "one.txt", WRONG), write(tmp_path / "two.txt", TRUTH)
    clip = tmp_path / "tea.mp4"
    clip.write_bytes(b"")
    (video,) = collect_videos([clip, one, f"MS-TCN={two}"], truth).videos
    assert (video.name, video.clip) == ("tea", clip)
    assert [track.title for track in video.tracks()] == ["truth", "one", "MS-TCN"]
    assert video.scores["MS-TCN"]["accuracy"] == 100
    assert video.scores["one"]["accuracy"] == 80
    (video,) = collect_videos([one], truth).videos
    assert (video.name, video.tracks()[1].title) == ("labels", "prediction")


def test_files_alone_are_told_apart_by_name_where_nothing_joins_them(tmp_path):
    paths = [write(tmp_path / net / f"{name}.txt", TRUTH) for net in ("a", "b") for name in ("tea", "soup")]
    collection = collect_videos(paths)
    titles = {video.name: [track.title for track in video.tracks()] for video in collection.videos}
    assert titles == {"soup": ["a", "b"], "tea": ["a", "b"]}
    assert (collection.protocol, collection.scores) == (None, {})


def test_equal_titles_are_told_apart_and_none_is_taken_for_the_truth(tmp_path):
    for folder in ("x/net", "y/net", "truth"):
        write(tmp_path / folder / "tea.txt", TRUTH)
    (video,) = collect_videos([tmp_path / "x/net", tmp_path / "y/net", tmp_path / "truth"], tmp_path / "truth").videos
    assert [track.title for track in video.tracks()] == ["truth", "net", "net (2)", "truth (2)"]
    assert [track.is_truth for track in video.tracks()] == [True, False, False, False]


def test_a_track_without_a_rate_has_that_of_one_as_long(tmp_path):
    truth = write(tmp_path / "truth" / "tea.txt", TRUTH)
    write_segments(tmp_path / "tea.csv", [Segment(0, 10, 0)], ["cut"], 5)
    (video,) = collect_videos([tmp_path / "tea.csv"], truth).videos
    assert [track.labels.fps for track in video.tracks()] == [5, 5]
    (video,) = collect_videos([tmp_path / "tea.csv"], truth, fps=3).videos
    assert [track.labels.fps for track in video.tracks()] == [3, 3]


def test_classes_come_from_the_mapping_beside_the_truth_and_unknown_ones_follow(tmp_path):
    write(tmp_path / "data" / "groundTruth" / "tea.txt", TRUTH)
    (tmp_path / "data" / "mapping.txt").write_text("0 pour\n1 cut\n2 background\n")
    prediction = write(tmp_path / "preds" / "tea.txt", ["what?"] * 10)
    classes = collect_videos([prediction], tmp_path / "data" / "groundTruth").classes
    assert (classes.names, classes.background) == (["pour", "cut", "background", "what?"], 2)
    with pytest.raises(ValueError, match=r"tea\.txt: label 'what\?' is no known class"):
        collect_videos([prediction], mapping=tmp_path / "data" / "mapping.txt")


def test_class_indexes_get_their_names_from_the_mapping(tmp_path):
    (tmp_path / "mapping.txt").write_text("0 background\n1 cut\n")
    np.save(tmp_path / "tea.npy", np.array([0, 1, 1]))
    (video,) = collect_videos([tmp_path / "tea.npy"]).videos
    assert video.tracks()[0].labels.labels == ["background", "cut", "cut"]
    np.save(tmp_path / "tea.npy", np.array([0, 2]))
    with pytest.raises(ValueError, match=r"tea\.npy: class 2 has no name, there are 2 \(`--mapping`\)"):
        collect_videos([tmp_path / "tea.npy"])


def test_background_is_left_out_of_scores_as_asked_and_notes_say_when_it_was_guessed(tmp_path):
    truth, prediction = write(tmp_path / "t" / "tea.txt", TRUTH), write(tmp_path / "p" / "tea.txt", WRONG)
    guessed = collect_videos([prediction], truth)
    assert guessed.notes == ["scores by protocol lea with background as background (--background names another)"]
    asked = collect_videos([prediction], truth, background="cut")
    assert (asked.classes.background, asked.notes) == (asked.classes.names.index("cut"), [])


def test_clips_are_found_by_name_and_those_that_browsers_play_come_first(tmp_path):
    for name in ("P01/tea", "P02/tea", "soup"):
        write(tmp_path / "groundTruth" / f"{name}.txt", TRUTH)
    for name in ("P01/tea.avi", "P01/tea.mp4", "P02/tea.mkv"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).write_bytes(b"")
    collection = collect_videos([], tmp_path / "groundTruth")  # `videos` lies beside the truth
    clips = {video.name: video.clip and video.clip.relative_to(tmp_path).as_posix() for video in collection.videos}
    assert clips == {"P01/tea": "videos/P01/tea.mp4", "P02/tea": "videos/P02/tea.mkv", "soup": None}
    assert collection.notes == ["no clip of 1 of 3 videos: soup"]


def test_a_prediction_of_another_length_has_no_scores_and_notes_say_why(tmp_path):
    for name, labels in (("tea", TRUTH), ("soup", TRUTH)):
        write(tmp_path / "truth" / f"{name}.txt", labels)
        write(tmp_path / "net" / f"{name}.txt", labels + ["cut"] * (name == "tea"))
    collection = collect_videos([tmp_path / "net"], tmp_path / "truth")
    assert [video.scores.keys() for video in collection.videos] == [{"net"}, set()]
    assert "net: no scores of tea, it has 11 labels and the truth 10" in collection.notes


def test_videos_without_truth_are_named(tmp_path):
    for name in ("tea", "soup", "milk"):
        write(tmp_path / "net" / f"{name}.txt", TRUTH)
    write(tmp_path / "truth" / "tea.txt", TRUTH)
    write(tmp_path / "other" / "juice.txt", TRUTH)
    assert "no truth of 2 of 3 videos: milk, soup" in collect_videos([tmp_path / "net"], tmp_path / "truth").notes
    assert collect_videos([tmp_path / "net"], tmp_path / "other").notes == [
        "no truth of 3 of 3 videos: milk, soup, tea"
    ]
    assert collect_videos([tmp_path / "net"]).notes == []


def test_videos_are_chosen_by_name(tmp_path):
    for name in ("tea", "soup"):
        write(tmp_path / "net" / f"{name}.txt", TRUTH)
    assert [video.name for video in collect_videos([tmp_path / "net"], names=["tea"]).videos] == ["tea"]
    with pytest.raises(ValueError, match=r"no labels of the video milk: there are soup, tea"):
        collect_videos([tmp_path / "net"], names=["milk"])


def test_what_cannot_be_shown_is_refused(tmp_path, root):
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nowhere: check the path"):
        collect_videos([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no label files in .*empty: expected one a video"):
        collect_videos([tmp_path / "empty"])
    with pytest.raises(ValueError, match=r"nothing to show: give predictions, or the truth"):
        collect_videos([])
    with pytest.raises(ValueError, match=r"rate of the labels must be positive, got -1"):
        collect_videos([root / "groundTruth"], fps=-1)
    with pytest.raises(FileNotFoundError, match=r"no clips in .*empty: expected \.mp4"):
        collect_videos([root / "groundTruth"], clips=tmp_path / "empty")
    run = write_crossval(tmp_path / "run", root, TEST_VIDEOS, 1.0)
    with pytest.raises(ValueError, match=r"is the truth of one video and .*run a run of many"):
        collect_videos([run], root / "groundTruth" / "P01_tea.txt")


def test_a_run_with_the_truth_in_a_folder_is_scored_against_that(root, tmp_path):
    run = write_crossval(tmp_path / "run", root, TEST_VIDEOS, 1.0)
    collection = collect_videos([run], root / "groundTruth", background="background")
    assert collection.scores["run"]["edit"] == 100
    assert len(collection.videos) == 3
