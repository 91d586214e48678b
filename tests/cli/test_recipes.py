"""The recipes of `docs/howto/schedules.md` train, and differ from training without them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from pytorch_lightning.callbacks import StochasticWeightAveraging

from segtcn.cli import main
from segtcn.segmenter import Segmenter
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
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of PyTorch, while it compiles
def test_a_recipe_trains_and_changes_the_weights(plain, tmp_path, name):
    if "CompiledNetwork" in RECIPES[name][0] and not has_compiler():
        pytest.skip("torch.compile needs a C++ compiler")
    options = [*small_options(plain / "ms_tcn"), *UNLOGGED, "--data.batch_size=1", *RECIPES[name]]
    epochs = ["--trainer.max_epochs=6", "--checkpoint.every_n_epochs=2"]
    assert main(["fit", *options, *epochs, f"--trainer.default_root_dir={tmp_path}/run"]) == 0
    before, after = weights(plain / "run"), weights(tmp_path / "run")
    if "checkpointing" in name:
        assert torch.equal(after, before)
    elif "CompiledNetwork" in RECIPES[name][0]:
        torch.testing.assert_close(after, before, atol=1e-3, rtol=0)
    elif not name.startswith(("lower", "stop", "limit")):  # these act after more epochs than a test has
        assert not torch.equal(after, before)
    assert main(["test", f"-c={tmp_path}/run/config.yaml"]) == 0


def has_compiler() -> bool:
    return any(shutil.which(name) for name in ("g++", "c++", "clang++"))


def test_there_are_twelve_recipes():
    assert len(RECIPES) == 12


def test_the_last_checkpoint_of_swa_is_the_average_of_the_last_epochs(plain, tmp_path):
    kept: list[torch.Tensor] = []
    options = [*small_options(plain / "ms_tcn"), *UNLOGGED, *RECIPES["average of the last epochs (SWA)"]]
    with pytest.MonkeyPatch.context() as patch:
        update = StochasticWeightAveraging.update_parameters

        def remember(average, model, *args):
            kept.append(torch.cat([values.detach().flatten().double() for values in model.segmenter.net.parameters()]))
            update(average, model, *args)

        patch.setattr(StochasticWeightAveraging, "update_parameters", staticmethod(remember))
        assert main(["fit", *options, "--trainer.max_epochs=10", f"--trainer.default_root_dir={tmp_path}/run"]) == 0
    assert len(kept) == 3  # from the start of epochs 7, 8 and 9
    net = Segmenter.load(tmp_path / "run").net
    last = torch.cat([values.detach().flatten().double() for values in net.parameters()])
    torch.testing.assert_close(last, torch.stack(kept).mean(dim=0), atol=1e-6, rtol=0)
