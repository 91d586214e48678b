from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from segtcn.labels import Classes, Labels
from segtcn.video_io import ClipWriter, Planes, frame_times, probe, read_frames
from segtcn.visualization import class_color, class_colors, overlay_video
from segtcn.visualization.overlay import Excerpt
from tests.clips import frame_number, turn_clockwise, write_clip
from tests.visualization.overlays import NAMES, NTSC, PAD, QUIET, bars, close, cursor, overlaid


@pytest.mark.parametrize("fps", [Fraction(10), NTSC])
def test_output_keeps_rate_frames_picture_and_sound_and_plays_in_browsers(tmp_path: Path, fps: Fraction) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 45, fps, (320, 240), sound="aac")
    output, _ = overlaid(tmp_path, clip, ["take"] * 45)
    info = probe(output)
    assert (info.fps, info.num_frames, info.width, info.has_audio) == (fps, 45, 320, True)
    assert [frame_number(frame[:240]) for _, frame in read_frames(output)] == list(range(45))
    with av.open(str(output)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert container.streams.audio[0].codec_context.name == "aac"


def test_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    times_s = [0.0, 0.05, 0.2, 0.21, 0.5, 0.9, 1.0, 1.3]
    clip = write_clip(tmp_path / "clip.mp4", 8, size=(320, 240), times_s=times_s)
    output, shown = overlaid(tmp_path, clip, ["take"] * 8)
    assert frame_times(output) == pytest.approx(times_s, abs=2e-4)
    duration_s = max(times_s[-1], probe(clip).duration_s)
    found = [cursor(bars(strip, [class_color(0)])[0]) for strip in shown]
    assert found == pytest.approx([time_s / duration_s for time_s in times_s], abs=0.02)


@pytest.mark.parametrize("last_s", [0.004, 0.4])
def test_last_frame_lasts_as_long_as_in_the_source(tmp_path: Path, last_s: float) -> None:
    times_s = [0.0, 0.05, 0.2, 0.5]
    clip = tmp_path / "clip.mp4"
    grey = Planes(np.full((240, 320), 90, np.uint8), *np.full((2, 120, 160), 128, np.uint8))
    with ClipWriter(clip, Fraction(8), 320, 240) as writer:
        for time_s, stop_s in pairwise([*times_s, 0.5 + last_s]):
            writer.write_planes(grey, time_s=time_s, duration_s=stop_s - time_s)
    assert probe(clip).duration_s == pytest.approx(0.5 + last_s, abs=2e-4)
    output, _ = overlaid(tmp_path, clip, ["take"] * 4)
    assert probe(output).duration_s == pytest.approx(0.5 + last_s, abs=2e-4)
    assert probe(output).fps == probe(clip).fps


def test_timelines_show_both_tracks_and_the_cursor_moves_with_time(tmp_path: Path, clip: Path) -> None:
    predictions = ["take"] * 50 + ["pour"] * 50
    truth = ["take"] * 25 + ["stir"] * 75
    _, shown = overlaid(tmp_path, clip, predictions, truth=truth, classes=NAMES)
    _, take, pour, _, stir = class_colors(5)
    for number in (0, 20, 40, 60, 99):
        true, prediction = bars(shown[number], [take, pour, stir])
        assert cursor(prediction) == cursor(true) == pytest.approx(number / 100, abs=0.015)
        for share, color in [(0.05, take), (0.47, take), (0.53, pour), (0.95, pour)]:
            assert abs(share - number / 100) < 0.03 or close(prediction[None, round(share * 320)], color)[0], share
        for share, color in [(0.05, take), (0.22, take), (0.28, stir), (0.95, stir)]:
            assert abs(share - number / 100) < 0.03 or close(true[None, round(share * 320)], color)[0], share


@pytest.mark.parametrize(
    ("num_labels", "label_fps"), [(20, 5.0), (100, 25.0), (400, 100.0), (120, 30000 / 1001)], ids=str
)
def test_bar_under_the_cursor_and_label_have_the_colour_of_the_moment(
    tmp_path: Path, clip: Path, num_labels: int, label_fps: float
) -> None:
    """Seconds 0-1 take, 1-2.4 pour, then stir, whatever the rate of the labels."""
    names = ["take" if i / label_fps < 1 else "pour" if i / label_fps < 2.4 else "stir" for i in range(num_labels)]
    _, shown = overlaid(tmp_path, clip, names, fps=label_fps, classes=NAMES)
    colors = [class_color(NAMES.index(name)) for name in ("take", "pour", "stir")]
    for second, color in [(0.2, 0), (0.92, 0), (1.08, 1), (1.9, 1), (2.32, 1), (2.48, 2), (3.9, 2)]:
        strip = shown[round(second * 25)]
        (bar,) = bars(strip, colors)
        # the cursor hides a few pixels: left and right of it lie about 0.06 s
        x = round(PAD + cursor(bar) * (319 - 2 * PAD))
        left, right = bar[None, x - 5], bar[None, x + 5]
        assert close(left, colors[color])[0] or close(right, colors[color])[0], second
        label = strip[4:16, 60:200]  # behind the text of the current label
        shares = [close(label, c).mean() for c in colors]
        assert int(np.argmax(shares)) == color, second


def test_label_changes_at_the_exact_frame(tmp_path: Path) -> None:
    """Label n of 15 a second covers the frames 2 n and 2 n + 1 of 30 a second, in milliseconds of Matroska, too."""
    colors = [class_color(0), class_color(1)]
    for suffix in (".mp4", ".mkv"):
        clip = write_clip(tmp_path / f"clip{suffix}", 60, 30, (320, 240))
        names = ["b" if n in (3, 10, 11, 22) else "a" for n in range(30)]
        _, shown = overlaid(tmp_path, clip, names, fps=15)
        found = [int(np.argmax([close(strip[4:16, 60:75], color).mean() for color in colors])) for strip in shown]
        assert found == [int(names[frame // 2] == "b") for frame in range(60)]


def test_confidence_is_written_next_to_the_label(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25, (320, 240))
    _, without = overlaid(tmp_path, clip, ["take"] * 10)
    confidence = np.array([0.08] * 5 + [0.93] * 5, np.float32)
    _, shown = overlaid(tmp_path, clip, Labels([0] * 10, Classes(("take",)), confidence=confidence))
    spot = np.s_[4:20, 95:150]
    assert np.abs(shown[0][spot].astype(int) - without[0][spot]).max() > 100
    assert np.abs(shown[0][spot].astype(int) - shown[9][spot]).max() > 100  # 8 % is not 93 %


def test_frames_beyond_the_last_label_show_none(tmp_path: Path, clip: Path) -> None:
    with pytest.warns(UserWarning, match=r"50 labels at 25 a second last 2.00 s, but .*clip.mp4 lasts 4.00 s; .*`fps`"):
        _, shown = overlaid(tmp_path, clip, ["take"] * 50, fps=25)
    take = class_color(0)
    line = next(row for row in shown[10] if close(row[None], take).mean() > 0.4)
    assert close(line[None, 20:150], take).mean() > 0.9
    assert close(line[None, 170:310], take).mean() == 0
    assert close(shown[25][4:16, 60:75], take).mean() > 0.3
    assert close(shown[75][4:16, 60:75], take).mean() == 0


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1920, 1080), (162, 288), (48, 32), (321, 241), (1280, 64)])
def test_every_size_gets_a_strip_that_grows_with_it(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    clip = tmp_path / "clip.mkv"
    with av.open(str(clip), "w") as container:  # FFV1 stores odd sizes
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="bgr24")
            container.mux(stream.encode(picture.reformat(format="bgr0")))
        container.mux(stream.encode(None))
    classes = Classes(("a rather long name of an action that does not fit", "b", "c"))
    track = Labels([0, 1, 2], classes, confidence=np.array([0.5, 0.6, 1.0], np.float32))
    output, shown = overlaid(tmp_path, clip, track, truth=track)
    info = probe(output)
    assert (info.num_frames, info.width % 2, info.height % 2) == (3, 0, 0)
    assert info.width in (width, width + 1)
    _, frame = next(read_frames(output))
    assert np.abs(frame[:height, :width].astype(int) - 90)[: height - 4].max() <= 8
    colors = [class_color(label) for label in range(3)]
    if width >= 162:
        assert len(bars(shown[0], colors)) == 2
    assert shown[0].shape[0] <= max(0.62 * height, 90)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fps": 0.0}, "`fps` must be positive, got 0"),
        ({"fps": float("nan")}, "`fps` must be positive, got nan"),
        (
            {"predictions": ["take"] * 9},
            r"has 9 labels, but .*clip.mp4 has 10 frames, 1 more: .* give their rate as `fps`",
        ),
        ({"predictions": []}, "track 'prediction': expected the class index of every frame"),
        ({"classes": ["pour"]}, "track 'prediction': label 'take' at frame 0 is not a known class"),
        ({"output": "clip.mp4"}, "is the clip itself, which would be lost: choose another name"),
        ({"output": "out.avi"}, r"the name must end in \.mp4"),
        ({"predictions": "clip.mp4"}, "clip.mp4 is not UTF-8 text"),
        ({"tracks": {}}, "expected at least one track to draw, got none"),
        ({"tracks": "preds.npz"}, "expected tracks by their titles, such as {'ED-TCN': labels}, got str"),
        ({"look": {"scale": 0.0}}, "`scale` must be positive, got 0.0"),
        ({"look": {"height": -1}}, "`height` must be positive, got -1"),
        ({"look": {"scale": 0.5, "height": 60}}, "expected `scale` or `height`, got both, 0.5 and 60"),
        ({"look": {"window_s": 0.0}}, "`window_s` must be positive, got 0.0"),
        ({"look": {"top": -1}}, "`top` must be 0 or more classes, got -1"),
        ({"excerpt": Excerpt(start_s=3.0)}, "no frame lies between the start at 3 s"),
    ],
)
def test_wrong_input_is_refused_and_nothing_is_left(tmp_path: Path, arguments: dict, message: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25)
    content = clip.read_bytes()
    call = {"predictions": ["take"] * 10, "output": "out.mp4"} | arguments
    for name in ("output", "predictions"):
        call[name] = tmp_path / call[name] if isinstance(call[name], str) else call[name]
    call = {"tracks": {"prediction": call.pop("predictions")}} | call
    with pytest.raises(ValueError, match=message):
        overlay_video(clip, look=replace(QUIET, **call.pop("look", {})), **call)
    assert list(tmp_path.iterdir()) == [clip]
    assert clip.read_bytes() == content


