"""``segtcn crossval``: all splits times several seeds, one table."""

from __future__ import annotations

import argparse
import difflib
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from segtcn.atomic import atomic_path
from segtcn.callbacks.wandb import ExperimentLogger, finish
from segtcn.cli.lightning import SegmentationCLI, raise_if_interrupted
from segtcn.tables import SCORES, scores_table

DESCRIPTION = """\
Train on the training videos of every split with every seed, score the test videos with the weights of the last epoch,
and write the mean over the splits, with mean and standard deviation over the seeds, as results.json and results.md.
A run that is complete is not repeated and an interrupted one continues from its last checkpoint: give the same command.
All options of `segtcn fit` are options here too.
"""

EXAMPLES = """\
examples:
  segtcn crossval -c configs/model/ed_tcn.yaml -c configs/data/gtea_lea.yaml -c configs/trainer/default.yaml \\
      --data.reader.init_args.root DIR --seeds 0,1,2
  segtcn crossval -c RUN/config.yaml --splits 1,2 --out runs/two_splits
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn crossval",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--seeds", type=_numbers, default=[0], metavar="0,1,2", help="seeds (default: 0)")
    parser.add_argument("--splits", type=_numbers, metavar="1,2", help="splits (default: all of the data set)")
    parser.add_argument("--protocol", metavar="NAME", help="evaluation protocol, as --model.protocol (default: lea)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder (default: runs/crossval-NAMES-OF-THE-CONFIGS)")
    options, fit_args = parser.parse_known_args(argv[1:])
    for word in fit_args:
        if word.split("=")[0] in ("--seed", "--split", "--data.split", "--seed_everything"):
            parser.error(f"{word.split('=')[0]} is for one run: give --seeds and --splits")
    if options.protocol is not None:
        fit_args.append(f"--model.protocol={options.protocol}")
    crossval(fit_args, options.seeds, options.splits, options.out or _default_folder(fit_args))


def crossval(fit_args: Sequence[str], seeds: Sequence[int], splits: Sequence[int] | None, out: Path) -> dict[str, Any]:
    """Train and test every split with every seed.

    Args:
        fit_args: options of ``segtcn fit``: the configs and what overrides them.
        seeds: one run of every split for each.
        splits: numbers of the splits; None takes all that the reader knows.
        out: folder of the results, with one folder a run.

    Returns:
        What ``results.json`` holds: ``protocol``, ``splits``, ``seeds``, ``epochs``, ``selection``, ``scores`` (mean
        and, over the seeds, sample standard deviation of the mean over splits, in percent) and ``runs``.

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
        "protocol": plan.model.protocol,
        "splits": [*splits],
        "seeds": [*seeds],
        "epochs": plan.trainer.max_epochs,
        "selection": "last epoch",
        "scores": {key: _mean_and_std(runs, key, seeds) for key in SCORES},
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
        f"Mean over splits ({len(results['splits'])}), then over seeds ({len(results['seeds'])}). {spread}"
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
    except SystemExit as stop:
        raise_if_interrupted(stop)
        raise
    finally:
        finish()
    named = {key: scores[f"test/{key}"] for key in SCORES}
    with atomic_path(_scores_file(out, seed, split)) as path:
        path.write_text(json.dumps({"split": split, "seed": seed, **named}, indent=2) + "\n", encoding="utf-8")


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


def _default_folder(fit_args: Sequence[str]) -> Path:
    """The same for the same configs, so that the same command continues."""
    words = [*fit_args]
    configs = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-c", "--config")]
    configs += [word.split("=", 1)[1] for word in words if word.startswith(("-c=", "--config="))]
    return Path("runs") / "-".join(["crossval", *(Path(config).stem for config in configs)])


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected whole numbers with commas between them, got {text!r}") from None
    if min(numbers) < 0:
        raise argparse.ArgumentTypeError(f"expected numbers from 0 upwards, got {text!r}")
    return list(dict.fromkeys(numbers))
