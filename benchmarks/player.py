"""How fast the browser player draws a long video: 3 hours at 30 frames/s, four tracks of 5,000 segments each.

    python -m benchmarks.player

Needs Playwright and Chromium. The page is opened from disk, headless, without a graphics card. One row is one kind of
redraw, each at 300 visible parts of random width and place, from all to half a second: what the page's scripts take,
and with the time in which Chromium turns their lines and rectangles into pixels (reading one pixel back waits for
them). The last rows turn the wheel once an animation frame and tell the distance of the frames, which is at least
16.7 ms at 60 frames/s, and what the page's scripts take of it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.visualization.player.payloads import Site, class_payload, scores_payload, track_payload

FPS, NUM_FRAMES, NUM_SEGMENTS, NUM_CLASSES = 30, 324_000, 5_000, 20
TITLES = ["truth", "ED-TCN", "MS-TCN", "ASFormer"]

# the surfaces are read back so that their drawing is over when the clock stops
MEASURE = """([parts, count, seed]) => {
  const {player} = segtcn, {viewport} = player;
  let state = seed;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const flush = () => parts.forEach((name) => segtcn.parts[name].surface.context.getImageData(0, 0, 1, 1));
  const rows = [];
  for (let i = 0; i < count; i += 1) {
    const span = viewport.duration * (0.5 / viewport.duration) ** random();
    const start = random() * (viewport.duration - span);
    viewport.show(start, start + span);
    const began = performance.now();
    for (const name of parts) segtcn.parts[name].draw();
    const drawn = performance.now();
    flush();
    rows.push([drawn - began, performance.now() - began]);
  }
  return rows; }"""

WHEEL = """(count) => new Promise((done) => {
  const plots = document.getElementById("plots"), box = plots.getBoundingClientRect();
  const rows = [], own = [];
  const {player} = segtcn, redraw = player.redraw;
  player.redraw = function () { const t = performance.now(); redraw.call(this); own.push(performance.now() - t); };
  player.fit();
  let last = null, i = 0;
  const step = (now) => {
    if (last !== null) rows.push(now - last);
    last = now;
    if (i === count) { player.redraw = redraw; done([rows, own]); return; }
    const deltaY = Math.sin(i / 25) > -0.2 ? -60 : 60;
    plots.dispatchEvent(new WheelEvent("wheel", {deltaY, shiftKey: i % 4 === 3, bubbles: true, cancelable: true,
      clientX: box.left + box.width * (0.5 + 0.4 * Math.sin(i / 40)), clientY: box.top + 60}));
    i += 1;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step); })"""


def write_site(root: Path) -> Path:
    rng = np.random.default_rng(0)
    site = Site(root)
    site.index["classes"] = class_payload([f"action {number}" for number in range(NUM_CLASSES)])
    tracks = []
    for title in TITLES:
        cuts = np.sort(rng.choice(np.arange(1, NUM_FRAMES), NUM_SEGMENTS - 1, replace=False))
        lengths = np.diff([0, *cuts, NUM_FRAMES]).tolist()
        classes = np.cumsum(rng.integers(1, NUM_CLASSES, NUM_SEGMENTS)) % NUM_CLASSES  # neighbours differ
        runs = list(zip(classes.tolist(), lengths, strict=True))
        tracks.append(track_payload(title, runs))
        if title == "ED-TCN":
            labels = np.repeat(classes, lengths)
            scores = rng.random((NUM_CLASSES, NUM_FRAMES)) ** 6
            scores[labels, np.arange(NUM_FRAMES)] += 2 * rng.random(NUM_FRAMES)
            tracks[-1]["scores"] = scores_payload(scores / scores.sum(0))
    site.add(tracks, name="three hours")
    return site.write()


def row(name: str, values: Any) -> str:
    median, high, most = np.quantile(values, [0.5, 0.95, 1])
    return f"| {name} | {median:.1f} | {high:.1f} | {most:.1f} |"


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redraws", type=int, default=300, help="number of visible parts (default: %(default)s)")
    parser.add_argument("--width", type=int, default=1600, help="of the window, in pixels (default: %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_path = write_site(Path(folder) / "site")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": arguments.width, "height": 1000})
        page.goto(page_path.as_uri())
        page.wait_for_function("segtcn.player?.recording && !segtcn.player.changes.size", timeout=60_000)
        width = page.evaluate("segtcn.parts.timeline.surface.canvas.width")
        print(
            f"{len(TITLES)} x {NUM_SEGMENTS:,} segments, {NUM_FRAMES:,} frames, {NUM_CLASSES} curves; {width} pixels\n"
        )
        print("| ms | median | 95 % | most |\n|---|---|---|---|")
        for name, parts in {"tracks": ["timeline"], "curves": ["curves"], "both": ["timeline", "curves"]}.items():
            page.evaluate(MEASURE, [parts, 20, 7])  # the first ones are compiled on the way
            rows = np.array(page.evaluate(MEASURE, [parts, arguments.redraws, 12345]))
            print(row(f"{name}, scripts", rows[:, 0]))
            print(row(f"{name}, pixels, too", rows[:, 1]))
        frames, own = page.evaluate(WHEEL, arguments.redraws)
        print(row("wheel, scripts a frame", own))
        print(row("wheel, distance of frames", frames))
        browser.close()


if __name__ == "__main__":
    main()
