from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from segtcn.video_io import ClipWriter, ColorTags, Excerpt, Planes, Sound, probe, read_frames, read_planes
from segtcn.video_io.animation import write_animation
from tests.clips import numbered_frame, write_clip
from tests.video_io.contents import IRREGULAR_S, NTSC, copied, numbers_and_times, sound


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
    ("name", "video", "codec"),
    [
        ("clip.mp4", "libx264", "aac"),
        ("clip.avi", "mpeg4", "mp3"),
        ("clip.mkv", "libx264", "ac3"),  # MP4 holds AC-3, but Chromium does not play it
        ("clip.mkv", "libx264", "flac"),
        ("clip.mov", "libx264", "pcm_s16le"),
    ],
)
def test_sound_is_kept_as_aac(tmp_path: Path, name: str, video: str, codec: str) -> None:
    source = write_clip(tmp_path / name, 50, 25, codec=video, sound=codec)
    target = copied(source, tmp_path / "out.mp4")
    assert probe(target).has_audio
    found, wave, rate = sound(target)
    assert found == "aac"
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


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_error_while_writing_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "out.mp4"

    def write_half() -> None:
        with ClipWriter(path, Fraction(25), 160, 120) as writer:
            for number in range(60):
                writer.write(numbered_frame(number, 160, 120))
            assert not path.exists()
            raise error("the network failed")

    with pytest.raises(error, match="the network failed"):
        write_half()
    with (
        pytest.raises(ValueError, match="got no frames, expected at least one"),
        ClipWriter(path, Fraction(25), 160, 120),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("out.avi", Fraction(25), 8, 8), ValueError, r"the name must end in \.mp4"),
        (("out.mp4", Fraction(0), 8, 8), ValueError, "`fps` must be positive, got 0"),
        (("out.mp4", Fraction(25), 0, 8), ValueError, "at least 1 pixel, got 0 x 8"),
        (("absent/out.mp4", Fraction(25), 8, 8), FileNotFoundError, "there is no folder .*absent; create it"),
        (("out.mp4", Fraction(25), 8, 8, Sound("absent.mp4")), FileNotFoundError, r"no video file absent\.mp4"),
        (("out.mp4", Fraction(25), 8, 8, Sound(__file__)), ValueError, "the sound of .* cannot be read"),
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


@pytest.mark.parametrize("pixels", ["yuv444p", "yuvj420p", "yuv420p10le", "bgr0", "gray"])
def test_planes_of_every_format_keep_their_colours(tmp_path: Path, pixels: str) -> None:
    path = tmp_path / "clip.mkv"
    color = (90, 90, 90) if pixels == "gray" else (200, 90, 30)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1" if pixels != "yuvj420p" else "mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), color, np.uint8), format="bgr24")
        container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))
    _, shown = next(read_frames(path))
    info = probe(path)
    target = tmp_path / "out.mp4"
    with ClipWriter(target, info.fps, 64, 48, colors=info.colors) as writer:
        for time_s, planes in read_planes(path):
            writer.write_planes(planes, time_s=time_s)
    _, copy = next(read_frames(target))
    assert np.abs(copy[24, 32].astype(int) - shown[24, 32]).max() <= 5
    with av.open(str(target)) as container:
        assert container.streams.video[0].pix_fmt == "yuv420p"  # not "yuvj420p", the full range


