"""How much memory `segtcn fit` takes with few and with many videos, and what workers add to it.

    python -m benchmarks.data_memory

Writes an MS-TCN tree of random features, a file of its own for every video (of links to one file, mapped pages would
count once), and trains for two epochs in a process of its own. A row gives the largest sum of the memory of that
process and its workers (PSS: a page that several processes share counts once, pages of files that are mapped count,
too), sampled ten times a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

EPOCHS = 2


def write_tree(root: Path, num_videos: int, num_frames: int, width: int) -> float:
    """Write the tree; returns the size of its features in MiB as training holds them."""
    for folder in ("features", "groundTruth", "splits"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "mapping.txt").write_text("0 background\n1 cut\n2 pour\n")
    rng = np.random.default_rng(0)
    features = rng.standard_normal((width, num_frames), dtype=np.float32)
    labels = "".join(f"{('background', 'cut', 'pour')[t * 9 // num_frames % 3]}\n" for t in range(num_frames))
    names = [f"v{number}" for number in range(num_videos)]
    for name in names:
        np.save(root / "features" / f"{name}.npy", features)
        (root / "groundTruth" / f"{name}.txt").write_text(labels)
    (root / "splits" / "train.split1.bundle").write_text("\n".join(names))
    (root / "splits" / "test.split1.bundle").write_text("v0_test\n")
    return num_videos * 4 * width * num_frames / 2**20


def fit(root: Path, out: Path, *options: str) -> list[str]:
    """The command that trains."""
    return [
        *[sys.executable, "-m", "segtcn", "fit", "-c", "ed_tcn", "-c", "ms_tcn_tree"],
        *["--data.reader.init_args.root", str(root)],
        *["--model.net.init_args.hidden_channels", "[8, 8]", "--model.net.init_args.kernel_size", "5"],
        *["--data.batch_size", "1", "--trainer.max_epochs", str(EPOCHS), "--trainer.logger=false"],
        *["--trainer.accelerator", "cpu", "--trainer.default_root_dir", str(out), *options],
    ]


def processes_below(pid: int) -> list[int]:
    """The process and all that it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return []
    return [pid, *(below for child in children for below in processes_below(int(child)))]


def pss_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 2**10


def peak_mib(command: list[str]) -> float:
    """Largest memory of the command and all that it starts."""
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, sum(map(pss_mib, processes_below(process.pid))))
            time.sleep(0.1)
        if process.returncode != 0:
            log.seek(0)
            raise SystemExit(log.read())
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=10, help="few videos (default: 10)")
    parser.add_argument("--factor", type=int, default=10, help="many are so many times as many (default: 10)")
    parser.add_argument("--frames", type=int, default=2000, help="of a video (default: 2000)")
    parser.add_argument("--width", type=int, default=2048, help="features of a frame (default: 2048)")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("| videos | features, MiB | cache, GiB | workers | peak, MiB |")
    print("|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        for factor, settings in [(1, [(0, 0)]), (options.factor, [(0, 0), (0, 2), (4, 0), (4, 2)])]:
            root = Path(folder) / f"tree{factor}"
            size = write_tree(root, factor * options.videos, options.frames, options.width)
            for cache, workers in settings:
                out = Path(folder) / f"run{factor}-{cache}-{workers}"
                arguments = ["--data.cache_gib", str(cache), "--data.num_workers", str(workers)]
                peak = peak_mib(fit(root, out, *arguments))
                print(f"| {factor * options.videos} | {size:,.0f} | {cache} | {workers} | {peak:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
