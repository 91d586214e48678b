"""The rows of the report: which measurements it takes, and running them so that none is taken twice."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import platform
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segtcn.atomic import remove_leftovers, write_json
from segtcn.progress import progress_bar

COMPARED = ("TCN", "LSTM", "GRU")
MUSIC = {"JSB Chorales": "JSB_Chorales.mat", "Nottingham": "Nottingham.mat"}
NETWORKS = ("TCN", "ByteNet", "Dilated TCN", "LSTM", "GRU")
STACKS = {
    "plain": {"residual": False, "norm": False},
    "normalised": {"residual": False, "norm": True},
    "residual": {"residual": True, "norm": False},
    "residual and normalised": {"residual": True, "norm": True},
}
FIELDS = ((2, 2), (3, 2), (2, 3), (4, 2), (11, 1), (5, 2), (3, 3), (6, 2), (8, 2))
"""Taps and blocks around a delay of 20 frames: the fourth sees 18 frames, the fifth 20."""


@dataclass(frozen=True)
class Row:
    """One measurement.

    Args:
        claim: which claim it belongs to.
        label: of its line in a table; the seed is not part of it.
        measure: module and function in :mod:`segtcn.sequences`.
        arguments: of that function, plain values.
    """

    claim: str
    label: str
    measure: str
    arguments: dict[str, Any]

    @property
    def name(self) -> str:
        """Of its file: unique."""
        seed = f"-seed{self.arguments['seed']}" if "seed" in self.arguments else ""
        return f"{self.claim}-{self.label}{seed}".replace(" ", "_").replace(",", "")

    @property
    def runs_alone(self) -> bool:
        """Whether nothing else may run beside it."""
        return self.measure.startswith("machine_costs")


def all_rows(music: Path | None, quick: bool = False) -> list[Row]:
    """All rows of the report.

    Args:
        music: folder with the ``.mat`` files of :data:`MUSIC`; None leaves the claim about music out.
        quick: small sizes and one seed, to see that everything works; the numbers mean nothing.

    Raises:
        FileNotFoundError: if a file of the music is missing.
    """
    if music is not None and (missing := [name for name in MUSIC.values() if not (music / name).is_file()]):
        raise FileNotFoundError(f"no {missing[0]} in {music}: put the piano roll there, or leave `music` out")
    rows = [*_costs(quick), *_dependence(quick)]
    for seed in range(1 if quick else 3):
        trainings = [*_copies(quick), *_sums(quick), *_fields(quick), *_depths(quick), *_pieces(quick, music)]
        rows += [
            Row(claim, label, "learning.learn", {**settings, "seed": seed}) for claim, label, settings in trainings
        ]
    return rows


Training = tuple[str, str, dict[str, Any]]
"""Claim, label and settings, but for the seed."""


def _compared(claim: str, task: str, settings: dict[str, Any]) -> Iterator[Training]:
    for network in COMPARED:
        yield claim, f"{task}, {network}", {**settings, "network": network}


def _copies(quick: bool) -> Iterator[Training]:
    for delay in (30, 60) if quick else (500, 1000):
        steps = {"steps": 90, "every": 30} if quick else {"steps": 900 if delay == 500 else 700, "every": 50}
        # few paths lead from the far end of a field to the output: one that barely reaches is not enough
        shape = {"past": 108, "budget": 2100} if quick else {"past": 1800, "budget": 13_000}
        settings = {"reader": "CopyMemoryReader", "task": {"delay": delay}, "shape": {**shape, "kernel_size": 8}}
        yield from _compared("copy", f"T = {delay}", {**settings, **steps, "learning_rate": 5e-3, "goal": 5e-4})


def _sums(quick: bool) -> Iterator[Training]:
    for length in (20, 40) if quick else (200, 600):
        shape = {"past": length - 1, "budget": 5300 if quick else 28_600, "kernel_size": 7}
        steps = {"steps": 60, "every": 20} if quick else {"steps": 1000 if length == 200 else 250, "every": 50}
        settings = {"reader": "AddingReader", "task": {"length": length}, "shape": shape, "batch_size": 32}
        yield from _compared("adding", f"T = {length}", {**settings, **steps, "learning_rate": 4e-3})


def _fields(quick: bool) -> Iterator[Training]:
    steps = {"steps": 60, "every": 30} if quick else {"steps": 900, "every": 100}
    for kernel_size, layers in FIELDS[3:5] if quick else FIELDS:
        shape = {"kernel_size": kernel_size, "layers": layers, "width": 16}
        settings = {"reader": "CopyMemoryReader", "task": {"delay": 10}, "network": "TCN", "shape": shape, **steps}
        blocks = "1 block" if layers == 1 else f"{layers} blocks"
        yield "field", f"kernel {kernel_size}, {blocks}", {**settings, "batch_size": 16, "goal": 1e-3}


def _depths(quick: bool) -> Iterator[Training]:
    steps = {"steps": 30, "every": 10} if quick else {"steps": 400, "every": 100}
    for depth in (4, 8) if quick else (4, 8, 16, 32):
        for name, parts in STACKS.items():
            shape = {"width": 16, "layers": depth, **parts}
            settings = {"reader": "CopyMemoryReader", "task": {"delay": 10}, "network": "stack", "shape": shape}
            yield "depth", f"{name}, {depth}", {**settings, **steps, "batch_size": 16, "learning_rate": 2e-3}


def _pieces(quick: bool, folder: Path | None) -> Iterator[Training]:
    for piece, file in MUSIC.items() if folder is not None else ():
        is_long = piece == "Nottingham"
        shape: dict[str, Any] = {"past": 60, "kernel_size": 6} if is_long else {"past": 20, "kernel_size": 3}
        shape |= {"budget": 20_000 if quick else 300_000, "dropout": 0.1 if is_long else 0.5}
        steps = {"steps": 1392, "every": 174} if is_long else {"steps": 3450, "every": 115}
        settings: dict[str, Any] = {"reader": "MusicReader", "task": {"path": f"{folder}/{file}"}, "shape": shape}
        settings |= {"batch_size": 4 if is_long else 2, "learning_rate": 4e-3, "beta": 0.999}
        settings |= {"steps": 4, "every": 2} if quick else steps
        yield from _compared("music", piece, {**settings, "clip": 0.4, "select": True})


def _costs(quick: bool) -> Iterator[Row]:
    lengths = [128, 256] if quick else [128, 512, 2048, 4096, 16_384]
    size = {"budget": 20_000 if quick else 60_000, "past": 100 if quick else 500}
    for network in NETWORKS:
        settings = {"network": network, "lengths": lengths, **size}
        yield Row("costs", network, "machine_costs.measure_costs", settings)
        yield Row("costs", f"{network}, two threads", "machine_costs.measure_costs", {**settings, "threads": 2})


def _dependence(quick: bool) -> Iterator[Row]:
    for network, causal in [(name, True) for name in NETWORKS] + [("TCN", False), ("LSTM", False)]:
        settings = {"network": network, "causal": causal, "length": 24 if quick else 64}
        label = f"{network}, {'causal' if causal else 'acausal'}"
        yield Row("jacobian", label, "causality.measure_jacobian", settings)
    for kernel_size, dilation in ((2, 1), (3, 4), (8, 16)):
        settings = {"kernel_size": kernel_size, "dilation": dilation, "length": 100}
        yield Row("masked", f"kernel {kernel_size}, dilation {dilation}", "causality.measure_masked", settings)


def run_rows(rows: Sequence[Row], folder: Path, jobs: int = 1, show: bool = True) -> dict[str, dict[str, Any]]:
    """Take the measurements that a folder does not hold yet.

    Args:
        rows: of the report.
        folder: each row is a file ``NAME.json`` in it; one of other arguments is taken again.
        jobs: processes at the same time, of one thread each; what measures time or memory runs alone.
        show: whether to show progress.

    Returns:
        The result of every row by its name.

    Raises:
        ValueError: if ``jobs`` is below 1.
    """
    if jobs < 1:
        raise ValueError(f"`jobs` must be at least 1, got {jobs}")
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)  # of a process that was killed
    results = {row.name: result for row in rows if (result := _stored(row, folder)) is not None}
    missing = [row for row in rows if row.name not in results]
    with progress_bar(name="measuring", unit="row", total=len(rows), initial=len(results), show=show) as bar:
        together = [row for row in missing if not row.runs_alone]
        # a process of its own where the peak of memory is measured, which never falls
        for part in (*([row] for row in missing if row.runs_alone), together):
            with _pool(jobs) as pool:
                futures = {pool.submit(measure, row): row for row in part}
                for future in as_completed(futures):
                    row = futures[future]
                    results[row.name] = future.result()
                    write_json(folder / f"{row.name}.json", {**asdict(row), "result": results[row.name]})
                    bar.update()
    return results


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end at once with an error or a signal; an executor alone waits for every row, and drops it."""
    others = multiprocessing.active_children()
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _end_with_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in others:
                process.terminate()
        raise
    pool.shutdown()


def _end_with_parent() -> None:
    """A process that was killed cannot end its own; one of these may compute for minutes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to these, too

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _stored(row: Row, folder: Path) -> dict[str, Any] | None:
    try:
        stored = json.loads((folder / f"{row.name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or cut off
        return None
    result: dict[str, Any] | None = stored["result"] if stored.get("arguments") == row.arguments else None
    return result


def measure(row: Row) -> dict[str, Any]:
    """Take one measurement, with one thread.

    Args:
        row: what to measure.

    Returns:
        What its function returns, and the ``machine``.
    """
    import torch

    torch.set_num_threads(1)
    module, function = row.measure.split(".")
    result = getattr(importlib.import_module(f"segtcn.sequences.{module}"), function)(**row.arguments)
    return {**result, "machine": f"{platform.machine()}, PyTorch {torch.__version__}"}