def test_progress_is_shown_with_the_time_that_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25)
    overlay_video(clip, {"prediction": ["take"] * 10}, tmp_path / "out.mp4")
    assert re.search(r"clip\.mp4: 10 of 10 frames \(100 %\), \d+:\d+ gone", capsys.readouterr().err)
    overlay_video(clip, {"prediction": ["take"] * 10}, tmp_path / "out.mp4", look=QUIET)
    assert capsys.readouterr() == ("", "")


def test_pictures_of_a_telephone_and_of_television_are_upright_and_not_squeezed(tmp_path: Path) -> None:
    clip = turn_clockwise(write_clip(tmp_path / "clip.mp4", 10, 25, (320, 240), sound="aac"))
    output, _ = overlaid(tmp_path, clip, ["take"] * 10)
    info = probe(output)
    assert (info.width, info.num_frames, info.rotation, info.has_audio) == (240, 10, 0, True)
    assert [frame_number(np.rot90(frame[:320])) for _, frame in read_frames(output)] == list(range(10))
    wide = write_clip(tmp_path / "wide.mp4", 10, 25, (144, 112), pixel_aspect=Fraction(16, 11))
    output, _ = overlaid(tmp_path, wide, ["take"] * 10)
    assert (probe(output).width, probe(output).pixel_aspect) == (208, 1)
    assert [frame_number(frame[:112]) for _, frame in read_frames(output)] == list(range(10))


