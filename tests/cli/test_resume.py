"""Runs that were stopped continue bit for bit; signals say how."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from segtcn.cli import main
from segtcn.task import SegmentationTask
from tests import wandb_file
from tests.cli.kill_harness import assert_equal
from tests.cli.test_lightning import UNLOGGED, small_options
from tests.conftest import write_tree


@pytest.fixture(autouse=True)
def _interruptible():
    """Ctrl-C works; of a shell's background jobs it is switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def options(tmp_path, monkeypatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return [*small_options(write_tree(tmp_path / "ms_tcn")), *UNLOGGED, "--data.batch_size=1"]


@pytest.fixture
def signal_in_step(monkeypatch):
    """Function of a number: this step of training receives a signal; returns what counts the steps."""

    def send(number: int, kind: int = signal.SIGTERM, times: int = 1) -> None:
        step, count = SegmentationTask.training_step, iter(range(10**6))

        def counted(self, batch, batch_idx):
            if next(count) == number:
                for _ in range(times):
                    signal.raise_signal(kind)
            return step(self, batch, batch_idx)

        monkeypatch.setattr(SegmentationTask, "training_step", counted)

    return send


EXTRAS = {
    "plain": [],
    "validation": [
        "--data.validation=0.3",
        "--trainer.callbacks+=EarlyStopping",
        "--trainer.callbacks.monitor=val/loss",
        "--trainer.callbacks.patience=2",
        "--trainer.max_epochs=12",
        "--model.lr_scheduler=pytorch_lightning.cli.ReduceLROnPlateau",
        "--model.lr_scheduler.monitor=val/loss",
        "--model.lr_scheduler.patience=0",
    ],
    "accumulated": ["--trainer.accumulate_grad_batches=2", "--data.augmentations+=GaussianNoise"],
    "buckets": ["--data.bucket=true", "--data.num_workers=1"],
    "steps": ["--trainer.max_steps=8"],
}


@pytest.mark.parametrize("kind", ["plain", "accumulated", pytest.param("validation", marks=pytest.mark.slow),
                                  pytest.param("buckets", marks=pytest.mark.slow),
                                  pytest.param("steps", marks=pytest.mark.slow)])  # fmt: skip
