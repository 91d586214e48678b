"""Windows of frames as slow, obvious code."""

from __future__ import annotations

from segtcn.extract.windows import OUTSIDE


def slow_windows(numbers: list[int], window: int, stride: int, padding: str) -> list[list[int]]:
    """Pad the whole clip, then cut it."""
    before, after = window // 2, window - window // 2 - 1
    ends = (OUTSIDE, OUTSIDE) if padding == "zero" else (numbers[0], numbers[-1])
    padded = [ends[0]] * before + numbers + [ends[1]] * after
    return [padded[start : start + window] for start in range(0, len(numbers), stride)]
