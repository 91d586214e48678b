"""The peak of memory is that of this process alone."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from segtcn.peak_memory import peak_memory_mib


def test_a_peak_does_not_begin_with_the_memory_of_the_process_that_starts_the_measurement():
    held = b"1" * (256 * 2**20)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        peak = pool.submit(peak_memory_mib).result()
    assert 1 < peak < 256 < peak_memory_mib()
    assert len(held) == 256 * 2**20


def test_a_peak_counts_what_was_freed():
    before = peak_memory_mib()
    for _ in range(2):
        held = b"1" * int((before + 50) * 2**20)
        del held
    assert peak_memory_mib() > before + 50
