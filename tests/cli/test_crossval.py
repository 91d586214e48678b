"""Cross-validation: all runs, the right numbers, and going on where it stopped."""

from __future__ import annotations

import json
import shutil
import signal
import statistics
from pathlib import Path

import numpy as np
import pytest
import torch

from segtcn.cli import main
from segtcn.cli.crossval import split_runs
from segtcn.cli.crossval.tables import results_table
from segtcn.segmenter import Segmenter
from segtcn.task import SegmentationTask
from tests import wandb_file

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = [f"-c={ROOT}/configs/{name}.yaml" for name in ("model/ed_tcn", "data/ms_tcn_tree", "trainer/default")]


@pytest.fixture
def command(write_ms_tcn_tree, tmp_path, monkeypatch) -> list[str]:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setattr(split_runs, "INFERENCE_S", 0.0)
    monkeypatch.chdir(tmp_path)
    return [
        "crossval",
        *CONFIGS,
        f"--data.reader.init_args.root={write_ms_tcn_tree()}",
        "--model.net.init_args.hidden_channels=[6]",
        "--model.net.init_args.kernel_size=3",
        "--trainer.max_epochs=2",
        "--trainer.accelerator=cpu",
        "--out=out",
    ]


def test_all_splits_times_seeds_in_one_command(command, tmp_path, capsys):
    assert main([*command, "--seeds", "0,5", "--data.batch_size=2", "--data.sample_rate=3"]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {key: results[key] for key in ("protocol", "splits", "seeds", "epochs", "selection")} == {
        "protocol": "lea",
        "splits": [1, 2],
        "seeds": [0, 5],
        "epochs": 2,
        "selection": "last epoch",
    }
    assert [(run["split"], run["seed"]) for run in results["runs"]] == [(1, 0), (2, 0), (1, 5), (2, 5)]
    for key in ("accuracy", "edit", "f1@10", "f1@25", "f1@50"):
        over_splits = [statistics.fmean(run[key] for run in results["runs"] if run["seed"] == seed) for seed in (0, 5)]
        assert results["scores"][key]["mean"] == pytest.approx(statistics.fmean(over_splits))
        assert results["scores"][key]["std"] == pytest.approx(statistics.stdev(over_splits))
    table = (tmp_path / "out" / "results.md").read_text()
    assert table == results_table(results) + "\n"
    assert results_table(results) in capsys.readouterr().out
    assert "Protocol `lea`" in table
    assert (results["network"], results["batch_size"], results["sample_rate"]) == ("EDTCN", 2, 3)
    net = Segmenter.load(tmp_path / "out" / "split1-seed0" / "checkpoints" / "last.ckpt").net
    assert results["parameters"] == sum(parameter.numel() for parameter in net.parameters())
    measured, each = results["measured"], results["runs"]
    assert measured["train_minutes"] == pytest.approx(sum(run["train_seconds"] for run in each) / 60)
    for key in ("train_frames_per_second", "inference_frames_per_second"):
        assert measured[key] == pytest.approx(statistics.fmean(run[key] for run in each))
    assert measured["peak_memory_mib"] == max(run["peak_memory_mib"] for run in each) > 50
    (row,) = [line for line in table.splitlines() if line.startswith("| EDTCN")]
    assert [cell.strip() for cell in row.split("|")[7:11]] == ["2", "2", "3", f"{results['parameters']:,}"]
    runs = [wandb_file.run_files(folder)[0] for folder in sorted((tmp_path / "out").glob("split*"))]
    groups = {record.run.run_group for run in runs for record in wandb_file.records(run) if record.HasField("run")}
    names = {record.run.display_name for run in runs for record in wandb_file.records(run) if record.HasField("run")}
    assert groups == {"out"}
    assert names == {"split1-seed0", "split1-seed5", "split2-seed0", "split2-seed5"}
    # fit and test of one run share one W&B run
    assert all(any("test/f1@50" in row for row in wandb_file.history(run)) for run in runs)


def test_scores_are_those_of_test_with_the_checkpoint(command, tmp_path):
    main([*command, "--splits=2", "--trainer.logger=false"])
    run = tmp_path / "out" / "split2-seed0"
    scores = json.loads((run / "scores.json").read_text())
    assert main(["test", f"-c={run}/config.yaml", f"--ckpt_path={run}/checkpoints/last.ckpt"]) == 0
    again = json.loads((run / "test_scores.json").read_text())
    for key in ("accuracy", "edit", "f1@10", "f1@25", "f1@50"):
        assert scores[key] == pytest.approx(again[key])


def test_complete_runs_are_not_repeated_and_interrupted_ones_continue(command, tmp_path, capsys):
    silent = [*command, "--trainer.logger=false"]
    main(silent)
    first, second = tmp_path / "out" / "split1-seed0", tmp_path / "out" / "split2-seed0"
    before = (first / "scores.json").read_bytes(), (second / "scores.json").read_bytes()
    complete = (first / "checkpoints" / "last.ckpt").stat().st_mtime_ns

    # as if it had stopped after the first epoch of the second run
    (second / "scores.json").unlink()
    checkpoint = second / "checkpoints" / "last.ckpt"
    checkpoint.unlink()
    (second / "config.yaml").rename("config.yaml")
    assert main(["fit", "-c=config.yaml", "--trainer.max_epochs=1", "--trainer.logger=false"]) == 0
    assert torch.load(checkpoint, weights_only=True)["epoch"] == 1

    capsys.readouterr()
    assert main(silent) == 0
    assert "run 2 of 2: split 2, seed 0" in capsys.readouterr().out
    assert (first / "checkpoints" / "last.ckpt").stat().st_mtime_ns == complete
    assert torch.load(checkpoint, weights_only=True)["epoch"] == 2
    assert before[0] == (first / "scores.json").read_bytes()
    assert json.loads(before[1]).keys() == json.loads((second / "scores.json").read_text()).keys()
    with pytest.warns(UserWarning, match=r"runs of other splits or seeds, which .*: split2-seed0$"):
        assert main([*silent, "--splits=1"]) == 0


@pytest.mark.parametrize("damage", ["", "null", "[]", '{"split": 1, "seed": 0}', "another split"])
def test_damaged_scores_of_a_run_are_refused_by_name(command, capsys, damage):
    assert main(command) == 0
    first, second = (Path(f"out/split{split}-seed0/scores.json") for split in (1, 2))
    first.write_text(second.read_text() if damage == "another split" else damage)
    assert main(command) == 1
    err = capsys.readouterr().err
    assert f"{first} does not hold the scores of split 1 with seed 0" in err
    assert "Traceback" not in err


def test_seeds_before_and_after_the_labels_changed_have_no_mean(command, tmp_path, capsys):
    silent = [*command, "--trainer.logger=false", "--splits=1"]
    assert main(silent) == 0
    (root,) = (word.partition("=")[2] for word in command if "init_args.root" in word)
    test_video = (Path(root) / "splits" / "test.split1.bundle").read_text().split()[0]
    truth = Path(root) / "groundTruth" / test_video
    labels = truth.read_text().splitlines()
    other = next(label for label in labels if label != labels[0])
    truth.write_text("\n".join([other, *labels[1:]]) + "\n")
    assert main([*silent, "--seeds=0,1"]) == 1
    err = capsys.readouterr().err
    assert "the labels of test videos differ between split1-seed0 and split1-seed1 in out: delete" in err
    assert not (tmp_path / "out" / "split1-seed1" / "checkpoints").exists()  # before it is trained
    shutil.rmtree(tmp_path / "out" / "split1-seed0")
    assert main([*silent, "--seeds=0,1"]) == 0


def test_a_folder_with_runs_of_another_configuration_is_refused_and_a_renamed_one_continued(command, capsys):
    silent = [*command, "--trainer.logger=false", "--splits=1"]
    assert main(silent) == 0
    assert main([*silent, "--trainer.max_epochs=3"]) == 1
    err = capsys.readouterr().err
    assert "out holds runs of another configuration" in err
    assert "max_epochs: 3" in err
    assert main([*silent, "--splits=1,9"]) == 1
    assert "there is no split 9; the data set has 1, 2" in capsys.readouterr().err
    assert main([*silent, "--splits=1,9", "--jobs=2", "--out=side"]) == 1  # before anything is trained
    assert "there is no split 9; the data set has 1, 2" in capsys.readouterr().err
    assert not Path("side/split1-seed0").exists()
    Path("out").rename("renamed")
    assert main([*silent, "--seeds=0,1", "--out=renamed"]) == 0  # another seed is not another configuration
    assert "run 2 of 2: split 1, seed 1" in capsys.readouterr().out


def test_protocol_name_and_monitored_value_are_in_the_results(command, tmp_path, capsys):
    options = ["--protocol=mstcn", "--name=wide", "--data.validation=0.5", "--checkpoint.monitor=val/loss"]
    assert main([*command, "--splits=1", *options]) == 0
    out = tmp_path / "out"
    assert "checkpoint: out/split1-seed0/checkpoints/best.ckpt (best val/loss)" in capsys.readouterr().out
    results = json.loads((out / "results.json").read_text())
    assert (results["name"], results["protocol"], results["selection"]) == ("wide", "mstcn", "best val/loss")
    assert "Protocol `mstcn`, percent, test videos, best val/loss." in (out / "results.md").read_text()
    (run,) = wandb_file.run_files(out / "split1-seed0")
    (record,) = [record.run for record in wandb_file.records(run) if record.HasField("run") and record.run.run_group]
    assert (record.run_group, record.display_name) == ("wide", "wide split1-seed0")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--seeds=a", "argument --seeds: expected numbers from 0 upwards with commas between them, got 'a'"),
        ("--splits=-1", "expected numbers from 0 upwards with commas between them, got '-1'"),
        *(
            (f"{option}=1", f"{option} is for one run: give --seeds and --splits")
            for option in ("--seed", "--split", "--data.split", "--seed_everything")
        ),
    ],
)
def test_wrong_options_are_refused(command, capsys, option, message):
    with pytest.raises(SystemExit):
        main([*command, option])
    assert message in capsys.readouterr().err


