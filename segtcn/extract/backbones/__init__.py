"""Backbones by name."""

from __future__ import annotations

from pathlib import Path

import torch

from segtcn.extract.backbones.backbone import Backbone, Pooling
from segtcn.extract.backbones.huggingface import Precision

__all__ = ["Backbone", "Pooling", "Precision", "load_backbone"]


def load_backbone(
    name: str,
    device: str = "auto",
    precision: Precision = "auto",
    pooling: Pooling = "auto",
    preprocessing: str | Path | None = None,
    progress: bool = False,
) -> Backbone:
    """Load what makes features of frames.

    Args:
        name: ``builtin``, an ONNX file (``*.onnx``), a folder with a Hugging Face model, or a name on their Hub.
        device: ``cpu``, ``cuda``, ``cuda:1``, ...; ``auto`` takes a GPU where there is one.
        precision: of Hugging Face models: ``float32`` or ``bfloat16``; ``auto`` takes the latter on a GPU.
        pooling: how many vectors become one: ``auto``, ``mean`` or ``cls``.
        preprocessing: a ``preprocessor_config.json`` to use instead of the model's own.
        progress: show the bars of Hugging Face while a model is downloaded and read.

    Raises:
        FileNotFoundError: if the model does not exist.
        ImportError: if the library that runs it is not installed.
        ValueError: if an argument is wrong, or the model cannot describe frames.

    Example:
        >>> load_backbone("builtin").feature_dim
        278
    """
    if name == "builtin":
        from segtcn.extract.descriptor import BuiltinBackbone

        return BuiltinBackbone()
    place = choose_device(device)
    if name.lower().endswith(".onnx"):
        from segtcn.extract.backbones.onnx_file import OnnxBackbone

        return OnnxBackbone(name, place, pooling, preprocessing)
    from segtcn.extract.backbones.huggingface import HuggingFaceBackbone

    return HuggingFaceBackbone(name, place, precision, pooling, preprocessing, progress)


def choose_device(name: str) -> torch.device:
    """The device of a name; ``auto`` is a GPU where there is one.

    Raises:
        ValueError: if it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA raises AssertionError
        reason = str(error).split("\n", 1)[0]
        raise ValueError(f"`device` {name!r} is not here ({reason}): choose auto, cpu or cuda") from error
    return device
