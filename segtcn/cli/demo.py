"""``segtcn demo``: the main job from clips to pictures, on data that it makes itself."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from segtcn.atomic import atomic_path

if TYPE_CHECKING:
    from segtcn.data.datamodule import SegmentationDataModule
    from segtcn.task import SegmentationTask

DESCRIPTION = """\
Render two dozen short kitchen clips, compute features from their pixels, train ED-TCN on the clips of all cooks but
one, and score, draw and play what it says about the clips of the cook it has not seen. Takes a few minutes.
"""


def main(argv: Sequence[str]) -> None:
    """Run the command; ``argv`` begins with its name."""
    parser = argparse.ArgumentParser(
        "segtcn demo",
        description=DESCRIPTION,
        epilog="example:\n  segtcn demo --out runs/demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/demo"), metavar="DIR", help="folder (default: runs/demo)"
    )
    parser.add_argument("--videos", type=int, default=24, metavar="N", help="clips to render (default: 24)")
    parser.add_argument("--epochs", type=int, default=60, metavar="N", help="epochs to train (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the clips and of the training (default: 0)")
    options = parser.parse_args(argv[1:])
    demo(options.out, options.videos, options.epochs, options.seed)


def demo(out: Path, num_videos: int = 24, epochs: int = 60, seed: int = 0) -> dict[str, float]:
    """Make the data, train, score and draw.

    Args:
        out: folder of everything that is written.
        num_videos: clips to render; those that are there already are used again.
        epochs: passes over the training clips.
        seed: of the clips and of the training.

    Returns:
        The scores on the held-out clips by their names in the field, in percent.

    Raises:
        PermissionError: if ``out`` cannot be written to.
    """
    from segtcn.callbacks.wandb import finish
    from segtcn.demo.synthetic import make_synthetic
    from segtcn.text_table import SCORES, scores_table

    start_s = time.monotonic()
    data = make_synthetic(out / "data", num_videos=num_videos, seed=seed)
    task, datamodule = _train(data, out, epochs, seed)
    results = task.trainer.test(task, datamodule, verbose=False)
    finish()
    scores = {key: results[0][f"test/{key}"] for key in SCORES}
    table = scores_table({f"ED-TCN, {epochs} epochs": scores}, "held-out clips")
    with atomic_path(out / "scores.md") as path:
        path.write_text(f"{table}\n\nProtocol `{task.segmenter.protocol}`, percent.\n", encoding="utf-8")
    with atomic_path(out / "scores.json") as path:
        path.write_text(json.dumps({"protocol": task.segmenter.protocol, **scores}, indent=2) + "\n", encoding="utf-8")
    clip = _draw(task, datamodule, data, out)
    _export(task, datamodule, data, out)

    print(f"\n{table}\n")
    for what, where in {
        "table": out / "scores.md",
        "timelines": out / "timeline.png",
        "clip with labels": out / "overlay.mp4",
        "player": out / "player" / "index.html",
        "predictions": out / "predictions",
        "checkpoint": out / "checkpoints" / "last.ckpt",
        "W&B offline run": out / "wandb" / "latest-run",
        "clips and features": data,
    }.items():
        print(f"{what + ':':<20}{where}")
    print(f"\n{clip.stem} is the clip of {out / 'overlay.mp4'}. Done in {time.monotonic() - start_s:.0f} s.")
    return scores


def _train(data: Path, out: Path, epochs: int, seed: int) -> tuple[SegmentationTask, SegmentationDataModule]:
    import torch
    from pytorch_lightning import Trainer, seed_everything

    from segtcn.callbacks.predictions import PredictionWriter
    from segtcn.callbacks.progress import EpochProgressBar
    from segtcn.callbacks.throughput import Throughput
    from segtcn.callbacks.wandb import ExperimentLogger, WandbSegmentations
    from segtcn.cli.quiet import quieten
    from segtcn.data.datamodule import SegmentationDataModule
    from segtcn.data.readers import MSTCNReader
    from segtcn.models import EDTCN
    from segtcn.segmenter import Segmenter
    from segtcn.task import SegmentationTask

    quieten()
    seed_everything(seed, verbose=False)
    datamodule = SegmentationDataModule(
        MSTCNReader(str(data), fps=15, background="background"),
        batch_size=4,
        standardize=True,
        seed=seed,
    )
    net = EDTCN(datamodule.in_channels, datamodule.num_classes, kernel_size=15)
    optimizer = partial(torch.optim.RMSprop, lr=1e-3, alpha=0.9)
    task = SegmentationTask(Segmenter.for_data(net, datamodule), optimizer=optimizer)
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="auto",
        devices=1,
        deterministic=True,
        default_root_dir=out,
        logger=ExperimentLogger(project="segtcn-demo", save_dir=str(out)),
        callbacks=[
            EpochProgressBar(),
            Throughput(),
            PredictionWriter(str(out / "predictions")),
            WandbSegmentations(),
        ],
        enable_checkpointing=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    trainer.fit(task, datamodule)
    trainer.save_checkpoint(out / "checkpoints" / "last.ckpt")
    return task, datamodule


def _draw(task: SegmentationTask, datamodule: SegmentationDataModule, data: Path, out: Path) -> Path:
    """Timelines of all held-out clips and the first of them with its labels; returns that clip."""
    from segtcn.labels.legacy import read_labels
    from segtcn.visualization.overlay import overlay_video
    from segtcn.visualization.timeline import plot_timelines

    classes = task.segmenter.classes
    index = classes.index
    names = datamodule.names("test")
    videos = {}
    for name in names:
        truth, predictions = (
            [index[label] for label in read_labels(folder / f"{name}.txt").labels]
            for folder in (data / "groundTruth", out / "predictions")
        )
        videos[name] = {"truth": truth, "ED-TCN": predictions}
    figure = plot_timelines(videos, classes.names, fps=datamodule.reader.fps, background=classes.background)
    with atomic_path(out / "timeline.png") as path:
        figure.savefig(path, dpi=150)
    clip = data / "videos" / f"{names[0]}.mp4"
    overlay_video(
        clip,
        {"ED-TCN": out / "predictions" / f"{names[0]}.csv"},
        out / "overlay.mp4",
        truth=data / "groundTruth" / f"{names[0]}.txt",
        class_names=classes.names,
    )
    return clip


def _export(task: SegmentationTask, datamodule: SegmentationDataModule, data: Path, out: Path) -> None:
    """A player of all held-out clips."""
    from segtcn.cli.view import player_of
    from segtcn.evaluation import collect_videos
    from segtcn.visualization.player import export_player

    collection = collect_videos(
        [f"ED-TCN={out / 'predictions'}"],
        truth=data / "groundTruth",
        clips=data / "videos",
        background=datamodule.class_names[datamodule.background] if datamodule.background is not None else None,
        fps=datamodule.reader.fps,
        protocol=task.segmenter.protocol,
        names=datamodule.names("test"),
    )
    export_player(player_of(collection)._replace(title="segtcn demo"), out / "player")
