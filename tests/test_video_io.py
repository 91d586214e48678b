from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from segtcn.video_io import ClipWriter, frame_times, probe, read_frames
from tests.clips import frame_number, numbered_frame, write_clip

NTSC = Fraction(30000, 1001)
IRREGULAR_S = [0.0, 0.05, 0.2, 0.21, 0.5, 0.9, 1.0, 1.3]


def copied(source: Path, target: Path) -> Path:
    """Every frame of a clip, at its time and with its sound, through the writer."""
    info = probe(source)
    with ClipWriter(target, info.fps, info.width, info.height, audio_from=source) as writer:
        for time_s, frame in read_frames(source):
            writer.write(frame, time_s)
    return target


def numbers_and_times(path: Path) -> tuple[list[int], list[float]]:
    frames = [(frame_number(frame), time_s) for time_s, frame in read_frames(path)]
    return [number for number, _ in frames], [time_s for _, time_s in frames]


def sound(path: Path) -> tuple[str, np.ndarray, int]:
    """Codec, wave and sampling rate of the sound track."""
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        wave = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(track)])
        return track.codec_context.name, wave, track.rate


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


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_times_from_packets_equal_the_decoded_ones(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", 30, NTSC, codec="mpeg4" if suffix == ".avi" else "libx264")
    np.testing.assert_allclose(frame_times(path), numbers_and_times(path)[1], atol=1e-9)


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(25), NTSC, Fraction(15, 2), Fraction(120000, 1001)])
def test_written_clip_has_the_rate_the_frames_and_the_codec_that_browsers_play(tmp_path: Path, fps: Fraction) -> None:
    path = tmp_path / "out.mp4"
    with ClipWriter(path, fps, 160, 120) as writer:
        for number in range(20):
            writer.write(numbered_frame(number, 160, 120))
    assert probe(path).fps == fps
    numbers, times_s = numbers_and_times(path)
    assert numbers == list(range(20))
    assert times_s == pytest.approx([float(i / fps) for i in range(20)], abs=1e-6)
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_range) == (1, 1)  # BT.709, 16 to 235
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # plays before it is complete


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_constant_rate_stays_exact_through_rounded_timestamps(tmp_path: Path, suffix: str) -> None:
    source = write_clip(tmp_path / f"clip{suffix}", 50, 30)
    target = copied(source, tmp_path / "out.mp4")
    assert probe(target).fps == 30
    assert numbers_and_times(target)[1] == pytest.approx([i / 30 for i in range(50)], abs=1e-6)


