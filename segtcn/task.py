"""Training and evaluation of any network on any data set: the one LightningModule."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from segtcn.losses import CrossEntropy
from segtcn.metrics import SCORES, SegmentationScores
from segtcn.metrics.protocols import get_protocol
from segtcn.models.base import SegmentationModel, build_network
from segtcn.segmenter.checkpoint import CHECKPOINT_KEY, read_checkpoint
from segtcn.segmenter.standardization import Standardization
from segtcn.structures import IGNORE, Batch, Output, repeat_frames

LABEL_STATISTICS_KEY = "segtcn_label_statistics"
"""Entry of a checkpoint with the counts of the training labels, if a loss asked for them."""


class StepOutput(NamedTuple):
    """What every step returns to callbacks as ``"output"``.

    Args:
        batch: the batch.
        probabilities: softmax of the last stage, ``(B, C, T)``; undefined on padding.
        preds: the predicted class of every frame, ``(B, T)`` int64; undefined on padding.
    """

    batch: Batch
    probabilities: Tensor
    preds: Tensor


class SegmentationTask(LightningModule):
    """Train, validate, test and predict with a network that gives one label to every frame.

    Scores are logged in percent as ``SUBSET/accuracy``, ``SUBSET/edit``, ``SUBSET/f1@10``, ``SUBSET/f1@25``,
    ``SUBSET/f1@50`` and per class as ``SUBSET/accuracy/CLASS`` (recall of its frames) and ``SUBSET/f1@50/CLASS``, with
    SUBSET one of ``train``, ``val``, ``test``. They count each video's own frames, never padding.

    Args:
        net: the network.
        class_names: name of every class, ``C`` of them; None numbers them. The command line takes it from the data.
        background: index of the background class, left out of edit and F1; None if every class counts.
        fps: frames per second of the features that the network sees, None if unknown.
        sample_rate: every how many-th stored frame the network sees.
        loss: any module that takes logits ``(S, B, C, T)``, boundaries ``(S, B, T)`` or None, labels ``(B, T)``, mask
            ``(B, T)`` and features ``(B, D, T)``, in this order, and returns a scalar. The features are those that the
            network sees: standardised, if the data module standardises. :mod:`segtcn.losses` has some losses, and says
            how one of your own gets the counts of the training labels. None is :class:`segtcn.losses.CrossEntropy`.
        optimizer: makes the optimizer from the parameters.
        lr_scheduler: makes the learning rate scheduler from the optimizer, stepped every epoch; None keeps the rate.
        protocol: name of the evaluation protocol, see :mod:`segtcn.metrics.protocols`. Some score every stored frame:
            the predictions of a sub-sampled network are repeated for them.

    Raises:
        ValueError: if ``class_names`` does not name every class of the network.

    Example:
        >>> from segtcn.models import EDTCN
        >>> task = SegmentationTask(EDTCN(in_channels=8, num_classes=2), class_names=["rest", "work"])
        >>> task(torch.zeros(1, 8, 30)).logits.shape
        torch.Size([1, 1, 2, 30])
    """

    def __init__(
        self,
        net: SegmentationModel,
        class_names: list[str] | None = None,
        background: int | None = None,
        fps: float | None = None,
        sample_rate: int = 1,
        loss: nn.Module | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        lr_scheduler: LRSchedulerCallable | None = None,
        protocol: str = "lea",
    ) -> None:
        super().__init__()
        class_names = class_names or [str(i) for i in range(net.num_classes)]
        if len(class_names) != net.num_classes:
            raise ValueError(
                f"the network has {net.num_classes} classes, but {len(class_names)} are named: {class_names}"
            )
        self.net = net
        self.class_names, self.background = class_names, background
        self.fps, self.sample_rate, self.protocol = fps, sample_rate, protocol
        self.standardization = Standardization(net.in_channels)
        self.loss = loss or CrossEntropy()
        self._label_statistics: tuple[Tensor, int] | None = None
        self.optimizer, self.lr_scheduler = optimizer, lr_scheduler
        self.scores_stored_rate = get_protocol(protocol).stored_rate and sample_rate > 1
        scored_fps = fps * sample_rate if fps is not None and self.scores_stored_rate else fps
        scores = SegmentationScores(protocol, background, class_names, scored_fps, by_class=True)
        subsets = ("train", "val", "test")
        # "train" is also a method of every module, which ModuleDict refuses as a key
        self.scores = nn.ModuleDict({f"{subset}_scores": scores.clone() for subset in subsets})

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:
        """Score every frame of ``features (B, D, T)`` as stored; standardisation happens here."""
        return self.net(self.standardization(features), mask)

    def configure_optimizers(self) -> Any:  # noqa: D102
        optimizer = self.optimizer(self.parameters())
        if self.lr_scheduler is None:
            return optimizer
        scheduler = self.lr_scheduler(optimizer)
        config: dict[str, Any] = {"scheduler": scheduler}
        if isinstance(scheduler, ReduceLROnPlateau):
            config["monitor"] = getattr(scheduler, "monitor", "train/loss")
        return {"optimizer": optimizer, "lr_scheduler": config}

    def on_fit_start(self) -> None:
        """Take the statistics of the training videos from the data module: of features, and for losses of labels."""
        statistics = getattr(self.trainer.datamodule, "feature_statistics", lambda: None)()  # type: ignore[attr-defined]
        if statistics is not None:
            self.standardization.set(*statistics)
        if any(getattr(loss, "wants_label_statistics", False) for loss in self.loss.modules()):
            label_statistics = getattr(self.trainer.datamodule, "label_statistics", lambda: None)()  # type: ignore[attr-defined]
            if label_statistics is not None:
                self._set_label_statistics(*label_statistics)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:  # noqa: D102
        step = self._step(batch, "train")
        loss = step["loss"]
        if not loss.isfinite():
            raise ValueError(
                f"the loss became {loss.item()} in epoch {self.current_epoch} on {', '.join(batch.names)}: "
                "lower the learning rate or standardise the features"
            )
        return step

    def validation_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:  # noqa: D102
        return self._step(batch, "val")

    def test_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:  # noqa: D102
        return self._step(batch, "test")

    def predict_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:  # noqa: D102
        return {"output": self._step_output(batch, self(batch.features, batch.mask))}

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Stop before a gradient that is not finite spoils the weights."""
        gradients = [parameter.grad for parameter in self.parameters() if parameter.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if not norm.isfinite():
            raise ValueError(
                f"the norm of the gradient became {norm.item()} in epoch {self.current_epoch}: "
                "lower the learning rate or set `trainer.gradient_clip_val`"
            )

    def on_train_epoch_end(self) -> None:  # noqa: D102
        self._log_scores("train")

    def on_validation_epoch_end(self) -> None:  # noqa: D102
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:  # noqa: D102
        self._log_scores("test")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the weights alone do not say, as plain values: ``torch.load(weights_only=True)`` reads it."""
        checkpoint[CHECKPOINT_KEY] = {
            "net": self.net.spec,
            "class_names": self.class_names,
            "background": self.background,
            "fps": self.fps,
            "sample_rate": self.sample_rate,
            "protocol": self.protocol,
        }
        if self._label_statistics is not None:
            frames_per_class, num_segments = self._label_statistics
            checkpoint[LABEL_STATISTICS_KEY] = {
                "frames_per_class": frames_per_class.tolist(),
                "num_segments": num_segments,
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Give the losses the counts of the training videos that they had in training."""
        if (counts := checkpoint.get(LABEL_STATISTICS_KEY)) is not None:
            self._set_label_statistics(torch.tensor(counts["frames_per_class"]), counts["num_segments"])

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]
        cls, checkpoint_path: str | Path | IO[bytes], map_location: Any = "cpu", **kwargs: Any
    ) -> SegmentationTask:
        """Rebuild a trained task from its checkpoint alone; no code of the file is run.

        Args:
            checkpoint_path: written by the command line or from Python.
            map_location: device of the weights.
            kwargs: arguments of :class:`SegmentationTask` that replace the stored ones, or that a checkpoint does not
                store: ``loss``, whose weights, if it has any, are loaded only into a loss that is given here.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no checkpoint of segtcn.
        """
        checkpoint, stored = read_checkpoint(checkpoint_path, map_location)
        task = cls(**{"net": build_network(stored.pop("net")), **stored, **kwargs})
        weights = checkpoint["state_dict"]
        if "loss" not in kwargs:
            weights = {name: value for name, value in weights.items() if not name.startswith("loss.")}
        task.load_state_dict(weights)
        task.on_load_checkpoint(checkpoint)
        return task

    def _step(self, batch: Batch, subset: str) -> dict[str, Any]:
        if batch.labels is None:
            raise ValueError(f"no ground truth for {', '.join(batch.names)}: use `segtcn predict`, which needs none")
        features = self.standardization(batch.features)
        output = self.net(features, batch.mask)
        loss = self.loss(*output, batch.labels, batch.mask, features)
        step_output = self._step_output(batch, output)
        preds, labels = step_output.preds, batch.labels
        # weighs the batches, so that the epoch's loss is the mean over all labelled frames
        num_frames = int((labels != IGNORE).sum())
        if self.scores_stored_rate:
            preds, labels = self._at_stored_rate(preds, batch)
        self.scores[f"{subset}_scores"].update(preds, labels)  # type: ignore[operator]
        self.log(f"{subset}/loss", loss, on_step=False, on_epoch=True, batch_size=num_frames, sync_dist=True)
        return {"loss": loss, "output": step_output}

    def _set_label_statistics(self, frames_per_class: Tensor, num_segments: int) -> None:
        self._label_statistics = (frames_per_class, num_segments)
        for loss in self.loss.modules():
            if getattr(loss, "wants_label_statistics", False):
                loss.set_label_statistics(frames_per_class.to(self.device), num_segments)  # type: ignore[operator]

    @torch.no_grad()
    def _step_output(self, batch: Batch, output: Output) -> StepOutput:
        return StepOutput(batch, output.logits[-1].softmax(dim=1), self.net.decode(output, batch.mask))

    def _at_stored_rate(self, preds: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Predictions and labels before sub-sampling, ``(B, T)`` each."""
        if batch.stored_labels is None:
            raise ValueError(
                f"protocol {self.protocol!r} scores every stored frame: the batch needs `stored_labels`, as "
                "`segtcn.data.batching.collate` gives them"
            )
        restored = [
            repeat_frames(frames[mask], self.sample_rate, num_frames)
            for frames, mask, num_frames in zip(preds, batch.mask, batch.num_frames, strict=True)
        ]
        labels = pad_sequence(batch.stored_labels, batch_first=True, padding_value=IGNORE)
        return pad_sequence(restored, batch_first=True), labels

    def _log_scores(self, subset: str) -> None:
        metric = self.scores[f"{subset}_scores"]
        scores = metric.compute()  # type: ignore[operator]
        self.log_dict({f"{subset}/{name}": scores[name] for name in SCORES}, prog_bar=True)
        # NaN: a class that the videos of this subset do not have
        by_class = {name: score for name, score in scores.items() if name not in SCORES and score.isfinite()}
        self.log_dict({f"{subset}/{name}": score for name, score in by_class.items()})
        metric.reset()  # type: ignore[operator]
