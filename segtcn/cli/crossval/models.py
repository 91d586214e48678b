"""Several networks, each cross-validated in a process of its own, in one table.

Each process is ``segtcn crossval`` of one network, so what holds for one (complete runs are not repeated, interrupted
ones continue) holds for all. This module imports nothing heavy: on Linux the peak memory that a process reports is at
least that of the process which started it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from segtcn.cli.crossval.tables import models_table, write_results
from segtcn.cli.parser import UsageError
from segtcn.cli.stopping import TerminatedError

if TYPE_CHECKING:
    from segtcn.cli.crossval.cluster import Cluster

PROGRAM = [sys.executable, "-m", "segtcn"]
PATIENCE_S = 20.0
"""How long an interrupted process may take to end by itself."""

_HINTS = ("usage: ", "(SEGTCN_TRACEBACK")
"""Beginnings of the lines that follow the message of an error."""


def numbers(text: str) -> list[int]:
    """Whole numbers from 0 upwards with commas between them, each once."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"expected numbers from 0 upwards with commas between them, got {text!r}")
    return list(dict.fromkeys(map(int, parts)))


@dataclass(frozen=True)
class Grid:
    """Which runs there are: every split with every seed.

    Args:
        seeds: seeds (default: 0).
        splits: splits (default: all of the data set).
    """

    seeds: Annotated[Sequence[int], "0,1,2", ("type", numbers), ("nargs", None)] = (0,)
    splits: Annotated[Sequence[int], "1,2", ("type", numbers), ("nargs", None)] | None = None

    def words(self) -> list[str]:
        """The options that give them to ``segtcn crossval``."""
        lists = {"seeds": self.seeds, "splits": self.splits}
        return [f"--{name}={','.join(map(str, numbers))}" for name, numbers in lists.items() if numbers is not None]

    def has(self, folder: str) -> bool:
        """Whether a folder, ``split1-seed0``, is that of one of the runs."""
        match = re.fullmatch(r"split(\d+)-seed(\d+)", folder)
        if match is None:
            return False
        split, seed = map(int, match.groups())
        return seed in self.seeds and (not self.splits or split in self.splits)


@dataclass(frozen=True)
class Launch:
    """How runs are started.

    Args:
        jobs: how many train at a time, each with its share of the cores: networks with --models, runs without it or
            with --launcher (default: 1; on a cluster: all).
        launcher: start each run as a job of SLURM, or where there is none as a process here; needs segtcn[cluster].
        launcher_options: of submitit, such as slurm_partition=gpu timeout_min=240 cpus_per_task=4.
        retries: how often a run that failed is started again (default: 0; with --launcher 2).
    """

    jobs: int | None = None
    launcher: Literal["submitit"] | None = None
    launcher_options: Annotated[list[str], "NAME=VALUE"] | None = None
    retries: int | None = None


def crossval_models(
    models: Sequence[Sequence[Path]],
    configs: Sequence[Path],
    options: Sequence[str],
    grid: Grid,
    out: Path,
    launch: Launch,
) -> dict[str, Any]:
    """Run ``segtcn crossval`` for each of several networks.

    Args:
        models: the configs of each network, at least one; the name of the first without its ending names the network's
            row and folder.
        configs: those that all networks share; they come before that of the network.
        options: further options of ``segtcn crossval``; they come after it.
        grid: the runs of each network.
        out: folder of the table, with one folder a network: its cross-validation, and ``log.txt``, what it printed.
        launch: how they are started: each network in a process, or with a launcher each of its runs as a job.

    Returns:
        What ``models.json`` holds: ``command``, ``jobs``, ``failed`` (names) and ``models``, results by name.

    Raises:
        FileNotFoundError: if a config is missing.
        ValueError: if two configs have the same name.
        ChildProcessError: naming the networks that failed, once all others are done and in the table.
    """
    networks = _named(models)
    shared, joined = [f"-c={config}" for config in configs], ["+".join(map(str, paths)) for paths in models]
    fit_args = {name: [*shared, *(f"-c={path}" for path in paths), *options] for name, paths in networks.items()}
    failed_runs: list[str] = []
    if launch.launcher:
        jobs = {
            f"{name}/{run}": words
            for name, args in fit_args.items()
            for run, words in _missing_runs(args, grid, out / name).items()
        }
        failed_runs = _run_all(jobs, grid, out, launch)
        launch = Launch()  # only the tables are left
    failed = [*dict.fromkeys(run.partition("/")[0] for run in failed_runs)]
    names = [name for name in networks if name not in failed]
    commands = {name: ["crossval", *fit_args[name], *grid.words(), f"--out={out / name}"] for name in names}
    failed_networks = _run_all(commands, grid, out, launch)
    failed += failed_networks
    done = [name for name in networks if name not in failed]
    results = {
        "command": shlex.join(
            ["segtcn", "crossval", "--models", *joined, *shared, *options, *grid.words(), f"--out={out}"]
        ),
        "jobs": launch.jobs or 1,
        "failed": failed,
        "models": {name: json.loads((out / name / "results.json").read_text(encoding="utf-8")) for name in done},
    }
    write_results(out, "models", results, models_table(results) if done else "")
    _raise_if_any([*failed_runs, *failed_networks], out, f"{len(failed)} of {len(networks)} networks")
    return results


