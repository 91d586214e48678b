"""How many frames a second training goes through, and a trained network."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from segtcn.structures import Batch


class Throughput(Callback):
    """Print, and log as ``train/frames_per_second``, the real frames that training consumed per second of wall time.

    The share of padding in the batches of each epoch, in percent, is logged as ``train/padding``, that of all epochs
    printed: where it is high, ``data.bucket`` saves time.

    Everything counts as time: loading, scores, logging and validation, as the user waits for all of it. A run that
    continues from a checkpoint keeps counting.

    Attributes:
        num_frames: real frames that training consumed, those of every epoch.
        num_padded: frames of padding beside them.
        seconds: time it took.
    """

    def __init__(self) -> None:
        self.num_frames = self.num_padded = 0
        self._epoch_frames = self._epoch_padded = 0
        self._earlier_s = 0.0
        self._start_s: float | None = None

    @property
    def seconds(self) -> float:  # noqa: D102  # an attribute, see the class
        return self._earlier_s + (0.0 if self._start_s is None else time.perf_counter() - self._start_s)

    @property
    def frames_per_second(self) -> float:
        """Their ratio; 0 before training."""
        return self.num_frames / max(self.seconds, 1e-9)

    def state_dict(self) -> dict[str, Any]:  # noqa: D102
        epoch = {"epoch_frames": self._epoch_frames, "epoch_padded": self._epoch_padded}
        return {"num_frames": self.num_frames, "num_padded": self.num_padded, "seconds": self.seconds, **epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:  # noqa: D102
        self.num_frames, self._earlier_s = state_dict["num_frames"], state_dict["seconds"]
        self.num_padded = state_dict.get("num_padded", 0)  # earlier versions did not save it
        self._epoch_frames, self._epoch_padded = (state_dict.get(f"epoch_{kind}", 0) for kind in ("frames", "padded"))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._start_s = time.perf_counter()

    def on_train_batch_end(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        num_frames = int(batch.mask.sum())
        num_padded = batch.mask.numel() - num_frames
        self.num_frames += num_frames
        self.num_padded += num_padded
        self._epoch_frames += num_frames
        self._epoch_padded += num_padded

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._epoch_frames = self._epoch_padded = 0

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        pl_module.log("train/frames_per_second", self.frames_per_second)
        pl_module.log("train/padding", _percent(self._epoch_padded, self._epoch_frames))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._earlier_s, self._start_s = self.seconds, None
        if trainer.is_global_zero:
            process = f"first of {trainer.world_size} processes: " if trainer.world_size > 1 else ""
            print(
                f"{process}trained {self.num_frames:,} frames in {self.seconds:.1f} s: "
                f"{self.frames_per_second:,.0f} frames per second, "
                f"{_percent(self.num_padded, self.num_frames):.1f} % of the batches were padding"
            )


@torch.inference_mode()
def inference_speed(net: nn.Module, videos: Iterable[Tensor], seconds: float = 1.0) -> float:
    """Frames a second of the forward pass of ``net`` in evaluation mode, one video at a time.

    Args:
        net: takes features ``(1, D, T)``.
        videos: features ``(D, T)`` of each, on the device of ``net``.
        seconds: all videos are gone through again until so much time has passed.

    Returns:
        The median over the passes, after a first video that does not count.

    Raises:
        ValueError: if there are no videos.
    """
    videos = [features[None] for features in videos]
    if not videos:
        raise ValueError("`videos` must hold at least one video")
    was_training = net.training
    net.eval()
    num_frames = sum(features.shape[-1] for features in videos)
    rates: list[float] = []
    net(videos[0])
    started_s = _now(videos[0])
    while (start_s := _now(videos[0])) - started_s < seconds or not rates:
        for features in videos:
            net(features)
        rates.append(num_frames / (_now(videos[0]) - start_s))
    net.train(was_training)
    return statistics.median(rates)


def _percent(num_padded: int, num_frames: int) -> float:
    return 100 * num_padded / max(num_padded + num_frames, 1)


def _now(computed: Tensor) -> float:
    """The time once the device of ``computed`` has done what it was asked to."""
    if computed.device.type != "cpu":
        torch.accelerator.synchronize(computed.device)
    return time.perf_counter()
