"""Weights & Biases: a logger that works without an account, and segmentations as pictures."""

from __future__ import annotations

import json
import netrc
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment  # type: ignore[attr-defined]
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_only

from segtcn.atomic import write_json
from segtcn.callbacks.pictures import Segmentations
from segtcn.labels import Labels
from segtcn.structures import IGNORE, repeat_frames
from segtcn.task import SegmentationTask, StepOutput

WANDB_RECORD = "wandb_run.json"
"""File in the folder of a run: the id of its W&B run, and how much was logged."""


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
        continues: continue the run that was logged from ``save_dir``, if there is one: under the same id, without what
            was logged before it stopped; the command line sets it where training continues.

    Attributes:
        num_logged: how often values were logged in this run.
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
        continues: bool = False,
    ) -> None:
        import wandb

        self._record = Path(save_dir) / WANDB_RECORD if continues else None
        before = read_wandb_record(self._record) if self._record is not None and self._record.is_file() else {}
        self.num_logged, self._num_before = 0, before.get("num_logged", 0)

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
            id=before.get("id"),
            mode=mode,  # not the parent's `offline`, which would set WANDB_MODE for the whole process
        )
        self._wandb_init.pop("anonymous", None)  # wandb warns that it has no effect

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run; kept offline where the server cannot be reached."""
        import wandb

        try:
            return super().experiment
        except wandb.errors.CommError as error:
            self._wandb_init["mode"] = "offline"
            warnings.warn(
                f"Weights & Biases cannot be reached ({error}): the run is kept offline; "
                f"`wandb sync {self._save_dir}/wandb/offline-*` uploads it later",
                stacklevel=2,
            )
            return super().experiment

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log values, unless the run that this one continues has logged them already."""
        self.num_logged += 1
        if self.num_logged <= self._num_before:
            return
        super().log_metrics(metrics, step)
        if self._record is not None:
            write_json(self._record, {"id": self.experiment.id, "num_logged": self.num_logged})


