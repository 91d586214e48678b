"""Names and labels may hold anything; the page shows them as text."""

from __future__ import annotations

import pytest

from tests.visualization.viewer.pages import click, point, press, wait_until, wait_until_shown
from tests.visualization.viewer.payloads import class_payload, demo_tracks

HOSTILE = [
    "<script>window.broken = 1</script>",
    "<img src=x onerror='window.broken = 1'>",
    "</script><script>window.broken = 1</script>",
    "\"'`${window.broken = 1}--><!--",
    "javascript:window.broken=1",
    "long " * 1000,
    "l" * 5000,
    "לחתוך את המלפפון",
    "\u202egpj.exe\u202d",
    "🥒🔪👩🏽‍🍳",
    "two\nlines\u2028three",
    "&lt;b&gt; &amp; %00 \\u0000 \u0000 \u0007",
    "__proto__",
    "   ",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_stay_text(site, open_page, name):
    site.index |= {"title": name, "runs": [name], "classes": class_payload([name, f"{name}1", f"{name}2", f"{name}3"])}
    tracks = demo_tracks()
    tracks[1]["title"] = name
    for _ in range(2):
        site.add(tracks, name=name, scores={name: {"f1@50": 50.0}}, notes=[name])
    page = open_page(site.write())
    scripts = page.evaluate("document.scripts.length")
    page.mouse.move(*point(page, 1, 2.0))
    click(page, 1, 2.0)
    press(page, "n", "d", "c", "s")
    page.get_by_role("button", name="Relabel…").click()
    press(page, "2", "c")
    page.locator(".video").nth(1).click()
    wait_until(page, "segtcn.player.recording.id === '0002'")
    wait_until_shown(page)
    assert page.evaluate("window.broken") is None
    # nothing became an element, and nothing widened the page
    assert page.evaluate("document.querySelectorAll('img, b, iframe, [onerror]').length") == 0
    assert page.evaluate("document.scripts.length") == scripts
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    line = page.evaluate("segtcn.format.oneLine(segtcn.player.recording.tracks[1].title)")
    assert page.locator("#gutter bdi").nth(1).text_content() == line
    assert page.locator("#legend bdi").first.get_attribute("dir") == "auto"


def test_names_of_both_directions_do_not_turn_what_stands_beside_them(site, open_page):
    site.index["classes"] = class_payload(["background", "לחתוך", "\u202eabc", "stir"])
    site.add(demo_tracks())
    page = open_page(site.write())
    click(page, 0, 1.5)
    rows = page.locator("#legend .legend-entry")
    for number in range(4):
        swatch, name, share = (
            rows.nth(number).locator(selector).bounding_box() for selector in (".swatch", "bdi", ".number")
        )
        assert swatch["x"] < name["x"] < share["x"]


def test_the_files_of_hostile_classes_are_refused_or_come_back(site, open_page, tmp_path):
    site.index["classes"] = class_payload(['say "hi", <b>', "two\nlines", "pour milk", "stir"])
    site.add(demo_tracks(), name="../../etc/passwd")
    page = open_page(site.write())
    press(page, "c")
    page.get_by_role("button", name="Save text").click()
    page.locator("#correct-state.failed").wait_for()
    assert "a label must be one line without outer white space" in page.locator("#correct-state").inner_text()
    click(page, 1, 1.517)
    press(page, "r", "3")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save CSV").click()
    assert download.value.suggested_filename == "_.._etc_passwd.csv"
