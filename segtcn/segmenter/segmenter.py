"""A trained network that can be used: for features of new videos, from Python, without Lightning."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor, nn

from segtcn.decoding import Decoder
from segtcn.labels import Classes, Labels
from segtcn.labels.track_classes import TrackClasses, occurrence
from segtcn.models.base import SegmentationModel, build_network, check_sizes
from segtcn.segmenter.checkpoint import classes_of, find_checkpoint, read_checkpoint, track_facts, write_checkpoint
from segtcn.segmenter.chunks import CHUNK, WHOLE, Features, StoredVideo, blended_output, chunked_output
from segtcn.segmenter.clip_features import RATE_TOLERANCE, ClipFeatures, stated_rate
from segtcn.segmenter.standardization import Standardization
from segtcn.segmenter.stream import Stream
from segtcn.segmenter.weights import check_num_weights
from segtcn.structures import Output, Target, Track, is_rate, repeat_frames

LARGEST_SAMPLE_RATE = 10_000
"""Minutes of a video; each frame is repeated so often in memory, and the rate of a checkpoint may be forged."""


class DataFacts(Protocol):
    """Data that say what a segmenter must know, such as :class:`segtcn.data.datamodule.SegmentationDataModule`."""

    @property
    def facts(self) -> dict[str, Any]:
        """Classes, rates and how the features were made, as arguments of :class:`Segmenter`."""
        ...


class Segmenter(nn.Module):
    """A network with all that its use needs: standardisation, classes, rates, protocol, how the features were made.

    Args:
        net: the network.
        classes: names of the classes and the background, or names alone; None numbers them. Of several at a time,
            :class:`~segtcn.labels.track_classes.TrackClasses`; other classes each occur or not.
        fps: frames per second of the stored features, None if unknown.
        sample_rate: the network sees one stored frame in this many.
        protocol: name of the evaluation protocol, see :mod:`segtcn.metrics.protocols`.
        extraction: how the features were made (backbone, window, rate), as ``segtcn extract`` writes it; None if
            unknown.
        target: what the network gives for every frame: one class (``"single"``), several at a time (``"multi"``) or
            numbers (``"values"``).

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
        target: Target = "single",
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
        if not 1 <= sample_rate <= LARGEST_SAMPLE_RATE or sample_rate % 1:  # also not a number
            raise ValueError(f"`sample_rate` must be a whole number from 1 to {LARGEST_SAMPLE_RATE}, got {sample_rate}")
        if fps is not None and not is_rate(fps):
            raise ValueError(f"`fps` must be positive and finite, got {fps}")
        if target not in get_args(Target):
            raise ValueError(f"`target` must be one of {', '.join(get_args(Target))}, got {target!r}")
        if not isinstance(extraction, dict | None):
            raise ValueError(f"`extraction` must be a record of `segtcn extract` or None, got {extraction!r:.80}")
        if target == "multi" and not isinstance(classes, TrackClasses):
            classes = TrackClasses.of(map(occurrence, classes.names))
        self.net, self.standardization = net, Standardization(net.in_channels)
        self.classes, self.fps, self.sample_rate = classes, fps, sample_rate
        self.protocol, self.extraction, self.target = protocol, extraction, target

    @classmethod
    def for_data(cls, net: SegmentationModel, data: DataFacts, protocol: str = "lea") -> Segmenter:
        """A segmenter with the classes and rates of a data set, to be trained on it.

        Args:
            net: a network of the data set's width and classes.
            data: usually a :class:`segtcn.data.datamodule.SegmentationDataModule`.
            protocol: name of the evaluation protocol.
        """
        return cls(net, **data.facts, protocol=protocol)

    @classmethod
    def load(cls, path: str | os.PathLike[str], map_location: Any = "cpu") -> Segmenter:
        """Load a trained network in evaluation mode, from its file alone.

        No code of the file is run (``weights_only=True``). Import the module of a network of your own first.

        Args:
            path: a checkpoint of :meth:`save`, of the command line or of a :class:`pytorch_lightning.Trainer`; the
                folder of a run; or one of ``segtcn export --format folder``.
            map_location: device of the weights.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is not a checkpoint of segtcn, a newer version wrote it, a weight is not finite, or the
                network has more weights than the file.

        Example:
            >>> segmenter = Segmenter.load("runs/demo")  # doctest: +SKIP
            >>> segmenter.predict(features).rows()[0]  # doctest: +SKIP
            LabelRow(label='open', start=0, stop=31, start_s=0.0, stop_s=1.24, confidence=0.98)
        """
        source = Path(path)
        if (source / "config.json").is_file():
            from segtcn.segmenter.export.hub_folder import read_folder

            checkpoint = read_folder(source)
        else:
            source = find_checkpoint(path)
            checkpoint = read_checkpoint(source, map_location)
            check_num_weights(checkpoint.facts, sum(values.numel() for values in checkpoint.weights.values()), source)
        try:
            segmenter = cls.from_facts(checkpoint.facts)
            segmenter.load_state_dict(checkpoint.weights)
        except (TypeError, KeyError, AttributeError, RuntimeError) as error:
            raise ValueError(f"{source} does not describe a segmenter ({error}): it was altered") from error
        if not (segmenter.standardization.std > 0).all():
            raise ValueError(f"{source} holds a standard deviation that is not positive: it was altered")
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
            "tracks": track_facts(self.tracks),
            "background": self.classes.background,
            "fps": self.fps,
            "sample_rate": self.sample_rate,
            "protocol": self.protocol,
            "extraction": self.extraction,
            "target": self.target,
        }

    def digest(self) -> str:
        """SHA-256 of the weights, in hexadecimal: the same for a checkpoint and its copies in other formats."""
        total = hashlib.sha256()
        for name, weight in sorted(self.state_dict().items()):
            total.update(name.encode())
            total.update(weight.cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return total.hexdigest()

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Segmenter:
        """Build a segmenter from :meth:`facts`, with new weights."""
        classes = classes_of(facts)
        names = ("fps", "sample_rate", "protocol", "extraction")
        arguments = {name: facts[name] for name in names} | {"target": facts.get("target", "single")}
        return cls(build_network(facts["net"]), classes, **arguments)

    def require_labels(self) -> None:
        """Refuse a network that does not give one label a frame.

        Raises:
            ValueError: if its :attr:`target` is another.
        """
        if self.target != "single":
            what = "several labels a frame" if self.target == "multi" else "numbers"
            raise ValueError(
                f"this network gives {what}, and here every frame gets one label: call `segmenter(features)` "
                "for its outputs"
            )

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks that a network of several labels at a time gives; none of another."""
        return self.classes.tracks if isinstance(self.classes, TrackClasses) else ()

    def probabilities(self, logits: Tensor) -> Tensor:
        """Softmax of ``logits (B, C, T)``, or of those of each track; a track that occurs or not has a sigmoid."""
        if not self.tracks:
            return logits.softmax(dim=1)
        groups = logits.split([track.num_outputs for track in self.tracks], dim=1)
        return torch.cat([x.sigmoid() if x.shape[1] == 1 else x.softmax(dim=1) for x in groups], dim=1)

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
    def predict(
        self,
        features: Features,
        chunk: int | None = None,
        approximate: bool = False,
        source: str = "prediction",
        fps: float | None = None,
        decoder: Decoder | None = None,
    ) -> Labels:
        """Segment one video.

        Args:
            features: ``(D, T)``; sub-sampling and standardisation happen here. Of a ``.npy`` file one chunk at a time
                is in memory.
            chunk: frames, of those that the network sees, to segment at a time. The result is that of the whole video.
                None chooses: all at once up to :data:`~segtcn.segmenter.chunks.WHOLE` frames.
            approximate: cross-fade overlapping chunks; the only way for a long video and a network that sees all of it.
            source: what messages and pictures call the result.
            fps: rate of ``features``, a multiple of :attr:`network_fps`; None: that of the record beside a file of
                ``segtcn extract``, or else of the data set that the network was trained on.
            decoder: makes the labels of the scores; None takes those of the network.

        Returns:
            The label of every stored frame, with scores: ``labels.rows()`` are its segments in frames and seconds.

        Raises:
            ValueError: if shape or rate does not fit the network, or a file was made by another extractor. Also
                without a frame, with a value that is not finite, for a ``chunk`` that does not fit the network, and for
                a ``decoder`` that was fitted on other classes.
        """
        self.require_labels()
        fps = stated_rate(features, fps, self.extraction, self.fps)
        output, stored = self._output(features, chunk, approximate, fps)
        indexes, scores = (
            repeat_frames(values[0], *stored).cpu().numpy()
            for values in (self.net.decode(output), output.logits[-1].softmax(dim=1).float())
        )
        labels = Labels(indexes, self.classes, fps or self.fps, scores, source)
        return labels if decoder is None else decoder(labels)

    @torch.inference_mode()
    def predict_tracks(
        self,
        features: Features,
        chunk: int | None = None,
        approximate: bool = False,
        source: str = "prediction",
        fps: float | None = None,
    ) -> dict[str, Labels]:
        """Segment one video with a network that gives several labels at a time.

        Args:
            features: as of :meth:`predict`, like all arguments.
            chunk: frames to segment at a time.
            approximate: cross-fade overlapping chunks.
            source: what messages and pictures call the result.
            fps: rate of ``features``.

        Returns:
            The labels of every track, with scores.

        Raises:
            ValueError: if the network gives one label a frame, and as :meth:`predict`.

        Example:
            >>> from segtcn.models import EDTCN
            >>> segmenter = Segmenter(EDTCN(in_channels=8, num_classes=2), ["groom", "rear"], target="multi")
            >>> labels = segmenter.predict_tracks(torch.zeros(8, 30))
            >>> [*labels], labels["rear"].classes.names
            (['groom', 'rear'], ('background', 'rear'))
        """
        if not isinstance(self.classes, TrackClasses):
            raise ValueError("this network does not give several labels at a time: call `predict`")
        fps = stated_rate(features, fps, self.extraction, self.fps)
        output, stored = self._output(features, chunk, approximate, fps)
        scores = repeat_frames(self.probabilities(output.logits[-1].float())[0], *stored).cpu().numpy()
        return self.classes.labels_of(scores, fps or self.fps, source)

    def _output(
        self, features: Features, chunk: int | None, approximate: bool, fps: float | None
    ) -> tuple[Output, tuple[int, int]]:
        """What the network gives for a video, the sampling of its stored frames, and their number."""
        video = StoredVideo(features, self.sampling(fps), self.standardization.mean)
        check_sizes(chunk=1 if chunk is None else chunk)
        num_frames = video.num_frames

        def read(start: int, stop: int) -> Tensor:
            return self.standardization(video.read(start, stop)[None])

        can_be_cut = approximate or self.net.causal or None not in self.net.receptive_field
        if chunk is None and num_frames > WHOLE and can_be_cut:
            chunk = CHUNK
        if chunk is None or chunk >= num_frames:
            output = self.net(read(0, num_frames))
        else:
            output = (blended_output if approximate else chunked_output)(self.net, read, num_frames, chunk)
        return output, (self.sampling(fps), video.num_stored)

    def predict_video(
        self,
        clip: str | os.PathLike[str],
        chunk: int | None = None,
        approximate: bool = False,
        backbone: str | None = None,
        device: str = "auto",
    ) -> Labels:
        """Segment a clip, with features like those that the network was trained on.

        Args:
            clip: a video file.
            chunk: as of :meth:`predict`.
            approximate: as of :meth:`predict`.
            backbone: file or folder of the backbone, where it is not found by the name that :attr:`extraction` has.
            device: where the backbone runs: ``auto``, ``cpu``, ``cuda``, ...

        Returns:
            The label of every feature, with scores.

        Raises:
            FileNotFoundError: if there is no such clip or backbone.
            ValueError: if the clip cannot be decoded, it is not known how features were made, or the backbone is
                another one.

        Example:
            >>> Segmenter.load("runs/demo").predict_video("clip.mp4").rows()[0]  # doctest: +SKIP
            LabelRow(label='open', start=0, stop=31, start_s=0.0, stop_s=1.24, confidence=0.98)
        """
        with closing(ClipFeatures(self.extraction, self.fps, backbone, device)) as clips:
            path, rate = clips.extract(clip)
            return self.predict(path, chunk, approximate, str(clip), rate)

    def sampling(self, fps: float | None) -> int:
        """The number k if the network sees every k-th frame of features at a rate.

        Args:
            fps: their frames per second; None: as the features of the data set.

        Raises:
            ValueError: if the rate is not positive, or not a multiple of what the network sees.

        Example:
            >>> from segtcn.models import EDTCN
            >>> segmenter = Segmenter(EDTCN(in_channels=8, num_classes=2), fps=15, sample_rate=3)
            >>> segmenter.sampling(None), segmenter.sampling(30)
            (3, 6)
        """
        if fps is not None and not is_rate(fps):
            raise ValueError(f"`fps` must be positive and finite, got {fps}")
        if fps is None or self.network_fps is None:
            return self.sample_rate
        sample_rate = round(fps / self.network_fps)
        if sample_rate < 1 or abs(fps / self.network_fps / sample_rate - 1) > RATE_TOLERANCE:
            raise ValueError(
                f"features at {fps:g} a second do not fit a network that sees {self.network_fps:g}: give features at "
                f"{self.fps:g} a second, as it was trained on, or at another multiple of {self.network_fps:g}"
            )
        return sample_rate

    def stream(self, batch_size: int = 1, on_nan: Literal["error", "hold"] = "error") -> Stream:
        """Read a video while it is running, see :class:`~segtcn.segmenter.stream.Stream`.

        Args:
            batch_size: videos that run in parallel.
            on_nan: what to do about a frame with NaN or infinity: ``error``, or ``hold`` the frame before it.
        """
        return Stream(self, batch_size, on_nan)
