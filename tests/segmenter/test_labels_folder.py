"""The folder of predicted labels: what is written, skipped, replaced and left alone."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from segtcn.labels import Classes, read_labels
from segtcn.segmenter.file_prediction import PredictionOptions, predict_files
from tests.segmenter.feature_sources import segmenter_of, write_features


def test_each_video_gets_three_files_with_the_labels_of_predict(tmp_path):
    segmenter, path = segmenter_of(sample_rate=2), write_features(tmp_path / "tea.npy")
    result = predict_files(segmenter, {"P01/tea": path}, tmp_path / "out")
    assert result[:3] == (["P01/tea"], [], {})
    expected = segmenter.predict(np.load(path))
    for suffix in (".txt", ".csv", ".npz"):
        assert read_labels(tmp_path / "out" / f"P01/tea{suffix}").names() == expected.names()
    archive = read_labels(tmp_path / "out" / "P01/tea.npz")
    assert archive.fps == 10
    assert np.abs(archive.scores - expected.scores).max() < 1e-3
    assert Classes.read(tmp_path / "out" / "mapping.txt").names == ("rest", "cut", "pour")
    record = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert record["segmenter"] == segmenter.facts()
    assert record["sources"]["P01/tea"]["file"] == str(path)
    assert len(record["weights_sha256"]) == 64


def test_short_segments_go_where_the_options_say_so(tmp_path):
    path = write_features(tmp_path / "tea.npy", 60)
    predict_files(segmenter_of(), {"tea": path}, tmp_path / "out", PredictionOptions(min_duration_s=0.5))
    rows = read_labels(tmp_path / "out" / "tea.csv").rows()
    assert len(rows) == 1 or min(row.stop - row.start for row in rows) >= 5


def test_a_second_call_does_only_what_is_missing_or_has_changed(tmp_path):
    sources = {name: write_features(tmp_path / f"{name}.npy", length) for name, length in (("a", 20), ("b", 30))}
    predict_files(segmenter_of(), {"a": sources["a"]}, tmp_path / "out")
    (result,) = [predict_files(segmenter_of(), sources, tmp_path / "out")]
    assert (result.made, result.skipped) == (["b"], ["a"])
    (tmp_path / "out" / "b.csv").unlink()
    write_features(sources["a"], 25)
    assert predict_files(segmenter_of(), sources, tmp_path / "out").made == ["a", "b"]
    assert len(read_labels(tmp_path / "out" / "a.npz")) == 25


def test_a_source_that_was_moved_is_done_and_another_of_its_name_is_refused(tmp_path):
    path = write_features(tmp_path / "a" / "tea.npy")
    predict_files(segmenter_of(), {"tea": path}, tmp_path / "out")
    moved = path.rename(tmp_path / "tea.npy")
    assert predict_files(segmenter_of(), {"tea": moved}, tmp_path / "out").skipped == ["tea"]
    other = write_features(tmp_path / "b" / "tea.npy", 20)
    with pytest.raises(ValueError, match=r"tea\.txt has the labels of .*, and .*b/tea\.npy has the same name: choose"):
        predict_files(segmenter_of(), {"tea": other}, tmp_path / "out")
    assert len(read_labels(tmp_path / "out" / "tea.npz")) == 30
    assert predict_files(segmenter_of(), {"tea": other}, tmp_path / "out", overwrite=True).made == ["tea"]


def test_overwriting_leaves_no_labels_of_other_weights(tmp_path):
    sources = {name: write_features(tmp_path / f"{name}.npy") for name in "ab"}
    predict_files(segmenter_of(), sources, tmp_path / "out")
    only_a = {"a": sources["a"]}
    with pytest.raises(ValueError, match=r"weights_sha256 .* or give the source of b, too"):
        predict_files(segmenter_of(seed=1), only_a, tmp_path / "out", overwrite=True)
    assert predict_files(segmenter_of(), only_a, tmp_path / "out", overwrite=True).made == ["a"]
    assert predict_files(segmenter_of(), sources, tmp_path / "out").skipped == ["a", "b"]


def test_labels_that_were_made_otherwise_are_not_mixed(tmp_path):
    sources = {"a": write_features(tmp_path / "a.npy")}
    predict_files(segmenter_of(), sources, tmp_path / "out")
    with pytest.raises(ValueError, match=r"were made with weights_sha256 .*: choose another `out`, or let `overwrite`"):
        predict_files(segmenter_of(seed=1), sources, tmp_path / "out")
    with pytest.raises(ValueError, match=r"were made with options min_duration_s 0\.0, not 0\.5: choose another"):
        predict_files(segmenter_of(), sources, tmp_path / "out", PredictionOptions(min_duration_s=0.5))
    assert predict_files(segmenter_of(seed=1), sources, tmp_path / "out", overwrite=True).made == ["a"]
    (tmp_path / "out" / "prediction.json").write_text("{")
    with pytest.raises(ValueError, match=r"prediction\.json is damaged .*: choose another `out`"):
        predict_files(segmenter_of(), sources, tmp_path / "out")


@pytest.mark.parametrize("name", ["a.txt", "mapping.txt"])
def test_files_of_somebody_else_are_not_replaced(tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("0 truth\n")
    sources = {"a": write_features(tmp_path / "a.npy")}
    with pytest.raises(FileExistsError, match=f"{name} is there and was not made here: choose another `out`"):
        predict_files(segmenter_of(), sources, tmp_path / "out")
    assert (tmp_path / "out" / name).read_text() == "0 truth\n"


@pytest.mark.parametrize("inner", ["", "more"])
def test_test_predictions_of_a_run_stay(tmp_path, inner):
    (tmp_path / "run" / "predictions").mkdir(parents=True)
    (tmp_path / "run" / "run.json").touch()
    with pytest.raises(ValueError, match="holds the predictions of a run, which stay: choose another `out`"):
        predict_files(segmenter_of(), {}, tmp_path / "run" / "predictions" / inner)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("run", r"run is the folder of a run: choose another `out`, such as .*run/labels"),
        ("run/checkpoints", r"holds the checkpoints of a run"),
        ("data", r"mapping\.txt is there and was not made here"),
        ("data/groundTruth", r"groundTruth belongs to the data set .*data: choose another `out`"),
    ],
)
def test_folders_of_runs_and_data_sets_stay(tmp_path, place, message):
    for name in ("run/run.json", "data/mapping.txt", "data/groundTruth/soup.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    sources = {"tea": write_features(tmp_path / "tea.npy")}
    with pytest.raises((ValueError, FileExistsError), match=message):
        predict_files(segmenter_of(), sources, tmp_path / place)
    assert predict_files(segmenter_of(), sources, tmp_path / "data" / "labels").made == ["tea"]


def test_no_video_replaces_the_list_of_classes(tmp_path):
    path = write_features(tmp_path / "mapping.npy")
    with pytest.raises(ValueError, match=r"mapping\.npy would become mapping\.txt, the list of the classes: rename it"):
        predict_files(segmenter_of(), {"mapping": path}, tmp_path / "out")


def test_temporary_features_of_a_killed_process_are_removed(tmp_path):
    out = tmp_path / "out"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for process in (ended.pid, os.getpid()):
        (out / f".features-{platform.node()}-{process}-abc").mkdir(parents=True)
    predict_files(segmenter_of(), {"tea": write_features(tmp_path / "tea.npy")}, out)
    assert [path.name for path in out.glob(".*")] == [f".features-{platform.node()}-{os.getpid()}-abc"]


def test_what_a_killed_process_had_begun_is_removed(tmp_path):
    (tmp_path / "out").mkdir()
    for name in ("tea.12.0123abcd.npz", "prediction.12.0123abcd.json", "other.12.0123abcd.npz"):
        (tmp_path / "out" / f".{name}").touch()
    predict_files(segmenter_of(), {"tea": write_features(tmp_path / "tea.npy")}, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").glob(".*")] == [".other.12.0123abcd.npz"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(PermissionError, match=r"cannot make the folder .*out .*: choose another `out`"):
        predict_files(segmenter_of(), {}, tmp_path / "out")
