"""What tests do with an open page of the player."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
from PIL import Image

from tests.clips import frame_number


def shown_frame(page: Any) -> int:
    """Number of the clip's frame on the screen, read from a screenshot (a page from disk may not read its clip)."""
    # the clip is fitted into its element: bars on two sides
    box = page.evaluate("""() => { const {videoWidth: w, videoHeight: h} = segtcn.player.clock.video;
        const box = document.getElementById("clip").getBoundingClientRect();
        const scale = Math.min(box.width / w, box.height / h);
        return {x: box.x + scrollX + (box.width - w * scale) / 2, y: box.y + scrollY + (box.height - h * scale) / 2,
                width: w * scale, height: h * scale}; }""")
    picture = Image.open(io.BytesIO(page.screenshot(clip=box, full_page=True)))
    return frame_number(np.asarray(picture.convert("RGB").resize((320, 240))))


def wait_until(page: Any, condition: str, timeout_s: float = 15) -> None:
    """Wait until a JavaScript expression is true; unlike Playwright's own way, also under a content policy."""
    end = time.monotonic() + timeout_s
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"not within {timeout_s} s: {condition}"
        page.wait_for_timeout(20)


def wait_until_shown(page: Any) -> None:
    """Wait until all redraws and seeks are over, and the clip's frame is on the screen."""
    redrawn = "(segtcn.player.clock.playing || !segtcn.player.changes.size)"
    wait_until(page, f"{redrawn} && !segtcn.player.clock.video?.seeking")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def point(page: Any, track: int, time_s: float) -> tuple[float, float]:
    """Place on the screen of a track's bar at a time, in CSS pixels."""
    return tuple(
        page.evaluate(
            """([track, time]) => { const {timeline} = segtcn.parts, box = timeline.plot.getBoundingClientRect();
            const row = timeline.rows[track];
            return [box.left + segtcn.player.viewport.xOf(time, box.width), box.top + row.top + row.height / 2]; }""",
            [track, time_s],
        )
    )


def click(page: Any, track: int, time_s: float) -> None:
    """Click a track at a time."""
    page.locator("#timeline").scroll_into_view_if_needed()
    page.mouse.click(*point(page, track, time_s))
    wait_until_shown(page)


def press(page: Any, *keys: str) -> None:
    """Press keys, one after the other, and wait for what they do."""
    for key in keys:
        page.keyboard.press(key)
        wait_until_shown(page)


def color_at(page: Any, track: int, time_s: float) -> tuple[int, int, int]:
    """Colour that is drawn near the upper edge of a track's bar at a time, where no name is."""
    x, y = point(page, track, time_s)
    page.mouse.move(0, 0)
    clip = {"x": round(x), "y": round(y - 10), "width": 1, "height": 1}
    return Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB").getpixel((0, 0))


def frame_of(page: Any) -> int:
    return page.evaluate("segtcn.player.frame")


def lines(page: Any, selector: str) -> list[str]:
    """Lines of text of an element, without empty ones."""
    return [line for line in page.locator(selector).inner_text().split("\n") if line.strip()]


def text(page: Any, selector: str) -> str:
    """Text of an element."""
    return page.locator(selector).inner_text()


def spoken(page: Any) -> str | None:
    """What a screen reader says of the cursor."""
    return page.locator("#timeline").get_attribute("aria-valuetext")
