"""The documentation site: it builds strictly, names what is wrong, and works in a browser without the network."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("material", reason='the site needs: pip install "segtcn[docs]"')

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "WANDB_MODE": "offline"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    result = build(ROOT, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_every_network_and_command_has_a_place(site):
    import segtcn.models
    from segtcn.cli import COMMANDS
    from segtcn.models import SegmentationModel

    networks = "".join(page.read_text("utf-8") for page in (site / "networks").glob("*.html"))
    kinds = [kind for kind in vars(segtcn.models).values() if isinstance(kind, type)]
    kinds = [kind for kind in kinds if issubclass(kind, SegmentationModel) and kind is not SegmentationModel]
    assert len(kinds) >= 14
    for kind in kinds:
        assert f'id="{kind.__module__}.{kind.__name__}"' in networks, f"docs/networks lacks a page of {kind}"
    commands = (site / "reference" / "cli.html").read_text("utf-8")
    assert all(f"usage: segtcn {name}" in commands for name in COMMANDS)


def test_what_is_wrong_is_named(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("tools", "configs", "datasets", "segtcn"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    (tmp_path / "docs" / "new.md").write_text("# New\n\n[gone](howto/gone.md), [nowhere](faq.md#nowhere)\n")
    result = build(tmp_path, tmp_path / "site")
    assert result.returncode == 1
    printed = result.stdout + result.stderr
    assert 'not included in the "nav" configuration:\n  - new.md' in printed
    assert "'new.md' contains a link 'howto/gone.md'" in printed
    assert "'new.md' contains a link 'faq.md#nowhere'" in printed


def test_it_works_in_a_browser_without_the_network(site):
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("no chromium")
    handler = functools.partial(QuietHandler, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    try:
        with playwright.sync_playwright() as browsers:
            browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            foreign = []
            page.on("request", lambda request: foreign.append(request.url) if home not in request.url else None)
            page.goto(f"{home}/getting_started.html")
            assert page.locator("button.md-code__button, button.md-clipboard").count()
            page.locator("input.md-search__input").fill("receptive field")
            page.wait_for_selector("a.md-search-result__link")
            scheme = page.locator("body").get_attribute("data-md-color-scheme")
            page.keyboard.press("Escape")
            page.locator("label[title=Dark]:visible").click()
            assert (scheme, page.locator("body").get_attribute("data-md-color-scheme")) == ("default", "slate")
            for width in (1280, 400):
                page.set_viewport_size({"width": width, "height": 800})
                for name in ("index", "networks/ms_tcn", "reference/cli", "datasets/gtea", "results/gtea_models"):
                    page.goto(f"{home}/{name}.html")
                    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is too wide"
            assert not [url for url in foreign if url.startswith("http")]
            browser.close()
    finally:
        server.shutdown()
        server.server_close()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files and print nothing."""

    def log_message(self, *args):
        pass
