"""What becomes of a folder of clips: features at the right rate, failures, and calls that continue another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from segtcn.extract import Backbone, FeatureFiles, Windows, extract_videos, load_backbone
from segtcn.extract.descriptor import FEATURE_DIM, extract_features
from segtcn.extract.feature_files import write_record
from segtcn.video_io import frame_times
from tests.clips import IRREGULAR_S, frame_number, write_clip
from tests.reference.windows import slow_windows


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