def test_tags_give_the_numbers_that_the_encoder_makes_of_colours(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for color in rng.integers(0, 256, (5, 3)).tolist():
        path = tmp_path / "out.mp4"
        with ClipWriter(path, Fraction(25), 64, 48, quality=0) as writer:
            writer.write(np.full((48, 64, 3), color[::-1], np.uint8))
        _, planes = next(read_planes(path))
        found = [int(plane[10, 10]) for plane in planes]
        assert np.abs(np.subtract(found, ColorTags().planes(tuple(color)))).max() <= 1


def grey(rows: int, columns: int) -> Planes:
    half = (rows + 1) // 2, (columns + 1) // 2
    return Planes(np.full((rows, columns), 90, np.uint8), np.full(half, 128, np.uint8), np.full(half, 128, np.uint8))


def test_parts_are_written_above_each_other(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    top = Planes(np.full((8, 33), 200, np.uint8), *grey(8, 33)[1:])
    with ClipWriter(path, Fraction(25), 33, 23) as writer:
        writer.write_planes(top, grey(15, 33))
        for wrong in [(grey(8, 33),), (top, grey(15, 34)), (grey(15, 33), top)]:
            with pytest.raises(ValueError, match=r"expected parts that make up \(23, 33\), even but the last, got"):
                writer.write_planes(*wrong)
    _, planes = next(read_planes(path))
    assert planes.y.shape == (24, 34)
    assert np.abs(planes.y[:8].astype(int) - 200).max() <= 6
    assert np.abs(planes.y[8:].astype(int) - 90).max() <= 6


def test_pictures_are_refused_where_numbers_mean_other_colours(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"written with the colours of BT\.709, got ColorTags\(matrix=6"),
        ClipWriter(tmp_path / "out.mp4", Fraction(25), 8, 8, colors=ColorTags(matrix=6)) as writer,
    ):
        writer.write(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.0, 2.0, 3.5])
@pytest.mark.parametrize("codec", ["aac", "ac3"])
def test_sound_of_an_excerpt_at_another_speed_keeps_its_pitch(tmp_path: Path, speed: float, codec: str) -> None:
    source = write_clip(tmp_path / "clip.mkv", 150, 25, sound=codec)
    target = tmp_path / "out.mp4"
    with ClipWriter(target, Fraction(25), 160, 120, Sound(source, Excerpt(1.0, 5.0, speed))) as writer:
        for number in range(round(100 / speed)):
            writer.write(numbered_frame(number, 160, 120))
    _, wave, rate = sound(target)
    assert len(wave) / rate == pytest.approx(4 / speed, abs=0.15)
    middle = wave[len(wave) // 4 : -len(wave) // 4]
    assert np.argmax(np.abs(np.fft.rfft(middle))) * rate / len(middle) == pytest.approx(440, abs=4)


def test_sound_of_an_excerpt_is_that_of_its_time(tmp_path: Path) -> None:
    """A click at 3 s is heard 1 s after the beginning at 2 s."""
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream, track = container.add_stream("libx264", rate=25), container.add_stream("aac", rate=32_000)
        stream.width, stream.height, track.layout = 64, 48, "mono"
        wave = np.zeros(32_000 * 5, np.float32)
        wave[32_000 * 3 : 32_000 * 3 + 640] = 0.9 * np.sin(np.arange(640) / 5)
        for start in range(0, len(wave), 1024):
            samples = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "fltp", "mono")
            samples.sample_rate, samples.pts, samples.time_base = 32_000, start, Fraction(1, 32_000)
            container.mux(track.encode(samples))
        for _ in range(125):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="bgr24")))
        container.mux(stream.encode(None))
        container.mux(track.encode(None))
    for speed in (1.0, 2.0):
        target = tmp_path / "out.mp4"
        with ClipWriter(target, Fraction(25), 64, 48, Sound(path, Excerpt(2.0, 4.0, speed))) as writer:
            for _ in range(round(50 / speed)):
                writer.write(np.zeros((48, 64, 3), np.uint8))
        _, heard, rate = sound(target)
        assert np.argmax(np.abs(heard)) / rate == pytest.approx(1 / speed, abs=0.06)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animation_has_the_frames_times_and_colours_of_its_clip(tmp_path: Path, suffix: str) -> None:
    from PIL import Image

    clip, output = tmp_path / "clip.mp4", tmp_path / f"out{suffix}"
    colors = [(30, 60, 200), (40, 180, 30), (210, 70, 60)]
    with ClipWriter(clip, Fraction(10), 64, 48, quality=4) as writer:
        for color in colors:
            writer.write(np.full((48, 64, 3), color, np.uint8))
    with pytest.raises(ValueError, match=r"out\.png: moving pictures are \.gif or \.webp"):
        write_animation(clip, tmp_path / "out.png")
    write_animation(clip, output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", f"out{suffix}"]
    with Image.open(output) as picture:
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (3, (64, 48), 0)
        for number, color in enumerate(colors):
            picture.seek(number)
            shown = np.asarray(picture.convert("RGB"))[24, 32]
            assert np.abs(shown[::-1].astype(int) - color).max() <= 12
            assert picture.info["duration"] == pytest.approx(100, abs=1)
