"""Prediction files: labels as text, as a table of segments, and with the scores of all classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from segtcn.labels.legacy import write_labels, write_scores, write_segments
from segtcn.structures import Batch, frames_to_segments, repeat_frames
from segtcn.task import SegmentationTask, StepOutput


class PredictionWriter(Callback):
    """Write what the network predicts in ``segtcn test`` and ``segtcn predict``.

    ``NAME.txt`` has one class name a line, one line a stored frame: predictions of a sub-sampled network are repeated
    back to the rate of the features. ``NAME.csv`` has one segment a line with frames, seconds and mean confidence.
    ``NAME.npz`` has the probability of every class in every frame, see :func:`segtcn.labels.legacy.write_scores`.

    Args:
        folder: where to write; None writes nothing.
        scores: whether to write ``NAME.npz``, 2 bytes for every class and frame before it is packed.
    """

    def __init__(self, folder: str | None = None, scores: bool = True) -> None:
        self.folder = None if folder is None else Path(folder)
        self.scores = scores

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: D102
        if self.folder is not None and stage in ("test", "predict"):
            self.folder.mkdir(parents=True, exist_ok=True)

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
        if self.folder is None or not isinstance(task, SegmentationTask):
            return
        batch = output.batch
        segmenter = task.segmenter
        class_names, fps = [*segmenter.classes.names], segmenter.fps
        for name, mask, num_frames, preds, probabilities in zip(
            batch.names, batch.mask, batch.num_frames, output.preds, output.probabilities, strict=True
        ):
            labels, scores = (
                repeat_frames(frames[..., mask].cpu(), segmenter.sample_rate, num_frames)
                for frames in (preds, probabilities)
            )
            # a name may hold folders ("P03/cam01"); readers refuse those that lead out of the folder
            path = self.folder / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            stem = path.name.removesuffix(".txt")
            write_labels(path, [class_names[label] for label in labels.tolist()])
            confidence = scores.gather(0, labels[None])[0]
            segments = frames_to_segments(labels)
            write_segments(path.with_name(f"{stem}.csv"), segments, class_names, fps, confidence)
            if self.scores:
                write_scores(path.with_name(f"{stem}.npz"), labels, scores, class_names, fps)
