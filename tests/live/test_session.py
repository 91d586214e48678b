"""Live: files and real streams on loopback become the labels that `predict` gives, whatever happens to the source."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segtcn.extract import extract_videos, load_backbone
from segtcn.extract.extraction import Windows
from segtcn.live import LiveLabel, LiveRules, LiveSession, WaitingPictures
from segtcn.models import MSTCN, CausalTCN
from segtcn.segmenter import Segmenter
from tests.clips import frame_number, numbered_frame, turn_clockwise, write_clip
from tests.live.loopback import play, play_pictures, play_slowly, serving, stall_after
from tests.live.rtsp_camera import camera

FPS = 60
PATIENT = LiveRules(behind_s=60, timeout_s=1, retries=1, first_wait_s=0.05)
CAUSAL = {"in_channels": 278, "num_classes": 3, "hidden_channels": 4, "num_layers": 2}


def segmenter_of(net, fps=FPS, sample_rate=1, stride=1):
    extraction = {"backbone": {"name": "builtin", "width": 278}, "window": 1, "stride": stride, "padding": None}
    segmenter = Segmenter(net, ["rest", "cut", "pour"], fps, sample_rate, extraction=extraction).eval()
    segmenter.standardization.set(torch.full((278,), 0.1), torch.full((278,), 0.2))
    return segmenter


def session_of(source, segmenter=None, rules=PATIENT, **options) -> LiveSession:
    torch.manual_seed(0)
    segmenter = segmenter or segmenter_of(CausalTCN(**CAUSAL))
    return LiveSession(segmenter, str(source), load_backbone("builtin"), rules=rules, **options)


def labels_of(session: LiveSession) -> list[LiveLabel]:
    return [label for moment in session for label in moment.labels]


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", 24, FPS)


@pytest.fixture
def broadcast(tmp_path) -> bytes:
    return write_clip(tmp_path / "clip.ts", 24, FPS, g="6").read_bytes()


@pytest.mark.parametrize(("sample_rate", "stride"), [(1, 1), (3, 1), (1, 2), (3, 2)])
@pytest.mark.parametrize("looks_ahead", [False, True])
def test_a_file_gets_the_labels_of_its_features(clip, tmp_path, looks_ahead, sample_rate, stride):
    torch.manual_seed(1)
    net = MSTCN(278, 3, num_stages=1, num_layers=2, hidden_channels=4) if looks_ahead else CausalTCN(**CAUSAL)
    segmenter = segmenter_of(net, FPS / stride, sample_rate, stride)
    extract_videos({"clip": clip}, tmp_path / "features", load_backbone("builtin"), Windows(stride=stride))
    offline = segmenter.predict(np.load(tmp_path / "features" / "clip.npy"))[::sample_rate]
    session = session_of(clip, segmenter)
    spoken = labels_of(session)
    assert [label.label for label in spoken] == offline.names()
    np.testing.assert_allclose([label.confidence for label in spoken], offline.confidence, atol=1e-5)
    grid = stride * sample_rate
    assert [label.frame for label in spoken] == [*range(0, 24, grid)]
    assert [label.time_s for label in spoken] == pytest.approx([frame / FPS for frame in range(0, 24, grid)])
    assert session.num_dropped == 0
    assert session.extractor_latency_s == 0
    assert session.network_latency_s == pytest.approx(segmenter.stream().lookahead * stride / FPS)


def test_a_file_is_played_at_real_speed(clip):
    begin, times = time.monotonic(), []
    for moment in session_of(clip):
        times += [(time.monotonic() - begin, time_s) for time_s, _ in moment.pictures]
    assert len(times) == 24
    assert min(now - time_s for now, time_s in times) > -0.05


@pytest.mark.parametrize("rate", [FPS, 10])
def test_an_address_gets_the_labels_of_the_same_file(broadcast, tmp_path, rate):
    segmenter = segmenter_of(CausalTCN(**CAUSAL), fps=rate)
    offline = labels_of(session_of(tmp_path / "clip.ts", segmenter))
    with serving(play(broadcast)) as address:
        session = session_of(address, segmenter, LiveRules(60, 2, retries=0))
        spoken = labels_of(session)
    assert spoken[: len(offline)] == offline
    assert len(spoken) <= len(offline) + 1  # how long the last picture is shown, a stream does not say
    assert len(offline) == 24 * rate // FPS
    assert session.num_reconnections == 0


def test_an_rtsp_camera_is_labelled_and_when_it_comes_back_labelled_on(tmp_path):
    """The time of its first picture is not known; the others follow at their rate."""
    path = write_clip(tmp_path / "clip.h264", 30, FPS, g="6", bf="0", threads="1")
    with camera(path, FPS, connections=2) as address:
        session = session_of(address, rules=LiveRules(60, timeout_s=3, retries=1, first_wait_s=0.05))
        moments = [*session]
    numbers = [frame_number(picture) for moment in moments for _, picture in moment.pictures]
    times_s = [time_s for moment in moments for time_s, _ in moment.pictures]
    assert numbers == [*range(1, 30), *range(1, 30)]
    assert np.diff(times_s[:29]) == pytest.approx([1 / FPS] * 28)
    assert 29 / FPS < times_s[29] < 5
    assert sum(len(moment.labels) for moment in moments) == 58
    assert (session.num_reconnections, session.num_dropped) == (1, 0)


def test_a_source_that_breaks_off_gives_what_arrived(broadcast):
    with serving(play(broadcast[: len(broadcast) // 2], promised=len(broadcast))) as address:
        session = session_of(address, rules=LiveRules(60, 2, retries=0))
        assert 8 <= len(labels_of(session)) <= 14
    assert session.loss is not None


def test_pictures_without_a_clock_count_from_their_arrival():
    pictures = [cv2.imencode(".jpg", numbered_frame(number, 64, 48))[1].tobytes() for number in range(12)]
    kind = "multipart/x-mixed-replace;boundary=frame"
    with serving(play_pictures(pictures, fps=10), kind=kind) as address:
        spoken = labels_of(session_of(address, rules=LiveRules(60, 2, retries=0)))
    assert 0.7 < spoken[-1].time_s < 3.0  # FFmpeg's own count would be 0.44 s; it holds the first pictures back


def test_a_source_that_ends_early_and_comes_back_is_labelled_on(broadcast):
    with serving(play(broadcast), play(broadcast)) as address:
        session = session_of(address)
        spoken = labels_of(session)
    assert session.num_reconnections == 1
    assert len(spoken) == 48
    assert all(before.time_s < after.time_s for before, after in itertools.pairwise(spoken))
    # a new video begins: the same pictures, the same labels
    assert [label.label for label in spoken[:24]] == [label.label for label in spoken[24:]]
    assert f"cannot read {address}" in str(session.loss)


def test_after_a_lost_source_times_continue_by_the_clock(broadcast):
    """The second connection takes a second to give its first picture, which the first did not."""
    arrivals = []
    with serving(play(broadcast), play(broadcast, after_s=1)) as address:
        for moment in session_of(address, rules=LiveRules(60, timeout_s=5, retries=1, first_wait_s=0.05)):
            arrivals += [(time.monotonic(), time_s) for time_s, _ in moment.pictures]
    (begin_s, first_s), (again_s, later_s) = arrivals[0], arrivals[24]
    assert first_s == 0
    assert later_s == pytest.approx(again_s - begin_s, abs=0.4)
    assert later_s > 1


def test_a_source_that_stalls_and_continues_is_one_video(broadcast, tmp_path):
    offline = labels_of(session_of(tmp_path / "clip.ts"))
    middle = len(broadcast) // 376 * 188
    with serving(stall_after(broadcast[:middle], 0.8, rest=broadcast[middle:])) as address:
        session = session_of(address, rules=LiveRules(60, timeout_s=3, retries=0))
        spoken = labels_of(session)
    assert spoken[: len(offline)] == offline
    assert (session.num_dropped, session.num_reconnections) == (0, 0)


def test_a_source_that_stalls_is_given_up_after_its_tries(broadcast):
    with serving(stall_after(broadcast, 6)) as address:
        begin = time.monotonic()
        session = session_of(address, rules=LiveRules(60, timeout_s=0.6, retries=0))
        spoken = labels_of(session)
    assert time.monotonic() - begin < 5
    assert len(spoken) >= 20
    assert "says nothing for 0.6 s" in str(session.loss)


def test_an_address_that_does_not_answer_is_named_at_once():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/live"
    with pytest.raises(ConnectionError, match=r"cannot read http://127.* \(Connection refused\): check that it is"):
        labels_of(session_of(address))


def test_an_address_that_accepts_and_says_nothing_is_lost_after_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/live"
        with pytest.raises(ConnectionError, match=r"says nothing for 0\.3 s: is it running"):
            labels_of(session_of(address, rules=LiveRules(timeout_s=0.3)))


def test_sound_alone_does_not_keep_a_source(tmp_path):
    """The picture ends after 0.4 s, and the sound goes on in real time."""
    path = write_clip(tmp_path / "clip.ts", 24, FPS, sound="mp2", sound_s=6, g="6")
    with serving(play_slowly(path.read_bytes(), seconds=6)) as address:
        begin = time.monotonic()
        session = session_of(address, rules=LiveRules(60, timeout_s=0.6, retries=0))
        assert len(labels_of(session)) >= 20
    assert "gives no picture for 0.6 s" in str(session.loss)
    assert time.monotonic() - begin < 5


def test_stopping_does_not_wait_for_a_silent_source(broadcast):
    with serving(stall_after(broadcast, 6)) as address:
        session = session_of(address, rules=LiveRules(60, timeout_s=20))
        threading.Timer(1.0, session.stop).start()
        begin = time.monotonic()
        labels_of(session)
        assert time.monotonic() - begin < 4


def test_an_address_shows_upright_pictures_as_a_file_does(tmp_path):
    clip = turn_clockwise(write_clip(tmp_path / "clip.mp4", 12, FPS))
    offline = labels_of(session_of(clip))
    with serving(play(clip.read_bytes()), kind="video/mp4") as address:
        session = session_of(address, rules=LiveRules(60, 2, retries=0))
        shapes = {picture.shape for moment in session for _, picture in moment.pictures}
    assert shapes == {(160, 120, 3)}
    assert len(offline) == 12


def test_a_source_without_video_is_refused(tmp_path):
    import av

    with av.open(str(tmp_path / "sound.ts"), "w", format="mpegts") as container:
        track = container.add_stream("mp2", rate=32_000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.int16), "s16", "mono")
        samples.sample_rate, samples.pts = 32_000, 0
        container.mux(track.encode(samples))
        container.mux(track.encode(None))
    with (
        serving(play((tmp_path / "sound.ts").read_bytes())) as address,
        pytest.raises(ConnectionError, match="has no video stream, found audio: give the address of a video"),
    ):
        labels_of(session_of(address))
    with pytest.raises(ValueError, match="no video stream"):
        labels_of(session_of(tmp_path / "sound.ts"))
    with pytest.raises(FileNotFoundError, match="no video file"):
        labels_of(session_of(tmp_path / "nothing.mp4"))


def test_a_camera_that_is_not_there_is_named():
    with pytest.raises(ConnectionError, match="cannot read 97"):
        labels_of(session_of("97"))


def test_who_falls_behind_drops_pictures_counts_them_and_keeps_the_times(clip, monkeypatch):
    segmenter = segmenter_of(CausalTCN(**CAUSAL), sample_rate=2)
    session = session_of(clip, segmenter, LiveRules(behind_s=0.2))
    describe, described = session.backbone.describe, []

    def slow(frames, windows):
        described.append(1)
        time.sleep(0.4)
        return describe(frames, windows)

    monkeypatch.setattr(session.backbone, "describe", slow)
    spoken = labels_of(session)
    assert session.num_dropped > 0
    assert len(described) < 12  # of the network's frames, those dropped were not described
    frames = [label.frame for label in spoken]
    assert frames == [*range(0, 2 * len(frames), 2)]
    assert frames[-1] in (20, 22)  # a last picture beside the grid may have pushed out the one on it


def test_dropping_goes_to_the_newest_picture_of_the_grid():
    waiting = WaitingPictures(capacity=6, grid=3)
    for number in range(8):
        waiting.put(number, np.zeros((1, 1, 3), np.uint8))
    waiting.close()
    assert [number for number, _ in waiting] == [6, 7]


def test_stopping_speaks_what_waits_and_ends(tmp_path):
    net = MSTCN(278, 3, num_stages=1, num_layers=2, hidden_channels=4)
    session = session_of(write_clip(tmp_path / "clip.mp4", 24, 20), segmenter_of(net, 20))
    threading.Timer(0.6, session.stop).start()
    pictures, spoken = 0, 0
    for moment in session:
        pictures, spoken = pictures + len(moment.pictures), spoken + len(moment.labels)
    assert 0 < pictures < 24
    assert spoken == pictures


def test_unfit_segmenters_are_refused(clip):
    segmenter = segmenter_of(CausalTCN(**CAUSAL))
    segmenter.fps = None
    with pytest.raises(ValueError, match="does not say the rate of its features: give `fps`"):
        session_of(clip, segmenter)
    assert session_of(clip, segmenter, fps=5).fps == 5
    segmenter.fps = 10
    with pytest.raises(ValueError, match="`fps` must be positive, got 0"):
        session_of(clip, segmenter, fps=0)
    with pytest.raises(ValueError, match="the network was trained on 10 features a second, got 30: leave `fps` out"):
        session_of(clip, segmenter, fps=30)
    with pytest.raises(ValueError, match="the backbone makes 278 features and the network takes 8"):
        session_of(clip, Segmenter(CausalTCN(8, 3, 4, num_layers=2), fps=5).eval())
    with pytest.raises(ValueError, match="`retries` must be 0 or more, got -1"):
        LiveRules(retries=-1)
    with pytest.raises(ValueError, match="`timeout_s` must be positive, got nan"):
        LiveRules(timeout_s=float("nan"))
