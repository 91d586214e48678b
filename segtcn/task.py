"""Training and evaluation of any network on any data set: the one LightningModule."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from segtcn.labels import Classes
from segtcn.losses import DEFAULTS, Loss, TrackCrossEntropy, mix_videos
from segtcn.losses.modules import LabelCounts
from segtcn.metrics import SCORES, SegmentationScores, TrackScores
from segtcn.metrics.mean_loss import MeanLoss
from segtcn.metrics.protocols import get_protocol
from segtcn.models.base import SegmentationModel
from segtcn.segmenter import Segmenter, read_checkpoint
from segtcn.segmenter.checkpoint import CHECKPOINT_KEY, classes_of, read_stored, upgrade, with_version
from segtcn.structures import IGNORE, Batch, Output, repeat_frames

_NAMES_SHOWN = 20
"""Videos of earlier batches that a message about an accumulated gradient names."""


@runtime_checkable
class TrainingData(LabelCounts, Protocol):
    """A data module that knows its training videos; with any other, nothing is standardised and no loss is weighted."""

    def feature_statistics(self) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation of the features, ``(D,)`` each; None: do not standardise."""
        ...


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
    SUBSET one of ``train``, ``val``, ``test``. They count each video's own frames, never padding. Of networks that give
    numbers, ``SUBSET/loss`` is the score; of several labels at a time, see :class:`segtcn.metrics.TrackScores`.

    Args:
        segmenter: the network with its classes, rates and protocol. Some protocols score every stored frame: the
            predictions of a sub-sampled network are repeated for them.
        loss: what training minimises, see :mod:`segtcn.losses`; None is :class:`segtcn.losses.CrossEntropy`, or what
            several labels at a time or numbers need (:data:`segtcn.losses.DEFAULTS`).
        optimizer: makes the optimizer from the parameters.
        lr_scheduler: makes the learning rate scheduler from the optimizer, stepped every epoch; None keeps the rate.
        mixup: train on mixtures of the videos of each batch, see :func:`segtcn.losses.mix_videos`: the share of each is
            drawn from Beta(mixup, mixup); 0 mixes nothing. Scores of training count the labels of the video itself.

    Raises:
        ValueError: if ``mixup`` is negative.

    Example:
        >>> from segtcn.models import EDTCN
        >>> task = SegmentationTask(Segmenter(EDTCN(in_channels=8, num_classes=2), ["rest", "work"]))
        >>> task(torch.zeros(1, 8, 30)).logits.shape
        torch.Size([1, 1, 2, 30])
    """

    def __init__(
        self,
        segmenter: Segmenter,
        loss: Loss | None = None,
        optimizer: OptimizerCallable = torch.optim.Adam,
        lr_scheduler: LRSchedulerCallable | None = None,
        mixup: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= mixup < math.inf:
            raise ValueError(f"`mixup` must not be negative, got {mixup}")
        self.segmenter = segmenter
        self.loss = loss or _default_loss(segmenter)
        self.optimizer, self.lr_scheduler, self.mixup = optimizer, lr_scheduler, mixup
        self._names: list[str] = []  # of the videos whose gradients wait for the next step of the optimizer
        self.scores_stored_rate = get_protocol(segmenter.protocol).stored_rate and segmenter.sample_rate > 1
        classes = segmenter.classes
        names = [*classes.names]
        scores = SegmentationScores(segmenter.protocol, classes.background, names, self.scored_fps, by_class=True)
        subsets = ("train", "val", "test")
        # "train" is also a method of every module, which ModuleDict refuses as a key
        self.scores = nn.ModuleDict({f"{subset}_scores": scores.clone() for subset in subsets})
        evaluated = subsets[1:] if segmenter.tracks else ()
        of_tracks = TrackScores(segmenter.tracks, segmenter.protocol, segmenter.network_fps)
        self.track_scores = nn.ModuleDict({f"{subset}_scores": of_tracks.clone() for subset in evaluated})
        self.losses = nn.ModuleDict({f"{subset}_loss": MeanLoss() for subset in subsets})

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:
        """Score every frame of ``features (B, D, T)`` as stored; standardisation happens in the segmenter."""
        return self.segmenter(features, mask)

    @property
    def scored_fps(self) -> float | None:
        """Frames per second at which predictions are scored: those stored, or those that the network sees."""
        return self.segmenter.fps if self.scores_stored_rate else self.segmenter.network_fps

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
        """Take the statistics of the training videos from a data module that counts them, see :class:`TrainingData`."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, TrainingData):
            return
        if (statistics := data.feature_statistics()) is not None:
            self.segmenter.standardization.set(*statistics)
        self.loss.fit_statistics(data)

    def on_train_start(self) -> None:
        """Refuse to train without what ``mixup`` mixes.

        Raises:
            ValueError: if each batch has one video, or the network sees the labels of the videos.
        """
        if self.mixup and self.segmenter.net.learns_from_labels:
            raise ValueError(f"`mixup` cannot mix labels that {type(self.segmenter.net).__name__} sees: leave it at 0")
        if self.mixup and getattr(self.trainer.train_dataloader, "batch_size", None) == 1:
            raise ValueError("`mixup` mixes the videos of a batch, and `batch_size` is 1: let it be 2 or more")

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:  # noqa: D102
        self.loss.set_epoch(self.current_epoch)
        step = self._step(batch, "train")
        loss = step["loss"]
        self._names = [*self._names[-_NAMES_SHOWN:], *batch.names]
        if not loss.isfinite():
            raise ValueError(
                f"the loss became {loss.item()} in epoch {self.current_epoch} on {', '.join(batch.names)}: "
                "lower the learning rate or standardise the features"
            )
        return step if self.trainer.world_size == 1 else {**step, "loss": loss * self._weight(batch)}

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
                f"the norm of the gradient became {norm.item()} in epoch {self.current_epoch} on "
                f"{', '.join(self._names)}: lower the learning rate or set `trainer.gradient_clip_val`"
            )
        self._names = []

    def on_train_epoch_end(self) -> None:  # noqa: D102
        self._log_scores("train")

    def on_validation_epoch_end(self) -> None:  # noqa: D102
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:  # noqa: D102
        self._log_scores("test")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the facts of the segmenter, as plain values: ``torch.load(weights_only=True)`` reads them."""
        checkpoint[CHECKPOINT_KEY] = with_version(self.segmenter.facts())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Read checkpoints of earlier versions, too."""
        if CHECKPOINT_KEY in checkpoint:
            upgrade(checkpoint)
            _count_for(self.loss, checkpoint)
            if self.segmenter.tracks:
                self.set_tracks(classes_of(checkpoint[CHECKPOINT_KEY]))

    def set_tracks(self, classes: Classes) -> None:
        """Take the tracks of other classes, which differ in their thresholds only."""
        self.segmenter.classes = classes
        metrics: Any = self.track_scores.values()
        for metric in metrics:
            metric.tracks = self.segmenter.tracks

    def epoch_state(self) -> dict[str, Any]:
        """What the training videos of an epoch that has begun contributed to scores and loss."""
        scores, mean = self._training_metrics()
        return {"counts": scores.counts.cpu(), "loss": {name: getattr(mean, name).cpu() for name in mean._defaults}}

    def load_epoch_state(self, state: dict[str, Any]) -> None:
        """Go on with what :meth:`epoch_state` gave."""
        scores, mean = self._training_metrics()
        scores.rows = [state["counts"].flatten(1).to(self.device)] if len(state["counts"]) else []
        for name, value in state["loss"].items():
            setattr(mean, name, value.to(self.device))

    def _training_metrics(self) -> tuple[SegmentationScores, MeanLoss]:
        return self.scores["train_scores"], self.losses["train_loss"]  # type: ignore[return-value]

    @classmethod
    def load_from_checkpoint(  # type: ignore[override]
        cls, checkpoint_path: str | Path, map_location: Any = "cpu", **kwargs: Any
    ) -> SegmentationTask:
        """Rebuild a trained task from its checkpoint alone; no code of the file is run.

        Args:
            checkpoint_path: written by the command line or from Python.
            map_location: device of the weights.
            kwargs: arguments of :class:`SegmentationTask` that a checkpoint does not hold: ``loss``, ``optimizer``,
                ``lr_scheduler``. What a loss learned from the training labels is restored into one given here.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is not a checkpoint of segtcn.
        """
        task = cls(Segmenter.from_facts(read_checkpoint(checkpoint_path, map_location).facts), **kwargs)
        checkpoint = read_stored(checkpoint_path, map_location)
        task.on_load_checkpoint(checkpoint)
        weights = checkpoint["state_dict"]
        if "loss" not in kwargs:
            weights = {name: value for name, value in weights.items() if not name.startswith("loss.")}
        task.load_state_dict(weights)
        return task

    def _step(self, batch: Batch, subset: str) -> dict[str, Any]:
        if batch.labels is None and batch.targets is None:
            raise ValueError(f"no ground truth for {', '.join(batch.names)}: predict it instead")
        standardized = batch._replace(features=self.segmenter.standardization(batch.features))
        share, other = 1.0, standardized
        if self.mixup and subset == "train":
            share = float(torch.distributions.Beta(self.mixup, self.mixup).sample())
            standardized, other = mix_videos(standardized, share)
        net = self.segmenter.net
        output = (
            net.training_output(standardized) if subset == "train" else net(standardized.features, standardized.mask)
        )
        loss = self.loss(output, standardized)
        if share < 1:
            loss = share * loss + (1 - share) * self.loss(output, other)
        step_output = self._step_output(batch, output)
        # weighs the batches, so that the epoch's loss is the mean over all labelled frames
        self.losses[f"{subset}_loss"].update(loss.detach(), batch.num_known_frames)  # type: ignore[operator]
        if f"{subset}_scores" in self.track_scores and batch.targets is not None:
            of_tracks: Any = self.track_scores[f"{subset}_scores"]
            of_tracks.update(step_output.probabilities, batch.targets, batch.mask)
        if batch.labels is not None:
            preds, labels = step_output.preds, batch.labels
            if self.scores_stored_rate:
                preds, labels = self._at_stored_rate(preds, batch)
            self.scores[f"{subset}_scores"].update(preds, labels)  # type: ignore[operator]
        return {"loss": loss, "output": step_output}

    def _weight(self, batch: Batch) -> float:
        """What makes the mean over processes, which DDP takes of gradients, that over the labelled frames of all."""
        num_frames = batch.num_known_frames
        # whole numbers below 2**24 are exact, also where there is no double precision
        total = self.trainer.strategy.reduce(torch.tensor(float(num_frames), device=self.device), reduce_op="sum")
        return num_frames * self.trainer.world_size / max(float(total), 1.0)

    @torch.no_grad()
    def _step_output(self, batch: Batch, output: Output) -> StepOutput:
        probabilities = self.segmenter.probabilities(output.logits[-1])
        return StepOutput(batch, probabilities, self.segmenter.net.decode(output, batch.mask))

    def _at_stored_rate(self, preds: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Predictions and labels before sub-sampling, ``(B, T)`` each."""
        if batch.stored_labels is None:
            raise ValueError(
                f"protocol {self.segmenter.protocol!r} scores every stored frame: the batch needs `stored_labels`, as "
                "`segtcn.data.batching.collate` gives them"
            )
        restored = [
            repeat_frames(frames[mask], self.segmenter.sample_rate, num_frames)
            for frames, mask, num_frames in zip(preds, batch.mask, batch.num_frames, strict=True)
        ]
        labels = pad_sequence(batch.stored_labels, batch_first=True, padding_value=IGNORE)
        return pad_sequence(restored, batch_first=True), labels

    def _log_scores(self, subset: str) -> None:
        metric: Any = self.scores[f"{subset}_scores"]
        mean: Any = self.losses[f"{subset}_loss"]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The ``compute`` method")  # a process that no video was left for
            self.log(f"{subset}/loss", mean.compute())
            mean.reset()
            if self.segmenter.target != "single":
                self._log_track_scores(subset)
                return
            scores = metric.compute()
        self.log_dict({f"{subset}/{name}": scores[name] for name in SCORES}, prog_bar=True)
        # NaN: a class that the videos of this subset do not have
        by_class = {name: score for name, score in scores.items() if name not in SCORES and score.isfinite()}
        self.log_dict({f"{subset}/{name}": score for name, score in by_class.items()})
        metric.reset()

    def _log_track_scores(self, subset: str) -> None:
        if f"{subset}_scores" in self.track_scores:
            metric: Any = self.track_scores[f"{subset}_scores"]
            scores = {name: score for name, score in metric.compute().items() if score.isfinite()}
            self.log_dict({f"{subset}/{name}": score for name, score in scores.items()})
            metric.reset()


def make_task(
    net: SegmentationModel,
    facts: dict[str, Any],
    loss: Loss | None = None,
    optimizer: OptimizerCallable = torch.optim.Adam,
    lr_scheduler: LRSchedulerCallable | None = None,
    protocol: str = "lea",
    mixup: float = 0.0,
) -> SegmentationTask:
    """Train a network as its configs describe.

    Args:
        net: the network.
        facts: classes, rates and how the features were made; from the data.
        loss: what training minimises, see :mod:`segtcn.losses`; None is cross-entropy.
        optimizer: makes the optimizer from the parameters.
        lr_scheduler: makes the learning rate scheduler from the optimizer, stepped every epoch; None keeps the rate.
        protocol: name of the evaluation protocol, see :mod:`segtcn.metrics.protocols`.
        mixup: train on mixtures of two videos; their shares are drawn from Beta(mixup, mixup).
    """
    return SegmentationTask(Segmenter(net, **facts, protocol=protocol), loss, optimizer, lr_scheduler, mixup)


def _default_loss(segmenter: Segmenter) -> Loss:
    sizes = [track.num_outputs for track in segmenter.tracks]
    return TrackCrossEntropy(sizes) if max(sizes, default=1) > 1 else DEFAULTS[segmenter.target]()


class _Counts(NamedTuple):
    """The counts of the training labels that checkpoints of format 1 held."""

    frames_per_class: Tensor
    num_segments: int

    def label_statistics(self) -> tuple[Tensor, int]:
        return self


def _count_for(loss: Loss, checkpoint: dict[str, Any]) -> None:
    """Let a loss learn from the counts of a checkpoint of format 1, which did not hold what it learned."""
    if (counts := checkpoint.pop("segtcn_label_statistics", None)) is not None:
        loss.fit_statistics(_Counts(torch.tensor(counts["frames_per_class"]), counts["num_segments"]))
        checkpoint["state_dict"] |= {f"loss.{name}": value for name, value in loss.state_dict().items()}
