"""The player in real Chromium, fed with payloads made here: the pages need nothing else of the library."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from segtcn.video_io import ClipWriter
from tests.clips import numbered_frame
from tests.visualization.player.pages import wait_until
from tests.visualization.player.payloads import CLIP, FPS, NUM_FRAMES, Site, demo_tracks

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'"
)


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


class _RangeHandler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder with range requests, which seeking needs, under the policy that the real server sends."""

    protocol_version = "HTTP/1.1"
    posted: list[dict[str, Any]]
    answer: dict[str, Any]

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CONTENT_POLICY)
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not wanted or not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes()
        start, stop = int(wanted[1]), int(wanted[2] or len(content) - 1) + 1
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Range", f"bytes {start}-{min(stop, len(content)) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content[start:stop])))
        self.end_headers()
        self.wfile.write(content[start:stop])

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.posted.append({"path": self.path, **body})
        answer = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


class Server:
    """A site on 127.0.0.1; keeps what was posted, answers with ``answer``."""

    def __init__(self, root: Path) -> None:
        self.posted: list[dict[str, Any]] = []
        members = {"posted": self.posted, "answer": {"files": ["S1_Tea.txt", "S1_Tea.csv"]}}
        self.handler = type("Handler", (_RangeHandler,), members)

        def handler(*arguments: Any) -> http.server.BaseHTTPRequestHandler:
            return self.handler(*arguments, directory=str(root))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/index.html"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def serve(site: Site) -> Iterator[Callable[[], Server]]:
    """Function that writes the site and serves it."""
    servers: list[Server] = []

    def start() -> Server:
        site.write()
        servers.append(Server(site.root))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
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