def crossval_parallel(fit_args: Sequence[str], grid: Grid, out: Path, launch: Launch) -> None:
    """Run ``segtcn crossval`` of one network, several of its runs at a time, then make their table.

    Args:
        fit_args: options of ``segtcn fit``.
        grid: the runs.
        out: folder of the results, with one folder a run, in which ``log.txt`` is what it printed.
        launch: how the runs are started.

    Raises:
        ChildProcessError: naming the runs that failed, once all others are done; or if the table cannot be made.
    """
    commands = _missing_runs(fit_args, grid, out)
    failed = _run_all(commands, grid, out, launch)
    _raise_if_any(failed, out, f"{len(failed)} of {len(commands)} runs")
    table = [*PROGRAM, "crossval", *fit_args, f"--out={out}", *grid.words()]
    if subprocess.run(table, check=False).returncode:  # all runs are complete: only the table is left
        raise ChildProcessError("the table could not be made, see above")


def _raise_if_any(failed: Sequence[str], out: Path, how_many: str) -> None:
    if failed:
        logs = ", ".join(str(out / name / "log.txt") for name in failed)
        raise ChildProcessError(f"{how_many} failed: {logs}")


def _missing_runs(fit_args: Sequence[str], grid: Grid, out: Path) -> dict[str, list[str]]:
    """The command of each run of one network that is not complete; refuses a split that does not exist before any."""
    splits = grid.splits or _known_splits(fit_args, out)
    missing = {
        f"split{split}-seed{seed}": ["crossval", *fit_args, f"--out={out}", f"--splits={split}", f"--seeds={seed}"]
        for seed in grid.seeds
        for split in splits
        if not (out / f"split{split}-seed{seed}" / "scores.json").is_file()
    }
    if grid.splits and missing:
        known = _known_splits(fit_args, out)
        if unknown := sorted({*splits} - {*known}):
            raise ValueError(f"there is no split {unknown[0]}; the data set has {', '.join(map(str, known))}")
    return missing


def _known_splits(fit_args: Sequence[str], out: Path) -> list[int]:
    """The splits of a data set, from a process of its own, which imports what this one must not."""
    code = "import sys, segtcn.cli.crossval.split_runs as runs; print(*runs.known_splits(sys.argv[1:]))"
    words = [sys.executable, "-c", code, *fit_args, f"--trainer.default_root_dir={out}"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode == 2:  # of a parser
        raise UsageError(_reason(result.stderr).removeprefix("segtcn fit: error: "))
    if result.returncode:
        reason = re.sub(r"^[\w.]*(?:Error|Exception|error): ", "", _reason(result.stderr))
        raise ChildProcessError(f"the splits of the data set could not be read: {reason}")
    return [int(word) for word in result.stdout.split()]


def _run_all(commands: Mapping[str, Sequence[str]], grid: Grid, out: Path, launch: Launch) -> list[str]:
    """Run all commands, some at a time; returns the names of those that failed."""
    signals: list[int] = []
    try:
        return asyncio.run(_run(commands, grid, out, launch, signals))
    except ExceptionGroup as errors:  # that of `asyncio.TaskGroup` is of no use to a reader
        raise errors.exceptions[0] from None
    except asyncio.CancelledError:
        raise (TerminatedError if signals and signals[0] != signal.SIGHUP else KeyboardInterrupt) from None


def _named(models: Sequence[Sequence[Path]]) -> dict[str, Sequence[Path]]:
    """The configs of each network by the name of the first."""
    networks: dict[str, Sequence[Path]] = {}
    for paths in models:
        for path in paths:
            if not path.is_file():
                raise FileNotFoundError(
                    f"no config {path}: --models takes one file for each network, or several joined by `+`"
                )
        name = paths[0].stem
        if name in networks:
            raise ValueError(f"two configs of --models are named {name!r}, which names row and folder: rename one")
        networks[name] = paths
    return networks


async def _run(
    commands: Mapping[str, Sequence[str]], grid: Grid, out: Path, launch: Launch, signals: list[int]
) -> list[str]:
    """Run all commands, some at a time; returns the names of those that failed.

    Signals, which are added to ``signals``, end the processes: the first lets them save, the second does not.
    """
    task: Any = asyncio.current_task()

    def cancel(number: int) -> None:
        signals.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):  # as Ctrl-C does without this
        asyncio.get_running_loop().add_signal_handler(number, cancel, number)
    cluster = _cluster_of(launch, out)
    jobs = launch.jobs or (1 if cluster is None else max(1, len(commands)))
    is_here = cluster is None or cluster.is_local
    environment = _shared_cores(jobs) if is_here else {}
    retries = launch.retries if launch.retries is not None else 0 if cluster is None else 2
    progress, free = _Progress(out, [*commands], grid), asyncio.Semaphore(jobs)

    async def run(name: str) -> None:
        words, log = [*PROGRAM, *commands[name]], out / name / "log.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        async with free:
            for left in reversed(range(retries + 1)):
                if cluster is None:
                    status = await _run_here(words, log, environment, partial(progress.show, name))
                else:
                    status = await cluster.run(words, log, environment)
                if status == 0 or not left:
                    break
                print(f"{name}: failed with status {status}, is started again", flush=True)
            progress.end(name, status)

    async with asyncio.TaskGroup() as group:
        for name in commands:
            group.create_task(run(name))
    return [name for name in commands if name in progress.failed]


