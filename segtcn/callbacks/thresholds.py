"""Thresholds of labels that occur or not, fitted on validation videos."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer

from segtcn.labels.track_classes import TrackClasses
from segtcn.task import SegmentationTask


class ThresholdFitter(Callback):
    """Choose the threshold of each track that occurs or not by the F1 of its validation frames, never on test videos.

    After every epoch of training the thresholds are those of the weights of that epoch. A checkpoint stores both, so
    that the best one has its own thresholds. Scores of validation are those with the thresholds that were fitted on the
    same videos: only scores of test videos are unbiased. Without this callback, all thresholds are 0.5.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse what has nothing to fit, or nothing to fit it on.

        Raises:
            ValueError: if no track of the network occurs or not, or there are no validation videos.
        """
        tracks = pl_module.segmenter.tracks if isinstance(pl_module, SegmentationTask) else ()
        if not any(track.threshold is not None for track in tracks):
            raise ValueError(
                "`ThresholdFitter` needs tracks that occur or not, each with a threshold, but this network chooses one "
                "class a frame: leave it out"
            )
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        if datamodule is not None and not datamodule.names("val"):
            raise ValueError(
                "`ThresholdFitter` fits thresholds on validation videos, and there are none: hold some out with "
                "`data.validation`, such as 0.2 of the training videos"
            )

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fit the thresholds, before the videos are scored with them."""
        if trainer.state.fn != "fit" or trainer.sanity_checking or not isinstance(pl_module, SegmentationTask):
            return
        metric: Any = pl_module.track_scores["val_scores"]
        pl_module.set_tracks(TrackClasses.of(metric.thresholds()))
