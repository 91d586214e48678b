"""Weights & Biases: a logger that works without an account, and segmentations as pictures."""

from __future__ import annotations

import math
import netrc
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor

from segtcn.callbacks.pictures import CAN_PAUSE, BackgroundDrawing, Pictures, Snapshot, Wanted, draw
from segtcn.labels.legacy import ClassScores, LabelTrack
from segtcn.structures import IGNORE, Batch, repeat_frames
from segtcn.task import SegmentationTask, StepOutput

_now = time.perf_counter
_PATIENCE_S = 60.0


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
    """Log the data set's facts, and what the network predicts as pictures: timelines, confusion, a table, clips.

    Logged are ``SUBSET/timelines`` (truth above prediction of a few videos), ``SUBSET/confusion``, ``SUBSET/videos`` (a
    table with scores and timeline of every video, the worst first) and ``SUBSET/overlay`` (clips with labels), with
    SUBSET one of ``train``, ``val``, ``test``: ``train`` only where there is no validation.

    Every test and validation is logged, and the last epoch, after training. While training, a process draws with what
    time other programs leave of a processor; where they leave none, it is given up after a minute. Where the network
    itself computes on all processors, it gets half of ``max_slowdown`` of one, and takes minutes. It begins, and is
    logged, at the end of an epoch, and only if that takes less than half of ``max_slowdown`` of the epoch, judged by
    how long it took before: if twice in a row it took longer, there are no more until the end. Clips are drawn after
    training and testing only.

    Does nothing unless the trainer logs to Weights & Biases. Of several processes (DDP) the first one logs, the videos
    that it has seen.

    Args:
        num_videos: how many videos the timelines show, the first of the subset; 0 logs none.
        every_n_epochs: how often while training; 0 for only after it.
        min_minutes: between two drawings while training, at least.
        max_slowdown: percent of an epoch that pictures may take in it.
        confusion: whether to log the confusion of classes.
        table: whether to log the table of videos.
        table_timelines: how many videos of the table, the worst, have a timeline.
        clips: folder with a clip of every video, ``NAME.mp4``; None logs no clips.
        num_overlays: how many of them get their labels drawn on them.
        overlay_seconds: how much of a clip, from its start.
    """

    def __init__(
        self,
        num_videos: int = 4,
        every_n_epochs: int = 10,
        min_minutes: float = 1.0,
        max_slowdown: float = 2.0,
        confusion: bool = True,
        table: bool = True,
        table_timelines: int = 20,
        clips: str | None = None,
        num_overlays: int = 2,
        overlay_seconds: float = 60.0,
    ) -> None:
        self.wanted = Wanted(num_videos, confusion, table, table_timelines)
        self.every_n_epochs, self.min_minutes, self.max_slowdown = every_n_epochs, min_minutes, max_slowdown
        self.clips = None if clips is None else Path(clips)
        self.num_overlays, self.overlay_seconds = num_overlays, overlay_seconds
        self._batches: list[_Kept] = []
        self._subset, self._step = "", {"epoch": 0, "trainer/global_step": 0}
        self._drawing: _Pending | None = None
        self._epoch_start_s = 0.0
        self._last_begin_s = -math.inf
        self._pause_s = 0.0
        # what it takes of training, in seconds: at first a guess, then as it was the last two times
        self._costs_s = {"begin": (0.02, 0.02), "log": (0.02, 0.02)}

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

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: D102
        self._drop_drawing()  # also after an error

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._epoch_start_s = _now()
        if not _validates(trainer):
            self._forget(trainer, "train")

    def on_train_batch_end(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not _validates(trainer):
            self._keep(trainer, outputs["output"])

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        if not trainer.sanity_checking:
            self._forget(trainer, "val")

    def on_validation_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:  # noqa: D102
        if not trainer.sanity_checking:
            self._keep(trainer, outputs["output"])

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._forget(trainer, "test")

    def on_test_batch_end(self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *args: Any) -> None:  # noqa: D102
        self._keep(trainer, outputs["output"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        epoch_s = _now() - self._epoch_start_s
        is_last = trainer.current_epoch + 1 == trainer.max_epochs  # drawn after training
        is_done = self._drawing is not None and self._drawing.pictures.is_done()
        is_late = _now() - self._last_begin_s > _PATIENCE_S and not _is_crowded(pl_module)
        if self._drawing is not None and not is_done and is_late:
            # no processor is idle: the process would compete with training, if only a little, for the rest of it
            self._drop_drawing()
            self._pause_s = _PATIENCE_S * 100 / self.max_slowdown
        elif self._drawing is not None and is_done and self._affords("log", epoch_s):
            start_s = _now()
            pictures = self._drawing.pictures.result()
            if pictures is not None:
                self._log(trainer, pictures, self._drawing.subset, self._drawing.step)
            self._drop_drawing()
            self._took("log", _now() - start_s)
        elif self._is_due(trainer) and not is_last and self._affords("begin", epoch_s):
            start_s = _now()
            snapshot = self._snapshot(pl_module)
            share = self.max_slowdown / 200 if _is_crowded(pl_module) else None
            if snapshot is not None and (share is None or CAN_PAUSE):
                drawing = BackgroundDrawing(snapshot, self.wanted, share)
                self._drawing = _Pending(drawing, self._subset, self._step)
                self._last_begin_s = start_s
            self._took("begin", _now() - start_s)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._drop_drawing()
        self._draw_now(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._draw_now(trainer, pl_module)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._draw_now(trainer, pl_module)

    def _is_due(self, trainer: Trainer) -> bool:
        return (
            self._drawing is None
            and self.every_n_epochs > 0
            and (trainer.current_epoch + 1) % self.every_n_epochs == 0
            and _now() - self._last_begin_s >= max(60 * self.min_minutes, self._pause_s)
        )

    def _affords(self, kind: str, epoch_s: float) -> bool:
        # The lower of two: once the disk may have been busy; twice means that there are no more while training. Half of
        # what there is: the other half is for the process that draws meanwhile.
        return min(self._costs_s[kind]) <= self.max_slowdown / 200 * epoch_s

    def _took(self, kind: str, cost_s: float) -> None:
        self._costs_s[kind] = (self._costs_s[kind][1], cost_s)

    def _forget(self, trainer: Trainer, subset: str) -> None:
        self._batches.clear()
        self._subset = subset
        self._step = {"epoch": trainer.current_epoch, "trainer/global_step": trainer.global_step}

    def _keep(self, trainer: Trainer, output: StepOutput) -> None:
        """Keep what pictures need where it is: copying it would make training wait."""
        batch = output.batch
        if not isinstance(trainer.logger, WandbLogger) or not trainer.is_global_zero or batch.labels is None:
            return
        with_clips = sum(kept.probabilities is not None for kept in self._batches) < self.num_overlays
        shown = with_clips and self.clips is not None and any(self._clip_of(name) for name in batch.names)
        self._batches.append(
            _Kept(
                batch._replace(features=batch.features.new_empty(0)),  # a slice would hold all of them
                output.preds,
                output.probabilities.detach() if shown else None,
            )
        )

    def _snapshot(self, task: LightningModule) -> Snapshot | None:
        if not isinstance(task, SegmentationTask):
            return None
        labels, preds = {}, {}
        for kept in self._batches:
            for name, own_labels, own_preds in _frames(task, kept):
                labels[name], preds[name] = own_labels.cpu().numpy(), own_preds.cpu().numpy()
        if not labels:
            return None
        classes, protocol = task.segmenter.classes, task.segmenter.protocol
        return Snapshot(labels, preds, [*classes.names], classes.background, task.scored_fps, protocol)

    def _draw_now(self, trainer: Trainer, task: LightningModule) -> None:
        snapshot = self._snapshot(task)
        if snapshot is None or not isinstance(task, SegmentationTask):
            return
        with tempfile.TemporaryDirectory(prefix="segtcn-pictures-", ignore_cleanup_errors=True) as name:
            pictures = draw(snapshot, self.wanted, Path(name))
            overlays = self._overlays(task, Path(name))
            self._log(trainer, pictures, self._subset, self._step, overlays)
        self._batches.clear()

    def _log(
        self,
        trainer: Trainer,
        pictures: Pictures,
        subset: str,
        step: Mapping[str, int],
        overlays: Mapping[str, Path] | None = None,
    ) -> None:
        import wandb

        media: dict[str, Any] = {}
        if pictures.timelines is not None:
            caption = ", ".join(pictures.timeline_names)
            media[f"{subset}/timelines"] = wandb.Image(str(pictures.timelines), caption=caption)
        if pictures.confusion is not None:
            media[f"{subset}/confusion"] = wandb.Image(str(pictures.confusion))
        if pictures.videos:
            scores = list(pictures.videos[0].scores)
            table = wandb.Table(columns=["video", "frames", *scores, "timeline"])
            for row in pictures.videos:
                timeline = None if row.timeline is None else wandb.Image(str(row.timeline))
                table.add_data(row.name, row.num_frames, *(round(row.scores[key], 2) for key in scores), timeline)
            media[f"{subset}/videos"] = table
        if overlays:
            media[f"{subset}/overlay"] = [
                wandb.Video(str(path), caption=name, format="mp4") for name, path in overlays.items()
            ]
        if media and isinstance(trainer.logger, WandbLogger):
            trainer.logger.experiment.log({**media, **step})

    def _overlays(self, task: SegmentationTask, folder: Path) -> dict[str, Path]:
        """Clips with their labels, by name of the video; one that cannot be drawn is a warning, no lost training."""
        if self.clips is None or not self.num_overlays:
            return {}
        from segtcn.video_io import probe
        from segtcn.visualization.overlay import overlay_video

        segmenter, fps = task.segmenter, task.segmenter.network_fps
        classes = segmenter.classes
        overlays: dict[str, Path] = {}
        for kept in self._batches:
            labels = kept.batch.labels
            if kept.probabilities is None or labels is None:
                continue
            for number, name in enumerate(kept.batch.names):
                clip, mask = self._clip_of(name), kept.batch.mask[number]
                own = labels[number][mask].cpu()
                if clip is None or len(overlays) == self.num_overlays or (own == IGNORE).any():
                    continue
                scores = ClassScores([*classes.names], kept.probabilities[number][:, mask].float().cpu().numpy())
                preds = [classes.names[label] for label in kept.preds[number][mask].tolist()]
                truth = LabelTrack([classes.names[label] for label in own.tolist()], fps)
                output = folder / f"overlay-{len(overlays)}.mp4"
                try:
                    overlay_video(
                        clip,
                        {"prediction": LabelTrack(preds, fps, None, scores)},
                        output,
                        truth=truth,
                        class_names=classes.names,
                        background=None if classes.background is None else classes.names[classes.background],
                        stop_s=min(self.overlay_seconds, probe(clip).duration_s),
                        height=360,
                        progress=False,
                    )
                except (OSError, ValueError) as error:
                    warnings.warn(f"no overlay of {name} for W&B: {error}", stacklevel=2)
                else:
                    overlays[name] = output
        if not overlays:
            warnings.warn(f"no overlay for W&B: no clip of the videos in {self.clips}, NAME.mp4", stacklevel=2)
        return overlays

    def _clip_of(self, name: str) -> Path | None:
        if self.clips is None:
            return None
        path = self.clips / f"{name}.mp4"
        return path if path.is_file() else None

    def _drop_drawing(self) -> None:
        if self._drawing is not None:
            self._drawing.pictures.close()
            self._drawing = None


class _Kept(NamedTuple):
    """A batch as pictures need it, without its features."""

    batch: Batch
    preds: Tensor
    probabilities: Tensor | None


class _Pending(NamedTuple):
    """Pictures that are being drawn, and what they are of."""

    pictures: BackgroundDrawing
    subset: str
    step: dict[str, int]


def _is_crowded(task: LightningModule) -> bool:
    """Whether the network computes on all processors that this process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return task.device.type == "cpu" and torch.get_num_threads() >= usable


def _validates(trainer: Trainer) -> bool:
    return sum(trainer.num_val_batches) > 0


def _frames(task: SegmentationTask, kept: _Kept) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, labels and predictions of each video, at the rate at which it is scored."""
    batch = kept.batch
    if batch.labels is None:
        return
    for number, (name, mask) in enumerate(zip(batch.names, batch.mask, strict=True)):
        preds = kept.preds[number][mask]
        if task.scores_stored_rate and batch.stored_labels is not None:
            num_frames = batch.num_frames[number]
            yield name, batch.stored_labels[number], repeat_frames(preds, task.segmenter.sample_rate, num_frames)
        else:
            yield name, batch.labels[number][mask], preds
