"""Names and labels may hold anything; the page shows them as text."""

from __future__ import annotations

import re

from tests.visualization.player.pages import click, point, press, wait_until, wait_until_shown
from tests.visualization.player.payloads import RUN, class_payload, demo_tracks, track_payload

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


def test_hostile_names_stay_text(site, open_page):
    site.index |= {"title": HOSTILE[0], "runs": HOSTILE, "classes": class_payload(HOSTILE)}
    tracks = [demo_tracks()[0]]
    for number, name in enumerate(HOSTILE):
        runs = [((number + label) % len(HOSTILE), length) for label, length in RUN]
        tracks.append(track_payload(name, runs))
    for name in HOSTILE:
        site.add(tracks, name=name, scores={name: {"f1@50": 50.0}}, notes=[name])
    page = open_page(site.write())
    scripts = page.evaluate("document.scripts.length")
    for number, name in enumerate(HOSTILE):
        page.evaluate("(number) => segtcn.player.chooseTrack(number + 1)", number)
        page.locator("#timeline").scroll_into_view_if_needed()
        page.mouse.move(*point(page, number + 1, 2.0))
        press(page, "n", "d", "Home")
        assert page.locator("#gutter bdi").nth(number + 1).text_content() == one_line(name)
        assert page.locator("#segments-title bdi").text_content() == one_line(name)
        assert page.locator("#now bdi[dir=auto]").nth(2 * number + 2).text_content() == one_line(name)
    press(page, "c", "r", "2", "c", "?", "Escape")
    for number in (3, 9):
        page.evaluate("(number) => segtcn.parts.videos.choose(segtcn.player.index.videos[number].id)", number)
        wait_until(page, f"segtcn.player.recording.id === '{number + 1:04d}'")
        wait_until_shown(page)
        assert page.locator("#video-name").text_content() == one_line(HOSTILE[number])
        assert page.locator("#notes").text_content() == HOSTILE[number]
    # nothing became an element, nothing ran, and nothing widened the page
    assert page.evaluate("window.broken") is None
    assert page.evaluate("document.querySelectorAll('img, b, iframe, [onerror]').length") == 0
    assert page.evaluate("document.scripts.length") == scripts
    assert page.evaluate("document.documentElement.scrollWidth") == 1280


def one_line(name):
    return re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", name)


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