def test_excerpt_at_another_speed_and_size_shows_the_right_frames(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 200, 25, (320, 240), sound="aac")
    names = [NAMES[1 + second % 4] for second in range(8) for _ in range(25)]
    output, _ = overlaid(tmp_path, clip, names, classes=NAMES, excerpt=Excerpt(2.0, 6.0, speed=2.0), scale=0.5)
    info = probe(output)
    assert (info.fps, info.num_frames, info.width, info.has_audio) == (25, 50, 160, True)
    frames = [frame for _, frame in read_frames(output)]
    assert [frame_number(frame[:120]) for frame in frames] == list(range(50, 150, 2))
    # the timeline is that of the excerpt: seconds 2 to 6
    for number, second in [(6, 2), (18, 3), (30, 4), (45, 5)]:
        (bar,) = bars(frames[number][120:], [class_color(label) for label in range(1, 5)])
        x = round(4 + ((number * 2 / 25) / 4) * (160 - 8))
        assert close(bar[None, [x - 5, x + 5]], class_color(1 + second % 4)).any(), number
    with av.open(str(output)) as container:
        heard = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    assert heard == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_moving_pictures_are_bounded(tmp_path: Path, suffix: str) -> None:
    from PIL import Image

    clip = write_clip(tmp_path / "clip.mp4", 300, 20, (640, 480), sound="aac")
    output = overlay_video(clip, {"a": ["take"] * 300}, tmp_path / f"out{suffix}", look=QUIET)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", f"out{suffix}"]
    with Image.open(output) as picture:
        assert picture.width == 480
        assert picture.n_frames <= 125  # ten seconds of 12.5 frames
        for index, source in [(0, 0), (50, 80), (100, 160)]:
            picture.seek(index)
            assert frame_number(np.asarray(picture.convert("RGB"))[:360]) == source


ON_A_SMALL_DISK = """
import resource, signal, sys
from segtcn.visualization.overlay import OverlayLook, overlay_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for output in sys.argv[2:]:
    try:
        overlay_video(sys.argv[1], {"a": ["take"] * 60}, output, look=OverlayLook(progress=False))
    except OSError as error:
        print(error)
"""


def test_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    rng = np.random.default_rng(0)
    with ClipWriter(clip, Fraction(25), 160, 120) as writer:
        for _ in range(60):
            writer.write(np.repeat(np.repeat(rng.integers(0, 255, (30, 40, 3), np.uint8), 4, 0), 4, 1))
    outputs = [tmp_path / f"out.{kind}" for kind in ("mp4", "gif", "webp")]
    for output in outputs:
        output.write_bytes(b"before")
    script = [sys.executable, "-c", ON_A_SMALL_DISK, str(clip), *map(str, outputs)]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    for output in outputs:
        assert f"cannot write {output}: File too large; is the disk full?" in done.stdout, done
    assert sorted(tmp_path.iterdir()) == sorted([clip, *outputs])
    assert all(output.read_bytes() == b"before" for output in outputs)
