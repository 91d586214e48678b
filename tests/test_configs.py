"""Configs: each builds what it says, and model, data and trainer compose in any order."""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonargparse import ArgumentParser

from segtcn.cli import main
from segtcn.cli.config_words import resolve_configs
from segtcn.cli.lightning import SegmentationCLI
from segtcn.data.datamodule import SegmentationDataModule

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
MODELS = sorted((CONFIGS / "model").glob("*.yaml"))
DATA = sorted((CONFIGS / "data").glob("*.yaml"))


def values(config: dict[str, Any], prefix: str = "") -> set[str]:
    """Dotted name of every value."""
    names = set()
    for key, value in config.items():
        names |= values(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}"}
    return names


def values_of(kind: str) -> set[str]:
    return set().union(*(values(yaml.safe_load(path.read_text())) for path in (CONFIGS / kind).glob("*.yaml")))


def test_no_value_is_set_by_two_kinds_of_configs():
    kinds = {kind: values_of(kind) for kind in ("model", "data", "trainer")}
    for one, other in permutations(kinds, 2):
        assert not kinds[one] & kinds[other], f"{one} and {other} configs"


def test_any_order_composes_to_the_same_configuration(capsys):
    printed = set()
    files = (
        CONFIGS / "model/dilated_tcn.yaml",
        CONFIGS / "data/50salads_mid_lea.yaml",
        CONFIGS / "trainer/default.yaml",
    )
    for order in permutations(files):
        with pytest.raises(SystemExit) as stop:
            main(["fit", *(f"-c={path}" for path in order), "--trainer.default_root_dir=run", "--print_config"])
        assert stop.value.code == 0
        printed.add(capsys.readouterr().out)
    assert len(printed) == 1
    config = yaml.safe_load(printed.pop())
    assert config["model"]["net"]["init_args"]["num_stacks"] == 2
    assert (config["trainer"]["max_epochs"], config["data"]["batch_size"], config["data"]["sample_rate"]) == (200, 8, 5)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_config_has_the_recipe_of_its_paper_and_builds(path, write_ms_tcn_tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load(path.read_text())
    assert {"trainer.max_epochs", "data.batch_size"} <= values(config)
    data = [f"-c={CONFIGS}/data/ms_tcn_tree.yaml", f"--data.reader.init_args.root={write_ms_tcn_tree()}"]
    quiet = ["--trainer.logger=false", "--trainer.accelerator=cpu"]
    cli = SegmentationCLI([*data, f"-c={path}", f"-c={CONFIGS}/trainer/default.yaml", *quiet], run=False)
    assert (cli.trainer.max_epochs, cli.datamodule.batch_size) == (
        config["trainer"]["max_epochs"],
        config["data"]["batch_size"],
    )
    assert cli.model.segmenter.net.num_classes == 3


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.stem)
def test_a_data_config_is_a_call_of_its_reader(path):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(SegmentationDataModule, "data")
    config = parser.parse_object(yaml.safe_load(path.read_text()))  # checks names and types, reads no data
    assert config.data.reader.class_path.startswith("segtcn.data.readers.")
    assert config.data.card is None or (CONFIGS.parent / config.data.card).is_file()


OF_FIT = [path for path in sorted(CONFIGS.glob("*/*.yaml")) if path.parent.name != "sweep"]


@pytest.mark.parametrize("path", OF_FIT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_comment_of_a_config_shows_a_command_that_finds_it(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    comment = " ".join(line.removesuffix("\\") for line in path.read_text().split("\n") if line.startswith("#"))
    shown = [command.split() for command in re.findall(r"segtcn ((?:fit|crossval) [^#]*)", comment)]
    assert any(str(path) in " ".join(resolve_configs(command)) for command in shown)


def test_no_two_configs_have_one_name():
    names = [path.stem for path in CONFIGS.glob("*/*.yaml")]
    assert len({*names}) == len(names)


def test_without_a_recipe_there_are_defaults(write_ms_tcn_tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reader = ["--data.reader=MSTCNReader", f"--data.reader.init_args.root={write_ms_tcn_tree()}"]
    reader += ["--data.reader.init_args.fps=10"]
    quiet = ["--trainer.logger=false", "--trainer.accelerator=cpu"]
    cli = SegmentationCLI(["--model.net=EDTCN", *reader, *quiet], run=False)
    assert (cli.trainer.max_epochs, cli.datamodule.batch_size) == (200, 8)
