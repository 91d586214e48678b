"""The notebooks of the tutorials: they run, their stored outputs are current and small, and failures are named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.notebooks import TUTORIALS, NotebookError, fingerprint, to_markdown, without_noise

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))


def write_notebook(path: Path, *code: str) -> Path:
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "execution_count": None, "outputs": [], "source": text}
        for n, text in enumerate(code)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook))
    return path


def run_notebooks(*words: str | Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("nbclient", reason='notebooks need: pip install "segtcn[docs]"')
    command = [sys.executable, str(ROOT / "tools" / "notebooks.py"), *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_current_small_and_free_of_errors(path):
    page, pictures = to_markdown(path)  # an error or other code raises
    assert "```{.text .output" in page
    assert path.stat().st_size < 200_000
    assert all(f"]({name})" in page for name in pictures)
    assert not (words := [word for word in ("/tmp/", "/root/", "/home/") if word in page]), words


def test_an_output_of_other_code_and_an_error_are_named(tmp_path):
    path = write_notebook(tmp_path / "a.ipynb", "1 + 1")
    with pytest.raises(NotebookError, match="its outputs are not of its code: run `make notebooks`"):
        to_markdown(path)
    notebook = without_noise(json.loads(path.read_text()))
    assert notebook["metadata"]["outputs_of"] == fingerprint(notebook)
    notebook["cells"][0]["outputs"] = [{"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}]
    path.write_text(json.dumps(notebook))
    with pytest.raises(NotebookError, match="a stored output is an error, ValueError: no"):
        to_markdown(path)


@pytest.mark.slow
def test_all_notebooks_run():
    result = run_notebooks()
    assert result.returncode == 0, result.stdout + result.stderr
    assert all(f"{path.name}: " in result.stdout for path in NOTEBOOKS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "message"), [("1 / 0", "ZeroDivisionError"), ("!false", "SystemError: the command ended with 1: false")]
)
def test_a_cell_that_fails_is_named(code, message, tmp_path):
    result = run_notebooks(write_notebook(tmp_path / "broken.ipynb", "1 + 1", code))
    assert result.returncode == 1
    assert "broken.ipynb" in result.stderr
    assert message in result.stderr
