"""Videos with tracks of several sources: what belongs together, which file counts, scores, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segtcn.evaluation import Collection, Scoring, Selection, collect_videos, read_run, score_run
from segtcn.labels import Classes, Labels, write_labels
from tests.conftest import SPLITS
from tests.run_folders import truth_of, write_crossval, write_network

TEST_VIDEOS = {split: names for split, (_, names) in SPLITS.items()}
TRUTH = ["background"] * 4 + ["cut"] * 6
WRONG = ["background"] * 6 + ["cut"] * 4


@pytest.fixture
def root(write_ms_tcn_tree) -> Path:
    return write_ms_tcn_tree()


def write(path: Path, labels: list[str], fps: float | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(path, Labels.from_names(labels, fps=fps))
    return path


def collect(*sources: Path | tuple[str, Path], clips: Path | None = None, **selection: object) -> Collection:
    titled = [source if isinstance(source, tuple) else (None, source) for source in sources]
    return collect_videos(titled, Selection(**selection), clips)


def titles(collection: Collection) -> dict[str, list[str]]:
    return {video.name: [*video.read()] for video in collection.videos}


def test_a_cross_validation_has_every_video_once_with_the_scores_of_compare(root, tmp_path):
    folder = write_crossval(tmp_path / "ed_tcn", root, TEST_VIDEOS, 0.7)
    collection = collect(folder)
    assert [video.name for video in collection.videos] == sorted({*TEST_VIDEOS[1], *TEST_VIDEOS[2]})
    assert collection.classes == Classes(("background", "cut", "pour milk"), 0)
    assert collection.protocol == "lea"
    expected = score_run(read_run(folder))
    assert collection.scores == {"ed_tcn": expected.scores}
    for video in collection.videos:
        tracks = video.read()
        assert [*tracks] == ["truth", "ed_tcn"]
        assert {labels.fps for labels in tracks.values()} == {10}
        assert tracks["truth"].names() == truth_of(root, video.name)
        split = "1" if video.name in TEST_VIDEOS[1] else "2"
        assert video.scores == {"ed_tcn": expected.video_scores(split)[video.name]}
        assert (video.num_frames, video.fps) == (len(tracks["truth"]), 10)


def test_the_first_seed_counts_or_the_one_that_is_asked_for_and_the_title_says_which(root, tmp_path):
    folder = write_crossval(tmp_path / "run", root, TEST_VIDEOS, 0.7, seeds=(3, 5))
    assert [*collect(folder).scores] == ["run, seed 3"]
    assert [*collect(("mine", folder), seed=5).scores] == ["mine, seed 5"]


def test_a_video_that_is_tested_in_two_splits_has_a_track_of_each(root, tmp_path):
    folder = write_crossval(tmp_path / "run", root, {1: ["P02_tea"], 2: ["P01_soup", "P01_tea", "P02_tea"]}, 0.7)
    by_video = titles(collect(folder))
    assert by_video["P02_tea"] == ["truth", "run, split 1", "run, split 2"]
    assert by_video["P01_tea"] == ["truth", "run, split 2"]


def test_truth_and_labels_of_a_sampled_run_are_at_the_stored_rate_its_scores_are_not(root, tmp_path):
    preds = {name: truth_of(root, name) for name in TEST_VIDEOS[2]}
    preds[TEST_VIDEOS[2][0]][1] = "pour milk"  # a frame between those that are scored
    folder = write_network(tmp_path / "run", root, preds, split=2, sample_rate=2)
    collection = collect(folder)
    for video in collection.videos:
        assert [(len(labels), labels.fps) for labels in video.read().values()] == [(len(preds[video.name]), 10)] * 2
    assert collection.scores["run"]["accuracy"] == 100
    assert collect(folder, protocol="mstcn").scores["run"]["accuracy"] < 100


def test_a_folder_of_runs_is_all_of_them(root, tmp_path):
    for name, quality in (("ed_tcn", 0.5), ("ms_tcn", 1.0)):
        write_crossval(tmp_path / "gtea" / name, root, TEST_VIDEOS, quality)
    collection = collect(tmp_path / "gtea")
    assert [*collection.videos[0].read()] == ["truth", "ed_tcn", "ms_tcn"]
    assert collection.scores["ms_tcn"]["accuracy"] == 100
    assert [*collect(("mine", tmp_path / "gtea")).scores] == ["mine ed_tcn", "mine ms_tcn"]


def test_the_name_of_a_run_is_its_title_in_all_pictures(root, tmp_path):
    preds = {"P02_tea": truth_of(root, "P02_tea")}
    folder = write_network(tmp_path / "20260101-120000", root, preds, name="wide")
    assert [*collect(folder).scores] == ["wide"]
    assert [*collect(("mine", folder)).scores] == ["mine"]


def test_videos_of_a_run_without_prediction_or_truth_are_named_and_the_others_shown(root, tmp_path):
    folder = write_network(tmp_path / "run", root, {name: truth_of(root, name) for name in TEST_VIDEOS[2]}, split=2)
    gone, *others = TEST_VIDEOS[2]
    (folder / "predictions" / f"{gone}.npz").unlink()
    collection = collect(folder)
    assert [video.name for video in collection.videos] == sorted(others)
    assert collection.notes == [f"no predictions of {gone} in {folder}: run `segtcn test` again"]
    blind = write_network(tmp_path / "blind", root, {name: truth_of(root, name) for name in others}, has_truth=False)
    collection = collect(blind)
    assert {*map(tuple, titles(collection).values())} == {("blind",)}
    assert collection.notes == [f"no truth of {len(others)} of {len(others)} videos: {', '.join(sorted(others))}"]
    assert (collection.protocol, collection.scores) == (None, {})
    assert collect(blind, truth=root / "groundTruth").scores["blind"]["accuracy"] == 100


def test_a_cross_validation_that_still_runs_is_shown_as_far_as_it_is(root, tmp_path):
    folder = write_crossval(tmp_path / "run", root, TEST_VIDEOS, 0.7)
    (folder / "split2-seed0" / "run.json").unlink()
    collection = collect(folder)
    assert [video.name for video in collection.videos] == sorted(TEST_VIDEOS[1])
    assert "no run.json in" in collection.notes[0]


def test_files_alone_are_one_video_if_the_truth_or_the_clip_is_a_file(tmp_path):
    truth = write(tmp_path / "labels.txt", TRUTH)
    one, two = write(tmp_path / "one.txt", WRONG), write(tmp_path / "two.txt", TRUTH)
    clip = tmp_path / "tea.mp4"
    clip.write_bytes(b"")
    (video,) = collect(clip, one, ("MS-TCN", two), truth=truth).videos
    assert (video.name, video.clip, [*video.read()]) == ("tea", clip, ["truth", "one", "MS-TCN"])
    assert [video.scores[title]["accuracy"] for title in ("MS-TCN", "one")] == [100, 80]
    assert titles(collect(one, truth=truth)) == {"labels": ["truth", "prediction"]}


def test_files_alone_are_told_apart_by_name_where_nothing_joins_them(tmp_path):
    collection = collect(*[write(tmp_path / net / f"{name}.txt", TRUTH) for net in "ab" for name in ("tea", "soup")])
    assert titles(collection) == {"soup": ["a", "b"], "tea": ["a", "b"]}
    assert (collection.protocol, collection.scores) == (None, {})


def test_equal_titles_are_told_apart_and_none_is_taken_for_the_truth(tmp_path):
    folders = [write(tmp_path / folder / "tea.txt", TRUTH).parent for folder in ("x/net", "y/net", "truth")]
    assert titles(collect(*folders, truth=folders[2])) == {"tea": ["truth", "net", "net (2)", "truth (2)"]}


def test_a_track_without_a_rate_has_that_of_one_as_long(tmp_path):
    truth = write(tmp_path / "truth" / "tea.txt", TRUTH)
    prediction = write(tmp_path / "tea.csv", ["cut"] * 10, fps=5)
    for fps, expected in ((None, 5), (3, 3)):
        (video,) = collect(prediction, truth=truth, fps=fps).videos
        assert [labels.fps for labels in video.read().values()] == [expected, expected]


def test_classes_come_from_the_mapping_beside_the_truth_and_unknown_ones_follow(tmp_path):
    write(tmp_path / "data" / "groundTruth" / "tea.txt", TRUTH)
    (tmp_path / "data" / "mapping.txt").write_text("0 pour\n1 cut\n2 background\n")
    prediction = write(tmp_path / "preds" / "tea.txt", ["what?"] * 10)
    classes = collect(prediction, truth=tmp_path / "data" / "groundTruth").classes
    assert classes == Classes(("pour", "cut", "background", "what?"), 2)


def test_class_indexes_get_their_names_from_the_mapping(tmp_path):
    (tmp_path / "mapping.txt").write_text("0 background\n1 cut\n")
    np.save(tmp_path / "tea.npy", np.array([0, 1, 1]))
    (video,) = collect(tmp_path / "tea.npy").videos
    assert video.read()["prediction"].names() == ["background", "cut", "cut"]


def test_names_are_not_scored_against_indexes_that_have_none(tmp_path):
    write(tmp_path / "truth" / "tea.txt", TRUTH)
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "tea.npy", np.array([0] * 4 + [1] * 6))
    message = "tea.txt holds names of classes and .*tea.npy their indexes"
    with pytest.raises(ValueError, match=message):
        collect(tmp_path / "a", truth=tmp_path / "truth")
    with pytest.raises(ValueError, match=message):
        read_run(tmp_path / "a", Scoring(truth=tmp_path / "truth"))


def test_background_is_left_out_of_scores_as_asked_and_notes_say_when_it_was_guessed(tmp_path):
    truth = write(tmp_path / "t" / "tea.txt", TRUTH)
    prediction = write(tmp_path / "p" / "tea.txt", ["cut", *WRONG[1:]])
    guessed = collect(prediction, truth=truth)
    assert guessed.notes == ["scores by protocol lea with background as background (`background` names another)"]
    asked = collect(prediction, truth=truth, background="cut")
    assert (asked.classes.background, asked.notes) == (asked.classes.index["cut"], [])
    assert [collection.scores["prediction"]["edit"] for collection in (guessed, asked)] == [50, 100]


def test_clips_are_found_by_name_and_those_that_browsers_play_come_first(tmp_path):
    for name in ("P01/tea", "P02/tea", "soup"):
        write(tmp_path / "groundTruth" / f"{name}.txt", TRUTH)
    for name in ("P01/tea.avi", "P01/tea.mp4", "P02/tea.mkv"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).write_bytes(b"")
    collection = collect(truth=tmp_path / "groundTruth")  # `videos` lies beside the truth
    clips = {video.name: video.clip and video.clip.relative_to(tmp_path).as_posix() for video in collection.videos}
    assert clips == {"P01/tea": "videos/P01/tea.mp4", "P02/tea": "videos/P02/tea.mkv", "soup": None}
    assert collection.notes == ["no clip of 1 of 3 videos: soup"]


def test_a_prediction_of_another_length_has_no_scores_and_notes_say_why(tmp_path):
    for number in range(7):
        write(tmp_path / "truth" / f"{number}.txt", TRUTH)
        write(tmp_path / "net" / f"{number}.txt", TRUTH + ["cut"] * (number > 0))
    collection = collect(tmp_path / "net", truth=tmp_path / "truth")
    assert [[*video.scores] for video in collection.videos] == [["net"], *[[]] * 6]
    assert "net: no scores of 1, it has 11 labels and the truth 10" in collection.notes
    assert "net: no scores of 1 other videos, for the same reason" in collection.notes


def test_videos_without_truth_are_named(tmp_path):
    for name in ("net/tea", "net/soup", "net/milk", "truth/tea", "other/juice"):
        write(tmp_path / f"{name}.txt", TRUTH)
    assert "no truth of 2 of 3 videos: milk, soup" in collect(tmp_path / "net", truth=tmp_path / "truth").notes
    assert collect(tmp_path / "net", truth=tmp_path / "other").notes == ["no truth of 3 of 3 videos: milk, soup, tea"]
    assert collect(tmp_path / "net").notes == []


def test_videos_are_chosen_by_name(tmp_path):
    for name in ("tea", "soup"):
        write(tmp_path / "net" / f"{name}.txt", TRUTH)
    assert [*titles(collect(tmp_path / "net", videos=["tea"]))] == ["tea"]


@pytest.mark.parametrize(
    ("sources", "selection", "error", "message"),
    [
        (["nowhere"], {}, FileNotFoundError, "no file or folder .*nowhere: check the path"),
        (["empty"], {}, FileNotFoundError, "no label files in .*empty: expected one a video"),
        ([], {}, ValueError, "nothing to show: give predictions, or the truth"),
        (["truth"], {"fps": -1}, ValueError, r"rate of the labels \(`fps`\) must be positive, got -1"),
        (["truth"], {"fps": 1e-320}, ValueError, r"rate of the labels \(`fps`\) must be positive, got 9.99989e-321"),
        (["truth"], {"clips": "empty"}, FileNotFoundError, r"no clips in .*empty: expected \.mp4"),
        (["truth"], {"videos": ["milk"]}, ValueError, "no labels of the video milk: there are P01_soup, P01_tea"),
        (["run"], {"seed": 4}, ValueError, "has no seed 4: choose from 3, 5"),
        (["run"], {"truth": "truth/P01_tea.txt"}, ValueError, "is the truth of one video and .*run a run of many"),
        (["truth"], {"mapping": "mapping.txt"}, ValueError, r"\.txt: '.*' is not a known class"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path, root, sources, selection, error, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "mapping.txt").write_text("0 what?\n")
    (tmp_path / "truth").symlink_to(root / "groundTruth")
    write_crossval(tmp_path / "run", root, TEST_VIDEOS, 1.0, seeds=(3, 5))
    paths = {key: tmp_path / value if isinstance(value, str) else value for key, value in selection.items()}
    with pytest.raises(error, match=message):
        collect(*[tmp_path / source for source in sources], **paths)


def test_a_run_with_the_truth_in_a_folder_is_scored_against_that(root, tmp_path):
    run = write_crossval(tmp_path / "run", root, TEST_VIDEOS, 1.0)
    for name in TEST_VIDEOS[1]:
        write(tmp_path / "corrected" / f"{name}.txt", ["cut"] * len(truth_of(root, name)))
    collection = collect(run, truth=root / "groundTruth", background="background")
    assert (collection.scores["run"]["edit"], len(collection.videos)) == (100, 3)
    corrected = collect(run, truth=tmp_path / "corrected")
    assert corrected.scores["run"]["accuracy"] < 100
    assert {*corrected.videos[-1].read()["truth"].names()} == {"cut"}
