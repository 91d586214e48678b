"""The most memory that this process has had."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak_memory_mib() -> float:
    """Peak of the resident memory of this process since it started, in MiB; its children do not count.

    Linux is asked by ``/proc``: ``ru_maxrss`` there begins with the memory of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, but bytes on macOS
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
