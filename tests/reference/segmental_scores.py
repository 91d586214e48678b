"""The three scores written out in loops over frames and segments, to compare the library's with."""

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


def frame_accuracy(preds: list[int], labels: list[int], background: Collection[int] = ()) -> float:
    right = wrong = 0
    for pred, label in zip(preds, labels, strict=True):
        if label in background or label == IGNORE:
            continue
        if pred == label:
            right += 1
        else:
            wrong += 1
    return 100 * right / (right + wrong) if right + wrong else 100.0


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


def edit_score(preds: list[int], labels: list[int], background: Collection[int] = ()) -> float:
    a, b = ([piece.label for piece in pieces(side, background, labels)] for side in (preds, labels))
    longer = max(len(a), len(b))
    return 100 * (1 - edit_distance(a, b) / longer) if longer else 100.0


def segment_counts(
    preds: list[int], labels: list[int], threshold: float, background: Collection[int] = ()
) -> dict[int, list[int]]:
    """``[tp, fp, fn]`` of every class that has a segment: predicted segments choose one after the other."""
    predicted, true = (pieces(side, background, labels) for side in (preds, labels))
    counts = {piece.label: [0, 0, 0] for piece in predicted + true}
    taken = [False] * len(true)
    for piece in predicted:
        best, best_iou = None, 0.0
        for i, candidate in enumerate(true):
            iou = len(piece.frames & candidate.frames) / len(piece.frames | candidate.frames)
            if candidate.label == piece.label and iou > best_iou:  # `>`: of equal ones the first stays
                best, best_iou = i, iou
        if best is not None and best_iou >= threshold and not taken[best]:
            taken[best] = True
            counts[piece.label][0] += 1
        else:
            counts[piece.label][1] += 1
    for piece, was_taken in zip(true, taken, strict=True):
        counts[piece.label][2] += not was_taken
    return counts


def f1_of(counts: list[list[int]]) -> float:
    tp, fp, fn = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0, 0)
    return 200 * tp / (2 * tp + fp + fn) if tp + fp + fn else 100.0


def segmental_f1(preds: list[int], labels: list[int], threshold: float, background: Collection[int] = ()) -> float:
    return f1_of(list(segment_counts(preds, labels, threshold, background).values()))
