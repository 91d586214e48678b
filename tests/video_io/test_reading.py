from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from segtcn.video_io import frame_times, probe, read_frames, read_planes
from tests.clips import frame_number, numbered_frame, turn_clockwise, write_clip
from tests.video_io.contents import NTSC, numbers_and_times


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(25), NTSC, Fraction(24000, 1001), Fraction(15, 2)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_clip_is_read_frame_by_frame_at_its_exact_rate(tmp_path: Path, fps: Fraction, suffix: str) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", 20, fps)
    info = probe(path)
    assert (info.num_frames, info.width, info.height, info.has_audio, info.rotation) == (20, 160, 120, False, 0)
    # Matroska stores the frame interval in nanoseconds and timestamps in milliseconds
    assert info.fps == fps if suffix == ".mp4" else float(info.fps) == pytest.approx(float(fps), rel=1e-6)
    assert info.duration_s == pytest.approx(float(20 / fps), abs=2e-3)
    numbers, times_s = numbers_and_times(path)
    assert numbers == list(range(20))
    assert times_s == pytest.approx([float(i / fps) for i in range(20)], abs=1e-3)


def test_pictures_of_h264_in_avi_have_increasing_times(tmp_path):
    """AVI stores no time of presentation, and H.264 decodes pictures in another order."""
    path = write_clip(tmp_path / "clip.avi", 30, 20, bf="3")
    times_s, pictures = zip(*read_frames(path), strict=True)
    assert [frame_number(picture) for picture in pictures] == [*range(30)]
    assert np.diff(times_s) == pytest.approx([0.05] * 29)
    assert times_s == pytest.approx(frame_times(path).tolist())


def test_a_picture_is_not_a_clip(tmp_path):
    import cv2

    (tmp_path / "clip.mp4").write_bytes(cv2.imencode(".png", numbered_frame(1, 64, 48))[1].tobytes())
    with pytest.raises(ValueError, match=r"clip\.mp4 has no video stream: expected a video, found a single picture"):
        probe(tmp_path / "clip.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_times_from_packets_equal_the_decoded_ones(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", 30, NTSC, codec="mpeg4" if suffix == ".avi" else "libx264")
    np.testing.assert_allclose(frame_times(path), numbers_and_times(path)[1], atol=1e-9)


def test_portrait_clip_of_a_telephone_comes_upright(tmp_path: Path) -> None:
    path = turn_clockwise(write_clip(tmp_path / "clip.mp4", 5))
    info = probe(path)
    assert (info.width, info.height, info.rotation) == (120, 160, 270)
    frames = [frame for _, frame in read_frames(path)]
    assert [frame_number(np.rot90(frame)) for frame in frames] == [0, 1, 2, 3, 4]


def test_real_clips(shared_data: Path) -> None:
    info = probe(shared_data / "clips" / "one-by-one-person-detection.mp4")
    assert (info.fps, info.num_frames, info.width, info.height) == (10, 1394, 768, 432)
    assert info.duration_s == pytest.approx(139.4)
    signs = sorted((shared_data / "clips" / "intel_asl_gestures").glob("*.mkv"))
    assert len(signs) == 20
    for path in signs[:3]:
        info = probe(path)
        assert (info.fps, info.width, info.height) == (30, 640, 480)
        times_s, frames = zip(*read_frames(path), strict=True)
        assert len(frames) == info.num_frames
        np.testing.assert_allclose(frame_times(path), times_s)
        assert all(frame.shape == (480, 640, 3) for frame in frames)


def unreadable(folder: Path, kind: str) -> Path:
    """A file that is not a complete video, in one of many ways."""
    path = folder / f"{kind}.mp4"
    if kind == "text":
        path.write_text("take\npour\n" * 100)
    elif kind == "terminal":  # FFmpeg takes the ending .txt for art made of letters
        path = folder / "labels.txt"
        path.write_text("take\npour\n" * 100)
    elif kind == "nothing":
        path.touch()
    elif kind == "sound":
        with av.open(str(path), "w") as container:
            track = container.add_stream("aac", rate=32_000)
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            samples.sample_rate = 32_000
            container.mux(track.encode(samples))
            container.mux(track.encode(None))
    elif kind == "no frames":
        content = write_clip(path, 10).read_bytes()
        path.write_bytes(content[: content.index(b"mdat") + 4])
    elif kind == "no index":
        content = write_clip(folder / "whole.mov", 10).read_bytes()
        path.write_bytes(content[: content.index(b"moov") - 4])
    elif kind == "hole":
        content = bytearray(write_clip(path, 60, sound="aac").read_bytes())
        middle = len(content) // 2
        content[middle : middle + 400] = bytes(400)
        path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("text", "cannot be decoded as video .*expected a complete file that FFmpeg can read, got 1000 bytes"),
        ("terminal", "has no video stream: expected a video, .*give a video file"),
        ("nothing", "cannot be decoded as video .*got 0 bytes"),
        ("sound", "has no video stream: expected a video, found audio; give a video file"),
        ("no frames", "promises 0.40 s of video and has not one frame to decode"),
        ("no index", "cannot be decoded as video .*damaged, truncated or something else"),
        ("hole", "is damaged or truncated: it cannot be decoded after [0-9]+ frames .*copy or download it again"),
    ],
)
def test_file_that_is_no_complete_video_is_named(tmp_path: Path, kind: str, message: str) -> None:
    path = unreadable(tmp_path, kind)
    with pytest.raises(ValueError, match=f"{path.name} {message}") as caught:
        list(read_frames(path))
    assert not isinstance(caught.value, av.FFmpegError)
    if kind != "hole":  # its first frame is fine
        with pytest.raises(ValueError, match=path.name):
            probe(path)


