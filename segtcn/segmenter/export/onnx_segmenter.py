"""An exported ONNX file as a segmenter, without the network's weights in PyTorch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segtcn.labels import Classes
from segtcn.models import SegmentationModel
from segtcn.models.base import build_network
from segtcn.segmenter.export.certificate import Certificate
from segtcn.segmenter.export.onnx_runtime import first_line, open_session, read_metadata
from segtcn.segmenter.export.traced import State, zero_states
from segtcn.segmenter.segmenter import Segmenter
from segtcn.segmenter.weights import check_num_weights
from segtcn.structures import Output


class OnnxSegmenter(Segmenter):
    """A :class:`~segtcn.segmenter.Segmenter` whose network onnxruntime runs, on the CPU.

    It predicts and streams as the segmenter that was exported; it cannot be trained or saved. A file of
    ``streaming=True`` streams with its own states, another one by windows of context.

    Args:
        path: an ONNX file of :func:`~segtcn.segmenter.export.export_onnx`.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if onnxruntime is not installed.
        ValueError: if it is damaged, was altered, or segtcn did not export it.

    Example:
        >>> OnnxSegmenter("model.onnx").predict("features.npy").rows()  # doctest: +SKIP
    """

    certificate: Certificate

    def __init__(self, path: str | os.PathLike[str]) -> None:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no ONNX file {path}: check the path")
        session = open_session(path)
        facts = read_metadata(path, session)
        check_num_weights(facts, path.stat().st_size, path)
        states = tuple(State(**state) for state in facts["states"])
        net = OnnxNetwork(session, facts["net"], states, facts["certificate"]["streaming"])
        classes = Classes(tuple(facts["class_names"]), facts["background"])
        super().__init__(net, classes, *(facts[name] for name in ("fps", "sample_rate", "protocol", "extraction")))
        self.certificate, self._digest = Certificate(**facts["certificate"]), facts["weights_sha256"]
        self.eval()

    def digest(self) -> str:
        """That of the segmenter that was exported."""
        return self._digest

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Of no use: the weights are in the graph, so that nothing can be saved or exported from here.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "an ONNX file is an export already, without weights to save: give the checkpoint of its network"
        )


class OnnxNetwork(SegmentationModel):
    """An ONNX session with the interface of a network: features as stored, logits are logarithms of the scores.

    Args:
        session: of onnxruntime.
        network_spec: of the network that was exported.
        states: inputs and outputs beside features and scores.
        streaming: whether the file was exported so; all its frames then follow those of the state.
    """

    def __init__(self, session: Any, network_spec: dict[str, Any], states: tuple[State, ...], streaming: bool) -> None:
        with torch.device("meta"):  # its facts without its weights
            twin = build_network(network_spec)
        super().__init__(twin.in_channels, twin.num_classes, causal=streaming)
        self._session, self._network_spec, self._states = session, network_spec, states
        self._twin = [twin]  # in a list: not a submodule

    @property
    def spec(self) -> dict[str, Any]:
        """That of the network that was exported."""
        return self._network_spec

    @property
    def receptive_field(self) -> tuple[int | None, int | None]:
        """That of the network that was exported."""
        return self._twin[0].receptive_field

    @property
    def period(self) -> int:
        """That of the network that was exported."""
        return self._twin[0].period

    @property
    def decodes_frames(self) -> bool:
        """As the network that was exported."""
        return self._twin[0].decodes_frames

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Output:  # noqa: D102
        if mask is not None:
            raise ValueError("an ONNX file takes videos of equal length: leave `mask` out")
        return self._run(features, zero_states(self._states, len(features)))[0]

    def decode(self, output: Output, mask: Tensor | None = None) -> Tensor:
        """As the network that was exported."""
        return self._twin[0].decode(output, mask)

    def _initial_state(self, batch_size: int) -> list[Tensor]:
        return zero_states(self._states, batch_size)

    def _step(self, features: Tensor, state: list[Tensor]) -> tuple[Output, list[Tensor]]:
        return self._run(features, state)

    def _run(self, features: Tensor, state: list[Tensor]) -> tuple[Output, list[Tensor]]:
        inputs = {"features": features, **{named.name: part for named, part in zip(self._states, state, strict=True)}}
        arrays = {name: np.ascontiguousarray(values.numpy(), np.float32) for name, values in inputs.items()}
        try:
            outputs = [torch.from_numpy(array) for array in self._session.run(None, arrays)]
        except Exception as error:  # onnxruntime has nine kinds of its own
            raise ValueError(f"the ONNX file cannot be run on {tuple(features.shape)}: {first_line(error)}") from error
        scores, *boundaries = outputs[: len(outputs) - len(state)]
        output = Output(scores.log()[None], boundaries[0][None] if boundaries else None)
        return output, outputs[len(outputs) - len(state) :]
