"""``segtcn fit``, ``validate``, ``test``: LightningCLI with the data linked into the network."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

import yaml
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback
from pytorch_lightning.utilities import rank_zero_only

import segtcn.data.readers
import segtcn.models  # noqa: F401  # so that `--model.net EDTCN` and `--data.reader LeaReader` need no module path
from segtcn.atomic import atomic_path, remove_leftovers, write_json
from segtcn.callbacks.computation import ActivationCheckpointing, CompiledNetwork  # noqa: F401  # for their short names
from segtcn.callbacks.continuation import Continuation
from segtcn.callbacks.epoch_progress import EpochProgressBar
from segtcn.callbacks.run_checkpoint import RunCheckpoint, SealedCheckpointIO
from segtcn.callbacks.run_files import PredictionWriter, RunFactsWriter
from segtcn.callbacks.shared_stop import SharedStop
from segtcn.callbacks.thresholds import ThresholdFitter  # noqa: F401  # for its short name
from segtcn.callbacks.throughput import Throughput
from segtcn.callbacks.wandb import ExperimentLogger, WandbSegmentations, finish
from segtcn.cli import COMMANDS
from segtcn.cli.config_words import check_one_network, needed_option
from segtcn.cli.notes import quieten
from segtcn.cli.parser_errors import shorten_errors
from segtcn.cli.run_folder import (
    BEST,
    FOLDER_VARIABLE,
    choose_checkpoint,
    follow_configs,
    new_folder,
    resume_words,
    run_name,
)
from segtcn.cli.stopping import handle, is_requested, raise_if_interrupted, saved_by_signals
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.segmenter.checkpoint import find_checkpoint, newest_intact, read_stored
from segtcn.segmenter.transfer import check_same, take_weights
from segtcn.task import make_task
from segtcn.text_table import SCORE_HEADINGS, scores_table

# what the network and the task take from the data, so that model and data configs compose freely
LINKS = {
    "data.num_classes": "model.net.init_args.num_classes",
    "data.in_channels": "model.net.init_args.in_channels",
    "data.facts": "model.facts",
}


class SegmentationCLI(LightningCLI):
    """LightningCLI of :class:`SegmentationTask` and :class:`SegmentationDataModule`.

    A run has one folder, ``trainer.default_root_dir`` (by default ``runs/DATE-TIME``): the config, checkpoints,
    predictions and the logger's files all lie in it. A config that lies in such a folder means this folder.

    Args:
        args: the command line, without the program's name.
        run: whether to run the command that ``args`` begins with; if False, ``args`` holds none and the trainer, task
            and data module are only built.
    """

    def __init__(self, args: Sequence[str], run: bool = True) -> None:
        quieten()
        self.command = args[0] if run else None
        command = self.command or "fit"
        self.continues = self.command == "fit" and "--resume" in args
        args = resume_words(args) if self.continues else args
        super().__init__(
            make_task,
            SegmentationDataModule,
            save_config_callback=SaveRunConfig,
            save_config_kwargs={"overwrite": True, "save_to_log_dir": False},  # a logger may have a folder of its own
            seed_everything_default=0,
            parser_kwargs={
                "prog": f"segtcn {command}",
                "usage": f"segtcn {command} [-c CONFIG ...] [OPTIONS]",  # the default names hundreds of options
                "description": f"{COMMANDS[command][1]}.".capitalize(),
            },
            args=follow_configs(args[1:] if run else args),
            run=False,  # its subcommands would build the parsers of all, which takes seconds
            auto_configure_optimizers=False,
        )
        if self.command is not None:
            getattr(self, self.command)()

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Make the parser of the program or of a subcommand; its errors are short."""
        return shorten_errors(super().init_parser(**kwargs))

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse ``args``, and look at the configs and the checkpoint that they name before anything is built.

        The parent would warn that ``sys.argv`` is not used, which is meant for other callers.
        """
        check_one_network(args)
        self.config = parser.parse_args(args)
        path, self.first_step = self.config.get("ckpt_path"), 0
        if path not in (None, "best", "last", "hpc", "registry"):  # Lightning's own words for a checkpoint
            self.first_step = read_stored(path).get("global_step", 0)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the command's own options, the callbacks of every run, and links between data, network and folder."""
        parser.add_argument(
            "--name",
            type=str | None,
            default=None,
            help="What the run is called in pictures and on W&B (default: network, data, split and time).",
        )
        if self.command is not None:  # for the help: both are read before configs are
            parser.add_argument(
                "--allow-modules",
                metavar="MODULES",
                help="Modules that configs may name, with commas between them, such as segtcn,torch,pytorch_lightning.",
            )
        text = "Train from the weights of a checkpoint of the same network; a head for other classes starts anew."
        parser.add_argument("--init_from", type=str | None, default=None, metavar="FILE", help=text)
        if self.command == "fit":
            text = "Continue a run exactly where it stopped: segtcn fit RUN --resume."
            parser.add_argument("--resume", action="store_true", help=text)
        if self.command is not None:
            # a config that others wrote must not let a checkpoint run code
            skipped = {*self.subcommands()[self.command], "verbose", "return_predictions", "weights_only"}
            parser.add_method_arguments(Trainer, self.command, skip=skipped)
        for source, target in LINKS.items():
            parser.link_arguments(source, target, apply_on="instantiate")
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        # where no model config says it; no paper trains for Lightning's default, 1000 with a warning
        parser.set_defaults({"trainer.max_epochs": 200})
        # batches are whole videos, so an epoch has few steps; the table of sub-modules says nothing of a network
        parser.set_defaults({"trainer.log_every_n_steps": 1, "trainer.enable_model_summary": False})
        parser.add_lightning_class_args(RunCheckpoint, "checkpoint")
        # not `save_top_k=0`: Lightning then writes last.ckpt at the end only
        parser.set_defaults({"checkpoint.save_last": True, "checkpoint.save_top_k": 1})
        # whatever is validated when, a checkpoint is of the end of an epoch, and replaces what a killed run left
        parser.set_defaults({"checkpoint.save_on_train_epoch_end": True, "checkpoint.enable_version_counter": False})
        parser.add_lightning_class_args(PredictionWriter, "predictions")
        # links, not defaults: a config taken from one run must not write into that run's folder again
        parser.set_defaults({"trainer.default_root_dir": new_folder()})
        parser.link_arguments("trainer.default_root_dir", "checkpoint.dirpath", compute_fn=_checkpoints_of)
        parser.link_arguments("trainer.default_root_dir", "predictions.folder", compute_fn=_predictions_of)
        parser.add_lightning_class_args(WandbSegmentations, "wandb_segmentations")
        parser.add_lightning_class_args(Throughput, "throughput")
        parser.add_lightning_class_args(EpochProgressBar, "progress")

    def before_instantiate_classes(self) -> None:
        """Choose checkpoint, logger and folder of the run."""
        config, folder = self.config, Path(self.config.trainer.default_root_dir)
        if self.command in ("validate", "test") and config.ckpt_path is None:
            try:
                path, reason = choose_checkpoint(folder, config.checkpoint.monitor)
            except FileNotFoundError as error:  # a network with new weights would be scored otherwise
                raise FileNotFoundError(f"{error}; --ckpt_path FILE says which to use") from error
            config.ckpt_path = str(path)
            rank_zero_only(print)(f"checkpoint: {path} ({reason})")
        logger = config.trainer.logger
        if hasattr(logger, "class_path") and logger.class_path.endswith(ExperimentLogger.__name__):
            logger.init_args.save_dir = str(folder)
            logger.init_args.name = logger.init_args.name or run_name(self.config)
            logger.init_args.continues = self.command in ("fit", None)  # a test is logged as a run of its own
        _choose_directions(config)
        _choose_what_to_keep(config)
        if self.command is not None and config.ckpt_path in ("last", "best"):
            path = newest_intact(folder, (f"{config.ckpt_path}.ckpt", "last.ckpt"))
            config.ckpt_path = str(path)
        is_new = self.command == "fit" and config.ckpt_path is None and not self.continues
        if is_new and (folder / "config.yaml").exists():
            raise ValueError(
                f"{folder} already holds a run: choose another folder with --trainer.default_root_dir, "
                f"or continue it: segtcn fit {folder} --resume"
            )
        folder.mkdir(parents=True, exist_ok=True)
        if self.command is not None:
            os.environ[FOLDER_VARIABLE] = str(folder)  # for the processes that the trainer may start

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the trainer without the callbacks that its options turn off: Lightning would refuse to start."""
        options = {**self.config_init["trainer"], **kwargs}
        switches = {"enable_progress_bar": EpochProgressBar, "enable_checkpointing": RunCheckpoint}
        turned_off = tuple(kind for switch, kind in switches.items() if options[switch] is False)
        callbacks = [self.config_init[key] for key in self.parser.callback_keys]
        callbacks += [RunFactsWriter(run_name(self.config), self.config.data.as_dict()), Continuation()]
        callbacks.append(SharedStop(handle, is_requested))
        plugins = options["plugins"] or []
        options["plugins"] = [*(plugins if isinstance(plugins, list) else [plugins]), SealedCheckpointIO()]
        return self._instantiate_trainer(options, [c for c in callbacks if not isinstance(c, turned_off)])

    def instantiate_classes(self) -> None:
        """Build trainer, task and data module; a network that starts from another one gets its weights."""
        try:
            super().instantiate_classes()
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}{self._remedy_of_missing_data()}") from error
        names = [each.monitor for each in _watchers(self.config) if each.monitor.startswith("val/")]
        if names and self.command in ("fit", None) and not self.datamodule.names("val"):
            raise ValueError(f"{names[0]} is of validation videos, and there are none: add --data.validation 0.2")
        path = self.config_init["init_from"]
        if path is not None and self.command in ("fit", None) and self.config_init.get("ckpt_path") is None:
            number, new = take_weights(find_checkpoint(path), self.model.segmenter)
            rank_zero_only(print)(f"weights: {number} of {path}, new: {', '.join(new) or 'none'}")

    def _remedy_of_missing_data(self) -> str:
        """The option for the place of the data set, where its place in the config is empty."""
        reader = self.config.data.reader.get("init_args") or {}
        gone = [key for key in ("root", "path") if reader.get(key) and not Path(reader[key]).expanduser().exists()]
        return f"; give its place: --data.reader.init_args.{gone[0]} PATH" if gone else ""

    def fit(self) -> None:
        """Train, then say where the run lies."""
        try:
            with saved_by_signals():
                self.trainer.fit(**self._inputs())
        except KeyboardInterrupt as stop:
            stop.args = (f"segtcn fit {self.trainer.default_root_dir} --resume continues",)
            raise
        if self.trainer.is_global_zero:
            folder = self.trainer.default_root_dir
            print(f"run: {folder}")
            if self.continues and self.trainer.global_step == self.first_step > 0:
                longer = f"; more epochs than {self.trainer.max_epochs}: add --trainer.max_epochs N"
                stopped_early = self.trainer.current_epoch < (self.trainer.max_epochs or 0)
                print(f"the run was complete, nothing was trained{'' if stopped_early else longer}")
            config = Path(folder, "config.yaml")
            if self.trainer.checkpoint_callback is not None and config.is_file():
                print(f"score it: segtcn test {quote(str(config.parent))} {needed_option(config)}".rstrip())

    def validate(self) -> None:
        """Score the validation videos and print the table."""
        self._report("val", self.trainer.validate(**self._inputs(), verbose=False))

    def test(self) -> None:
        """Score the test videos, print the table and say where the predictions lie."""
        self._report("test", self.trainer.test(**self._inputs(), verbose=False))

    def _inputs(self) -> dict[str, Any]:
        ckpt_path = self.config_init["ckpt_path"]
        if ckpt_path is not None and Path(ckpt_path).is_file():
            check_same(ckpt_path, self.model.segmenter)
        return {"model": self.model, "datamodule": self.datamodule, "ckpt_path": ckpt_path, "weights_only": True}

    def _report(self, subset: str, results: list[Mapping[str, float]]) -> None:
        if not results:
            raise ValueError(f"no videos to score: `data.validation` is empty, so there are no {subset} videos")
        if not self.trainer.is_global_zero:
            return
        if self.model.segmenter.target != "single":
            self._report_targets(subset, {name.removeprefix(f"{subset}/"): value for name, value in results[0].items()})
            return
        scores = {key: results[0][f"{subset}/{key}"] for key in SCORE_HEADINGS}
        print(scores_table({subset: scores}, f"{self.model.segmenter.protocol} protocol"))
        folder = Path(self.trainer.default_root_dir)
        write_json(folder / f"{subset}_scores.json", {"protocol": self.model.segmenter.protocol, **scores})
        print(f"scores: {folder / f'{subset}_scores.json'}")
        if subset == "test":
            print(f"predictions: {_predictions_of(str(folder))}")

    def _report_targets(self, subset: str, scores: dict[str, float]) -> None:
        """Print and write what is scored of numbers, or of several labels at a time."""
        print(f"{subset}/loss: {scores['loss']:.4f} ({type(self.model.loss).__name__})")
        folder, segmenter = Path(self.trainer.default_root_dir), self.model.segmenter
        if "map" in scores:
            tracks = {track.name: f"/{track.name}" for track in segmenter.tracks if f"edit/{track.name}" in scores}
            rows = {
                name: {key: scores[f"{key}{ending}"] for key in SCORE_HEADINGS}
                for name, ending in {**tracks, "mean": ""}.items()
            }
            print(scores_table(rows, f"{segmenter.protocol} protocol, track"))
            print(f"frame mAP: {scores['map']:.1f}, frame F1: {scores['f1']:.1f} (means over classes, no background)")
            if subset == "test":
                print(f"predictions: {_predictions_of(str(folder))}")
        write_json(folder / f"{subset}_scores.json", scores)


def _checkpoints_of(folder: str) -> str:
    return f"{folder}/checkpoints"


def _predictions_of(folder: str) -> str:
    return f"{folder}/predictions"


def _choose_what_to_keep(config: Any) -> None:
    """Keep the best checkpoint by what early stopping watches, and save as often as there may be a better one.

    Where nothing is monitored, the last epoch counts, and saving now and then makes a run resumable.
    """
    callbacks, checkpoint = config.trainer.callbacks or [], config.checkpoint
    for callback in callbacks if isinstance(callbacks, list) else [callbacks]:
        if checkpoint.monitor is None and callback.class_path.endswith("EarlyStopping"):
            checkpoint.monitor, checkpoint.mode = callback.init_args.monitor, callback.init_args.mode
    if checkpoint.monitor is not None and checkpoint.filename is None and checkpoint.save_top_k == 1:
        checkpoint.filename = BEST
    if (checkpoint.every_n_epochs, checkpoint.every_n_train_steps, checkpoint.train_time_interval) == (None,) * 3:
        checkpoint.every_n_epochs = 10 if checkpoint.monitor is None else 1


def _watchers(config: Any) -> list[Any]:
    """The arguments of all that watches a logged value, such as early stopping: they have its name as ``monitor``."""
    callbacks = config.trainer.callbacks or []
    classes = [*(callbacks if isinstance(callbacks, list) else [callbacks]), config.model.get("lr_scheduler")]
    values = [config.checkpoint, *(each.get("init_args") for each in classes if each)]
    return [each for each in values if each and each.get("monitor") is not None]


def _choose_directions(config: Any) -> None:
    """Of a score, the highest value is the best: by default, Lightning would keep the lowest."""
    for values in _watchers(config):
        kind = f"{values.monitor}/".split("/")[1]
        values.mode = "min" if kind == "loss" else "max" if kind in SCORE_HEADINGS else values.mode


class SaveRunConfig(SaveConfigCallback):
    """Log the config of every run; save that of a training run in its folder."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:  # noqa: D102
        if stage != "fit":
            self.save_config(trainer, pl_module, stage)
            return
        config, self.config = self.config, self.config.clone()
        for key in ("ckpt_path", "resume", "allow_modules"):  # of this start, not of the run
            self.config.pop(key, None)
        if self.config.get("trainer.logger.init_args.name") == run_name(self.config):  # a new run gets a new name
            self.config["trainer.logger.init_args.name"] = None
        super().setup(trainer, pl_module, stage)
        self.config = config

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Save the config of a training run, and log it, defaults included."""
        if stage == "fit":
            remove_leftovers(Path(trainer.default_root_dir))  # of a process that was killed
            with atomic_path(Path(trainer.default_root_dir) / self.config_filename) as path:
                self.parser.save(self.config, path, skip_none=False, overwrite=True, multifile=False)
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
        os.environ.pop(FOLDER_VARIABLE, None)  # of this run only: a program may start several
