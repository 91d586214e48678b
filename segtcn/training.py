"""Training in one call: a network by name, with the recipe of its paper."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser
from pytorch_lightning import Trainer, seed_everything
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable

import segtcn.models  # noqa: F401  # the networks that configs name
from segtcn.callbacks.epoch_progress import EpochProgressBar
from segtcn.config_names import config_folder
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import Reader
from segtcn.data_source import ReaderFacts, open_data
from segtcn.losses import Loss
from segtcn.models import SegmentationModel
from segtcn.segmenter import Segmenter
from segtcn.task import SegmentationTask


def fit(
    network: str | SegmentationModel,
    data: str | Path | Reader,
    *,
    fps: float | None = None,
    background: str | None = None,
    split: int = 1,
    max_epochs: int | None = None,
    seed: int = 0,
) -> Segmenter:
    """Train a network on the training videos of a split, with the loss, optimizer and epochs of its paper.

    Nothing is selected: the last epoch counts. ``segtcn fit`` does the same with all options, checkpoints and a logger.

    Args:
        network: a name such as ``"MS-TCN"`` or ``"ed_tcn"``, or a network, which is trained as its class is.
        data: a data config, a folder (that ``segtcn init`` made, or of an MS-TCN tree), an HDF5 file, or a reader.
            Values of a data config, such as ``standardize``, win over those of the recipe.
        fps: frames per second of the stored features; for an MS-TCN tree.
        background: name of the background class; for an MS-TCN tree.
        split: number of the split.
        max_epochs: None takes those of the paper.
        seed: of the weights and the order of the videos.

    Returns:
        The trained network, in evaluation mode.

    Raises:
        ValueError: if the network is unknown, or the data are wrong.
        FileNotFoundError: if there are no data.

    Example:
        >>> model = fit("ED-TCN", "mydata")  # doctest: +SKIP
        >>> model.predict(features).rows()  # doctest: +SKIP
        >>> model.save("model.ckpt")  # doctest: +SKIP
    """
    recipe = _recipe(network)
    seed_everything(seed, verbose=False)
    reader, options = (data, {}) if isinstance(data, Reader) else _open(Path(data), fps, background)
    options = {**recipe.get("data", {}), **options, "split": split, "seed": seed}
    module = SegmentationDataModule(reader, **options)
    parts = _parts(recipe["model"], module, build_net=isinstance(network, str))
    net = parts.pop("net", network)
    task = SegmentationTask(Segmenter.for_data(net, module, parts.pop("protocol", "lea")), **parts)
    trainer = Trainer(
        **{**recipe.get("trainer", {}), **({} if max_epochs is None else {"max_epochs": max_epochs})},
        deterministic=True,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[EpochProgressBar()],
    )
    trainer.fit(task, module)
    return task.segmenter.eval()


def _recipe(network: str | SegmentationModel) -> dict[str, Any]:
    """The config of a network, by its name in any writing."""
    name = network if isinstance(network, str) else type(network).__name__
    recipes = {_plain(path.stem): path for path in sorted((config_folder() / "model").glob("*.yaml"))}
    if _plain(name) not in recipes:
        known = ", ".join(path.stem for path in recipes.values())
        raise ValueError(f"no recipe for the network {name!r}: choose from {known}, or use `SegmentationTask`")
    recipe: dict[str, Any] = yaml.safe_load(recipes[_plain(name)].read_text(encoding="utf-8"))
    return recipe


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower().replace("+", "plus"))


def _open(path: Path, fps: float | None, background: str | None) -> tuple[Reader, dict[str, Any]]:
    """The reader of a folder or file, and what its config says of the data module."""
    source = open_data(path.expanduser(), [], ReaderFacts(fps, background).options())
    if "fps" in source.assumed:
        raise ValueError(f"`fps` is needed, the frames per second of the features: nothing in {path} says it")
    for note in source.notes:
        warnings.warn(note, stacklevel=3)
    return source.reader, {name: source.options[name] for name in source.chosen}


def _parts(model: dict[str, Any], module: SegmentationDataModule, build_net: bool) -> dict[str, Any]:
    """Network, loss and optimizer of a recipe, instantiated."""
    parser = ArgumentParser(exit_on_error=False)
    types = {
        "net": SegmentationModel,
        "loss": Loss | None,
        "optimizer": OptimizerCallable,
        "lr_scheduler": LRSchedulerCallable | None,
        "protocol": str,
    }
    config = {name: value for name, value in model.items() if name != "net" or build_net}
    for name in config:
        parser.add_argument(f"--{name}", type=types[name])
    if build_net:
        widths = {"in_channels": module.in_channels, "num_classes": module.num_classes}
        config["net"] = {**config["net"], "init_args": {**config["net"].get("init_args", {}), **widths}}
    parts = parser.instantiate(parser.parse_object(config))
    return {name: parts[name] for name in config}
