"""Prediction files: labels as text, as a table of segments, and as an archive with scores and truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

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
