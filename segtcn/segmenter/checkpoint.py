"""The file of a trained network: what it holds beside the weights, and how it is read without running its code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from segtcn.atomic import atomic_path

CHECKPOINT_KEY = "segtcn"
"""Entry of a checkpoint with the version and the facts of the segmenter."""

VERSION = 2
"""Of the format. 1: the task held the network itself, and ``fps`` was the rate that the network saw."""

PREFIX = "segmenter."
"""Of the segmenter's weights among those of a training task."""


class Checkpoint(NamedTuple):
    """What a file of a trained network holds.

    Args:
        facts: of the segmenter, as :meth:`segtcn.segmenter.Segmenter.facts` gives them.
        weights: of the segmenter, by name.
    """

    facts: dict[str, Any]
    weights: dict[str, Tensor]


def find_checkpoint(path: str | os.PathLike[str]) -> Path:
    """The checkpoint that a path stands for.

    Args:
        path: a file, or the folder of a run.

    Returns:
        The file; of a run its ``best.ckpt`` where training selected one, or else ``last.ckpt``.

    Raises:
        FileNotFoundError: if there is none.
    """
    path = Path(path)
    if path.is_file():
        return path
    for file in (path / "checkpoints" / "best.ckpt", path / "checkpoints" / "last.ckpt", path / "last.ckpt"):
        if file.is_file():
            return file
    raise FileNotFoundError(
        f"no checkpoint {path}: `segtcn fit` writes one as checkpoints/last.ckpt into the folder of its run"
    )


def read_checkpoint(path: str | os.PathLike[str], map_location: Any = "cpu") -> Checkpoint:
    """Read a checkpoint with ``weights_only=True``: no code of the file is run.

    Args:
        path: written by :meth:`segtcn.segmenter.Segmenter.save`, the command line or Lightning.
        map_location: device of the weights.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a checkpoint of segtcn, or a newer version wrote it.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no checkpoint {path}: check the path")
    try:
        stored = torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} cannot be read as a checkpoint: it is damaged, or holds more than weights and plain values "
            "and could run code"
        ) from error
    if not isinstance(stored, dict) or CHECKPOINT_KEY not in stored or "state_dict" not in stored:
        raise ValueError(f"{path} was not written by segtcn: it has no entry {CHECKPOINT_KEY!r}")
    if (version := stored[CHECKPOINT_KEY].get("version", 1)) > VERSION:
        raise ValueError(f"{path} was written by a newer segtcn (format {version}, this one reads {VERSION}): update")
    upgrade(stored)
    weights = stored["state_dict"].items()
    facts = {name: value for name, value in stored[CHECKPOINT_KEY].items() if name != "version"}
    return Checkpoint(facts, {name.removeprefix(PREFIX): value for name, value in weights if name.startswith(PREFIX)})


def write_checkpoint(path: str | os.PathLike[str], facts: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Write a checkpoint without a training state; complete or not at all.

    Args:
        path: the file to make or to replace.
        facts: of the segmenter.
        weights: of the segmenter, by name.
    """
    stored = {CHECKPOINT_KEY: with_version(facts), "state_dict": {PREFIX + name: w for name, w in weights.items()}}
    with atomic_path(path) as temporary:
        torch.save(stored, temporary)


def with_version(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a segmenter as a checkpoint holds them."""
    return {"version": VERSION, **facts}


def upgrade(stored: dict[str, Any]) -> None:
    """Bring a checkpoint of format 1 to the present one, in place; of the losses that weigh classes, counts stay apart.

    Args:
        stored: a whole checkpoint.
    """
    facts = stored[CHECKPOINT_KEY]
    if facts.get("version", 1) != 1:
        return
    if facts.get("fps") is not None:
        facts["fps"] *= facts["sample_rate"]
    facts |= {"version": VERSION, "extraction": None}
    stored["state_dict"] = {
        PREFIX + name if name.startswith(("net.", "standardization.")) else name: value
        for name, value in stored["state_dict"].items()
    }
