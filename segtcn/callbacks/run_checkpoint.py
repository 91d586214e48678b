"""Checkpoints of a run whose folder may be moved or renamed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint


class RunCheckpoint(ModelCheckpoint):
    """Lightning's checkpoints, which still know the best one after the run's folder has moved.

    Lightning stores absolute paths, and would start anew with a warning.
    """

    @property
    def state_key(self) -> str:
        """The parent's: a checkpoint that Lightning's class wrote can be continued, and the other way round."""
        return super().state_key.replace(type(self).__qualname__, ModelCheckpoint.__qualname__, 1)

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
