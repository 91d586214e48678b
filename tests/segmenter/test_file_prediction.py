"""Labels for files: what is read and refused, and that one bad video does not stop the others."""

from __future__ import annotations

import io
import os
import re
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from segtcn.extract import Windows, extract_videos, load_backbone
from segtcn.labels import read_labels
from segtcn.segmenter import Segmenter
from segtcn.segmenter.clip_features import ClipFeatures, load_recorded_backbone
from segtcn.segmenter.file_prediction import find_sources, predict_files
from tests.clips import write_clip
from tests.segmenter.feature_sources import FRAMES, segmenter_of, write_features

BUILTIN = {"name": "builtin", "width": 278}
EXTRACTION = {"backbone": BUILTIN, "window": 1, "stride": 2, "padding": None, "fps": None, "dtype": "float32"}


def npy_bytes(array: np.ndarray, version: tuple[int, int]) -> bytes:
    np.lib.format.write_array(content := io.BytesIO(), array, version)
    return content.getvalue()


def failure(tmp_path: Path, path: Path, segmenter: Segmenter | None = None) -> str:
    result = predict_files(segmenter or segmenter_of(), {"video": path}, tmp_path / "out")
    assert not result.made
    assert not list((tmp_path / "out").glob("video.*"))
    return result.failed["video"]


def test_sources_are_features_and_clips_of_files_and_folders(tmp_path):
    write_features(tmp_path / "a" / "tea.npy", fps=10)
    for name in ("a/b/soup.MP4", "a/notes.txt", "a/.hidden.npy", "a/.folder/x.npy"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    sources = find_sources([tmp_path / "a", tmp_path / "a" / "tea.npy"])
    assert sources.files == {"soup": tmp_path / "a/b/soup.MP4", "tea": tmp_path / "a/tea.npy"}
    assert sources.passed_over == [tmp_path / "a/notes.txt"]
    assert [*find_sources([tmp_path / "a"], tmp_path).files] == ["a/b/soup", "a/tea"]


def test_labels_within_the_folder_of_the_sources_are_not_sources(tmp_path):
    path = write_features(tmp_path / "tea.npy")
    predict_files(segmenter_of(), {"tea": path}, tmp_path / "labels")
    (tmp_path / "labels" / "tea.mp4").touch()
    assert find_sources([tmp_path]) == ({"tea": path}, [])


def test_links_and_pipes_in_a_folder_are_listed_or_followed(tmp_path):
    file = write_features(tmp_path / "elsewhere" / "tea.npy")
    (folder := tmp_path / "in").mkdir()
    (folder / "tea.npy").symlink_to(file)
    (folder / "more").symlink_to(tmp_path / "elsewhere")
    (folder / "lost.npy").symlink_to(tmp_path / "nothing")
    os.mkfifo(folder / "pipe.npy")
    others = [folder / name for name in ("lost.npy", "more", "pipe.npy")]
    assert find_sources([folder]) == ({"tea": folder / "tea.npy"}, others)
    with pytest.raises(ValueError, match=r"pipe\.npy is neither features"):
        find_sources([folder / "pipe.npy"])


def test_sources_that_are_not_there_or_of_one_name_are_refused(tmp_path):
    write_features(tmp_path / "a" / "tea.npy")
    (tmp_path / "a" / "tea.mp4").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"tea\.mp4 and .*tea\.npy would both become tea: give one of them"):
        find_sources([tmp_path / "a"])
    with pytest.raises(FileNotFoundError, match=r"no features \(\.npy\) and no clips .* in .*b"):
        find_sources([tmp_path / "b"])
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*c: check the path"):
        find_sources([tmp_path / "c"])
    with pytest.raises(ValueError, match=r"notes\.txt is neither features \(\.npy\) nor a clip"):
        find_sources([tmp_path / "b" / "notes.txt"])


