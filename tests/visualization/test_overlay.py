from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from segtcn.label_files import LabelTrack, write_labels, write_segments
from segtcn.structures import Segment
from segtcn.video_io import frame_times, probe, read_frames
from segtcn.visualization import class_color, overlay_video
from segtcn.visualization.palette import RGB
from tests.clips import frame_number, write_clip

NTSC = Fraction(30000, 1001)
PAD = 5  # pixels left and right of the timelines, where the picture is 320 wide
NAMES = ["background", "take", "pour", "gießen", "stir"]


def close(picture: np.ndarray, color: RGB) -> np.ndarray:
    """Pixels that have this colour but for the losses of the encoder, ``(H, W)``."""
    return np.abs(picture.astype(int) - color[::-1]).max(axis=-1) <= 24


def bars(strip: np.ndarray, colors: list[RGB]) -> list[np.ndarray]:
    """Middle line of every timeline, from the top: found as lines that are nearly all in the classes' colours."""
    coloured = np.any([close(strip, color) for color in colors], axis=0).mean(axis=1) > 0.85
    edges = np.flatnonzero(np.diff(np.concatenate([[0], coloured.astype(int), [0]])))
    return [strip[(start + stop) // 2] for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def cursor(bar: np.ndarray) -> float:
    """Where the cursor stands in a line of pixels, as a share of the time."""
    bright = np.flatnonzero(bar.mean(axis=-1) > 195)
    assert 1 <= len(bright) <= 5, "there is no cursor"
    return float((bright.mean() - PAD) / (len(bar) - 1 - 2 * PAD))


def strips(path: Path, clip: Path) -> list[np.ndarray]:
    """What stands below the picture, for every frame."""
    height = probe(clip).height
    return [frame[height:] for _, frame in read_frames(path)]


def overlaid(tmp_path: Path, clip: Path, predictions: object, **arguments: object) -> tuple[Path, list[np.ndarray]]:
    output = tmp_path / "out.mp4"
    tracks = predictions if isinstance(predictions, dict) else {"prediction": predictions}
    result = overlay_video(clip, tracks, output, progress=False, **arguments)  # type: ignore[arg-type]
    assert result == output
    return output, strips(output, clip)


@pytest.mark.parametrize("fps", [Fraction(10), NTSC])
def test_output_keeps_rate_frames_picture_and_sound_and_plays_in_browsers(tmp_path: Path, fps: Fraction) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 45, fps, (320, 240), sound="aac")
    output, _ = overlaid(tmp_path, clip, LabelTrack(["take"] * 45))
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
    output, shown = overlaid(tmp_path, clip, LabelTrack(["take"] * 8))
    assert frame_times(output) == pytest.approx(times_s, abs=2e-4)
    duration_s = max(times_s[-1], probe(clip).duration_s)
    found = [cursor(bars(strip, [class_color(0)])[0]) for strip in shown]
    assert found == pytest.approx([time_s / duration_s for time_s in times_s], abs=0.02)


def test_timelines_show_both_tracks_and_the_cursor_moves_with_time(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    predictions = LabelTrack(["take"] * 50 + ["pour"] * 50)
    truth = LabelTrack(["take"] * 25 + ["stir"] * 75)
    _, shown = overlaid(tmp_path, clip, predictions, truth=truth, class_names=NAMES)
    take, pour, stir = (class_color(NAMES.index(name)) for name in ("take", "pour", "stir"))
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
    tmp_path: Path, num_labels: int, label_fps: float
) -> None:
    """Seconds 0-1 take, 1-2.4 pour, then stir, whatever the rate of the labels."""
    names = ["take" if i / label_fps < 1 else "pour" if i / label_fps < 2.4 else "stir" for i in range(num_labels)]
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    _, shown = overlaid(tmp_path, clip, LabelTrack(names), fps=label_fps, class_names=NAMES)
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
        _, shown = overlaid(tmp_path, clip, LabelTrack(names), fps=15)
        found = [int(np.argmax([close(strip[4:16, 60:75], color).mean() for color in colors])) for strip in shown]
        assert found == [int(names[frame // 2] == "b") for frame in range(60)]


def test_tracks_of_different_rates_are_aligned_by_time(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 60, NTSC, (320, 240))
    predictions = LabelTrack(["take"] * 5 + ["pour"] * 5)  # 5 a second
    truth = LabelTrack(["take"] * 30 + ["pour"] * 30)  # one a frame
    _, shown = overlaid(tmp_path, clip, predictions, truth=truth, fps=5, class_names=NAMES)
    true, prediction = bars(shown[3], [class_color(1), class_color(2)])
    assert np.mean(close(prediction[None], class_color(1)) == close(true[None], class_color(1))) > 0.98


def test_rate_of_a_segment_table_is_used(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 50, 25, (320, 240))
    table = tmp_path / "segments.csv"
    write_segments(table, [Segment(0, 3, 1), Segment(3, 6, 2)], NAMES, fps=3, confidence=[0.5] * 6)
    _, shown = overlaid(tmp_path, clip, table, class_names=NAMES)
    (bar,) = bars(shown[40], [class_color(1), class_color(2)])
    assert close(bar[None, 155], class_color(1))[0]
    assert close(bar[None, 165], class_color(2))[0]


def test_confidence_is_written_next_to_the_label(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25, (320, 240))
    _, without = overlaid(tmp_path, clip, LabelTrack(["take"] * 10))
    _, shown = overlaid(tmp_path, clip, LabelTrack(["take"] * 10, confidence=[0.08] * 5 + [0.93] * 5))
    spot = np.s_[4:20, 95:150]
    assert np.abs(shown[0][spot].astype(int) - without[0][spot]).max() > 100
    assert np.abs(shown[0][spot].astype(int) - shown[9][spot]).max() > 100  # 8 % is not 93 %


def test_frames_beyond_the_last_label_show_none(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    with pytest.warns(UserWarning, match=r"50 labels at 25 a second last 2.00 s, but .*clip.mp4 lasts 4.00 s; .*--fps"):
        _, shown = overlaid(tmp_path, clip, LabelTrack(["take"] * 50), fps=25)
    take = class_color(0)
    line = next(row for row in shown[10] if close(row[None], take).mean() > 0.4)
    assert close(line[None, 20:150], take).mean() > 0.9
    assert close(line[None, 170:310], take).mean() == 0
    assert close(shown[25][4:16, 60:75], take).mean() > 0.3
    assert close(shown[75][4:16, 60:75], take).mean() == 0


def test_labels_of_any_script_are_drawn(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 4, 25, (320, 240))
    pictures = []
    for name in ("????", "gieß", "налить", "χύνω"):
        write_labels(tmp_path / "labels.txt", [name] * 4)
        pictures.append(overlaid(tmp_path, clip, tmp_path / "labels.txt")[1][0].astype(int))
    for number, picture in enumerate(pictures):
        for other in pictures[:number]:
            assert picture.shape != other.shape or np.abs(picture - other).max() > 100


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
    track = LabelTrack(["a rather long name of an action that does not fit", "b", "c"], confidence=[0.5, 0.6, 1.0])
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


def test_background_is_grey_and_given_names_fix_the_colours(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 20, 25, (320, 240))
    track = LabelTrack(["background"] * 10 + ["stir"] * 10)
    _, shown = overlaid(tmp_path, clip, track, class_names=NAMES)
    (bar,) = bars(shown[0], [(217, 217, 217), class_color(4)])
    assert close(bar[None, 100], (217, 217, 217))[0]
    assert close(bar[None, 250], class_color(4))[0]


@pytest.mark.parametrize("num_labels", [98, 102])
def test_a_few_labels_more_or_fewer_are_taken_frame_by_frame_with_a_warning(tmp_path: Path, num_labels: int) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    with pytest.warns(UserWarning, match=f"{num_labels} labels and .* 100 frames, a difference of 2.0 %"):
        output, _ = overlaid(tmp_path, clip, LabelTrack(["take"] * num_labels))
    assert probe(output).num_frames == 100


@pytest.mark.parametrize("num_labels", [50, 97, 103, 400])
def test_labels_that_fit_at_no_known_rate_are_refused(tmp_path: Path, num_labels: int) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    write_labels(tmp_path / "labels.txt", ["take"] * num_labels)
    message = (
        f"labels.txt has {num_labels} labels, but .*clip.mp4 has 100 frames: at the clip's 25 fps the labels last "
        f"{num_labels / 25:.2f} s and the clip 4.00 s; give the rate of the labels .--fps., for example --fps "
    )
    with pytest.raises(ValueError, match=message):
        overlaid(tmp_path, clip, tmp_path / "labels.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "labels.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fps": 0.0}, "the rate of the labels must be positive, got 0"),
        ({"fps": float("nan")}, "the rate of the labels must be positive, got nan"),
        ({"predictions": LabelTrack([])}, "prediction has no labels"),
        ({"truth": LabelTrack([])}, "truth has no labels"),
        (
            {"class_names": ["pour"]},
            re.escape("prediction: label 'take' is no known class (1 unknown): is it the right list? It has pour"),
        ),
        ({"output": "clip.mp4"}, "is the clip itself, which would be lost: choose another name"),
        ({"output": "out.avi"}, r"the name must end in \.mp4"),
        ({"predictions": "clip.mp4"}, "clip.mp4 is not a text file in UTF-8"),
    ],
)
def test_wrong_input_is_refused_and_nothing_is_left(tmp_path: Path, arguments: dict, message: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25)
    content = clip.read_bytes()
    call = {"predictions": LabelTrack(["take"] * 10), "output": "out.mp4", "progress": False} | arguments
    for name in ("output", "predictions"):
        call[name] = tmp_path / call[name] if isinstance(call[name], str) else call[name]
    tracks = {"prediction": call.pop("predictions")}
    with pytest.raises(ValueError, match=message):
        overlay_video(clip, tracks, **call)
    assert list(tmp_path.iterdir()) == [clip]
    assert clip.read_bytes() == content


def test_unusable_files_are_named_and_nothing_is_left(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 300, 25)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    labels = tmp_path / "labels.txt"
    write_labels(labels, ["take"] * 300)
    before = sorted(tmp_path.iterdir())
    absent = tmp_path / "absent"
    for (source, predictions, output), error, message in [
        ((cut, labels, tmp_path / "out.mp4"), ValueError, r"cut\.mp4 is (damaged or )?truncated"),
        ((labels, labels, tmp_path / "out.mp4"), ValueError, r"labels\.txt has no video stream"),
        ((absent, labels, tmp_path / "out.mp4"), FileNotFoundError, "no video file .*absent"),
        ((clip, absent, tmp_path / "out.mp4"), FileNotFoundError, "no label file .*absent"),
        ((clip, labels, absent / "out.mp4"), FileNotFoundError, "there is no folder .*absent; create it"),
    ]:
        with pytest.raises(error, match=message):
            overlay_video(source, {"prediction": predictions}, output, progress=False)
        assert sorted(tmp_path.iterdir()) == before


def test_progress_is_shown_with_the_time_that_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25)
    overlay_video(clip, {"prediction": LabelTrack(["take"] * 10)}, tmp_path / "out.mp4")
    assert re.search(r"clip\.mp4: 100%.*10/10 \[\d+:\d+<\d+:\d+", capsys.readouterr().err)
    overlay_video(clip, {"prediction": LabelTrack(["take"] * 10)}, tmp_path / "out.mp4", progress=False)
    assert capsys.readouterr() == ("", "")


def test_real_clip(tmp_path: Path, shared_data: Path) -> None:
    clip = shared_data / "clips" / "intel_asl_gestures" / "again.mkv"
    info = probe(clip)
    names = ["still"] * 30 + ["again"] * 30 + ["still"] * (info.num_frames - 60)
    output, shown = overlaid(tmp_path, clip, LabelTrack(names), truth=LabelTrack(names))
    made = probe(output)
    assert (made.fps, made.num_frames, made.width) == (30, info.num_frames, 640)
    assert len(bars(shown[40], [class_color(0), class_color(1)])) == 2
