"""Clip and cursor: what plays, what keys, clicks, wheel and drags do."""

from __future__ import annotations

import re

import numpy as np
import pytest

from segtcn.labels import Classes, Labels
from segtcn.visualization.palette import class_color
from segtcn.visualization.player import PlayerServer, PlayerVideo
from tests.clips import write_clip
from tests.visualization.player.pages import (
    click,
    color_at,
    frame_of,
    point,
    press,
    shown_frame,
    wait_until,
    wait_until_shown,
)
from tests.visualization.player.payloads import (
    CLASS_NAMES,
    CLIP,
    NUM_FRAMES,
    demo_tracks,
    track_payload,
)
from tests.visualization.player.players import player


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
    pixels = page.evaluate("segtcn.player.time / 6 * document.getElementById('timeline').clientWidth")
    assert left == pytest.approx(pixels, abs=0.01)  # Chromium rounds matrices to six digits


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


def test_a_served_page_works_under_its_content_policy(numbered_clip, open_page):
    labels = Labels(np.repeat([0, 1, 2, 3], [30, 45, 60, 45]), Classes(tuple(CLASS_NAMES), 0), 30.0)
    shown = player(PlayerVideo("tea", {"truth": labels}, numbered_clip), classes=labels.classes)
    with PlayerServer(shown, port=0) as server:
        page = open_page(server.url)
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
