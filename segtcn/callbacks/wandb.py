"""Weights & Biases: a logger that works without an account, and segmentations as pictures."""

from __future__ import annotations

import netrc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from torch import Tensor

from segtcn.task import SegmentationTask, StepOutput


class ExperimentLogger(WandbLogger):
    """Weights & Biases that needs no account: offline unless there is a key.

    An offline run is kept as files under ``save_dir/wandb``; ``wandb sync FOLDER`` uploads it later.

    Args:
        project: project of the run.
        name: name of the run; None lets W&B choose.
        group: group of the run: the runs of one cross-validation share it.
        save_dir: folder of the run; the command line sets it to the run's folder.
        offline: None means offline unless ``WANDB_API_KEY`` is set or ``wandb login`` has stored a key, and
            ``WANDB_MODE`` has the last word. True and False decide.
        tags: tags of the run.
        notes: a text about the run.
    """

    def __init__(
        self,
        project: str = "segtcn",
        name: str | None = None,
        group: str | None = None,
        save_dir: str = ".",
        offline: bool | None = None,
        tags: list[str] | None = None,
        notes: str | None = None,
    ) -> None:
        import wandb

        if offline is None:
            mode = os.environ.get("WANDB_MODE") or ("online" if _has_key() else "offline")
        else:
            mode = "offline" if offline else "online"
        # quiet: a cross-validation would print a summary after every run
        settings = wandb.Settings(quiet=True)
        super().__init__(
            name=name,
            save_dir=os.path.abspath(save_dir),  # W&B's own process may have been started in another folder
            project=project,
            group=group,
            tags=tags,
            notes=notes,
            settings=settings,
            mode=mode,  # not the parent's `offline`, which would set WANDB_MODE for the whole process
        )
        self._wandb_init.pop("anonymous", None)  # wandb warns that it has no effect


def finish() -> None:
    """Close the run of this process, if there is one, so that the next trainer opens a run of its own."""
    import wandb

    if wandb.run is not None:
        wandb.finish()


def log_report(files: Sequence[Path], name: str) -> bool:
    """Keep files as an artefact of the run that is open in this process, if there is one.

    Args:
        files: what :func:`segtcn.evaluation.report.write_report` returns.
        name: of the artefact.

    Returns:
        Whether a run was open.
    """
    import wandb

    if wandb.run is None:
        return False
    artifact = wandb.Artifact(name, type="report")
    for path in files:
        artifact.add_file(str(path))
    wandb.run.log_artifact(artifact)
    return True


def _has_key() -> bool:
    """Whether there is a key, without asking the server or the user, which `wandb.login` would."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    import wandb

    try:
        keys = netrc.netrc(os.environ.get("NETRC"))
    except (OSError, netrc.NetrcParseError):
        return False
    server = os.environ.get("WANDB_BASE_URL") or wandb.Settings().base_url
    return urlsplit(server).hostname in keys.hosts


class WandbSegmentations(Callback):
    """Log the data set's facts once, and timelines (truth above prediction) of a few videos as images.

    Does nothing unless the trainer logs to Weights & Biases.

    Args:
        num_videos: how many videos, the first of the subset; 0 logs no images.
        every_n_epochs: how often while training; the last epoch and every test are always logged.
    """

    def __init__(self, num_videos: int = 4, every_n_epochs: int = 50) -> None:
        self.num_videos, self.every_n_epochs = num_videos, every_n_epochs
        self._videos: list[tuple[str, Tensor, Tensor]] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: D102
        if not isinstance(trainer.logger, WandbLogger):
            return
        description: dict[str, Any] = {}
        if isinstance(pl_module, SegmentationTask):
            description["net"] = pl_module.net.spec
            description["protocol"] = pl_module.protocol
        datamodule = getattr(trainer, "datamodule", None)
        if datamodule is not None and hasattr(datamodule, "card_values"):
            description["data_card"] = datamodule.card_values()
        trainer.logger.log_hyperparams(description)

    def on_train_batch_end(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._is_due(trainer):
            self._collect(trainer, outputs["output"])

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:  # noqa: D102
        if self._is_due(trainer) and not trainer.sanity_checking:
            self._collect(trainer, outputs["output"])

    def on_test_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:  # noqa: D102
        self._collect(trainer, outputs["output"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._log(trainer, pl_module, "train")

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._log(trainer, pl_module, "val")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._log(trainer, pl_module, "test")

    def _is_due(self, trainer: Trainer) -> bool:
        epoch = trainer.current_epoch + 1
        return epoch == trainer.max_epochs or epoch % self.every_n_epochs == 0

    def _collect(self, trainer: Trainer, output: StepOutput) -> None:
        batch = output.batch
        if not isinstance(trainer.logger, WandbLogger) or batch.labels is None:
            return
        for name, labels, preds, mask in zip(batch.names, batch.labels, output.preds, batch.mask, strict=True):
            if len(self._videos) < self.num_videos:
                self._videos.append((name, labels[mask].cpu(), preds[mask].cpu()))

    def _log(self, trainer: Trainer, task: LightningModule, subset: str) -> None:
        videos, self._videos = self._videos, []
        if not videos or not isinstance(task, SegmentationTask) or not isinstance(trainer.logger, WandbLogger):
            return
        import wandb

        from segtcn.visualization.timeline import plot_timelines

        tracks = {name: {"truth": labels, "prediction": preds} for name, labels, preds in videos}
        # one picture: W&B shows several well only if they are of one size
        figure = plot_timelines(tracks, task.class_names, fps=task.fps, background=task.background)
        image = wandb.Image(figure, caption=", ".join(tracks))
        step = {"epoch": trainer.current_epoch, "trainer/global_step": trainer.global_step}
        trainer.logger.experiment.log({f"{subset}/timelines": image, **step})