def test_the_config_of_a_run_can_be_cross_validated(command, tmp_path):
    fit = [word for word in command[1:] if not word.startswith("--out")] + ["--trainer.logger=false"]
    assert main(["fit", *fit, "--trainer.default_root_dir=run"]) == 0
    resume = ["--ckpt_path=run/checkpoints/last.ckpt", "--trainer.max_epochs=3"]
    assert main(["fit", "-c=run/config.yaml", *resume]) == 0
    assert "ckpt_path" not in (tmp_path / "run" / "config.yaml").read_text()
    assert main(["crossval", "-c=run/config.yaml", "--splits=1", "--out=again"]) == 0
    assert "then over seeds (1): no standard deviation." in (tmp_path / "again" / "results.md").read_text()


def test_a_bad_test_video_is_found_before_training(command, tmp_path, capsys):
    path = tmp_path / "ms_tcn" / "features" / "P02_tea.npy"
    np.save(path, np.full_like(np.load(path), np.nan))
    assert main([*command, "--splits=1", "--trainer.logger=false"]) == 1
    assert "P02_tea.npy" in capsys.readouterr().err
    assert not (tmp_path / "out" / "split1-seed0" / "checkpoints").exists()


def test_ctrl_c_in_the_middle_leaves_a_checkpoint_from_which_the_same_command_goes_on(command, tmp_path, monkeypatch):
    once = [*command, "--splits=1", "--trainer.logger=false", "--trainer.max_epochs=12"]

    def interrupt(task):
        if task.current_epoch == 11:
            raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(SegmentationTask, "on_train_epoch_start", interrupt)
        assert main(once) == 130
    signal.signal(signal.SIGINT, handler)  # Lightning ignores further interrupts while it shuts down
    last = tmp_path / "out" / "split1-seed0" / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=True)["epoch"] == 9
    started = []
    with monkeypatch.context() as patch:
        patch.setattr(SegmentationTask, "on_train_epoch_start", lambda task: started.append(task.current_epoch))
        assert main(once) == 0
    assert started == [10, 11]


