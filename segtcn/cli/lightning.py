"""``segtcn fit``, ``validate``, ``test``, ``predict``: LightningCLI with the data linked into the network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

import segtcn.data.readers
import segtcn.models  # noqa: F401  # so that `--model.net EDTCN` and `--data.reader LeaReader` need no module path
from segtcn.atomic import atomic_path
from segtcn.callbacks.predictions import PredictionWriter
from segtcn.callbacks.progress import EpochProgressBar
from segtcn.callbacks.throughput import Throughput
from segtcn.callbacks.wandb import ExperimentLogger, WandbSegmentations, finish
from segtcn.cli.parser_errors import shorten_errors
from segtcn.cli.quiet import quieten
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.segmenter import read_checkpoint
from segtcn.task import make_task
from segtcn.text_table import SCORES, scores_table

# what the network and the task take from the data, so that model and data configs compose freely
LINKS = {
    "data.num_classes": "model.net.init_args.num_classes",
    "data.in_channels": "model.net.init_args.in_channels",
    "data.class_names": "model.class_names",
    "data.background": "model.background",
    "data.stored_fps": "model.stored_fps",
    "data.extraction": "model.extraction",
    "data.sample_rate": "model.sample_rate",
}


class SegmentationCLI(LightningCLI):
    """LightningCLI of :class:`SegmentationTask` and :class:`SegmentationDataModule`.

    A run has one folder, ``trainer.default_root_dir`` (by default ``runs/DATE-TIME``): the config, checkpoints,
    predictions and the logger's files all lie in it.

    Args:
        args: the command line, without the program's name.
        run: whether to run the subcommand that ``args`` begins with; if False, ``args`` holds none and the trainer,
            task and data module are only built.
    """

    def __init__(self, args: Sequence[str], run: bool = True) -> None:
        quieten()
        super().__init__(
            make_task,
            SegmentationDataModule,
            save_config_callback=SaveRunConfig,
            save_config_kwargs={"overwrite": True},
            seed_everything_default=0,
            parser_kwargs={"prog": "segtcn"},
            args=list(args),
            run=run,
            auto_configure_optimizers=False,
        )

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Make the parser of the program or of a subcommand; its errors are short."""
        return shorten_errors(super().init_parser(**kwargs))

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse ``args``, and look at the checkpoint that they name before anything is built.

        The parent would warn that ``sys.argv`` is not used, which is meant for other callers.
        """
        self.config = parser.parse_args(args)
        path = self.config[self.config.subcommand].ckpt_path if self.config.get("subcommand") else None
        if path not in (None, "best", "last", "hpc", "registry"):  # Lightning's own words for a checkpoint
            read_checkpoint(path)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the links from the data to the network and the callbacks of every run."""
        for source, target in LINKS.items():
            parser.link_arguments(source, target, apply_on="instantiate")
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        # where no model config says it; Lightning's own default, 1000 with a warning, is nobody's recipe
        parser.set_defaults({"trainer.max_epochs": 200})
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        # By default nothing is selected: the last epoch counts, and saving now and then makes a run resumable. Not
        # `save_top_k=0`: Lightning then writes last.ckpt at the end only
        parser.set_defaults({"checkpoint.save_last": True, "checkpoint.save_top_k": 1, "checkpoint.every_n_epochs": 10})
        parser.add_lightning_class_args(PredictionWriter, "predictions")
        # links, not defaults: a config taken from one run must not write into that run's folder again
        parser.set_defaults({"trainer.default_root_dir": f"runs/{datetime.now():%Y%m%d-%H%M%S-%f}"})
        parser.link_arguments("trainer.default_root_dir", "checkpoint.dirpath", compute_fn=_checkpoints_of)
        parser.link_arguments("trainer.default_root_dir", "predictions.folder", compute_fn=_predictions_of)
        parser.add_lightning_class_args(WandbSegmentations, "wandb_segmentations")
        parser.add_lightning_class_args(Throughput, "throughput")
        parser.add_lightning_class_args(EpochProgressBar, "progress")

    def before_instantiate_classes(self) -> None:
        """Make the run's folder, unless it holds another run."""
        config = self.config if self.subcommand is None else self.config[self.subcommand]
        folder = Path(config.trainer.default_root_dir)
        if self.subcommand in ("validate", "test", "predict") and config.ckpt_path is None:
            last = folder / "checkpoints" / "last.ckpt"
            if not last.is_file():
                raise ValueError(f"no checkpoint: --ckpt_path FILE says which; there is no {last}")
            config.ckpt_path = str(last)  # a network with new weights would be scored otherwise
        logger = config.trainer.logger
        if hasattr(logger, "class_path") and logger.class_path.endswith(ExperimentLogger.__name__):
            logger.init_args.save_dir = str(folder)
        if self.subcommand == "fit" and config.ckpt_path is None and (folder / "config.yaml").exists():
            raise ValueError(
                f"{folder} already holds a run: choose another folder with --trainer.default_root_dir, "
                f"or continue it with --ckpt_path {folder}/checkpoints/last.ckpt, if that is there"
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                f"cannot write the run into {folder}: {error.strerror}; choose another folder with "
                "--trainer.default_root_dir"
            ) from error

    def fit(self, **kwargs: Any) -> None:
        """Train, then say where the run lies."""
        self.trainer.fit(**kwargs)
        folder = self.trainer.default_root_dir
        print(
            f"run: {folder}\nscore it: segtcn test -c {folder}/config.yaml --ckpt_path {folder}/checkpoints/last.ckpt"
        )

    def validate(self, **kwargs: Any) -> None:
        """Score the validation videos and print the table."""
        self._report("val", self.trainer.validate(**{**kwargs, "verbose": False}))

    def test(self, **kwargs: Any) -> None:
        """Score the test videos, print the table and say where the predictions lie."""
        self._report("test", self.trainer.test(**{**kwargs, "verbose": False}))

    def predict(self, **kwargs: Any) -> None:
        """Predict the test videos, with or without ground truth, and say where the predictions lie."""
        self.trainer.predict(**{**kwargs, "return_predictions": False})
        print(f"predictions: {_predictions_of(self.trainer.default_root_dir)}")

    def _report(self, subset: str, results: list[Mapping[str, float]]) -> None:
        if not results:
            raise ValueError(f"no videos to score: `data.validation` is empty, so there are no {subset} videos")
        scores = {key: results[0][f"{subset}/{key}"] for key in SCORES}
        print(scores_table({subset: scores}, f"{self.model.segmenter.protocol} protocol"))
        folder = Path(self.trainer.default_root_dir)
        record = {"protocol": self.model.segmenter.protocol, **scores}
        with atomic_path(folder / f"{subset}_scores.json") as path:
            path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        print(f"scores: {folder / f'{subset}_scores.json'}")
        if subset == "test":
            print(f"predictions: {_predictions_of(str(folder))}")


