"""Cross-validation of several networks: one table, failures, going on, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.cli.crossval import models
from segtcn.cli.crossval.tables import models_table

ROOT = Path(__file__).resolve().parents[2]
ED_TCN = """\
model: {net: {class_path: segtcn.models.EDTCN, init_args: {hidden_channels: [6], kernel_size: 3}}}
trainer: {max_epochs: 2}
data: {batch_size: 2}
"""
DILATED_TCN = """\
model: {net: {class_path: segtcn.models.DilatedTCN, init_args: {hidden_channels: 4, num_stacks: 1, num_layers: 2}}}
trainer: {max_epochs: 1}
data: {batch_size: 1}
"""


RESULTS = {
    **{
        "protocol": "lea",
        "splits": [1],
        "seeds": [0],
        "selection": "last epoch",
        "network": "EDTCN",
        "parameters": 1000,
    },
    **{"epochs": 1, "batch_size": 2, "sample_rate": 1, "runs": []},
    "scores": {key: {"mean": 50.0, "std": 1.23} for key in ("f1@10", "f1@25", "f1@50", "edit", "accuracy")},
    "measured": {
        **{"train_minutes": 1.0, "train_frames_per_second": 1e4, "inference_frames_per_second": 1e5},
        **{"peak_memory_mib": 500.0, "device": "cpu", "threads": 1},
    },
}


@pytest.fixture
def stub(monkeypatch):
    """Function that puts a few lines of Python in the place of the cross-validation of one network."""

    def replace(body: str) -> None:
        code = f"""
import json, os, subprocess, sys, time
from pathlib import Path
out = Path(sys.argv[-1].removeprefix("--out="))
{body}
(out / "results.json").write_text({json.dumps(RESULTS)!r})
"""
        monkeypatch.setattr(models, "PROGRAM", [sys.executable, "-c", code])

    return replace


@pytest.fixture
def command(write_ms_tcn_tree, tmp_path, monkeypatch) -> list[str]:
    """All but ``--models``, which takes the configs ``small.yaml`` and ``other.yaml`` in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("small.yaml").write_text(ED_TCN)
    Path("other.yaml").write_text(DILATED_TCN)
    return [
        *("-c", f"{ROOT}/configs/data/ms_tcn_tree.yaml", f"-c={ROOT}/configs/trainer/default.yaml"),
        f"--data.reader.init_args.root={write_ms_tcn_tree()}",
        *("--trainer.accelerator=cpu", "--trainer.logger=false", "--splits=2", "--out=out"),
    ]


@pytest.mark.slow
def test_one_row_a_network_and_a_failure_stops_no_other(command, tmp_path, capsys):
    Path("other.yaml").write_text(DILATED_TCN.replace("num_layers: 2", "num_layers: 0"))
    both = ["crossval", "--models", "small.yaml", "other.yaml", *command, "--jobs=2"]
    assert main(both) == 1
    out, err = capsys.readouterr()
    assert "1 of 2 networks failed: out/other/log.txt" in err
    assert re.search(r"other: failed with status 1: .*`num_layers` must be at least 1, got 0", out)
    results = json.loads(Path("out/models.json").read_text())
    assert results["failed"] == ["other"]
    assert results["models"].keys() == {"small"}
    checkpoint = Path("out/small/split2-seed0/checkpoints/last.ckpt")
    before = checkpoint.stat().st_mtime_ns

    Path("other.yaml").write_text(DILATED_TCN)
    capsys.readouterr()
    assert main(both) == 0
    out = capsys.readouterr().out
    assert "other: run 1 of 1: split 2, seed 0 (in all 1 of 2 runs are done)" in out
    assert "small: run" not in out
    assert checkpoint.stat().st_mtime_ns == before
    results = json.loads(Path("out/models.json").read_text())
    assert results["failed"] == []
    assert [*results["models"]] == ["small", "other"]
    for name, result in results["models"].items():
        assert result == json.loads(Path(f"out/{name}/results.json").read_text())
    facts = [(result["network"], result["epochs"], result["batch_size"]) for result in results["models"].values()]
    assert facts == [("EDTCN", 2, 2), ("DilatedTCN", 1, 1)]
    table = Path("out/models.md").read_text()
    assert table == models_table(results) + "\n"
    assert table in out
    assert results["command"].startswith("segtcn crossval --models small.yaml other.yaml -c=/")
    assert f"```\n{results['command']}\n```" in table
    rows = [line for line in table.splitlines() if line.startswith(("| small", "| other"))]
    small = results["models"]["small"]
    assert rows[0].split("|")[1:7] == [
        " small   ",
        *(f" {small['scores'][key]['mean']:>5.1f} " for key in ("f1@10", "f1@25", "f1@50")),
        f" {small['scores']['edit']['mean']:>4.1f} ",
        f" {small['scores']['accuracy']['mean']:>8.1f} ",
    ]