@pytest.mark.parametrize(
    "number", [3, pytest.param(4, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_a_run_that_sigterm_ended_in_an_epoch_continues_bit_for_bit(options, capsys, signal_in_step, kind, number):
    command = ["fit", *options, *EXTRAS[kind]]
    assert main([*command, "--trainer.default_root_dir=whole"]) == 0
    signal_in_step(number)
    assert main([*command, "--trainer.default_root_dir=stopped"]) == 143
    assert "segtcn fit stopped --resume continues" in capsys.readouterr().err
    assert torch.load("stopped/checkpoints/last.ckpt", weights_only=True)["global_step"] <= number + 1
    assert main(["fit", "stopped", "--resume"]) == 0
    assert_equal(Path("whole"), Path("stopped"))
    whole, stopped = (torch.load(f"{run}/checkpoints/last.ckpt", weights_only=True) for run in ("whole", "stopped"))
    assert str(whole["optimizer_states"]) == str(stopped["optimizer_states"])
    assert whole["lr_schedulers"] == stopped["lr_schedulers"]
    assert whole["segtcn_training"]["random"]["python"] == stopped["segtcn_training"]["random"]["python"]


def test_the_loss_and_scores_of_an_epoch_count_the_steps_before_the_stop(options, signal_in_step):
    rows = {}
    log = "--trainer.logger=pytorch_lightning.loggers.CSVLogger"
    command = ["fit", *options, log, "--trainer.logger.save_dir=logs"]
    assert main([*command, "--trainer.logger.name=whole", "--trainer.default_root_dir=whole"]) == 0
    signal_in_step(4)
    assert main([*command, "--trainer.logger.name=stopped", "--trainer.default_root_dir=stopped"]) == 143
    assert main(["fit", "stopped", "--resume"]) == 0
    for name, version in (("whole", 0), ("stopped", 1)):
        header, *lines = Path(f"logs/{name}/version_{version}/metrics.csv").read_text().splitlines()
        table = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
        rows[name] = {row["epoch"]: (row["train/loss"], row["train/f1@50"], row["train/padding"]) for row in table}
    assert rows["stopped"]["1"] == rows["whole"]["1"]
    assert rows["stopped"]["2"] == rows["whole"]["2"]


def test_the_last_epoch_is_saved_whatever_the_epochs_between_checkpoints(options):
    assert main(["fit", *options, "--trainer.default_root_dir=run", "--checkpoint.every_n_epochs=2"]) == 0
    assert torch.load("run/checkpoints/last.ckpt", weights_only=True)["global_step"] == 9


def test_a_run_without_a_checkpoint_starts_anew_and_one_without_a_folder_is_named(options, capsys, signal_in_step):
    assert main(["fit", *options, "--trainer.default_root_dir=whole"]) == 0
    signal_in_step(0, signal.SIGINT)
    assert main(["fit", *options, "--trainer.default_root_dir=stopped"]) == 130
    assert not Path("stopped/checkpoints").exists()
    assert main(["fit", "stopped", "--resume"]) == 0
    assert_equal(Path("whole"), Path("stopped"))
    assert main(["fit", "nowhere", "--resume"]) == 1
    assert "`--resume` needs the folder of a run" in capsys.readouterr().err


def test_a_run_that_was_killed_before_it_had_a_config_is_started_again_in_its_folder(options, capsys):
    Path("killed", "wandb").mkdir(parents=True)
    assert main(["fit", "killed", "--resume"]) == 1
    assert (
        "no killed/config.yaml: the run was ended before it trained, or is not a run; start it again with the options "
        "of its first start and --trainer.default_root_dir killed\n"
    ) in capsys.readouterr().err
    assert main(["fit", *options, "--trainer.default_root_dir", "killed"]) == 0


def test_a_run_that_is_complete_says_so(options, capsys):
    assert main(["fit", *options, "--trainer.default_root_dir=run"]) == 0
    assert "complete" not in capsys.readouterr().out
    assert main(["fit", "run", "--resume"]) == 0
    message = "the run was complete, nothing was trained; more epochs than 3: add --trainer.max_epochs N"
    assert message in capsys.readouterr().out
    assert main(["fit", "run", "--resume", "--trainer.max_epochs=4"]) == 0
    assert "complete" not in capsys.readouterr().out


def test_predictions_of_older_weights_are_not_scored_once_training_continued(options, capsys):
    assert main(["fit", *options, "--trainer.default_root_dir=run"]) == 0
    assert main(["test", "run"]) == 0
    assert main(["fit", "run", "--resume"]) == 0  # nothing was trained: the predictions are those of the weights
    assert main(["analyze", "run"]) == 0
    assert main(["fit", "run", "--resume", "--trainer.max_epochs=4"]) == 0
    capsys.readouterr()
    assert main(["analyze", "run"]) != 0
    assert "run `segtcn test` again" in capsys.readouterr().err
    assert main(["test", "run"]) == 0
    assert main(["analyze", "run"]) == 0


def test_other_threads_are_warned_of(options, signal_in_step, capsys):
    signal_in_step(4)
    assert main(["fit", *options, "--trainer.default_root_dir=run"]) == 143
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with pytest.warns(UserWarning, match=rf"OMP_NUM_THREADS={threads} continues exactly"):
            assert main(["fit", "run", "--resume"]) == 0
    finally:
        torch.set_num_threads(threads)


def test_no_config_and_no_option_lets_a_checkpoint_run_code(options, capsys):
    assert main(["fit", *options, "--trainer.default_root_dir=run", "--trainer.max_epochs=1"]) == 0
    config = Path("run/config.yaml")
    config.write_text(config.read_text() + "weights_only: false\n")
    with pytest.raises(SystemExit, match="2"):
        main(["test", f"-c={config}"])
    assert "weights_only" in capsys.readouterr().err


def test_the_wandb_run_continues_under_its_id_without_duplicated_rows(options, monkeypatch, signal_in_step):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    logged = [option for option in options if option not in UNLOGGED]
    words = ["fit", *logged, "--checkpoint.every_n_epochs=1", "--trainer.default_root_dir"]
    assert main([*words, "whole"]) == 0
    signal_in_step(7, signal.SIGINT)  # saves nothing: the epoch that was saved last is trained again
    assert main([*words, "stopped"]) == 130
    assert main(["fit", "stopped", "--resume"]) == 0
    files = {name: sorted(wandb_file.run_files(Path(name))) for name in ("whole", "stopped")}
    assert len(files["stopped"]) == 2
    assert len({path.stem.rpartition("-")[2] for path in files["stopped"]}) == 1
    keys = ("epoch", "trainer/global_step", "train/loss", "train/f1@50", "train/padding")
    rows = {
        name: [
            [row.get(key) for key in keys] for path in paths for row in wandb_file.history(path) if "train/loss" in row
        ]
        for name, paths in files.items()
    }
    assert rows["stopped"] == rows["whole"]
    assert len(rows["whole"]) == 3
