"""One configuration on all splits with several seeds."""

from __future__ import annotations

import difflib
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from segtcn.atomic import atomic_path
from segtcn.callbacks.throughput import Throughput, inference_speed
from segtcn.callbacks.wandb import ExperimentLogger, finish
from segtcn.cli.lightning import SegmentationCLI, raise_if_interrupted
from segtcn.text_table import SCORES, scores_table

INFERENCE_S = 1.0
"""How long the speed of each trained network is measured."""


def crossval(fit_args: Sequence[str], seeds: Sequence[int], splits: Sequence[int] | None, out: Path) -> dict[str, Any]:
    """Train and test every split with every seed.

    Args:
        fit_args: options of ``segtcn fit``: the configs and what overrides them.
        seeds: one run of every split for each.
        splits: numbers of the splits; None takes all that the reader knows.
        out: folder of the results, with one folder a run.

    Returns:
        What ``results.json`` holds: ``protocol``, ``splits``, ``seeds``, ``selection``; ``network`` with its
        ``parameters``, ``epochs``, ``batch_size`` and ``sample_rate``; ``scores`` (mean and, over the seeds, sample
        standard deviation of the mean over splits, in percent); ``measured`` (``train_minutes`` of all runs, frames a
        second as the mean over the runs, the largest memory of a process in MiB, device and threads); and ``runs``.

    Raises:
        ValueError: if a split does not exist, or ``out`` holds runs of another configuration.
    """
    plan = SegmentationCLI([*fit_args, f"--trainer.default_root_dir={out}"], run=False)
    known = plan.datamodule.reader.splits
    splits = splits or known
    if unknown := sorted({*splits} - {*known}):
        raise ValueError(f"there is no split {unknown[0]}; the data set has {', '.join(map(str, known))}")
    _check_same_configuration(plan, out / "configuration.yaml")

    todo = [(seed, split) for seed in seeds for split in splits]
    missing = [run for run in todo if not _scores_file(out, *run).exists()]
    start_s = time.monotonic()
    for i, (seed, split) in enumerate(missing):
        left = f", about {(time.monotonic() - start_s) / i * (len(missing) - i) / 60:.0f} min left" if i else ""
        print(f"run {len(todo) - len(missing) + i + 1} of {len(todo)}: split {split}, seed {seed}{left}", flush=True)
        _train_and_test(fit_args, seed, split, out, isinstance(plan.trainer.logger, ExperimentLogger))

    runs = [json.loads(_scores_file(out, *run).read_text(encoding="utf-8")) for run in todo]
    results = {
        "protocol": plan.model.segmenter.protocol,
        "splits": [*splits],
        "seeds": [*seeds],
        "selection": "last epoch",
        "network": type(plan.model.segmenter.net).__name__,
        "parameters": sum(parameter.numel() for parameter in plan.model.segmenter.net.parameters()),
        "epochs": plan.trainer.max_epochs,
        "batch_size": plan.datamodule.batch_size,
        "sample_rate": plan.datamodule.sample_rate,
        "scores": {key: _mean_and_std(runs, key, seeds) for key in SCORES},
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
    with atomic_path(out / "results.json") as path:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    with atomic_path(out / "results.md") as path:
        path.write_text(results_table(results) + "\n", encoding="utf-8")
    print(f"{results_table(results)}\n\n{out / 'results.json'}\n{out / 'results.md'}")
    return results


def results_table(results: dict[str, Any]) -> str:
    """The Markdown table of ``results.json``: every run, then the mean and standard deviation."""
    rows: dict[str, dict[str, Any]] = {f"split {run['split']}, seed {run['seed']}": run for run in results["runs"]}
    if len(results["seeds"]) > 1:
        spread = "std: sample standard deviation over the seeds of the mean over the splits."
        mean = {key: f"{score['mean']:.1f} ± {score['std']:.1f}" for key, score in results["scores"].items()}
        rows["mean ± std"] = mean
    else:
        spread = "One seed: no standard deviation."
        rows["mean"] = {key: score["mean"] for key, score in results["scores"].items()}
    return (
        f"{scores_table(rows, 'run')}\n\n"
        f"Protocol `{results['protocol']}`, percent, test videos, {results['epochs']} epochs, {results['selection']}. "
        f"Mean over splits ({len(results['splits'])}), then over seeds ({len(results['seeds'])}). {spread}\n\n"
        f"{_measurements(results)}"
    )


def _measurements(results: dict[str, Any]) -> str:
    measured = results["measured"]
    return (
        f"{results['network']}, {results['parameters']:,} parameters; batch size {results['batch_size']}, sample rate "
        f"{results['sample_rate']}; {measured['device']} (threads: {measured['threads']}). Training took "
        f"{measured['train_minutes']:.1f} min, {measured['train_frames_per_second']:,.0f} frames a second; inference "
        f"{measured['inference_frames_per_second']:,.0f} frames a second, all after sub-sampling; peak memory "
        f"{measured['peak_memory_mib']:,.0f} MiB."
    )


def _train_and_test(fit_args: Sequence[str], seed: int, split: int, out: Path, uses_wandb: bool) -> None:
    folder = _scores_file(out, seed, split).parent
    args = [f"--seed_everything={seed}", f"--data.split={split}", f"--trainer.default_root_dir={folder}"]
    if uses_wandb:
        args += [
            f"--trainer.logger.init_args.{key}={value}" for key, value in (("group", out.name), ("name", folder.name))
        ]
    cli = SegmentationCLI([*fit_args, *args], run=False)
    last = folder / "checkpoints" / "last.ckpt"
    try:
        cli.datamodule.dataset("test").check()  # a bad test video is found before training, not after
        cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=last if last.exists() else None, weights_only=True)
        (scores,) = cli.trainer.test(cli.model, cli.datamodule, verbose=False)
        measured = _measure(cli)
    except SystemExit as stop:
        raise_if_interrupted(stop)
        raise
    finally:
        finish()
    named = {key: scores[f"test/{key}"] for key in SCORES}
    with atomic_path(_scores_file(out, seed, split)) as path:
        path.write_text(
            json.dumps({"split": split, "seed": seed, **named, **measured}, indent=2) + "\n", encoding="utf-8"
        )


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
    # KiB on Linux, bytes on macOS
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {
        "train_seconds": throughput.seconds,
        "train_frames_per_second": throughput.frames_per_second,
        "inference_frames_per_second": speed,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
    }


def _scores_file(out: Path, seed: int, split: int) -> Path:
    """Written last: a run is complete exactly if it exists."""
    return out / f"split{split}-seed{seed}" / "scores.json"


def _mean_and_std(runs: Sequence[dict[str, Any]], key: str, seeds: Sequence[int]) -> dict[str, float]:
    means = [statistics.fmean(run[key] for run in runs if run["seed"] == seed) for seed in seeds]
    return {"mean": statistics.fmean(means), "std": statistics.stdev(means) if len(means) > 1 else 0.0}


def _check_same_configuration(plan: SegmentationCLI, path: Path) -> None:
    """Refuse to mix runs of two configurations in one folder."""
    config = plan.config.clone()
    for key in ("config", "seed_everything", "data.split", "data.seed"):  # differ from run to run
        config.pop(key, None)
    text = plan.parser.dump(config, skip_validation=True)
    if path.exists() and (stored := path.read_text(encoding="utf-8")) != text:
        lines = [line.strip() for line in difflib.ndiff(stored.splitlines(), text.splitlines()) if line[0] in "-+"]
        raise ValueError(
            f"{path.parent} holds runs of another configuration ({'; '.join(lines[:4])}): "
            "choose another folder with --out, or delete it"
        )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
