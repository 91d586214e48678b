"""The logger that needs no account, and what it keeps."""

from __future__ import annotations

import pytest
import wandb

from segtcn.callbacks.wandb import ExperimentLogger, finish, log_report
from segtcn.cli import main
from tests import wandb_file
from tests.cli.test_lightning import small_options
from tests.conftest import write_tree


@pytest.fixture(autouse=True)
def _no_account(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_online_with_a_key_of_the_server_only_unless_argument_or_environment_say_so(tmp_path, monkeypatch):
    def mode_of(**options) -> str | None:
        return ExperimentLogger(save_dir=str(tmp_path), **options)._wandb_init.get("mode")

    key = "0" * 40
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    assert mode_of() == "offline"
    for machine, mode in (("elsewhere", "offline"), ("127.0.0.1", "online")):
        (tmp_path / "netrc").write_text(f"machine {machine} login user password {key}\n")
        assert mode_of() == mode
    (tmp_path / "netrc").unlink()
    monkeypatch.setenv("WANDB_API_KEY", key)
    assert mode_of() == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode_of() == "disabled"
    assert mode_of(offline=True) == "offline"
    assert mode_of(offline=False) == "online"


def test_a_report_becomes_an_artefact_of_the_open_run(tmp_path, monkeypatch):
    (tmp_path / "analysis.md").write_text("# Errors\n")
    assert not log_report([tmp_path / "analysis.md"], "analysis")
    wandb.init(mode="offline", dir=str(tmp_path), settings=wandb.Settings(silent=True))
    assert log_report([tmp_path / "analysis.md"], "analysis")
    finish()
    assert wandb.run is None
    (run,) = wandb_file.run_files(tmp_path)
    requests = [record.request.log_artifact.artifact for record in wandb_file.records(run)]
    artifacts = [record.artifact for record in wandb_file.records(run) if record.HasField("artifact")]
    assert [artifact.name for artifact in artifacts or requests if artifact.name] == ["analysis"]


def test_a_relative_folder_means_that_of_this_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ExperimentLogger(save_dir="run").save_dir == str(tmp_path / "run")


@pytest.mark.slow
def test_training_goes_on_offline_where_the_server_cannot_be_reached(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in {"BASE_URL": "http://127.0.0.1:9", "API_KEY": "0" * 40, "INIT_TIMEOUT": "3"}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    words = ["fit", *small_options(write_tree(tmp_path / "ms_tcn")), "--trainer.default_root_dir=run"]
    message = r"(?s)cannot be reached .*: the run is kept offline; `wandb sync \S+/offline-\*`"
    with pytest.warns(UserWarning, match=message):
        assert main([*words, "--trainer.logger.init_args.offline=false"]) == 0
    (file,) = wandb_file.run_files(tmp_path / "run")
    assert len([row for row in wandb_file.history(file) if "train/loss" in row]) == 3