def test_a_video_that_fails_does_not_stop_the_others(tmp_path):
    sources = {name: write_features(tmp_path / f"{name}.npy") for name in "abc"}
    features = np.load(sources["b"])
    features[1, 17] = np.nan
    np.save(sources["b"], features)
    result = predict_files(segmenter_of(), sources, tmp_path / "out")
    assert result.made == ["a", "c"]
    assert result.failed == {"b": f"{sources['b']}: `features` must be finite, got NaN or infinity in frame 17"}


@pytest.mark.parametrize(
    "save",
    [
        lambda path, array: np.save(path, array.astype(">f4")),
        lambda path, array: np.save(path, array.astype(np.longdouble)),
        lambda path, array: np.save(path, np.asfortranarray(array)),
        lambda path, array: path.write_bytes(npy_bytes(array, (3, 0))),
    ],
)
def test_features_are_read_however_their_numbers_are_stored(tmp_path, save):
    path = write_features(tmp_path / "tea.npy")
    expected = segmenter_of().predict(path).names()
    save(path, np.load(path))
    assert segmenter_of().predict(path).names() == segmenter_of().predict(np.load(path)).names() == expected


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda features: 255 * features,
            r"lie \d+ standard deviations from the training features: are they of another",
        ),
        (lambda features: features / 255, r"vary 0\.00\d times as much as the training features: are they of another"),
    ],
)
def test_features_of_another_unit_get_a_note(tmp_path, change, note):
    segmenter, path = segmenter_of(extraction=FRAMES), write_features(tmp_path / "tea.npy", 100, fps=10.0)
    segmenter.standardization.set(torch.full((4,), 0.5), torch.full((4,), 1.5))
    assert predict_files(segmenter, {"tea": path}, tmp_path / "out").notes == []
    np.save(path, change(np.load(path)))
    assert re.search(note, predict_files(segmenter, {"tea": path}, tmp_path / "out").notes[0])


def test_features_with_time_first_are_turned_with_a_note(tmp_path):
    path = write_features(tmp_path / "tea.npy", 30)
    expected = segmenter_of().predict(np.load(path)).names()
    np.save(path, np.load(path).T)
    result = predict_files(segmenter_of(), {"tea": path}, tmp_path / "out")
    assert f"{path} is (30, 4), taken as (T, D)" in result.notes
    assert read_labels(tmp_path / "out" / "tea.txt").names() == expected


def test_what_is_assumed_of_features_without_a_record_is_said_once(tmp_path):
    sources = {name: write_features(tmp_path / f"{name}.npy") for name in "ab"}
    sources["c"] = write_features(tmp_path / "c.npy", fps=10.0)
    result = predict_files(segmenter_of(extraction=FRAMES), sources, tmp_path / "out")
    assert result.notes == [
        f"no record of how they were made fits 2 feature files, such as {sources['a']}: assumed to be made like the "
        "training features, at their rate (10 a second)"
    ]
    result = predict_files(segmenter_of(fps=None), {"a": sources["a"]}, tmp_path / "unknown")
    assert "fits 1 feature file, such as" in result.notes[0]
    assert "at their rate (which is unknown)" in result.notes[0]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 30)), r"video\.npy: `features` must have the shape \(4, T\) with T >= 1, got \(5, 30\)"),
        (np.zeros((4, 0)), r"video\.npy: `features` must have the shape \(4, T\) with T >= 1, got \(4, 0\)"),
        (np.zeros(4), r"video\.npy must hold features, numbers \(D, T\), got float64 \(4,\)"),
    ],
)
def test_features_that_do_not_fit_are_named(tmp_path, array, message):
    np.save(tmp_path / "video.npy", array)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(failure(tmp_path, tmp_path / "video.npy"))


