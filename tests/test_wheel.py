"""A released wheel works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel's content, alone on the path."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("segtcn-*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *words], env=environment, cwd=installed.parent, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.slow
def test_networks_and_command_line_work_without_the_checkout(installed):
    code = (
        "import segtcn, torch; from segtcn.models import EDTCN;"
        "print(segtcn.__file__, EDTCN(4, 3)(torch.zeros(1, 4, 9)).logits.shape)"
    )
    shown = run(installed, "-c", code)
    assert str(installed) in shown
    assert "torch.Size([1, 1, 3, 9])" in shown
    assert "segtcn fit" in run(installed, "-m", "segtcn", "--help")
    assert "--epochs" in run(installed, "-m", "segtcn", "demo", "--help")


@pytest.mark.slow
def test_configs_are_shipped_and_found_by_name(installed):
    shipped = {path.relative_to(installed / "segtcn") for path in (installed / "segtcn" / "configs").rglob("*.yaml")}
    assert shipped == {path.relative_to(ROOT) for path in (ROOT / "configs").rglob("*.yaml")}
    cards = {path.relative_to(installed / "segtcn") for path in (installed / "segtcn" / "datasets").glob("*/*")}
    assert cards == {path.relative_to(ROOT) for path in (ROOT / "datasets").glob("*/README.md")}
    code = "from segtcn.cli.config_words import resolve_configs; print(*resolve_configs(['fit', '-c', 'ed_tcn']))"
    configs = installed / "segtcn" / "configs"
    words = ["fit", f"-c={configs}/trainer/default.yaml", f"-c={configs}/model/ed_tcn.yaml"]
    assert run(installed, "-c", code).split() == words


@pytest.mark.slow
def test_only_the_package_is_shipped(installed):
    top = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"segtcn"}
    assert (installed / "segtcn" / "py.typed").is_file()


@pytest.mark.slow
def test_the_page_of_the_player_is_shipped(installed, tmp_path):
    (tmp_path / "tea.txt").write_text("take\npour\n")
    run(installed, "-m", "segtcn", "view", str(tmp_path / "tea.txt"), "--export", str(tmp_path / "player"), "--quiet")
    static = ROOT / "segtcn" / "visualization" / "player" / "static"
    for path in static.iterdir():
        assert (tmp_path / "player" / path.name).read_bytes() == path.read_bytes()
