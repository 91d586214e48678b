"""One door for everything that holds a trained network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from segtcn.segmenter.segmenter import Segmenter

HUB = "hf:"
"""Before the name of a repository of the Hugging Face Hub."""


def load(path: str | os.PathLike[str], map_location: Any = "cpu") -> Segmenter:
    """Load a trained network in evaluation mode.

    Args:
        path: a checkpoint, the folder of a run, a folder or an ONNX file of ``segtcn export``, or ``hf:user/name``,
            which is downloaded from the Hugging Face Hub.
        map_location: device of the weights; an ONNX file runs on the CPU.

    Raises:
        FileNotFoundError: if there is no such file or repository.
        ImportError: if a package of the extra ``export`` is missing.
        ValueError: if it is not of segtcn, damaged or altered, or a newer version wrote it.
    """
    if isinstance(path, str) and path.startswith(HUB):
        path = _download(path.removeprefix(HUB))
    if Path(path).suffix.lower() == ".onnx":
        from segtcn.segmenter.export import OnnxSegmenter

        return OnnxSegmenter(path)
    return Segmenter.load(path, map_location)


def _download(name: str) -> str:
    try:
        import huggingface_hub
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError as error:
        raise ImportError('the Hub needs huggingface_hub: pip install "segtcn[export]"') from error
    try:
        return huggingface_hub.snapshot_download(name, allow_patterns=["config.json", "model.safetensors"])
    except Exception as error:  # of the Hub, of HTTP and of the system
        # older releases of huggingface_hub name the server's answer in the cause alone
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else None
        reason = str(cause or error).strip().split("\n", 1)[0][:300]
        raise FileNotFoundError(f"{HUB}{name} cannot be downloaded ({reason}): check name and network") from error