def test_variable_rate_keeps_its_timestamps(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", 8, times_s=IRREGULAR_S)
    target = copied(source, tmp_path / "out.mp4")
    numbers, times_s = numbers_and_times(target)
    assert numbers == list(range(8))
    assert times_s == pytest.approx(IRREGULAR_S, abs=2e-4)
    assert probe(target).duration_s > IRREGULAR_S[-1]  # or players would leave out the last frame


def test_frames_with_the_same_time_stay_in_order(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with ClipWriter(path, Fraction(25), 160, 120) as writer:
        for number, time_s in enumerate([0.0, 0.04, 0.04, 0.08]):
            writer.write(numbered_frame(number, 160, 120), time_s)
    assert numbers_and_times(path)[0] == [0, 1, 2, 3]


def test_colours_survive(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    blue_green_red = np.array([[200, 40, 30], [30, 180, 40], [60, 70, 210], [128, 128, 128]], np.uint8)
    frame = np.repeat(np.repeat(blue_green_red[None], 64, axis=0), 32, axis=1)
    with ClipWriter(path, Fraction(25), 128, 64) as writer:
        writer.write(frame)
    _, decoded = next(read_frames(path))
    centres = decoded[32, 16::32].astype(int)
    assert np.abs(centres - blue_green_red).max() <= 6


@pytest.mark.parametrize(("width", "height"), [(161, 121), (161, 120), (160, 121), (1, 1)])
def test_odd_sizes_get_one_more_column_or_row(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "out.mp4"
    frame = np.full((height, width, 3), 90, np.uint8)
    with ClipWriter(path, Fraction(25), width, height) as writer:
        writer.write(frame)
    _, decoded = next(read_frames(path))
    assert decoded.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(decoded.astype(int) - 90).max() <= 4


@pytest.mark.parametrize(
    ("name", "video", "codec", "kept"),
    [
        ("clip.mp4", "libx264", "aac", "aac"),
        ("clip.avi", "mpeg4", "mp3", "mp3float"),
        ("clip.mkv", "libx264", "ac3", "aac"),  # MP4 holds AC-3, but Chromium does not play it
        ("clip.mov", "libx264", "pcm_s16le", "aac"),
    ],
)
def test_sound_is_kept(tmp_path: Path, name: str, video: str, codec: str, kept: str) -> None:
    source = write_clip(tmp_path / name, 50, 25, codec=video, sound=codec)
    target = copied(source, tmp_path / "out.mp4")
    assert probe(target).has_audio
    found, wave, rate = sound(target)
    assert found == kept
    assert len(wave) / rate == pytest.approx(2, abs=0.1)
    spectrum = np.abs(np.fft.rfft(wave))
    assert np.argmax(spectrum) * rate / len(wave) == pytest.approx(440, abs=2)
    assert numbers_and_times(target)[0] == list(range(50))


def test_sound_and_picture_lie_side_by_side_in_the_file(tmp_path: Path) -> None:
    # long: the muxer itself sorts what is less than ten seconds apart
    target = copied(write_clip(tmp_path / "clip.mp4", 300, 5, sound="aac"), tmp_path / "out.mp4")
    with av.open(str(target)) as container:
        packets = sorted((p for p in container.demux() if p.dts is not None), key=lambda packet: packet.pos)
        kinds = [(float(packet.dts * packet.time_base), packet.stream.type) for packet in packets]
    # a player that streams the file never has to wait long for one of them
    latest = {"video": 0.0, "audio": 0.0}
    for time_s, kind in kinds:
        latest[kind] = time_s
        assert abs(latest["video"] - latest["audio"]) < 2.5
    assert len(kinds) > 400


def test_sound_that_is_longer_than_the_picture_is_kept_to_its_end(tmp_path: Path) -> None:
    target = copied(write_clip(tmp_path / "clip.mp4", 25, 25, sound="aac", sound_s=3.0), tmp_path / "out.mp4")
    _, wave, rate = sound(target)
    assert len(wave) / rate == pytest.approx(3, abs=0.1)


def test_delay_of_the_picture_against_the_sound_is_kept(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", 10, times_s=[1 + i / 25 for i in range(10)], sound="aac")
    target = copied(source, tmp_path / "out.mp4")
    assert numbers_and_times(source)[1] == pytest.approx([1 + i / 25 for i in range(10)], abs=1e-3)
    assert numbers_and_times(target)[1] == pytest.approx([1 + i / 25 for i in range(10)], abs=1e-3)


def test_portrait_clip_of_a_telephone_comes_upright(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", 5)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # version 0: 40 bytes from the flags to the display matrix
    # a clockwise quarter turn of ISO/IEC 14496-12: x' = -y, y' = x
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
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
    """A file that is no complete video, in one of many ways."""
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


def test_truncated_copy_of_a_real_clip_is_noticed(tmp_path: Path, shared_data: Path) -> None:
    whole = shared_data / "clips" / "intel_asl_gestures" / "again.mkv"
    path = tmp_path / "again.mkv"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"again\.mkv is (truncated: it promises 2\.60 s|damaged or truncated)"):
        list(read_frames(path))


@pytest.mark.parametrize("function", [probe, read_frames, frame_times])
def test_missing_file_is_named_at_once(tmp_path: Path, function: object) -> None:
    with pytest.raises(FileNotFoundError, match=r"no video file .*absent\.mp4: check the path"):
        function(tmp_path / "absent.mp4")  # type: ignore[operator]


def test_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"

    def write_half() -> None:
        with ClipWriter(path, Fraction(25), 160, 120) as writer:
            for number in range(60):
                writer.write(numbered_frame(number, 160, 120))
            assert not path.exists()
            raise RuntimeError("the network failed")

    with pytest.raises(RuntimeError, match="the network failed"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_clip_without_frames_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got no frames, expected at least one"):  # noqa: SIM117
        with ClipWriter(tmp_path / "out.mp4", Fraction(25), 160, 120):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("out.avi", Fraction(25), 8, 8), ValueError, r"the name must end in \.mp4"),
        (("out.mp4", Fraction(0), 8, 8), ValueError, "`fps` must be positive, got 0"),
        (("out.mp4", Fraction(25), 0, 8), ValueError, "at least 1 pixel, got 0 x 8"),
        (("absent/out.mp4", Fraction(25), 8, 8), FileNotFoundError, "there is no folder .*absent; create it"),
        (("out.mp4", Fraction(25), 8, 8, "absent.mp4"), FileNotFoundError, r"no video file absent\.mp4"),
        (("out.mp4", Fraction(25), 8, 8, __file__), ValueError, "the sound of .* cannot be read"),
    ],
)
def test_wrong_outputs_are_refused_before_any_work(
    tmp_path: Path, arguments: tuple, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):  # noqa: SIM117
        with ClipWriter(tmp_path / arguments[0], *arguments[1:]):
            pytest.fail("the block ran")  # pragma: no cover
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("frame", "time_s", "message"),
    [
        (np.zeros((8, 9, 3), np.uint8), None, r"expected a frame \(8, 8, 3\) uint8, got \(8, 9, 3\) uint8"),
        (np.zeros((8, 8, 3)), None, r"got \(8, 8, 3\) float64"),
        (np.zeros((8, 8, 3), np.uint8), 0.5, "must come in order: 0.5000 s comes after 1.0000 s"),
    ],
)
def test_wrong_frames_are_refused(tmp_path: Path, frame: np.ndarray, time_s: float | None, message: str) -> None:
    with ClipWriter(tmp_path / "out.mp4", Fraction(25), 8, 8) as writer:
        writer.write(np.zeros((8, 8, 3), np.uint8), 1.0)
        with pytest.raises(ValueError, match=message):
            writer.write(frame, time_s)


def test_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise av.error.OSError(28, "No space left on device")

    def write() -> None:
        with ClipWriter(tmp_path / "out.mp4", Fraction(25), 8, 8) as writer:
            monkeypatch.setattr(writer, "_container", type("Full", (), {"mux": fail})())
            writer.write(np.zeros((8, 8, 3), np.uint8))

    with pytest.raises(
        OSError, match=r"cannot write .*out\.mp4: No space left on device; is the disk full\?"
    ) as caught:
        write()
    assert not isinstance(caught.value, av.FFmpegError)
    assert list(tmp_path.iterdir()) == []