def read_wandb_record(path: Path) -> dict[str, Any]:
    """What was logged of a run: its ``id`` and ``num_logged``; nothing if the file is damaged.

    Args:
        path: of the file :data:`WANDB_RECORD` in the folder of a run.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {"id": str(record["id"]), "num_logged": int(record["num_logged"])}
    except (ValueError, KeyError, TypeError):
        return {}


def finish() -> None:
    """Close the run of this process, if there is one, so that the next trainer opens a run of its own."""
    wandb = sys.modules.get("wandb")  # a run that is open has imported it; importing it takes a second
    if wandb is not None and wandb.run is not None:
        wandb.finish()


def log_report(files: Sequence[Path], name: str) -> bool:
    """Keep files as an artefact of the run that is open in this process, if there is one.

    Args:
        files: of the report.
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
    """Log the data set's facts, and what the network predicts as pictures: timelines, confusion, a table, clips.

    It logs ``SUBSET/timelines`` (truth above prediction of a few videos), ``SUBSET/confusion``, ``SUBSET/videos`` (a
    table with scores and timeline of every video, the worst first) and ``SUBSET/overlay`` (clips with labels). SUBSET
    is ``train``, ``val`` or ``test``, and ``train`` only where there is no validation.

    Every test and validation is logged, and the last epoch, after training. While training, timelines alone are logged,
    every ``every_n_epochs`` epochs: training waits for them (``docs/results/see_it_speed.md``).

    Does nothing unless the trainer logs to Weights & Biases. Of several processes (DDP), the first one logs its share
    of the videos.

    Args:
        num_videos: how many videos the timelines show, the first of the subset; 0 logs none.
        every_n_epochs: how often while training; 0 draws only after it.
        confusion: whether to log the confusion of classes.
        table_timelines: how many videos of the table, the worst, have a timeline; None logs no table.
        clips: folder with a clip of every video, ``NAME.mp4``; None logs no clips.
        num_overlays: how many of the clips get their labels drawn on them.
        overlay_seconds: how much of a clip, from its start.
    """

    def __init__(
        self,
        num_videos: int = 4,
        every_n_epochs: int = 50,
        confusion: bool = True,
        table_timelines: int | None = 20,
        clips: str | None = None,
        num_overlays: int = 2,
        overlay_seconds: float = 60.0,
    ) -> None:
        self.num_videos, self.every_n_epochs = num_videos, every_n_epochs
        self.confusion, self.table_timelines = confusion, table_timelines
        self.clips = None if clips is None else Path(clips)
        self.num_overlays, self.overlay_seconds = num_overlays, overlay_seconds
        self._outputs: list[StepOutput] = []
        self._subset, self._step = "", {"epoch": 0, "trainer/global_step": 0}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: D102
        if not isinstance(trainer.logger, WandbLogger):
            return
        if self.clips is not None and not self.clips.is_dir():
            raise FileNotFoundError(f"no folder of clips {self.clips}: correct `wandb_segmentations.clips`")
        description: dict[str, Any] = {}
        if isinstance(pl_module, SegmentationTask):
            description["net"] = pl_module.segmenter.net.spec
            description["protocol"] = pl_module.segmenter.protocol
        datamodule = getattr(trainer, "datamodule", None)
        if datamodule is not None and hasattr(datamodule, "card_values"):
            description["data_card"] = datamodule.card_values()
        trainer.logger.log_hyperparams(description)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        if not _validates(trainer):
            self._start(trainer, "train")

    def on_train_batch_end(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not _validates(trainer):
            self._collect(trainer, outputs["output"])

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        if not trainer.sanity_checking:
            self._start(trainer, "val")

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:  # noqa: D102
        if not trainer.sanity_checking:
            self._collect(trainer, outputs["output"])

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._start(trainer, "test")

    on_test_batch_end = on_validation_batch_end  # type: ignore[assignment]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        num_epochs = trainer.current_epoch + 1
        is_last = num_epochs == trainer.max_epochs  # drawn after training
        if self.every_n_epochs > 0 and num_epochs % self.every_n_epochs == 0 and not is_last:
            self._log(trainer, pl_module, timelines_alone=True)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._log(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._log(trainer, pl_module)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._log(trainer, pl_module)

    def _start(self, trainer: Trainer, subset: str) -> None:
        self._outputs.clear()
        self._subset = subset
        self._step = {"epoch": trainer.current_epoch, "trainer/global_step": trainer.global_step}

    def _collect(self, trainer: Trainer, output: StepOutput) -> None:
        """Keep what pictures need where it is: copying it off a GPU would make training wait."""
        if not isinstance(trainer.logger, WandbLogger) or not trainer.is_global_zero or output.batch.labels is None:
            return
        # a slice of the features, or of the scores, would hold all of them in memory
        batch = output.batch._replace(features=output.batch.features.new_empty(0))
        num_with_scores = sum(output.probabilities.numel() > 0 for output in self._outputs)
        has_clip = num_with_scores < self.num_overlays and any(self._clip_of(name) for name in batch.names)
        scores = output.probabilities.detach() if has_clip else output.probabilities.new_empty(0)
        self._outputs.append(output._replace(batch=batch, probabilities=scores))

    def _log(self, trainer: Trainer, task: LightningModule, timelines_alone: bool = False) -> None:
        if not self._outputs or not isinstance(task, SegmentationTask) or not isinstance(trainer.logger, WandbLogger):
            return
        with tempfile.TemporaryDirectory(prefix="segtcn-pictures-", ignore_cleanup_errors=True) as name:
            # W&B copies the files when it is given them, so that the folder may go
            segmentations = _segmentations(task, self._outputs)
            media = self._draw_timelines(segmentations, Path(name))
            if not timelines_alone:
                media |= self._draw_scores(segmentations, Path(name))
                if self.clips is not None and self.num_overlays:
                    media |= self._draw_clips(task, Path(name))
            if media:
                named = {f"{self._subset}/{key}": value for key, value in media.items()}
                trainer.logger.log_metrics({**named, "epoch": self._step["epoch"]}, self._step["trainer/global_step"])

    def _draw_timelines(self, segmentations: Segmentations, folder: Path) -> dict[str, Any]:
        if not self.num_videos:
            return {}
        import wandb

        names = segmentations.draw_timelines(self.num_videos, folder / "timelines.png")
        return {"timelines": wandb.Image(str(folder / "timelines.png"), caption=", ".join(names))}

    def _draw_scores(self, segmentations: Segmentations, folder: Path) -> dict[str, Any]:
        import wandb

        media: dict[str, Any] = {}
        if self.confusion and segmentations.draw_confusion(folder / "confusion.png"):
            media["confusion"] = wandb.Image(str(folder / "confusion.png"))
        if self.table_timelines is not None and (rows := segmentations.score_videos(self.table_timelines, folder)):
            keys = [*rows[0].scores]
            media["videos"] = table = wandb.Table(columns=["video", "frames", *keys, "timeline"])
            for row in rows:
                timeline = None if row.timeline is None else wandb.Image(str(row.timeline))
                table.add_data(row.name, row.num_frames, *(round(row.scores[key], 2) for key in keys), timeline)
        return media

    def _draw_clips(self, task: SegmentationTask, folder: Path) -> dict[str, Any]:
        """Clips with their labels; one that cannot be drawn is a warning, not the end of the run."""
        import wandb

        overlays: dict[str, Path] = {}
        for output in self._outputs:
            for number, name in enumerate(output.batch.names if output.probabilities.numel() else ()):
                clip, path = self._clip_of(name), folder / f"overlay-{len(overlays)}.mp4"
                if clip is None or len(overlays) == self.num_overlays:
                    continue
                try:
                    if self._draw_clip(task, output, number, clip, path):
                        overlays[name] = path
                except (OSError, ValueError) as error:
                    warnings.warn(f"no overlay of {name} for W&B: {error}", stacklevel=2)
        if not overlays:
            warnings.warn(f"no overlay for W&B: no clip of the videos in {self.clips}, NAME.mp4", stacklevel=2)
            return {}
        return {"overlay": [wandb.Video(str(path), caption=name, format="mp4") for name, path in overlays.items()]}

    def _draw_clip(self, task: SegmentationTask, output: StepOutput, number: int, clip: Path, path: Path) -> bool:
        """Draw the labels of one video of a batch on its clip; False if frames of it have no label, as after a crop."""
        from segtcn.video_io import probe
        from segtcn.visualization.overlay import Excerpt, OverlayLook, overlay_video

        mask, classes, fps = output.batch.mask[number], task.segmenter.classes, task.segmenter.network_fps
        truth = output.batch.labels[number][mask]  # type: ignore[index]
        if (truth == IGNORE).any():
            return False
        scores = output.probabilities[number][:, mask].float().cpu().numpy()
        tracks = {
            "truth": Labels(truth.cpu().numpy(), classes, fps),
            "prediction": Labels(output.preds[number][mask].cpu().numpy(), classes, fps, scores),
        }
        excerpt = Excerpt(stop_s=min(self.overlay_seconds, probe(clip).duration_s))
        overlay_video(clip, tracks, path, excerpt=excerpt, look=OverlayLook(height=360, progress=False))
        return True

    def _clip_of(self, name: str) -> Path | None:
        path = None if self.clips is None else self.clips / f"{name}.mp4"
        return path if path is not None and path.is_file() else None


def _validates(trainer: Trainer) -> bool:
    return sum(trainer.num_val_batches) > 0


def _segmentations(task: SegmentationTask, outputs: Sequence[StepOutput]) -> Segmentations:
    """True and predicted labels of every video, at the rate at which the protocol scores."""
    classes, fps = task.segmenter.classes, task.scored_fps
    truth, preds = {}, {}
    for batch, _, predicted in outputs:
        for number, (name, mask) in enumerate(zip(batch.names, batch.mask, strict=True)):
            frames, labels = predicted[number][mask], batch.labels[number][mask]  # type: ignore[index]
            if task.scores_stored_rate and batch.stored_labels is not None:
                frames = repeat_frames(frames, task.segmenter.sample_rate, batch.num_frames[number])
                labels = batch.stored_labels[number]
            truth[name] = Labels(labels.cpu().numpy(), classes, fps)
            preds[name] = Labels(frames.cpu().numpy(), classes, fps)
    return Segmentations(truth, preds, task.segmenter.protocol)
