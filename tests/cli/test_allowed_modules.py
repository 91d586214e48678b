"""What a config may name: other code is refused before it is imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from segtcn.cli import main
from segtcn.cli.config_words import check_modules, needed_option
from tests.cli.test_lightning import CONFIGS


@pytest.fixture(autouse=True)
def _evil_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("evil", "évil"):
        Path(f"{name}.py").write_text("open('ran', 'w')\nclass Net: ...\n")
    yield
    assert not Path("ran").exists()


CASES = {
    "class": "model: {net: {class_path: evil.Net}}",
    "short": "model: {net: evil.Net}",
    "imported already": "model: {optimizer: subprocess.Popen}",
    "deep": "trainer: {callbacks: [{class_path: segtcn.callbacks.X, init_args: {a: [{b: evil.Net}]}}]}",
    "key": "{evil.Net: 1}",
    "alias": "a: &x evil.Net\nmodel: {net: *x}",
    "another file": "model: {net: inner.yaml}",
    "package": "data: {reader: os.path.join}",
    "by way of torch": "trainer: {callbacks: [{class_path: X, init_args: {on_fit_start: torch.os.abort}}]}",
    "by way of a module of ours": "model: {net: segtcn.cli.crossval.models.subprocess.Popen}",
    "unicode": "model: {net: évil.Net}",
    "text of JSON": """model: {net: '{"class_path": "evil.Net"}'}""",
    "text of all": """model: '{"net": {"class_path": "evil.Net"}}'""",
    "any file": "model: {net: inner.txt}",
    "option": "command: [segtcn, fit, --model.net=evil.Net]",
    "config of an option": "command: [segtcn, fit, -c=inner.txt]",
    "endless": "a: &a [*a, *a]\nmodel: {net: evil.Net}",
}


@pytest.mark.parametrize("name", CASES)
def test_code_of_other_modules_is_refused_before_the_import(name, capsys):
    for ending in ("yaml", "txt"):
        Path(f"inner.{ending}").write_text("class_path: evil.Net\n")
    Path("config.yaml").write_text(CASES[name])
    assert main(["check-config", "config.yaml"]) == 1
    assert "which is code outside segtcn, torch, pytorch_lightning: if you trust it" in capsys.readouterr().err
    assert main(["test", "-c", "config.yaml"]) == 1
    assert "if you trust it, add --allow-modules segtcn,torch,pytorch_lightning," in capsys.readouterr().err
    for command in ("fit", "crossval"):
        assert main([command, "-c=config.yaml", "--allow-modules", "segtcn,torch"]) == 1
        assert "which is code outside segtcn, torch:" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["config.yml", "config.json", "config.txt", "config"])
def test_a_config_of_any_ending_is_looked_at(name, capsys):
    Path(name).write_text("model: {net: evil.Net}")
    for option in (["-c", name], [f"-c={name}"], [f"--config={name}"]):
        assert main(["fit", *option, "--allow-modules=segtcn"]) == 1
        assert "evil.Net, which is code outside segtcn:" in capsys.readouterr().err


def test_code_of_the_current_directory_is_seen_as_fit_would_see_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder != str(tmp_path)])
    Path("config.yaml").write_text("model: {net: evil.Net}")
    assert main(["check-config", "config.yaml"]) == 1
    assert "evil.Net, which is code outside" in capsys.readouterr().err


def test_the_option_that_a_run_needs_names_all_modules():
    Path("config.yaml").write_text("model: {net: evil.Net, optimizer: torch.optim.Adam, loss: evil.Loss}")
    assert needed_option(Path("config.yaml")) == "--allow-modules segtcn,torch,pytorch_lightning,evil"
    Path("config.yaml").write_text("model: {optimizer: torch.optim.Adam}")
    assert not needed_option(Path("config.yaml"))


def test_a_module_that_another_one_imported_can_be_allowed_by_its_path():
    Path("config.yaml").write_text("model: {net: torch.os.abort, loss: evil.Outer.Inner}")
    allowed = "segtcn,torch,pytorch_lightning,evil,torch.os"
    assert needed_option(Path("config.yaml")) == f"--allow-modules {allowed}"
    check_modules([Path("config.yaml")], allowed.split(","))


def test_our_own_configs_name_only_known_modules_and_files_are_not_code(capsys):
    assert main(["check-config", *(config.removeprefix("-c=") for config in CONFIGS)]) == 0
    assert "no code outside segtcn,torch,pytorch_lightning is named" in capsys.readouterr().out
    Path("data").mkdir()
    Path("own.yaml").write_text(
        "data: {reader: {init_args: {path: data.h5, root: nowhere.dat}}}\nmodel: {net: evil.Net}"
    )
    check_modules([Path("own.yaml")], ["segtcn", "evil"])
    with pytest.raises(ValueError, match=r"names evil\.Net"):
        check_modules([Path("own.yaml")], ["segtcn", "evil.Ne"])


BOMB = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 20_000, "nested too deeply"),
        ("a: [", "is not YAML in UTF-8"),
        ("x" * 2**21, "more than a MiB"),
        (BOMB, "large once its"),
    ],
)
def test_a_config_that_is_none_is_named(content, message, capsys):
    Path("config.yaml").write_text(content)
    assert main(["check-config", "config.yaml"]) == 1
    assert message in capsys.readouterr().err
    assert main(["check-config", "absent.yaml"]) == 1
    assert "no config absent.yaml" in capsys.readouterr().err
