"""ONNX files through onnxruntime, and the seal that shows whether a file was altered."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

SEAL = "sha256"
"""Name of the metadata with the hash of the file, computed with :data:`UNSEALED` in its place."""

UNSEALED = "0" * 64


def open_session(path: Path) -> Any:
    """An onnxruntime session on the CPU with as many threads as PyTorch.

    Raises:
        ImportError: if onnxruntime is not installed.
        ValueError: if the file is not an ONNX file, or onnxruntime lacks an operator of it.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError('ONNX files need onnxruntime: pip install "segtcn[export]"') from error
    import torch

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors come as exceptions
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has nine kinds of its own
        raise ValueError(f"{path} cannot be read as ONNX ({first_line(error)}): export it again") from error


def read_metadata(path: Path, session: Any) -> dict[str, Any]:
    """The metadata that ``segtcn export`` wrote, if the file is as it was then.

    Raises:
        ValueError: if segtcn did not export the file, or it was altered since.
    """
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    if SEAL not in metadata or "certificate" not in metadata:
        raise ValueError(f"{path} was not exported by segtcn: it has no certificate; run it by onnxruntime itself")
    stated = metadata.pop(SEAL)
    if _hash(path.read_bytes(), stated) != stated:
        raise ValueError(f"{path} was altered after its export, and its certificate does not hold: export it again")
    return {name: json.loads(value) for name, value in metadata.items()}


def seal(path: Path) -> None:
    """Write the hash of a file, whose metadata have :data:`UNSEALED` in its place."""
    content = path.read_bytes()
    path.write_bytes(content.replace(UNSEALED.encode(), _hash(content, UNSEALED).encode()))


def first_line(error: BaseException) -> str:
    """The beginning of an error's message."""
    return (str(error).strip() or type(error).__name__).split("\n", 1)[0][:300]


def _hash(content: bytes, stated: str) -> str:
    return hashlib.sha256(content.replace(stated.encode(), UNSEALED.encode())).hexdigest()
