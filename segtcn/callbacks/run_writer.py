"""``run.json``: the file by which a run folder describes itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from segtcn.evaluation.run_facts import RUN_FILE, RunFacts
from segtcn.task import SegmentationTask


class RunFactsWriter(Callback):
    """Write ``run.json`` into ``trainer.default_root_dir`` once the test videos are predicted.

    While they are predicted there is none: a folder whose predictions are of two checkpoints must not look complete.

    Args:
        name: of the run; None calls it as its folder.
        data: what the config says of the data, for people.
    """

    def __init__(self, name: str | None = None, data: Mapping[str, Any] | None = None) -> None:
        self.name, self.data = name, data or {}

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remove the file of an earlier test."""
        if trainer.is_global_zero:
            (Path(trainer.default_root_dir) / RUN_FILE).unlink(missing_ok=True)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file."""
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        if not trainer.is_global_zero or not isinstance(pl_module, SegmentationTask) or datamodule is None:
            return
        segmenter, folder = pl_module.segmenter, Path(trainer.default_root_dir)
        if segmenter.target == "values":  # there are no predictions of labels that it could describe
            return
        RunFacts(
            classes=segmenter.classes.common,
            videos=tuple(datamodule.names("test")),
            protocol=segmenter.protocol,
            fps=segmenter.fps,
            sample_rate=segmenter.sample_rate,
            split=datamodule.split,
            seed=datamodule.seed,
            name=self.name,
            network=segmenter.net.spec,
            data=self.data,
            checkpoint=_checkpoint_of(trainer, folder),
            extraction=segmenter.extraction,
        ).write(folder)

    on_predict_start, on_predict_end = on_test_start, on_test_end


def _checkpoint_of(trainer: Trainer, folder: Path) -> str | None:
    """The file of the weights, relative to the run's folder if it lies in it; None where none was written."""
    path = trainer.ckpt_path or getattr(trainer.checkpoint_callback, "last_model_path", None)
    if not path:
        return None
    file, inside = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return file.relative_to(inside).as_posix() if file.is_relative_to(inside) else str(file)