def test_options_come_after_the_configs_of_the_network_and_those_after_the_common_ones(command, stub):
    stub("Path('argv.json').write_text(json.dumps(sys.argv[1:]))")
    models = ["--models", "small.yaml+other.yaml"]
    assert main(["crossval", "--trainer.max_epochs=1", *models, "--seeds=3,1", *command]) == 0
    argv = json.loads(Path("argv.json").read_text())
    assert argv[:5] == [
        "crossval",
        f"-c={ROOT}/configs/data/ms_tcn_tree.yaml",
        f"-c={ROOT}/configs/trainer/default.yaml",
        "-c=small.yaml",
        "-c=other.yaml",
    ]
    assert {"--trainer.max_epochs=1", "--trainer.logger=false", "--seeds=3,1", "--splits=2"} < {*argv[5:]}
    assert argv[-1] == "--out=out/small"  # named after the first


def test_as_many_at_a_time_as_jobs_each_with_its_share_of_the_threads(command, stub, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    names = [f"{letter}.yaml" for letter in "abcd"]
    for name in names:
        Path(name).write_text(ED_TCN)
    stub(
        """
start = time.monotonic()
print("run 1 of 2: split 2, seed 0")
time.sleep(0.3)
(out / "times.json").write_text(json.dumps([start, time.monotonic(), os.environ["OMP_NUM_THREADS"]]))
"""
    )
    assert main(["crossval", "--models", *names, *command, "--jobs=2"]) == 0
    times = [json.loads(Path(f"out/{name[0]}/times.json").read_text()) for name in names]
    assert {threads for *_, threads in times} == {"3"}
    overlaps = [sum(start <= moment < stop for start, stop, _ in times) for moment, *_ in times]
    assert max(overlaps) == 2
    assert "a: run 1 of 2: split 2, seed 0 (in all 0 of 8 runs are done)" in capsys.readouterr().out


def test_the_time_left_counts_the_runs_of_all_networks(command, stub, capsys):
    stub(
        """
for run in (1, 2):
    print(f"run {run} of 2: split {run}, seed 0")
    while f"run {run} of 2" not in (out / "log.txt").read_text():  # not shown yet
        time.sleep(0.01)
    (out / f"split{run}-seed0").mkdir()
    (out / f"split{run}-seed0" / "scores.json").write_text("")
"""
    )
    for run in ("split1-seed7", "split3-seed0"):  # of other calls
        Path(f"out/small/{run}").mkdir(parents=True)
        Path(f"out/small/{run}/scores.json").write_text("")
    assert main(["crossval", "--models", "small.yaml", "other.yaml", *command, "--splits=1,2"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "run " in line and "split" in line]
    assert [re.search(r"in all (\d of 4) runs are done, about \d+ min left", line)[1] for line in lines[1:]] == [
        "1 of 4",
        "2 of 4",
        "3 of 4",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_processes_and_those_that_they_started(command, stub, number):
    stub(
        """
import signal
def stop(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not stop what follows the first
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
try:
    (out / "pids.json").write_text(json.dumps([os.getpid(), child.pid]))
    time.sleep(60)
except BaseException:
    (out / "interrupted").touch()
    raise
"""
    )
    pids = [Path(f"out/{name}/pids.json") for name in ("small", "other")]

    def interrupt() -> None:
        while not all(path.exists() and path.read_text() for path in pids):
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    status = 130 if number == signal.SIGINT else 143
    assert main(["crossval", "--models", "small.yaml", "other.yaml", *command, "--jobs=2"]) == status
    for path in pids:
        assert (path.parent / "interrupted").exists()
        for pid in json.loads(path.read_text()):
            assert not is_running(pid)
    assert not Path("out/models.json").exists()


@pytest.mark.parametrize(
    ("status", "words", "message"),
    [
        (1, ["none.yaml"], "no config none.yaml: --models takes one file for each network"),
        (1, ["small.yaml", "again/small.yaml"], "two configs of --models are named 'small'"),
        (2, ["small.yaml", "--jobs=0"], "--jobs must be at least 1, got 0"),
    ],
)
def test_wrong_lists_of_networks_are_named_before_anything_runs(command, capsys, status, words, message):
    Path("again").mkdir()
    Path("again/small.yaml").write_text(ED_TCN)
    assert status_of(["crossval", "--models", *words, *command]) == status
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_several_seeds_have_a_deviation_in_the_table():
    table = models_table(
        {"command": "segtcn", "jobs": 2, "failed": ["b"], "models": {"a": {**RESULTS, "seeds": [0, 1]}}}
    )
    assert "| a       | 50.0 ± 1.2 | 50.0 ± 1.2 |" in table
    assert "then over seeds (2): std over the seeds" in table
    assert "Measured on cpu (threads: 1). Networks at a time: 2." in table
    assert "Failed, see their log.txt: b." in table


def status_of(words: list[str]) -> int:
    try:
        return main(words)
    except SystemExit as stop:
        return int(stop.code or 0)


def is_running(pid: int) -> bool:
    """Zombies that nobody waited for do not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_failure_is_told_by_its_message_and_not_by_the_usage_below_it(command, capsys):
    assert status_of(["crossval", "-c=small.yaml", *command, "--model.net.init_args.kernel=3", "--jobs=2"]) == 2
    assert "EDTCN has no argument kernel" in capsys.readouterr().err
    assert main(["crossval", "--models", "small.yaml", *command, "--model.net.init_args.kernel=3"]) == 1
    assert re.search(r"small: failed with status 2: .*EDTCN has no argument kernel", capsys.readouterr().out)