def test_features_at_a_multiple_of_the_rate_are_sub_sampled(tmp_path):
    """The network sees 5 a second, every 2nd of 10: of features at 15 a second it must see every 3rd."""
    segmenter = segmenter_of(sample_rate=2, extraction=FRAMES)
    path = write_features(tmp_path / "tea.npy", 31, fps=15.0)
    assert predict_files(segmenter, {"tea": path}, tmp_path / "out").failed == {}
    labels = read_labels(tmp_path / "out" / "tea.npz")
    expected = segmenter_of(fps=5).predict(np.load(path)[:, ::3]).indexes.repeat(3)[:31]
    assert labels.indexes.tolist() == expected.tolist()
    assert labels.fps == 15


@pytest.mark.parametrize("fps", [12.0, 2.5])
def test_features_at_another_rate_are_refused(tmp_path, fps):
    segmenter = segmenter_of(sample_rate=2, extraction=FRAMES)
    message = failure(tmp_path, write_features(tmp_path / "tea.npy", fps=fps), segmenter)
    assert f"features at {fps:g} a second do not fit a network that sees 5: give features at 10 a second" in message


@pytest.mark.parametrize(
    ("settings", "fps", "message"),
    [
        ({"backbone": {"name": "other"}}, 10.0, "are made with backbone name 'other', not 'pictures' as those"),
        ({"window": 21, "padding": "edge"}, 10.0, "are made with window 21, not 1; padding 'edge', not None as those"),
    ],
)
def test_features_of_another_extractor_are_refused(tmp_path, settings, fps, message):
    path = write_features(tmp_path / "tea.npy", fps=fps, **settings)
    assert message in failure(tmp_path, path, segmenter_of(extraction=FRAMES))


def test_a_file_is_compared_with_its_record_in_python_too(tmp_path):
    segmenter = segmenter_of(sample_rate=2, extraction=FRAMES)  # sees 5 a second
    path = write_features(tmp_path / "tea.npy", 31, fps=15.0)
    labels, expected = segmenter.predict(path), segmenter.predict(np.load(path), fps=15)
    assert (labels.fps, labels.indexes.tolist()) == (15, expected.indexes.tolist())
    with pytest.raises(ValueError, match=r"tea\.npy has 15 features a second by its record, got `fps` 10"):
        segmenter.predict(str(path), fps=10)
    with pytest.raises(ValueError, match="`fps` must be positive"):
        segmenter.predict(write_features(tmp_path / "milk.npy"), fps=0)
    with pytest.raises(ValueError, match="features at 12 a second do not fit a network that sees 5"):
        segmenter.predict(write_features(tmp_path / "soup.npy", fps=12.0))
    with pytest.raises(ValueError, match="are made with backbone name 'other', not 'pictures'"):
        segmenter.predict(write_features(tmp_path / "rice.npy", fps=10.0, backbone={"name": "other"}))


def test_windows_over_frames_at_another_rate_are_refused(tmp_path):
    """Every 2nd of these features comes at the right time, and from a window of half the duration."""
    settings = FRAMES | {"window": 21, "padding": "zero"}
    path = write_features(tmp_path / "tea.npy", fps=20.0, window=21, padding="zero")
    message = failure(tmp_path, path, segmenter_of(extraction=settings))
    assert "are made with 20 frames a second, not 10 as those that the network" in message
    path = write_features(tmp_path / "soup.npy", fps=20.0, window=21, padding="zero")
    segmenter = segmenter_of(extraction=settings | {"stride": 2})  # the same windows, every 2nd left out
    assert predict_files(segmenter, {"soup": path}, tmp_path / "out").failed == {}


