"""ONNX and ``torch.export`` files of a segmenter, run and compared before they get their names."""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.fx.experimental._config as fx_config

import segtcn
from segtcn.atomic import atomic_path
from segtcn.segmenter.export.certificate import CHUNKS, PT2_SIZES, SIZES, Certificate, largest_difference
from segtcn.segmenter.export.onnx_runtime import SEAL, UNSEALED, first_line, open_session, seal
from segtcn.segmenter.export.rewriting import folded, with_onnx_cells
from segtcn.segmenter.export.traced import WholeVideos, output_names, traceable
from segtcn.segmenter.segmenter import Segmenter
from segtcn.segmenter.weights import check_finite

PT2_METADATA = "segtcn.json"
"""The extra file of a ``.pt2`` with what ONNX files have as metadata."""


def export_onnx(
    segmenter: Segmenter, path: str | os.PathLike[str], streaming: bool = False, opset: int | None = None
) -> Certificate:
    """Write an ONNX file with standardisation and softmax inside.

    Its input is ``features (B, D, T)`` at the rate that the network sees, its outputs ``scores (B, C, T)`` and, where
    the network finds boundaries, their logits ``boundaries (B, T)``. B and T may have any size. The metadata holds the
    segmenter's facts, the certificate, and the states of a stream, each as JSON.

    Args:
        segmenter: what to export.
        path: the file to make or to replace.
        streaming: the states of a causal network are inputs and outputs, too; features are any next frames.
        opset: version of ONNX's operators; None takes that of the exporter.

    Returns:
        The check that the file passed.

    Raises:
        ImportError: if a package of the extra ``export`` is missing.
        ValueError: if the network cannot stream or cannot be exported, ``opset`` lacks an operator, a weight is not
            finite, or onnxruntime computes something else.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in it.

    Example:
        >>> print(export_onnx(Segmenter.load("runs/demo"), "model.onnx"))  # doctest: +SKIP
        MSTCN as onnx, opset 20: scores of 1 x 1, ... videos x frames differ by at most 1.2e-07 ...
    """
    _require("onnx", "onnxscript", "onnxruntime")
    segmenter = _ready(segmenter)
    with atomic_path(path) as temporary:
        traced = traceable(folded(segmenter), streaming)
        program = _onnx_program(segmenter, traced, opset)
        version = program.model.opset_imports[""]
        if opset not in (None, version):
            raise ValueError(
                f"opset {opset} cannot hold an operator of {type(segmenter.net).__name__}: use {version}, or leave "
                "`opset` out"
            )
        program.save(str(temporary))
        session = open_session(temporary)
        names = [part.name for part in session.get_inputs()]

        def run(inputs: Sequence[npt.NDArray[np.float32]]) -> Any:
            return session.run(None, dict(zip(names, inputs, strict=True)))

        difference = largest_difference(segmenter, run, traced, SIZES, path)
        certificate = _certificate("onnx", segmenter, traced, version, _runtime("onnxruntime"), difference)
        program.model.metadata_props.update({**_metadata(segmenter, traced, certificate), SEAL: UNSEALED})
        program.save(str(temporary))
        seal(temporary)
    return certificate


def export_pt2(segmenter: Segmenter, path: str | os.PathLike[str], streaming: bool = False) -> Certificate:
    """Write a file for ``torch.export.load``, with the inputs and outputs of :func:`export_onnx`.

    T must be at least 2; of a streaming file, 1. Recurrent networks cannot be written: ``torch.export`` unrolls them.
    Its extra file ``segtcn.json`` holds what an ONNX file has as metadata.

    Args:
        segmenter: what to export.
        path: the file to make or to replace, ``.pt2``.
        streaming: the states of a causal network are inputs and outputs, too.

    Returns:
        The check that the file passed.

    Raises:
        ValueError: if the network cannot stream or cannot be exported, a weight is not finite, or the program computes
            something else.
        FileNotFoundError: if the folder does not exist.
        PermissionError: if no file can be created in it.
    """
    segmenter = _ready(segmenter)
    with atomic_path(path) as temporary:
        traced = traceable(folded(segmenter), streaming)
        program = _pt2_program(segmenter, traced)
        _save_program(program, temporary)
        module = torch.export.load(temporary).module()

        def run(inputs: Sequence[npt.NDArray[np.float32]]) -> Any:
            with torch.inference_mode():
                return [output.numpy() for output in module(*map(torch.from_numpy, inputs))]

        difference = largest_difference(segmenter, run, traced, PT2_SIZES, path)
        certificate = _certificate("pt2", segmenter, traced, None, f"torch {torch.__version__}", difference)
        metadata = json.dumps({k: json.loads(v) for k, v in _metadata(segmenter, traced, certificate).items()})
        _save_program(program, temporary, {PT2_METADATA: metadata})
    return certificate


