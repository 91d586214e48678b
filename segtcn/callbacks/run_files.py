"""What a test leaves in the folder of a run: prediction files with scores and truth, and ``run.json``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from segtcn.evaluation.run_facts import RUN_FILE, RunFacts
from segtcn.labels import Labels, write_labels
from segtcn.labels.folder import MAPPING
from segtcn.labels.track_classes import TrackClasses, write_tracks
from segtcn.structures import Batch, repeat_frames
from segtcn.task import SegmentationTask, StepOutput


class PredictionWriter(Callback):
    """Write what the network predicts in ``segtcn test`` and ``Trainer.predict``.

    ``NAME.txt`` has one class name a line, one line a stored frame: predictions of a sub-sampled network are repeated
    back to the rate of the features. ``NAME.csv`` has one segment a line with frames, seconds and mean confidence.
    ``NAME.npz`` has the predicted labels, the truth where it is known, and the probability of every class in every
    frame, see :func:`segtcn.labels.write_labels`. ``mapping.txt`` numbers the classes: pictures of any of these files
    have the same colours. Of several labels at a time, the table and the archive have all tracks, see
    :func:`segtcn.labels.track_classes.write_tracks`, and there is no ``NAME.txt``.

    Args:
        folder: where to write; None writes nothing.
        scores: whether ``NAME.npz`` holds the probabilities, 2 bytes for every class and frame before they are packed;
            otherwise it holds those of the predicted classes only.
    """

    def __init__(self, folder: str | None = None, scores: bool = True) -> None:
        self.folder = None if folder is None else Path(folder)
        self.scores = scores

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: D102
        if self.folder is not None and stage in ("test", "predict") and isinstance(pl_module, SegmentationTask):
            self.folder.mkdir(parents=True, exist_ok=True)
            pl_module.segmenter.classes.common.write(self.folder / MAPPING)

    def on_test_batch_end(  # noqa: D102
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._write(pl_module, outputs["output"])

    on_predict_batch_end = on_test_batch_end

    def _write(self, task: LightningModule, output: StepOutput) -> None:
        if self.folder is None or not isinstance(task, SegmentationTask) or task.segmenter.target == "values":
            return
        batch, segmenter = output.batch, task.segmenter
        for number, (name, mask) in enumerate(zip(batch.names, batch.mask, strict=True)):
            if not name:  # another process writes this video
                continue
            indexes, scores = (
                repeat_frames(frames[number][..., mask].cpu(), segmenter.sample_rate, batch.num_frames[number]).numpy()
                for frames in (output.preds, output.probabilities.float())
            )
            # a name may hold folders ("P03/cam01"); readers refuse those that lead out of the folder
            path = self.folder / f"{name}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            stored = None if batch.stored_labels is None else batch.stored_labels[number].cpu().numpy()
            if isinstance(segmenter.classes, TrackClasses):
                tracks = segmenter.classes.labels_of(scores, segmenter.fps)
                write_tracks(path.with_suffix(".csv"), tracks)
                kept = tracks if self.scores else {key: replace(each, scores=None) for key, each in tracks.items()}
                write_tracks(path, kept, None if stored is None else segmenter.classes.truth_of(stored))
                continue
            labels = Labels(indexes, segmenter.classes, segmenter.fps, scores)
            truth = None if stored is None else Labels(stored, segmenter.classes)
            for ending in (".txt", ".csv"):
                write_labels(path.with_suffix(ending), labels)
            write_labels(path, labels if self.scores else replace(labels, scores=None), truth)


class RunFactsWriter(Callback):
    """Write ``run.json`` into ``trainer.default_root_dir`` once the test videos are predicted.

    While they are predicted, and once training has continued, there is none: a folder whose predictions are of two
    checkpoints, or of older weights, must not look complete.

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
            groups=datamodule.groups,
        ).write(folder)

    on_predict_start, on_predict_end = on_test_start, on_test_end
    on_train_epoch_start = on_test_start  # not when training starts: a complete run that is resumed trains nothing


def _checkpoint_of(trainer: Trainer, folder: Path) -> str | None:
    """The file of the weights, relative to the run's folder if it lies in it; None where none was written."""
    path = trainer.ckpt_path or getattr(trainer.checkpoint_callback, "last_model_path", None)
    if not path:
        return None
    file, inside = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return file.relative_to(inside).as_posix() if file.is_relative_to(inside) else str(file)
