"""The rows of the report: which measurements it takes, and running them so that none is taken twice."""

from __future__ import annotations

import json
import multiprocessing
import platform
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from segtcn.atomic import write_json
from segtcn.progress import progress_bar
from segtcn.sequences.equal_networks import NETWORKS

RECURRENT = ("TCN", "LSTM", "GRU")
MUSIC = {"jsb": "JSB_Chorales.mat", "nottingham": "Nottingham.mat"}
STACKS = {
    "plain": {"residual": False, "norm": False},
    "normalised": {"residual": False, "norm": True},
    "residual": {"residual": True, "norm": False},
    "residual, normalised": {"residual": True, "norm": True},
}
FIELDS: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("kernel 2, 4 blocks", "TCN", {"kernel_size": 2, "layers": 4}),
    ("kernel 3, 3 blocks", "TCN", {"kernel_size": 3, "layers": 3}),
    ("kernel 4, 3 blocks", "TCN", {"kernel_size": 4, "layers": 3}),
    ("kernel 5, 3 blocks", "TCN", {"kernel_size": 5, "layers": 3}),
    ("kernel 3, 4 blocks", "TCN", {"kernel_size": 3, "layers": 4}),
    ("kernel 2, 5 blocks", "TCN", {"kernel_size": 2, "layers": 5}),
    ("kernel 6, 3 blocks", "TCN", {"kernel_size": 6, "layers": 3}),
    ("kernel 8, 3 blocks", "TCN", {"kernel_size": 8, "layers": 3}),
)
"""Stacks around the delay of 60 frames of the claim about the receptive field: some fall short of it by little."""


@dataclass(frozen=True)
class Row:
    """One measurement.

    Args:
        claim: which claim it belongs to.
        name: of its file, unique.
        measure: ``learn``, ``measure_time``, ``measure_memory``, ``measure_jacobian`` or ``measure_masked``.
        arguments: of that function, plain values.
    """

    claim: str
    name: str
    measure: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def needs_quiet(self) -> bool:
        """Whether nothing else may run beside it."""
        return self.measure in ("measure_time", "measure_memory")


def all_rows(music: Path | None, quick: bool = False) -> list[Row]:
    """All rows of the report.

    Args:
        music: folder with the ``.mat`` files of :data:`MUSIC`; None leaves the claim about music out.
        quick: small sizes and one seed, to see that everything works; the numbers mean nothing.

    Raises:
        FileNotFoundError: if a file of the music is missing.
    """
    seeds = range(1 if quick else 3)
    rows = [*_costs(quick), *_structure(quick)]
    for seed in seeds:
        rows += [*_generated(quick, seed), *_fields(quick, seed), *_depths(quick, seed)]
    if music is not None:
        if missing := [name for name in MUSIC.values() if not (music / name).is_file()]:
            raise FileNotFoundError(f"no {missing[0]} in {music}: put the piano roll there, or leave `music` out")
        rows += [row for seed in seeds for row in _music(quick, seed, music)]
    return rows


def _learn(claim: str, name: str, seed: int, reader: str, task: dict[str, Any], **rest: Any) -> Row:
    arguments = {"reader": reader, "task": {**task, "seed": seed} if "path" not in task else task, "seed": seed, **rest}
    return Row(claim, f"{claim}-{name}-seed{seed}".replace(" ", "_").replace(",", ""), "learn", arguments)


