"""What `segtcn crossval --jobs 2` saves against `--jobs 1`: ED-TCN on all splits of GTEA, each job with its cores.

    python -m benchmarks.crossval_jobs --root DIR     # of Lea et al.'s release

The commands are run in turns, each in a new folder, without a logger.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time


def seconds(root: str, jobs: int, epochs: int, seeds: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "crossval",
            "-c",
            "ed_tcn",
            "-c",
            "gtea_lea",
            f"--data.reader.init_args.root={root}",
            f"--seeds={seeds}",
        ]
        words += ["--trainer.logger=false", f"--trainer.max_epochs={epochs}", f"--jobs={jobs}", f"--out={folder}/out"]
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "segtcn", *words], check=True, capture_output=True)
        return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    print("| load before | --jobs 1, s | --jobs 2, s | ratio |\n|--:|--:|--:|--:|")
    for _ in range(options.turns):
        load = os.getloadavg()[0]
        one, two = (seconds(options.root, jobs, options.epochs, options.seeds) for jobs in (1, 2))
        print(f"| {load:.1f} | {one:.1f} | {two:.1f} | {one / two:.2f} |", flush=True)


if __name__ == "__main__":
    main()
