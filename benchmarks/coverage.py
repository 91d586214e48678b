"""How often the intervals of `segtcn compare` hold the true difference, on simulated studies.

    python -m benchmarks.coverage                  # a table, some minutes
    python -m benchmarks.coverage --tables         # tables of many networks that are equally good
    python -m benchmarks.coverage --speed          # how long it takes to compare 15 networks

A study is two networks with the same true accuracy, some persons with some videos each, and some seeds. Persons differ
in difficulty and in which network suits them, seeds differ too, so that videos of one person are not independent. Good
intervals hold zero in 95 % of the studies; p-values are below 0.05 in at most 5 %, and in 95 % no network is called
better or worse.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from segtcn.evaluation import Resampling, RunScores, compare_runs
from segtcn.metrics import evaluate_videos

FRAMES = 200
STUDIES = (
    *((4, 7, 1, 0.0), (10, 3, 1, 0.0), (25, 2, 1, 0.0), (25, 2, 1, 0.01)),
    *((25, 2, 2, 0.01), (25, 2, 3, 0.01), (25, 2, 5, 0.01), (28, 1, 5, 0.01)),
)
"""Persons, videos of each, seeds, and the standard deviation of accuracy between seeds."""


def study(
    generator: np.random.Generator, persons: int, videos: int, seeds: int, spread: float, networks: str = "ab"
) -> list[RunScores]:
    difficulty = generator.normal(0.7, 0.06, persons)
    names = [f"P{person:02d}_{video}" for person in range(persons) for video in range(videos)]
    labels = {name: np.zeros(FRAMES, int) for name in names}
    runs = []
    for network in networks:
        suits = difficulty + generator.normal(0, 0.04, persons)
        evaluations = []
        for _ in range(seeds):
            shift = generator.normal(0, spread)
            quality = [np.clip(suits[int(name[1:3])] + shift + generator.normal(0, 0.03), 0, 1) for name in names]
            preds = {name: (generator.random(FRAMES) >= q).astype(int) for name, q in zip(names, quality, strict=True)}
            evaluations.append(evaluate_videos(preds, labels, "lea"))
        runs.append(RunScores(network, "lea", {"1": evaluations}))
    return runs


def marks(studies: int) -> str:
    """How often a table of equal networks marks one as worse than its best network, as `segtcn bench` does."""
    lines = ["| networks | persons | tables with a mark, % | marked networks, % |", "|--:|--:|--:|--:|"]
    for networks, persons, videos in (("abcdefghijklmn", 4, 7), ("abcdef", 5, 2)):
        generator, shares = np.random.default_rng(0), []
        for number in range(studies):
            runs = study(generator, persons, videos, 5, 0.01, networks)
            runs.sort(key=lambda run: -run.scores["accuracy"])
            differences = compare_runs(runs, Resampling(1000, seed=number, groups=r"^P\d+"))
            verdicts = [each.verdict for each in differences if each.score == "accuracy"]
            shares.append(np.mean(["worse" in verdict for verdict in verdicts]))
        cells = f"{100 * np.mean(np.array(shares) > 0):.0f} | {100 * np.mean(shares):.1f}"
        lines.append(f"| {len(networks)} | {persons} | {cells} |")
    return "\n".join(lines)


def speed() -> str:
    """Compare all pairs of 15 networks on 28 videos with 10 seeds, 10,000 resamples."""
    generator = np.random.default_rng(0)
    runs = [run for _ in range(8) for run in study(generator, 28, 1, 10, 0.01)][:15]
    runs = [run._replace(name=str(number)) for number, run in enumerate(runs)]
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    differences = compare_runs(runs, Resampling(all_pairs=True))
    wall_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    return f"{len(differences) // 5} pairs: {wall_s:.1f} s, {cpu_s:.1f} s of processor time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--tables", action="store_true", help="only tables of many networks")
    parser.add_argument("--speed", action="store_true", help="only the time of one large comparison")
    options = parser.parse_args()
    if options.speed:
        print(speed())
        return
    if options.tables:
        print(marks(options.studies))
        return
    studies = options.studies
    columns = "persons | videos of each | seeds | their spread | drawn | interval holds the truth, % | p < 0.05, %"
    print(f"| {columns} | called better or worse, % |\n|--:|--:|--:|--:|--|--:|--:|--:|")
    for persons, videos, seeds, spread in STUDIES:
        for groups in (r"^P\d+", None) if videos > 1 else (None,):
            generator = np.random.default_rng(0)
            held, small, called = [], [], []
            for number in range(studies):
                runs = study(generator, persons, videos, seeds, spread)
                found = compare_runs(runs, Resampling(1000, seed=number, groups=groups))[0]  # accuracy
                held.append(found.low <= 0 <= found.high)
                small.append(found.p_value < 0.05)
                called.append(found.verdict != "no difference shown")
            drawn = "videos" if groups is None else "persons"
            shares = " | ".join(f"{100 * np.mean(share):.1f}" for share in (held, small, called))
            print(f"| {persons} | {videos} | {seeds} | {100 * spread:g} | {drawn} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