def _generated(quick: bool, seed: int) -> Iterator[Row]:
    copies = ((30, 300, 1500), (60, 300, 2000)) if quick else ((500, 1500, 10_100), (1000, 1500, 11_400))
    for delay, steps, budget in copies:
        for network in RECURRENT:
            shape = {"past": delay + 10, "budget": budget, "kernel_size": 8}
            rest = {"shape": shape, "steps": steps, "every": steps // 30, "goal": 1e-4, "network": network}
            yield _learn("copy", f"{delay}-{network}", seed, "CopyMemoryReader", {"delay": delay}, **rest)
    for length, steps, budget in (
        ((20, 100, 3000), (40, 100, 3000)) if quick else ((200, 1500, 25_000), (600, 1500, 30_000))
    ):
        for network in RECURRENT:
            shape = {"past": length - 1, "budget": budget, "kernel_size": 7}
            rest = {"shape": shape, "steps": steps, "every": steps // 25, "batch_size": 16, "learning_rate": 2e-3}
            yield _learn(
                "adding", f"{length}-{network}", seed, "AddingReader", {"length": length}, network=network, **rest
            )


def _fields(quick: bool, seed: int) -> Iterator[Row]:
    for name, network, shape in FIELDS[3:5] if quick else FIELDS:
        task, steps = {"delay": 50}, 60 if quick else 900
        rest = {"network": network, "shape": {**shape, "width": 16}, "steps": steps, "every": steps // 3, "goal": 1e-3}
        yield _learn("field", name, seed, "CopyMemoryReader", task, batch_size=16, **rest)


def _depths(quick: bool, seed: int) -> Iterator[Row]:
    for depth in (4, 8) if quick else (4, 8, 16, 32):
        for name, parts in STACKS.items():
            shape = {"width": 16, "layers": depth, **parts}
            rest = {"shape": shape, "steps": 30 if quick else 400, "every": 10 if quick else 100, "learning_rate": 1e-3}
            task = {"delay": 10}
            yield _learn(
                "depth", f"{name}-{depth}", seed, "CopyMemoryReader", task, network="stack", batch_size=16, **rest
            )


def _music(quick: bool, seed: int, folder: Path) -> Iterator[Row]:
    for piece, file in MUSIC.items():
        past, budget, kernel = (10, 300_000, 3) if piece == "jsb" else (60, 400_000, 6)
        steps = {"jsb": 1000, "nottingham": 1000}[piece]
        every = {"jsb": 29, "nottingham": 87}[piece]
        for network in RECURRENT:
            shape = {"past": past, "budget": 20_000 if quick else budget, "kernel_size": kernel, "dropout": 0.25}
            rest = {"shape": shape, "steps": 4 if quick else steps, "every": 2 if quick else every, "clip": 0.4}
            rest |= {"learning_rate": 2e-3, "select": True, "network": network}
            yield _learn(piece, network, seed, "MusicReader", {"path": str(folder / file)}, **rest)


def _costs(quick: bool) -> Iterator[Row]:
    lengths = [128, 256] if quick else [128, 512, 2048, 4096, 16_384]
    size = {"budget": 20_000 if quick else 60_000, "past": 100 if quick else 500}
    for network in NETWORKS:
        yield Row(
            "time",
            f"time-{network.replace(' ', '_')}",
            "measure_time",
            {"network": network, "lengths": lengths, **size},
        )
        arguments = {"network": network, "lengths": [256] if quick else [4096], "threads": 2, **size}
        yield Row("time", f"time-two_threads-{network.replace(' ', '_')}", "measure_time", arguments)
        arguments = {"network": network, "lengths": lengths, **size}
        yield Row("memory", f"memory-{network.replace(' ', '_')}", "measure_memory", arguments)


def _structure(quick: bool) -> Iterator[Row]:
    for network, causal in [(name, True) for name in NETWORKS] + [("TCN", False), ("LSTM", False)]:
        kind = "causal" if causal else "acausal"
        arguments = {"network": network, "causal": causal, "length": 24 if quick else 64}
        yield Row("jacobian", f"jacobian-{network.replace(' ', '_')}-{kind}", "measure_jacobian", arguments)
    for kernel, dilation in ((2, 1), (3, 4), (8, 16)):
        arguments = {"kernel_size": kernel, "dilation": dilation, "length": 100}
        yield Row("masked", f"masked-kernel{kernel}-dilation{dilation}", "measure_masked", arguments)


def run_rows(rows: Sequence[Row], folder: Path, jobs: int = 1, show: bool = True) -> dict[str, dict[str, Any]]:
    """Take the measurements that a folder does not hold yet.

    Args:
        rows: of the report.
        folder: each row is a file ``NAME.json`` in it, with its arguments; one of other arguments is taken again.
        jobs: processes at the same time, of one thread each; timings run alone.
        show: whether to show progress.

    Returns:
        The result of every row by its name.

    Raises:
        ValueError: if ``jobs`` is below 1.
    """
    if jobs < 1:
        raise ValueError(f"`jobs` must be at least 1, got {jobs}")
    folder.mkdir(parents=True, exist_ok=True)
    results = {row.name: result for row in rows if (result := _stored(row, folder)) is not None}
    missing = [row for row in rows if row.name not in results]
    with progress_bar(name="measuring", unit="row", total=len(rows), initial=len(results), show=show) as bar:
        for is_quiet in (True, False):
            part = [row for row in missing if row.needs_quiet == is_quiet]
            # a process of its own for each: a peak of memory never falls
            options: dict[str, Any] = (
                {"max_workers": 1, "max_tasks_per_child": 1} if is_quiet else {"max_workers": jobs}
            )
            with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"), **options) as pool:
                futures = {pool.submit(_measure, row): row for row in part}
                for future in as_completed(futures):
                    row = futures[future]
                    results[row.name] = future.result()
                    write_json(folder / f"{row.name}.json", {**asdict(row), "result": results[row.name]})
                    bar.update()
    return results


def _stored(row: Row, folder: Path) -> dict[str, Any] | None:
    path = folder / f"{row.name}.json"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or cut off
        return None
    same = stored.get("arguments") == json.loads(json.dumps(row.arguments))
    return stored["result"] if same else None


def _measure(row: Row) -> dict[str, Any]:
    import torch

    from segtcn.sequences import causality, learning, machine_costs

    torch.set_num_threads(1)
    if row.measure == "learn":
        result = learning.learn(learning.Learning(**row.arguments))
    else:
        modules = (causality, machine_costs)
        function: Callable[..., dict[str, Any]] = next(
            getattr(module, row.measure) for module in modules if hasattr(module, row.measure)
        )
        result = function(**row.arguments)
    return {**result, "machine": f"{platform.machine()}, PyTorch {torch.__version__}"}
