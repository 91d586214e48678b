"""One configuration on all splits with several seeds."""

from __future__ import annotations

import difflib
import hashlib
import json
import statistics
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from segtcn.atomic import write_json, write_text
from segtcn.callbacks.throughput import Throughput, inference_speed
from segtcn.callbacks.wandb import ExperimentLogger, finish
from segtcn.cli.crossval.models import Grid
from segtcn.cli.crossval.tables import results_table, write_results
from segtcn.cli.lightning import SegmentationCLI
from segtcn.cli.run_folder import choose_checkpoint
from segtcn.cli.stopping import raise_if_interrupted, saved_by_signals
from segtcn.data import SegmentationDataset
from segtcn.labels.classes import listed
from segtcn.peak_memory import peak_memory_mib
from segtcn.segmenter.checkpoint import newest_intact
from segtcn.text_table import SCORE_HEADINGS

INFERENCE_S = 1.0
"""How long the speed of each trained network is measured."""

_MEASURED = ("train_seconds", "train_frames_per_second", "inference_frames_per_second", "peak_memory_mib")


def crossval_runs(fit_args: Sequence[str], grid: Grid, out: Path) -> dict[str, Any]:
    """Train and test every split with every seed.

    Args:
        fit_args: options of ``segtcn fit``: the configs and what overrides them.
        grid: the runs.
        out: folder of the results, with one folder a run.

    Returns:
        What ``results.json`` holds: ``name``, ``protocol``, ``splits``, ``seeds``, ``selection``; ``network`` with its
        ``parameters``, ``epochs``, ``batch_size`` and ``sample_rate``; ``scores`` (mean and, over the seeds, sample
        standard deviation of the mean over splits, in percent; of several labels at a time the mean over the tracks,
        and with ``edit/TRACK`` that of each); ``measured`` (``train_minutes`` of all runs, frames a second as the mean
        over the runs, the largest memory of a process in MiB, device and threads); and ``runs``.

    Raises:
        ValueError: if a split does not exist, or ``out`` holds runs of another configuration, damaged scores, or scores
            of one split on two versions of its labels.
    """
    plan = SegmentationCLI([*fit_args, f"--trainer.default_root_dir={out}"], run=False)
    if plan.datamodule.reader.target == "values":
        plan.datamodule.reader.require_labels("cross-validation")
    known = plan.datamodule.reader.splits
    seeds, splits = grid.seeds, grid.splits or known
    if unknown := sorted({*splits} - {*known}):
        raise ValueError(f"there is no split {unknown[0]}; the data set has {', '.join(map(str, known))}")
    _check_same_configuration(plan, out / "configuration.yaml")

    # seed by seed: an interrupted cross-validation has some seeds with all their splits
    todo = [(seed, split) for seed in seeds for split in splits]
    missing = [run for run in todo if not _scores_file(out, *run).exists()]
    start_s = time.monotonic()
    for i, (seed, split) in enumerate(missing):
        left = f", about {(time.monotonic() - start_s) / i * (len(missing) - i) / 60:.0f} min left" if i else ""
        print(f"run {len(todo) - len(missing) + i + 1} of {len(todo)}: split {split}, seed {seed}{left}", flush=True)
        _train_and_test(plan, fit_args, seed, split, out)

    runs = [_complete_run(out, *run) for run in todo]
    _check_one_truth(runs, out)
    results = _results(plan, runs, seeds, splits, out)
    write_results(out, "results", results, results_table(results))
    complete = {path.parent for path in out.glob("split*-seed*/scores.json")}
    if others := sorted(path.name for path in complete - {_scores_file(out, *run).parent for run in todo}):
        warnings.warn(
            f"{out} has runs of other splits or seeds, which this table leaves out and `segtcn compare` takes in: "
            f"{listed(others)}",
            stacklevel=2,
        )
    return results


def known_splits(fit_args: Sequence[str]) -> list[int]:
    """The splits of the data set that options of ``segtcn fit`` name."""
    return [*SegmentationCLI(fit_args, run=False).datamodule.reader.splits]