def test_a_clip_has_the_labels_of_features_made_by_hand(tmp_path):
    clip = write_clip(tmp_path / "tea.mp4", 40, fps=20)
    segmenter = segmenter_of(278, extraction=EXTRACTION)
    extract_videos({"tea": clip}, tmp_path / "features", load_backbone("builtin"), Windows(stride=2))
    by_hand = segmenter.predict(tmp_path / "features" / "tea.npy")
    result = predict_files(segmenter, find_sources([clip]).files, tmp_path / "out")
    assert result == (["tea"], [], {}, [])
    labels = read_labels(tmp_path / "out" / "tea.npz")
    assert (len(labels), labels.fps) == (20, 10)
    assert labels.names() == by_hand.names() == segmenter.predict_video(clip).names()
    assert not list((tmp_path / "out").glob(".*"))
    predict_files(segmenter, {"tea": tmp_path / "features" / "tea.npy"}, tmp_path / "again")
    assert read_labels(tmp_path / "again" / "tea.txt").names() == labels.names()


def test_a_clip_at_another_rate_is_brought_to_that_of_the_training_clips(tmp_path):
    clip = write_clip(tmp_path / "tea.mp4", 50, fps=25)
    result = predict_files(segmenter_of(278, extraction=EXTRACTION), {"tea": clip}, tmp_path / "out")
    assert result.notes == [f"{clip} was brought to 20 frames a second by time stamps"]
    assert len(read_labels(tmp_path / "out" / "tea.npz")) == 20


def test_a_picture_that_begins_after_the_sound_is_noted(tmp_path):
    times_s = [0.5 + number / 20 for number in range(20)]
    clip = write_clip(tmp_path / "tea.mp4", 20, fps=20, times_s=times_s, sound="aac", sound_s=1.5)
    result = predict_files(segmenter_of(278, extraction=EXTRACTION), {"tea": clip}, tmp_path / "out")
    assert result.notes == [f"the picture of {clip} begins at 0.50 s, and times count from there"]


def test_a_clip_of_which_every_frame_is_kept_must_have_the_rate_of_the_training_clips(tmp_path):
    segmenter = segmenter_of(278, extraction=EXTRACTION | {"fps": "keep"})
    labels = segmenter.predict_video(write_clip(tmp_path / "tea.mp4", 40, fps=20))
    assert (len(labels), labels.fps) == (20, 10)
    fast = write_clip(tmp_path / "fast.mp4", 40, fps=40)
    assert "fast.mp4 are made with 40 frames a second, not 20 as those" in failure(tmp_path, fast, segmenter)


def test_clips_that_cannot_be_extracted_are_named(tmp_path):
    known = segmenter_of(278, extraction=EXTRACTION)
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        track = container.add_stream("aac", rate=32_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 32_000
        container.mux([*track.encode(frame), *track.encode(None)])
    assert "sound.mp4 has no video stream" in failure(tmp_path, tmp_path / "sound.mp4", known)
    message = "the checkpoint does not say how its features were made: extract features yourself and give them, or"
    assert failure(tmp_path, write_clip(tmp_path / "tea.mp4", 10), segmenter_of(278)).startswith(message)
    with pytest.raises(FileNotFoundError, match=r"no clip .*coffee.mp4: check the path"):
        known.predict_video(tmp_path / "coffee.mp4")


def test_a_backbone_that_is_not_that_of_the_checkpoint_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"builtin is not the one that made the features .*: width 300, not 278"):
        load_recorded_backbone(BUILTIN | {"width": 300})
    with pytest.raises(FileNotFoundError, match=r"the features were made with 'i3d.onnx': say where it lies"):
        load_recorded_backbone({"name": "i3d.onnx", "sha256": "0"})


def test_the_backbone_is_loaded_once(tmp_path, monkeypatch):
    loads = []
    monkeypatch.setattr(
        "segtcn.segmenter.clip_features.load_backbone", lambda *a, **k: loads.append(a) or load_backbone("builtin")
    )
    clips = [write_clip(tmp_path / f"{name}.mp4", 10) for name in "ab"]
    with closing(ClipFeatures(EXTRACTION, 10)) as features:
        for clip in clips:
            path, fps = features.extract(clip)
            assert (fps, np.load(path).shape) == (10, (278, 4))
    assert len(loads) == 1
    assert not os.path.exists(path)
