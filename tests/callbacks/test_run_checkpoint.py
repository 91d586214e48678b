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


class Worse(BoringModel):
    """Its first epoch is its best."""

    def on_validation_epoch_end(self) -> None:
        self.log("val/loss", float(self.current_epoch))


@pytest.mark.parametrize("when", [{}, {"every_n_train_steps": 1}, {"save_on_train_epoch_end": False}])
def test_the_newest_weights_are_kept_beside_the_best(tmp_path, when):
    checkpoint = RunCheckpoint(tmp_path, monitor="val/loss", save_last=True, **when)
    saved, save = [], checkpoint._save_checkpoint
    checkpoint._save_checkpoint = lambda trainer, path: (save(trainer, path), saved.append(trainer.current_epoch))
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    limits = {"limit_train_batches": 1, "limit_val_batches": 1, "max_epochs": 4}
    Trainer(callbacks=[checkpoint], **limits, **quiet).fit(Worse())
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert (state["epoch"], checkpoint.best_model_score) == (3, 0)
    assert "epoch=0" in checkpoint.best_model_path
    assert saved == [0, 0, 1, 2, 3]  # the best one, and the last one once an epoch
