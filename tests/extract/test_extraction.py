"""Windows, rates, pictures and files of `segtcn extract`, and what becomes of a folder of clips."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segtcn.extract import Backbone, FeatureFiles, Windows, extract_videos, find_videos, load_backbone
from segtcn.extract.descriptor import FEATURE_DIM, extract_features
from segtcn.extract.feature_files import common_settings, feature_file, find_record, write_record
from segtcn.extract.preprocessing import Preprocessing, parse_preprocessing, read_preprocessing
from segtcn.extract.rates import clip_rate, num_resampled, resample
from segtcn.extract.windows import OUTSIDE, num_features, thinned, window_batches
from segtcn.labels import find_clips
from segtcn.video_io import frame_times
from tests.clips import frame_number, write_clip

IRREGULAR_S = [0.0, 0.05, 0.2, 0.21, 0.5, 0.9, 1.0, 1.3]


class FrameNumbers(Backbone):
    """Features that say which frames they were made from, read from the stripes in the pictures; zeros are -1."""

    def __init__(self, window: int = 1, clip_frames: int | None = None) -> None:
        self.feature_dim, self.clip_frames = window, 1 if window == 1 and clip_frames is None else clip_frames
        self.settings = {"name": "numbers"}
        self.largest_batch = 0

    def prepare(self, frame: np.ndarray) -> torch.Tensor:
        return torch.tensor(float(frame_number(frame)))

    def describe(self, frames: Sequence[torch.Tensor], windows: np.ndarray) -> torch.Tensor:
        self.largest_batch = max(self.largest_batch, len(windows))
        return torch.stack([*frames, torch.tensor(-1.0)])[torch.from_numpy(windows)]


def slow_windows(numbers: list[int], window: int, stride: int, padding: str) -> list[list[int]]:
    """Pad the whole clip, then cut it."""
    before, after = window // 2, window - window // 2 - 1
    ends = (OUTSIDE, OUTSIDE) if padding == "zero" else (numbers[0], numbers[-1])
    padded = [ends[0]] * before + numbers + [ends[1]] * after
    return [padded[start : start + window] for start in range(0, len(numbers), stride)]


@given(st.integers(1, 40), st.integers(1, 24), st.integers(1, 9), st.integers(1, 7), st.sampled_from(["zero", "edge"]))
def test_windows_in_batches_are_those_of_the_whole_padded_clip(num_frames, window, stride, batch_size, padding):
    made = []
    for frames, windows in window_batches(range(100, 100 + num_frames), window, stride, padding, batch_size):
        assert 1 <= len(windows) <= batch_size
        assert len(frames) <= window + stride * (batch_size - 1)
        made += [[OUTSIDE if i == OUTSIDE else frames[i] for i in row] for row in windows]
    expected = slow_windows(list(range(100, 100 + num_frames)), window, stride, padding)
    assert made == expected
    assert len(made) == num_features(num_frames, stride)


def test_window_of_the_field_reaches_ten_frames_to_either_side():
    (_, windows), *_ = window_batches(range(50), 21, 1, "zero", 50)
    assert windows[25].tolist() == list(range(15, 36))
    assert windows[3].tolist() == [OUTSIDE] * 7 + list(range(14))


def test_only_one_batch_of_frames_is_kept():
    taken: list[int] = []

    def frames():
        for number in range(1000):
            taken.append(number)
            yield number

    for count, (some, _) in enumerate(window_batches(frames(), 21, 1, "zero", 4), start=1):
        assert len(some) <= 24
        assert len(taken) <= 4 * count + 10


@given(st.integers(1, 16), st.integers(0, 60))
def test_thinned_windows_are_even_and_centred(num_frames, more):
    positions = thinned(num_frames + more, num_frames)
    assert len(set(positions.tolist())) == num_frames
    assert abs(positions[0] - (num_frames + more - 1 - positions[-1])) <= 1
    assert np.ptp(np.diff(positions)) <= 1 if num_frames > 1 else True


def test_rounded_time_stamps_are_a_constant_rate():
    times = np.round(np.arange(5000) / 30, 3)
    assert clip_rate(times, 30) == (30, True)


@pytest.mark.parametrize("at", [1, 40, 98])
def test_a_single_dropped_frame_leaves_the_rate_constant(at):
    assert clip_rate(np.delete(np.round(np.arange(100) / 30, 3), at), 30) == (30, True)


def test_declared_rate_counts_where_a_camera_dropped_frames():
    times = np.delete(np.arange(100) / 30, [40, 41])
    assert clip_rate(times, 30) == (30, False)
    assert clip_rate(np.delete(np.arange(100) / 30, [20, 70]), 30) == (30, False)


def test_a_frame_beside_the_grid_is_no_dropped_one():
    times = np.delete(np.arange(100) / 30, 40)
    times[10] += 0.4 / 30
    assert clip_rate(times, 30) == (30, False)


def test_time_stamps_count_where_the_declared_rate_is_wrong():
    assert clip_rate(np.arange(100) / 25, 1000) == (25, True)
    rate = clip_rate(IRREGULAR_S, 1000)
    assert (rate.fps, rate.constant) == (pytest.approx(7 / 1.3), False)


@pytest.mark.parametrize("times", [[], [0.0], [0.0, 0.0]])
def test_clip_without_a_length_has_the_declared_rate(times):
    assert clip_rate(times, 25) == (25, True)


@given(st.integers(1, 200), st.integers(1, 8))
def test_every_kth_frame_comes_out_of_a_kth_of_the_rate(num_frames, factor):
    frames = [(round(i / 30, 3), i) for i in range(num_frames)]
    assert list(resample(frames, 30 / factor, 1 / 30)) == list(range(0, num_frames, factor))


@given(st.lists(st.floats(0.001, 0.3), max_size=40), st.floats(1, 120))
def test_resampled_frames_are_shown_at_their_moment(intervals, fps):
    times = np.cumsum([0.5, *intervals])
    made = list(resample(zip(times.tolist(), range(len(times)), strict=True), fps, last_s=0.04))
    assert len(made) == num_resampled(times[-1] - times[0], fps, 0.04)
    assert made == sorted(made)
    for count, index in enumerate(made):
        moment = times[0] + count / fps
        shown = int(np.searchsorted(times, moment + 1e-9, side="right")) - 1
        assert index == shown or (index == shown + 1 and times[index] - moment <= 0.5 / fps + 1e-9)


def test_long_still_is_held_until_the_next_frame():
    # the nearest frame would show the next picture from the middle of the still on
    assert list(resample([(0.0, "a"), (10.0, "b")], 1, 1)) == ["a"] * 10 + ["b"]


def test_picture_is_resized_cut_and_scaled():
    frame = np.zeros((40, 80, 3), np.uint8)
    frame[:, 26:54] = (0, 0, 255)  # red, in the order blue, green, red
    steps = Preprocessing(shortest_edge=20, crop=(10, 10), mean=(0.5, 0.5, 0.5), std=(0.5, 0.25, 1.0))
    picture = steps.picture(frame)
    assert (picture.shape, picture.dtype) == ((3, 10, 10), torch.uint8)
    values = steps.values(picture[None])[0]
    assert values.mean((1, 2)).tolist() == pytest.approx([1, -2, -0.5], abs=0.02)


def test_small_pictures_are_put_on_black():
    picture = Preprocessing(crop=(6, 6)).picture(np.full((4, 5, 3), 9, np.uint8))
    assert int((picture > 0).sum()) == 3 * 4 * 5


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"size": {"longest_edge": 3}}, "a size must be `shortest_edge` or `height` and `width`"),
        ({"size": {"shortest_edge": 10**9}}, "a size must be 1 to 4096 pixels, got 1000000000"),
        ({"size": {"shortest_edge": 0}}, "a size must be 1 to 4096 pixels, got 0"),
        ({"do_resize": True}, "a size must be .*, got None"),
        ({"do_center_crop": True, "crop_size": {"shortest_edge": 3}}, "`crop_size` must be a height and a width"),
        ({"resample": 1}, "`resample` must be 0"),
        ({"do_pad": True}, "the step 'do_pad' is not supported"),
        ({"image_mean": [1, 2], "image_std": [1, 1, 1]}, "`image_mean` must be three numbers"),
        ({"image_mean": [1, 2, "a"], "image_std": [1, 1, 1]}, "`image_mean` must be a number, got 'a'"),
        ({"image_mean": [0, 0, 0], "image_std": [1, 0, 1]}, "`image_std` must be positive"),
        ({"rescale_factor": float("nan")}, "`rescale_factor` must be a number, got nan"),
        ([1], r"must hold an object with .*, got list"),
    ],
)
def test_preprocessing_that_is_not_done_is_refused(tmp_path, config, message):
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=rf"preprocessor_config\.json.*{message}"):
        read_preprocessing(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000])
def test_broken_preprocessing_is_named(tmp_path, content):
    path = tmp_path / "preprocessor_config.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"preprocessor_config\.json is not JSON"):
        read_preprocessing(path)


def test_one_number_is_the_shorter_side_where_a_crop_follows():
    steps = parse_preprocessing({"size": 256, "crop_size": 224, "do_center_crop": True, "resample": 2})
    assert (steps.shortest_edge, steps.size, steps.crop) == (256, None, (224, 224))
    assert parse_preprocessing({"size": 224, "resample": 2}).size == (224, 224)


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


def test_frames_are_kept_as_they_are_decoded_where_that_is_wanted(tmp_path):
    times_s = [0.0, 0.04, 0.2, 0.24, 0.4, 0.8]
    clip = write_clip(tmp_path / "a.mp4", len(times_s), 25, times_s=times_s)
    backbone = load_backbone("builtin")
    assert extract_videos({"a": clip}, tmp_path / "made", backbone).made["a"]["resampled"]
    record = extract_videos({"a": clip}, tmp_path / "kept", backbone, Windows(fps="keep")).made["a"]
    assert (record["resampled"], record["shape"], record["source"]["frames"]) == (False, [278, 6], 6)
    with pytest.raises(ValueError, match=r"`fps` must be above 0 .*, 'keep' or None, got 'kept'"):
        Windows(fps="kept")


@pytest.mark.parametrize("window", [1, 2, 5, 21])
@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("padding", ["zero", "edge"])
def test_every_frame_has_the_feature_of_its_own_window(tmp_path, window, stride, padding):
    clip = write_clip(tmp_path / "a.mp4", 23, 25)
    backbone = FrameNumbers(window)
    options = Windows(window=window, stride=stride, padding=padding)
    result = extract_videos({"a": clip}, tmp_path / "out", backbone, options, batch_size=4)
    assert result.failed == {}
    features = np.load(tmp_path / "out" / "a.npy")
    assert features.T.tolist() == slow_windows(list(range(23)), window, stride, padding)
    assert backbone.largest_batch == 4
    record = result.made["a"]
    assert (record["shape"], record["fps"], record["resampled"]) == ([*features.shape], 25 / stride, False)
    assert record["source"]["frames"] == 23


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_containers_with_any_time_stamps_keep_their_frames(tmp_path, suffix):
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    clip = write_clip(tmp_path / f"a{suffix}", 40, 30, codec=codec)
    result = extract_videos({"a": clip}, tmp_path, FrameNumbers())
    assert np.load(tmp_path / "a.npy")[0].tolist() == list(range(40)), result
    assert result.made["a"]["fps"] == pytest.approx(30)


def test_variable_rate_is_brought_to_its_average_by_time_stamps(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", 8, times_s=IRREGULAR_S)
    result = extract_videos({"a": clip}, tmp_path / "average", FrameNumbers())
    record = result.made["a"]
    assert record["resampled"]
    assert record["fps"] == pytest.approx(8 / 1.4, rel=0.1)
    extract_videos({"a": clip}, tmp_path / "ten", FrameNumbers(), Windows(fps=10))
    numbers = np.load(tmp_path / "ten" / "a.npy")[0].tolist()
    #                0  .1 .2 .3 .4 .5 .6 .7 .8 .9  1 1.1 1.2 1.3
    assert numbers[:14] == [0, 1, 2, 3, 3, 4, 4, 4, 4, 5, 6, 6, 6, 7]


def test_asked_rate_takes_every_second_frame(tmp_path):
    clip = write_clip(tmp_path / "a.mkv", 31, 30)
    result = extract_videos({"a": clip}, tmp_path, FrameNumbers(), Windows(fps=15))
    assert np.load(tmp_path / "a.npy")[0].tolist() == list(range(0, 31, 2))
    assert result.made["a"]["fps"] == 15


def test_rounded_ntsc_rate_changes_nothing(tmp_path):
    from fractions import Fraction

    clip = write_clip(tmp_path / "a.mp4", 31, Fraction(30000, 1001))
    result = extract_videos({"a": clip}, tmp_path, FrameNumbers(), Windows(fps=29.97))
    assert not result.made["a"]["resampled"]


def test_builtin_features_are_those_of_the_extractor_whatever_the_batches(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", 19)
    backbone = load_backbone("builtin")
    extract_videos({"a": clip, "b": clip}, tmp_path, backbone, batch_size=4)
    for name in "ab":  # the second starts without the motion of the first
        assert np.array_equal(np.load(tmp_path / f"{name}.npy"), extract_features(clip).numpy())
    extract_videos({"c": clip}, tmp_path, backbone, Windows(stride=4))
    assert np.array_equal(np.load(tmp_path / "c.npy"), extract_features(clip).numpy()[:, ::4])
    assert backbone.feature_dim == FEATURE_DIM
    with pytest.raises(ValueError, match=r"builtin describes single frames: leave `window` out or take 1, got 21"):
        extract_videos({"d": clip}, tmp_path, backbone, Windows(window=21))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "`stride` must be at least 1"),
        ({"padding": "mirror"}, "`padding` must be zero or edge"),
        ({"fps": 0}, "`fps` must be above 0"),
        ({"fps": 1e9}, "`fps` must be above 0 and at most 1000"),
        ({"fps": float("nan")}, "`fps` must be above 0"),
        ({"window": 0}, "`window` must be at least 1"),
    ],
)
def test_wrong_windows_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        extract_videos({}, tmp_path, FrameNumbers(), Windows(**options))


def test_wrong_type_of_number_is_refused():
    with pytest.raises(ValueError, match="`dtype` must be float32 or float16, got 'int8'"):
        FeatureFiles(dtype="int8")


def test_window_shorter_than_the_clips_of_a_model_is_refused():
    backbone = FrameNumbers(clip_frames=16)
    assert backbone.checked_window(None) == 16
    assert backbone.checked_window(64) == 64
    with pytest.raises(ValueError, match="numbers takes 16 frames at once: choose a window of at least so many"):
        backbone.checked_window(8)
    assert FrameNumbers(window=5).checked_window(None) == 21


def test_failing_video_does_not_stop_the_others(tmp_path):
    good = write_clip(tmp_path / "good.mkv", 60)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    videos = {"text": text, "cut": cut, "good": good}
    result = extract_videos(videos, tmp_path / "out", FrameNumbers())
    assert list(result.made) == ["good"]
    assert set(result.failed) == {"text", "cut"}
    assert all(path.name in result.failed[name] for name, path in (("text", text), ("cut", cut)))
    assert {path.name for path in (tmp_path / "out").rglob("*")} == {"good.npy", "extraction", "good.json"}


def test_backbone_that_gives_another_number_of_vectors_is_an_error(tmp_path):
    class Lossy(FrameNumbers):
        def describe(self, frames, windows):
            return super().describe(frames, windows)[1:]

    result = extract_videos({"a": write_clip(tmp_path / "a.mp4", 9)}, tmp_path / "out", Lossy())
    assert "the backbone gave (8, 1) for 9 windows" in result.failed["a"]
    assert not (tmp_path / "out" / "a.npy").exists()


def test_memory_that_does_not_suffice_is_explained(tmp_path):
    class Large(FrameNumbers):
        def describe(self, frames, windows):
            raise torch.OutOfMemoryError("CUDA out of memory")

    result = extract_videos({"a": write_clip(tmp_path / "a.mp4", 9)}, tmp_path / "out", Large())
    assert result.failed["a"] == "out of memory with 16 windows at once: choose a smaller `batch_size`"


def test_packets_that_are_no_frames_are_noticed(tmp_path, monkeypatch):
    """As of interlaced transport streams with a packet for every field."""
    clip = write_clip(tmp_path / "a.mp4", 20, 25)
    monkeypatch.setattr(
        "segtcn.extract.extraction.frame_times", lambda path: np.arange(2 * len(frame_times(path))) / 50
    )
    result = extract_videos({"a": clip}, tmp_path / "out", FrameNumbers())
    assert "40 packets and 20 pictures in them: its rate may be 50 or 25" in result.failed["a"]
    assert not (tmp_path / "out" / "a.npy").exists()
    extract_videos({"a": clip}, tmp_path / "out", FrameNumbers(), Windows(fps=25))
    assert np.load(tmp_path / "out" / "a.npy")[0].tolist() == list(range(20))


def test_done_videos_are_skipped_only_if_they_were_made_so(tmp_path):
    clip, out = write_clip(tmp_path / "a.mp4", 9), tmp_path / "out"

    def again(windows: Windows | None = None, **options):
        return extract_videos({"a": clip}, out, FrameNumbers(), windows, files=FeatureFiles(**options))

    assert list(again().made) == ["a"]
    before = (out / "a.npy").stat().st_mtime_ns
    assert list(again().skipped) == ["a"]
    assert (out / "a.npy").stat().st_mtime_ns == before
    with pytest.raises(
        ValueError, match=r"a\.npy was made with stride 1, not 2: `overwrite` makes such features again"
    ):
        again(Windows(stride=2))
    with pytest.raises(ValueError, match=r"dtype 'float32', not 'float16'"):
        again(dtype="float16")
    assert list(again(Windows(stride=2), overwrite=True).made) == ["a"]
    assert np.load(out / "a.npy").shape == (1, 5)
    write_clip(clip, 12)
    with pytest.raises(ValueError, match=r"a\.npy was made with \d+ bytes of video, not \d+"):
        again(Windows(stride=2))


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"settings": {}}', b"\xff"])
def test_features_without_a_record_are_not_taken_for_done(tmp_path, content):
    clip = write_clip(tmp_path / "a.mp4", 9)
    np.save(tmp_path / "a.npy", np.zeros((1, 9), np.float32))
    if content is not None:
        (tmp_path / "extraction").mkdir()
        (tmp_path / "extraction" / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npy has no record that fits it"):
        extract_videos({"a": clip}, tmp_path, FrameNumbers())


def test_features_that_do_not_fit_their_record_are_not_taken_for_done(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", 9)
    extract_videos({"a": clip}, tmp_path, FrameNumbers())
    np.save(tmp_path / "a.npy", np.zeros((1, 8), np.float32))
    with pytest.raises(ValueError, match=r"a\.npy has no record that fits it"):
        extract_videos({"a": clip}, tmp_path, FrameNumbers())


def test_what_a_killed_process_had_begun_is_removed(tmp_path):
    (tmp_path / "out" / "extraction").mkdir(parents=True)
    for name in (".a.12.0123abcd.npy", "extraction/.a.12.0123abcd.json"):
        (tmp_path / "out" / name).touch()
    extract_videos({"a": write_clip(tmp_path / "a.mp4", 9)}, tmp_path / "out", FrameNumbers())
    assert not list((tmp_path / "out").rglob(".*"))


def test_interruption_leaves_nothing_half_written(tmp_path):
    class Interrupted(FrameNumbers):
        calls = 0

        def describe(self, frames, windows):
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            return super().describe(frames, windows)

    videos = {"a": write_clip(tmp_path / "a.mp4", 10), "b": write_clip(tmp_path / "b.mp4", 40)}
    with pytest.raises(KeyboardInterrupt):
        extract_videos(videos, tmp_path / "out", Interrupted())
    assert {path.name for path in (tmp_path / "out").rglob("*")} == {"a.npy", "extraction", "a.json"}
    result = extract_videos(videos, tmp_path / "out", FrameNumbers())
    assert (list(result.skipped), list(result.made)) == (["a"], ["b"])


@pytest.mark.parametrize("written", [False, True])
def test_a_signal_beside_the_record_lets_the_same_call_continue(tmp_path, monkeypatch, written):
    videos = {"a": write_clip(tmp_path / "a.mp4", 9)}

    def interrupted(*args):
        if written:
            write_record(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("segtcn.extract.extraction.write_record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            extract_videos(videos, tmp_path / "out", FrameNumbers())
    assert list(extract_videos(videos, tmp_path / "out", FrameNumbers()).made) == ["a"]


def test_old_record_does_not_stand_beside_new_features(tmp_path, monkeypatch):
    """As after a power failure between the two files."""
    clip = write_clip(tmp_path / "a.mp4", 9)
    extract_videos({"a": clip}, tmp_path, FrameNumbers())
    with monkeypatch.context() as patch:
        patch.setattr("segtcn.extract.extraction.write_record", lambda *args: 1 / 0)
        again = extract_videos({"a": clip}, tmp_path, FrameNumbers(), files=FeatureFiles(overwrite=True))
    assert list(again.failed) == ["a"]
    with pytest.raises(ValueError, match=r"a\.npy has no record that fits it"):
        extract_videos({"a": clip}, tmp_path, FrameNumbers())


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
