"""The recipes of `docs/howto/schedules.md` train, and differ from training without them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from segtcn.cli import main
from tests.cli.test_lightning import ROOT, UNLOGGED, small_options
from tests.conftest import write_tree

PAGE = (ROOT / "docs/howto/schedules.md").read_text().partition("## Recipes")[2]
RECIPES = {row[0]: row[1].split() for row in re.findall(r"^\| ([^|`]+) \| `(--[^`]+)` \|$", PAGE, re.MULTILINE)}


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    options = [*small_options(write_tree(folder / "ms_tcn")), *UNLOGGED, "--data.batch_size=1"]
    assert main(["fit", *options, "--trainer.max_epochs=6", f"--trainer.default_root_dir={folder}/run"]) == 0
    return folder


def weights(run: Path) -> torch.Tensor:
    stored = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return torch.cat([values.flatten().double() for name, values in stored.items() if name.startswith("segmenter.net")])


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if "EMA" in name else pytest.mark.slow) for name in RECIPES]
)
def test_a_recipe_trains_and_changes_the_weights(plain, tmp_path, name):
    options = [*small_options(plain / "ms_tcn"), *UNLOGGED, "--data.batch_size=1", *RECIPES[name]]
    epochs = ["--trainer.max_epochs=6", "--checkpoint.every_n_epochs=2"]
    assert main(["fit", *options, *epochs, f"--trainer.default_root_dir={tmp_path}/run"]) == 0
    # these act after more epochs than a test has
    acts_late = name.startswith(("lower", "stop", "limit"))
    assert acts_late or not torch.equal(weights(tmp_path / "run"), weights(plain / "run"))
    assert main(["test", f"-c={tmp_path}/run/config.yaml"]) == 0


def test_there_are_seven_recipes():
    assert len(RECIPES) == 7
