r"""What it is worth to choose the epoch on the test videos (docs/results/test_selection.md).

    python -m benchmarks.epoch_selection train ed_tcn c2f_tcn+c2f_tcn_gtea --root DIR --splits 1 2 --out runs/selection
    python -m benchmarks.epoch_selection table runs/selection/*
    python -m benchmarks.epoch_selection table HASR_iccv2021/record/*/gtea      # the same of HASR's records

Trains networks on GTEA as `segtcn crossval` does and scores the test videos after each epoch. The files have the layout
of HASR's records, NETWORK/split_K_all.csv. A file that exists is not made again. No other page has numbers for which
test videos were scored while a network trained.
"""

from __future__ import annotations

import argparse
import csv
import statistics
from collections.abc import Callable
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer

from segtcn.atomic import write_text
from segtcn.cli.config_words import resolve_configs
from segtcn.cli.lightning import SegmentationCLI
from segtcn.data.datamodule import Role, SegmentationDataModule
from segtcn.text_table import SCORE_HEADINGS, scores_table

COLUMNS = {"accuracy": "accu", "edit": "edit", "f1@10": "F1@0.1", "f1@25": "F1@0.25", "f1@50": "F1@0.5"}
"""Scores in the order of HASR's records, with their names there."""

Epoch = dict[str, float]


class EpochScores(Callback):
    """Keep the scores of the validation videos of each epoch."""

    def __init__(self) -> None:
        self.epochs: list[list[str]] = []

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add those of this epoch."""
        scores = [f"{float(trainer.callback_metrics[f'val/{key}']):.4f}" for key in COLUMNS]
        self.epochs.append([str(len(self.epochs) + 1), *scores])


def train(configs: list[str], options: list[str]) -> list[list[str]]:
    """Train a network whose validation videos are the test videos; returns the scores of each epoch."""
    words = resolve_configs(["fit", "-c", "gtea_lea", *(word for config in configs for word in ("-c", config))])
    cli = SegmentationCLI([*words[1:], *options], run=False)
    data = cli.datamodule

    def names(subset: Role) -> list[str]:
        return SegmentationDataModule.names(data, "test" if subset == "val" else subset)

    data.names = names
    cli.trainer.callbacks.append(scores := EpochScores())
    cli.trainer.fit(cli.model, data)
    return scores.epochs


def train_all(models: list[str], splits: list[int], out: Path, options: list[str]) -> None:
    for model in models:
        for split in splits:
            folder = out / model.partition("+")[0]
            if (path := folder / f"split_{split}_all.csv").exists():
                continue
            words = [f"--data.split={split}", f"--trainer.default_root_dir={folder}", "--trainer.logger=false"]
            words += ["--trainer.enable_checkpointing=false", "--trainer.enable_progress_bar=false"]
            rows = train(model.split("+"), [*words, "--trainer.num_sanity_val_steps=0", *options])
            folder.mkdir(parents=True, exist_ok=True)
            write_text(path, "".join("\t".join(row) + "\n" for row in [["epoch", *COLUMNS.values()], *rows]))
            print(path, flush=True)


def curve(path: Path) -> list[Epoch]:
    """The scores of each epoch of one split."""
    with path.open() as file:
        return [
            {key: float(row[name]) for key, name in COLUMNS.items()} for row in csv.DictReader(file, delimiter="\t")
        ]


def mean(epochs: list[Epoch]) -> Epoch:
    return {key: statistics.fmean(epoch[key] for epoch in epochs) for key in SCORE_HEADINGS}


CHOICES: dict[str, Callable[[list[Epoch]], Epoch]] = {
    "best": lambda epochs: max(epochs, key=lambda epoch: sum(epoch.values())),
    "last": lambda epochs: epochs[-1],
    "last ten": lambda epochs: mean(epochs[-10:]),
}
"""What is reported of a split: the epoch with the largest sum of the five test scores, the last, the mean of ten."""


def table(folders: list[Path]) -> str:
    rows = {}
    for folder in folders:
        curves = [curve(path) for path in sorted(folder.glob("split_*_all.csv"))]
        chosen = {name: mean([choice(epochs) for epochs in curves]) for name, choice in CHOICES.items()}
        name = folder.parent.name + "/" + folder.name
        splits, epochs = len(curves), max(map(len, curves))
        rows |= {f"{name} ({splits} splits, {epochs} epochs), {key}": scores for key, scores in chosen.items()}
        rows[f"{name}, worth"] = {key: chosen["best"][key] - chosen["last"][key] for key in SCORE_HEADINGS}
    return scores_table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="other options are those of segtcn fit")
    training.add_argument("models", nargs="+", help="a config of each network, or several joined by `+`")
    training.add_argument("--root", required=True, help="Lea et al.'s release, see datasets/gtea/README.md")
    training.add_argument("--out", type=Path, default=Path("runs/selection"))
    training.add_argument("--splits", type=int, nargs="+", default=[1, 2, 3, 4])
    commands.add_parser("table").add_argument("folders", type=Path, nargs="+")
    options, others = parser.parse_known_args()
    if options.command == "table":
        print(table([folder for folder in options.folders if folder.is_dir()]))
    else:
        root = f"--data.reader.init_args.root={options.root}"
        train_all(options.models, options.splits, options.out, [root, *others])


if __name__ == "__main__":
    main()