@pytest.fixture
def one_thread():
    """As each of two jobs has on two cores: the number of threads changes the order of sums."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_several_runs_at_a_time_give_the_table_of_one_after_the_other(command, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    silent = [*command[:-1], "--trainer.logger=false", "--seeds=0,1"]
    assert main([*silent, "--out=out"]) == 0
    assert main([*silent, "--out=side", "--jobs=2"]) == 0
    assert "split2-seed1: done" in capfd.readouterr().out
    one, other = (json.loads((tmp_path / name / "results.json").read_text()) for name in ("out", "side"))
    assert one["scores"] == other["scores"]
    assert one["splits"] == other["splits"] == [1, 2]
    for run in ("split1-seed0", "split2-seed1"):
        first, second = (
            torch.load(f"{name}/{run}/checkpoints/last.ckpt", weights_only=True) for name in ("out", "side")
        )
        assert all(torch.equal(values, second["state_dict"][name]) for name, values in first["state_dict"].items())
    complete = (tmp_path / "side" / "split1-seed0" / "scores.json").stat().st_mtime_ns
    assert main([*silent, "--out=side", "--jobs=2"]) == 0
    assert (tmp_path / "side" / "split1-seed0" / "scores.json").stat().st_mtime_ns == complete
    assert (
        main([*silent, "--out=side", "--jobs=2", "--trainer.max_epochs=9"]) == 1
    )  # all is complete, but something else
    err = capfd.readouterr().err
    assert "holds runs of another configuration" in err
    assert "the table could not be made, see above" in err
    assert "Traceback" not in err
    assert main([*silent, "--out=bad", "--jobs=2", "--model.net.init_args.kernel_size=0"]) == 1