def _checkpoints_of(folder: str) -> str:
    return f"{folder}/checkpoints"


def _predictions_of(folder: str) -> str:
    return f"{folder}/predictions"


def raise_if_interrupted(stop: SystemExit) -> None:
    """Turn the exit that Lightning makes of Ctrl-C back into what it was."""
    if isinstance(stop.__context__, KeyboardInterrupt):
        raise KeyboardInterrupt from stop


class SaveRunConfig(SaveConfigCallback):
    """Log the config of every run; save that of a training run in its folder."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: D102
        if stage != "fit":
            self.save_config(trainer, pl_module, stage)
            return
        config, self.config = self.config, self.config.clone()
        for key in ("ckpt_path", "weights_only"):  # of this start, not of the run: the config must start it anew
            self.config.pop(key, None)
        super().setup(trainer, pl_module, stage)
        self.config = config

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Log the whole config, defaults included."""
        if trainer.logger is not None:
            config = yaml.safe_load(self.parser.dump(self.config, skip_none=False))
            trainer.logger.log_hyperparams({key: value for key, value in config.items() if key != "config"})


def main(argv: Sequence[str]) -> None:
    """Run one of the subcommands; ``argv`` begins with its name."""
    try:
        SegmentationCLI(argv)
    except SystemExit as stop:
        raise_if_interrupted(stop)
        raise
    finally:
        finish()
