"""The player in real Chromium, fed with payloads made here: the pages need nothing else of the library."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from segtcn.video_io import ClipWriter
from tests.clips import numbered_frame
from tests.visualization.player.pages import wait_until
from tests.visualization.player.payloads import CLIP, FPS, NUM_FRAMES, Site, demo_tracks


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


@pytest.fixture(scope="session")
def numbered_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264, 30 frames/s, 180 frames whose number can be read from the picture."""
    path = tmp_path_factory.mktemp("clip") / "numbered.mp4"
    with ClipWriter(path, Fraction(FPS), width=320, height=240) as writer:
        for number in range(NUM_FRAMES):
            writer.write(numbered_frame(number, 320, 240))
    return path


@pytest.fixture
def add_demo(site: Site, numbered_clip: Path) -> Callable[..., str]:
    """Function that adds the demo's video with its clip; returns its id."""

    def add(**more: Any) -> str:
        shutil.copy(numbered_clip, site.root / "clips" / "0001.mp4")
        scores = {"ED-TCN": {"accuracy": 90.1, "edit": 71.4, "f1@10": 88.9, "f1@25": 88.9, "f1@50": 66.7}}
        tracks = more.pop("tracks", None) or demo_tracks(by_frame=True, fps=None)
        return site.add(tracks, clip=CLIP, source="clips/0001.mp4", scores=scores, **more)

    return add


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright, whose event loop must not reach tests that run their own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the player's tests need `pip install playwright`")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("the player's tests need Chromium: no program `chromium` was found")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Function that opens a page of the player and waits for its video.

    Keywords: ``hash`` of the address, ``ready`` = False to come back at once, the rest goes to the browser's context
    (``viewport``, ``color_scheme``). Whatever the test, it fails if the page writes an error to the console or asks for
    anything that is not of its own origin; ``page.expected_errors`` takes patterns of errors that are meant.
    """
    contexts, pages, foreign, errors = [], [], [], []

    def open_(target: Path | str, *, hash: str = "", ready: bool = True, **options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 900}} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.set_default_timeout(10_000)
        page.expected_errors = []
        url = target.as_uri() if isinstance(target, Path) else target
        own = url.rsplit("/", 1)[0] + "/"

        def check_request(request: Any) -> None:
            if not request.url.startswith((own, "blob:", "data:")):
                foreign.append(request.url)

        def check_console(message: Any) -> None:
            if message.type in {"error", "warning"}:
                errors.append(message.text)

        page.on("request", check_request)
        page.on("console", check_console)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url + hash)
        if ready:
            wait_until(page, "segtcn.player?.recording && !segtcn.player.changes.size")
            wait_until(page, "(({video}) => !video || (video.readyState >= 2 && !video.seeking))(segtcn.player.clock)")
        return page

    yield open_
    expected = [pattern for page in pages for pattern in page.expected_errors]
    for context in contexts:
        context.close()
    assert not foreign
    assert [error for error in errors if not any(re.search(pattern, error) for pattern in expected)] == []


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
