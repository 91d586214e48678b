"""The page for every eye and hand: light and dark, narrow, keyboard alone, screen readers."""

from __future__ import annotations

import json
import re

import pytest

from tests.visualization.player.pages import (
    click,
    frame_of,
    press,
    text,
    wait_until,
    wait_until_shown,
)
from tests.visualization.player.payloads import (
    class_payload,
    demo_tracks,
    track_payload,
)


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
                const name = node.id || node.ariaLabel || node.innerText.split("\\n")[0];
                return [name, style.outlineStyle !== "none"]; }"""
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
        "Zoom in",
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


@pytest.mark.parametrize("key", ["ArrowUp", "Enter"])
def test_behind_the_last_segment_the_arrows_lead_back_to_it(site, open_page, key):
    site.add([track_payload("truth", [(0, 60), (1, 40)]), track_payload("ED-TCN", [(0, 130)])])
    page = open_page(site.write())
    press(page, "End", "1")
    page.locator("#segments tr[tabindex='0']").focus()
    press(page, key)
    assert frame_of(page) == 60


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


@pytest.mark.parametrize("width", [1400, 420])
def test_a_clip_of_any_shape_has_no_bars_and_tracks_are_in_sight(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    wait_until(page, "document.getElementById('clip').readyState >= 1")
    shown, true = page.evaluate(
        "(({clientWidth: w, clientHeight: h, videoWidth, videoHeight}) => [w / h, videoWidth / videoHeight])"
        "(document.getElementById('clip'))"
    )
    assert shown == pytest.approx(true, rel=0.02)
    assert page.locator("#timeline").bounding_box()["y"] < 800


def test_a_long_time_is_written_as_on_the_axis(site, open_page):
    site.add([track_payload("truth", [(0, 30 * 200), (1, 30)])])
    page = open_page(site.write())
    click(page, 0, 1.017)
    assert text(page, ".now-rest") == "03:19.0 left"
    assert "03:20.0" in text(page, "#segments")