@pytest.mark.parametrize(
    ("name", "share"),
    # the last fifth of this AVI is its index; without it all frames are still there
    [(f"clip.{kind}", share) for kind in ("mp4", "mkv", "avi") for share in (0.3, 0.6, 0.8, 0.9, 0.97)][:-2],
)
def test_truncated_clip_is_noticed(tmp_path: Path, name: str, share: float) -> None:
    path = write_clip(tmp_path / name, 300, codec="mpeg4" if name.endswith("avi") else "libx264")
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(
        ValueError, match=f"{name} (is truncated: it promises|is damaged or truncated|cannot be decoded)"
    ):
        list(read_frames(path))


@pytest.mark.parametrize("function", [probe, read_frames, frame_times])
def test_missing_file_is_named_at_once(tmp_path: Path, function: object) -> None:
    with pytest.raises(FileNotFoundError, match=r"no video file .*absent\.mp4: check the path"):
        function(tmp_path / "absent.mp4")  # type: ignore[operator]


def as_pictures(path: Path, **arguments: object) -> list[int]:
    """Numbers of the frames that `read_planes` gives, read from their brightness."""
    return [frame_number(planes.y[..., None]) for _, planes in read_planes(path, **arguments)]  # type: ignore[arg-type]


def test_planes_are_what_the_file_stores(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 10)
    assert as_pictures(path) == list(range(10))
    with av.open(str(path)) as container:
        stored = next(container.decode(video=0)).to_ndarray()  # (H * 3 / 2, W)
    _, planes = next(read_planes(path))
    assert (planes.y == stored[:120]).all()
    assert (planes.u.ravel() == stored[120:150].ravel()).all()
    assert (planes.v.ravel() == stored[150:].ravel()).all()


def test_planes_are_upright_and_scaled(tmp_path: Path) -> None:
    path = turn_clockwise(write_clip(tmp_path / "clip.mp4", 5))
    _, planes = next(read_planes(path, size=(60, 80)))
    assert (planes.y.shape, planes.u.shape) == ((80, 60), (40, 30))
    assert [frame_number(np.rot90(planes.y)[..., None]) for _, planes in read_planes(path)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("start_s", [0.01, 3.0, 9.9])
def test_reading_may_begin_later(tmp_path: Path, suffix: str, start_s: float) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", 250, 25, codec="mpeg4" if suffix == ".avi" else "libx264", g="25")
    times_s, planes = zip(*read_planes(path, start_s=start_s), strict=True)
    assert times_s[0] <= start_s
    assert suffix in (".ts", ".avi") or times_s[0] > start_s - 3
    numbers = [frame_number(picture.y[..., None]) for picture in planes]
    assert numbers == list(range(numbers[0], 250))
    np.testing.assert_allclose(times_s, frame_times(path)[numbers[0] :], atol=1e-6)


def test_pixels_that_are_not_square_are_told(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "clip.mp4", 3, size=(144, 112), pixel_aspect=Fraction(16, 11)))
    assert (info.width, info.height, info.pixel_aspect, info.shown_size) == (144, 112, Fraction(16, 11), (209, 112))
    turned = probe(turn_clockwise(write_clip(tmp_path / "up.mp4", 3, size=(144, 112), pixel_aspect=Fraction(16, 11))))
    assert turned.pixel_aspect == Fraction(11, 16)


def test_of_several_moving_pictures_the_first_is_used_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25, width=32 * scale, height=32) for scale in (1, 2)]
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame(stream.width, stream.height, "yuv420p")))
            container.mux(stream.encode())
    with pytest.warns(UserWarning, match="two.mp4 holds 2 moving pictures: the first one is used"):
        assert probe(path).width == 32


def test_cut_transport_stream_is_noticed_unless_it_ends_between_packets(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.ts", 100)
    content = path.read_bytes()
    assert len(frame_times(path)) == 100
    path.write_bytes(content[: len(content) * 2 // 3 // 188 * 188 + 100])
    with pytest.raises(ValueError, match=r"clip\.ts is truncated: it ends within a packet after \d\.\d+ s"):
        frame_times(path)
    with pytest.raises(ValueError, match=r"clip\.ts is (truncated|damaged or truncated)"):
        list(read_frames(path))
