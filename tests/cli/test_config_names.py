"""Configs that come with segtcn are found by name from any directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.cli.config_words import resolve_configs
from segtcn.config_names import config_folder, find_config

DEFAULT = f"-c={config_folder() / 'trainer' / 'default.yaml'}"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def shipped(name: str) -> str:
    return str(config_folder() / f"{name}.yaml")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ed_tcn", "model/ed_tcn"),
        ("gtea_lea", "data/gtea_lea"),
        ("default", "trainer/default"),
        ("asformer_gtea", "experiment/asformer_gtea"),
        ("model/ed_tcn", "model/ed_tcn"),
    ],
)
def test_a_name_is_looked_up_in_every_kind(name, path):
    assert find_config(name) == shipped(path)


@pytest.mark.parametrize("word", ["mine.yaml", "a/ed_tcn", "{data: {split: 1}}", "/nowhere/ed_tcn.yaml", ""])
def test_what_is_not_a_name_stays_as_it_is(word):
    assert find_config(word) == word


@pytest.mark.parametrize("name", ["ed_tcn", "ed_tcn.yaml"])
def test_a_file_of_that_name_in_the_current_directory_wins(name):
    Path(name).write_text("model: {}")
    assert find_config("ed_tcn") == name


def test_an_unknown_name_comes_with_the_nearest_names(capsys):
    assert main(["fit", "-c", "ed_tnc"]) == 1
    assert "no config 'ed_tnc': neither a file here nor one of segtcn's; the nearest names: ed_tcn" in (
        capsys.readouterr().err
    )


def test_a_name_of_two_configs_is_an_error_that_says_how_to_choose(tmp_path, monkeypatch):
    for kind in ("model", "data"):
        (tmp_path / "configs" / kind).mkdir(parents=True)
        (tmp_path / "configs" / kind / "both.yaml").touch()
    monkeypatch.setattr("segtcn.config_names.config_folder", lambda: tmp_path / "configs")
    with pytest.raises(ValueError, match="'both' names 2 configs: write model/both or data/both"):
        find_config("both")
    assert find_config("data/both") == str(tmp_path / "configs" / "data" / "both.yaml")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-c", "ms_tcn", "-c=gtea_lea"], [DEFAULT, "-c", shipped("model/ms_tcn"), f"-c={shipped('data/gtea_lea')}"]),
        (["-c", "ed_tcn", "-c", "default"], ["-c", shipped("model/ed_tcn"), "-c", shipped("trainer/default")]),
        (["--config=gtea_lea", "--data.split", "1"], [f"--config={shipped('data/gtea_lea')}", "--data.split", "1"]),
        (["-c", "run/config.yaml", "--model.net", "ed_tcn"], ["-c", "run/config.yaml", "--model.net", "ed_tcn"]),
    ],
)
def test_names_in_a_command_become_paths_and_a_network_brings_its_trainer(words, expected):
    assert resolve_configs(["fit", *words]) == ["fit", *expected]


def test_networks_of_a_comparison_may_be_names():
    words = ["crossval", "--models", "ed_tcn", "c2f_tcn+c2f_tcn_gtea", "-c", "gtea_lea", "--seeds", "0"]
    joined = f"{shipped('model/c2f_tcn')}+{shipped('experiment/c2f_tcn_gtea')}"
    assert resolve_configs(words) == [
        *("crossval", DEFAULT, "--models", shipped("model/ed_tcn"), joined),
        *("-c", shipped("data/gtea_lea"), "--seeds", "0"),
    ]


def test_a_network_of_the_current_directory_trains_with_configs_by_name(write_ms_tcn_tree, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr("sys.path", [path for path in __import__("sys").path if path])
    Path("my_network.py").write_text(
        "from segtcn.models import FrameClassifier\n\n\nclass MyNet(FrameClassifier):\n    pass\n"
    )
    options = ["--trainer.max_epochs=1", "--trainer.logger=false", "--trainer.accelerator=cpu"]
    data = ["-c", "ms_tcn_tree", "--data.reader.init_args.root", str(write_ms_tcn_tree())]
    command = ["fit", "-c", "default", *data, "--model.net", "my_network.MyNet", *options]
    assert main([*command, "--trainer.default_root_dir=run"]) == 0
    assert "my_network.MyNet" in (tmp_path / "run" / "config.yaml").read_text()
