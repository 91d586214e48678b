"""Checkpoints of a run: intact or absent, and known wherever the run's folder has moved."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint, StochasticWeightAveraging
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor

from segtcn.segmenter.checkpoint import read_stored, write_stored


class SealedCheckpointIO(TorchCheckpointIO):
    """Lightning's checkpoints with a checksum, written in the folder where they stay, read without running code."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:  # noqa: D102
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_stored(path, checkpoint)

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: Any = True) -> dict[str, Any]:
        """Read a checkpoint; ``weights_only`` cannot be switched off."""
        return read_stored(path, map_location)


class RunCheckpoint(ModelCheckpoint):
    """Checkpoints that still know the best one after the folder of the run has moved.

    Lightning stores absolute paths, and would start anew with a warning. What a killed process left is removed when
    training starts again.
    """

    _is_due = False
    _validated_step = -1

    @property
    def state_key(self) -> str:
        """The parent's: a checkpoint that Lightning's class wrote can be continued, and the other way round."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove checkpoints that a newer one had replaced or that training will write again."""
        super().on_train_start(trainer, pl_module)
        # not the one that was read: until the next is written, it is all there is
        self._remove_superseded(trainer, keep=trainer.ckpt_path)

    def on_train_batch_end(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # from the last step of an epoch, Lightning would continue without the end of the epoch: scores and schedules
        if trainer.is_last_batch:
            steps = self._every_n_train_steps
            self._is_due = self._is_due or (steps > 0 and trainer.global_step % steps == 0)
        else:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the weights at once where they are validated within an epoch."""
        if not trainer.sanity_checking:
            self._validated_step = trainer.global_step
        if self._save_on_train_epoch_end and self.monitor is not None and not trainer.is_last_batch:
            if trainer.state.fn == "fit" and not trainer.sanity_checking and not trainer.fast_dev_run:  # type: ignore[attr-defined]
                saved = self._last_global_step_saved
                super()._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
                self._last_global_step_saved = saved  # last.ckpt has not been
        else:
            super().on_validation_end(trainer, pl_module)

    def check_monitor_top_k(self, trainer: Trainer, current: Tensor | None = None) -> bool:
        """Judge weights by their own value only: Lightning would take that of an earlier validation or epoch."""
        is_validated = str(self.monitor).startswith("val/")
        is_own = self._validated_step == trainer.global_step if is_validated else trainer.is_last_batch
        return is_own and super().check_monitor_top_k(trainer, current)

    def _monitor_candidates(self, trainer: Trainer) -> dict[str, Tensor]:
        candidates = super()._monitor_candidates(trainer)
        waits = str(self.monitor).startswith("val/") and self._validated_step < 0
        if self.monitor is not None and (waits or not trainer.is_last_batch):
            # without it, Lightning would save nothing before the first validation
            candidates.setdefault(self.monitor, torch.tensor(torch.nan))
        return candidates

    def _save_topk_checkpoint(self, trainer: Trainer, monitor_candidates: dict[str, Tensor]) -> None:
        super()._save_topk_checkpoint(trainer, monitor_candidates)
        # Lightning writes last.ckpt only where an epoch was saved among the best: a kill would cost all since then
        self._last_global_step_saved = trainer.global_step

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        super().on_train_epoch_end(trainer, pl_module)
        judges = self.monitor is not None and not self._every_n_epochs  # whatever the steps between two checkpoints
        if (self._is_due or judges) and not self._should_skip_saving_checkpoint(trainer):
            candidates = self._monitor_candidates(trainer)
            self._save_topk_checkpoint(trainer, candidates)
            self._save_last_checkpoint(trainer, candidates)
        self._is_due = False

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the last epoch, whatever the epochs between two checkpoints; of SWA, the average that ends training."""
        if any(isinstance(callback, StochasticWeightAveraging) for callback in trainer.callbacks):  # type: ignore[attr-defined]
            self._last_global_step_saved = 0
        if not self._should_skip_saving_checkpoint(trainer):
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))
        self._remove_superseded(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save when a signal ends training."""
        if isinstance(exception, SIGTERMException) and not self._should_skip_saving_checkpoint(trainer):
            self._save_last_checkpoint(trainer, self._monitor_candidates(trainer))

    def _remove_superseded(self, trainer: Trainer, keep: str | os.PathLike[str] | None = None) -> None:
        folder = Path(self.dirpath or "")
        if not trainer.is_global_zero or not self.dirpath or not folder.is_dir():
            return
        names = {
            Path(path).name for path in (keep, self.best_model_path, self.last_model_path, *self.best_k_models) if path
        }
        for file in folder.glob("epoch=*.ckpt") if self.save_top_k == 1 else ():
            if re.fullmatch(r"epoch=\d+-step=\d+(-v\d+)?", file.stem) and file.name not in names:
                file.unlink()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:  # noqa: D102
        old, best = state_dict.get("dirpath"), state_dict.get("best_model_path")
        # of another run, which this one continues, the files stay where they are
        if old and self.dirpath and (not best or moved_path(best, old, self.dirpath).is_file()):
            paths: dict[str, Any] = {
                key: str(moved_path(state_dict[key], old, self.dirpath))
                for key in ("best_model_path", "kth_best_model_path", "last_model_path")
                if state_dict.get(key)
            }
            models = state_dict.get("best_k_models", {}).items()
            paths["best_k_models"] = {str(moved_path(path, old, self.dirpath)): score for path, score in models}
            state_dict = {**state_dict, "dirpath": self.dirpath, **paths}
        super().load_state_dict(state_dict)


def moved_path(path: str, old_folder: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Where a file lies now that its folder has moved; it may lie deeper, where a name holds a slash.

    Example:
        >>> moved_path("/old/checkpoints/val/f1.ckpt", "/old/checkpoints", "/new/checkpoints").as_posix()
        '/new/checkpoints/val/f1.ckpt'
    """
    before, old = Path(os.path.abspath(path)), Path(os.path.abspath(old_folder))
    return Path(folder) / (before.relative_to(old) if before.is_relative_to(old) else before.name)
