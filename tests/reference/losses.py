"""The losses written out in loops over videos, frames and classes, on lists of real frames only."""

from __future__ import annotations

import math
from itertools import pairwise

Frames = list[list[float]]  # one list of C logits for every frame of a video
IGNORE = -100


def log_softmax(logits: list[float]) -> list[float]:
    total = math.log(sum(math.exp(value) for value in logits))
    return [value - total for value in logits]


def cross_entropy(
    videos: list[Frames], labels: list[list[int]], weight: list[float], smoothing: float = 0.0, gamma: float = 0.0
) -> float:
    """Also the focal loss, with ``gamma``."""
    total = count = 0.0
    for frames, truth in zip(videos, labels, strict=True):
        for logits, label in zip(frames, truth, strict=True):
            if label == IGNORE:
                continue
            log_p = log_softmax(logits)
            loss = -(1 - smoothing) * log_p[label]
            for value in log_p:
                loss -= smoothing / len(log_p) * value
            total += weight[label] * (1 - math.exp(log_p[label])) ** gamma * loss
            count += weight[label]
    return total / count if count else 0.0


def truncated_mse(videos: list[Frames], threshold: float, similarity: list[list[float]] | None = None) -> float:
    """``similarity``: of every pair of neighbours, for each video."""
    total, count = 0.0, 0
    for number, frames in enumerate(videos):
        for t in range(1, len(frames)):
            for before, now in zip(log_softmax(frames[t - 1]), log_softmax(frames[t]), strict=True):
                change = min(abs(now - before), threshold) ** 2
                total += change * (similarity[number][t - 1] if similarity else 1.0)
                count += 1
    return total / count if count else 0.0


def similarities(frames: Frames, sigma: float, squared: bool) -> list[float]:
    values = []
    for before, now in pairwise(frames):
        distance = math.sqrt(sum((a - b) ** 2 for a, b in zip(before, now, strict=True)))
        values.append(math.exp(-(distance**2 if squared else distance) / (2 * sigma**2)))
    return values


def boundary_bce(videos: list[list[float]], labels: list[list[int]], pos_weight: float) -> float:
    total, count = 0.0, 0
    for logits, truth in zip(videos, labels, strict=True):
        for t, (logit, label) in enumerate(zip(logits, truth, strict=True)):
            if label == IGNORE or (t > 0 and truth[t - 1] == IGNORE):
                continue
            q = 1 / (1 + math.exp(-logit))
            starts = t == 0 or truth[t - 1] != label
            total -= pos_weight * math.log(q) if starts else math.log(1 - q)
            count += 1
    return total / count if count else 0.0


def gaussian_means(values: list[float], known: list[bool], sigma: float) -> list[float]:
    reach = int(4 * sigma + 0.5)

    def mean(t: int) -> float:
        near = [s for s in range(len(values)) if known[s] and abs(s - t) <= reach]
        weights = [math.exp(-((s - t) ** 2) / (2 * sigma**2)) for s in near]
        return sum(w * values[s] for w, s in zip(weights, near, strict=True)) / sum(weights) if near else 0.0

    return [mean(t) for t in range(len(values))]


def soft_cross_entropy(videos: list[Frames], labels: list[list[int]], sigma: float) -> float:
    total = count = 0.0
    for frames, truth in zip(videos, labels, strict=True):
        known = [label != -100 for label in truth]
        targets = [gaussian_means([float(label == c) for label in truth], known, sigma) for c in range(len(frames[0]))]
        for t, logits in enumerate(frames):
            if known[t]:
                total -= sum(target[t] * x for target, x in zip(targets, log_softmax(logits), strict=True))
                count += 1
    return total / count


def boundary_alignment(videos: list[Frames], labels: list[list[int]], sigma: float) -> float:
    total = count = 0.0
    single = gaussian_means([0.0] * 50 + [1.0, 1.0] + [0.0] * 50, [True] * 102, sigma)[50]
    for frames, truth in zip(videos, labels, strict=True):
        known = [label != -100 for label in truth]
        pairs = [t for t in range(1, len(truth)) if known[t] and known[t - 1]]
        beside = {s for t in pairs if truth[t] != truth[t - 1] for s in (t - 1, t)}
        hills = gaussian_means([float(t in beside) for t in range(len(truth))], known, sigma)
        for t in pairs:
            first, second = (log_softmax(frames[s]) for s in (t - 1, t))
            same = sum(math.exp(x + y) for x, y in zip(first, second, strict=True))
            hill = min(1.0, hills[t] / single)
            total -= hill * math.log(1 - same) + (1 - hill) * math.log(same)
            count += 1
    return total / count
