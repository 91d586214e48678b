"""The logger that needs no account, and what it keeps."""

from __future__ import annotations

import pytest
import wandb

from segtcn.callbacks.wandb import ExperimentLogger, finish, log_report
from tests import wandb_file


@pytest.fixture(autouse=True)
def _no_account(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def mode_of(logger: ExperimentLogger) -> str | None:
    return logger._wandb_init.get("mode")


def test_offline_without_a_key(tmp_path):
    assert mode_of(ExperimentLogger(save_dir=str(tmp_path))) == "offline"


def test_online_with_a_key_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert mode_of(ExperimentLogger(save_dir=str(tmp_path))) == "online"


def test_online_with_a_stored_key_of_the_same_server_only(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text(f"machine elsewhere login user password {'0' * 40}\n")
    assert mode_of(ExperimentLogger(save_dir=str(tmp_path))) == "offline"
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login user password {'0' * 40}\n")
    assert mode_of(ExperimentLogger(save_dir=str(tmp_path))) == "online"


def test_the_argument_decides_and_the_environment_has_the_word_where_it_is_silent(tmp_path, monkeypatch):
    assert mode_of(ExperimentLogger(save_dir=str(tmp_path), offline=False)) == "online"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert mode_of(ExperimentLogger(save_dir=str(tmp_path))) == "disabled"
    assert mode_of(ExperimentLogger(save_dir=str(tmp_path), offline=True)) == "offline"


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
