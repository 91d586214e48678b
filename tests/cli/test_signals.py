"""Signals end every long command with their status and a way to continue; the second one ends it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.cli import main
from segtcn.cli.stopping import TerminatedError, ended_by_signals
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from tests.cli.kill_harness import leftovers
from tests.cli.test_lightning import ROOT, UNLOGGED, small_options
from tests.clips import write_clip
from tests.conftest import small_videos, write_tree

NUM_FILES = 150
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


def training(*words: str) -> Callable[[Path], tuple[list[str], str]]:
    """The words of a command that trains for hours, and the pattern of what it has written after a second."""

    def prepare(folder: Path) -> tuple[list[str], str]:
        options = [*small_options(write_tree(folder / "ms_tcn")), *UNLOGGED, "--data.batch_size=1"]
        return [*words, *options[1:], "--trainer.max_epochs=20000", "--checkpoint.every_n_epochs=5"], "run/**/last.ckpt"

    return prepare


def conversion(folder: Path) -> tuple[list[str], str]:
    features = np.random.default_rng(0).standard_normal((8000, 16)).astype(np.float32)
    names = [f"v{number}" for number in range(NUM_FILES)]
    videos = {name: (features, [0, 1] * 4000) for name in names}
    write_tree(folder / "tree", videos=videos, splits={1: (names[1:], names[:1])})
    return ["convert", "tree", "run.h5", "--fps=10", "--quiet"], "run.h5*.part"


def extraction(folder: Path) -> tuple[list[str], str]:
    write_clip(folder / "clips" / "0.mp4", 40, size=(64, 48))
    for number in range(1, NUM_FILES):
        (folder / "clips" / f"{number}.mp4").symlink_to("0.mp4")
    return ["extract", "clips", "--out=run", "--backbone=builtin", "--quiet"], "run/*.npy"


def prediction(folder: Path) -> tuple[list[str], str]:
    Segmenter(EDTCN(4, 3, hidden_channels=[32, 64]), fps=10).save(folder / "net.ckpt")
    features, _ = next(iter(small_videos(frames_per_action=4000).values()))
    for number in range(NUM_FILES):
        np.save(folder / "features" / f"{number}.npy", features.T)
    return ["predict", "net.ckpt", "features", "--out=run", "--quiet"], "run/*.npz"


def report(folder: Path) -> tuple[list[str], str]:
    """Rows of a second, then rows of minutes."""
    return ["bench", "sequences", "--claims", "masked", "copy", "--out=run"], "run/rows/masked*.json"


MODEL = f"{ROOT}/configs/model/ed_tcn.yaml"
COMMANDS = {
    "fit": training("fit", "-c", MODEL, "--trainer.default_root_dir=run"),
    "crossval": training("crossval", "-c", MODEL, "--splits=1", "--out=run"),
    "crossval, jobs": training("crossval", "-c", MODEL, "--out=run", "--jobs=2"),
    "crossval, models": training("crossval", "--models", MODEL, "--splits=1", "--out=run"),
    "convert": conversion,
    "extract": extraction,
    "predict": prediction,
    "bench": report,
}


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Function of a command's name that starts it, and returns the process and the words once it has written."""
    monkeypatch.chdir(tmp_path)
    for folder in ("clips", "features"):
        (tmp_path / folder).mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    # Ctrl-C works; of a shell's background jobs it is switched off
    child = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    child += "from segtcn.cli import main; sys.exit(main(sys.argv[1:]))"

    def begin(name: str) -> tuple[subprocess.Popen, list[str]]:
        words, pattern = COMMANDS[name](tmp_path)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
        process = subprocess.Popen([sys.executable, "-c", child, *words], **pipes)
        while not any(map(is_written, tmp_path.glob(pattern))):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        return process, words

    return begin


def is_written(path: Path) -> bool:
    """Whether a file has its final name, or is an HDF5 file with more than its first video."""
    return not path.name.startswith(".") and (path.suffix != ".part" or path.stat().st_size > 2**20)


