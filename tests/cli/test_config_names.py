"""Configs that come with segtcn are found by name from any directory."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.cli.config_words import check_one_network, resolve_configs
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
    assert "no config 'ed_tnc': neither a file or folder here nor one of segtcn's; the nearest names: ed_tcn" in (
        capsys.readouterr().err
    )
    with pytest.raises(ValueError, match=rf"nor one of segtcn's, which lie in {config_folder()}$"):
        find_config("xyzzy")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["ed_tcn", "gtea_lea", "dilated_tcn"],
            r"ed_tcn.yaml and .*dilated_tcn.yaml are configs of different networks",
        ),
        (["bilstm", "bigru"], "bilstm.yaml and .*bigru.yaml are configs of different networks"),
        (["ed_tcn", "mine.yaml"], "ed_tcn.yaml and mine.yaml are configs of different networks"),
        (["fact", "diffact_gtea"], "diffact_gtea.yaml is a recipe of diffact, not of fact"),
        (["ms_tcn_plus_plus", "dilated_tcn_gtea"], "dilated_tcn_gtea.yaml is a recipe of dilated_tcn, not of ms_tcn_p"),
        (["ed_tcn", "ed_tcn", "gtea_lea", "default"], None),
        (["dilated_tcn", "dilated_tcn_gtea"], None),
        (["ed_tcn", "same.yaml"], None),
        (["mine.yaml", "diffact_gtea"], None),
        (["demo"], None),
    ],
)
def test_configs_of_two_networks_are_not_mixed(names, message):
    Path("mine.yaml").write_text("model: {net: segtcn.models.TCNN}\n")
    Path("same.yaml").write_text("model: {net: {class_path: EDTCN, init_args: {kernel_size: 5}}}\n")
    words = resolve_configs(["fit", *(f"-c={name}" for name in names)])
    with nullcontext() if message is None else pytest.raises(ValueError, match=message):
        check_one_network(words)


def test_a_command_refuses_configs_of_two_networks(capsys):
    assert main(["crossval", "-c", "ed_tcn", "-c", "dilated_tcn", "-c", "gtea_lea", "--out=out"]) == 1
    assert "`segtcn crossval --models` trains several" in capsys.readouterr().err


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
        (["-c", "ms_tcn", "-c=gtea_lea"], [DEFAULT, f"-c={shipped('model/ms_tcn')}", f"-c={shipped('data/gtea_lea')}"]),
        (["-c", "ed_tcn", "-c", "default"], [f"-c={shipped('model/ed_tcn')}", f"-c={shipped('trainer/default')}"]),
        (["--config=gtea_lea", "--data.split", "1"], [f"--config={shipped('data/gtea_lea')}", "--data.split", "1"]),
        (["-c", "run/config.yaml", "--model.net", "ed_tcn"], ["-c=run/config.yaml", "--model.net", "ed_tcn"]),
    ],
)
def test_names_in_a_command_become_paths_and_a_network_brings_its_trainer(words, expected):
    assert resolve_configs(["fit", *words]) == ["fit", *expected]


def test_networks_of_a_comparison_may_be_names():
    words = ["crossval", "--models", "ed_tcn", "c2f_tcn+c2f_tcn_gtea", "-c", "gtea_lea", "--seeds", "0"]
    joined = f"{shipped('model/c2f_tcn')}+{shipped('experiment/c2f_tcn_gtea')}"
    assert resolve_configs(words) == [
        *("crossval", DEFAULT, "--models", shipped("model/ed_tcn"), joined),
        *(f"-c={shipped('data/gtea_lea')}", "--seeds", "0"),
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
