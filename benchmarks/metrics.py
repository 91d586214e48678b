"""How much faster the five scores are than the same in plain loops over frames and segments.

    python -m benchmarks.metrics

Both score the same 50 videos of 12,000 frames with 30 to 300 predicted segments each, in turns in one process on one
thread; a row gives the median over the turns. The loops are those that the tests compare the library with.

    python -m benchmarks.metrics --epoch

Share of an epoch's time that the scores take: batches of random features through ED-TCN, forward and back, and the
updates of the five scores, alone and with the scores of classes that the task logs. The network has learned nothing
yet, so that it predicts more segments than it will later.
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
from segtcn.models import EDTCN
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
    parser.add_argument("--epoch", action="store_true", help="share of an epoch's time instead")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.epoch:
        shares_of_epochs(arguments.turns)
    else:
        ratios_to_loops(arguments.turns)


def shares_of_epochs(turns: int) -> None:
    print("| batches | frames a video | epoch, ms | five scores | and those of classes |\n|---|--:|--:|--:|--:|")
    for batches, batch_size, num_frames, kernel_size, in_channels, num_classes in (
        (3, 8, 230, 25, 128, 11),  # GTEA, every 5th frame
        (3, 8, 1150, 25, 128, 11),  # GTEA, every frame
        (5, 1, 12_000, 15, 2048, 19),  # 50Salads with I3D features
    ):
        net = EDTCN(in_channels=in_channels, num_classes=num_classes, kernel_size=kernel_size)
        optimizer = torch.optim.RMSprop(net.parameters())
        features, mask = torch.randn(batch_size, in_channels, num_frames), torch.ones(batch_size, num_frames).bool()
        labels = torch.randint(num_classes, (batch_size, num_frames // 10 + 1)).repeat_interleave(10, 1)[:, :num_frames]
        five = SegmentationScores("lea", background=0)
        by_class = SegmentationScores("lea", 0, [f"action {i}" for i in range(num_classes)], by_class=True)
        times: list[tuple[float, float, float]] = []
        for _ in range(turns):
            seconds = [0.0, 0.0, 0.0]
            for _ in range(batches):
                start = time.perf_counter()
                logits = net(features, mask).logits[-1]
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(logits, labels).backward()
                optimizer.step()
                preds = logits.argmax(1)
                trained = time.perf_counter()
                five.update(preds, labels, mask)
                scored = time.perf_counter()
                by_class.update(preds, labels, mask)
                for i, part in enumerate((trained - start, scored - trained, time.perf_counter() - scored)):
                    seconds[i] += part
            times.append((seconds[0], seconds[1] / seconds[0], seconds[2] / seconds[0]))
        epoch, *shares = (statistics.median(column) for column in zip(*times, strict=True))
        shares_text = " | ".join(f"{100 * share:.2f} %" for share in shares)
        print(f"| {batches} of {batch_size} | {num_frames:,} | {1000 * epoch:.0f} | {shares_text} |")


def ratios_to_loops(turns: int) -> None:
    pairs = videos()
    lists = [(preds.tolist(), labels.tolist()) for preds, labels in pairs]
    preds, labels = ({str(i): pair[side] for i, pair in enumerate(pairs)} for side in (0, 1))

    def with_metric() -> dict[str, float]:
        scores = SegmentationScores("lea", background=0)
        for pair in pairs:
            scores.update(*pair)
        return {name: score.item() for name, score in scores.compute().items()}

    def with_batches() -> dict[str, float]:
        scores = SegmentationScores("lea", background=0)
        for start in range(0, NUM_VIDEOS, 8):
            batch = pairs[start : start + 8]
            scores.update(torch.stack([preds for preds, _ in batch]), torch.stack([labels for _, labels in batch]))
        return {name: score.item() for name, score in scores.compute().items()}

    ways = {
        "plain loops": lambda: loops.lea(lists, {0}),
        "`evaluate_videos`": lambda: evaluate_videos(preds, labels, "lea", background=0).scores,
        "`SegmentationScores`, one video at a time": with_metric,
        "`SegmentationScores`, batches of 8": with_batches,
    }
    for way in ways.values():
        np.testing.assert_allclose(list(way().values()), list(ways["plain loops"]().values()), atol=1e-4)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            times[name].append(milliseconds(way))
    print("| accuracy, edit, F1@10/25/50 | ms a video | ratio |\n|---|--:|--:|")
    for name, turns_of_way in times.items():
        ratio = statistics.median(loop / way for loop, way in zip(times["plain loops"], turns_of_way, strict=True))
        print(f"| {name} | {statistics.median(turns_of_way):.2f} | {ratio:.0f}x |")


if __name__ == "__main__":
    main()
