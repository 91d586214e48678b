"""How fast videos are loaded, against plain ``numpy.load`` of the same bytes.

    python -m benchmarks.data --videos 50

Writes videos of (2048, 6000) random float32 features as an MS-TCN tree and as an HDF5 file into a temporary folder and
loads all of them in turns in one process on one thread. A row gives the median over the turns; its ratio is that to
``numpy.load`` in the same turn, by the clock and by the processor's time, which other programs change less. Every way
finds its files in the page cache, filled by reading them once before; with --cold, none of its pages are there
(``posix_fadvise``), so that the disk is measured, too.

    python -m benchmarks.data --videos 8 --packed

The same with float16 and with compression: of random numbers, and of numbers half of which are 0, as after a ReLU.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segtcn.data import SegmentationDataset
from segtcn.data.datamodule import SegmentationDataModule
from segtcn.data.readers import HDF5Reader, MSTCNReader, Reader
from segtcn.prepare.check import check_data
from segtcn.prepare.conversion import convert

FEATURE_DIM, NUM_FRAMES, CLASSES = 2048, 6000, ["background", "cut", "pour"]


def write_tree(root: Path, num_videos: int, share_of_zeros: float = 0.0) -> list[str]:
    rng = np.random.default_rng(0)
    for folder in ("features", "groundTruth", "splits"):
        (root / folder).mkdir(parents=True)
    names = [f"video_{number:03d}" for number in range(num_videos)]
    for name in names:
        features = rng.standard_normal((FEATURE_DIM, NUM_FRAMES), dtype=np.float32)
        if share_of_zeros:
            features[features < np.quantile(features[:8], share_of_zeros)] = 0
        np.save(root / "features" / f"{name}.npy", features)
        labels = np.repeat(rng.integers(len(CLASSES), size=NUM_FRAMES // 100), 100)
        (root / "groundTruth" / f"{name}.txt").write_text("".join(f"{CLASSES[label]}\n" for label in labels))
    (root / "mapping.txt").write_text("".join(f"{index} {name}\n" for index, name in enumerate(CLASSES)))
    (root / "splits" / "train.split1.bundle").write_text("".join(f"{name}.txt\n" for name in names))
    return names


def plain(root: Path, names: list[str]) -> None:
    for name in names:
        _ = np.load(root / "features" / f"{name}.npy")


def through_reader(reader: Reader, names: list[str]) -> None:
    for name in names:
        _ = reader.read(name, 1)


def through_dataset(reader: Reader, names: list[str]) -> None:
    """What training does once, before the first step: read and check."""
    dataset = SegmentationDataset(reader, names, split=1, cache_gib=0)
    for index in range(len(dataset)):
        _ = dataset[index]


def epoch(reader: Reader, batch_size: int = 1) -> Callable[[], object]:
    """What an epoch of training does without the cache, batch by batch."""
    data = SegmentationDataModule(reader, batch_size=batch_size, cache_gib=0)
    data.setup("fit")
    loader = data.train_dataloader()

    def load() -> None:
        for _ in loader:
            pass

    return load


def leave_cache(folder: Path) -> None:
    os.sync()  # pages that were not written yet stay
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def processor_time() -> float:
    """Of this process and of those that it waited for: a check reads in another one."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measure(ways: dict[str, Callable[[], object]], size: int, turns: int, before: Callable[[], object]) -> None:
    for way in ways.values():
        way()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(turns):
        order = list(ways)[turn % len(ways) :] + list(ways)[: turn % len(ways)]
        for name in order:
            before()
            start = time.perf_counter(), processor_time()
            ways[name]()
            times[name].append((time.perf_counter() - start[0], processor_time() - start[1]))
    plain_times = times["`numpy.load`"]
    print("| way | MB/s | ratio | lowest and highest | ratio of processor time |\n|---|--:|--:|--:|--:|")
    for name, of_way in times.items():
        clock, processor = ([a[i] / b[i] for a, b in zip(plain_times, of_way, strict=True)] for i in (0, 1))
        rate = size / statistics.median(seconds for seconds, _ in of_way) / 1e6
        print(
            f"| {name} | {rate:,.0f} | {statistics.median(clock):.2f} | {min(clock):.2f} to {max(clock):.2f} "
            f"| {statistics.median(processor):.2f} |"
        )


def unpacked(folder: Path, num_videos: int) -> Iterator[tuple[str, Callable[[], object]]]:
    names = write_tree(folder / "tree", num_videos)
    tree = MSTCNReader(str(folder / "tree"))
    convert(tree, folder / "data.h5")
    file = HDF5Reader(str(folder / "data.h5"))
    yield "`numpy.load`", lambda: plain(folder / "tree", names)
    yield "HDF5, `HDF5Reader.read`", lambda: through_reader(file, names)
    yield "npy, `MSTCNReader.read`", lambda: through_reader(tree, names)
    yield "HDF5, checked by `SegmentationDataset`", lambda: through_dataset(file, names)
    yield "npy, checked by `SegmentationDataset`", lambda: through_dataset(tree, names)
    yield "HDF5, an epoch of training", epoch(file)
    yield "npy, an epoch of training", epoch(tree)
    yield "npy, the same in batches of 8", epoch(tree, batch_size=8)
    yield "npy, `segtcn check`", lambda: check_data(tree)


def packed(folder: Path, num_videos: int) -> Iterator[tuple[str, Callable[[], object]]]:
    for share, kind in ((0.0, "random"), (0.5, "half zeros")):
        root = folder / kind.replace(" ", "_")
        names = write_tree(root, num_videos, share)
        tree = MSTCNReader(str(root))
        if not share:
            yield "`numpy.load`", lambda root=root, names=names: plain(root, names)
        forms: list[Any] = [("float32", "none"), ("float32", "lzf"), ("float32", "gzip")]
        for dtype, compression in [*forms, ("float16", "none"), ("float16", "gzip")]:
            path = folder / f"{root.name}-{dtype}-{compression}.h5"
            convert(tree, path, dtype=dtype, compression=compression)
            size = path.stat().st_size / (4 * FEATURE_DIM * NUM_FRAMES * num_videos)
            reader = HDF5Reader(str(path))
            row = f"{kind}: {dtype}, {compression}, {100 * size:.0f} % of the bytes"
            yield row, lambda reader=reader, names=names: through_reader(reader, names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=10, help="of 49 MB each, twice on the disk (default: 10)")
    parser.add_argument("--turns", type=int, default=5, help="default: 5")
    parser.add_argument("--packed", action="store_true", help="float16 and compression instead")
    parser.add_argument("--cold", action="store_true", help="let the page cache go before every way")
    parser.add_argument("--folder", help="where to make the temporary folder: the disk to measure")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        ways = dict((packed if arguments.packed else unpacked)(folder, arguments.videos))
        size = 4 * FEATURE_DIM * NUM_FRAMES * arguments.videos
        measure(ways, size, arguments.turns, lambda: leave_cache(folder) if arguments.cold else None)


if __name__ == "__main__":
    main()