def finish(name: str, words: list[str]) -> None:
    """Let a command do the rest, of training a few epochs."""
    steps = [torch.load(path, weights_only=True)["global_step"] for path in Path("run").rglob("last.ckpt")]
    epochs = f"--trainer.max_epochs={max(steps, default=0) // 2 + 3}"
    if name == "fit":
        words = ["fit", "run", "--resume"]
    if name == "bench":  # without the rows of minutes
        words = [word for word in words if word != "copy"]
    if "crossval" in name:  # of another number of epochs, it would be another cross-validation
        for path in Path("run").rglob("configuration.yaml"):
            path.write_text(path.read_text().replace("max_epochs: 20000", epochs[10:].replace("=", ": ")))
    assert main([*words, *([epochs] if steps else [])]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_ends_a_command_that_then_continues(start, capfd, name, number):
    process, words = start(name)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else 143), err
    how = "segtcn fit run --resume continues" if name == "fit" else "the same command continues"
    said = "interrupted" if number == signal.SIGINT else "ended by a signal"
    assert err.splitlines()[-1] == f"segtcn {words[0]}: {said}; {how}"
    assert "Traceback" not in out + err
    assert ": done" not in out + err
    assert [*Path("run").rglob("scores.json")] == []
    files = {path: path.stat().st_mtime_ns for path in [*Path().glob("run/*.np[yz]"), *Path().glob("run/rows/[!.]*")]}
    assert len(files) < NUM_FILES
    finish(name, words)
    assert leftovers(Path()) == []
    if name == "bench":
        assert files.items() <= {path: path.stat().st_mtime_ns for path in Path().glob("run/rows/*")}.items()
    if name in ("extract", "predict"):
        assert files.items() <= {path: path.stat().st_mtime_ns for path in Path().glob("run/*.np[yz]")}.items()
        assert f"{len(files)} were there already" in capfd.readouterr().out
        assert len([*Path("run").glob("*.np[yz]")]) == NUM_FILES
    if name == "convert":
        assert "of them were there from an earlier try" in capfd.readouterr().out
        assert [path.name for path in Path().glob("run.h5*")] == ["run.h5"]


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_second_signal_ends_at_once_what_still_continues(start, name, number):
    process, words = start(name)
    for _ in range(2):
        process.send_signal(number)
        time.sleep(0.02)
    begin = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - begin < 8
    assert process.returncode in (130, 143, -number)
    finish(name, words)


def test_a_second_signal_does_not_wait_for_the_batch(tmp_path):
    code = f"""
import signal, sys, time
from segtcn.cli import main
from segtcn.task import SegmentationTask
def step(self, batch, batch_idx):
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    time.sleep(60)
SegmentationTask.training_step = step
main({[*training("fit", "-c", MODEL)(tmp_path)[0], f"--trainer.default_root_dir={tmp_path}/run"]!r})
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = partial(subprocess.run, env=environment, timeout=50, check=False)
    assert ended([sys.executable, "-c", code]).returncode == 143


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_within_a_destructor_is_not_lost(number, monkeypatch):
    """Python ignores what is raised there."""
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)  # not that of pytest

    class Freed:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def command() -> None:
        with ended_by_signals():
            Freed()
            time.sleep(5)

    with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else TerminatedError):
        command()


@pytest.mark.parametrize(
    ("words", "buffered"),
    [
        (["--help"], True),
        (["--help"], False),
        (["timeline", "--help"], True),
        (["plan", "--seconds=6", "--fps=15"], True),
        (["plan", "--seconds=6", "--fps=15"], False),
    ],
)
def test_a_reader_of_the_output_that_leaves_ends_a_command_quietly(words, buffered):
    read_end, write_end = os.pipe()
    os.close(read_end)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "" if buffered else "1"}
    command = [sys.executable, "-m", "segtcn", *words]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_broken_pipe_that_is_not_the_output_is_an_error(monkeypatch):
    def fail(argv):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("segtcn.cli._dispatch", fail)
    with pytest.raises(BrokenPipeError):
        main(["plan"])