def _results(
    plan: SegmentationCLI, runs: Sequence[dict[str, Any]], seeds: Sequence[int], splits: Sequence[int], out: Path
) -> dict[str, Any]:
    monitor = plan.config.checkpoint.monitor
    return {
        "name": plan.config.name or out.name,
        "protocol": plan.model.segmenter.protocol,
        "splits": [*splits],
        "seeds": [*seeds],
        "selection": "last epoch" if monitor is None else f"best {monitor}",
        "network": type(plan.model.segmenter.net).__name__,
        "parameters": sum(parameter.numel() for parameter in plan.model.segmenter.net.parameters()),
        "epochs": plan.trainer.max_epochs,
        "batch_size": plan.datamodule.batch_size,
        "sample_rate": plan.datamodule.sample_rate,
        "scores": {key: _mean_and_std(runs, key, seeds) for key in _score_names(plan, runs)},
        "measured": {
            "train_minutes": sum(run["train_seconds"] for run in runs) / 60,
            "train_frames_per_second": statistics.fmean(run["train_frames_per_second"] for run in runs),
            "inference_frames_per_second": statistics.fmean(run["inference_frames_per_second"] for run in runs),
            "peak_memory_mib": max(run["peak_memory_mib"] for run in runs),
            "device": plan.trainer.strategy.root_device.type,
            "threads": torch.get_num_threads(),
        },
        "runs": runs,
    }


def _train_and_test(plan: SegmentationCLI, fit_args: Sequence[str], seed: int, split: int, out: Path) -> None:
    folder = _scores_file(out, seed, split).parent
    args = [f"--seed_everything={seed}", f"--data.split={split}", f"--trainer.default_root_dir={folder}"]
    name = f"{plan.config.name} {folder.name}" if plan.config.name else folder.name
    if plan.config.name:
        args.append(f"--name={name}")
    if isinstance(plan.trainer.logger, ExperimentLogger):
        group = plan.config.name or out.name
        args += [f"--trainer.logger.init_args.group={group}", f"--trainer.logger.init_args.name={name}"]
    cli = SegmentationCLI([*fit_args, *args], run=False)
    try:
        cli.datamodule.dataset("test").check()  # a bad test video is found before training, not after
        truth = _checksum_of_truth(cli.datamodule.dataset("test"))
        complete = [_complete_run(out, other, split) for other in _complete_seeds(out, split)]
        _check_one_truth([*complete, {"split": split, "seed": seed, "truth": truth}], out)
        with saved_by_signals():
            cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=last_checkpoint(folder), weights_only=True)
        checkpoint = _best_checkpoint(cli, folder)
        (scores,) = cli.trainer.test(cli.model, cli.datamodule, ckpt_path=checkpoint, verbose=False, weights_only=True)
        measured = _measure(cli)
    except SystemExit as stop:
        raise_if_interrupted(stop)
        raise
    finally:
        finish()
    names = [name.removeprefix("test/") for name in scores] if cli.model.segmenter.tracks else [*SCORE_HEADINGS]
    named = {name: scores[f"test/{name}"] for name in names}
    write_json(_scores_file(out, seed, split), {"split": split, "seed": seed, **named, **measured, "truth": truth})


def _score_names(plan: SegmentationCLI, runs: Sequence[dict[str, Any]]) -> list[str]:
    """The scores of a run; of several labels at a time those of each track that every run has."""
    tracks = plan.model.segmenter.tracks
    names = [*SCORE_HEADINGS, *(f"{key}/{track.name}" for track in tracks for key in SCORE_HEADINGS)]
    return [name for name in [*names, *(["map", "f1"] if tracks else [])] if all(name in run for run in runs)]


def last_checkpoint(folder: Path) -> Path | None:
    """The checkpoint that an interrupted run continues from, None if it has to start anew."""
    try:
        return newest_intact(folder)
    except FileNotFoundError:
        return None
    except ValueError as error:  # training again is all that is left
        warnings.warn(f"{error}: the run starts anew", stacklevel=2)
        return None


def _best_checkpoint(cli: SegmentationCLI, folder: Path) -> Path | None:
    """Where a value was monitored, the checkpoint to test, which is printed; None means the weights at hand."""
    monitor = cli.config.checkpoint.monitor
    if monitor is None or cli.trainer.checkpoint_callback is None:
        return None
    path, reason = choose_checkpoint(folder, monitor)
    print(f"checkpoint: {path} ({reason})")
    return path


