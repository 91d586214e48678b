"""Scores beside those of the tables, written out in loops over frames and segments."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from tests.reference.segments import IGNORE, Piece, pieces


def confusion(preds: list[int], labels: list[int], num_classes: int) -> list[list[int]]:
    table = [[0] * num_classes for _ in range(num_classes)]
    for pred, label in zip(preds, labels, strict=True):
        if label != IGNORE:
            table[label][pred] += 1
    return table


def broken(preds: list[int], labels: list[int], background: Collection[int] = (), exchanged: bool = False) -> float:
    """Percent of the true segments that two or more predicted ones of their class overlap; or the other way round."""
    parts_of, whole = (labels, preds) if exchanged else (preds, labels)
    segments = pieces(whole, background, labels)
    parts = pieces(parts_of, (), labels)
    times = [sum(p.label == y.label and bool(p.frames & y.frames) for p in parts) for y in segments]
    return 100 * sum(number > 1 for number in times) / len(segments) if segments else 0.0


def boundaries(sequence: list[int], truth: list[int]) -> list[int]:
    """Frames that start a segment right after another one."""
    segments = pieces(sequence, (), truth)
    return [min(p.frames) for p in segments if any(min(p.frames) - 1 in before.frames for before in segments)]


def most_pairs(a: list[int], b: list[int], tolerance: int) -> int:
    """The largest number of one-to-one pairs within the tolerance, by trying every set of partners in order."""
    for size in range(min(len(a), len(b)), 0, -1):
        for some_a in combinations(a, size):
            for some_b in combinations(b, size):
                if all(abs(x - y) <= tolerance for x, y in zip(some_a, some_b, strict=True)):
                    return size
    return 0


def boundary_f1(preds: list[int], labels: list[int], tolerance: int) -> float:
    a, b = boundaries(preds, labels), boundaries(labels, labels)
    return 200 * most_pairs(a, b, tolerance) / (len(a) + len(b)) if a or b else 100.0


def mean_average_precision(videos, criterion: str, threshold: float, background: Collection[int] = ()) -> float:
    """Videos are (predictions, labels, scores of each frame by class); no two confidences may be equal."""
    ranked = []  # confidence, class, correct
    num_true: dict[int, int] = {}
    for preds, labels, scores in videos:
        predicted, true = (pieces(side, background, labels) for side in (preds, labels))
        confidence = [max(scores[t][piece.label] for t in piece.frames) for piece in predicted]
        detecting = set()
        for target in true:
            num_true[target.label] = num_true.get(target.label, 0) + 1
            best, best_fit = None, -1.0
            for i in sorted(range(len(predicted)), key=lambda i: -confidence[i]):
                if predicted[i].label == target.label and i not in detecting:
                    fit = _fit(predicted[i], target, criterion)
                    if fit > best_fit:
                        best, best_fit = i, fit
            if best is not None and best_fit > (threshold if criterion == "iou" else 0.5):
                detecting.add(best)
        ranked += [(confidence[i], piece.label, i in detecting) for i, piece in enumerate(predicted)]
    if not num_true:
        return 0.0 if ranked else 100.0
    ranked.sort(reverse=True)
    average = []
    for label, count in num_true.items():
        found = total = 0
        precisions = 0.0
        for _, of_class, correct in ranked:
            if of_class == label:
                total += 1
                if correct:
                    found += 1
                    precisions += found / total
        average.append(precisions / count)
    return 100 * sum(average) / len(average)


def _fit(piece: Piece, target: Piece, criterion: str) -> float:
    if criterion == "midpoint":
        middle = (min(piece.frames) + max(piece.frames) + 1) / 2
        return float(min(target.frames) <= middle < max(target.frames) + 1)
    return len(piece.frames & target.frames) / len(piece.frames | target.frames)
