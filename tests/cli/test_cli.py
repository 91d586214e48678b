"""The command line as its users meet it: training, scoring, predicting, continuing, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import segtcn
from segtcn.cli import COMMANDS, main
from segtcn.labels.legacy import read_labels
from segtcn.task import SegmentationTask
from segtcn.video_io import probe
from tests import wandb_file
from tests.clips import write_clip

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = [f"-c={ROOT}/configs/{name}.yaml" for name in ("model/ed_tcn", "data/ms_tcn_tree", "trainer/default")]


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def small(write_ms_tcn_tree) -> list[str]:
    """Options of a fit that takes a second."""
    root = write_ms_tcn_tree()
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


@pytest.fixture
def run(small, tmp_path) -> Path:
    """A finished run."""
    assert main(["fit", *small, f"--trainer.default_root_dir={tmp_path / 'run'}"]) == 0
    return tmp_path / "run"


def test_fit_writes_config_checkpoint_and_wandb_run(run, capsys):
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["net"]["init_args"]["kernel_size"] == 5
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert len(wandb_file.run_files(run)) == 1


def test_fit_says_how_to_go_on_and_how_fast_it_was(small, tmp_path, capsys):
    main(["fit", *small, f"--trainer.default_root_dir={tmp_path / 'run'}"])
    out = capsys.readouterr().out
    assert re.search(r"trained 132 frames in [\d.]+ s: [\d,]+ frames per second", out)
    assert f"segtcn test -c {tmp_path / 'run'}/config.yaml --ckpt_path {tmp_path / 'run'}/checkpoints/last.ckpt" in out


def test_wandb_run_holds_config_scores_classes_card_and_timelines(run):
    assert main(["test", "-c", f"{run}/config.yaml", "--ckpt_path", f"{run}/checkpoints/last.ckpt"]) == 0
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


def test_test_prints_and_writes_the_scores_and_the_predictions(run, capsys):
    assert main(["test", "-c", f"{run}/config.yaml", "--ckpt_path", f"{run}/checkpoints/last.ckpt"]) == 0
    assert "| F1@10 | F1@25 | F1@50 | Edit | Accuracy |" in capsys.readouterr().out
    scores = json.loads((run / "test_scores.json").read_text())
    assert set(scores) == {"protocol", "accuracy", "edit", "f1@10", "f1@25", "f1@50"}
    track = read_labels(run / "predictions" / "P02_tea.txt")
    table = read_labels(run / "predictions" / "P02_tea.csv")
    assert track.labels == table.labels
    assert table.fps == pytest.approx(10)
    assert len(track.labels) == len((run.parent / "ms_tcn" / "groundTruth" / "P02_tea.txt").read_text().splitlines())


def test_predict_needs_no_ground_truth(run):
    for path in (run.parent / "ms_tcn" / "groundTruth").glob("P02*"):
        path.unlink()
    assert main(["predict", "-c", f"{run}/config.yaml", "--ckpt_path", f"{run}/checkpoints/last.ckpt"]) == 0
    assert (run / "predictions" / "P02_tea.txt").is_file()


def test_predictions_of_a_sub_sampled_network_have_the_rate_of_the_features(small, tmp_path):
    run = tmp_path / "run"
    main(["fit", *small, "--data.sample_rate=3", f"--trainer.default_root_dir={run}"])
    assert main(["test", "-c", f"{run}/config.yaml", "--ckpt_path", f"{run}/checkpoints/last.ckpt"]) == 0
    truth = (tmp_path / "ms_tcn" / "groundTruth" / "P02_tea.txt").read_text().splitlines()
    assert len(read_labels(run / "predictions" / "P02_tea.txt").labels) == len(truth)
    assert read_labels(run / "predictions" / "P02_tea.csv").fps == pytest.approx(10)


def test_checkpoint_is_enough_by_itself(run):
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    stored = checkpoint["segtcn"]
    assert stored["net"]["class_name"] == "EDTCN"
    assert stored["class_names"] == ["background", "cut", "pour milk"]
    assert (stored["fps"], stored["sample_rate"], stored["protocol"]) == (10, 1, "lea")
    task = SegmentationTask.load_from_checkpoint(run / "checkpoints" / "last.ckpt")
    assert task.segmenter.net.init_args["hidden_channels"] == [6, 8]
    for name, value in task.state_dict().items():
        assert torch.equal(value, checkpoint["state_dict"][name])


def test_the_same_seed_gives_the_same_weights(small, tmp_path):
    weights = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        main(["fit", *small, f"--seed_everything={seed}", f"--trainer.default_root_dir={tmp_path / folder}"])
        checkpoint = torch.load(tmp_path / folder / "checkpoints" / "last.ckpt", weights_only=True)
        weights.append(checkpoint["state_dict"]["segmenter.net.head.weight"])
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_an_interrupted_run_continues_and_a_finished_one_is_not_overwritten(run, small, capsys):
    again = ["fit", "-c", f"{run}/config.yaml"]
    assert main(again) == 1
    assert "already holds a run" in capsys.readouterr().err
    last = run / "checkpoints" / "last.ckpt"
    assert main([*again, "--ckpt_path", str(last), "--trainer.max_epochs=5"]) == 0
    assert torch.load(last, weights_only=True)["epoch"] == 5


def test_standardisation_is_stored_with_the_weights(small, tmp_path):
    run = tmp_path / "run"
    main(["fit", *small, "--data.standardize=true", f"--trainer.default_root_dir={run}"])
    task = SegmentationTask.load_from_checkpoint(run / "checkpoints" / "last.ckpt")
    training = ("P01_tea", "P01_soup", "P02_soup")
    frames = np.concatenate([np.load(tmp_path / "ms_tcn" / "features" / f"{name}.npy") for name in training], axis=1)
    np.testing.assert_allclose(task.segmenter.standardization.mean, frames.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(task.segmenter.standardization.std, frames.std(axis=1), rtol=1e-5)


def test_validation_scores_are_logged(small, tmp_path):
    run = tmp_path / "run"
    assert main(["fit", *small, "--data.validation=0.3", f"--trainer.default_root_dir={run}"]) == 0
    (path,) = wandb_file.run_files(run)
    rows = wandb_file.history(path)
    assert [row["epoch"] for row in rows if "val/f1@50" in row] == [0, 1, 2]
    assert main(["validate", "-c", f"{run}/config.yaml", "--ckpt_path", f"{run}/checkpoints/last.ckpt"]) == 0
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
        (["--data.sample_rate=0"], "`sample_rate` must be at least 1"),
        (["--model.net.init_args.kernel_size=0"], "`kernel_size` and `dilation` must be at least 1, got 0"),
        (["--trainer.default_root_dir=ms_tcn/mapping.txt/run"], "cannot write the run into ms_tcn/mapping.txt/run"),
        (["--data.validation=[P02_tea]"], "test videos"),
    ],
)
def test_errors_are_one_line_without_a_stack_trace(small, capsys, change, message):
    assert main(["fit", *small, *change]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_bad_features_stop_before_training_and_name_the_file(small, tmp_path, capsys):
    path = tmp_path / "ms_tcn" / "features" / "P01_tea.npy"
    features = np.load(path)
    features[2, 5] = np.nan
    np.save(path, features)
    assert main(["fit", *small, "--trainer.default_root_dir=run"]) == 1
    err = capsys.readouterr().err
    assert "P01_tea.npy" in err
    assert "Traceback" not in err
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken zip", None])
def test_a_damaged_checkpoint_is_named(run, capsys, content):
    half = (run / "checkpoints" / "last.ckpt").read_bytes()[:20_000]
    (run / "bad.ckpt").write_bytes(half if content is None else content)
    assert main(["test", "-c", f"{run}/config.yaml", "--ckpt_path", f"{run}/bad.ckpt"]) == 1
    err = capsys.readouterr().err
    assert "bad.ckpt cannot be read as a checkpoint" in err
    assert "Traceback" not in err


def test_a_missing_checkpoint_is_named(run, capsys):
    assert main(["test", "-c", f"{run}/config.yaml", "--ckpt_path", "none.ckpt"]) == 1
    assert "no checkpoint none.ckpt" in capsys.readouterr().err


def test_a_misspelt_option_fails_early():
    with pytest.raises(SystemExit) as stop:
        main(["fit", *CONFIGS, "--data.sampel_rate=3"])
    assert stop.value.code == 2


def test_help_lists_every_command_and_examples():
    shown = subprocess.run(
        [sys.executable, "-m", "segtcn", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert "segtcn crossval -c" in shown


def test_version_and_unknown_command(capsys):
    assert main(["--version"]) == 0
    assert segtcn.__version__ in capsys.readouterr().out
    assert main(["trian"]) == 2
    assert "there is no command 'trian'" in capsys.readouterr().err


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", num_frames=20)


def test_overlay_draws_a_label_file_on_a_clip(clip, tmp_path, capsys):
    (tmp_path / "labels.txt").write_text("take\n" * 10 + "pour milk\n" * 10)
    command = ["overlay", str(clip), "labels.txt", "-o", "out.mp4", "--truth", "labels.txt", "--quiet"]
    assert main(command) == 0
    assert capsys.readouterr().out == "out.mp4\n"
    assert probe(tmp_path / "out.mp4").num_frames == 20


def test_the_script_is_another_door_to_the_command(clip, tmp_path):
    (tmp_path / "labels.txt").write_text("take\n" * 20)
    script = [sys.executable, str(ROOT / "tools" / "overlay_video.py"), str(clip), "labels.txt", "-o", "out.mp4"]
    subprocess.run(script, check=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True)
    assert probe(tmp_path / "out.mp4").num_frames == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mp4", "labels.txt", "-o", "out.mp4"], "none.mp4"),
        (["labels.txt", "labels.txt", "-o", "out.mp4"], "labels.txt"),
        (["cut.mp4", "labels.txt", "-o", "out.mp4"], "cut.mp4"),
        (["clip.mp4", "none.txt", "-o", "out.mp4"], "none.txt"),
        (["clip.mp4", "short.txt", "-o", "out.mp4"], "--fps"),
        (["clip.mp4", "labels.txt", "-o", "nowhere/out.mp4"], "nowhere"),
        (["clip.mp4", "labels.txt", "-o", "labels.txt/out.mp4"], "labels.txt"),
    ],
)
def test_overlay_errors_are_one_line_and_leave_nothing_behind(clip, tmp_path, capsys, arguments, message):
    (tmp_path / "labels.txt").write_text("take\n" * 20)
    (tmp_path / "short.txt").write_text("take\n" * 7)
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    before = sorted(tmp_path.iterdir())
    assert main(["overlay", *arguments, "--quiet"]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


def test_going_online_without_a_key_is_one_line(small, capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    online = ["--trainer.logger.init_args.offline=false", "--trainer.default_root_dir=run"]
    assert main(["fit", *small, *online]) == 1
    err = capsys.readouterr().err
    assert "No API key configured" in err
    assert "Traceback" not in err


def test_without_a_checkpoint_the_last_one_of_the_run_is_scored_never_new_weights(run, tmp_path, capsys):
    assert main(["test", "-c", f"{run}/config.yaml", "--ckpt_path", f"{run}/checkpoints/last.ckpt"]) == 0
    expected = (run / "test_scores.json").read_text()
    assert main(["test", "-c", f"{run}/config.yaml", "--seed_everything=9"]) == 0
    assert (run / "test_scores.json").read_text() == expected
    assert main(["test", "-c", f"{run}/config.yaml", f"--trainer.default_root_dir={tmp_path}/other"]) == 1
    assert "no checkpoint: --ckpt_path FILE says which" in capsys.readouterr().err


def test_the_checkpoint_of_another_network_is_one_line(run, capsys):
    assert main(["test", "-c", f"{run}/config.yaml", "--model.net.init_args.kernel_size=3"]) == 1
    err = capsys.readouterr().err
    assert "size mismatch" in err
    assert "Traceback" not in err
