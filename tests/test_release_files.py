"""What a release and the hosted checks take for granted: Pythons, make targets and constraints that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
REQUIREMENT = re.compile(r"(?P<name>[\w-]+)(?:\[[\w,]+\])?(?:>=(?P<lowest>[\d.]+))?")


def test_the_hosted_tests_run_on_every_python_that_the_classifiers_name():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    named = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_make_targets_and_files_that_exist(path):
    text = path.read_text("utf-8")
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {*re.findall(r"make ([\w-]+)", text)} <= {*targets}
    assert all((ROOT / name).is_file() for name in re.findall(r"constraints[\w-]*\.txt", text))


def test_the_lowest_constraints_are_the_lower_bounds_of_the_package_and_its_tests():
    lines = (ROOT / "constraints-lowest.txt").read_text("utf-8").splitlines()
    pins = dict(line.lower().replace("_", "-").split("==") for line in lines if "==" in line and line[0] != "#")
    extras = PROJECT["optional-dependencies"]
    names = ("tables", "lmdb", "extract", "export", "test")
    for text in [*PROJECT["dependencies"], *(line for name in names for line in extras[name])]:
        name, lowest = REQUIREMENT.match(text).group("name", "lowest")
        if name == "segtcn":
            continue
        assert lowest, f"{text} states no lowest version"
        pinned = pins[name.lower().replace("_", "-")]
        assert f"{pinned}.".startswith(f"{lowest}."), (
            f"{name}: {lowest} in pyproject.toml, {pinned} in constraints-lowest.txt"
        )


def test_everything_stated_is_in_the_tested_constraints():
    lines = (ROOT / "constraints.txt").read_text("utf-8").lower().replace("_", "-").splitlines()
    pins = {line.partition("==")[0] for line in lines}
    for text in [
        *PROJECT["dependencies"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
    ]:
        name = REQUIREMENT.match(text)["name"].lower().replace("_", "-")
        assert name in pins | {"segtcn"}, f"constraints.txt does not pin {name}"
