"""Prediction files: labels as text, as a table of segments, and with the scores of all classes and the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from segtcn.labels import Labels, write_labels
from segtcn.structures import Batch, repeat_frames
from segtcn.task import SegmentationTask, StepOutput


class PredictionWriter(Callback):
    """Write what the network predicts in ``segtcn test`` and ``segtcn predict``.

    ``NAME.txt`` has one class name a line, one line a stored frame: predictions of a sub-sampled network are repeated
    back to the rate of the features. ``NAME.csv`` has one segment a line with frames, seconds and mean confidence.
    ``NAME.npz`` has the probability of every class in every frame and, where it is known, the truth, see
    :func:`segtcn.labels.write_labels`.

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
        classes, fps, sample_rate = task.segmenter.classes, task.segmenter.fps, task.segmenter.sample_rate
        for number, (name, mask) in enumerate(zip(batch.names, batch.mask, strict=True)):
            indexes, scores = (
                repeat_frames(frames[number][..., mask].cpu(), sample_rate, batch.num_frames[number]).numpy()
                for frames in (output.preds, output.probabilities.float())
            )
            # a name may hold folders ("P03/cam01"); readers refuse those that lead out of the folder
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            labels, truth = Labels(indexes, classes, fps, scores), None
            if batch.stored_labels is not None:
                truth = Labels(batch.stored_labels[number].cpu().numpy(), classes, fps)
            for suffix in (".txt", ".csv"):
                write_labels(path.with_name(path.name + suffix), labels)
            if self.scores:
                write_labels(path.with_name(path.name + ".npz"), labels, truth)
