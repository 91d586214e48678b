"""Segments as sets of frames, and the textbook's edit distance: what slow versions of the scores are made of."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

IGNORE = -100


class Piece(NamedTuple):
    label: int
    frames: set[int]


def pieces(sequence: list[int], background: Collection[int] = (), truth: Collection[int] = ()) -> list[Piece]:
    """Segments in time order as sets of frame numbers; background is dropped once all segments are known.

    Where the truth is ignored there is no segment, and none reaches over such a frame.
    """
    segments: list[Piece] = []
    ends = True
    for t, (label, true) in enumerate(zip(sequence, truth or sequence, strict=True)):
        if true == IGNORE:
            ends = True
            continue
        if ends or segments[-1].label != label:
            segments.append(Piece(label, set()))
        segments[-1].frames.add(t)
        ends = False
    return [piece for piece in segments if piece.label not in background]


def edit_distance(a: list[int], b: list[int]) -> int:
    """Fewest insertions, deletions and substitutions that turn ``a`` into ``b``: the textbook's table."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) + 1):
        for j in range(len(b) + 1):
            if i == 0 or j == 0:
                table[i][j] = i + j
            else:
                replaced = table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
                table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, replaced)
    return table[-1][-1]
