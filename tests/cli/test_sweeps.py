"""Sweeps: the commands that an agent of Weights & Biases runs, and `segtcn sweep`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml

from segtcn.cli import main
from segtcn.cli.sweep import Space, _table
from segtcn.task import SegmentationTask
from tests.cli.test_lightning import ROOT, UNLOGGED, small_options
from tests.conftest import write_tree

SWEEPS = sorted((ROOT / "configs" / "sweep").glob("*.yaml"))


def value_of(parameter: dict) -> object:
    return parameter["values"][0] if "values" in parameter else parameter["min"]


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_trial_is_an_ordinary_fit_that_validation_judges(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweep = yaml.safe_load(path.read_text())
    args = [f"--{name}={value_of(parameter)}" for name, parameter in sweep["parameters"].items()]
    words = [word for name in sweep["command"] for word in (args if name == "${args}" else [name])]
    assert words[:2] == ["segtcn", "fit"]
    # other data and a smaller network, as the page says to change the command
    small = [*small_options(write_tree(tmp_path / "ms_tcn")), *UNLOGGED, "--trainer.default_root_dir=run"]
    words = [word for option in words[1:] for word in (small if option == "-c=ed_tcn" else [option])]
    assert main([word for word in words if word != "-c=gtea_lea"]) == 0
    assert Path("run/checkpoints/best.ckpt").is_file()
    config = yaml.safe_load(Path("run/config.yaml").read_text())
    assert config["model"]["optimizer"]["init_args"]["lr"] == sweep["parameters"]["model.optimizer.init_args.lr"]["min"]
    assert sweep["metric"]["name"] == config["checkpoint"]["monitor"] == "val/f1@50"


@pytest.fixture
def sweep(tmp_path, monkeypatch) -> list[str]:
    """A sweep over two rates, one of which is hopeless."""
    pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    space = yaml.safe_load((ROOT / "configs/sweep/optimizer.yaml").read_text())
    small = [*small_options(write_tree(tmp_path / "ms_tcn")), *UNLOGGED, "--data.validation=0.3", "--data.batch_size=1"]
    space["command"] = ["segtcn", "fit", *small, "--checkpoint.monitor=val/loss", "${args}"]
    space["parameters"] = {"model.optimizer.init_args.lr": {"values": [0.001, 3.0]}}
    space["metric"] = {"name": "val/loss", "goal": "minimize"}
    space["early_terminate"]["min_iter"] = 1
    write_sweep(space)
    return ["sweep", "sweep.yaml", "--out=out", "--trainer.max_epochs=5"]


def write_sweep(space: dict) -> None:
    Path("sweep.yaml").write_text(yaml.safe_dump(space))


def test_a_sweep_finds_the_better_value_ends_trials_and_continues(sweep, capsys, monkeypatch):
    optuna = pytest.importorskip("optuna")
    sampler = partial(optuna.samplers.TPESampler, seed=0)  # chance could leave out a value, or end no trial
    monkeypatch.setattr(optuna.samplers, "TPESampler", sampler)
    assert main([*sweep, "--trials=1"]) == 0
    assert main([*sweep, "--trials=9"]) == 0
    out = capsys.readouterr().out
    table = Path("out/sweep.md").read_text()
    assert table in out
    best = table.splitlines()[2].split("|")
    assert (best[3].strip(), best[4].strip()) == ("complete", "0.001")
    assert f"score the best: segtcn test {best[1].strip()}" in out
    study = optuna.load_study(study_name="sweep", storage="sqlite:///out/sweep.db")
    states = [trial.state.name for trial in study.trials]
    assert len(states) == 9
    assert set(states) == {"COMPLETE", "PRUNED"}
    assert {trial.params["model.optimizer.init_args.lr"] for trial in study.trials} == {0.001, 3.0}
    assert sorted(path.name for path in Path("out").glob("trial*")) == [f"trial{number}" for number in range(9)]
    capsys.readouterr()
    assert main([*sweep, "--trials=9"]) == 0  # nothing is left
    assert "trial" not in capsys.readouterr().out.partition("|")[0]


def test_a_sweep_whose_trials_all_ended_early_has_no_best(sweep, monkeypatch, capsys):
    optuna = pytest.importorskip("optuna")

    def prune(trial, value, epoch):
        raise optuna.TrialPruned

    monkeypatch.setattr("segtcn.cli.sweep._report", prune)
    assert main([*sweep, "--trials=2"]) == 1
    shown = capsys.readouterr()
    assert "table: out/sweep.md" in shown.out
    assert "error: all trials ended early, so that none is the best: ask for more `trials` (--trials)\n" in shown.err


def test_an_interrupted_trial_continues_with_its_values_from_its_checkpoint(sweep, monkeypatch, capsys):
    optuna = pytest.importorskip("optuna")
    started = []

    def interrupt(task):
        started.append(task.current_epoch)
        if started == [0, 1, 2]:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(SegmentationTask, "on_train_epoch_start", interrupt)
    journal = "--storage=out/sweep.log"
    assert main([*sweep, "--trials=1", journal]) == 130
    signal.signal(signal.SIGINT, before)
    assert "the same command continues" in capsys.readouterr().err
    assert main([*sweep, "--trials=1", journal]) == 0
    assert started == [0, 1, 2, 2, 3, 4]
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("out/sweep.log"))
    first, second = optuna.load_study(study_name="sweep", storage=storage).trials
    assert first.params == second.params
    assert second.user_attrs["run"] == "out/trial0"


def test_the_table_has_each_value_under_its_parameter_after_these_were_changed():
    optuna = pytest.importorskip("optuna")
    study = optuna.create_study(direction="minimize")
    distributions = {name: optuna.distributions.FloatDistribution(0, 1) for name in "ab"}
    before = {"params": {"b": 0.25, "a": 0.5}, "distributions": distributions, "user_attrs": {"run": "out/trial0"}}
    study.add_trial(optuna.trial.create_trial(value=2.0, **before))
    table = _table(study, Space((), {"a": {}, "c": {}}, "val/loss", "minimize", "bayes", None))
    heading, _, row = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines())
    assert dict(zip(heading, row, strict=True)) == {
        "run": "out/trial0", "val/loss": "2", "state": "complete", "a": "0.5", "c": ""
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": {"name": "test/f1@50", "goal": "maximize"}}, "sweep.yaml is judged by test/f1@50"),
        (
            {"metric": {"name": "val/f1", "goal": "maximize"}},
            "no value 'val/f1' is logged by validation; there are val/",
        ),
        ({"method": "grid"}, "`method` bayes or random"),
        ({"command": ["python", "train.py"]}, "`command` must begin with segtcn, fit"),
        ({"parameters": {"data.seed": {"distribution": "normal"}}}, "the parameter data.seed needs `values`"),
        ({"parameters": None}, "is not a sweep"),
        *(
            ({"parameters": {"model.net.init_args.dropout": words}}, "dropout needs `values`, or `min` and `max` of")
            for words in (
                {"values": 0.1},
                {"values": "0.1"},
                {"values": []},
                {"values": None},
                {"values": [0.1], "min": 0.2, "max": 0.3},
                {"min": 0.1, "max": 0.3, "q": 0.1},
                {"min": 0.3, "max": 0.1},
                {"min": float("nan"), "max": 0.1},
                {"min": "low", "max": 0.1},
                {"min": 0.1, "max": 0.5, "distribution": "int_uniform"},
                {"min": 0, "max": 0.1, "distribution": "log_uniform_values"},
            )
        ),
        ({"early_terminate": {"type": "envelope", "min_iter": 1}}, "`early_terminate` must be of type hyperband"),
        ({"early_terminate": {"min_iter": 0}}, "`early_terminate` must be of type hyperband"),
    ],
)
def test_wrong_sweeps_are_refused(sweep, capsys, change, message):
    write_sweep({**yaml.safe_load(Path("sweep.yaml").read_text()), **change})
    assert main(sweep) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_a_uniform_distribution_between_whole_numbers_is_continuous():
    """As W&B has it; without a distribution whole ends mean whole numbers."""
    optuna = pytest.importorskip("optuna")
    from segtcn.cli.sweep import _suggest

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    uniform, plain = {"distribution": "uniform", "min": 0, "max": 1}, {"min": 0, "max": 9}
    trials = [study.ask() for _ in range(5)]
    assert all(0 < _suggest(trial, "dropout", uniform) < 1 for trial in trials)
    assert all(isinstance(_suggest(trial, "layers", plain), int) for trial in trials)


@pytest.mark.parametrize(
    ("change", "option", "message"),
    [
        ({"metric": {"name": "val/loss", "goal": "maximize"}}, "--trials=2", "another `goal` ('minimize'; now 'max"),
        ({"metric": {"name": "val/edit", "goal": "minimize"}}, "--trials=2", "another `metric` ('val/loss'; now"),
        ({}, "--trainer.max_epochs=6", "another `command` ([]; now ['--trainer.max_epochs=6'])"),
    ],
)
def test_a_sweep_is_not_continued_as_another_one(sweep, capsys, change, option, message):
    assert main([*sweep, "--trials=1"]) == 0
    write_sweep({**yaml.safe_load(Path("sweep.yaml").read_text()), **change})
    assert main([*sweep, option]) == 1
    err = capsys.readouterr().err
    assert "has trials of another" in err
    assert message in err


def test_a_sweep_without_validation_videos_is_refused(sweep, capsys):
    assert main([*sweep, "--data.validation=0"]) == 1
    assert "there are none: add --data.validation 0.2" in capsys.readouterr().err


@pytest.mark.slow
def test_several_processes_share_the_trials(sweep):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "segtcn", *sweep, "--trials=6"]
    processes = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    rows = Path("out/sweep.md").read_text().splitlines()[2:]
    assert 6 <= len(rows) <= 7  # the other process may be amid a last one
