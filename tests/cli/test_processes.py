"""Several processes score each video once, and train as one process with the batch of all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.cli.kill_harness import assert_equal
from tests.cli.test_lightning import ROOT, UNLOGGED, small_options
from tests.conftest import small_videos, write_tree

NAMES = [f"v{number}" for number in range(12)]


@pytest.fixture
def options(tmp_path, monkeypatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    few = [*small_videos().values()]
    videos = {name: (few[i % 4][0][i // 4 :], few[i % 4][1][i // 4 :]) for i, name in enumerate(NAMES)}
    splits = {number: (NAMES[number:], NAMES[:number]) for number in range(1, 10)}
    root = write_tree(tmp_path / "ms_tcn", videos=videos, splits=splits)
    return [*small_options(root), *UNLOGGED, "--trainer.deterministic=true", "--trainer.enable_progress_bar=false"]


def run_python(*words: str, status: int = 0) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == status, done.stderr[-2000:]
    return done.stderr


def segtcn(*words: str) -> None:
    run_python("-m", "segtcn", *words)


def processes(number: int) -> list[str]:
    return [f"--trainer.devices={number}", "--trainer.strategy=ddp"] if number > 1 else []


# a signal reaches the first process within a step
STOP = """
import signal, sys
from segtcn.cli import main
from segtcn.task import SegmentationTask
step, count = SegmentationTask.training_step, iter(range(10**6))
def counted(self, batch, batch_idx):
    if next(count) == 7 and self.global_rank == 0:
        signal.raise_signal(signal.SIGTERM)
    return step(self, batch, batch_idx)
SegmentationTask.training_step = counted
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_run_of_two_processes_that_a_signal_ended_continues_bit_for_bit(options):
    net = ["--model.net=MSTCN", "--model.net.num_stages=2", "--model.net.num_layers=2", "--model.net.hidden_channels=4"]
    words = ["fit", *[word for word in options if "model.net" not in word], *net, "--data.batch_size=1", *processes(2)]
    segtcn(*words, "--trainer.default_root_dir=whole")
    Path("stop.py").write_text(STOP)
    assert "segtcn fit stopped --resume continues" in run_python(
        "stop.py", *words, "--trainer.default_root_dir=stopped", status=143
    )
    assert torch.load("stopped/checkpoints/last.ckpt", weights_only=True)["global_step"] % 6
    segtcn("fit", "stopped", "--resume")
    assert_equal(Path("whole"), Path("stopped"))


# all tests in the same processes: to start them takes much longer than to score
SCORE = """
import os, sys
from segtcn.cli import main
count = int(sys.argv[1])
for num_videos in range(1, 10):
    folder = f"test{num_videos}-{count}"
    os.makedirs(folder, exist_ok=True)
    words = ["-c=run/config.yaml", f"--data.split={num_videos}", f"--trainer.default_root_dir={folder}"]
    words += ["--ckpt_path=run/checkpoints/last.ckpt", "--data.batch_size=2"]
    assert main(["test", *words, *(["--trainer.strategy=ddp", f"--trainer.devices={count}"] if count > 1 else [])]) == 0
"""


@pytest.mark.slow
def test_scores_and_predictions_are_those_of_one_process(options):
    segtcn("fit", *options, "--trainer.default_root_dir=run", "--trainer.max_epochs=2")
    config = Path("run/config.yaml").read_text()
    Path("score.py").write_text(SCORE)
    results = {}
    for count in (1, 2, 3):
        launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={count}"] if count > 1 else []
        run_python(*(["-m", *launcher] if launcher else []), "score.py", str(count))
        for num_videos in range(1, 10):
            folder = Path(f"test{num_videos}-{count}")
            predictions = {path.name: np.load(path) for path in (folder / "predictions").rglob("*.npz")}
            arrays = {name: {key: file[key].tobytes() for key in file} for name, file in predictions.items()}
            results[num_videos, count] = ((folder / "test_scores.json").read_text(), arrays)
            assert json.loads((folder / "run.json").read_text())["videos"] == NAMES[:num_videos]
            assert len(arrays) == num_videos
            assert results[num_videos, count] == results[num_videos, 1], (num_videos, count)
    assert Path("run/config.yaml").read_text() == config


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(10, 5, 2), (6, 2, 3), (12, 6, 2)])
def test_two_times_batch_four_trains_as_batch_eight(options, sizes):
    whole, part, number = sizes
    common = ["--trainer.precision=64-true", "--model.net.init_args.dropout=0", "--trainer.max_epochs=3"]
    weights = []
    for size, count in ((whole, 1), (part, number)):
        folder = f"--trainer.default_root_dir=run{count}"
        segtcn("fit", *options, *common, folder, f"--data.batch_size={size}", *processes(count))
        weights.append(torch.load(f"run{count}/checkpoints/last.ckpt", weights_only=True)["state_dict"])
    for name, values in weights[0].items():
        torch.testing.assert_close(weights[1][name], values, atol=1e-10, rtol=0)
