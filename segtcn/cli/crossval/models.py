"""Several networks, each cross-validated in a process of its own, in one table.

Each process is ``segtcn crossval`` of one network, so what holds for one (complete runs are not repeated, interrupted
ones continue) holds for all. This module imports nothing heavy: on Linux the peak memory that a process reports is at
least that of the process which started it.
"""

from __future__ import annotations

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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segtcn.cli.crossval.tables import models_table, write_results
from segtcn.cli.stopping import TerminatedError

PROGRAM = [sys.executable, "-m", "segtcn"]
PATIENCE_S = 20.0
"""How long an interrupted process may take to end by itself."""


def crossval_models(
    models: Sequence[Sequence[Path]],
    configs: Sequence[Path],
    options: Sequence[str],
    out: Path,
    jobs: int = 1,
) -> dict[str, Any]:
    """Run ``segtcn crossval`` for each of several networks.

    Args:
        models: the configs of each network, at least one; the name of the first without its ending names the network's
            row and folder.
        configs: those that all networks share; they come before that of the network.
        options: further options of ``segtcn crossval``; they come after it.
        out: folder of the table, with one folder a network: its cross-validation, and ``log.txt``, what it printed.
        jobs: networks at a time, each with its share of the threads.

    Returns:
        What ``models.json`` holds: ``command``, ``jobs``, ``failed`` (names) and ``models``, results by name.

    Raises:
        FileNotFoundError: if a config is missing.
        ValueError: if two configs have the same name.
        ChildProcessError: naming the networks that failed, once all others are done and in the table.
    """
    networks = _named(models)
    shared, joined = [f"-c={config}" for config in configs], ["+".join(map(str, paths)) for paths in models]
    commands = {
        name: ["crossval", *shared, *(f"-c={path}" for path in paths), *options, f"--out={out / name}"]
        for name, paths in networks.items()
    }
    failed = _run_all(commands, out, jobs)
    done = [name for name in networks if name not in failed]
    results = {
        "command": shlex.join(["segtcn", "crossval", "--models", *joined, *shared, *options, f"--out={out}"]),
        "jobs": jobs,
        "failed": failed,
        "models": {name: json.loads((out / name / "results.json").read_text(encoding="utf-8")) for name in done},
    }
    write_results(out, "models", results, models_table(results) if done else "")
    if failed:
        logs = ", ".join(str(out / name / "log.txt") for name in failed)
        raise ChildProcessError(f"{len(failed)} of {len(networks)} networks failed: {logs}")
    return results


def crossval_parallel(
    fit_args: Sequence[str], seeds: Sequence[int], splits: Sequence[int] | None, out: Path, jobs: int
) -> None:
    """Run ``segtcn crossval`` of one network, several of its runs at a time, then make their table.

    Args:
        fit_args: options of ``segtcn fit``.
        seeds: one run of every split for each.
        splits: numbers of the splits; None takes all that the reader knows.
        out: folder of the results, with one folder a run, in which ``log.txt`` is what it printed.
        jobs: runs at a time, each with its share of the threads.

    Raises:
        ChildProcessError: naming the runs that failed, once all others are done.
    """
    command = ["crossval", *fit_args, f"--out={out}"]
    splits = splits or _known_splits(fit_args, out)
    commands = {
        f"split{split}-seed{seed}": [*command, f"--splits={split}", f"--seeds={seed}"]
        for seed in seeds
        for split in splits
        if not (out / f"split{split}-seed{seed}" / "scores.json").is_file()
    }
    if failed := _run_all(commands, out, jobs):
        logs = ", ".join(str(out / name / "log.txt") for name in failed)
        raise ChildProcessError(f"{len(failed)} of {len(commands)} runs failed: {logs}")
    lists = (f"--splits={','.join(map(str, splits))}", f"--seeds={','.join(map(str, seeds))}")
    subprocess.run([*PROGRAM, *command, *lists], check=True)  # all runs are complete: only the table is left


def _known_splits(fit_args: Sequence[str], out: Path) -> list[int]:
    """The splits of a data set, from a process of its own, which imports what this one must not."""
    code = "import sys, segtcn.cli.crossval.split_runs as runs; print(*runs.known_splits(sys.argv[1:]))"
    words = [sys.executable, "-c", code, *fit_args, f"--trainer.default_root_dir={out}"]
    result = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        raise ChildProcessError("the splits of the data set could not be read, see above")
    return [int(word) for word in result.stdout.split()]


def _run_all(commands: Mapping[str, Sequence[str]], out: Path, jobs: int) -> list[str]:
    """Run all commands, some at a time; returns the names of those that failed."""
    signals: list[int] = []
    try:
        return asyncio.run(_run(commands, out, jobs, signals))
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


async def _run(commands: Mapping[str, Sequence[str]], out: Path, jobs: int, signals: list[int]) -> list[str]:
    """Run all commands, some at a time; returns the names of those that failed.

    Signals, which are added to ``signals``, end the processes: the first lets them save, the second does not.
    """
    task: Any = asyncio.current_task()

    def cancel(number: int) -> None:
        signals.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):  # as Ctrl-C does without this
        asyncio.get_running_loop().add_signal_handler(number, cancel, number)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if jobs > 1:
        environment["OMP_NUM_THREADS"] = str(max(1, _num_threads() // jobs))
    progress = _Progress(out, [*commands])
    free = asyncio.Semaphore(jobs)

    async def run(name: str) -> None:
        async with free:
            status = await _run_one(name, commands[name], out / name / "log.txt", environment, progress)
            progress.end(name, status)

    async with asyncio.TaskGroup() as group:
        for name in commands:
            group.create_task(run(name))
    return [name for name in commands if name in progress.failed]


async def _run_one(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], progress: _Progress
) -> int:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            env=environment,
            start_new_session=True,  # so that it is interrupted once, by `finally`, with all its own processes
        )
        try:
            async for line in process.stdout:  # type: ignore[union-attr]
                progress.show(name, line.decode(errors="replace").rstrip())
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

    def __init__(self, out: Path, names: Sequence[str]) -> None:
        self.failed: list[str] = []
        self._out, self._names = out, names
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
        print(f"{name}: {line} (of all networks {done} of {total} runs are done{left})", flush=True)

    def end(self, name: str, status: int) -> None:
        """Print that a network is done or has failed, and why."""
        if status == 0:
            print(f"{name}: done", flush=True)
            return
        self.failed.append(name)
        lines = (self._out / name / "log.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        said = [line for line in lines if line.strip() and not line.startswith("(SEGTCN_TRACEBACK")]
        print(f"{name}: failed with status {status}: {said[-1] if said else 'no message'}", flush=True)

    def _complete(self) -> dict[str, int]:
        return {name: len([*(self._out / name).glob("**/scores.json")]) for name in self._names}


def _num_threads() -> int:
    """Threads of one process, as PyTorch takes them."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
