"""A folder as the Hugging Face Hub has them: weights as safetensors, facts as JSON, a model card."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

import segtcn
from segtcn.atomic import atomic_path, write_json, write_text
from segtcn.segmenter.checkpoint import VERSION, Checkpoint
from segtcn.segmenter.segmenter import Segmenter
from segtcn.segmenter.weights import check_finite, check_num_weights

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"

CARD_TEXT = """\
---
library_name: segtcn
pipeline_tag: video-classification
tags: [temporal-action-segmentation]
license: other  # TODO: yours, and that of the data
---
# {network} for temporal action segmentation

One of {num_classes} action labels for every frame of a video. {weights:,} weights, made by segtcn {version}.

```python
import segtcn

labels = segtcn.load("THIS_FOLDER_OR_hf:USER/NAME").predict("features.npy")  # (D, T)
```

## Input
Features ``(D, T)``, D = {in_channels}, {fps} stored frames per second. The network sees one in {sample_rate}.
How they were made: {extraction}.

## Classes
{classes}. Background: {background}.

## Data
{data}

## Scores
Protocol `{protocol}`, in percent. {scores}

## Intended use
Segmenting videos of the kind that the network was trained on. It gives every frame one of its classes, also in videos
that show none of them. It was not tested on other cameras, places or people, and not for decisions about people.
"""


def save_folder(
    segmenter: Segmenter, folder: str | os.PathLike[str], run: str | os.PathLike[str] | None = None
) -> Path:
    """Write ``model.safetensors``, ``config.json`` and a model card; ``segtcn.load`` reads the folder.

    Args:
        segmenter: what to write.
        folder: to make, or with such files to replace.
        run: the folder of the run that trained it: its ``run.json`` and ``test_scores.json`` go into the card.

    Returns:
        The folder.

    Raises:
        ImportError: if safetensors is not installed.
        ValueError: if a weight is not finite.
        FileExistsError: if ``folder`` is a run, or would lose such files of somebody else.
        FileNotFoundError: if the folder above does not exist.
        PermissionError: if it cannot be written.

    Example:
        >>> save_folder(Segmenter.load("runs/demo"), "demo-ed-tcn", run="runs/demo")  # doctest: +SKIP
    """
    save_file = _safetensors().torch.save_file
    weights = {name: values.detach().cpu().contiguous().clone() for name, values in segmenter.state_dict().items()}
    check_finite(weights, "the segmenter")
    folder = Path(folder)
    if not folder.is_dir():
        try:
            folder.mkdir()
        except FileExistsError as error:
            raise PermissionError(f"cannot write {folder}: it is a file; give the name of a folder") from error
    _check_is_ours(folder)
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file(weights, temporary, metadata={"format": "pt"})
        facts = {"version": VERSION, "segtcn": segtcn.__version__, **segmenter.facts()}
        # before the weights have their name: what is left of a process that was killed is known as an export
        write_json(folder / CONFIG, {"sha256": checksum(facts, temporary.read_bytes()), **facts})
    write_text(folder / CARD, _card(segmenter, None if run is None else Path(run)))
    return folder


def _check_is_ours(folder: Path) -> None:
    files = [folder / name for name in (CONFIG, WEIGHTS, CARD) if (folder / name).exists()]
    config = folder / CONFIG
    is_export = config.is_file() and '"segtcn": ' in config.read_text(encoding="utf-8", errors="replace")
    # of a run as well: it would be loaded from here, also after more training
    in_the_way = [folder / "run.json", folder / "checkpoints", *([] if is_export else files)]
    if present := [path for path in in_the_way if path.exists()]:
        raise FileExistsError(f"{present[0]} is there and was not exported: choose another `folder`")


def read_folder(folder: Path) -> Checkpoint:
    """Read a folder of :func:`save_folder`.

    Raises:
        ImportError: if safetensors is not installed.
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged or altered, or a newer segtcn wrote it.
    """
    config, path = folder / CONFIG, folder / WEIGHTS
    for file in (config, path):
        if not file.is_file():
            raise FileNotFoundError(f"no {file}: export the folder again, or download all of it")
    try:
        facts = json.loads(config.read_text(encoding="utf-8"))
        seal, is_newer = facts.pop("sha256"), facts["version"] > VERSION
        facts["net"]["init_args"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{config} was not written by segtcn, or is damaged ({error!r}): export it again") from error
    if is_newer:
        raise ValueError(
            f"{folder} was written by a newer segtcn (format {facts['version']}, this one reads {VERSION}): update"
        )
    if seal != checksum(facts, path.read_bytes()):
        raise ValueError(
            f"{config} or {path.name} was altered after the export: download or export the folder again; to change "
            "facts, change the segmenter and call `save_folder`"
        )
    weights = _read_weights(path, facts, config)
    check_finite(weights, folder)
    return Checkpoint(facts, weights)


def checksum(facts: Mapping[str, Any], weights: bytes) -> str:
    """SHA-256 of the facts, however they are laid out, and of the file of the weights."""
    as_read = json.loads(json.dumps(facts))  # where keys are texts
    return hashlib.sha256(json.dumps(as_read, sort_keys=True).encode() + weights).hexdigest()


def _read_weights(path: Path, facts: dict[str, Any], config: Path) -> dict[str, Tensor]:
    """The weights, once the config claims no more of them than there are."""
    safetensors = _safetensors()
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            num_values = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
            check_num_weights(facts, num_values, config)
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}): export or download it again") from error


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError('folders for the Hub need safetensors: pip install "segtcn[export]"') from error
    return safetensors


def _card(segmenter: Segmenter, run: Path | None) -> str:
    record, scores = _read_json(run, "run.json"), _read_json(run, "test_scores.json")
    classes = segmenter.classes
    background = classes.background
    data = {name: record[name] for name in ("data", "split", "seed") if record.get(name) not in (None, {})}
    numbers = ", ".join(f"{name} {value:.1f}" for name, value in scores.items() if isinstance(value, int | float))
    return CARD_TEXT.format(
        network=type(segmenter.net).__name__,
        num_classes=len(classes),
        weights=sum(parameter.numel() for parameter in segmenter.net.parameters()),
        version=segtcn.__version__,
        in_channels=segmenter.net.in_channels,
        fps="an unknown number of" if segmenter.fps is None else f"{segmenter.fps:g}",
        sample_rate=segmenter.sample_rate,
        extraction="unknown" if segmenter.extraction is None else f"`{json.dumps(segmenter.extraction)}`",
        classes=", ".join(classes.names),
        background="none" if background is None else classes.names[background],
        data="Not stated." if not data else f"```json\n{json.dumps(data, indent=2)}\n```",
        protocol=segmenter.protocol,
        scores=f"{numbers}." if numbers else "Not stated.",
    )


def _read_json(folder: Path | None, name: str) -> Mapping[str, Any]:
    """What lies beside a checkpoint; nothing where there is no such file."""
    if folder is None or not (folder / name).is_file():
        return {}
    values = json.loads((folder / name).read_text(encoding="utf-8"))
    return values if isinstance(values, dict) else {}
