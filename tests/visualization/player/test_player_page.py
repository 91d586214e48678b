"""The player as its reader uses it: clip, cursor, keys, zoom, legend, lists, without a clip, light and dark, narrow."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from segtcn.visualization.palette import class_color
from tests.clips import write_clip
from tests.visualization.player.pages import (
    click,
    color_at,
    frame_of,
    lines,
    point,
    press,
    shown_frame,
    wait_until,
    wait_until_shown,
)
from tests.visualization.player.payloads import (
    CLIP,
    NUM_FRAMES,
    class_payload,
    demo_tracks,
    scores_payload,
    track_payload,
)


@pytest.fixture
def page(site, add_demo, open_page):
    """The demo with its clip, from disk."""
    add_demo()
    return open_page(site.write())


@pytest.fixture
def quiet_page(site, open_page):
    """The demo without a clip, from disk."""
    site.add(demo_tracks())
    return open_page(site.write())


def text(page, selector):
    return page.locator(selector).inner_text()


def spoken(page):
    return page.locator("#timeline").get_attribute("aria-valuetext")


def test_the_clip_plays_and_the_cursor_goes_with_it(page):
    assert (frame_of(page), shown_frame(page)) == (0, 0)
    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(page, "segtcn.player.frame >= 12")
    page.get_by_role("button", name="Pause").click()
    wait_until_shown(page)
    frame = frame_of(page)
    assert 12 <= frame < NUM_FRAMES
    assert abs(shown_frame(page) - frame) <= 1
    left = page.evaluate("new DOMMatrix(getComputedStyle(document.getElementById('cursor')).transform).e")
    assert left == pytest.approx(
        page.evaluate("segtcn.player.time / 6 * document.getElementById('timeline').clientWidth")
    )


def test_every_video_shows_its_own_clip_at_the_cursor(site, add_demo, open_page):
    add_demo()
    write_clip(site.root / "clips" / "0002.mp4", 90, fps=30, size=(320, 240))
    tracks = [track_payload("truth", [(1, 90)], by_frame=True, fps=None)]
    site.add(tracks, name="S2", clip=CLIP | {"num_frames": 90, "duration_s": 3.0}, source="clips/0002.mp4")
    site.add(demo_tracks(), name="S3")
    page = open_page(site.write())
    page.evaluate("segtcn.player.setSpeed(2)")
    for name, duration_s in (("S2", 3), ("S3", None), ("S1_Tea", 6), ("S2", 3)):
        page.locator(".video", has_text=name).click()
        wait_until(page, f"document.title.startsWith('{name}')")
        assert page.locator("#clip").is_visible() == (duration_s is not None)
        if duration_s is None:
            continue
        wait_until(
            page, f"(({{video}}) => video.readyState >= 2 && video.duration === {duration_s})(segtcn.player.clock)"
        )
        click(page, 0, 2.017)
        assert frame_of(page) == shown_frame(page) == 60
        assert page.evaluate("segtcn.player.clock.video.playbackRate") == 2


def test_playing_does_not_draw_the_tracks_again(page):
    page.evaluate("""() => { window.draws = 0; const {timeline} = segtcn.parts, draw = timeline.draw;
        timeline.draw = () => { window.draws += 1; draw.call(timeline); }; }""")
    page.keyboard.press(" ")
    wait_until(page, "segtcn.player.frame >= 20")
    page.keyboard.press(" ")
    assert page.evaluate("window.draws") == 0


def test_a_served_page_works_under_its_content_policy(add_demo, serve, open_page):
    add_demo()
    page = open_page(serve().url)
    click(page, 0, 4.017)
    assert shown_frame(page) == frame_of(page) == 120
    press(page, "c", "s", "r", "Escape", "?", "Escape")
    assert color_at(page, 0, 1.5) == class_color(1)


@pytest.mark.parametrize("zooms", [0, 1, 3])
def test_click_lands_on_the_frame_at_every_zoom(page, zooms):
    click(page, 0, 3.017)
    press(page, *["+"] * zooms)
    start, stop = page.evaluate("[segtcn.player.viewport.start, segtcn.player.viewport.stop]")
    assert stop - start == pytest.approx(6 / 2**zooms)
    for share in (0.03, 0.4, 0.81, 0.97):
        time = start + share * (stop - start)
        click(page, 1, time)
        assert frame_of(page) == shown_frame(page)
        assert abs(frame_of(page) - int(time * 30)) <= 1


def test_the_shown_frame_is_exact_with_bidirectional_frames(site, open_page):
    write_clip(site.root / "clips" / "0001.mp4", 90, fps=30, size=(320, 240), bf="3")
    tracks = [track_payload("truth", [(1, 90)], by_frame=True, fps=None)]
    site.add(tracks, clip=CLIP | {"num_frames": 90, "duration_s": 3.0}, source="clips/0001.mp4")
    page = open_page(site.write())
    for frame in (0, 1, 44, 45, 88, 89):
        page.evaluate("(frame) => segtcn.player.seekFrame(frame)", frame)
        wait_until_shown(page)
        assert shown_frame(page) == frame


def test_the_shown_frame_is_exact_at_a_variable_rate(site, open_page):
    times = np.cumsum([0.0, *np.random.default_rng(0).choice([0.02, 0.04, 0.2], 59)])
    write_clip(site.root / "clips" / "0001.mp4", 60, fps=25, size=(320, 240), times_s=times.tolist(), bf="0")
    clip = CLIP | {"num_frames": 60, "fps": 59 / times[-1], "duration_s": times[-1] + 0.04}
    tracks = [track_payload("truth", [(1, 20), (2, 40)], by_frame=True, fps=None)]
    site.add(tracks, clip=clip | {"times_ms": (1000 * times).round(1).tolist()}, source="clips/0001.mp4")
    page = open_page(site.write())
    for frame in (0, 7, 19, 20, 33, 59):
        click(page, 0, float(times[frame]) + 0.005)
        assert (frame_of(page), shown_frame(page)) == (frame, frame)
        assert page.locator(".now-label").inner_text() == ("take" if frame < 20 else "pour milk")


def test_keys_move_the_cursor(page):
    steps = [
        ("ArrowRight", 1),
        ("ArrowRight ArrowRight", 3),
        ("ArrowLeft", 2),
        ("Shift+ArrowRight", 32),
        ("Shift+ArrowLeft", 2),
        ("n", 36),  # the second segment of ED-TCN, which is chosen first
        ("n", 75),
        ("p p", 0),
        ("n ArrowRight p", 36),  # within a segment: back to its start
        ("End", 179),
        ("n", 179),
        ("d", 179),
        ("Shift+D", 105),
        ("Shift+D", 30),
        ("d", 105),
        ("1 p", 75),
        ("Home", 0),
    ]
    for keys, frame in steps:
        press(page, *keys.split())
        assert frame_of(page) == frame, keys
    assert shown_frame(page) == 0


def test_keys_play_and_change_the_speed(page):
    press(page, "k")
    assert page.evaluate("segtcn.player.clock.playing")
    press(page, " ")
    assert not page.evaluate("segtcn.player.clock.playing")
    press(page, ">", ">")
    assert page.evaluate("segtcn.player.clock.video.playbackRate") == 2
    assert page.locator("#speed").input_value() == "2"
    press(page, "<", "<", "<")
    assert page.evaluate("segtcn.player.clock.video.playbackRate") == 0.5
    press(page, "m")
    assert page.evaluate("segtcn.player.clock.video.muted")
    assert page.locator("#mute").get_attribute("aria-pressed") == "true"


def test_keys_zoom_and_choose_tracks(page):
    click(page, 0, 3.017)
    press(page, "+", "=")
    assert page.evaluate("segtcn.player.viewport.span") == pytest.approx(1.5)
    press(page, "-")
    assert page.evaluate("segtcn.player.viewport.span") == pytest.approx(3)
    press(page, "0")
    assert page.evaluate("segtcn.player.viewport.span") == pytest.approx(6)
    press(page, "2")
    assert page.locator("#segments-title").text_content() == "Segments of ED-TCN"
    press(page, "1")
    assert page.locator("#segments-title").text_content() == "Segments of truth"
    press(page, "9")
    assert page.locator("#segments-title").text_content() == "Segments of truth"
    press(page, "f")
    assert page.locator("#follow").get_attribute("aria-pressed") == "false"


def test_keys_are_for_the_clip_after_a_click_and_for_the_button_after_a_tab(site, open_page):
    for name in ("S1_Tea", "S2_Coffee"):
        site.add(demo_tracks(), name=name)
    page = open_page(site.write())
    page.get_by_role("button", name="S2_Coffee").click()
    wait_until(page, "segtcn.player.recording.id === '0002'")
    press(page, " ")
    assert page.evaluate("segtcn.player.clock.playing")
    press(page, " ", "Home")
    assert not page.evaluate("segtcn.player.clock.playing")
    page.locator("#speed").click()
    page.locator("#speed").select_option("2")
    press(page, "Escape", "ArrowRight")
    assert (frame_of(page), page.locator("#speed").input_value()) == (1, "2")
    page.get_by_role("button", name=re.compile("^take")).click()
    press(page, "Tab", " ")
    press(page, "ArrowRight")
    assert page.evaluate("document.activeElement.dataset.label") == "2"
    assert page.evaluate("[...segtcn.player.filter]") == [1, 2]
    assert not page.evaluate("segtcn.player.clock.playing")


def test_help_lists_the_keys_and_escape_closes_it(page):
    press(page, "?")
    help_ = page.get_by_role("dialog", name="Keys")
    assert help_.is_visible()
    assert "Next disagreement" in help_.inner_text()
    press(page, "ArrowRight")
    assert frame_of(page) == 0
    press(page, "Escape")
    assert not help_.is_visible()


def test_keys_do_nothing_while_typing(site, open_page):
    for name in ("S1_Tea", "S2_Coffee"):
        site.add(demo_tracks(), name=name)
    page = open_page(site.write())
    page.get_by_label("Find a video").fill("")
    page.keyboard.type("nd1 +s")
    assert page.get_by_label("Find a video").input_value() == "nd1 +s"
    assert frame_of(page) == 0
    assert not page.evaluate("segtcn.player.clock.playing")


def test_cursor_and_tracks_stay_together_under_zoom_and_pan(page):
    click(page, 0, 2.017)
    x, y = point(page, 0, 2.0)
    page.mouse.move(x, y)
    for turn in (-300, -240, 100, -400):
        page.mouse.wheel(0, turn)
        wait_until_shown(page)
        time = page.evaluate("segtcn.player.time")
        box = page.locator("#cursor").bounding_box()
        assert box["x"] + 1 == pytest.approx(point(page, 0, time)[0], abs=0.5)
        # the wheel zooms at the pointer
        at_pointer = page.evaluate("(x) => segtcn.parts.pointer.locate({clientX: x, clientY: 0}).time", x)
        assert at_pointer == pytest.approx(2, abs=0.01)
    assert page.evaluate("segtcn.player.viewport.span") < 2
    before = page.evaluate("segtcn.player.viewport.start")
    page.keyboard.down("Shift")
    page.mouse.wheel(0, 120)
    page.keyboard.up("Shift")
    wait_until(page, f"segtcn.player.viewport.start > {before}")
    wait_until_shown(page)
    click(page, 0, 2.6)
    box = page.locator("#cursor").bounding_box()
    assert box["x"] + 1 == pytest.approx(point(page, 0, page.evaluate("segtcn.player.time"))[0], abs=0.5)
    # the boundary from "take" to "pour milk" is drawn where the axis has 2.5 s
    assert color_at(page, 0, 2.48) == class_color(1)
    assert color_at(page, 0, 2.52) == class_color(2)


def test_the_axis_is_dragged_and_clicked(page):
    page.evaluate("segtcn.player.showPart(2, 4)")
    wait_until_shown(page)
    box = page.locator("#timeline").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 300 - box["width"] / 4, box["y"] + 10, steps=3)
    page.mouse.up()
    assert page.evaluate("segtcn.player.viewport.start") == pytest.approx(2.5, abs=0.01)
    assert frame_of(page) == 0
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    wait_until_shown(page)
    assert frame_of(page) == pytest.approx(105, abs=1)


def test_the_overview_moves_the_visible_part(page):
    page.evaluate("segtcn.player.showPart(0, 1)")
    wait_until_shown(page)
    box = page.locator("#overview").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 4)
    page.mouse.down()
    assert page.evaluate("segtcn.player.viewport.start") == pytest.approx(4, abs=0.05)
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 4)
    page.mouse.up()
    assert page.evaluate("segtcn.player.viewport.start") == pytest.approx(2.5, abs=0.05)


def test_the_cursor_is_kept_in_sight_while_playing(quiet_page):
    page = quiet_page
    page.evaluate("segtcn.player.showPart(0, 0.5)")
    page.keyboard.press(" ")
    wait_until(page, "segtcn.player.time > 0.7")
    assert page.evaluate("segtcn.player.viewport.start") > 0.3
    page.keyboard.press(" ")
    page.evaluate("segtcn.player.follow = false; segtcn.player.showPart(5, 5.5)")
    page.keyboard.press(" ")
    wait_until(page, "segtcn.player.time > 1")
    page.keyboard.press(" ")
    assert page.evaluate("segtcn.player.viewport.start") == pytest.approx(5)


def test_hover_tells_the_segment_in_seconds_and_frames(page):
    page.mouse.move(*point(page, 1, 3.6))
    tip = page.locator("#tooltip")
    assert tip.is_visible()
    assert lines(page, "#tooltip") == [
        "ED-TCN",
        "take",
        "Time",
        "00:03.50 – 00:03.70 (0.20 s)",  # noqa: RUF001
        "Frames",
        "105 – 111 (6 frames)",  # noqa: RUF001
        "Confidence",
        "0.45",
    ]
    page.mouse.move(5, 5)
    assert not tip.is_visible()


def test_labels_of_all_tracks_at_the_cursor_are_beside_the_clip(page):
    click(page, 0, 3.617)
    assert lines(page, "#now") == [
        "truth",
        "pour milk",
        "0.9 s left",
        "ED-TCN",
        "take",
        "0.1 s left · confidence 0.45 · differs",
    ]


def test_the_legend_has_shares_and_dims_the_others(page):
    legend = page.locator("#legend")
    assert [line.replace("\u202f", " ") for line in legend.inner_text().split("\n")] == (
        ["background", "20 %", "take", "25 %", "pour milk", "30 %", "stir", "25 %"]
    )
    take, stir = (
        page.get_by_role("button", name=re.compile("^take")),
        page.get_by_role("button", name=re.compile("^stir")),
    )
    take.click()
    wait_until_shown(page)
    assert take.get_attribute("aria-pressed") == "true"
    assert color_at(page, 0, 1.5) == class_color(1)
    assert color_at(page, 0, 5.0) != class_color(3)
    stir.click()
    wait_until_shown(page)
    assert color_at(page, 0, 5.0) == class_color(3)
    assert color_at(page, 0, 3.0) != class_color(2)
    stir.dblclick()
    wait_until_shown(page)
    assert (take.get_attribute("aria-pressed"), stir.get_attribute("aria-pressed")) == ("false", "true")
    page.get_by_role("button", name="Show all", exact=True).last.click()
    wait_until_shown(page)
    assert color_at(page, 0, 1.5) == class_color(1)


def test_curves_list_the_highest_scores_at_the_cursor(page):
    click(page, 0, 5.0)
    top = page.get_by_role("list", name="Highest class scores at the cursor")
    values = [float(value) for value in top.inner_text().split("\n")[1::2]]
    assert top.inner_text().split("\n")[0] == "stir"
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1, abs=0.03)
    page.get_by_role("button", name=re.compile("^take")).click()
    wait_until_shown(page)
    assert top.inner_text().split("\n")[0] == "take"


def test_curves_are_drawn_at_the_same_time_as_the_tracks(site, open_page):
    scores = np.zeros((4, 180))
    scores[1, :90] = scores[2, 90:] = 1
    site.add([track_payload("ED-TCN", [(1, 90), (2, 90)], scores=scores_payload(scores))])
    page = open_page(site.write())
    page.evaluate("segtcn.player.showPart(2, 4)")
    wait_until_shown(page)
    row = page.evaluate("""() => { const {canvas, context, ratio} = segtcn.parts.curves.surface;
        const data = context.getImageData(0, Math.round(6 * ratio), canvas.width, 1).data;
        return Array.from({length: canvas.width}, (_, x) => [...data.slice(4 * x, 4 * x + 3)]); }""")
    near = [
        min(range(1, 4), key=lambda label: np.abs(np.subtract(class_color(label), row[x])).sum())
        for x in (len(row) // 4, 3 * len(row) // 4)
    ]
    assert near == [1, 2]
    change = next(x for x, color in enumerate(row) if np.abs(np.subtract(class_color(2), color)).sum() < 40)
    assert change == pytest.approx(len(row) / 2, abs=len(row) / 60 + 2)  # within a frame of 3 s


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_thin_lines_of_every_class_can_be_told_from_the_page(site, open_page, scheme):
    site.index["classes"] = class_payload([f"class {number}" for number in range(48)], background=0)
    site.add(demo_tracks())
    page = open_page(site.write(), color_scheme=scheme)
    ground = (255, 255, 255) if scheme == "light" else (22, 25, 29)
    colors = page.evaluate("Array.from({length: 48}, (_, i) => segtcn.lineColorOf(segtcn.player.classOf(i)))")
    thin = [tuple(map(int, re.findall(r"[0-9]+", color))) for color in colors]
    assert [line for line in thin if contrast(line, ground) < 2.39] == []  # rounded to whole numbers
    enough = [label for label in range(1, 48) if contrast(class_color(label), ground) > 2.4]
    assert [label for label in enough if thin[label] != class_color(label)] == []
    assert 20 < len(enough) < 47


def contrast(one, other):
    """Contrast ratio of WCAG 2."""
    shares = np.array([one, other]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    low, high = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return (high + 0.05) / (low + 0.05)


@pytest.fixture
def scored_page(site, open_page):
    site.index["runs"] = ["ED-TCN", "MS-TCN"]
    values = {"S1_Tea": (80, 10), "S2_Tea": (60, 30), "S10_Tea": (None, 20), "S3_Coffee": (70, None)}
    for name, (first, second) in values.items():
        scores = {"ED-TCN": {"f1@50": first, "edit": first and 100 - first}, "MS-TCN": {"f1@50": second}}
        site.add(demo_tracks(), name=name, scores=scores)
    return open_page(site.write())


def listed(page):
    return page.locator("#videos .video").all_inner_texts()


def test_videos_are_sorted_worst_first_by_any_score_of_any_run(scored_page):
    page = scored_page
    assert listed(page) == ["S2_Tea", "S3_Coffee", "S1_Tea", "S10_Tea"]
    page.get_by_role("columnheader", name="edit").get_by_role("button").click()
    assert listed(page) == ["S1_Tea", "S3_Coffee", "S2_Tea", "S10_Tea"]
    column = page.locator("#videos th", has_text="edit")
    assert column.get_attribute("aria-sort") == "ascending"
    column.get_by_role("button").click()
    assert listed(page) == ["S2_Tea", "S3_Coffee", "S1_Tea", "S10_Tea"]
    assert column.get_attribute("aria-sort") == "descending"
    page.get_by_label("Scores of the run").select_option("MS-TCN")
    page.locator("#videos th", has_text="f1@50").get_by_role("button").click()
    assert listed(page) == ["S1_Tea", "S10_Tea", "S2_Tea", "S3_Coffee"]
    page.locator("#videos th", has_text="Video").get_by_role("button").click()
    assert listed(page) == ["S1_Tea", "S2_Tea", "S3_Coffee", "S10_Tea"]
    page.get_by_label("Find a video").fill("tea")
    assert listed(page) == ["S1_Tea", "S2_Tea", "S10_Tea"]
    page.get_by_label("Find a video").fill("nothing")
    assert "No video has this in its name." in text(page, "#videos")


def test_choosing_a_video_loads_it_and_the_address_leads_back(scored_page, open_page):
    page = scored_page
    page.get_by_role("button", name="S3_Coffee").click()
    wait_until(page, "segtcn.player.recording.id === '0004'")
    assert text(page, "#video-name") == "S3_Coffee"
    assert "70.0" in text(page, "#scores")
    wait_until_shown(page)
    click(page, 0, 2.017)
    press(page, "+")
    wait_until(page, "location.hash.includes('zoom')")
    again = open_page(page.url.split("#")[0], hash=page.evaluate("location.hash"))
    for each in (page, again):
        wait_until_shown(each)
        state = each.evaluate("(({recording: {id}, viewport, frame}) => [id, viewport.span, frame])(segtcn.player)")
        assert state == ["0004", pytest.approx(3, abs=0.01), 60]
    again.evaluate("location.hash = 'video=0001&t=1'")
    wait_until(again, "segtcn.player.recording.id === '0001' && segtcn.player.frame === 30")


def test_without_a_clip_the_tracks_play(quiet_page):
    page = quiet_page
    assert not page.locator("#clip").is_visible()
    page.get_by_role("button", name="Play", exact=True).click()
    wait_until(page, "segtcn.player.frame > 10")
    page.get_by_role("button", name="Pause").click()
    click(page, 0, 4.917)  # the middle of a frame
    assert frame_of(page) == 147
    press(page, "p")
    assert frame_of(page) == 135
    press(page, "End", " ")
    wait_until(page, "segtcn.player.clock.playing && segtcn.player.frame < 60")


def test_without_a_clip_the_frames_go_on_to_the_end_of_the_longest_track(site, open_page):
    site.add([track_payload("truth", [(0, 100)]), track_payload("ED-TCN", [(0, 50), (1, 80)])])
    page = open_page(site.write())
    press(page, "End", "ArrowLeft", "ArrowLeft")
    assert "frame 127 / 130" in text(page, ".readout")
    click(page, 1, 3.55)
    assert frame_of(page) == 106
    assert lines(page, "#now") == ["truth", "ends before", "ED-TCN", "take", "0.8 s left"]


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 600)])
def test_many_tracks_are_in_reach_of_fingers_and_keyboard(site, add_demo, open_page, width, height):
    add_demo(tracks=[track_payload(f"run {number}", [(1, 180)], by_frame=True) for number in range(8)])
    page = open_page(site.write(), viewport={"width": width, "height": height})
    assert all(box["height"] >= 24 for box in (title.bounding_box() for title in page.locator(".track-title").all()))
    scrolls = page.evaluate("(({scrollHeight: all, clientHeight: seen}) => all > seen)(document.getElementById('now'))")
    assert scrolls == (width > 390)
    assert page.locator("#now").get_attribute("tabindex") == ("0" if scrolls else "-1")


def test_without_any_rate_there_are_frames_and_no_seconds(site, open_page):
    site.add([track_payload("truth", [(0, 30), (1, 70)], fps=None)])
    page = open_page(site.write())
    click(page, 0, 50.5)
    assert text(page, ".readout").strip() == "frame 50 / 100"
    assert spoken(page) == "frame 50: truth take"
    assert text(page, ".now-rest") == "50 frames left"
    assert page.locator("#segments th[scope=col]").all_inner_texts() == ["Number", "Label", "Frames", "Length"]
    press(page, " ")
    wait_until(page, "segtcn.player.frame > 55")


def test_tracks_of_other_rates_are_aligned_in_time(site, open_page):
    site.add([*demo_tracks(), track_payload("MS-TCN", [(0, 15), (1, 22), (2, 30), (3, 23)], fps=15)])
    page = open_page(site.write())
    click(page, 2, 1.017)
    assert lines(page, "#now")[-2:] == ["take", "1.5 s left"]
    assert page.evaluate("segtcn.player.differences.get(segtcn.player.tracks[2]).starts") == pytest.approx(
        [74 / 30, 134 / 30]
    )


def test_tracks_longer_than_the_clip_can_be_reached(site, add_demo, open_page):
    tracks = [track_payload("truth", [(1, 180), (2, 60)], by_frame=True, fps=None)]
    add_demo(tracks=tracks, notes=["truth has 60 frames more than the clip"])
    page = open_page(site.write())
    assert "60 frames more than the clip" in text(page, "#notes")
    click(page, 0, 7.0)
    assert text(page, ".now-label") == "pour milk"
    assert shown_frame(page) == 179


def test_a_missing_clip_is_one_sentence_and_the_tracks_work(site, open_page):
    site.add(demo_tracks(by_frame=True, fps=None), clip=CLIP, source="clips/0001.mp4")
    page = open_page(site.write(), ready=False)
    page.expected_errors = ["Failed to load resource"]
    page.locator("#clip-problem").wait_for()
    assert "The clip clips/0001.mp4 cannot be played: it is missing" in text(page, "#clip-problem")
    click(page, 0, 2.017)
    assert frame_of(page) == 60
    press(page, " ")
    wait_until(page, "segtcn.player.frame > 65")


def test_a_clip_that_is_none_is_one_sentence(site, open_page):
    site.add(demo_tracks(by_frame=True, fps=None), clip=CLIP, source="clips/0001.mp4")
    (site.root / "clips" / "0001.mp4").write_bytes(b"no clip" * 999)
    page = open_page(site.write(), ready=False)
    page.locator("#clip-problem").wait_for()
    assert "cannot be played" in text(page, "#clip-problem")


def test_missing_data_is_said(site, open_page):
    site.add(demo_tracks())
    site.add(demo_tracks(), name="S2")
    page_path = site.write()
    (site.root / "data" / "video-0002.js").unlink()
    page = open_page(page_path)
    page.expected_errors = ["Failed to load resource"]
    page.get_by_role("button", name="S2").click()
    page.locator("#problem").wait_for()
    assert "data/video-0002.js cannot be read" in text(page, "#problem")
    assert page.evaluate("segtcn.player.recording.id") == "0001"
    (site.root / "data" / "index.js").write_text("")
    other = open_page(page_path, ready=False)
    other.expected_errors = ["holds no data of this version"]
    other.locator("#problem").wait_for()
    assert "export the videos again" in text(other, "#problem")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system_unless_chosen(site, open_page, scheme):
    site.add(demo_tracks())
    page = open_page(site.write(), color_scheme=scheme)

    def is_dark():
        return page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((value) => value < 60)"
        )

    assert is_dark() == (scheme == "dark")
    other = "light" if scheme == "dark" else "dark"
    page.get_by_label("Colours of the page").select_option(other)
    assert is_dark() == (other == "dark")
    page.reload()
    wait_until(page, "segtcn.player?.recording")
    assert is_dark() == (other == "dark")


CONTRAST = """() => {
  const rgb = (text) => { const c = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    c.fillStyle = text; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
  const luminance = (color) => color.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => { for (; node; node = node.parentElement) {
    const color = rgb(getComputedStyle(node).backgroundColor);
    if (color[3] === 255) return color; } return [255, 255, 255]; };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.checkVisibility() || node.disabled || node.closest(".unseen, option")) continue;
    const [a, b] = [luminance(rgb(getComputedStyle(node).color)), luminance(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push([node.tagName, node.textContent.trim().slice(0, 40), ratio]);
  }
  return poor; }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(site, add_demo, open_page, scheme):
    add_demo(notes=["a note"])
    page = open_page(site.write(), color_scheme=scheme)
    press(page, "c", "s")
    click(page, 2, 3.617)
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1600])
def test_nothing_overflows_at_any_width(site, add_demo, open_page, width):
    add_demo(name="a_very_long_name_" * 20)
    site.add(demo_tracks(), name="other")
    page = open_page(site.write(), viewport={"width": width, "height": 844})
    press(page, "c", "s")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    click(page, 0, 2.017)
    assert frame_of(page) == 60


