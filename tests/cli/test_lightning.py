"""`segtcn fit`, `validate` and `test` as their users meet them, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from lightning_fabric.plugins.environments import SLURMEnvironment

from segtcn.cli import main
from segtcn.cli.notes import quieten
from segtcn.cli.run_folder import new_folder
from segtcn.labels import read_archive_labels, read_labels
from segtcn.task import SegmentationTask
from tests import wandb_file
from tests.conftest import write_tree

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = [f"-c={ROOT}/configs/{name}.yaml" for name in ("model/ed_tcn", "data/ms_tcn_tree", "trainer/default")]
UNLOGGED = ["--trainer.logger=false"]


def small_options(root: Path) -> list[str]:
    """Options of a fit that takes a second."""
    return [
        *CONFIGS,
        f"--data.reader.init_args.root={root}",
        "--data.reader.init_args.fps=10",
        "--data.sample_rate=1",
        "--model.net.init_args.hidden_channels=[6,8]",
        "--model.net.init_args.kernel_size=5",
        "--trainer.max_epochs=3",
        "--trainer.accelerator=cpu",
    ]


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small(tmp_path) -> list[str]:
    return small_options(write_tree(tmp_path / "ms_tcn"))


def test_a_fit_without_configs_prints_no_notices_of_lightning(tmp_path, capsys):
    root = write_tree(tmp_path / "ms_tcn")
    reader = ["--data.reader=MSTCNReader", f"--data.reader.root={root}", "--data.reader.fps=10"]
    words = ["--model.net=FrameClassifier", *reader, "--data.reader.background=background", *UNLOGGED]
    words += ["--trainer.max_epochs=1"]
    assert main(["fit", *words, "--trainer.accelerator=cpu"]) == 0
    shown = capsys.readouterr()
    assert "run: " in shown.out
    assert not [word for word in ("Params", "GPU", "log_every_n_steps") if word in shown.out + shown.err]


def test_slurm_that_is_installed_and_not_used_is_no_news(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        quieten()
        assert not SLURMEnvironment.detect()
    assert shown == []


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with a finished run, its data, and what `fit` printed; nothing may be written there."""
    folder = tmp_path_factory.mktemp("finished")
    options = [*small_options(write_tree(folder / "ms_tcn")), f"--trainer.default_root_dir={folder}/run"]
    with pytest.MonkeyPatch.context() as patch, (folder / "printed.txt").open("w") as file, redirect_stdout(file):
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_SILENT", "true")
        assert main(["fit", *options]) == 0
    return folder


@pytest.fixture
def run(finished, tmp_path) -> Path:
    """The finished run in another folder, with a copy of its data beside it."""
    before = sorted(finished.rglob("*"))
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace(f"{finished}/ms_tcn", f"{tmp_path}/ms_tcn"))
    yield tmp_path / "run"
    assert sorted(finished.rglob("*")) == before


def failure(capsys, command: str, *options: str) -> str:
    """What a command that fails prints: no stack trace."""
    assert main([command, *options]) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return err


def display_name(run: Path) -> str:
    return next(record.run.display_name for record in wandb_file.records(run) if record.HasField("run"))


def test_fit_writes_config_checkpoint_and_wandb_run_and_says_how_to_go_on(finished):
    run = finished / "run"
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["net"]["init_args"]["kernel_size"] == 5
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert len(wandb_file.run_files(run)) == 1
    printed = (finished / "printed.txt").read_text()
    assert re.search(r"trained 132 frames in [\d.]+ s: [\d,]+ frames per second", printed)
    assert printed.endswith(f"run: {run}\nscore it: segtcn test {run}\n")


def test_a_run_with_a_logger_of_its_own_folder_has_its_config(small, tmp_path):
    logger = "--trainer.logger=pytorch_lightning.loggers.CSVLogger"
    options = [*small, logger, "--trainer.logger.save_dir=logs", f"--trainer.default_root_dir={tmp_path}/mine"]
    assert main(["fit", *options, "--trainer.max_epochs=1"]) == 0
    assert main(["test", "-c", f"{tmp_path}/mine/config.yaml"]) == 0