def _save_program(program: Any, path: Path, extra_files: dict[str, str] | None = None) -> None:
    buffer = io.BytesIO()  # into a file on a full disk, torch's writer would end the process
    torch.export.save(program, buffer, extra_files=extra_files)
    path.write_bytes(buffer.getbuffer())


def _ready(segmenter: Segmenter) -> Segmenter:
    """A copy on the CPU in evaluation mode, with finite weights."""
    segmenter.require_labels()
    check_finite(segmenter.state_dict(), "the segmenter")
    return copy.deepcopy(segmenter).cpu().eval()


def _onnx_program(segmenter: Segmenter, traced: WholeVideos, opset: int | None) -> Any:
    outputs, example = output_names(segmenter.net, traced), traced.example()
    try:
        with _quiet(), torch.no_grad():
            return torch.onnx.export(
                with_onnx_cells(traced),
                example,
                dynamo=True,
                dynamic_shapes=traced.dynamic_shapes(),
                input_names=["features", *(state.name for state in traced.states)],
                output_names=outputs,
                opset_version=opset,
                verbose=False,
            )
    except Exception as error:  # a chain of five kinds
        raise _cannot(segmenter, "onnx", error, f" with opset {opset}" if opset else "") from error


def _pt2_program(segmenter: Segmenter, traced: WholeVideos) -> torch.export.ExportedProgram:
    if any(isinstance(module, torch.nn.RNNBase) for module in traced.modules()):
        raise _cannot(segmenter, "pt2", ValueError("torch.export unrolls recurrent layers; try onnx"))
    try:
        # without it, a trace holds for more than one frame only; torch.onnx does the same
        with _quiet(), torch.no_grad(), fx_config.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
            return torch.export.export(
                traced, traced.example(), dynamic_shapes=traced.dynamic_shapes(1 if traced.streaming else 2)
            )
    except Exception as error:  # a chain of five kinds
        raise _cannot(segmenter, "pt2", error) from error


def _cannot(segmenter: Segmenter, format: str, error: Exception, how: str = "") -> ValueError:
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return ValueError(
        f"{type(segmenter.net).__name__} cannot be exported as {format}{how} for any number of frames: "
        f"{first_line(error)}"
    )


def _certificate(
    format: str, segmenter: Segmenter, traced: WholeVideos, opset: int | None, runtime: str, difference: float
) -> Certificate:
    name, chunks = type(segmenter.net).__name__, CHUNKS if traced.streaming else ()
    sizes = PT2_SIZES if format == "pt2" else SIZES
    return Certificate(format, name, traced.streaming, opset, runtime, sizes, chunks, difference)


def _metadata(segmenter: Segmenter, traced: WholeVideos, certificate: Certificate) -> dict[str, str]:
    values = {
        **segmenter.facts(),
        "segtcn": segtcn.__version__,
        "weights_sha256": segmenter.digest(),
        "certificate": certificate._asdict(),
        "states": [state._asdict() for state in traced.states],
    }
    return {name: json.dumps(value) for name, value in values.items()}


def _require(*packages: str) -> None:
    from importlib.util import find_spec

    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ImportError(f'ONNX files need {", ".join(missing)}: pip install "segtcn[export]"')


def _runtime(package: str) -> str:
    from importlib.metadata import version

    return f"{package} {version(package)}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters warn of what the check afterwards finds out."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
