"""Training that is killed, damaged and stopped, against training that was left alone."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest

from segtcn.cli import main
from tests.cli.kill_harness import Report, assert_equal, kill_until_done, leftovers
from tests.cli.test_lightning import UNLOGGED, small_options
from tests.conftest import write_tree

KILLS = 40


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> list[str]:
    root = write_tree(tmp_path_factory.mktemp("data"))
    steps = ["--data.batch_size=1", "--checkpoint.every_n_train_steps=4", "--trainer.enable_progress_bar=false"]
    return [*small_options(root), *UNLOGGED, *steps, "--trainer.max_epochs=30", "--data.augmentations+=GaussianNoise"]


@pytest.fixture(params=["one", "two"])
def folder(request, tmp_path, monkeypatch) -> Path:
    """A folder on the file system of temporary files, or on another one."""
    monkeypatch.setenv("KILL_LOG", str(tmp_path / "log.txt"))
    if request.param == "one":
        yield tmp_path / "runs"
        return
    if not os.path.isdir("/dev/shm"):
        pytest.skip("no second file system: /dev/shm")
    name = tempfile.mkdtemp(dir="/dev/shm")
    yield Path(name) / "runs"
    shutil.rmtree(name)


def continuation(run: Path, first: list[str]) -> list[str]:
    return ["fit", str(run), "--resume"] if (run / "config.yaml").exists() else first


@pytest.mark.slow
def test_kills_change_nothing(options, folder):
    folder.mkdir()
    reference = ["fit", *options, f"--trainer.default_root_dir={folder}/reference"]
    assert kill_until_done(reference, lambda: [], folder, 0, 0).kills == 0
    assert main(["test", f"-c={folder}/reference/config.yaml"]) == 0
    total, number = Report(), 0
    while total.kills < KILLS // 2:
        number += 1
        run = folder / f"killed{number}"
        first = ["fit", *options, f"--trainer.default_root_dir={run}"]
        report = kill_until_done(first, partial(continuation, run, first), run, 10, number)
        total.kills, total.aimed = total.kills + report.kills, total.aimed + report.aimed
        total.damaged += report.damaged
        assert_equal(folder / "reference", run)
        assert main(["test", f"-c={run}/config.yaml"]) == 0
        scores = [json.loads((path / "test_scores.json").read_text()) for path in (folder / "reference", run)]
        assert scores[0] == scores[1]
        assert leftovers(run) == []
        assert len([*(run / "checkpoints").iterdir()]) == 2
    print(f"{total} in {number} runs on {folder}")
    assert total.damaged == 0
    assert total.aimed > 0


@pytest.mark.slow
def test_kills_change_nothing_in_a_crossvalidation(options, folder):
    command = ["crossval", *options, "--trainer.max_epochs=8", "--seeds=0,1"]
    assert kill_until_done([*command, f"--out={folder}/reference"], lambda: [], folder, 0, 0).kills == 0
    killed = [*command, f"--out={folder}/killed"]
    report = kill_until_done(killed, lambda: killed, folder / "killed", 12, 1)
    print(f"{report} of crossval on {folder}")
    assert report.damaged == 0
    before = {path: path.read_bytes() for path in (folder / "killed").glob("split*/scores.json")}
    assert main(killed) == 0
    assert before == {path: path.read_bytes() for path in (folder / "killed").glob("split*/scores.json")}
    results = [json.loads((folder / name / "results.json").read_text()) for name in ("reference", "killed")]
    assert results[0]["scores"] == results[1]["scores"]
    for run in (folder / "reference").glob("split*"):
        assert_equal(run, folder / "killed" / run.name)
    assert leftovers(folder) == []
