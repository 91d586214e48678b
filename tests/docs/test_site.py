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
TUTORIALS = ("tutorials/first_model",)


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
    assert "\b" not in commands
    assert all("published" in (site / "networks" / f"{name}.html").read_text("utf-8") for name in ("ed_tcn", "diffact"))
    drawn = [page for page in (site / "networks").glob("*.html") if 'class="drawing"' in page.read_text("utf-8")]
    assert len(drawn) == len([*(ROOT / "docs" / "networks").glob("*.md")]) - 1  # all but the list of them


def test_what_is_wrong_is_named(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs" / "new.md").write_text("# New\n\n[gone](howto/gone.md), [nowhere](faq.md#nowhere)\n")
    printed = fails_to_build(tmp_path)
    assert 'not included in the "nav" configuration:\n  - new.md' in printed
    assert "'new.md' contains a link 'howto/gone.md'" in printed
    assert "'new.md' contains a link 'faq.md#nowhere'" in printed


def fails_to_build(root: Path) -> str:
    """Links to what a build reads, and a build that is expected to fail; what it prints."""
    shutil.copytree(ROOT / "tools", root / "tools")  # a link would lead back to the pages of the checkout
    for name in ("docs", "configs", "datasets", "segtcn"):
        if not (root / name).exists():
            (root / name).symlink_to(ROOT / name)
    for name in ("mkdocs.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, root)
    result = build(root, root / "site")
    assert result.returncode == 1
    return result.stdout + result.stderr


def test_an_undocumented_argument_is_named(tmp_path):
    shutil.copytree(ROOT / "segtcn", tmp_path / "segtcn")
    path = tmp_path / "segtcn" / "decoding" / "__init__.py"
    path = next(file for file in path.parent.glob("*.py") if "        margin: " in file.read_text("utf-8"))
    path.write_text(path.read_text("utf-8").replace("        margin: ", "        edge: ", 1))
    assert "lacks margin, documents edge, which is not an argument" in fails_to_build(tmp_path)


def test_a_notebook_that_failed_or_changed_is_named(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    path = tmp_path / "docs" / "tutorials" / "first_model.ipynb"
    path.write_text(path.read_text("utf-8").replace("import segtcn", "import segtcm", 1))
    assert "docs/tutorials/first_model.ipynb: its outputs are not of its code" in fails_to_build(tmp_path)


@pytest.fixture(scope="module")
def home(site):
    """The address of the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("no chromium")
    with playwright.sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_it_works_in_a_browser_without_the_network(home, browser):
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    foreign = []
    page.on("request", lambda request: foreign.append(request.url) if home not in request.url else None)
    page.goto(f"{home}/getting_started.html")
    page.locator("button[data-md-type=copy]").nth(2).click()
    page.wait_for_selector(".md-dialog--active")
    assert page.evaluate("navigator.clipboard.readText()").startswith("pip install segtcn\nsegtcn extract")
    page.locator("input.md-search__input").press_sequentially("receptive field")
    page.locator("a.md-search-result__link").first.click()
    page.wait_for_url("**h=receptive**")
    page.goto(f"{home}/getting_started.html")
    scheme = page.locator("body").get_attribute("data-md-color-scheme")
    page.locator("label[title=Dark]:visible").click()
    assert (scheme, page.locator("body").get_attribute("data-md-color-scheme")) == ("default", "slate")
    for width in (1280, 420):
        page.set_viewport_size({"width": width, "height": 800})
        for name in ("index", "networks/ms_tcn", "reference/cli", "datasets/gtea", "results/gtea_models", *TUTORIALS):
            page.goto(f"{home}/{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is too wide"
    assert not [url for url in foreign if url.startswith("http")]
    context.close()


@pytest.mark.parametrize("name", ["networks/asformer", "networks/bytenet", "results/gtea_models", "results/recipes"])
def test_a_laptop_shows_drawings_and_the_first_results_whole(home, browser, name):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{home}/{name}.html")
    page.wait_for_selector(".drawing, .md-typeset__scrollwrap")
    box = "document.querySelector('.drawing, .md-typeset__scrollwrap')"
    assert page.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible(home, browser, scheme):
    path = Path(os.environ.get("SEGTCN_AXE", ROOT / "node_modules" / "axe-core" / "axe.min.js"))
    if not path.is_file():
        pytest.skip("no axe-core: npm install --no-save axe-core")
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    names = ("index", "getting_started", "networks/ed_tcn", "reference/cli", "reference/labels", "results/gtea_models")
    for name in (*names, *TUTORIALS):
        page.goto(f"{home}/{name}.html")
        page.wait_for_selector(".md-code__button, .drawing, table", state="attached")
        page.add_script_tag(path=path)
        violations = page.evaluate("axe.run()")["violations"]
        named = [(entry["id"], [node["target"] for node in entry["nodes"]][:5]) for entry in violations]
        assert not named, f"{name}: {named}"
    page.close()


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files and print nothing."""

    def log_message(self, *args):
        pass
