"""What a checkpoint says beside its weights, and how it is read without running any code of it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import IO, Any

import torch

CHECKPOINT_KEY = "segtcn"
"""Entry of a checkpoint with the network's constructor call, class names, background, fps, sample rate and protocol."""


def read_checkpoint(path: str | Path | IO[bytes], map_location: Any = "cpu") -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a checkpoint with ``weights_only=True``.

    Args:
        path: written by the command line or from Python.
        map_location: device of the weights.

    Returns:
        The whole checkpoint, and its entry :data:`CHECKPOINT_KEY`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no checkpoint of segtcn.
    """
    if isinstance(path, str | Path) and not Path(path).is_file():
        raise FileNotFoundError(
            f"no checkpoint {path}: `segtcn fit` writes one as checkpoints/last.ckpt in its run folder"
        )
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} cannot be read as a checkpoint: it is damaged, or holds more than weights and plain values "
            "and could run code"
        ) from error
    if not isinstance(checkpoint, dict) or CHECKPOINT_KEY not in checkpoint:
        raise ValueError(f"{path} was not written by segtcn: it has no entry {CHECKPOINT_KEY!r}")
    return checkpoint, dict(checkpoint[CHECKPOINT_KEY])
