"""The commands that an agent of a Weights & Biases sweep runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from segtcn.cli import main
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
