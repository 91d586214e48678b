"""What a run knows of its best checkpoint after it was moved, or when another run continues it."""

from __future__ import annotations

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.demos.boring_classes import BoringModel

from segtcn.callbacks.run_checkpoint import RunCheckpoint

BEST = "epoch=2-val/f1@50=61.ckpt"


def state_of(folder) -> dict:
    best, score = f"{folder}/{BEST}", torch.tensor(61.0)
    paths = {"dirpath": str(folder), "best_model_path": best, "kth_best_model_path": best, "last_model_path": ""}
    values = {"monitor": "val/f1@50", "best_model_score": score, "kth_value": score, "current_score": score}
    return {**paths, **values, "best_k_models": {best: score}}


def test_a_run_that_was_moved_still_knows_its_best_checkpoint(tmp_path):
    best = tmp_path / "new" / BEST
    best.parent.mkdir(parents=True)
    best.touch()
    checkpoint = RunCheckpoint(best.parents[1], monitor="val/f1@50")
    checkpoint.load_state_dict(state_of(tmp_path / "old"))
    assert checkpoint.best_model_path == str(best)
    assert checkpoint.best_k_models == {str(best): 61.0}
    assert checkpoint.best_model_score == 61
    assert checkpoint.state_key == ModelCheckpoint(monitor="val/f1@50").state_key


def test_the_best_checkpoint_of_a_run_that_another_one_continues_is_left_to_it(tmp_path):
    checkpoint = RunCheckpoint(tmp_path / "new", monitor="val/f1@50")
    with pytest.warns(UserWarning, match="The dirpath has changed"):
        checkpoint.load_state_dict(state_of(tmp_path / "old"))
    assert checkpoint.best_k_models == {}


class Scored(BoringModel):
    """Its loss grows with each step by as much as is said."""

    def __init__(self, growth: float = 1.0) -> None:
        super().__init__()
        self.growth = growth

    def on_validation_epoch_end(self) -> None:
        self.log("val/loss", self.growth * self.global_step)


@pytest.fixture
def saved_steps(tmp_path):
    """Function that trains four epochs of three steps, and returns the steps after which each kind was saved."""

    def train(checkpoint: RunCheckpoint, growth: float, **options) -> dict[str, list[int]]:
        steps, save = {"best": [], "last": []}, checkpoint._save_checkpoint

        def note(trainer, path):
            save(trainer, path)
            steps["last" if path.endswith("last.ckpt") else "best"].append(trainer.global_step)

        checkpoint._save_checkpoint = note
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        limits = {"limit_train_batches": 3, "limit_val_batches": 1, "max_epochs": 4}
        Trainer(callbacks=[checkpoint], **quiet, **limits, **options).fit(Scored(growth))
        return steps

    return train


@pytest.mark.parametrize("when", [{}, {"every_n_train_steps": 3}, {"save_on_train_epoch_end": False}])
def test_the_newest_weights_are_kept_beside_the_best(tmp_path, saved_steps, when):
    checkpoint = RunCheckpoint(tmp_path, monitor="val/loss", save_last=True, **when)
    assert saved_steps(checkpoint, growth=1) == {"best": [3], "last": [3, 6, 9, 12]}
    assert checkpoint.best_model_score == 3
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 12


@pytest.mark.parametrize(
    ("when", "options", "best", "last"),
    [
        ({"every_n_train_steps": 2}, {}, [3, 6, 9, 12], [2, 3, 4, 6, 8, 9, 10, 12]),
        ({"save_top_k": 3}, {"check_val_every_n_epoch": 2}, [6, 12], [3, 6, 9, 12]),
        ({}, {"val_check_interval": 2}, [2, 5, 8, 11], [3, 6, 9, 12]),
        ({"every_n_train_steps": 2}, {"val_check_interval": 2}, [2, 5, 8, 11], [2, 3, 4, 6, 8, 9, 10, 12]),
    ],
)
def test_weights_are_judged_by_their_own_validation(tmp_path, saved_steps, when, options, best, last):
    segtcn_defaults = {"save_on_train_epoch_end": True, "save_last": True}
    checkpoint = RunCheckpoint(tmp_path, monitor="val/loss", **segtcn_defaults, **when)
    assert saved_steps(checkpoint, growth=-1, **options) == {"best": best, "last": last}


@pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
def test_a_checkpoint_that_training_continued_from_goes_once_a_newer_one_is_there(tmp_path):
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "limit_train_batches": 2}

    def train(max_epochs: int, path: str | None = None) -> list[str]:
        checkpoint = RunCheckpoint(tmp_path, save_last=True)
        Trainer(callbacks=[checkpoint], max_epochs=max_epochs, **quiet).fit(Scored(), ckpt_path=path)
        return sorted(file.name for file in tmp_path.iterdir())

    assert train(1) == ["epoch=0-step=2.ckpt", "last.ckpt"]
    (tmp_path / "last.ckpt").unlink()  # as after a kill between the two
    assert train(3, str(tmp_path / "epoch=0-step=2.ckpt")) == ["epoch=2-step=6.ckpt", "last.ckpt"]