def test_wandb_run_holds_config_scores_classes_card_and_timelines(run):
    assert main(["test", "-c", f"{run}/config.yaml"]) == 0
    fit_run, test_run = wandb_file.run_files(run)
    config = wandb_file.config(fit_run)
    assert config["model"]["net"]["init_args"]["kernel_size"] == 5
    assert config["trainer"]["max_epochs"] == 3
    assert config["net"]["init_args"]["in_channels"] == 4
    assert config["protocol"] == "lea"
    assert config["data_card"]["data/videos_train"] == 3
    assert config["data_card"]["data/num_classes"] == 3
    rows = wandb_file.history(fit_run)
    per_epoch = [row for row in rows if "train/accuracy" in row]
    assert [row["epoch"] for row in per_epoch] == [0, 1, 2]
    for key in ("loss", "accuracy", "edit", "f1@10", "f1@25", "f1@50", "accuracy/cut", "f1@50/pour milk"):
        assert all(np.isfinite(row[f"train/{key}"]) for row in per_epoch), key
    (caption,) = [row["train/timelines.caption"] for row in rows if "train/timelines.caption" in row]
    assert set(caption.split(", ")) == {"P01_tea", "P01_soup", "P02_soup"}
    rows = wandb_file.history(test_run)
    assert [row["test/timelines.caption"] for row in rows if "test/timelines.caption" in row] == ["P02_tea"]
    assert wandb_file.config(test_run)["ckpt_path"] == f"{run}/checkpoints/last.ckpt"
    (picture,) = test_run.parent.glob("files/media/images/test/timelines*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert any("test/f1@50/cut" in row for row in rows)


def test_a_data_set_that_was_moved_is_found_by_the_option_that_the_error_names(run, tmp_path, capsys):
    (tmp_path / "ms_tcn").rename(tmp_path / "moved")
    error = failure(capsys, "test", str(run))
    assert f"no folder {tmp_path}/ms_tcn: `root` must hold" in error
    assert "; give its place: --data.reader.init_args.root PATH\n" in error
    assert main(["test", str(run), "--data.reader.init_args.root", str(tmp_path / "moved")]) == 0
    (tmp_path / "moved" / "splits").rename(tmp_path / "moved" / "other")
    assert "give its place" not in failure(capsys, "test", str(run), f"--data.reader.init_args.root={tmp_path}/moved")


def test_a_moved_run_is_scored_where_it_lies_whatever_the_seed(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    command = ["test", "-c", "../run/config.yaml", *UNLOGGED]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "checkpoint: ../run/checkpoints/last.ckpt (last epoch: nothing was monitored)" in out
    assert "| F1@10 | F1@25 | F1@50 | Edit | Accuracy |" in out
    expected = (run / "test_scores.json").read_text()
    assert set(json.loads(expected)) == {"protocol", "accuracy", "edit", "f1@10", "f1@25", "f1@50"}
    assert main([*command, "--seed_everything=9"]) == 0
    assert (run / "test_scores.json").read_text() == expected
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert main([*command, f"--trainer.default_root_dir={tmp_path}/other"]) == 1
    assert "; --ckpt_path FILE says which to use" in capsys.readouterr().err


@pytest.mark.parametrize("rate", [1, 3])
def test_predictions_have_the_rate_of_the_features_and_the_truth_beside_them(small, tmp_path, rate):
    fit = ["fit", *small, *UNLOGGED, f"--data.sample_rate={rate}", "--trainer.default_root_dir=run"]
    assert main(fit) == main(["test", "-c=run/config.yaml"]) == 0
    truth = read_labels(tmp_path / "ms_tcn" / "groundTruth" / "P02_tea.txt").names()
    text, table = (read_labels(tmp_path / "run" / "predictions" / f"P02_tea.{suffix}") for suffix in ("txt", "csv"))
    archive, stored_truth = read_archive_labels(tmp_path / "run" / "predictions" / "P02_tea.npz")
    assert text.names() == table.names() == archive.names()
    assert len(text) == len(truth)
    assert table.fps == archive.fps == pytest.approx(10)
    assert stored_truth.names() == truth


def test_of_a_score_that_is_watched_the_highest_value_is_the_best(small, capsys):
    words = ["--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor=val/f1@50/cut"]
    words += ["--model.lr_scheduler=pytorch_lightning.cli.ReduceLROnPlateau", "--model.lr_scheduler.monitor=val/edit"]
    words += ["--checkpoint.monitor=val/f1@50", "--trainer.default_root_dir=run"]
    assert main(["fit", *small, *UNLOGGED, *words]) == 1
    assert "is of validation videos, and there are none: add --data.validation 0.2" in capsys.readouterr().err
    assert main(["fit", *small, *UNLOGGED, *words, "--data.validation=0.3", "--trainer.max_epochs=1"]) == 0
    config = yaml.safe_load(Path("run/config.yaml").read_text())
    watchers = [config["trainer"]["callbacks"][0]["init_args"], config["model"]["lr_scheduler"]["init_args"]]
    assert [values["mode"] for values in (*watchers, config["checkpoint"])] == ["max"] * 3


@pytest.mark.parametrize(
    "options",
    [
        ["--checkpoint.monitor=val/loss"],
        [
            "--trainer.callbacks+=EarlyStopping",
            "--trainer.callbacks.monitor=val/loss",
            "--trainer.callbacks.patience=99",
        ],
    ],
)
def test_where_a_value_was_monitored_its_best_checkpoint_counts(small, tmp_path, capsys, options):
    kept = ["--data.validation=0.3", "--trainer.default_root_dir=run", "--trainer.max_epochs=4"]
    worse = ["--model.optimizer.init_args.lr=3"]  # the loss rises after an epoch
    assert main(["fit", *small, *UNLOGGED, *kept, *worse, *options]) == 0
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    assert torch.load(best, weights_only=True)["epoch"] < 3
    (tmp_path / "run").rename(tmp_path / "moved")
    capsys.readouterr()
    assert main(["test", "moved"]) == 0
    assert "checkpoint: moved/checkpoints/best.ckpt (best val/loss)" in capsys.readouterr().out
    (tmp_path / "moved" / "checkpoints" / "best.ckpt").unlink()
    with pytest.warns(UserWarning, match="The dirpath has changed"):
        assert main(["test", "-c=moved/config.yaml"]) == 0
    assert (
        "moved/checkpoints/last.ckpt (last epoch: val/loss was monitored, but there is no moved/"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("switch", ["enable_progress_bar", "enable_checkpointing"])
def test_callbacks_that_the_trainer_turns_off_do_not_stop_fit(small, tmp_path, capfd, switch):
    folder = "--trainer.default_root_dir=run"
    assert main(["fit", *small, *UNLOGGED, folder, f"--trainer.{switch}=false", "--checkpoint.save_last=true"]) == 0
    assert (tmp_path / "run" / "checkpoints").exists() == (switch == "enable_progress_bar")
    out, err = capfd.readouterr()
    assert ("score it" in out) == ("training" not in err) == (switch == "enable_progress_bar")


def test_runs_are_named_after_network_data_split_and_folder_unless_the_user_names_them(finished, small, tmp_path):
    (run,) = wandb_file.run_files(finished / "run")
    assert display_name(run) == "EDTCN ms_tcn split 1 run"
    config = ["fit", "-c", f"{finished}/run/config.yaml", "--trainer.max_epochs=1"]
    assert main([*config, "--trainer.default_root_dir=again"]) == 0
    assert main([*config, "--trainer.default_root_dir=named", "--name=wide kernel"]) == 0
    assert display_name(wandb_file.run_files(tmp_path / "again")[0]) == "EDTCN ms_tcn split 1 again"
    assert display_name(wandb_file.run_files(tmp_path / "named")[0]) == "wide kernel"
    assert yaml.safe_load((tmp_path / "named" / "config.yaml").read_text())["name"] == "wide kernel"


@pytest.mark.slow
def test_two_processes_make_one_run(small, tmp_path):
    command = [sys.executable, "-m", "segtcn", "fit", *small, "--trainer.devices=2", "--trainer.strategy=ddp"]
    out = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ).stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert out.count("run: ") == out.count("score it: ") == 1
    assert f"run: runs/{folder.name}\n" in out
    assert len(wandb_file.run_files(folder)) == 1
    assert (folder / "checkpoints" / "last.ckpt").is_file()


def test_a_process_that_lightning_starts_gets_the_folder_of_the_first(monkeypatch):
    monkeypatch.setenv("SEGTCN_RUN_FOLDER", "runs/first")
    assert new_folder() != "runs/first"  # not that of an earlier run of this process
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert new_folder() == "runs/first"


def test_the_same_seed_gives_the_same_weights(small, tmp_path):
    weights = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        main(["fit", *small, *UNLOGGED, f"--seed_everything={seed}", f"--trainer.default_root_dir={tmp_path / folder}"])
        checkpoint = torch.load(tmp_path / folder / "checkpoints" / "last.ckpt", weights_only=True)
        weights.append(checkpoint["state_dict"]["segmenter.net.head.weight"])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_an_interrupted_run_continues_and_a_finished_one_is_not_overwritten(run, capsys):
    again = ["fit", "-c", f"{run}/config.yaml", *UNLOGGED]
    assert main(again) == 1
    assert "already holds a run" in capsys.readouterr().err
    last = run / "checkpoints" / "last.ckpt"
    assert main([*again, "--ckpt_path", str(last), "--trainer.max_epochs=5"]) == 0
    assert torch.load(last, weights_only=True)["epoch"] == 5


def test_standardisation_is_stored_with_the_weights(small, tmp_path):
    run = tmp_path / "run"
    main(["fit", *small, *UNLOGGED, "--data.standardize=true", f"--trainer.default_root_dir={run}"])
    task = SegmentationTask.load_from_checkpoint(run / "checkpoints" / "last.ckpt")
    training = ("P01_tea", "P01_soup", "P02_soup")
    frames = np.concatenate([np.load(tmp_path / "ms_tcn" / "features" / f"{name}.npy") for name in training], axis=1)
    np.testing.assert_allclose(task.segmenter.standardization.mean, frames.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(task.segmenter.standardization.std, frames.std(axis=1), rtol=1e-5)


def test_validation_scores_are_logged(small, tmp_path):
    run = tmp_path / "run"
    assert main(["fit", *small, "--data.validation=0.3", f"--trainer.default_root_dir={run}"]) == 0
    (path,) = wandb_file.run_files(run)
    assert [row["epoch"] for row in wandb_file.history(path) if "val/f1@50" in row] == [0, 1, 2]
    assert main(["validate", "-c", f"{run}/config.yaml", *UNLOGGED]) == 0
    assert set(json.loads((run / "val_scores.json").read_text())) >= {"accuracy", "edit", "f1@50"}


def test_short_names_and_model_help(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--model.net.help", "EDTCN"])
    assert stop.value.code == 0
    assert "taps of every convolution, odd or even" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--data.split=7"], "split 7 does not exist"),
        (["--data.reader.init_args.root=nowhere"], "nowhere"),
        (["--model.protocol=mine"], "`protocol` must be one of"),
        (["--data.sample_rate=0"], "`sample_rate` must be a whole number from 1 to 10000, got 0"),
        (["--model.net.init_args.kernel_size=0"], "`kernel_size` and `dilation` must be at least 1, got 0"),
        (
            ["--trainer.default_root_dir=ms_tcn/mapping.txt/run"],
            "cannot use ms_tcn/mapping.txt/run: not a directory; choose",
        ),
        (["--data.validation=[P02_tea]"], "test videos"),
    ],
)
def test_errors_are_one_line_without_a_stack_trace(small, capsys, change, message):
    assert message in failure(capsys, "fit", *small, *change)


def test_bad_features_stop_before_training_and_name_the_file(small, tmp_path, capsys):
    path = tmp_path / "ms_tcn" / "features" / "P01_tea.npy"
    features = np.load(path)
    features[2, 5] = np.nan
    np.save(path, features)
    assert "P01_tea.npy" in failure(capsys, "fit", *small, "--trainer.default_root_dir=run")
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "bad.ckpt cannot be read as a checkpoint"),
        (b"PK\x03\x04 broken zip", "bad.ckpt cannot be read as a checkpoint"),
        ("half", "bad.ckpt cannot be read as a checkpoint"),
        (None, "no checkpoint bad.ckpt"),
    ],
)
def test_a_damaged_or_missing_checkpoint_is_named(run, capsys, content, message):
    if content is not None:
        half = (run / "checkpoints" / "last.ckpt").read_bytes()[:20_000]
        Path("bad.ckpt").write_bytes(half if content == "half" else content)
    assert message in failure(capsys, "test", "-c", f"{run}/config.yaml", "--ckpt_path=bad.ckpt")


def test_going_online_without_a_key_is_one_line(small, capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    online = ["--trainer.logger.init_args.offline=false", "--trainer.default_root_dir=run"]
    assert "No API key configured" in failure(capsys, "fit", *small, *online)


def test_the_checkpoint_of_another_network_is_one_line(run, capsys):
    options = [*UNLOGGED, "--model.net.init_args.kernel_size=3"]
    assert "its `kernel_size` is 5, here 3" in failure(capsys, "test", "-c", f"{run}/config.yaml", *options)
