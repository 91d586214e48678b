"""``segtcn demo``: the main job from clips to pictures, with the commands for it, on data that it makes itself."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

from segtcn.atomic import write_json, write_text
from segtcn.cli.parser import Dir, run
from segtcn.config_names import find_config


def demo(*, out: Dir = Path("runs/demo"), videos: int = 24, epochs: int = 60, seed: int = 0) -> dict[str, float]:
    """Make a small data set of rendered clips, train on it, score it and draw it.

    The command renders short kitchen clips, computes features from their pixels and trains ED-TCN on the clips of all
    cooks but one. It scores, draws and plays its predictions for the clips of the cook it has not seen. It takes a few
    minutes.

    Args:
        out: folder of everything that is written, a run like any other.
        videos: clips to render; those that are there already are used again.
        epochs: passes over the training clips.
        seed: of the clips and of the training.

    Examples:
      segtcn demo --out runs/demo
    """
    from segtcn.demo.synthetic import make_synthetic
    from segtcn.text_table import scores_table

    start_s = time.monotonic()
    data = make_synthetic(out / "data", num_videos=videos, seed=seed)
    scores = _train_and_test(data, out, epochs, seed)
    table = scores_table({f"ED-TCN, {epochs} epochs": scores}, "held-out clips")
    write_text(out / "scores.md", f"{table}\n\nProtocol `lea`, percent.\n")
    write_json(out / "scores.json", {"protocol": "lea", **scores})
    clip = _draw(data, out)
    print(f"\n{table}\n")
    for what, where in {
        "table": out / "scores.md",
        "timelines": out / "timeline.png",
        f"{clip} with labels": out / "overlay.mp4",
        "player": out / "player" / "index.html",
        "predictions": out / "predictions",
        "checkpoint": out / "checkpoints" / "last.ckpt",
        "W&B offline run": out / "wandb" / "latest-run",
        "clips and features": data,
    }.items():
        print(f"{what + ':':<28}{where}")
    print(f"\nDone in {time.monotonic() - start_s:.0f} s.")
    return scores


def _train_and_test(data: Path, out: Path, epochs: int, seed: int) -> dict[str, float]:
    """One run, with one W&B run for training and test."""
    from segtcn.callbacks.wandb import finish
    from segtcn.cli.lightning import SegmentationCLI
    from segtcn.text_table import SCORE_HEADINGS

    options = {
        "seed_everything": seed,
        "data.reader.root": data,
        "trainer.max_epochs": epochs,
        "trainer.default_root_dir": out,
    }
    recipe = f"-c={find_config('demo')}"
    cli = SegmentationCLI([recipe, *(f"--{key}={value}" for key, value in options.items())], run=False)
    cli.trainer.fit(cli.model, cli.datamodule)
    (results,) = cli.trainer.test(cli.model, cli.datamodule, verbose=False)
    finish()
    return {key: results[f"test/{key}"] for key in SCORE_HEADINGS}


def _draw(data: Path, out: Path) -> str:
    """Timelines and player of all held-out clips, and the first of them with its labels; returns its name."""
    truth, predictions = data / "groundTruth", out / "predictions"
    name = min(path.stem for path in predictions.glob("*.npz"))
    labels = [f"ED-TCN={predictions}", f"--truth={truth}", "--fps=15"]
    clip = [f"{data / 'videos' / name}.mp4", f"ED-TCN={predictions / name}.csv", f"--truth={truth / name}.txt"]
    for command in (
        ["timeline", *labels, "--page-height=99", f"--output={out / 'timeline.png'}"],
        ["overlay", *clip, f"--output={out / 'overlay.mp4'}"],
        ["view", *labels, f"--clips={data / 'videos'}", f"--export={out / 'player'}"],
    ):
        run(getattr(importlib.import_module(f"segtcn.cli.{command[0]}"), command[0]), command[1:])
    return name
