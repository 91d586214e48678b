"""Files of features: how they are stored and named, and the records beside them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from segtcn.extract import FeatureFiles, extract_videos, find_videos, load_backbone
from segtcn.extract.feature_files import common_settings, feature_file, find_record, write_record
from segtcn.labels import find_clips
from tests.clips import write_clip


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_file_is_turned_block_by_block(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr("segtcn.extract.feature_files.BLOCK_BYTES", 300)
    features = np.random.default_rng(0).standard_normal((37, 11)).astype(np.float32)
    with feature_file(tmp_path / "a.npy", dtype) as file:
        for start in range(0, 37, 5):
            file.append(features[start : start + 5])
    stored = np.load(tmp_path / "a.npy")
    assert (stored.dtype, stored.flags.c_contiguous) == (dtype, True)
    np.testing.assert_array_equal(stored, features.T.astype(dtype))


@pytest.mark.parametrize(("value", "why"), [(np.nan, "are NaN or infinite"), (70_000, "are too large for float16")])
def test_numbers_that_cannot_be_stored_are_refused(tmp_path, value, why):
    features = np.zeros((4, 3), np.float32)
    features[2, 1] = value

    def write():
        with feature_file(tmp_path / "a.npy", "float16") as file:
            file.append(np.zeros((4, 3), np.float32))
            file.append(features)

    with pytest.raises(ValueError, match=f"features of frame 6 {why}"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_names_are_those_of_the_files(tmp_path):
    (tmp_path / "P01" / "deep").mkdir(parents=True)
    for name in ("P01/b.x.mp4", "P01/deep/ä 1.MKV", "P01/._b.x.mp4", "a.avi", "notes.txt"):  # `._`: of macOS, no video
        (tmp_path / name).touch()
    assert list(find_videos([tmp_path])) == ["b.x", "ä 1", "a"]
    assert list(find_videos([tmp_path, tmp_path / "a.avi"])) == ["b.x", "ä 1", "a"]  # twice counts once
    assert list(find_videos([tmp_path / "notes.txt"])) == ["notes"]  # given by its name: any ending


def test_clips_for_features_are_clips_for_labels_too(tmp_path):
    for ending in ("mp4", "m2ts", "3gp", "mjpeg", "wmv"):
        (tmp_path / f"{ending}.{ending}").touch()
    assert find_videos([tmp_path]) == find_clips(tmp_path)
    assert len(find_clips(tmp_path)) == 5


def test_same_names_are_refused_or_kept_apart_by_their_folder(tmp_path):
    for folder in ("P01", "P02"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tea.mp4").write_bytes(folder.encode())
    with pytest.raises(
        ValueError, match=r"P01.tea\.mp4 and .*P02.tea\.mp4 would both become tea\.npy: .*`relative_to`"
    ):
        find_videos([tmp_path])
    assert list(find_videos([tmp_path], relative_to=tmp_path)) == ["P01/tea", "P02/tea"]
    (tmp_path / "P01" / "tea.mkv").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"would both become P01/tea\.npy: rename one"):
        find_videos([tmp_path], relative_to=tmp_path)


def test_videos_outside_the_folder_of_names_are_refused(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ValueError, match=r"does not lie below `relative_to`"):
        find_videos([tmp_path / "inside" / ".." / "a.mp4"], relative_to=tmp_path / "inside")


def test_missing_files_and_empty_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no video file or folder .*nothing\.mp4"):
        find_videos([tmp_path / "nothing.mp4"])
    with pytest.raises(ValueError, match=r"no video in "):
        find_videos([tmp_path])


def test_folder_that_cannot_be_made_is_named(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", 2)
    with pytest.raises(PermissionError, match=r"cannot make the folder .*a\.mp4 \(file exists\): choose another `out`"):
        extract_videos({"a": clip}, clip, load_backbone("builtin"))


def test_wrong_type_of_number_is_refused():
    with pytest.raises(ValueError, match="`dtype` must be float32 or float16, got 'int8'"):
        FeatureFiles(dtype="int8")


def test_records_of_a_folder_say_how_all_its_features_were_made(tmp_path):
    assert common_settings(tmp_path) is None
    clips = {name: write_clip(tmp_path / f"{name.replace('/', '-')}.mp4", 10) for name in ("a", "P01/b")}
    extract_videos(clips, tmp_path / "out", load_backbone("builtin"))
    settings = common_settings(tmp_path / "out")
    assert (settings["backbone"]["name"], settings["window"], settings["stride"]) == ("builtin", 1, 1)
    np.save(tmp_path / "out" / "a.npy", np.zeros((4, 3)))  # of somebody else: its record no longer counts
    write_record(tmp_path / "out", "a", read_json(tmp_path / "out" / "extraction" / "a.json") | {"settings": {}})
    assert common_settings(tmp_path / "out") == settings
    assert find_record(tmp_path / "out" / "a.npy") is None
    assert find_record(tmp_path / "out" / "P01" / "b.npy")["settings"] == settings


def test_records_that_differ_or_cannot_be_read_are_warned_of(tmp_path):
    write_record(tmp_path, "a", {"settings": {"window": 1}})
    (tmp_path / "extraction" / "b.json").write_text("[")
    with pytest.warns(UserWarning, match=r"b\.json is not a record of `segtcn extract` .*: passed over"):
        assert common_settings(tmp_path) == {"window": 1}
    write_record(tmp_path, "b", {"settings": {"window": 21}})
    with pytest.warns(UserWarning, match=r"made in more than one way \(b: window 1, not 21\)"):
        assert common_settings(tmp_path) is None


def read_json(path):
    return json.loads(path.read_text())
