"""A trained network that can be used: for features of new videos, from Python, without Lightning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy.typing as npt
import torch
from torch import Tensor, nn

from segtcn.labels import Classes, Labels
from segtcn.models.base import SegmentationModel, build_network
from segtcn.segmenter.checkpoint import find_checkpoint, read_checkpoint, write_checkpoint
from segtcn.segmenter.standardization import Standardization
from segtcn.structures import Output, repeat_frames


class DataFacts(Protocol):
    """What a segmenter needs to know of data, such as :class:`segtcn.data.datamodule.SegmentationDataModule`."""

    sample_rate: int

    @property
    def class_names(self) -> list[str]: ...  # noqa: D102

    @property
    def background(self) -> int | None: ...  # noqa: D102

    @property
    def stored_fps(self) -> float: ...  # noqa: D102


class Segmenter(nn.Module):
    """A network with all that its use needs: standardisation, classes, rates, protocol, how the features were made.

    Args:
        net: the network.
        classes: names of the classes and the background, or names alone; None numbers them.
        fps: frames per second of the stored features, None if unknown.
        sample_rate: every how many-th stored frame the network sees.
        protocol: name of the evaluation protocol, see :mod:`segtcn.metrics.protocols`.
        extraction: how the features were made (backbone, window, rate), as ``segtcn extract`` writes it; None if
            unknown.

    Raises:
        ValueError: if ``classes`` does not name every class of the network, or a rate is not positive.

    Example:
        >>> import numpy as np
        >>> from segtcn.models import EDTCN
        >>> segmenter = Segmenter(EDTCN(in_channels=8, num_classes=2), ["rest", "work"], fps=15)
        >>> labels = segmenter.predict(np.zeros((8, 30), np.float32))
        >>> len(labels), labels.duration_s
        (30, 2.0)
    """

    def __init__(
        self,
        net: SegmentationModel,
        classes: Classes | Sequence[str] | None = None,
        fps: float | None = None,
        sample_rate: int = 1,
        protocol: str = "lea",
        extraction: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if classes is None:
            classes = Classes.numbered(net.num_classes)
        elif not isinstance(classes, Classes):
            classes = Classes(tuple(classes))
        if len(classes) != net.num_classes:
            raise ValueError(
                f"the network has {net.num_classes} classes, but {len(classes)} are named: {', '.join(classes.names)}"
            )
        if sample_rate < 1 or (fps is not None and not fps > 0):
            raise ValueError(f"`sample_rate` must be at least 1 and `fps` positive, got {sample_rate} and {fps}")
        self.net, self.standardization = net, Standardization(net.in_channels)
        self.classes, self.fps, self.sample_rate = classes, fps, sample_rate
        self.protocol, self.extraction = protocol, extraction

    @classmethod
    def for_data(cls, net: SegmentationModel, data: DataFacts, protocol: str = "lea") -> Segmenter:
        """A segmenter with the classes and rates of a data set, to be trained on it.

        Args:
            net: a network of the data set's width and classes.
            data: usually a :class:`segtcn.data.datamodule.SegmentationDataModule`.
            protocol: name of the evaluation protocol.
        """
        classes = Classes(tuple(data.class_names), data.background)
        return cls(net, classes, data.stored_fps, data.sample_rate, protocol, getattr(data, "extraction", None))

    @classmethod
    def load(cls, path: str | os.PathLike[str], map_location: Any = "cpu") -> Segmenter:
        """Load a trained network in evaluation mode, from its file alone.

        No code of the file is run (``weights_only=True``). Import the module of a network of your own first.

        Args:
            path: a checkpoint of :meth:`save`, of the command line or of a :class:`pytorch_lightning.Trainer`; or the
                folder of a run.
            map_location: device of the weights.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is not a checkpoint of segtcn, or a newer version wrote it.

        Example:
            >>> segmenter = Segmenter.load("runs/demo")  # doctest: +SKIP
            >>> segmenter.predict(features).rows()[0]  # doctest: +SKIP
            LabelRow(label='open', start=0, stop=31, start_s=0.0, stop_s=1.24, confidence=0.98)
        """
        checkpoint = read_checkpoint(find_checkpoint(path), map_location)
        segmenter = cls.from_facts(checkpoint.facts)
        segmenter.load_state_dict(checkpoint.weights)
        return segmenter.to(map_location).eval()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint, complete or not at all; :meth:`load` reads it.

        Args:
            path: the file to make or to replace, ``.ckpt`` by custom.

        Raises:
            FileNotFoundError: if the folder does not exist.
            PermissionError: if no file can be created in the folder.
        """
        write_checkpoint(path, self.facts(), self.state_dict())

    def facts(self) -> dict[str, Any]:
        """All but the weights, as plain values: what checkpoints and runs say of a segmenter."""
        return {
            "net": self.net.spec,
            "class_names": [*self.classes.names],
            "background": self.classes.background,
            "fps": self.fps,
            "sample_rate": self.sample_rate,
            "protocol": self.protocol,
            "extraction": self.extraction,
        }

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Segmenter:
        """Build a segmenter from :meth:`facts`, with new weights."""
        classes = Classes(tuple(facts["class_names"]), facts["background"])
        names = ("fps", "sample_rate", "protocol", "extraction")
        return cls(build_network(facts["net"]), classes, *(facts[name] for name in names))

    @property
    def network_fps(self) -> float | None:
        """Frames per second that the network sees; None if unknown."""
        return None if self.fps is None else self.fps / self.sample_rate

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:
        """Score frames that are already sub-sampled.

        Args:
            features: as stored, ``(B, D, T)``; standardisation happens here.
            mask: True on real frames, ``(B, T)``; None if all are.
        """
        return self.net(self.standardization(features), mask)

    @torch.inference_mode()
    def predict(self, features: Tensor | npt.NDArray[Any], source: str = "prediction") -> Labels:
        """Segment one video.

        Args:
            features: ``(D, T)`` at the rate of the data set that the network was trained on; sub-sampling and
                standardisation happen here.
            source: what messages and pictures call the result.

        Returns:
            The label of every stored frame, with scores: ``labels.rows()`` are its segments in frames and seconds.

        Raises:
            ValueError: if the shape does not fit the network, there is no frame, or a value is not finite.
        """
        stored = torch.as_tensor(features)
        self._check(stored)
        sampled = stored[None, :, :: self.sample_rate].to(self.standardization.mean)
        output = self.net(self.standardization(sampled))
        indexes, scores = (
            repeat_frames(values[0], self.sample_rate, stored.shape[1]).cpu().numpy()
            for values in (self.net.decode(output), output.logits[-1].softmax(dim=1).float())
        )
        return Labels(indexes, self.classes, self.fps, scores, source)

    def _check(self, features: Tensor) -> None:
        width = self.net.in_channels
        if features.ndim != 2 or features.shape[0] != width or features.shape[1] == 0:
            raise ValueError(
                f"`features` must have the shape ({width}, T) with T >= 1, got {tuple(features.shape)}; "
                "features stored as (T, D) need `.T`"
            )
        if not features.isfinite().all():
            frame = int((~features.isfinite()).any(dim=0).nonzero()[0])
            raise ValueError(f"`features` must be finite, got NaN or infinity in frame {frame}")
