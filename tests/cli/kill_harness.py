"""Kill a command again and again, then let it finish: nothing may be lost, damaged or left over.

Run by `tests/cli/test_kills.py`, or by hand: `python -m tests.cli.kill_harness FOLDER [FOLDER ...]`.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from segtcn import atomic
from segtcn.cli import main
from segtcn.segmenter.sealed_file import DamagedFileError, check_seal


@dataclass
class Report:
    """What the kills did.

    Args:
        kills: that hit a running command.
        aimed: those of them in the middle of writing a checkpoint.
        damaged: damaged checkpoints under a final name, counted after each kill.
    """

    kills: int = 0
    aimed: int = 0
    damaged: int = 0


def kill_until_done(
    first: Sequence[str], again: Callable[[], Sequence[str]], folder: Path, kills: int, seed: int
) -> Report:
    """Start a command, kill it at random moments, the half of them while it writes, and let it finish at last.

    Args:
        first: the words of the command.
        again: gives those by which it continues.
        folder: where it writes.
        kills: how many.
        seed: of the moments.
    """
    report, rng, longest, words = Report(), random.Random(seed), 2.0, first
    while report.kills < kills:
        aimed = rng.random() < 0.5
        start = time.monotonic()
        child = os.fork()
        if child == 0:
            _become(words, rng.randrange(1, 7) if aimed else None, rng.choice(["half", "before", "after"]))
        rng.random()
        status = _wait(child, None if aimed else rng.uniform(0, longest))
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"{words} failed"
            longest, words = time.monotonic() - start, again()
            break  # it was done before it was killed
        report.kills, report.aimed = report.kills + 1, report.aimed + aimed
        report.damaged += sum(is_damaged(file) for file in folder.rglob("*.ckpt") if not file.name.startswith("."))
        words = again()
    child = os.fork()
    if child == 0:
        _become(words, None, "")
    _, status = os.waitpid(child, 0)
    assert status == 0, f"{words} failed"
    return report


def is_damaged(file: Path) -> bool:
    try:
        check_seal(file)
    except DamagedFileError:
        return True
    return False


def _wait(child: int, seconds: float | None) -> int:
    """Let a child run, kill it after some seconds, and return its status."""
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _become(words: Sequence[str], number: int | None, moment: str) -> None:
    """Run a command in this forked process, which kills itself at a moment of the writing of checkpoint ``number``."""
    log = os.open(os.environ.get("KILL_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    replace, synchronise, left = Path.replace, atomic._synchronise, [number]

    def die(path: Path) -> bool:
        if number is None or path.suffix != ".ckpt":
            return False
        left[0] -= 1
        return left[0] == 0

    def synchronise_or_die(path: Path) -> None:
        if moment == "half" and path.is_file() and die(path):
            os.truncate(path, path.stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        synchronise(path)

    def replace_or_die(self: Path, target: Path) -> Path:
        is_last = moment in ("before", "after") and die(Path(target))
        if is_last and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = replace(self, target)
        if is_last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    atomic._synchronise, Path.replace = synchronise_or_die, replace_or_die
    status = 1
    try:
        status = main(words)
    finally:
        sys.stdout.flush()
        os._exit(status)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Of the last checkpoint of a run."""
    stored = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return {**stored["state_dict"], "steps": torch.tensor(stored["global_step"])}


def assert_equal(folder: Path, other: Path) -> None:
    first, second = weights(folder), weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first), f"{folder} and {other} differ"


def leftovers(folder: Path) -> list[str]:
    """Files that no finished run has."""
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    return [name for name in names if Path(name).name.startswith(".")]
