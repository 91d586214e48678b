from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from segtcn.demo.synthetic import make_synthetic
from segtcn.labels.legacy import ClassScores, LabelTrack, write_labels, write_segments
from segtcn.structures import Segment
from segtcn.video_io import ClipWriter, ColorTags, Planes, frame_times, probe, read_frames
from segtcn.visualization import class_color, overlay_video
from segtcn.visualization.overlay.lanes import Lane, make_lanes
from segtcn.visualization.overlay.panel import EMPTY, MARK, Panel, PanelContent
from segtcn.visualization.overlay.text import text_width
from segtcn.visualization.palette import RGB
from segtcn.visualization.tracks import NO_LABEL, Alignment, Classes, Track
from tests.clips import frame_number, turn_clockwise, write_clip

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


@pytest.mark.parametrize("last_s", [0.004, 0.4])
def test_last_frame_lasts_as_long_as_in_the_source(tmp_path: Path, last_s: float) -> None:
    times_s = [0.0, 0.05, 0.2, 0.5]
    clip = tmp_path / "clip.mp4"
    grey = Planes(np.full((240, 320), 90, np.uint8), *np.full((2, 120, 160), 128, np.uint8))
    with ClipWriter(clip, Fraction(8), 320, 240) as writer:
        for time_s, stop_s in pairwise([*times_s, 0.5 + last_s]):
            writer.write_planes(grey, time_s=time_s, duration_s=stop_s - time_s)
    assert probe(clip).duration_s == pytest.approx(0.5 + last_s, abs=2e-4)
    output, _ = overlaid(tmp_path, clip, LabelTrack(["take"] * 4))
    assert probe(output).duration_s == pytest.approx(0.5 + last_s, abs=2e-4)
    assert probe(output).fps == probe(clip).fps


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
    difference = {50: "50 more", 97: "3 more", 103: "3 fewer", 400: "300 fewer"}[num_labels]
    message = (
        f"labels.txt has {num_labels} labels, but .*clip.mp4 has 100 frames, {difference}: at the clip's 25 fps the "
        f"labels last {num_labels / 25:.2f} s and the clip 4.00 s; give the rate of the labels .--fps., for example "
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


SCORES = ClassScores(NAMES, np.tile(np.array([[0.0], [0.5], [0.25], [0.2], [0.05]], np.float32), (1, 100)))


def test_truth_stands_above_any_number_of_tracks_in_their_order(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    tracks = {name: LabelTrack([name] * 100) for name in ("take", "pour", "stir")}
    _, shown = overlaid(tmp_path, clip, tracks, truth=LabelTrack(["gießen"] * 100), class_names=NAMES)
    colors = [class_color(label) for label in range(1, 5)]
    found = bars(shown[10], colors)
    order = [next(color for color in colors if close(bar[None, 200], color)[0]) for bar in found]
    assert order == [class_color(NAMES.index(name)) for name in ("gießen", "take", "pour", "stir")]


def marked(strip: np.ndarray) -> list[np.ndarray]:
    """Columns of every line that is in the colour of disagreement somewhere, from the top."""
    lines = close(strip, MARK)
    return [line for line in lines if line.mean() > 0.1]


def test_disagreement_is_marked_below_the_timeline_where_it_is(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    truth = LabelTrack(["take"] * 50 + ["pour"] * 50)
    wrong = LabelTrack(["take"] * 70 + ["pour"] * 30)
    _, shown = overlaid(tmp_path, clip, wrong, truth=truth, class_names=NAMES)
    columns = marked(shown[10])
    assert len(columns) >= 1
    for line in columns:
        share = (np.flatnonzero(line) - PAD) / (320 - 2 * PAD)
        assert share.min() == pytest.approx(0.5, abs=0.02)
        assert share.max() == pytest.approx(0.7, abs=0.02)
    _, shown = overlaid(tmp_path, clip, truth, truth=truth, class_names=NAMES)
    assert marked(shown[10]) == []
    # without a truth, predictions are compared with each other; a single one with nothing
    _, shown = overlaid(tmp_path, clip, {"a": truth, "b": wrong}, class_names=NAMES)
    assert len(marked(shown[10])) >= 1
    _, shown = overlaid(tmp_path, clip, truth, class_names=NAMES)
    assert marked(shown[10]) == []


def test_disagreement_of_one_frame_in_an_hour_is_not_lost() -> None:
    labels = np.zeros(90_000, np.int64)
    times_s = np.arange(90_000) / 25
    wrong = labels != 0
    wrong[43_210] = True
    lane = Lane("a", False, labels, times_s + 1, None, None, labels, wrong)
    content = PanelContent([lane], Classes(["take"], None), times_s, 0.0, 3600.0, 3600.0, None, 0, {})
    panel = Panel(content, 320, 240, ColorTags())
    mark = np.array(ColorTags().planes(MARK))[:, None, None]
    below = panel.bar_tops[0] + panel.bar
    found = (panel.still.pixels[:, below : below + 2 + panel.mark] == mark).all(axis=0)
    assert found.sum() == panel.mark  # one column


@pytest.mark.parametrize("size", [(96, 64), (270, 480), (320, 240), (768, 432), (1281, 720)])
def test_nothing_in_the_legend_or_in_the_first_line_overlaps(size: tuple[int, int]) -> None:
    times_s = np.arange(200) / 25
    names = [f"class {label}" + label % 7 * " of many words" for label in range(60)]
    for num_classes in (1, 3, 10, 25, 33, 34, 35, 60):
        labels = np.arange(200) % num_classes
        lane = Lane("prediction", False, labels, times_s + 1, None, None, labels, labels == 2)
        content = PanelContent([lane], Classes(names[:num_classes], 0), times_s, 0.0, 8.0, 8.0, None, 0, {})
        panel = Panel(content, *size, ColorTags())
        ends: dict[int, int] = {}
        for text, color, x, line in panel.legend:
            assert x >= ends.get(line, panel.left)
            chip = 0 if color is None else round(0.8 * panel.small) + panel.pad // 2
            ends[line] = x + chip + text_width(text, panel.small)
            assert ends[line] <= panel.right
        shown = sum(color is not None for _, color, _, _ in panel.legend)
        left_out = [int(text[1:]) for text, color, _, _ in panel.legend if color is None]
        assert not panel.legend or shown + sum(left_out) == num_classes + 1  # and the mark of differences
        title_end, clock = panel.left + panel.title_width, text_width("0:00.0", panel.small)
        assert not panel.has_clock or panel.clock_left - clock - 4 * panel.size > title_end


@pytest.mark.parametrize("window_s", [None, 3.0])
@pytest.mark.parametrize("size", [(97, 61), (320, 240), (1281, 720)])
def test_panel_does_not_depend_on_what_it_showed_before(size: tuple[int, int], window_s: float | None) -> None:
    rng = np.random.default_rng(0)
    times_s = np.arange(200) / 25
    lanes = []
    for title in ("truth", "a", "b"):
        labels = np.repeat(rng.integers(-1, 4, 20), 10)
        values = rng.dirichlet(np.ones(4), 200).T.astype(np.float32)
        scores = None if title == "b" else (values, [2, 0, 3, 1])
        differs = None if title == "truth" else rng.random(200) < 0.3
        confidence = None if title == "truth" else values.max(axis=0)
        until_s = times_s + 1
        lanes.append(Lane(title, title == "truth", labels, until_s, confidence, scores, np.arange(200), differs))
    content = PanelContent(lanes, Classes(NAMES, 0), times_s, 1.0, 6.0, 8.0, window_s, 3, {"a": "Acc 50.0"})
    used = Panel(content, *size, ColorTags())
    for number in (30, 31, 32, 33, 140, 0, 199, 30):
        expected = Panel(content, *size, ColorTags()).draw(number)
        assert all((own == new).all() for own, new in zip(used.draw(number), expected, strict=True))


def test_window_shows_what_is_around_the_cursor_and_all_of_the_clip_below(tmp_path: Path) -> None:
    names = [NAMES[1 + second % 4] for second in range(20) for _ in range(5)]  # a second each
    clip = write_clip(tmp_path / "clip.mp4", 100, 5, (320, 240))
    _, shown = overlaid(tmp_path, clip, LabelTrack(names), class_names=NAMES, window_s=4.0)
    colors = [class_color(label) for label in range(1, 5)]
    for number in (30, 47, 66):
        bar = max(bars(shown[number][24:], colors), key=lambda line: close(line[None], colors[0]).sum())
        now_s = number / 5
        for offset_s in (-1.6, -0.7, 0.7, 1.6):
            x = round(160 + offset_s / 4 * (320 - 2 * PAD))
            second = int(now_s + offset_s)
            columns = bar[None, x - 1 : x + 2]
            near_edge = abs(now_s + offset_s - round(now_s + offset_s)) < 0.1
            in_text = not any(close(columns, color).any() for color in colors)
            assert near_edge or in_text or close(columns, class_color(1 + second % 4)).any(), (number, offset_s)


def test_window_names_segments_and_is_empty_before_the_clip(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (320, 240))
    _, shown = overlaid(tmp_path, clip, LabelTrack(["take"] * 100), class_names=NAMES, window_s=4.0)
    take = class_color(1)
    rows = np.flatnonzero(close(shown[0][:, 170:310], take).mean(axis=1) > 0.4)[:12]  # without the small one below
    assert close(shown[0][rows, 10:150], take).mean() == 0
    assert close(shown[50][rows][:, 10:150], take).mean() > 0.6  # but for the name
    assert np.abs(shown[50][rows, 10:60].astype(int) - take[::-1]).max() > 100


def test_most_probable_classes_have_bars_of_their_shares(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25, (640, 480))
    track = LabelTrack(["take"] * 100, None, [0.5] * 100, SCORES)
    _, shown = overlaid(tmp_path, clip, track, class_names=NAMES)
    strip = shown[50]
    lines = [row for row in range(strip.shape[0]) if close(strip[row : row + 1], EMPTY).mean() > 0.3]
    assert lines, "there are no bars"
    for place, (label, share) in enumerate([(1, 0.5), (2, 0.25), (3, 0.2)]):
        left, right = place * 640 // 3, (place + 1) * 640 // 3
        filled = close(strip[lines[1], left:right][None], class_color(label)).sum()
        rest = close(strip[lines[1], left:right][None], EMPTY).sum()
        assert filled / (filled + rest) == pytest.approx(share, abs=0.05)
    _, without = overlaid(tmp_path, clip, track, class_names=NAMES, top=0)
    assert without[0].shape[0] < strip.shape[0]


def test_scores_take_a_line_each(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25, (320, 240))
    track = LabelTrack(["take"] * 10)
    _, without = overlaid(tmp_path, clip, {"a": track, "b": track})
    _, shown = overlaid(tmp_path, clip, {"a": track, "b": track}, scores={"a": {"Acc": 87.25}, "b": {"Acc": 1.0}})
    assert shown[0].shape[0] >= without[0].shape[0] + 20


def test_time_left_is_that_of_the_segment() -> None:
    track = Track("a", LabelTrack(["take"] * 10 + ["pour"] * 5), "a")
    times_s = np.arange(20) / 10
    alignment = Alignment(np.array([*range(15), *[NO_LABEL] * 5]), None, None)
    (lane,) = make_lanes([track], [alignment], Classes(["take", "pour"], None), times_s, 2.0)
    assert lane.until_s.tolist() == [1.0] * 10 + [1.5] * 5 + [2.0] * 5


def test_pictures_of_a_telephone_and_of_television_are_upright_and_not_squeezed(tmp_path: Path) -> None:
    clip = turn_clockwise(write_clip(tmp_path / "clip.mp4", 10, 25, (320, 240), sound="aac"))
    output, _ = overlaid(tmp_path, clip, LabelTrack(["take"] * 10))
    info = probe(output)
    assert (info.width, info.num_frames, info.rotation, info.has_audio) == (240, 10, 0, True)
    assert [frame_number(np.rot90(frame[:320])) for _, frame in read_frames(output)] == list(range(10))
    wide = write_clip(tmp_path / "wide.mp4", 10, 25, (144, 112), pixel_aspect=Fraction(16, 11))
    output, _ = overlaid(tmp_path, wide, LabelTrack(["take"] * 10))
    assert (probe(output).width, probe(output).pixel_aspect) == (208, 1)
    assert [frame_number(frame[:112]) for _, frame in read_frames(output)] == list(range(10))


def test_excerpt_at_another_speed_and_size_shows_the_right_frames(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 200, 25, (320, 240), sound="aac")
    names = [NAMES[1 + second % 4] for second in range(8) for _ in range(25)]
    output, _ = overlaid(
        tmp_path, clip, LabelTrack(names), class_names=NAMES, start_s=2.0, stop_s=6.0, speed=2.0, scale=0.5
    )
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
    output = overlay_video(clip, {"a": LabelTrack(["take"] * 300)}, tmp_path / f"out{suffix}", progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", f"out{suffix}"]
    with Image.open(output) as picture:
        assert picture.width == 480
        assert picture.n_frames <= 125  # ten seconds of 12.5 frames
        for index, source in [(0, 0), (50, 80), (100, 160)]:
            picture.seek(index)
            assert frame_number(np.asarray(picture.convert("RGB"))[:360]) == source


def test_rendered_clip(tmp_path: Path) -> None:
    data = make_synthetic(tmp_path / "data", num_videos=2, seed=0, fps=5, progress=False)
    clip = min((data / "videos").glob("*.mp4"))
    labels = data / "groundTruth" / f"{clip.stem}.txt"
    output, shown = overlaid(tmp_path, clip, labels, truth=labels)
    info, made = probe(clip), probe(output)
    assert (made.fps, made.num_frames, made.width) == (info.fps, info.num_frames, info.width)
    assert made.duration_s == pytest.approx(info.duration_s, abs=0.01)
    assert len(shown) == info.num_frames


ON_A_SMALL_DISK = """
import resource, signal, sys
from segtcn.labels.legacy import LabelTrack
from segtcn.visualization.overlay import overlay_video
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for output in sys.argv[2:]:
    try:
        overlay_video(sys.argv[1], {"a": LabelTrack(["take"] * 60)}, output, progress=False)
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


def test_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 100, 25)
    draw = Panel.draw

    def interrupted(panel: Panel, number: int) -> object:
        if number == 50:
            raise KeyboardInterrupt
        return draw(panel, number)

    monkeypatch.setattr(Panel, "draw", interrupted)
    for name in ("out.mp4", "out.gif"):
        with pytest.raises(KeyboardInterrupt):
            overlay_video(clip, {"a": LabelTrack(["take"] * 100)}, tmp_path / name, progress=False)
        assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tracks": {}}, "there is nothing to draw: expected predictions, the truth, or both"),
        ({"truth": LabelTrack(["take"] * 10), "tracks": {"truth": LabelTrack(["take"] * 10)}}, "choose another"),
        ({"fps": {"b": 3.0}}, "`fps` has a rate for 'b': the tracks are a"),
        ({"scale": 0.0}, "`scale` must be positive, got 0.0"),
        ({"height": -1}, "`height` must be positive, got -1"),
        ({"scale": 0.5, "height": 60}, "expected `scale` or `height`, got both, 0.5 and 60"),
        ({"window_s": 0.0}, "`window_s` must be positive, got 0.0"),
        ({"top": -1}, "`top` must be 0 or more classes, got -1"),
        ({"start_s": 3.0}, "no frame lies between the start at 3 s"),
        ({"speed": -1.0}, "the speed must be positive"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, arguments: dict, message: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 10, 25)
    call = {"tracks": {"a": LabelTrack(["take"] * 10)}, "progress": False} | arguments
    with pytest.raises(ValueError, match=message):
        overlay_video(clip, output=tmp_path / "out.mp4", **call)
    assert list(tmp_path.iterdir()) == [clip]


def test_every_track_may_have_its_own_rate(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 60, 25, (320, 240))
    tracks = {"a": LabelTrack(["take"] * 6 + ["pour"] * 6), "b": LabelTrack(["take"] * 60 + ["pour"] * 60)}
    _, shown = overlaid(tmp_path, clip, tracks, fps={"a": 5.0, "b": 50.0}, class_names=NAMES)
    first, second = bars(shown[3], [class_color(1), class_color(2)])
    assert np.mean(close(first[None], class_color(1)) == close(second[None], class_color(1))) > 0.98
