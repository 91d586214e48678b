"""The player in real Chromium, fed with payloads made here: the pages need nothing else of the library."""

from __future__ import annotations

import base64
import http.server
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segtcn.visualization
from segtcn.video_io import ClipWriter
from segtcn.visualization.palette import class_color, text_color

STATIC = Path(segtcn.visualization.__file__).parent / "viewer" / "static"
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "connect-src 'self'"
)
FPS, NUM_FRAMES = 30, 180
CLASS_NAMES = ["background", "take", "pour milk", "stir"]
TRUTH = [(0, 30), (1, 45), (2, 60), (3, 45)]  # class, frames
RUN = [(0, 36), (1, 39), (2, 30), (1, 6), (2, 24), (3, 45)]


def class_payload(names: Sequence[str], background: int | None = 0) -> list[dict[str, Any]]:
    def css(color: tuple[int, int, int]) -> str:
        return "#{:02x}{:02x}{:02x}".format(*color)

    colors = [class_color(label, background) for label in range(len(names))]
    return [
        {"name": name, "color": css(color), "text": css(text_color(color)), "background": label == background}
        for label, (name, color) in enumerate(zip(names, colors, strict=True))
    ]


def track_payload(title: str, runs: Sequence[tuple[int, int]], **more: Any) -> dict[str, Any]:
    """A track from its runs of (class, frames); keywords replace what it has."""
    lengths = np.array([length for _, length in runs])
    starts = np.cumsum(lengths) - lengths
    track = {"title": title, "truth": title == "truth", "fps": FPS, "num_frames": int(lengths.sum()), "by_frame": False}
    segments = {"starts": starts.tolist(), "classes": [label for label, _ in runs], "confidence": None, "scores": None}
    return track | segments | more


def scores_payload(scores: np.ndarray, frames_per_sample: int = 1) -> dict[str, Any]:
    """Class scores ``(C, T)``, from 0 to 1, one sample for every ``frames_per_sample`` frames."""
    data = np.rint(255 * scores[:, ::frames_per_sample]).astype(np.uint8)
    classes, num_samples = range(len(data)), data.shape[1]
    text = base64.b64encode(data.tobytes()).decode()
    return {
        "classes": list(classes),
        "num_samples": num_samples,
        "frames_per_sample": frames_per_sample,
        "data": text,
    }


def softmax_scores(runs: Sequence[tuple[int, int]], num_classes: int, seed: int = 0) -> np.ndarray:
    """Scores ``(C, T)`` whose largest is mostly that of the runs' class."""
    labels = np.repeat([label for label, _ in runs], [length for _, length in runs])
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((num_classes, len(labels))).cumsum(1)
    logits = noise - np.apply_along_axis(lambda row: np.convolve(row, np.ones(25) / 25, "same"), 1, noise)
    logits[labels, np.arange(len(labels))] += 4
    scores = np.exp(logits - logits.max(0))
    return scores / scores.sum(0)


def demo_tracks(**more: Any) -> list[dict[str, Any]]:
    """The truth and one run with confidence and class scores; keywords go to both."""
    scores = scores_payload(softmax_scores(RUN, len(CLASS_NAMES)))
    confidence = [0.9, 0.8, 0.7, 0.45, 0.85, 0.95]
    return [
        track_payload("truth", TRUTH, **more),
        track_payload("ED-TCN", RUN, confidence=confidence, scores=scores, **more),
    ]


class Site:
    """A folder as the exporter writes it: the static files, and data given as payloads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(STATIC, root, dirs_exist_ok=True)
        (root / "data").mkdir()
        (root / "clips").mkdir()
        self.index: dict[str, Any] = {
            "version": 1,
            "title": "demo",
            "classes": class_payload(CLASS_NAMES),
            "protocol": None,
            "score_names": ["accuracy", "edit", "f1@10", "f1@25", "f1@50"],
            "runs": ["ED-TCN"],
            "videos": [],
            "save": None,
        }

    def add(
        self,
        tracks: Sequence[dict[str, Any]],
        *,
        name: str = "S1_Tea",
        clip: dict[str, Any] | None = None,
        source: str | None = None,
        scores: dict[str, dict[str, float]] | None = None,
        notes: Sequence[str] = (),
    ) -> str:
        """Add a video; returns its id."""
        number = f"{len(self.index['videos']) + 1:04d}"
        entry = {"id": number, "name": name, "num_frames": tracks[0]["num_frames"], "fps": tracks[0]["fps"]}
        self.index["videos"].append(entry | {"duration_s": None, "clip": source, "scores": scores or {}})
        video = {"id": number, "clip": clip, "tracks": list(tracks), "notes": list(notes)}
        (self.root / "data" / f"video-{number}.js").write_text(f"segtcn.receiveVideo({_json(video)});\n", "utf-8")
        return number

    def write(self) -> Path:
        """Write the index; returns the page."""
        (self.root / "data" / "index.js").write_text(f"segtcn.receiveIndex({_json(self.index)});\n", "utf-8")
        return self.root / "index.html"


def _json(payload: Any) -> str:
    text = json.dumps(payload, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def numbered_frame(number: int, width: int = 320, height: int = 240) -> np.ndarray:
    """A picture that shows its number: 8 grey blocks, the lowest bit on the left, above a slowly moving bar."""
    frame = np.full((height, width, 3), 60, np.uint8)
    block = width // 8
    for bit in range(8):
        frame[: height // 2, bit * block : (bit + 1) * block] = 235 if number >> bit & 1 else 20
    frame[height // 2 :, number % width : number % width + 20] = (60, 170, 240)
    return frame


@pytest.fixture(scope="session")
def numbered_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264, 30 frames/s, 180 frames whose number can be read from the picture."""
    path = tmp_path_factory.mktemp("clip") / "numbered.mp4"
    with ClipWriter(path, Fraction(FPS), width=320, height=240) as writer:
        for number in range(NUM_FRAMES):
            writer.write(numbered_frame(number))
    return path


CLIP = {"fps": FPS, "num_frames": NUM_FRAMES, "width": 320, "height": 240, "duration_s": NUM_FRAMES / FPS}
CLIP["times_ms"] = None  # type: ignore[assignment]


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
            page.wait_for_function("segtcn.player?.recording && !segtcn.player.changes.size")
            if page.evaluate("Boolean(segtcn.player.clock.video)"):
                page.wait_for_function(
                    "segtcn.player.clock.video.readyState >= 2 && !segtcn.player.clock.video.seeking"
                )
        return page

    yield open_
    expected = [pattern for page in pages for pattern in page.expected_errors]
    for context in contexts:
        context.close()
    assert not foreign
    assert [error for error in errors if not any(re.search(pattern, error) for pattern in expected)] == []
