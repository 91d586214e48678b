"""How much faster the five scores are than the same in plain loops over frames and segments.

    python -m benchmarks.metrics

Both score the same 50 videos of 12,000 frames with 30 to 300 predicted segments each, in turns in one process on one
thread; a row gives the median over the turns. The loops are those that the tests compare the library with.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from segtcn.metrics import SegmentationScores, evaluate_videos
from tests.reference import protocols as loops

NUM_VIDEOS, NUM_FRAMES, NUM_CLASSES, NUM_TRUE_SEGMENTS = 50, 12_000, 19, 30


def sequence(rng: np.random.Generator, num_segments: int, like: np.ndarray | None = None) -> np.ndarray:
    """Labels of ``num_segments`` segments; about two thirds have the label of ``like`` in their middle."""
    bounds = [0, *np.sort(rng.choice(np.arange(1, NUM_FRAMES), num_segments - 1, replace=False)), NUM_FRAMES]
    labels = np.empty(NUM_FRAMES, dtype=np.int64)
    last = -1
    for start, stop in itertools.pairwise(bounds):
        wish = -1 if like is None or rng.random() > 2 / 3 else like[(start + stop) // 2]
        while wish in (-1, last):
            wish = rng.integers(NUM_CLASSES)
        labels[start:stop] = last = wish
    return labels


def videos(seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    rng = np.random.default_rng(seed)
    pairs = []
    for num_segments in np.linspace(30, 300, NUM_VIDEOS).astype(int):
        labels = sequence(rng, NUM_TRUE_SEGMENTS)
        pairs.append((torch.from_numpy(sequence(rng, num_segments, labels)), torch.from_numpy(labels)))
    return pairs


def milliseconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start) / NUM_VIDEOS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="default: 7")
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    pairs = videos()
    lists = [(preds.tolist(), labels.tolist()) for preds, labels in pairs]
    preds, labels = ({str(i): pair[side] for i, pair in enumerate(pairs)} for side in (0, 1))

    def with_metric() -> dict[str, float]:
        scores = SegmentationScores("lea", background=0)
        for pair in pairs:
            scores.update(*pair)
        return {name: score.item() for name, score in scores.compute().items()}

    ways = {
        "plain loops": lambda: loops.lea(lists, {0}),
        "`evaluate_videos`": lambda: evaluate_videos(preds, labels, "lea", background=0).scores,
        "`SegmentationScores`": with_metric,
    }
    for way in ways.values():
        np.testing.assert_allclose(list(way().values()), list(ways["plain loops"]().values()), atol=1e-4)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            times[name].append(milliseconds(way))
    print("| accuracy, edit, F1@10/25/50 | ms a video | ratio |\n|---|--:|--:|")
    for name, each in times.items():
        ratio = statistics.median(loop / own for loop, own in zip(times["plain loops"], each, strict=True))
        print(f"| {name} | {statistics.median(each):.2f} | {ratio:.0f}x |")


if __name__ == "__main__":
    main()
