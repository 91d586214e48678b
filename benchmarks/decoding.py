"""Time of every decoder and of a draft by TW-FINCH (docs/results/decoders.md).

    python -m benchmarks.decoding

Decoders get 12,000 frames x 20 classes in segments of 100 frames on average, on one thread. The noise of the scores is
smoothed in time, so that they fall into 344, 973 and 5,483 predicted segments; those of ED-TCN would have 380 on GTEA,
those of a classifier of single frames 700. Times are those of the processor, since other processes may run. The draft
gets 12,000 frames x 2,048 features in 60 segments, on two threads, in a process of its own, and its peak memory is
printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter1d

from segtcn.decoding import METHODS, Decoder, SegmentPrior
from segtcn.labels import Classes, Labels
from segtcn.peak_memory import peak_memory_mib
from segtcn.prepare.draft import draft_labels

NUM_FRAMES, NUM_CLASSES, FEATURE_DIM, FPS = 12_000, 20, 2_048, 15
VALUES = {"minimum_duration": 1.0, "median": 1.0, "hysteresis": 0.3, "viterbi": 2.0, "optimal_transport": 0.3}
PARTS = {"decoders": "1", "draft": "2"}
"""What is measured, and its threads."""


def noisy_labels(smoothness: float) -> tuple[Labels, Labels]:
    """Labels of noisy scores, and the truth."""
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(0, NUM_CLASSES, NUM_FRAMES), rng.geometric(1 / 100, NUM_FRAMES))[:NUM_FRAMES]
    noise = gaussian_filter1d(rng.standard_normal((NUM_CLASSES, NUM_FRAMES)), smoothness, axis=1)
    logits = noise / noise.std()
    logits[truth, np.arange(NUM_FRAMES)] += 2.5
    scores = (np.exp(logits) / np.exp(logits).sum(0)).astype(np.float32)
    classes = Classes.numbered(NUM_CLASSES)
    return Labels(scores.argmax(0), classes, FPS, scores), Labels(truth, classes, FPS)


def decoders() -> None:
    """Print the median time of each decoder, in milliseconds."""
    print(f"{'predicted segments':18}" + "".join(f" {name:>18}" for name in METHODS))
    for smoothness in (20, 5, 0.5):
        labels, truth = noisy_labels(smoothness)
        prior, row = SegmentPrior.count([truth]), f"{len(labels.segments()):18,d}"
        for method in METHODS:
            decoder = Decoder(method, VALUES[method], labels.classes, prior)
            times = [seconds(partial(decoder, labels)) for _ in range(5)]
            row += f" {1000 * np.median(times):15.1f} ms"
        print(row, flush=True)


def draft() -> None:
    """Print the time and the peak memory of a draft."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((FEATURE_DIM, NUM_FRAMES), dtype=np.float32)
    features += np.repeat(rng.standard_normal((FEATURE_DIM, 60), dtype=np.float32), NUM_FRAMES // 60, axis=1)
    start = time.perf_counter()
    used = seconds(lambda: draft_labels(features, 20))
    spent = time.perf_counter() - start
    memory = peak_memory_mib() / 2**10
    print(
        f"draft (TW-FINCH): {spent:.1f} s ({used:.1f} s of the processor), {memory:.2f} GiB at most with the features"
    )


def seconds(call: Callable[[], object]) -> float:
    """Processor time of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    """Measure a part, or each part in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS, nargs="?", help="one of the two (default: both, as above)")
    part = parser.parse_args().part
    if part is not None:
        {"decoders": decoders, "draft": draft}[part]()
        return
    for name, threads in PARTS.items():
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-m", "benchmarks.decoding", name], env=environment, check=True)


if __name__ == "__main__":
    main()