def _measure(cli: SegmentationCLI) -> dict[str, float]:
    """Speed and memory of a run that has just been trained and tested."""
    callbacks = cli.trainer.callbacks  # type: ignore[attr-defined]
    (throughput,) = (callback for callback in callbacks if isinstance(callback, Throughput))
    device = cli.trainer.strategy.root_device
    with cli.trainer.precision_plugin.forward_context():
        speed = inference_speed(
            cli.model.to(device),  # which the trainer took off it
            [sample.video.features.to(device) for sample in cli.datamodule.dataset("test")],
            INFERENCE_S,
        )
    return {
        "train_seconds": throughput.seconds,
        "train_frames_per_second": throughput.frames_per_second,
        "inference_frames_per_second": speed,
        "peak_memory_mib": peak_memory_mib(),
    }


def _checksum_of_truth(dataset: SegmentationDataset) -> str:
    """Changes when a label, a class or a video does."""
    checksum = hashlib.sha256("\n".join([*dataset.reader.class_names, *dataset.names]).encode())
    for index in range(len(dataset)):
        stored = dataset[index].stored_labels
        if stored is not None:
            checksum.update(stored.numpy().tobytes())
    return checksum.hexdigest()[:16]


def _check_one_truth(runs: Sequence[dict[str, Any]], out: Path) -> None:
    """Refuse seeds of before and after the labels changed: their mean would be of two data sets."""
    first_of: dict[int, dict[str, Any]] = {}
    for run in runs:
        first = first_of.setdefault(run["split"], run)
        if run["truth"] != first["truth"]:
            names = [_scores_file(out, each["seed"], each["split"]).parent.name for each in (first, run)]
            raise ValueError(
                f"the labels of test videos differ between {names[0]} and {names[1]} in {out}: delete the folders of "
                "all runs, of other splits too, that were trained before the labels changed; the same command trains "
                "them again"
            )


def _complete_seeds(out: Path, split: int) -> list[int]:
    """The seeds of all complete runs of a split, also of other calls."""
    return sorted(int(path.parent.name.rpartition("-seed")[2]) for path in out.glob(f"split{split}-seed*/scores.json"))


def _scores_file(out: Path, seed: int, split: int) -> Path:
    """Written last: a run is complete exactly if it exists."""
    return out / f"split{split}-seed{seed}" / "scores.json"


def _complete_run(out: Path, seed: int, split: int) -> dict[str, Any]:
    """What a run wrote at its end.

    Raises:
        ValueError: if the file was cut off, or is that of another run.
    """
    path = _scores_file(out, seed, split)
    try:
        run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        is_whole = (run["split"], run["seed"]) == (split, seed) and run.keys() >= {*_MEASURED, "truth"}
    except (ValueError, TypeError, KeyError):
        is_whole = False
    if not is_whole:
        raise ValueError(
            f"{path} does not hold the scores of split {split} with seed {seed}: delete it to score the run again"
        )
    return run


def _mean_and_std(runs: Sequence[dict[str, Any]], key: str, seeds: Sequence[int]) -> dict[str, float]:
    means = [statistics.fmean(run[key] for run in runs if run["seed"] == seed) for seed in seeds]
    return {"mean": statistics.fmean(means), "std": statistics.stdev(means) if len(means) > 1 else 0.0}


def _check_same_configuration(plan: SegmentationCLI, path: Path) -> None:
    """Refuse to mix runs of two configurations in one folder."""
    config = plan.config.clone()
    # these differ from run to run, or if the folder is renamed
    for key in ("config", "seed_everything", "data.split", "data.seed", "name", "trainer.default_root_dir"):
        config.pop(key, None)
    if isinstance(plan.trainer.logger, ExperimentLogger):
        for key in ("name", "group", "save_dir", "continues"):
            config.pop(f"trainer.logger.init_args.{key}", None)
    text = plan.parser.dump(config, skip_validation=True)
    if path.exists() and (stored := path.read_text(encoding="utf-8")) != text:
        lines = [line.strip() for line in difflib.ndiff(stored.splitlines(), text.splitlines()) if line[0] in "-+"]
        raise ValueError(
            f"{path.parent} holds runs of another configuration ({'; '.join(lines[:4])}): "
            "choose another folder with --out, or delete it"
        )
    write_text(path, text)
