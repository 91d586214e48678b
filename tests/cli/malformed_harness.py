"""At least a thousand malformed inputs for all commands that read files: no stack trace, no hang.

Run by `tests/cli/test_malformed.py`, or by hand: `python -m tests.cli.malformed_harness FOLDER [NUMBER]` prints every
failure.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import resource
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from segtcn.cli import main
from segtcn.models import EDTCN
from segtcn.segmenter import Segmenter
from tests.cli.malformed_inputs import HUGE, checkpoint_files, clip_files, configs, feature_files, label_files, runs
from tests.clips import write_clip
from tests.conftest import CLASSES, write_tree

SECONDS = 60
MEMORY = 16 * 2**30


def label_cases(folder: Path, tree: Path) -> Iterator[list[str]]:
    """Commands that read labels."""
    truth, mapping = tree / "groundTruth", str(tree / "mapping.txt")
    for number, (name, content) in enumerate(label_files().items()):
        path = folder / "inputs" / f"{number}" / f"P02_tea{Path(name).suffix}"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        yield ["evaluate", str(path.parent), str(truth), f"--mapping={mapping}"]
        yield ["timeline", str(path), f"--truth={truth / 'P02_tea.txt'}", f"-o={folder}/out.png"]
        if number % 4 == 0:
            yield ["evaluate", str(path.parent), str(path.parent), "--fps=1e300"]
            yield ["timeline", str(path), "--fps=1e300", f"-o={folder}/out.svg"]
            yield ["view", str(path), f"--export={folder}/player{number}", "--quiet"]
            yield ["overlay", str(path), str(path), f"-o={folder}/out.mp4"]
            yield ["add", str(tree), str(path.parent), "--dry-run"]
            yield [
                "init",
                str(folder / "new"),
                f"--features={tree}/features",
                f"--annotations={path.parent}",
                "--dry-run",
                "--fps=10",
                "--quiet",
            ]
            yield ["overlay", f"{folder}/clip.mp4", str(path), f"-o={folder}/out.mp4", "--quiet"]
            yield ["decode", str(path.parent), f"--decoder={path}", f"-o={folder}/decoded"]


def run_cases(folder: Path, tree: Path) -> Iterator[list[str]]:
    """Commands that read the folders of runs."""
    for number, run in enumerate(runs(folder / "runs", tree)):
        yield ["compare", str(run), str(run)]
        yield ["timeline", str(run), f"-o={folder}/out.png"]
        if number % 3 == 0:
            yield ["analyze", str(run), f"--out={folder}/report"]
            yield ["view", str(run), f"--export={folder}/view{number}", "--quiet"]
            yield ["predict", str(run), str(tree / "features"), f"--out={folder}/labels"]
            yield ["export", str(run), f"-o={folder}/out.onnx"]
            yield ["decode", str(run), "--fit=median", f"-o={folder}/median.json"]
            yield ["evaluate", str(run), "--online"]
            yield ["live", str(run), f"{folder}/clip.mp4"]
            yield ["fit", str(run), "--resume"]


def config_cases(folder: Path, tree: Path) -> Iterator[list[str]]:
    """Commands that read configs."""
    for number, text in enumerate(configs(tree)):
        path = folder / f"config{number}.yaml"
        path.write_text(text)
        yield ["convert", str(path), f"{folder}/out{number}.h5", "--quiet"]
        yield ["check-config", str(path)]
        if number % 5 == 0:
            training = [f"-c={path}", "--model.net=EDTCN", "--trainer.logger=false"]
            yield ["test", f"-c={path}"]
            yield ["validate", f"-c={path}"]
            yield ["sweep", str(path), "--trials=1", f"--out={folder}/sweep{number}"]
            learning = ["--annotated=1", "--splits=1", "--trainer.max_epochs=1", f"--out={folder}/learncurve{number}"]
            yield ["learncurve", *training, *learning]
            yield ["fit", *training, "--trainer.fast_dev_run=true"]
            yield ["crossval", *training, "--trainer.max_epochs=1", f"--out={folder}/crossval{number}"]
            yield ["check", str(path), "--quiet"]


def binary_cases(folder: Path, tree: Path) -> Iterator[list[str]]:
    """Commands that read features, clips and checkpoints."""
    net, clip, files = folder / "net.ckpt", folder / "clip.mp4", folder / "binary"
    files.mkdir()
    for name, content in feature_files().items():
        path = files / name.removesuffix(".npy") / "P02_tea.npy"
        path.parent.mkdir()
        path.write_bytes(content)
        yield ["predict", str(net), str(path), f"--out={path.parent}/labels", "--quiet"]
        yield ["draft", str(path), "--clusters=2", "--fps=10", "--overwrite", f"-o={path.parent}/drafts"]
        yield [
            "init",
            str(path.parent),
            f"--features={path.parent}",
            f"--annotations={tree}/groundTruth",
            "--dry-run",
            "--fps=10",
            "--quiet",
        ]
        copy = path.parent / "tree"
        shutil.copytree(tree, copy)
        shutil.copy(path, copy / "features")
        yield ["convert", str(copy), f"{path.parent}/out.h5", "--fps=10", "--quiet"]
        yield ["check", str(copy), "--fps=10", "--quiet"]
    for name, content in clip_files(clip.read_bytes()).items():
        path = files / name
        path.write_bytes(content)
        yield ["extract", str(path), f"--out={folder}/features", "--backbone=builtin", "--overwrite", "--quiet"]
        yield ["predict", str(net), str(path), f"--out={folder}/labels", "--overwrite", "--quiet"]
        yield ["live", str(net), str(path), "--backbone=builtin"]
        yield ["overlay", str(path), f"{tree}/groundTruth/P02_tea.txt", f"-o={folder}/out.mp4", "--quiet"]
    for name, content in checkpoint_files(net.read_bytes()).items():
        path = files / name
        path.write_bytes(content)
        yield ["predict", str(path), f"{tree}/features", f"--out={files}/{name}.labels", "--quiet"]
        yield ["export", str(path), "--format=folder", f"-o={files}/{name}.folder"]
        yield ["live", str(path), str(clip), "--backbone=builtin"]


def option_cases(folder: Path, tree: Path) -> Iterator[list[str]]:
    """Numbers out of any range."""
    net, features, clip = str(folder / "net.ckpt"), str(tree / "features"), f"{folder}/clip.mp4"
    options = {
        ("predict", net, features, f"--out={folder}/labels", "--quiet"): ("min-duration", "chunk"),
        ("draft", features, f"-o={folder}/drafts", "--fps=10"): ("clusters", "fps", "sample-rate"),
        ("extract", clip, f"--out={folder}/features", "--backbone=builtin", "--quiet"): ("window", "stride", "fps"),
        ("live", net, clip, "--backbone=builtin"): ("fps", "behind", "timeout", "retries"),
        (
            "init",
            f"{folder}/new",
            f"--features={features}",
            f"--annotations={tree}/groundTruth",
            "--dry-run",
            "--quiet",
        ): ("fps", "folds", "close-gaps", "annotation-fps", "seed"),
        ("plan", "--seconds=9", "--fps=15"): ("seconds", "fps", "kernel", "width", "features", "classes"),
        ("timeline", f"{tree}/groundTruth/P02_tea.txt", f"-o={folder}/out.png"): ("fps", "worst", "page-height"),
        ("overlay", clip, f"{tree}/groundTruth/P02_tea.txt", f"-o={folder}/out.mp4", "--quiet"): (
            "start",
            "stop",
            "speed",
            "scale",
            "height",
            "window",
            "top",
            "fps",
        ),
        ("evaluate", f"{tree}/groundTruth", f"{tree}/groundTruth"): ("fps", "sample-rate", "background"),
        ("compare", f"{folder}/runs/run", f"{folder}/runs/run"): ("resamples", "seed", "confidence"),
        ("crossval", f"-c={folder}/nothing.yaml", f"--out={folder}/crossval"): ("seeds", "splits", "jobs"),
        ("check", str(tree), "--fps=10", "--quiet"): ("fps",),
        ("sweep", f"{folder}/nothing.yaml", f"--out={folder}/sweep"): ("trials",),
        ("learncurve", f"-c={folder}/nothing.yaml", f"--out={folder}/learncurve"): ("annotated",),
        ("export", net, f"-o={folder}/out.onnx"): ("opset",),
    }
    for words, names in options.items():
        for name, value in itertools.product(names, HUGE):
            yield [*words, f"--{name}={value}"]
    for value in ("-1", "x", "nan", "1e300", ""):
        yield ["demo", f"--out={folder}/demo", f"--videos={value}"]
        yield ["bench", "sequences", f"--out={folder}/bench", "--quick", f"--claims={value}"]


def cases(folder: Path) -> Iterator[list[str]]:
    """The words of commands."""
    tree = write_tree(folder / "tree")
    write_clip(folder / "clip.mp4", 20, size=(64, 48))
    Segmenter(EDTCN(4, 3, hidden_channels=[4], kernel_size=3), [*CLASSES], fps=10).save(folder / "net.ckpt")
    for kind in (label_cases, run_cases, config_cases, binary_cases, option_cases):
        yield from kind(folder, tree)


class HangError(BaseException):
    """A command that took too long."""


def failure_of(words: list[str]) -> str | None:
    """The stack trace of a command that raises, or that it hangs; None if it ends with a message."""

    def stop(*args: object) -> None:
        raise HangError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            main(words)
    except SystemExit:
        pass
    except HangError:
        return f"took more than {SECONDS} s"
    except BaseException:  # what the harness looks for
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    return printed.getvalue() if "Traceback" in printed.getvalue() else None


def main_loop(folder: Path, every: int) -> None:
    """Run each ``every``-th case; print what goes wrong, and at the end how many cases there were."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    number = wrong = 0
    for words in itertools.islice(cases(folder), 0, None, every):
        number += 1
        if (failure := failure_of(words)) is not None:
            wrong += 1
            print(f"--- {number}: {' '.join(words)}\n{failure}", flush=True)
    print(f"{number} cases, {wrong} failures")


if __name__ == "__main__":
    main_loop(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
