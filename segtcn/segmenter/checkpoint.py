"""The file of a trained network: what it holds beside the weights, and how it is read without running its code."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from segtcn.labels import Classes
from segtcn.labels.classes import listed
from segtcn.labels.track_classes import TrackClasses
from segtcn.segmenter.sealed_file import DamagedFileError, check_seal, read_sealed, write_sealed
from segtcn.segmenter.weights import check_finite
from segtcn.structures import Track

CHECKPOINT_KEY = "segtcn"
"""Entry of a checkpoint with the version and the facts of the segmenter."""

VERSION = 2
"""Of the format. 1: the task held the network itself, and ``fps`` was the rate that the network saw."""

SEALED = "sealed"
"""Among the facts of a file that ends with its checksum, so that losing this is noticed."""

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
        The file; of a run its ``best.ckpt`` where training selected one, or else ``last.ckpt``. Where that is damaged,
        the newest intact one, with a warning.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if all are damaged.
    """
    path = Path(path)
    return path if path.is_file() else newest_intact(path, ("best.ckpt", "last.ckpt"))


def is_trained_run(folder: Path) -> bool:
    """Whether a folder is that of a run with checkpoints or predictions; a config alone makes none."""
    return (folder / "checkpoints").is_dir() or (folder / "run.json").is_file()


def newest_intact(folder: Path, first: Sequence[str] = ("last.ckpt",)) -> Path:
    """The first intact checkpoint of a run, with a warning if it replaces a damaged one.

    Args:
        folder: of the run.
        first: names that come before all others, which are tried from the newest on.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if all are damaged.
    """
    candidates = (*(folder / "checkpoints").glob("**/*.ckpt"), folder / "last.ckpt")
    # not the unfinished file of a process that was killed, whose name begins with a dot
    files = [file for file in candidates if file.is_file() and not file.name.startswith(".")]
    if not files:
        if inside := sorted(path.parent.name for path in folder.glob("*/checkpoints")):
            raise FileNotFoundError(f"no checkpoint {folder}: it holds the runs {listed(inside)}, give one of them")
        raise FileNotFoundError(
            f"no checkpoint {folder}: `segtcn fit` writes one as checkpoints/last.ckpt into the folder of its run"
        )
    rank = {name: number for number, name in enumerate(first)}
    files.sort(key=lambda file: (rank.get(file.name, len(first)), -file.stat().st_mtime_ns))
    for file in files:
        try:
            if not check_seal(file):  # of another writer, or its checksum is cut off
                read_stored(file)
        except DamagedFileError:
            continue
        if file != files[0]:
            warnings.warn(f"{files[0]} is damaged: {file} is used instead", stacklevel=2)
        return file
    raise ValueError(f"{files[0]} cannot be read as a checkpoint, nor can any other of {folder}: all are damaged")


def read_checkpoint(path: str | os.PathLike[str], map_location: Any = "cpu") -> Checkpoint:
    """Read a checkpoint with ``weights_only=True``: no code of the file is run.

    Args:
        path: written by :meth:`segtcn.segmenter.Segmenter.save`, the command line or Lightning.
        map_location: device of the weights.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a checkpoint of segtcn, it is damaged, or a newer version wrote it.
    """
    stored = read_stored(path, map_location)
    weights = stored["state_dict"].items()
    facts = {name: value for name, value in stored[CHECKPOINT_KEY].items() if name not in ("version", SEALED)}
    return Checkpoint(facts, {name.removeprefix(PREFIX): value for name, value in weights if name.startswith(PREFIX)})


def read_stored(path: str | os.PathLike[str], map_location: Any = "cpu") -> dict[str, Any]:
    """Read all of a checkpoint, the state of training included, as :func:`read_checkpoint` reads its part.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a checkpoint of segtcn, it is damaged, or a newer version wrote it.
    """
    stored = read_sealed(path, map_location)
    facts, weights = (stored.get(key) if isinstance(stored, dict) else None for key in (CHECKPOINT_KEY, "state_dict"))
    if not isinstance(facts, dict) or not isinstance(weights, dict):
        raise ValueError(f"{path} was not written by segtcn: it has no entry {CHECKPOINT_KEY!r}")
    if (version := facts.get("version", 1)) not in range(1, VERSION + 1):
        raise ValueError(f"{path} was written by a newer segtcn (format {version}, this one reads {VERSION}): update")
    if facts.get(SEALED) and not check_seal(path):
        raise DamagedFileError(f"{path} cannot be read as a checkpoint: its checksum is lost, so it is damaged")
    if not all(isinstance(values, Tensor) for values in weights.values()):
        raise ValueError(f"{path} was not written by segtcn: its weights are not tensors")
    upgrade(stored)
    check_finite(weights, path)
    return stored


def write_stored(path: str | os.PathLike[str], stored: dict[str, Any]) -> None:
    """Write a checkpoint with a checksum; complete and on the disk, or not at all."""
    if CHECKPOINT_KEY in stored:
        stored = {**stored, CHECKPOINT_KEY: {**stored[CHECKPOINT_KEY], SEALED: True}}
    write_sealed(path, stored)


def write_checkpoint(path: str | os.PathLike[str], facts: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Write a checkpoint without a training state; complete or not at all.

    Args:
        path: the file to make or to replace.
        facts: of the segmenter.
        weights: of the segmenter, by name.
    """
    write_stored(
        path, {CHECKPOINT_KEY: with_version(facts), "state_dict": {PREFIX + name: w for name, w in weights.items()}}
    )


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


def track_facts(tracks: Sequence[Track]) -> list[dict[str, Any]]:
    """Tracks as plain values, for checkpoints."""
    return [track._asdict() | {"class_names": [*track.class_names]} for track in tracks]


def classes_of(facts: dict[str, Any]) -> Classes:
    """The classes that the facts of a segmenter describe."""
    if tracks := facts.get("tracks"):
        return TrackClasses.of(Track(**track | {"class_names": tuple(track["class_names"])}) for track in tracks)
    return Classes(tuple(facts["class_names"]), facts["background"])
