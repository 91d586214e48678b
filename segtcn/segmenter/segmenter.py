"""A trained network, ready for videos it has not seen; Lightning is not needed."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import Tensor, nn

from segtcn.models.base import SegmentationModel, build_network
from segtcn.segmenter.checkpoint import read_checkpoint
from segtcn.segmenter.standardization import Standardization
from segtcn.structures import Segment, frames_to_segments, repeat_frames


class Prediction(NamedTuple):
    """What a network says about one video, at the rate of its features.

    Args:
        labels: class index of every frame, ``(T,)`` int64.
        confidence: probability of that class, ``(T,)`` float32.
        segments: the labels as segments.
    """

    labels: Tensor
    confidence: Tensor
    segments: list[Segment]


class TrainedModel(nn.Module):
    """A network with all that a checkpoint says about its use.

    Args:
        net: the network.
        class_names: name of every class.
        background: index of the background class, or None.
        fps: frames per second that the network sees, or None if unknown.
        sample_rate: every how many-th stored frame the network sees.
        protocol: name of the evaluation protocol it was trained under.
    """

    def __init__(
        self,
        net: SegmentationModel,
        class_names: list[str],
        background: int | None = None,
        fps: float | None = None,
        sample_rate: int = 1,
        protocol: str = "lea",
    ) -> None:
        super().__init__()
        self.net = net
        self.standardization = Standardization(net.in_channels)
        self.class_names, self.background = class_names, background
        self.fps, self.sample_rate, self.protocol = fps, sample_rate, protocol

    @torch.inference_mode()
    def predict(self, features: Tensor) -> Prediction:
        """Segment one video.

        Args:
            features: ``(D, T)`` at the rate of the data set the network was trained on; sub-sampling and
                standardisation happen here.

        Raises:
            ValueError: if the shape does not fit the network, there is no frame, or a value is not finite.
        """
        expected = self.net.in_channels
        if features.ndim != 2 or features.shape[0] != expected or features.shape[1] == 0:
            raise ValueError(
                f"`features` must have the shape ({expected}, T) with T >= 1, got {tuple(features.shape)}; "
                "features stored as (T, D) need `.T`"
            )
        if not features.isfinite().all():
            frame = int((~features.isfinite()).any(dim=0).nonzero()[0])
            raise ValueError(f"`features` must be finite, got NaN or infinity in frame {frame}")
        sampled = features[None, :, :: self.sample_rate].to(self.standardization.mean)
        output = self.net(self.standardization(sampled))
        labels = self.net.decode(output)[0]
        confidence = output.logits[-1, 0].softmax(dim=0).gather(0, labels[None])[0]
        labels, confidence = (
            repeat_frames(value, self.sample_rate, features.shape[1]) for value in (labels, confidence)
        )
        return Prediction(labels, confidence, frames_to_segments(labels))


def load_model(path: str | Path | IO[bytes], map_location: Any = "cpu") -> TrainedModel:
    """Load a trained network from its checkpoint alone, in evaluation mode.

    No code of the file is run (``weights_only=True``); networks of your own must be imported first.

    Args:
        path: a checkpoint of the command line or of a :class:`pytorch_lightning.Trainer`.
        map_location: device of the weights.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no checkpoint of segtcn.

    Example:
        >>> model = load_model("runs/demo/checkpoints/last.ckpt")  # doctest: +SKIP
        >>> labels, confidence, segments = model.predict(features)  # doctest: +SKIP
    """
    checkpoint, stored = read_checkpoint(path, map_location)
    model = TrainedModel(build_network(stored.pop("net")), **stored)
    kept = ("net.", "standardization.")
    model.load_state_dict({name: value for name, value in checkpoint["state_dict"].items() if name.startswith(kept)})
    return model.to(map_location).eval()
