"""How often the intervals of `segtcn compare` hold the true difference, on simulated studies.

    python -m benchmarks.coverage                  # a table, some minutes

A study is two networks with the same true accuracy, some persons with some videos each, and some seeds. Persons differ
in difficulty and in which network suits them, seeds differ too, so that videos of one person are not independent. Good
intervals hold zero in 95 % of the studies; p-values are below 0.05 in at most 5 %.
"""

from __future__ import annotations

import argparse

import numpy as np

from segtcn.evaluation import Resampling, RunScores, compare_runs
from segtcn.metrics import evaluate_videos

FRAMES = 200
STUDIES = ((4, 7, 1, 0.0), (10, 3, 1, 0.0), (25, 2, 1, 0.0), (25, 2, 1, 0.01), (25, 2, 5, 0.01), (28, 1, 5, 0.01))
"""Persons, videos of each, seeds, and the standard deviation of accuracy between seeds."""


def study(generator: np.random.Generator, persons: int, videos: int, seeds: int, spread: float) -> list[RunScores]:
    difficulty = generator.normal(0.7, 0.06, persons)
    names = [f"P{person:02d}_{video}" for person in range(persons) for video in range(videos)]
    labels = {name: np.zeros(FRAMES, int) for name in names}
    runs = []
    for network in "ab":
        suits = difficulty + generator.normal(0, 0.04, persons)
        evaluations = []
        for _ in range(seeds):
            shift = generator.normal(0, spread)
            quality = [np.clip(suits[int(name[1:3])] + shift + generator.normal(0, 0.03), 0, 1) for name in names]
            preds = {name: (generator.random(FRAMES) >= q).astype(int) for name, q in zip(names, quality, strict=True)}
            evaluations.append(evaluate_videos(preds, labels, "lea"))
        runs.append(RunScores(network, "lea", {"1": evaluations}))
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    studies = parser.parse_args().studies
    print("| persons | videos of each | seeds | their spread | drawn | interval holds the truth, % | p < 0.05, % |")
    print("|--:|--:|--:|--:|--|--:|--:|")
    for persons, videos, seeds, spread in STUDIES:
        for groups in (r"^P\d+", None) if videos > 1 else (None,):
            generator = np.random.default_rng(0)
            held, small = [], []
            for number in range(studies):
                runs = study(generator, persons, videos, seeds, spread)
                found = compare_runs(runs, Resampling(1000, seed=number, groups=groups))[0]  # accuracy
                held.append(found.low <= 0 <= found.high)
                small.append(found.p_value < 0.05)
            drawn = "videos" if groups is None else "persons"
            shares = f"{100 * np.mean(held):.1f} | {100 * np.mean(small):.1f}"
            print(f"| {persons} | {videos} | {seeds} | {100 * spread:g} | {drawn} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