def test_the_keyboard_alone_reaches_everything(site, open_page):
    for name in ("S1_Tea", "S2_Coffee"):
        site.add(demo_tracks(), name=name, scores={"ED-TCN": {"f1@50": 50.0}})
    page = open_page(site.write())
    reached = []
    for _ in range(70):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => { const {activeElement: node} = document; const style = getComputedStyle(node);
                if (node === document.body) return ["", false];
                return [node.id || node.innerText.split("\\n")[0], style.outlineStyle !== "none"]; }"""
            )
        )
        if reached[-1][0] == "" and len(reached) > 10:
            break
    names = [name for name, _ in reached]
    wanted = [
        "Skip to the timeline",
        "theme",
        "play",
        "speed",
        "zoom-in",
        "correct",
        "timeline",
        "curves-track",
        "take",
    ]
    assert [name for name in [*wanted, "videos-filter", "S2_Coffee"] if name not in names] == []
    assert [name for name, outlined in reached if name and not outlined] == []


def test_segments_are_walked_with_the_arrows(quiet_page):
    page = quiet_page
    page.locator("#segments tr[tabindex='0']").focus()
    for key, frame in {"ArrowDown": 36, "End": 135, "ArrowUp": 111, "PageUp": 0, "PageDown": 135, "Home": 0}.items():
        press(page, key)
        assert frame_of(page) == frame
        assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    assert page.locator("#segments table").get_attribute("aria-rowcount") == "7"


def test_a_long_track_has_a_short_table(site, open_page):
    site.add([track_payload("truth", [(i % 4, 10) for i in range(3000)])])
    page = open_page(site.write())
    page.evaluate("segtcn.player.seek(500)")
    wait_until_shown(page)
    rows = page.locator("#segments tbody tr")
    assert rows.count() == 17
    assert page.locator("#segments tr[aria-current]").get_attribute("aria-rowindex") == "1502"
    assert "of 3\u202f000" in text(page, "#segments")


def test_screen_readers_get_landmarks_names_and_the_position(page):
    click(page, 0, 3.617)
    slider = page.get_by_role("slider", name="Position in the video")
    assert slider.get_attribute("aria-valuetext") == "3.6 s, frame 108: truth pour milk, ED-TCN take"
    assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(3.617, abs=0.001)
    assert slider.get_attribute("aria-valuemax") == "6.000"
    for role in ("main", "complementary", "banner"):
        assert page.get_by_role(role).count() == 1
    tree = page.locator("body").aria_snapshot()
    assert re.findall(r"^\s*- (?:button|combobox|slider|searchbox|table|region)(?::|$)", tree, re.M) == []
    press(page, "n")
    assert text(page, "#live") == "stir, 00:04.5 to 00:06.0"
    press(page, "d")
    assert text(page, "#live") == "No next disagreement"


def test_reduced_motion_is_respected(site, open_page):
    site.add(demo_tracks())
    page = open_page(site.write(), reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_tracks_are_sharp_on_dense_screens(site, open_page):
    site.add(demo_tracks())
    page = open_page(site.write(), device_scale_factor=2)
    width, shown = page.evaluate("(({canvas}) => [canvas.width, canvas.clientWidth])(segtcn.parts.timeline.surface)")
    assert width == 2 * shown


def test_classes_without_a_colour_do_no_harm(site, open_page):
    site.index["classes"] = class_payload(["background", "take", "pour milk", "stir"])
    site.index["classes"][1]["color"] = "url(https://example.org/x)"
    site.add(demo_tracks())
    page = open_page(site.write())
    assert text(page, "#legend").startswith("background")
    assert "https" not in json.dumps(
        page.evaluate("[...document.querySelectorAll('[style]')].map((n) => n.style.cssText)")
    )
