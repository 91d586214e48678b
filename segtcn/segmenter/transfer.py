"""A checkpoint against a network that was built for other data: what differs, and which weights fit."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator
from typing import Any

from segtcn.segmenter.checkpoint import read_checkpoint
from segtcn.segmenter.segmenter import Segmenter

_OF_DATA = {"in_channels", "num_classes"}
"""Arguments of networks that the data decide."""


def check_same(path: str | os.PathLike[str], segmenter: Segmenter) -> None:
    """Refuse the checkpoint of another network or of other classes; warn if its features had another rate or origin.

    Args:
        path: of the checkpoint.
        segmenter: that is to get its weights.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming all that differs.
    """
    stored, present = read_checkpoint(path).facts, segmenter.facts()
    if differences := [*_other_network(stored["net"], present["net"]), *_other_labels(stored, present)]:
        raise ValueError(
            f"{path} is of another network or of other data: {'; '.join(differences)}; choose another checkpoint, or "
            "train again"
        )
    for name in ("fps", "sample_rate", "extraction"):
        before, now = stored.get(name), present[name]
        if None not in (before, now) and before != now:
            warnings.warn(f"{path} was trained on features of `{name}` {before}, these have {now}", stacklevel=2)


def take_weights(path: str | os.PathLike[str], segmenter: Segmenter) -> tuple[int, list[str]]:
    """Give a network the weights of a checkpoint of its kind; layers of another size, such as the head, stay new.

    Args:
        path: of the checkpoint.
        segmenter: with the network to fill.

    Returns:
        How many tensors were taken, and the names of those that stay new.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is of another network, or no tensor fits.
    """
    checkpoint, present = read_checkpoint(path), segmenter.net.state_dict()
    stored = {name.removeprefix("net."): values for name, values in checkpoint.weights.items()}
    fitting = {name: stored[name] for name in present if name in stored and stored[name].shape == present[name].shape}
    new = [name for name in present if name not in fitting]
    others = [*_other_network(checkpoint.facts["net"], segmenter.net.spec, skip=_OF_DATA)] if new else []
    if others or not fitting:
        raise ValueError(f"the weights of {path} do not fit: {'; '.join(others) or 'no layer has the same size'}")
    segmenter.net.load_state_dict(fitting, strict=False)
    return len(fitting), new


def _other_network(stored: dict[str, Any], present: dict[str, Any], skip: Collection[str] = ()) -> Iterator[str]:
    if stored["class_name"] != present["class_name"]:
        yield f"it is of {stored['class_name']}, this is {present['class_name']}"
        return
    for name, value in present["init_args"].items():
        before = stored["init_args"].get(name, value)
        if before != value and name not in skip:
            yield f"its `{name}` is {before}, here {value}"


def _other_labels(stored: dict[str, Any], present: dict[str, Any]) -> Iterator[str]:
    before, now = stored["class_names"], present["class_names"]
    if stored.get("target", "single") != present["target"]:
        yield f"its target is {stored.get('target', 'single')}, here {present['target']}"
    if before != now and sorted(before) == sorted(now):
        first = next(number for number, pair in enumerate(zip(before, now, strict=True)) if pair[0] != pair[1])
        yield f"its classes have another order: number {first} is {before[first]!r}, here {now[first]!r}"
        return
    for names, others, what in ((before, now, "only it has"), (now, before, "it lacks")):
        if missing := [name for name in names if name not in others]:
            yield f"{what} the classes {', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}"