def _cluster_of(launch: Launch, out: Path) -> Cluster | None:
    if launch.launcher is None:
        return None
    from segtcn.cli.crossval.cluster import Cluster

    return Cluster(out / "jobs", launch.launcher_options or [])


def _shared_cores(jobs: int) -> dict[str, str]:
    """Variables by which each of several processes takes its share of the cores."""
    return {"OMP_NUM_THREADS": str(max(1, _num_threads() // jobs))} if jobs > 1 else {}


async def _run_here(
    words: Sequence[str], log: Path, environment: Mapping[str, str], show: Callable[[str], None]
) -> int:
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            start_new_session=True,  # so that it is interrupted once, by `finally`, with all its own processes
        )
        try:
            async for line in process.stdout:  # type: ignore[union-attr]
                show(line.decode(errors="replace").rstrip())
                file.write(line)
                file.flush()
            return await process.wait()
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process that is still running, with the processes it started; training saves first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is None:
            os.killpg(process.pid, number)
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(process.wait(), PATIENCE_S)


class _Progress:
    """Lines about all networks: which run of which one, and how much time the rest will take."""

    def __init__(self, out: Path, names: Sequence[str], grid: Grid) -> None:
        self.failed: list[str] = []
        self._out, self._names, self._grid = out, names, grid
        self._start_s, self._before = time.monotonic(), self._complete()

    def show(self, name: str, line: str) -> None:
        """Print a line of a network if it says which run begins."""
        if not (match := re.match(r"run \d+ of (\d+)", line)):
            return
        complete = {key: runs for key, runs in self._complete().items() if key not in self.failed}
        done, new = sum(complete.values()), sum(runs - self._before[key] for key, runs in complete.items())
        total = max(int(match[1]) * len(complete), done)
        minutes = (time.monotonic() - self._start_s) / 60
        left = f", about {minutes / new * (total - done):.0f} min left" if new else ""
        print(f"{name}: {line} (in all {done} of {total} runs are done{left})", flush=True)

    def end(self, name: str, status: int) -> None:
        """Print that a network is done or has failed, and why."""
        if status == 0:
            print(f"{name}: done", flush=True)
            return
        self.failed.append(name)
        log = (self._out / name / "log.txt").read_text(encoding="utf-8", errors="replace")
        print(f"{name}: failed with status {status}: {_reason(log)}", flush=True)

    def _complete(self) -> dict[str, int]:
        found = {name: (self._out / name).glob("**/scores.json") for name in self._names}
        return {name: sum(self._grid.has(path.parent.name) for path in paths) for name, paths in found.items()}


def _reason(log: str) -> str:
    """The last line that a command printed before hints on its options and its traceback."""
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith(_HINTS)]
    return lines[-1] if lines else "no message"


def _num_threads() -> int:
    """Threads of one process, as PyTorch takes them."""
    variable = os.environ.get("OMP_NUM_THREADS", "")
    if variable.isdigit() and int(variable) > 0:
        return int(variable)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
